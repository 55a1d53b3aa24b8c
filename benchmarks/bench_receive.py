"""`receive http` beside a bare ASGI application on the same server that answers empty.

All of them are uvicorn with httptools, with the same TLS and the same loop: the reference as it comes, ours with the
door and the process of its own that `receive http` has. The load comes from one other process, over connections that
are kept or over a new one for each message; a message is sent again when it was not taken. A rate counts verdicts, not
answers: from the first octet sent to the last verdict, told as a line of JSON. The reference answers 202 when it has
the body, and that is all it does.

Contestants take turns. What a tree costs is measured three times: the verification against it alone, the message
carried out without a flush of its commit to the disk (`synchronous=OFF`), and all of it.
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
from smartcard_dm.push.apart import ListenerOrder, ListenerProcess, TlsFiles
from smartcard_dm.push.listening import listen_tcp
from smartcard_dm.push.tls import server_context
from smartcard_dm.receive.audit import Audit, Audits, TreeAudit
from smartcard_dm.receive.judges import CardJudge, TreeJudge, authorized_outcome
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

    from smartcard_dm.push.arrival import Arrival
    from smartcard_dm.receive.judges import Judge
    from smartcard_dm.receive.outcome import Outcome

MESSAGES: Final = 600
"""Messages of one run."""
WARMING: Final = 100
"""Those before them, which nobody times."""
CONNECTIONS: Final = 16
MOST_COMMANDS: Final = 12
"""Commands of the message that has most."""
ROUNDS: Final = 3
AIM: Final = 1 / 3
"""The rate aimed at, as a part of the reference's."""
BARE, CARD, VERIFIED, UNFLUSHED, TREE = "bare", "card", "verified", "unflushed", "tree"
_NAMES: Final = {
    BARE: "bare ASGI application",
    CARD: "receive --card",
    VERIFIED: "receive --tree, verification alone",
    UNFLUSHED: "receive --tree, carried out, before its commit",
    TREE: "receive --tree",
}
_AIMED: Final = (CARD, VERIFIED, UNFLUSHED)
"""Those that the aim is for: everything but the commit."""
KEPT, NEW = "kept", "new"
_WAYS: Final = {KEPT: "kept", NEW: "one each"}
"""What becomes of a connection: it carries many messages, or one."""
_LIMITS: Final = Limits(receive_per_second=1_000_000)
_RETRY_SECONDS: Final = 0.05
"""How long a sender waits that was told that there is no room."""
_SETTLE_SECONDS: Final = 1.0
"""How long those before may take to get their verdicts."""
_LOOP: Final = "asyncio"
"""What the extra `http` brings; with uvloop all of them are faster, the reference most."""
_SECONDS: Final = 120
_SIGNERS: Final = {"HMAC-SHA256": A, "ECDSA P-256": B}


@dataclass(frozen=True, slots=True)
class Rate:
    """How many messages a contestant takes in one second."""

    message: str
    connections: str
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
    listening = listen_tcp(HOST, 0)
    port = {"port": listening.getsockname()[1]}
    told = _bare(folder, listening, port) if kind == BARE else _receive(kind, folder, listening, port)
    print(json.dumps(told), flush=True)


def _bare(folder: Path, listening: socket.socket, port: dict[str, int]) -> dict[str, float]:
    from uvicorn import Config, Server  # noqa: PLC0415 - the other contestants have their own way to it

    context = server_context(folder / "host.pem", folder / "host.key")
    print(json.dumps(port), flush=True)
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
    return {"last": last, "verdicts": WARMING + MESSAGES}


class _Verifying:
    """Judges as `TreeJudge` does before it carries anything out."""

    def __init__(self, tree: DeviceTree, policy: Policy) -> None:
        self._tree = tree
        self._policy = policy

    def judge(self, arrival: Arrival, at: datetime) -> Outcome:
        """Authorize a message, or raise."""
        message = self._tree.verify(arrival.octets, transport=arrival.transport, at=at, policy=self._policy)
        return authorized_outcome(arrival, at, message, message.command_count, None)


