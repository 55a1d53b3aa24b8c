"""One client's connection: who is there is asked before anything is read, and each head of a request is bounded.

Guarantees: a peer that is not on the list is sent nothing and nothing of it is read; a connection that says nothing, or
begins a request and does not go on, ends after a time; so does one whose answers nobody takes. Heads are bounded in
octets. What HTTP does not allow is answered with a problem and ends the connection.
Leaves to its caller: requests, once their head is there.

Spec: RFC 9112; unix(7), SO_PEERCRED.
"""

from __future__ import annotations

import json
import logging
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from smartcard_dm.agent.gate import PROBLEM_JSON, problem_form
from smartcard_dm.agent.logs import log
from smartcard_dm.agent.peers import peer_of
from smartcard_dm.agent.problems import Problem, ProblemCode

if TYPE_CHECKING:
    import asyncio

    from smartcard_dm.agent.metrics import Metrics
    from smartcard_dm.agent.peers import AllowedPeers, Peer
    from smartcard_dm.agent.service import AgentService
    from smartcard_dm.limits import Limits


@dataclass(frozen=True, slots=True)
class Door:
    """What holds for every connection."""

    allowed: AllowedPeers
    limits: Limits
    metrics: Metrics
    service: AgentService


class AgentConnection(HttpToolsProtocol):
    """One connection; uvicorn's protocol with what is said above.

    Args:
        door: what holds for every connection.
        arguments: uvicorn's own.
    """

    def __init__(self, door: Door, **arguments: Any) -> None:  # noqa: ANN401 - uvicorn's, handed on
        super().__init__(**arguments)
        self._door = door
        self._peer: Peer | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._head_octets = 0
        self._in_head = False
        self._too_large = False
        self._taken = False

    # What asyncio calls ----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Take the connection, or end it without a word; asyncio reads from it only after this."""
        door = self._door
        connection = transport.get_extra_info("socket")
        peer = None if connection is None else peer_of(connection)
        if not door.allowed.allows(peer):
            uid, pid = (None, None) if peer is None else (peer.uid, peer.pid)
            door.metrics.closed.labels("peer").inc()
            log(logging.WARNING, "peer-refused", uid=uid, pid=pid)
            transport.abort()
            return
        if len(self.connections) >= door.limits.agent_connections:
            door.metrics.closed.labels("limit").inc()
            log(logging.WARNING, "connection-refused", connections=len(self.connections))
            transport.abort()
            return
        self._peer = peer
        self._taken = True
        super().connection_made(transport)
        door.metrics.connections.set(len(self.connections))
        self._arm()

    def data_received(self, data: bytes) -> None:
        """Take octets."""
        if not self._taken or self.transport.is_closing():
            return
        self._head_octets += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._in_head and self._head_octets > self._door.limits.http_header_octets:
            self._too_large = True
            self.send_400_response("")
        elif self._is_idle():
            self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of everything."""
        self._disarm()
        if self._taken:
            super().connection_lost(exc)
            self._door.metrics.connections.set(len(self.connections))

    def timeout_keep_alive_handler(self) -> None:
        """End a connection that is not used any more."""
        self._leave()

    # What the parser calls -------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._in_head = True
        state: dict[str, object] = self.scope["state"]
        state["peer"] = self._peer
        state["abort"] = self.transport.abort
        self._arm()

    def on_headers_complete(self) -> None:
        """Hand a request on, if its head is within its bound."""
        octets = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if octets > self._door.limits.http_header_octets:
            self._too_large = True
            raise ValueError("the head is too large")  # the parser stops, and `send_400_response` says why
        super().on_headers_complete()
        self._in_head = False
        self._head_octets = 0
        self._disarm()

    def on_message_complete(self) -> None:
        """End a request."""
        super().on_message_complete()
        self._head_octets = 0

    # -----------------------------------------------------------------------------------------------------------------

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request, and end."""
        del msg  # uvicorn's words
        if self._too_large:
            maximum = self._door.limits.http_header_octets
            self._refuse(Problem(ProblemCode.HEADERS_TOO_LARGE, f"wanted at most {maximum} octets"), "head")
        else:
            self._refuse(Problem(ProblemCode.REQUEST_MALFORMED, "wanted HTTP/1.1"), "malformed")

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: whoever asks for another protocol is answered in this one."""

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _lacks_body(self) -> bool:
        """Whether the only request there is waits for the rest of its body, so that nothing was done for it."""
        cycle = self.cycle
        return cycle is not None and not self.pipeline and cycle.more_body and not cycle.response_started

    def _arm(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self._door.limits.receive_seconds, self._late)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        self._timer = None
        if self.transport.is_closing():
            return
        if self._in_head and self._is_idle():
            wanted = f"wanted the whole head within {self._door.limits.receive_seconds} seconds"
            self._refuse(Problem(ProblemCode.REQUEST_TIMEOUT, wanted), "timeout")
        elif self._is_idle():
            self._door.metrics.closed.labels("timeout").inc()
            self._leave()

    def _refuse(self, problem: Problem, reason: str) -> None:
        """Send a problem where no request is, and end."""
        if self.transport.is_closing():
            return
        request_id = secrets.token_hex(8)
        code = problem.code
        self._door.metrics.closed.labels(reason).inc()
        uid = None if self._peer is None else self._peer.uid
        log(logging.INFO, "request-refused", request_id=request_id, code=code.code, uid=uid)
        if self._is_idle() or self._lacks_body():  # an answer that is being sent is not cut in two
            body = json.dumps(problem_form(problem, request_id, self._door.service), separators=(",", ":")).encode()
            head = (
                f"HTTP/1.1 {int(code.status)} {code.status.phrase}\r\ncontent-type: {PROBLEM_JSON}\r\n"
                f"content-length: {len(body)}\r\nx-request-id: {request_id}\r\ncache-control: no-store\r\n"
                "connection: close\r\n\r\n"
            )
            self.transport.write(head.encode() + body)
        self._leave()

    def _leave(self) -> None:
        """Close, and do not wait forever for somebody who takes nothing."""
        if self.transport.is_closing():
            return
        self.transport.close()
        self.loop.call_later(self._door.limits.receive_seconds, self._abandon)

    def _abandon(self) -> None:
        if self in self.connections:
            self._door.metrics.closed.labels("stuck").inc()
            self.transport.abort()
