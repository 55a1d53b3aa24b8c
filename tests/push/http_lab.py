"""A listener of HTTP pushes in a thread, and raw connections to it."""

from __future__ import annotations

import socket
import ssl
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import Empty, Queue
from threading import Event, Thread
from typing import TYPE_CHECKING

from smartcard_dm.limits import DEFAULT_LIMITS, Limits
from smartcard_dm.push.http_server import HttpListener, serve_http
from smartcard_dm.push.listening import listen_tcp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Literal

    from smartcard_dm.errors import EnvelopeError
    from smartcard_dm.push.arrival import Arrival
    from smartcard_dm.trust.transport import TransportKind

HOST = "127.0.0.1"
TYPE = "application/vnd.syncml.dm+wbxml"
TAKEN = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n"
REFUSED = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_WAIT = 20.0


@dataclass
class Noting:
    """An inlet that keeps what it gets."""

    arrivals: Queue[Arrival] = field(default_factory=Queue)
    errors: Queue[tuple[EnvelopeError, TransportKind, str]] = field(default_factory=Queue)
    room: int = 1 << 30

    def take(self, arrival: Arrival) -> bool:
        if self.arrivals.qsize() >= self.room:
            return False
        self.arrivals.put(arrival)
        return True

    def refuse(self, error: EnvelopeError, kind: TransportKind, source: str) -> None:
        self.errors.put((error, kind, source))

    def arrival(self) -> Arrival:
        """Return what was taken next."""
        return self.arrivals.get(timeout=_WAIT)

    def rule(self) -> str:
        """Return the rule of the next refusal."""
        return self.errors.get(timeout=_WAIT)[0].rule

    def nothing_else(self) -> None:
        """Check that nothing else came."""
        for queue in (self.arrivals, self.errors):
            try:
                left = queue.get_nowait()
            except Empty:
                continue
            raise AssertionError(f"something else came: {left}")


@dataclass
class Lab:
    """A listener that runs."""

    inlet: Noting
    port: int
    ca: Path | None
    stop: Event

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}/"

    def wire(self) -> socket.socket:
        """Return a connection, without TLS."""
        return socket.create_connection((HOST, self.port), timeout=_WAIT)

    def connect(self, certificate: Path | None = None, key: Path | None = None) -> socket.socket:
        """Return a connection as the listener wants it."""
        wire = self.wire()
        if self.ca is None:
            return wire
        context = ssl.create_default_context(cafile=self.ca)
        if certificate is not None:
            context.load_cert_chain(certificate, key)
        return context.wrap_socket(wire, server_hostname=HOST)

    def ask(self, *octets: bytes) -> bytes:
        """Send octets, all at once each, and return everything that comes until the connection ends."""
        with self.connect() as connection:
            for part in octets:
                connection.sendall(part)
            return rest(connection)


def rest(connection: socket.socket) -> bytes:
    """Return everything that comes until the connection ends, however it does."""
    answer = b""
    try:
        while more := connection.recv(65536):
            answer += more
    except (ConnectionError, ssl.SSLError):
        pass
    return answer


def request(
    body: bytes = b"a document", *fields: str, method: str = "POST", path: str = "/", close: bool = True
) -> bytes:
    """Return a request; fields replace those of the same name."""
    given = {field.partition(":")[0].lower() for field in fields}
    usual = {
        "host": "Host: device.example.com",
        "content-type": f"Content-Type: {TYPE}",
        "content-length": f"Content-Length: {len(body)}",
        "connection": "Connection: close" if close else "",
    }
    lines = [f"{method} {path} HTTP/1.1", *(line for name, line in usual.items() if name not in given and line)]
    lines += [line for line in fields if not line.endswith(": -")]
    return "\r\n".join([*lines, "", ""]).encode("latin1") + body


@contextmanager
def listening(
    tls: ssl.SSLContext | None,
    ca: Path | None,
    limits: Limits = DEFAULT_LIMITS,
    *,
    path: str = "/",
    room: int = 1 << 30,
    loop: Literal["auto", "asyncio", "uvloop"] = "auto",
) -> Iterator[Lab]:
    """Run a listener until the block ends."""
    inlet = Noting(room=room)
    stop, started = Event(), Event()
    ports: list[int] = []

    def ready(_host: str, port: int) -> None:
        ports.append(port)
        started.set()

    settings = HttpListener(tls=tls, path=path, limits=limits, loop=loop)
    with listen_tcp(HOST, 0) as socket_:
        thread = Thread(target=serve_http, args=(settings, socket_, inlet, stop, ready))
        thread.start()
        try:
            assert started.wait(_WAIT)
            yield Lab(inlet, ports[0], ca if tls is not None else None, stop)
        finally:
            stop.set()
            thread.join(_WAIT)
        assert not thread.is_alive()
