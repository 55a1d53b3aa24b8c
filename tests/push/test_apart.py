"""The listener in a process of its own: what it is given, its places, and what is left when either process ends."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.errors import EnvelopeError, KeyMaterialError
from smartcard_dm.limits import DEFAULT_LIMITS, Limits
from smartcard_dm.push.apart import ListenerLostError, ListenerOrder, ListenerProcess, TlsFiles
from smartcard_dm.push.arrival import DM_WBXML, Arrival
from smartcard_dm.push.handing import Frame, Frames, HandingError, Reader, Writer, form_frame, frame
from smartcard_dm.push.listening import listen_tcp
from smartcard_dm.rules import Rule
from smartcard_dm.secret import Secret
from smartcard_dm.trust.transport import Transport, TransportKind
from tests.push.http_lab import HOST, request
from tests.push.tls import Ca, Issued, issue_cert, make_ca

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECONDS = 30.0
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Ca:
    return make_ca(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def host(ca: Ca) -> Issued:
    return issue_cert(ca, "host")


@dataclass
class Kept:
    """A drain that keeps what it gets, and deals with it when it is told to."""

    arrivals: list[Arrival] = field(default_factory=list)
    refused: list[tuple[EnvelopeError, TransportKind, str]] = field(default_factory=list)
    not_taken: int = 0
    ended: bool = False
    done: Callable[[int], None] | None = None

    def promised(self, arrival: Arrival) -> None:
        self.arrivals.append(arrival)

    def promised_refusal(self, error: EnvelopeError, kind: TransportKind, source: str) -> None:
        self.refused.append((error, kind, source))

    def missed(self, count: int) -> None:
        self.not_taken += count

    def when_done(self, tell: Callable[[int], None]) -> None:
        self.done = tell


class Running:
    """A listener whose process is run by a thread."""

    def __init__(self, listener: ListenerProcess, at_most: int | None) -> None:
        self.listener = listener
        self.drain = Kept()
        self.stop, self._started = Event(), Event()
        self.lost: ListenerLostError | None = None
        self._port = 0
        self.thread = Thread(target=self._run, args=(at_most,))
        self.thread.start()
        assert self._started.wait(SECONDS)

    def _run(self, at_most: int | None) -> None:
        try:
            self.listener.run(self.drain, self.stop, self._ready, at_most=at_most)
        except ListenerLostError as error:
            self.lost = error

    def _ready(self, _host: str, port: int) -> None:
        self._port = port
        self._started.set()

    def push(self, body: bytes = b"a document", **fields: str) -> int:
        """Push over a connection in the clear; return the status."""
        with socket.create_connection((HOST, self._port), timeout=SECONDS) as wire:
            wire.sendall(request(body, **fields))  # type: ignore[arg-type]
            return int(wire.recv(100).split()[1])

    def push_tls(self, authority: Path) -> int:
        """Push over TLS; return the status."""
        context = ssl.create_default_context(cafile=authority)
        with (
            socket.create_connection((HOST, self._port), timeout=SECONDS) as wire,
            context.wrap_socket(wire, server_hostname=HOST) as connection,
        ):
            connection.sendall(request())
            return int(connection.recv(100).split()[1])

    def end(self) -> None:
        """Have it end in order."""
        self.stop.set()
        self.join()

    def join(self) -> None:
        """Wait until it has ended."""
        self.thread.join(SECONDS)
        assert not self.thread.is_alive()


@contextmanager
def running(places: int = 256, at_most: int | None = None, tls: TlsFiles | None = None) -> Iterator[Running]:
    """Run a listener until the block ends."""
    order = ListenerOrder(kind=TransportKind.HTTP, tls=tls, limits=Limits(receive_waiting=places))
    with ListenerProcess(order, listen_tcp(HOST, 0)) as listener:
        run = Running(listener, at_most)
        try:
            yield run
        finally:
            run.end()


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    """Whether something comes to hold in time."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def is_gone(pid: int) -> bool:
    """Whether a process runs no more."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


# Places


def test_places_are_those_of_the_limits_and_are_given_back() -> None:
    with running(places=4) as run:
        assert [run.push(bytes([at + 1])) for at in range(6)] == [202] * 4 + [503] * 2
        assert within(SECONDS, lambda: len(run.drain.arrivals) == 4)  # they are on their way when they are answered
        assert [arrival.octets for arrival in run.drain.arrivals] == [b"\1", b"\2", b"\3", b"\4"]
        assert run.drain.done is not None
        run.drain.done(1)
        assert within(SECONDS, lambda: run.push() == 202)
        assert run.push() == 503
        run.drain.done(4)
        assert within(SECONDS, lambda: [run.push() for _ in range(4)].count(202) >= 1)
        run.end()
        assert run.lost is None
        assert run.drain.not_taken >= 3


def test_refused_envelopes_have_half_of_the_places() -> None:
    with running(places=4) as run:
        assert [run.push(b"") for _ in range(5)] == [400] * 5
        assert [run.push() for _ in range(3)] == [202, 202, 503]
        run.end()
    assert [str(error.rule) for error, _, _ in run.drain.refused] == ["http.no-document"] * 2
    assert {kind for _, kind, _ in run.drain.refused} == {TransportKind.HTTP}
    assert run.drain.not_taken == 4


def test_no_more_are_answered_than_are_asked_for() -> None:
    with running(at_most=2) as run:
        assert [run.push() for _ in range(4)] == [202, 202, 503, 503]
        run.end()
    assert len(run.drain.arrivals) == 2
    assert run.drain.not_taken == 0, "they were not kept out for want of room"


def test_a_drain_that_has_ended_gets_nothing_new() -> None:
    with running() as run:
        assert run.push() == 202
        run.drain.ended = True
        run.end()
    assert len(run.drain.arrivals) == 1


# Ends


def test_the_end_drains_what_was_answered() -> None:
    answers: list[int] = []

    def push() -> None:
        try:
            while True:
                answers.append(run.push())
        except (ConnectionError, IndexError):
            return

    with running(places=100_000) as run:
        pushing = [Thread(target=push) for _ in range(4)]
        for each in pushing:
            each.start()
        assert within(SECONDS, lambda: len(answers) > 20)
        run.end()
        for each in pushing:
            each.join(SECONDS)
    assert run.lost is None
    assert len(run.drain.arrivals) >= answers.count(202) > 20


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_listener_that_gets_a_signal_itself_ends_in_order(number: signal.Signals) -> None:
    with running() as run:
        assert run.push() == 202
        os.kill(run.listener.pid, number)
        run.join()
    assert run.lost is None
    assert len(run.drain.arrivals) == 1


def test_a_listener_that_is_killed_is_told_and_what_it_answered_is_there() -> None:
    with running() as run:
        assert [run.push() for _ in range(5)] == [202] * 5
        os.kill(run.listener.pid, signal.SIGKILL)
        run.join()
    assert len(run.drain.arrivals) == 5
    assert "ended by signal 9" in str(run.lost)


def test_the_listener_ends_when_the_process_that_judges_is_killed() -> None:
    code = f"""
