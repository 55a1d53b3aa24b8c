"""`receive http` beside a bare ASGI application on the same server that answers empty.

Each contestant is a process of its own with uvicorn, TLS and the same loop; the load comes from another process, over
keep-alive connections that each send their next message when the last one is answered, and again when it was not
taken. A rate counts verdicts, not answers: from the first octet sent to the last verdict, told as a line of JSON.
The reference answers 202 as soon as it has the body, and that is all it does.

Contestants take turns. A tree is shown before its commits (the time of all COMMIT statements is taken out) and with.
"""

from __future__ import annotations

import asyncio
import json
import os
import selectors
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from threading import Event
from typing import TYPE_CHECKING, Any, Final, cast

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from benchmarks.bench_tree import adding, interior, leaf
from smartcard_dm import wbxml
from smartcard_dm.dm import (
    AppAddress,
    CommandKind,
    DmAccount,
    DmMessage,
    Item,
    ItemCommand,
    Meta,
    ServerId,
    SyncHeader,
    TextData,
    build_message,
)
from smartcard_dm.identity import Origin
from smartcard_dm.limits import Limits
from smartcard_dm.push.http_server import HttpListener, serve_http
from smartcard_dm.push.listening import listen_tcp
from smartcard_dm.push.tls import server_context
from smartcard_dm.receive.audit import Audit, Audits, TreeAudit
from smartcard_dm.receive.judges import CardJudge, TreeJudge
from smartcard_dm.receive.outcome import Verdict
from smartcard_dm.receive.receiver import Receiver
from smartcard_dm.report.received import received_form
from smartcard_dm.tree import DeviceTree
from smartcard_dm.trust.anchors import TrustAnchor
from smartcard_dm.trust.credentials import Credentials
from smartcard_dm.trust.policy import Policy
from smartcard_dm.trust.transport import Transport, TransportKind
from smartcard_dm.xmlsec import AlgorithmPolicy, PrivateSigningKey, SecretSigningKey, sign_message
from tests.materials import SHARED_SECRET, private_pem, public_der
from tests.push.http_lab import HOST, request
from tests.push.tls import issue_cert, make_ca
from tests.tree.device import INFORMATION, A, B, account, card

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smartcard_dm.receive.judges import Judge
    from smartcard_dm.receive.outcome import Outcome

MESSAGES: Final = 1_500
"""Messages of one run."""
WARMING: Final = 100
"""Those before them, which nobody times."""
COMMANDS: Final = (1, 12)
"""Commands of a message of 3 kB: one with a long value, or some with short ones."""
CONNECTIONS: Final = 16
ROUNDS: Final = 3
AIM: Final = 1 / 3
"""The rate aimed at, as a part of the reference's."""
BARE, CARD, TREE = "bare", "card", "tree"
_NAMES: Final = {BARE: "bare ASGI application", CARD: "receive --card", TREE: "receive --tree"}
_LIMITS: Final = Limits(receive_per_second=1_000_000)
_RETRY_SECONDS: Final = 0.05
"""How long a sender waits that was told that there is no room."""
_SETTLE_SECONDS: Final = 2.0
"""How long those before may take to get their verdicts."""
_LOOP: Final = "asyncio"
"""What the extra `http` brings; with uvloop all of them are faster, the reference most."""
_SECONDS: Final = 120
_SIGNERS: Final = {"HMAC-SHA256": A, "ECDSA P-256": B}


@dataclass(frozen=True, slots=True)
class Rate:
    """How many messages a contestant takes in one second."""

    message: str
    contestant: str
    per_second: float
    """Median over rounds."""
    part: float
    """Of the reference's rate."""
    aim: float | None = None


def messages(signature: str, key: PrivateSigningKey | SecretSigningKey, count: int) -> list[bytes]:
    """Return messages that differ in SessionID and values, about 3 kB each: so many Replace of leaves below ./Bench."""
    words = "the quick brown fox jumps over it " * round(67 / count - 2)
    policy = AlgorithmPolicy.default()
    made: list[bytes] = []
    for number in range(1, WARMING + MESSAGES + 1):
        commands = tuple(
            ItemCommand(
                kind=CommandKind.REPLACE,
                cmd_id=str(at + 1),
                items=(
                    Item(
                        target=f"./Bench/v{at}",
                        meta=Meta(format="chr", type="text/plain"),
                        data=TextData(f"value {at} of message {number}: {words}"),
                    ),
                ),
            )
            for at in range(count)
        )
        header = SyncHeader(session_id=str(number), msg_id="1", target="./", source=_SIGNERS[signature])
        made.append(wbxml.from_xml(sign_message(build_message(DmMessage(header, commands)), key, policy)))
    return made


