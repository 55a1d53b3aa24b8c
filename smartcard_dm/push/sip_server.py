"""The listener of SIP pushes: connections over TLS, or over TCP in a lab.

Guarantees: connections are bounded in number and in time, from before the TLS handshake on; when there are too many,
the one that has been quiet longest is given up, else the oldest, so that slow ones keep nobody out. What proved the
security of a connection is read from the connection itself. When it ends, every document that was taken has been
answered. Leaves to its caller: the inlet, and signals.
Spec: RFC 3261, clause 18; RFC 5626, 3.5.1; OMA-TS-DM_Sessionless 5.3.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass
from socket import SHUT_RDWR
from typing import TYPE_CHECKING, Final, cast

from smartcard_dm.errors import EnvelopeError
from smartcard_dm.limits import DEFAULT_LIMITS, Limits
from smartcard_dm.push.crowd import Crowd
from smartcard_dm.push.sip_message import SipRequest, SipResponse, build
from smartcard_dm.push.sip_reader import PONG, SipFault, SipKeepAlive, SipReader
from smartcard_dm.push.sip_rules import SipRule
from smartcard_dm.push.sip_user_agent import Peer, UserAgent
from smartcard_dm.push.tls import describe_tls, peer_is_proved
from smartcard_dm.rules import Rule
from smartcard_dm.trust.transport import Transport, TransportKind

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from smartcard_dm.push.arrival import Inlet, Stop
    from smartcard_dm.push.sip_reader import SipEvent

_LOOK_SECONDS: Final = 0.1
"""How often the listener looks whether it is to end."""
_FAREWELL_SECONDS: Final = 2.0
"""How long the last answers may take to leave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SipListener:
    """How to listen."""

    tls: ssl.SSLContext | None
    """As `tls.server_context` makes it; None: TCP in the clear, whose messages step 9 refuses."""
    tag_key: bytes
    """Random octets, from which the tags of answers are made."""
    limits: Limits = DEFAULT_LIMITS


def serve_sip(
    settings: SipListener, listening: socket.socket, inlet: Inlet, stop: Stop, ready: Callable[[Peer], None]
) -> None:
    """Listen until told to stop; runs in this thread.

    Args:
        settings: how.
        listening: as `listening.listen_tcp` makes it; it is closed when the listener ends.
        inlet: where documents and refusals go.
        stop: ends the listener when it is set, from any thread or signal handler.
        ready: called once, with the address that is listened on.
    """
    # DEVIATION: RFC 3261, clause 18 wants UDP, too (decision 0028).
    asyncio.run(_Server(settings, inlet).run(listening, stop, ready))


class _Server:
    """All connections of one listener."""

    def __init__(self, settings: SipListener, inlet: Inlet) -> None:
        self.limits = settings.limits
        self.user_agent = UserAgent(inlet, settings.limits, settings.tag_key)
        self._tls = settings.tls
        self._open: Crowd[_Connection] = Crowd(settings.limits.receive_connections)
        self._handshakes: set[asyncio.Task[None]] = set()
        self._all_gone = asyncio.Event()

    async def run(self, listening: socket.socket, stop: Stop, ready: Callable[[Peer], None]) -> None:
        accepting = asyncio.create_task(self._accept(listening))
        try:
            ready(_peer(listening.getsockname()))
            while not stop.is_set() and not accepting.done():  # noqa: ASYNC110 - the event is one of threads
                await asyncio.sleep(_LOOK_SECONDS)
        finally:
            accepting.cancel()
            await asyncio.wait((accepting,))
            listening.close()  # who comes now is turned away, not left waiting
            await self._end()
        if accepting.done() and not accepting.cancelled():
            accepting.result()

    def transport_of(self, transport: asyncio.Transport) -> Transport:
        """Return the record of what comes over a connection."""
        tls = cast("ssl.SSLObject | None", transport.get_extra_info("ssl_object"))
        if tls is None:
            return Transport.unproved(TransportKind.SIP, Rule.SIP_NO_TLS, "TCP in the clear")
        if self._tls is not None and self._tls.verify_mode != ssl.CERT_NONE and not peer_is_proved(tls):
            evidence = f"{describe_tls(tls)}, no certificate of the sender"
            return Transport.unproved(TransportKind.SIP, Rule.SIP_PEER_UNKNOWN, evidence)
        return Transport.proved(TransportKind.SIP, describe_tls(tls))

    def heard(self, connection: _Connection) -> None:
        """Take note that a connection is not quiet."""
        self._open.heard(connection)

    def forget(self, connection: _Connection) -> None:
        """Take note that a connection has ended."""
        self._open.leave(connection)
        if not self._open:
            self._all_gone.set()

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, address = await loop.sock_accept(listening)
            except OSError:  # the other end left already, or this process has no descriptor left for now
                await asyncio.sleep(_LOOK_SECONDS)
                continue
            connection = _Connection(self, accepted, _peer(address))
            if (given_up := self._open.join(connection)) is not None:
                self._give_up(given_up)
            handshake = asyncio.create_task(self._admit(accepted, connection))
            self._handshakes.add(handshake)
            handshake.add_done_callback(self._handshakes.discard)

    def _give_up(self, given_up: _Connection) -> None:
        if not given_up.is_quiet:
            error = EnvelopeError(
                SipRule.CROWD,
                "SIP connection",
                "given up before it pushed anything",
                wanted=f"at most {self.limits.receive_connections} connections",
            )
            self.user_agent.refuse(error, given_up.peer)
        given_up.abort()

    async def _admit(self, accepted: socket.socket, connection: _Connection) -> None:
        seconds = self.limits.receive_seconds if self._tls is not None else None
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
            if connection.is_given_up:
                return
            detail = error.reason if isinstance(error, ssl.SSLError) and error.reason else type(error).__name__
            self.user_agent.refuse(
                EnvelopeError(SipRule.TLS, "TLS handshake", "it did not come about", found=detail), connection.peer
            )

    async def _end(self) -> None:
        for connection in self._open:
            connection.close()
        await asyncio.gather(*self._handshakes)
        if self._open:
            self._all_gone.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._all_gone.wait(), _FAREWELL_SECONDS)
        for connection in self._open:
            connection.abort()
        await asyncio.sleep(0)  # for what asyncio has to say of the connections that were given up


