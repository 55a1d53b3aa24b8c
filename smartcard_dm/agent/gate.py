"""Around every request: its identifier, its deadline, its line in the log, its place in the metrics.

Guarantees: every request has an answer with its identifier, or its connection is ended; a fault of the program is one
problem and one line, never a traceback; nothing of a request but its operation and its identifier is in the log.
Leaves to its caller: what the requests mean.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import secrets
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Final

from starlette.requests import ClientDisconnect

from smartcard_dm.agent.logs import log, place_of
from smartcard_dm.agent.problems import Problem, ProblemCode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from smartcard_dm.agent.metrics import Metrics
    from smartcard_dm.agent.peers import Peer
    from smartcard_dm.agent.service import AgentService
    from smartcard_dm.report.forms import Form

PROBLEM_JSON: Final = "application/problem+json"
STREAM: Final = "watch"
"""The operation without a deadline."""
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_NO_OPERATION: Final = "none"
_CONTEXT: Final = "smartcard_dm"
_RETRY_SECONDS: Final = "1"


@dataclass(slots=True)
class Context:
    """What belongs to one request."""

    request_id: str
    operation: str
    peer: Peer | None
    problem: str | None = None
    rule: str | None = None
    released: bool = False
    status: int = 0
    started: bool = False
    complete: bool = False


def context_of(scope: Scope) -> Context:
    """Return what belongs to the request of a scope that came through the gate."""
    found = scope[_CONTEXT]
    assert isinstance(found, Context)  # noqa: S101 - the gate put it there
    return found


def problem_form(problem: Problem, request_id: str, service: AgentService) -> Form:
    """Return a problem as it is sent."""
    code = problem.code
    return {
        "type": code.type,
        "title": code.title,
        "status": int(code.status),
        "detail": problem.detail,
        "remedy": problem.remedy,
        "code": code.code,
        "request_id": request_id,
        "provenance": service.provenance(),
        "committed": problem.committed,
    }


def problem_headers(problem: Problem) -> dict[str, str]:
    """Return the headers that go with a problem."""
    headers: dict[str, str] = {}
    if problem.code in {ProblemCode.BUSY, ProblemCode.OVERLOADED}:
        headers["retry-after"] = _RETRY_SECONDS
    if problem.code in {ProblemCode.BODY_TOO_LARGE, ProblemCode.REQUEST_TIMEOUT, ProblemCode.BUSY}:
        headers["connection"] = "close"  # what is left of the body is not read
    return headers


class Gate:
    """An ASGI application around another one.

    Args:
        app: the one inside.
        service: for the provenance in problems.
        metrics: counts.
        operations: by method and path.
        seconds: that a request may take.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        service: AgentService,
        metrics: Metrics,
        operations: Mapping[tuple[str, str], str],
        seconds: float,
    ) -> None:
        self._app = app
        self._service = service
        self._metrics = metrics
        self._operations = operations
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        state = scope.get("state", {})
        operation = self._operations.get((scope["method"], scope["path"]), _NO_OPERATION)
        context = Context(_request_id(scope), operation, state.get("peer"))
        scope[_CONTEXT] = context
        header = (b"x-request-id", context.request_id.encode())

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                context.started, context.status = True, message["status"]
                message["headers"] = [*message.get("headers", ()), header, (b"cache-control", b"no-store")]
            elif message["type"] == "http.response.body" and not message.get("more_body", False):
                context.complete = True
            await send(message)

        try:
            problem = await self._run(scope, receive, sending, context)
            if problem is not None and not context.started:
                await _send_problem(problem, context, self._service, sending)
        finally:
            self._note(context, perf_counter() - started)
            if context.started and not context.complete:
                _end_connection(state.get("abort"))

    async def _run(self, scope: Scope, receive: Receive, send: Send, context: Context) -> Problem | None:
        """Return the problem that is to be sent, if nothing was."""
        try:
            async with asyncio.timeout(None if context.operation == STREAM else self._seconds):
                await self._app(scope, receive, send)
        except TimeoutError:
            context.problem = ProblemCode.OVERLOADED.code
            return Problem(ProblemCode.OVERLOADED, f"the answer was not ready within {self._seconds} seconds")
        except ClientDisconnect:
            context.problem = "disconnected"
            return None
        except Exception as error:  # noqa: BLE001 - the last resort: one problem and one line
            context.problem = ProblemCode.INTERNAL.code
            log(logging.ERROR, "fault", request_id=context.request_id, place=place_of(error))
            return Problem(ProblemCode.INTERNAL, "the agent failed at this request; nothing can be said about it")
        return None

    def _note(self, context: Context, seconds: float) -> None:
        operation, status = context.operation, str(context.status)
        self._metrics.requests.labels(operation, status).inc()
        if operation != STREAM:
            self._metrics.seconds.labels(operation).observe(seconds)
        if context.rule is not None:
            self._metrics.verdicts.labels(operation, context.rule).inc()
        if context.released:
            self._metrics.releases.labels(operation).inc()
        log(
            logging.INFO,
            "request",
            request_id=context.request_id,
            operation=operation,
            status=context.status,
            code=context.problem,
            rule=context.rule,
            milliseconds=round(seconds * 1e3, 3),
            generation=self._service.snapshot.generation,
            uid=None if context.peer is None else context.peer.uid,
            pid=None if context.peer is None else context.peer.pid,
        )


def _request_id(scope: Scope) -> str:
    given: list[bytes] = [value for name, value in scope["headers"] if name == b"x-request-id"]
    if len(given) == 1 and _REQUEST_ID.fullmatch(given[0]):
        return given[0].decode("ascii")
    return secrets.token_hex(8)


def _end_connection(abort: Callable[[], None] | None) -> None:
    if abort is not None:
        abort()


async def _send_problem(problem: Problem, context: Context, service: AgentService, send: Send) -> None:
    body = json.dumps(problem_form(problem, context.request_id, service), separators=(",", ":")).encode()
    headers = {"content-type": PROBLEM_JSON, "content-length": str(len(body)), **problem_headers(problem)}
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": int(problem.code.status), "headers": raw})
    await send({"type": "http.response.body", "body": body})
