"""The listener of HTTP pushes: `HttpApp` on uvicorn, over TLS, or in the clear in a lab.

Guarantees: connections are bounded in number and in time, from before the TLS handshake on; when there are too many,
the one that has been quiet longest is given up, else the oldest, so that slow ones keep nobody out. Headers, requests
on one connection and what a request puts on the wire are bounded before they are kept. What proved the security of a
connection is read from the connection itself. Every fault gets the same answer, or none. When it ends, every request
that was whole has been answered. Leaves to its caller: the inlet, and signals.
Spec: RFC 9112; RFC 9110; OMA-TS-DM_Sessionless 5.3; decision 0027.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import httptools
from uvicorn import Config, Server
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from smartcard_dm.errors import EnvelopeError
from smartcard_dm.limits import DEFAULT_LIMITS, Limits
from smartcard_dm.push.crowd import Crowd
from smartcard_dm.push.http_app import PEER, HttpApp, HttpPeer, host_and_port
from smartcard_dm.push.http_rules import HttpRule
from smartcard_dm.push.rate import PushRate
from smartcard_dm.push.tls import describe_tls, peer_is_proved
from smartcard_dm.rules import Rule
from smartcard_dm.trust.transport import Transport, TransportKind

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable, Iterator
    from typing import Literal

    from smartcard_dm.push.arrival import Inlet, Stop

_LOOK_SECONDS: Final = 0.1
"""How long to wait when no connection can be accepted."""
_SWEEP_TICKS: Final = 5
"""How often deadlines are looked at: every so many ticks of the server, of which it makes ten a second."""
_FAREWELL_SECONDS: Final = 2
"""How long the last answers may take to leave, and the other end to say goodbye."""
_PIPELINED: Final = 8
"""Requests of one connection that may wait for the answer to the one before."""
_NAMES: Final = 3
"""Alternative names of a certificate that are told as evidence."""
_BAD_REQUEST: Final = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
"""What the server makes of `HttpApp`'s answer to a fault."""
_IN_THE_CLEAR: Final = frozenset(("HTTP_REQUEST", "HTTPS_PROXY_REQUEST", "WRONG_VERSION_NUMBER"))
"""How OpenSSL calls first octets that are no TLS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpListener:
    """How to listen."""

    tls: ssl.SSLContext | None
    """As `tls.server_context` makes it; None: HTTP in the clear, whose messages step 9 refuses."""
    path: str = "/"
    limits: Limits = DEFAULT_LIMITS
    loop: Literal["auto", "asyncio", "uvloop"] = "auto"
    """What runs it; auto: uvloop where it is installed."""


def serve_http(
    settings: HttpListener,
    listening: socket.socket,
    inlet: Inlet,
    stop: Stop,
    ready: Callable[[str, int], None],
) -> None:
    """Listen until told to stop; runs in this thread.

    Args:
        settings: how.
        listening: as `listening.listen_tcp` makes it; it is closed when the listener ends.
        inlet: where documents and refusals go.
        stop: ends the listener when it is set, from any thread or signal handler.
        ready: called once, with host and port that are listened on.
    """
    server = _Server(settings, inlet, listening, stop, ready)
    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(server.serve())


class _Server(Server):
    """uvicorn's server with a door of our own: its door knows no deadline and no bound before a request is there."""

    def __init__(
        self,
        settings: HttpListener,
        inlet: Inlet,
        listening: socket.socket,
        stop: Stop,
        ready: Callable[[str, int], None],
    ) -> None:
        config = Config(
            HttpApp(inlet, clock=time.monotonic, path=settings.path, limits=settings.limits),
            http=_Connection,
            loop=settings.loop,
            ws="none",
            lifespan="off",
            interface="asgi3",
            workers=1,
            log_config=None,
            log_level="critical",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            # DEVIATION: RFC 9110, 6.6.1 wants a Date from a server with a clock (decision 0027).
            date_header=False,
            timeout_keep_alive=settings.limits.receive_seconds,
            timeout_graceful_shutdown=_FAREWELL_SECONDS,
        )
        super().__init__(config)
        self.limits = settings.limits
        self._tls = settings.tls
        self._inlet = inlet
        self._listening = listening
        self._stop = stop
        self._ready = ready
        self._open: Crowd[_Connection] = Crowd(settings.limits.receive_connections)
        self._notes = PushRate(settings.limits.receive_per_second)
        self._admissions: set[asyncio.Task[None]] = set()
        self._accepting: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the caller."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 - uvicorn's signature
        """Open the door."""
        self.servers = []
        self._accepting = asyncio.create_task(self._accept())
        self.started = True
        host, port = _address(self._listening.getsockname())
        self._ready(host, port)

    async def on_tick(self, counter: int) -> bool:
        """Tell whether to end; look at the deadlines."""
        if counter % _SWEEP_TICKS == 0:
            now = asyncio.get_running_loop().time()
            for connection in self._open:
                connection.look(now)
        return await super().on_tick(counter) or self._stop.is_set() or bool(self._accepting and self._accepting.done())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the door, answer what is whole, and end all connections."""
        assert self._accepting is not None  # noqa: S101 - it was opened
        for task in (self._accepting, *self._admissions):
            task.cancel()
        self._listening.close()  # who comes now is turned away, not left waiting
        await asyncio.gather(*self._admissions, return_exceptions=True)
        await super().shutdown(sockets)
        for connection in self._open:
            connection.abort()
        await asyncio.sleep(0)
        if not self._accepting.cancelled() and self._accepting.done():
            self._accepting.result()

    def refuse(self, error: EnvelopeError, source: str) -> None:
        """Tell the inlet of an envelope that was refused; a flood of them is told in part."""
        if self._notes.take(time.monotonic()):
            self._inlet.refuse(error, TransportKind.HTTP, source)

    def forget(self, connection: _Connection) -> None:
        """Take note that a connection has ended."""
        self._open.leave(connection)

    def heard(self, connection: _Connection) -> None:
        """Take note that a connection made a whole request."""
        self._open.heard(connection)

    def transport_of(self, transport: asyncio.BaseTransport) -> Transport:
        """Return the record of what comes over a connection."""
        tls = cast("ssl.SSLObject | None", transport.get_extra_info("ssl_object"))
        if tls is None:
            return Transport.unproved(TransportKind.HTTP, Rule.HTTP_NO_TLS, "HTTP in the clear")
        if self._tls is not None and self._tls.verify_mode != ssl.CERT_NONE and not peer_is_proved(tls):
            evidence = f"{describe_tls(tls)}, no certificate of the sender"
            return Transport.unproved(TransportKind.HTTP, Rule.HTTP_CLIENT_UNKNOWN, evidence)
        return Transport.proved(TransportKind.HTTP, describe_tls(tls) + _names(tls))

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, address = await loop.sock_accept(self._listening)
            except OSError:  # the other end left already, or this process has no descriptor left for now
                await asyncio.sleep(_LOOK_SECONDS)
                continue
            source = host_and_port(*_address(address))
            connection = _Connection(self, source, loop)
            if (given_up := self._open.join(connection)) is not None:
                self._give_up(given_up)
            connection.admission = asyncio.create_task(self._admit(accepted, connection))
            self._admissions.add(connection.admission)
            connection.admission.add_done_callback(self._admissions.discard)

    def _give_up(self, given_up: _Connection) -> None:
        if not given_up.is_quiet:
            wanted = f"at most {self.limits.receive_connections}"
            detail = "too many at one time, and this one was slow"
            self.refuse(EnvelopeError(HttpRule.CONNECTIONS, "connection", detail, wanted=wanted), given_up.source)
        given_up.give_up()

    async def _admit(self, accepted: socket.socket, connection: _Connection) -> None:
        seconds = None if self._tls is None else float(self.limits.receive_seconds)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: connection,
                accepted,
                ssl=self._tls,
                ssl_handshake_timeout=seconds,
                ssl_shutdown_timeout=None if seconds is None else _FAREWELL_SECONDS,
            )
        except OSError as error:  # ssl.SSLError is one, and what ends a handshake that takes too long
            self.forget(connection)
            accepted.close()
            self.refuse(_no_handshake(error), connection.source)
        except asyncio.CancelledError:
            self.forget(connection)
            accepted.close()
            raise


class _Connection(HttpToolsProtocol):
    """One connection, from before its handshake to its end: uvicorn's, with bounds."""

    def __init__(self, server: _Server, source: str, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(server.config, server.server_state, {}, loop)
        self.source = source
        self.admission: asyncio.Task[None] | None = None
        """What accepts it, until its handshake has come about."""
        self._server = server
        self._limits = server.limits
        self._is_made = False
        self._deadline: float | None = None
        """When the request that has begun, or the wait for one, is too long; None while nothing is waited for."""
        self._in_head = False
        self._begun = False
        self._wire = 0
        self._fault: EnvelopeError | None = None
        self._ended = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Take note of what the connection proved."""
        super().connection_made(transport)
        self._is_made = True
        self._peer = HttpPeer(self._server.transport_of(transport), self.source)
        self._extensions = {PEER: self._peer}
        self._deadline = self.loop.time() + self._limits.receive_seconds

    def connection_lost(self, exc: Exception | None) -> None:
        """Take note that it has ended."""
        if self._in_head and not self._peer.refused:
            self._peer.refused = True
            self._server.refuse(
                EnvelopeError(HttpRule.CUT, "HTTP request", "the connection ended before it was whole"), self.source
            )
        self._server.forget(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read what came; what is no HTTP, or too much, ends the connection."""
        if self._ended:
            return
        self._unset_keepalive_if_required()
        self._begun = False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError as error:
            detail = "it is no HTTP/1.1"
            if type(error) is httptools.HttpParserError:  # others quote what a stranger sent
                detail = f"{detail}: {error}"
            self._refuse(self._fault or EnvelopeError(HttpRule.MALFORMED, "HTTP request", detail))
        else:
            self._count(len(data))

    def on_message_begin(self) -> None:
        """Begin a request, whose time runs from here."""
        super().on_message_begin()
        self.scope["extensions"] = self._extensions  # type: ignore[typeddict-item] # a value, where ASGI has mappings
        self._in_head = self._begun = True
        self._deadline = self._peer.deadline = self.loop.time() + self._limits.receive_seconds

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field of the head; there are none after the body."""
        if not self._in_head:
            detail = "fields after the body"
            self._fault = EnvelopeError(HttpRule.MALFORMED, "HTTP request", detail)
            raise self._fault
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """End the head and hand the request over."""
        self._in_head = False
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > self._limits.http_header_octets:
            self._fault = self._headers_too_large()
            raise self._fault
        if b"#" in self.url:  # it is for the sender alone, and the server would drop it
            self._fault = EnvelopeError(HttpRule.PATH, "HTTP request", "a target with a fragment")
            raise self._fault
        if self.parser.should_upgrade():
            self._fault = EnvelopeError(HttpRule.UPGRADE, "HTTP request", "another protocol is asked for")
            raise self._fault
        if len(self.pipeline) >= _PIPELINED:
            wanted = f"at most {_PIPELINED}"
            detail = "too many requests wait for an answer"
            self._fault = EnvelopeError(HttpRule.PIPELINE, "HTTP connection", detail, wanted=wanted)
            raise self._fault
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Take note of a whole request."""
        self._server.heard(self)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        if not self._in_head and not self.pipeline:
            self._deadline = self.loop.time() + self._limits.receive_seconds

    def look(self, now: float) -> None:
        """End the connection when its time is over."""
        if self._deadline is None or now < self._deadline:
            return
        if self._in_head:
            wanted = f"within {self._limits.receive_seconds} s"
            detail = "it was not whole in time"
            self._refuse(EnvelopeError(HttpRule.SLOW, "HTTP request", detail, wanted=wanted))
        elif self.cycle is None or self.cycle.response_complete:
            self._ended = True
            self.transport.close()
        if now > self._deadline + _FAREWELL_SECONDS:  # it reads no answers, or says no goodbye
            self.abort()

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is lost when it is given up."""
        answered = self.cycle is None or self.cycle.response_complete
        return self._is_made and answered and not self._in_head

    def give_up(self) -> None:
        """End it now, for another one; that was told."""
        if self._is_made:
            self._peer.refused = True
            self.abort()
        elif self.admission is not None:
            self.admission.cancel()

    def abort(self) -> None:
        """End it now."""
        self._ended = True
        if self.transport is not None:
            self.transport.abort()

    def _count(self, octets: int) -> None:
        """Bound what a request puts on the wire: a head that does not end, chunks of one octet and their extensions.

        What came together with the first octet of a request is not counted, for others may have come with it.
        """
        self._wire = 0 if self._begun else self._wire + octets
        if self._in_head and self._wire > self._limits.http_header_octets:
            self._refuse(self._headers_too_large())
        elif self._wire > self._limits.http_header_octets + 2 * self._limits.message_octets:
            wanted = f"at most {self._limits.message_octets} octets"
            detail = "more octets on the wire than a body within Limits.message_octets needs"
            self._refuse(EnvelopeError(HttpRule.BODY_SIZE, "HTTP request", detail, wanted=wanted))

    def _headers_too_large(self) -> EnvelopeError:
        wanted = f"at most {self._limits.http_header_octets} octets"
        detail = "the head is larger than Limits.http_header_octets"
        return EnvelopeError(HttpRule.HEADER_SIZE, "HTTP request", detail, wanted=wanted)

    def _refuse(self, error: EnvelopeError) -> None:
        """Tell of a fault and end the connection; what was answered already is not taken back."""
        self._ended = True
        if not self._peer.refused:
            self._peer.refused = True
            self._server.refuse(error, self.source)
        unanswered = self.cycle is not None and not self.cycle.response_complete
        if unanswered and (self.pipeline or not self.cycle.more_body):
            # The fault is in a later request: its answer would be taken for that of the first.
            self.transport.abort()
            return
        if unanswered:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.write(_BAD_REQUEST)
        self.transport.close()


def _names(tls: ssl.SSLObject) -> str:
    """Return the alternative names of a sender, by which people know it better than by its subject."""
    certificate = tls.getpeercert() or {}
    names = [str(value) for _, value in cast("Iterable[tuple[str, object]]", certificate.get("subjectAltName", ()))]
    more = ", ..." if len(names) > _NAMES else ""
    return f", named {', '.join(names[:_NAMES])}{more}" if names else ""


def _no_handshake(error: OSError) -> EnvelopeError:
    reason = error.reason if isinstance(error, ssl.SSLError) and error.reason else type(error).__name__
    if reason in _IN_THE_CLEAR:
        return EnvelopeError(HttpRule.NOT_TLS, "TLS handshake", "octets in the clear on the TLS port", found=reason)
    return EnvelopeError(HttpRule.HANDSHAKE, "TLS handshake", "it did not come about", found=reason)


def _address(address: object) -> tuple[str, int]:
    host, port = cast("tuple[str, int]", address)[:2]
    return host, port