def _receive(kind: str, folder: Path, listening: socket.socket, port: dict[str, int]) -> dict[str, float]:
    policy = Policy.default().over(TransportKind.HTTP)
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    last, count = 0.0, 0
    with ExitStack() as stack, Path(os.devnull).open("wb", buffering=0) as out:
        tls = TlsFiles(certificate=folder / "host.pem", key=folder / "host.key")
        order = ListenerOrder(kind=TransportKind.HTTP, tls=tls, limits=_LIMITS, loop=_LOOP)
        listener = stack.enter_context(ListenerProcess(order, listening))
        judge: Judge
        audits: list[Audit] = []
        if kind == CARD:
            judge = CardJudge(credentials(folder), policy=policy)
        else:
            tree = stack.enter_context(DeviceTree.open(str(folder / "tree.db")))
            if kind == UNFLUSHED:
                tree._database.execute("PRAGMA synchronous = OFF")  # noqa: SLF001 - to tell what a flush costs
            judge = _Verifying(tree, policy) if kind == VERIFIED else TreeJudge(tree, policy=policy)
            audits += [] if kind == VERIFIED else [TreeAudit(tree, policy.limits)]

        def tell(outcome: Outcome) -> None:
            nonlocal last, count
            out.write(json.dumps(received_form(outcome), separators=(",", ":")).encode("ascii") + b"\n")
            if outcome.verdict is not Verdict.AUTHORIZED:
                raise AssertionError(f"a message that is to be timed is refused: {outcome.detail}")
            count += 1
            last = time.monotonic()

        receiver = Receiver(judge, Audits(audits), tell, lambda: datetime.now(UTC), on_end=stop.set, limits=_LIMITS)
        with receiver:
            print(json.dumps(port), flush=True)
            listener.run(receiver, stop, lambda _host, _port: None)
        if receiver.trouble is not None:
            raise receiver.trouble
    return {"last": last, "verdicts": count}


# The load: a process


def load(way: str, port: int, file: Path) -> None:
    """Push the messages of a file once each; tell when those began that count."""
    octets = _read(file)
    sender = _Sender(way, port, file.with_name("ca.pem"))
    sender.push(octets[:WARMING])
    time.sleep(_SETTLE_SECONDS)
    began = time.monotonic()
    sender.push(octets[WARMING:])
    print(json.dumps({"began": began}), flush=True)