def credentials(folder: Path) -> Credentials:
    """Return accounts whose servers sign with the shared secret, and with the key of the folder."""
    key = load_pem_private_key((folder / "signer.pem").read_bytes(), None)
    anchor = TrustAnchor.from_public_key(
        public_der(cast("ec.EllipticCurvePrivateKey", key)), label=B, origin=Origin("a benchmark", "", "")
    )
    by_key = DmAccount(
        server_id=ServerId(B), node_name="b", addresses=(AppAddress(node_name="1", addr="https://b.example/"),)
    )
    held = card(account(A), by_key)
    return Credentials(held.identity, held.accounts, (anchor,), objects=held.objects)


# The contestants: processes


def serve(kind: str, folder: Path) -> None:
    """Run one contestant until SIGTERM; tell the port at the beginning and the counts at the end."""
    context = server_context(folder / "host.pem", folder / "host.key")
    with listen_tcp(HOST, 0) as listening:
        print(json.dumps({"port": listening.getsockname()[1]}), flush=True)
        told = _bare(context, listening) if kind == BARE else _receive(kind, folder, context, listening)
    print(json.dumps(told), flush=True)


def _bare(context: ssl.SSLContext, listening: socket.socket) -> dict[str, float]:
    from uvicorn import Config, Server  # noqa: PLC0415 - the other contestants have their own way to it

    start = {"type": "http.response.start", "status": 202, "headers": [(b"content-length", b"0")]}
    body = {"type": "http.response.body", "body": b""}
    last = 0.0

    async def app(_scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - dictionaries of ASGI
        nonlocal last
        while (await receive())["more_body"]:
            pass
        await send(start)
        await send(body)
        last = time.monotonic()

    config = Config(
        app,
        loop=_LOOP,
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        ssl_certfile="unused",
        ssl_context_factory=lambda _config, _default: context,
    )
    server = Server(config)
    signal.signal(signal.SIGTERM, lambda *_: setattr(server, "should_exit", True))
    config.load()
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(server._serve([listening]))  # noqa: SLF001 - without its own handlers of signals
    return {"last": last, "verdicts": WARMING + MESSAGES, "commit": 0.0}


def _receive(kind: str, folder: Path, context: ssl.SSLContext, listening: socket.socket) -> dict[str, float]:
    policy = Policy.default().over(TransportKind.HTTP)
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    last, count = 0.0, 0
    commits: list[float] = []
    with ExitStack() as stack, Path(os.devnull).open("wb", buffering=0) as out:
        judge: Judge
        audits: list[Audit] = []
        if kind == CARD:
            judge = CardJudge(credentials(folder), policy=policy)
        else:
            tree = stack.enter_context(DeviceTree.open(str(folder / "tree.db")))
            _time_commits(tree, commits)
            judge = TreeJudge(tree, policy=policy)
            audits.append(TreeAudit(tree, policy.limits))

        def tell(outcome: Outcome) -> None:
            nonlocal last, count
            out.write(json.dumps(received_form(outcome), separators=(",", ":")).encode("ascii") + b"\n")
            if outcome.verdict is not Verdict.AUTHORIZED:
                raise AssertionError(f"a message that is to be timed is refused: {outcome.detail}")
            count += 1
            last = time.monotonic()
            if count == WARMING:
                commits.clear()

        receiver = Receiver(judge, Audits(audits), tell, lambda: datetime.now(UTC), on_end=stop.set, limits=_LIMITS)
        with receiver:
            serve_http(
                HttpListener(tls=context, limits=_LIMITS, loop=_LOOP),
                listening,
                receiver,
                stop,
                lambda _host, _port: None,
            )
        if receiver.trouble is not None:
            raise receiver.trouble
    return {"last": last, "verdicts": count, "commit": sum(commits)}


def _time_commits(tree: DeviceTree, commits: list[float]) -> None:
    database = tree._database  # noqa: SLF001 - to look at the clock
    execute = database.execute

    def timed(sql: str, *arguments: Any) -> Any:  # noqa: ANN401 - what it takes and gives is handed on
        began = time.perf_counter()
        result = execute(sql, *arguments)
        if sql == "COMMIT":
            commits.append(time.perf_counter() - began)
        return result

    database.execute = timed  # type: ignore[method-assign,assignment]


# The load: a process


def load(port: int, file: Path) -> None:
    """Push the messages of a file once each; tell when those began that count."""
    octets = _read(file)
    sender = _Sender(port, file.with_name("ca.pem"))
    sender.push(octets[:WARMING])
    time.sleep(_SETTLE_SECONDS)
    began = time.monotonic()
    sender.push(octets[WARMING:])
    print(json.dumps({"began": began}), flush=True)


class _Sender:
    """Connections that each have one message on its way."""

    def __init__(self, port: int, authority: Path) -> None:
        context = ssl.create_default_context(cafile=authority)
        self._poll = selectors.DefaultSelector()
        self._links: list[ssl.SSLSocket] = []
        for _ in range(CONNECTIONS):
            wire = socket.create_connection((HOST, port), timeout=_SECONDS)
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link = context.wrap_socket(wire, server_hostname=HOST)
            link.setblocking(False)
            self._poll.register(link, selectors.EVENT_READ)
            self._links.append(link)
        self._waiting: deque[bytes] = deque()
        self._sent: dict[ssl.SSLSocket, bytes] = {}
        self._later: deque[tuple[float, ssl.SSLSocket]] = deque()

    def push(self, messages: Sequence[bytes]) -> None:
        """Push messages until each is taken."""
        self._waiting.extend(request(octets, close=False) for octets in messages)
        for link in self._links:
            self._send(link)
        while self._sent or self._later:
            for ready, _ in self._poll.select(_RETRY_SECONDS / 4 if self._later else _SECONDS):
                self._hear(cast("ssl.SSLSocket", ready.fileobj))
            while self._later and self._later[0][0] <= time.monotonic():
                self._send(self._later.popleft()[1])

    def _send(self, link: ssl.SSLSocket) -> None:
        if self._waiting:
            self._sent[link] = self._waiting.popleft()
            link.send(self._sent[link])

    def _hear(self, link: ssl.SSLSocket) -> None:
        try:
            answer = link.recv(4096)
        except ssl.SSLWantReadError:  # such as a ticket
            return
        octets = self._sent.pop(link)
        if answer.startswith(b"HTTP/1.1 202 "):
            self._send(link)
        elif answer.startswith(b"HTTP/1.1 503 "):
            self._waiting.appendleft(octets)
            self._later.append((time.monotonic() + _RETRY_SECONDS, link))
        else:
            raise AssertionError(f"no answer of a receiver: {answer!r}")


def _write(path: Path, made: Sequence[bytes]) -> None:
    path.write_bytes(b"".join(len(octets).to_bytes(4, "big") + octets for octets in made))


def _read(path: Path) -> list[bytes]:
    octets, at, found = path.read_bytes(), 0, []
    while at < len(octets):
        size = int.from_bytes(octets[at : at + 4], "big")
        found.append(octets[at + 4 : at + 4 + size])
        at += 4 + size
    return found


# Both of them


def _run(folder: Path, kind: str, signature: str, file: Path) -> tuple[float, float]:
    """Return seconds for each message, those of its commits apart."""
    if kind == TREE:
        _make_tree(folder, _SIGNERS[signature])
    program = [sys.executable, "-m", "benchmarks.bench_receive"]
    contestant = subprocess.Popen([*program, "serve", kind, str(folder)], stdout=subprocess.PIPE, text=True)
    with contestant:
        try:
            port = _line(contestant)["port"]
            loading = [*program, "load", str(int(port)), str(file)]
            done = subprocess.run(loading, stdout=subprocess.PIPE, check=True, timeout=_SECONDS)
            contestant.terminate()
            told = _line(contestant)
        finally:
            contestant.kill()
    if told["verdicts"] != WARMING + MESSAGES:
        raise AssertionError(f"{kind}: {told['verdicts']} verdicts about {WARMING + MESSAGES} messages")
    seconds = told["last"] - json.loads(done.stdout)["began"]
    return (seconds - told["commit"]) / MESSAGES, told["commit"] / MESSAGES


def _line(contestant: subprocess.Popen[str]) -> dict[str, float]:
    line: dict[str, float] = json.loads(contestant.stdout.readline() if contestant.stdout is not None else "")
    return line


def _make_tree(folder: Path, server_id: str) -> None:
    """Make a tree whose nodes the messages change; each run has a new one, for a message takes effect once."""
    for path in folder.glob("tree.db*"):
        path.unlink()
    now = datetime.now(UTC)
    with DeviceTree.create(str(folder / "tree.db"), INFORMATION, at=now) as tree:
        tree.sync(credentials(folder), at=now)
        octets, _ = adding([interior("Bench", [leaf(f"v{at}", "old") for at in range(max(COMMANDS))])], ".", 1)
        applied = tree.apply(octets, transport=Transport.local(), at=now, policy=Policy.default())
        if any(not row.status.is_success for row in applied.report):
            raise AssertionError("the tree cannot be made")
        with tree._database.writing():  # noqa: SLF001 - as the device itself: either server may change the values
            tree._database.execute("UPDATE node SET acl = ? WHERE path = 'Bench'", (f"Get=*&Replace={server_id}",))  # noqa: SLF001


def run() -> list[Rate]:
    """Return the rates of every contestant, for each kind of signature."""
    found: list[Rate] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ca = make_ca(folder)
        host = issue_cert(ca, "host")
        for made, wanted in ((ca.file, "ca.pem"), (host.certificate, "host.pem"), (host.key, "host.key")):
            made.rename(folder / wanted)
        key = ec.generate_private_key(ec.SECP256R1())
        (folder / "signer.pem").write_bytes(private_pem(key))
        for signature, signer in (
            ("HMAC-SHA256", SecretSigningKey(SHARED_SECRET)),
            ("ECDSA P-256", PrivateSigningKey.from_key(key)),
        ):
            for count in COMMANDS:
                octets = messages(signature, signer, count)
                file = folder / "messages"
                _write(file, octets)
                times: dict[str, list[tuple[float, float]]] = {kind: [] for kind in _NAMES}
                for _ in range(ROUNDS):
                    for kind in _NAMES:
                        times[kind].append(_run(folder, kind, signature, file))
                size = sum(map(len, octets)) // len(octets)
                found += _rates(f"{signature}, {size:,} octets, {count} Replace", times)
    return found


def _rates(message: str, times: dict[str, list[tuple[float, float]]]) -> list[Rate]:
    reference = 1 / median(seconds for seconds, _ in times[BARE])
    rows: list[tuple[str, float, float | None]] = [
        (_NAMES[BARE], reference, None),
        (_NAMES[CARD], 1 / median(seconds for seconds, _ in times[CARD]), AIM),
        (f"{_NAMES[TREE]}, before its commits", 1 / median(seconds for seconds, _ in times[TREE]), AIM),
        (_NAMES[TREE], 1 / median(seconds + commit for seconds, commit in times[TREE]), None),
    ]
    return [Rate(message, name, rate, rate / reference, aim) for name, rate, aim in rows]


def table(rows: Sequence[Rate]) -> str:
    """Return rates as a Markdown table."""
    lines = ["| message | contestant | messages/s | part | aim |", "|---|---|---:|---:|---:|"]
    for row in rows:
        aim = "" if row.aim is None else f"{row.aim:.2f}"
        lines.append(f"| {row.message} | {row.contestant} | {row.per_second:,.0f} | {row.part:.2f} | {aim} |")
    return "\n".join(lines)


def main() -> None:
    """Print the comparison; with arguments, be one of its processes."""
    match sys.argv[1:]:
        case ["serve", kind, folder]:
            serve(kind, Path(folder))
        case ["load", port, file]:
            load(int(port), Path(file))
        case _:
            print(table(run()))


if __name__ == "__main__":
    main()