class _Connection(asyncio.Protocol):
    """One connection, from before its handshake to its end."""

    def __init__(self, server: _Server, accepted: socket.socket, peer: Peer) -> None:
        self.peer = peer
        self._socket = accepted
        self._server = server
        self._reader = SipReader(server.limits)
        self._wire: asyncio.Transport | None = None
        self._transport: Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._ending = False

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is lost when it is given up."""
        return self._wire is not None and not self._reader.midway

    @property
    def is_given_up(self) -> bool:
        """Whether it is this end that ends it."""
        return self._ending

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a stream
        self._wire = transport
        self._transport = self._server.transport_of(transport)
        if self._ending:  # given up while its handshake came about
            transport.abort()
            return
        self._wait(self._server.limits.receive_seconds)

    def data_received(self, data: bytes) -> None:
        assert self._wire is not None  # noqa: S101 - it was made
        was_midway = self._reader.midway
        events = self._reader.feed(data)
        for event in events:
            self._take(event)
        if self._ending:
            return
        if self._reader.midway:
            if events or not was_midway:  # a new request has begun; its time is not made longer by its own octets
                self._wait(self._server.limits.receive_seconds)
        elif events:
            self._wait(self._server.limits.sip_idle_seconds)

    def eof_received(self) -> None:
        self._cut()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._cut()
        if self._deadline is not None:
            self._deadline.cancel()
        self._server.forget(self)

    def pause_writing(self) -> None:
        """Read nothing more from somebody who does not read the answers."""
        if self._wire is not None and not self._wire.is_closing():
            self._wire.pause_reading()
            self._wait(self._server.limits.receive_seconds)

    def resume_writing(self) -> None:
        if self._wire is not None and not self._wire.is_closing():
            self._wire.resume_reading()
            limits = self._server.limits
            self._wait(limits.receive_seconds if self._reader.midway else limits.sip_idle_seconds)

    def close(self) -> None:
        """End it when what was answered has left."""
        self._cut()
        if self._wire is None:
            self.abort()
            return
        self._wire.close()
        self._wait(_FAREWELL_SECONDS)

    def abort(self) -> None:
        """End it now."""
        self._ending = True
        if self._wire is not None:
            self._wire.abort()
        else:
            with suppress(OSError):  # the handshake then ends as it does when the other end leaves
                self._socket.shutdown(SHUT_RDWR)

    def _take(self, event: SipEvent) -> None:
        assert self._wire is not None  # noqa: S101 - it was made
        assert self._transport is not None  # noqa: S101 - same
        answer: SipResponse | None = None
        match event:
            case SipKeepAlive():
                self._wire.write(PONG)
            case SipRequest():
                self._server.heard(self)
                now = asyncio.get_running_loop().time()
                answer = self._server.user_agent.answer(event, self.peer, self._transport, now)
            case SipResponse():
                error = EnvelopeError(SipRule.RESPONSE, "SIP response", "nobody here asked anything")
                self._server.user_agent.refuse(error, self.peer)
            case SipFault():
                answer = self._server.user_agent.answer_fault(event, self.peer)
        if answer is not None:
            self._wire.write(build(answer))
        if isinstance(event, SipFault):
            self.close()

    def _wait(self, seconds: float) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = asyncio.get_running_loop().call_later(seconds, self._late)

    def _late(self) -> None:
        if self._reader.midway and not self._ending:
            self._ending = True
            error = EnvelopeError(
                SipRule.SLOW,
                "SIP request",
                "it was not whole in time",
                wanted=f"within {self._server.limits.receive_seconds} s",
            )
            self._server.user_agent.refuse(error, self.peer)
        self.abort()

    def _cut(self) -> None:
        if self._reader.midway and not self._ending:
            error = EnvelopeError(SipRule.CUT, "SIP request", "the connection ended before it was whole")
            self._server.user_agent.refuse(error, self.peer)
        self._ending = True


def _peer(address: object) -> Peer:
    host, port = cast("tuple[str, int]", address)[:2]
    return Peer(host, port)