import sys, time
sys.path.insert(0, {str(ROOT)!r})
from tests.push.test_apart import running
with running() as run:
    print(run.listener.pid, run.push(), flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as judging:
        try:
            assert judging.stdout is not None
            pid, status = map(int, judging.stdout.readline().split())
            assert status == 202
            assert not is_gone(pid)
        finally:
            judging.kill()
    assert within(SECONDS, lambda: is_gone(pid))


# What it is given


def test_it_is_given_its_socket_its_key_and_nothing_else(
    ca: Ca, host: Issued, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CARD_PIN", "a PIN of a test")
    monkeypatch.setenv("KEY_PASSWORD", "a password of a test")
    secret = tmp_path / "tree.db"
    secret.write_bytes(b"a tree")
    locked = issue_cert(ca, "locked", passphrase=b"a password of a test")
    files = TlsFiles(certificate=locked.certificate, key=locked.key, passphrase=Secret(b"a password of a test"))
    with secret.open("rb") as held:
        os.set_inheritable(held.fileno(), True)
        with running(tls=files) as run:
            assert host.certificate.exists()
            process = Path(f"/proc/{run.listener.pid}")
            environment = process.joinpath("environ").read_bytes()
            words = process.joinpath("cmdline").read_bytes()
            opened = {str(each.readlink()) for each in process.joinpath("fd").iterdir()}
            assert run.push_tls(ca.file) == 202
    names = {line.partition(b"=")[0].decode() for line in environment.split(b"\0") if line}
    assert names <= {"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "OPENSSL_CONF", "OPENSSL_MODULES"}
    for told in (b"a PIN of a test", b"a password of a test"):
        assert told not in environment + words
    assert str(secret) not in opened
    assert not [name for name in opened if name.endswith((".db", ".pem", ".key"))]
    assert sum(name.startswith("socket:") for name in opened) <= 4, "the one it listens on, the pair's, the loop's own"
    assert run.drain.arrivals[0].transport.secured


def test_it_has_no_module_of_cards_trees_or_judges() -> None:
    code = """
import sys
import smartcard_dm.push.apart_listener, smartcard_dm.push.http_server, smartcard_dm.push.sip_server
kept_out = ("card", "tree", "receive", "credentials", "cli")
names = tuple(f"smartcard_dm.{name}" for name in kept_out) + ("vendor_pcsc",)
print([name for name in sys.modules if name.startswith(names)])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ROOT)}
    )
    assert done.stdout == "[]\n"


def test_a_key_that_cannot_be_used_is_told_before_it_listens(ca: Ca, host: Issued) -> None:
    another = issue_cert(ca, "another")
    order = ListenerOrder(kind=TransportKind.HTTP, tls=TlsFiles(certificate=host.certificate, key=another.key))
    listening = listen_tcp(HOST, 0)
    with pytest.raises(KeyMaterialError, match="the private key is not of the certificate"):
        ListenerProcess(order, listening)
    assert listening.fileno() == -1


def test_a_key_may_be_a_descriptor_of_a_shell(ca: Ca, host: Issued) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as stream:
        stream.write(host.key.read_bytes())
    try:
        files = TlsFiles(certificate=host.certificate, key=f"/dev/fd/{reading}")
        with running(tls=files) as run:
            assert run.push_tls(ca.file) == 202
    finally:
        os.close(reading)


# Frames: the words of a process that strangers may have taken over


ONE = Arrival(b"octets", DM_WBXML, Transport.proved(TransportKind.HTTP, "TLSv1.3 ümlaut \udc80"), "host:1")


def read_back(octets: bytes, kind: TransportKind = TransportKind.HTTP) -> Arrival:
    ((_, payload),) = Frames(4096).feed(octets)
    return Reader(kind, 4096).arrival(payload)


def test_a_document_comes_back_as_it_was() -> None:
    unproved = Transport.unproved(TransportKind.HTTP, Rule.HTTP_CLIENT_UNKNOWN, "no certificate")
    for arrival in (ONE, Arrival(b"\0" * 4096, DM_WBXML, unproved, "[::1]:1")):
        assert read_back(Writer().arrival(arrival)) == arrival


def test_an_envelope_comes_back_as_it_was() -> None:
    error = EnvelopeError("http.path", "HTTP request", "another path", offset=3, wanted="/", found="/\udc80")
    ((kind, payload),) = Frames(4096).feed(Writer().refusal(error, TransportKind.HTTP, "host:1"))
    again, source = Reader(TransportKind.HTTP, 4096).refusal(payload)
    assert (kind, str(again), again.rule, source) == (Frame.REFUSED, str(error), "http.path", "host:1")


def test_frames_may_come_in_any_pieces() -> None:
    octets = Writer().arrival(ONE) + form_frame(Frame.ENDED, 3)
    whole = Frames(4096).feed(octets)
    cut = Frames(4096)
    assert [each for at in range(len(octets)) for each in cut.feed(octets[at : at + 1])] == whole


@pytest.mark.parametrize(
    "octets",
    [
        b"\xff\0\0\0\0",
        b"\x08\xff\xff\xff\xff",
        frame(Frame.ARRIVAL),
        frame(Frame.ARRIVAL, b"\x00\xff\xff\xff\xff" + b"x" * 50),
        frame(Frame.ARRIVAL, b"\x07\x00\x02\x00\x00[]x"),
        frame(Frame.ARRIVAL, b"\x00\x00\x02\x00\x00[]x"),
        frame(Frame.ARRIVAL, b"\x00\x00\x06\x00\x00[1,2,]x"),
        frame(Frame.ARRIVAL, b'\x00\x00\x15\x00\x00[true,"e","message."]x'),
        Writer().arrival(Arrival(b"", DM_WBXML, ONE.transport, "x")),
        Writer().arrival(Arrival(b"x" * 4097, DM_WBXML, ONE.transport, "x")),
    ],
)
def test_what_is_no_document_is_refused(octets: bytes) -> None:
    with pytest.raises(HandingError):
        read_back(octets)


def test_a_listener_cannot_claim_another_transport() -> None:
    assert read_back(Writer().arrival(ONE), TransportKind.SIP).transport.kind is TransportKind.SIP
    payload = Writer().refusal(EnvelopeError("a", "b", "c"), TransportKind.SIP, "x")[5:]
    with pytest.raises(HandingError):
        Reader(TransportKind.HTTP, 4096).refusal(payload)


@pytest.mark.parametrize("payload", [b"", b"[]", b"3", b"[" * 100_000, b'["a","b","c",1,null,null,null,"http","s"]'])
def test_what_is_no_envelope_is_refused(payload: bytes) -> None:
    with pytest.raises(HandingError):
        Reader(TransportKind.HTTP, DEFAULT_LIMITS.message_octets).refusal(payload)