class _Link:
    """A connection with at most one message on its way."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        wire = socket.create_connection((HOST, port), timeout=_SECONDS)
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wire.setblocking(False)
        self.tls = context.wrap_socket(wire, server_hostname=HOST, do_handshake_on_connect=False)
        self.request: bytes | None = None
        self._shaken = False

    def send(self, request: bytes) -> None:
        """Send a message, now or after the handshake."""
        self.request = request
        if self._shaken:
            self.tls.send(request)
        else:
            self._shake()

    def hear(self) -> bytes | None:
        """Return an answer, if there is one."""
        if not self._shaken:
            self._shake()
            return None
        try:
            return self.tls.recv(4096)
        except ssl.SSLWantReadError:  # such as a ticket
            return None

    def _shake(self) -> None:
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            return
        self._shaken = True
        if self.request is not None:
            self.tls.send(self.request)


class _Sender:
    """So many messages on their way at one time, each over a connection that is kept, or over one of its own."""

    def __init__(self, way: str, port: int, authority: Path) -> None:
        self._keeps = way == KEPT
        self._port = port
        self._context = ssl.create_default_context(cafile=authority)
        self._poll = selectors.DefaultSelector()
        self._waiting: deque[bytes] = deque()
        self._idle: list[_Link] = []
        self._busy = 0
        self._later: deque[tuple[float, bytes]] = deque()

    def push(self, messages: Sequence[bytes]) -> None:
        """Push messages until each is taken."""
        self._waiting.extend(request(octets, close=not self._keeps) for octets in messages)
        while self._waiting or self._busy or self._later:
            while self._later and self._later[0][0] <= time.monotonic():
                self._waiting.appendleft(self._later.popleft()[1])
            while self._waiting and self._busy + len(self._later) < CONNECTIONS:
                self._send(self._waiting.popleft())
            for ready, _ in self._poll.select(_RETRY_SECONDS / 4 if self._later else _SECONDS):
                self._hear(cast("_Link", ready.data))

    def _send(self, octets: bytes) -> None:
        link = self._idle.pop() if self._idle else self._new()
        self._busy += 1
        link.send(octets)

    def _new(self) -> _Link:
        link = _Link(self._port, self._context)
        self._poll.register(link.tls, selectors.EVENT_READ, link)
        return link

    def _hear(self, link: _Link) -> None:
        answer = link.hear()
        if answer is None:
            return
        octets, link.request = link.request, None
        if octets is None:
            raise AssertionError("an answer to nothing")
        self._busy -= 1
        if self._keeps:
            self._idle.append(link)
        else:
            self._poll.unregister(link.tls)
            link.tls.close()
        if answer.startswith(b"HTTP/1.1 503 "):
            self._later.append((time.monotonic() + _RETRY_SECONDS, octets))
        elif not answer.startswith(b"HTTP/1.1 202 "):
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


def _run(folder: Path, kind: str, signature: str, file: Path, way: str) -> float:
    """Return seconds for each message."""
    if kind not in {BARE, CARD}:
        _make_tree(folder, _SIGNERS[signature])
    program = [sys.executable, "-m", "benchmarks.bench_receive"]
    contestant = subprocess.Popen([*program, "serve", kind, str(folder)], stdout=subprocess.PIPE, text=True)
    with contestant:
        try:
            port = _line(contestant)["port"]
            loading = [*program, "load", way, str(int(port)), str(file)]
            done = subprocess.run(loading, stdout=subprocess.PIPE, check=True, timeout=_SECONDS)
            contestant.terminate()
            told = _line(contestant)
        finally:
            contestant.kill()
    if told["verdicts"] != WARMING + MESSAGES:
        raise AssertionError(f"{kind}: {told['verdicts']} verdicts about {WARMING + MESSAGES} messages")
    return float(told["last"] - json.loads(done.stdout)["began"]) / MESSAGES


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
        octets, _ = adding([interior("Bench", [leaf(f"v{at}", "old") for at in range(MOST_COMMANDS)])], ".", 1)
        applied = tree.apply(octets, transport=Transport.local(), at=now, policy=Policy.default())
        if any(not row.status.is_success for row in applied.report):
            raise AssertionError("the tree cannot be made")
        with tree._database.writing():  # noqa: SLF001 - as the device itself: either server may change the values
            tree._database.execute("UPDATE node SET acl = ? WHERE path = 'Bench'", (f"Get=*&Replace={server_id}",))  # noqa: SLF001


def run() -> list[Rate]:
    """Return the rates of every contestant: a shared secret and one long value, a key pair and some short values."""
    found: list[Rate] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ca = make_ca(folder)
        host = issue_cert(ca, "host")
        for made, wanted in ((ca.file, "ca.pem"), (host.certificate, "host.pem"), (host.key, "host.key")):
            made.rename(folder / wanted)
        key = ec.generate_private_key(ec.SECP256R1())
        (folder / "signer.pem").write_bytes(private_pem(key))
        for signature, signer, count in (
            ("HMAC-SHA256", SecretSigningKey(SHARED_SECRET), 1),
            ("ECDSA P-256", PrivateSigningKey.from_key(key), MOST_COMMANDS),
        ):
            octets = messages(signature, signer, count)
            file = folder / "messages"
            _write(file, octets)
            size = sum(map(len, octets)) // len(octets)
            for way in _WAYS:
                times: dict[str, list[float]] = {kind: [] for kind in _NAMES}
                for _ in range(ROUNDS):
                    for kind in _NAMES:
                        times[kind].append(_run(folder, kind, signature, file, way))
                found += _rates(f"{signature}, {size:,} octets, {count} Replace", way, times)
    return found


def _rates(message: str, way: str, times: dict[str, list[float]]) -> list[Rate]:
    reference = 1 / median(times[BARE])
    rows = [(kind, 1 / median(seconds)) for kind, seconds in times.items()]
    return [
        Rate(message, _WAYS[way], _NAMES[kind], rate, rate / reference, AIM if kind in _AIMED else None)
        for kind, rate in rows
    ]


def table(rows: Sequence[Rate]) -> str:
    """Return rates as a Markdown table."""
    lines = ["| message | connections | contestant | messages/s | part | aim |", "|---|---|---|---:|---:|---:|"]
    for row in rows:
        aim = "" if row.aim is None else f"{row.aim:.2f}"
        rate = f"{row.per_second:,.0f} | {row.part:.2f}"
        lines.append(f"| {row.message} | {row.connections} | {row.contestant} | {rate} | {aim} |")
    return "\n".join(lines)


def met(rows: Sequence[Rate]) -> str:
    """Return in words which aims were met, a line for each contestant and way; and where the time of a tree goes."""
    lines: list[str] = []
    for way in _WAYS.values():
        for kind in _AIMED:
            parts = [row.part for row in rows if (row.connections, row.contestant) == (way, _NAMES[kind])]
            reached = sum(part >= AIM for part in parts)
            verdict = (
                "met" if reached == len(parts) else "missed" if not reached else f"met by {reached} of {len(parts)}"
            )
            lines.append(f"- connections {way}, {_NAMES[kind]}: {min(parts):.2f} to {max(parts):.2f}, {verdict}")
    seconds = {(row.message, row.connections, row.contestant): 1e6 / row.per_second for row in rows}
    for message in dict.fromkeys(row.message for row in rows):
        verified, unflushed, whole = (
            seconds[message, _WAYS[KEPT], _NAMES[kind]] for kind in (VERIFIED, UNFLUSHED, TREE)
        )
        lines.append(
            f"- {message}, connections kept: received and verified {verified:,.0f} us, carried out "
            f"{unflushed - verified:,.0f} us more, flushed {whole - unflushed:,.0f} us more"
        )
    return "\n".join(lines)


def section(rows: Sequence[Rate]) -> str:
    """Return what the page of figures says of receiving; what was met is worked out from the figures."""
    parts = {
        way: [row.part for row in rows if row.connections == way and row.aim is not None] for way in _WAYS.values()
    }
    reached = {way: sum(part >= AIM for part in found) for way, found in parts.items()}
    told = ", ".join(f"{reached[way]} of {len(found)} rows with connections {way}" for way, found in parts.items())
    return f"""All are uvicorn with httptools and TLS on asyncio's own loop. The bare application answers 202 to a whole
body and does nothing else, in one process. `receive http` listens behind its own door in a process without secrets,
which hands on to the process that judges (docs/decisions/0033). One other process pushes {MESSAGES:,} messages,
{CONNECTIONS} at a time, each until it is taken: over connections that are kept, which is all HTTP and no TLS handshake,
or over one for each message, as a server does that has one message for each of its devices. Three busy processes share
the cores, and the load's half of a handshake takes about as much of them as the server's: with a connection for each
message the bare rate is that of load and server together, and a contestant that is hidden behind the load looks better
than it is. A rate counts verdicts whose line was written, to the last one; medians of {ROUNDS} rounds in which the
contestants take turns; the part is of the bare rate. "Before its commit" is with commits that are not flushed
(`synchronous=OFF`).

The aim is a third for everything before the commit.
It is met by {told}.
Messages are judged one after the other, by one process (docs/decisions/0029).

{table(rows)}

{met(rows)}"""


def main() -> None:
    """Print the comparison; with arguments, be one of its processes."""
    match sys.argv[1:]:
        case ["serve", kind, folder]:
            serve(kind, Path(folder))
        case ["load", way, port, file]:
            load(way, int(port), Path(file))
        case _:
            print(section(run()))


if __name__ == "__main__":
    main()
