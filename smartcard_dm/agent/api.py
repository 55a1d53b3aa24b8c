"""The agent's HTTP API, version 1: routes, their parameters, and what each may answer.

Guarantees: an operation's result or its problem is the whole answer; parameters that are not declared, or come twice,
are refused, so that no two readers of a request see two requests. Small messages are verified in the event loop, large
and encrypted ones in a small pool of threads; what touches the tree or an audit runs in one thread, in order.
Leaves to its caller: connections, and who may make them.

Spec: docs/openapi/agent-v1.json, which is made from here; RFC 9110, RFC 9457.
"""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar

from fastapi import Depends, FastAPI, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from smartcard_dm.agent import models
from smartcard_dm.agent.bodies import Bodies
from smartcard_dm.agent.document import answers, body_of, finish_document, problems
from smartcard_dm.agent.event_stream import CONTENT_TYPE as EVENT_STREAM
from smartcard_dm.agent.event_stream import HEARTBEAT_SECONDS, EventStream, events_so_far
from smartcard_dm.agent.gate import PROBLEM_JSON, STREAM, Gate, context_of, problem_form, problem_headers
from smartcard_dm.agent.metrics import CONTENT_TYPE as METRICS_TEXT
from smartcard_dm.agent.metrics import Metrics
from smartcard_dm.agent.problems import Problem, ProblemCode
from smartcard_dm.agent.release import Caller
from smartcard_dm.agent.service import transport_of
from smartcard_dm.limits import DEFAULT_LIMITS, KIB
from smartcard_dm.push.arrival import DM_WBXML

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from pydantic import TypeAdapter

    from smartcard_dm.agent.service import AgentService, Answer
    from smartcard_dm.limits import Limits

VERSION: Final = "1.0.0"
JSON: Final = "application/json"
VERIFY_THREADS: Final = min(4, os.cpu_count() or 1)
"""Threads that verify. Most of it is Python, so more of them than processors only wait for each other."""

AT_ONCE_OCTETS: Final = 8 * KIB
"""Octets of a message that is verified in the event loop. One of 3 kB takes 0.8 ms; a thread would double that."""
_ENCRYPTED: Final = b"xmlenc"
"""Part of the namespace of encrypted parts, for which a key may be derived in half a second or a token be asked."""

Result = TypeVar("Result")
Code = ProblemCode

_GENERATION_PATTERN: Final = r"^(0|[1-9][0-9]{0,17})$"
_RULES: Final = {"json_invalid": "no JSON", "union_tag_invalid": "type: Input should be 'basic', 'md5' or 'hmac'"}
"""Instead of pydantic's words, where they quote what was sent."""
_HEADERS_ONCE: Final = ("if-generation", "last-event-id", "content-type", "x-request-id")

Generation = Annotated[
    str | None,
    Header(
        alias="If-Generation",
        pattern=_GENERATION_PATTERN,
        description="Answer about this generation only; for another one: 409, or 410 when the card is gone.",
    ),
]
RequestId = Annotated[
    str | None,
    Header(
        alias="X-Request-Id",
        description="Names the request in the answer and in the agent's log, if it is 1 to 64 letters, digits, dots, "
        "underscores or hyphens; else the agent makes one.",
    ),
]
ServerIdQuery = Annotated[
    str,
    Query(min_length=1, max_length=255, description="ServerID of the account.", examples=["com.example.dms"]),
]
TransportQuery = Annotated[
    Literal["local", "wap", "http", "sip"],
    Query(description="How the message came; there is no default: who hands it over answers for it."),
]
SecuredQuery = Annotated[
    bool | None,
    Query(
        description="Whether that transport's security was employed. Left out: for local, yes; for the others, no, and "
        "such a message is refused at step 9."
    ),
]
EvidenceQuery = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=256,
        pattern=models.PRINTABLE,
        description="What proved it, in words: it is part of the verdict.",
        examples=["MAC checked, NETWPIN"],
    ),
]
LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        description="The last event that the client has; it gets those after it, or a gap. Left out: from now on.",
    ),
]
FollowQuery = Annotated[
    bool,
    Query(description="false: the events that are kept, and the answer ends; without Last-Event-ID, all of them."),
]

_ALWAYS: Final = (Code.REQUEST_INVALID, Code.REQUEST_MALFORMED, Code.HEADERS_TOO_LARGE, Code.OVERLOADED, Code.INTERNAL)
_ANOTHER: Final = (Code.CARD_CHANGED, Code.CARD_REMOVED)
_CARD: Final = (
    *_ALWAYS,
    Code.CARD_ABSENT,
    *_ANOTHER,
    Code.CARD_UNREADABLE,
    Code.CARD_LOCKED,
    Code.READER_LOST,
    Code.STARTING,
)
_ONE: Final = (Code.ACCOUNT_UNKNOWN, Code.ACCOUNT_SEVERAL)
_BODY: Final = (Code.CONTENT_TYPE, Code.BODY_TOO_LARGE, Code.REQUEST_TIMEOUT, Code.BUSY)


class Workers:
    """The threads of one agent."""

    def __init__(self) -> None:
        self._verifying = ThreadPoolExecutor(VERIFY_THREADS, "agent-verify")
        self._desk = ThreadPoolExecutor(1, "agent-desk")

    async def verifying(self, call: Callable[[], Result]) -> Result:
        """Run what computes."""
        return await asyncio.get_running_loop().run_in_executor(self._verifying, call)

    async def judging(self, octets: bytes, call: Callable[[], Result]) -> Result:
        """Judge a message: at once where that takes less time than handing it to a thread and back, else in one."""
        if len(octets) <= AT_ONCE_OCTETS and _ENCRYPTED not in octets:
            return call()
        return await self.verifying(call)

    async def at_the_desk(self, call: Callable[[], Result]) -> Result:
        """Run what writes: one after the other, in the order of asking."""
        return await asyncio.get_running_loop().run_in_executor(self._desk, call)

    def end(self) -> None:
        """Let what runs end, and start nothing more."""
        self._verifying.shutdown(cancel_futures=True)
        self._desk.shutdown(cancel_futures=True)


class Api:
    """What the routes share."""

    def __init__(self, service: AgentService, metrics: Metrics, limits: Limits, heartbeat_seconds: float) -> None:
        self.service = service
        self.metrics = metrics
        self.limits = limits
        self.heartbeat_seconds = heartbeat_seconds
        self.bodies = Bodies(limits)
        self.workers = Workers()
        self.closing = asyncio.Event()
        self.watchers = 0

    def answer(self, request: Request, found: Answer) -> Response:
        """Return the answer, unless what it rests on is over."""
        form = self.service.finished(found)
        context = context_of(request.scope)
        context.rule, context.released = found.rule, found.reveals
        return JSONResponse(form)

    async def octets(
        self, request: Request, media_type: str, maximum: int, use: Callable[[bytes], Awaitable[Answer]]
    ) -> Response:
        """Read a body of one media type, and answer by what `use` makes of it."""
        given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if given != media_type:
            raise Problem(Code.CONTENT_TYPE, f"wanted the body as {media_type}")
        with self.bodies.held() as held:
            found = await use(await self.bodies.read(request, maximum, held))
            return self.answer(request, found)

    def watch(self) -> None:
        """Count one more client that follows the events.

        Raises:
            Problem: there are too many.
        """
        if self.watchers >= self.limits.agent_watchers:
            raise Problem(Code.BUSY, f"{self.watchers} clients follow the events already")
        self.watchers += 1
        self.metrics.watchers.set(self.watchers)

    def unwatch(self) -> None:
        """Count one less."""
        self.watchers -= 1
        self.metrics.watchers.set(self.watchers)


def create_app(
    service: AgentService,
    *,
    metrics: Metrics | None = None,
    limits: Limits = DEFAULT_LIMITS,
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
) -> FastAPI:
    """Return the application; `app.state.api` is what its routes share.

    Args:
        service: what is done.
        metrics: what is counted; default counts without the card's state.
        limits: bounds of bodies, times and clients.
        heartbeat_seconds: after so many without an event, a comment is sent.
    """
    api = Api(service, metrics or Metrics(), limits, heartbeat_seconds)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        api.workers.end()

    app = FastAPI(
        title="smartcard-dm agent",
        version=VERSION,
        summary="A subscriber card's accounts and verdicts, for other programs of this machine.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        separate_input_output_schemas=False,
        dependencies=[Depends(_once)],
        redirect_slashes=False,
    )
    app.state.api = api
    _add_card_routes(app, api)
    _add_message_routes(app, api)
    _add_credential_routes(app, api)
    _add_other_routes(app, api)
    app.openapi = partial(finish_document, app)  # type: ignore[method-assign] # FastAPI's own way to change it
    _add_problem_handlers(app, api)
    app.add_middleware(
        Gate,
        service=service,
        metrics=api.metrics,
        operations=_operations(app),
        seconds=float(limits.agent_seconds),
    )
    return app


def _add_card_routes(app: FastAPI, api: Api) -> None:
    service = api.service

    @app.get(
        "/v1/card",
        operation_id="card",
        summary="The card and its state",
        responses={200: answers(models.CardAnswer, "The card, whatever its state."), **problems(*_ALWAYS, *_ANOTHER)},
    )
    async def card(request: Request, if_generation: Generation = None, x_request_id: RequestId = None) -> Response:  # noqa: ARG001 - the gate reads it
        return api.answer(request, service.card(_number(if_generation)))

    @app.get(
        "/v1/accounts",
        operation_id="accounts",
        summary="The accounts of the card, without secrets",
        responses={200: answers(models.AccountsAnswer, "Every account, in the card's order."), **problems(*_CARD)},
    )
    async def accounts(request: Request, if_generation: Generation = None, x_request_id: RequestId = None) -> Response:  # noqa: ARG001
        return api.answer(request, service.accounts(_number(if_generation)))

    @app.get(
        "/v1/account",
        operation_id="account",
        summary="One account",
        responses={200: answers(models.AccountAnswer, "The account."), **problems(*_CARD, *_ONE)},
    )
    async def account(
        request: Request,
        server_id: ServerIdQuery,
        if_generation: Generation = None,
        x_request_id: RequestId = None,  # noqa: ARG001
    ) -> Response:
        return api.answer(request, service.account(server_id, _number(if_generation)))


def _add_message_routes(app: FastAPI, api: Api) -> None:
    service, workers = api.service, api.workers
    maximum = service.policy.limits.message_octets

    @app.post(
        "/v1/verify",
        operation_id="verify",
        summary="The verdict on a message",
        description="Refused is an answer like authorized: status 200. Nothing is applied, and nothing is remembered.",
        responses={
            200: answers(models.VerifyAnswer, "Authorized or refused, and why."),
            **problems(*_CARD, *_BODY),
        },
        openapi_extra=body_of(DM_WBXML, maximum),
    )
    async def verify(
        request: Request,
        transport: TransportQuery,
        secured: SecuredQuery = None,
        evidence: EvidenceQuery = None,
        if_generation: Generation = None,
        x_request_id: RequestId = None,  # noqa: ARG001
    ) -> Response:
        came, generation = transport_of(transport, secured, evidence), _number(if_generation)

        async def use(octets: bytes) -> Answer:
            return await workers.judging(octets, lambda: service.verify(octets, came, generation))

        return await api.octets(request, DM_WBXML, maximum, use)

    @app.post(
        "/v1/apply",
        operation_id="apply",
        summary="Verify a message and carry it out on the device's tree",
        description="Its effects are in the tree together or not at all; a message takes effect once.",
        responses={
            200: answers(models.ApplyAnswer, "Authorized or refused, and what became of it."),
            **problems(*_CARD, *_BODY, Code.TREE_NONE, Code.TREE_UNPROVISIONED, Code.TREE_UNAVAILABLE),
        },
        openapi_extra=body_of(DM_WBXML, maximum),
    )
    async def apply(
        request: Request,
        transport: TransportQuery,
        secured: SecuredQuery = None,
        evidence: EvidenceQuery = None,
        if_generation: Generation = None,
        x_request_id: RequestId = None,  # noqa: ARG001
    ) -> Response:
        came, generation = transport_of(transport, secured, evidence), _number(if_generation)

        async def use(octets: bytes) -> Answer:
            return await workers.at_the_desk(lambda: service.apply(octets, came, generation))

        return await api.octets(request, DM_WBXML, maximum, use)


def _add_credential_routes(app: FastAPI, api: Api) -> None:
    service, workers, limits = api.service, api.workers, api.limits
    largest = limits.agent_json_octets + service.policy.limits.message_octets * 4 // 3

    @app.post(
        "/v1/authenticate",
        operation_id="authenticate",
        summary="What proves an account's secret to its server, computed inside",
        description="The secret stays in the agent, but for type basic, which must be allowed and is audited.",
        responses={
            200: answers(models.AuthenticateAnswer, "Credentials, digest or header."),
            **problems(
                *_CARD,
                *_ONE,
                *_BODY,
                Code.AUTH_UNAVAILABLE,
                Code.NONCE_MISSING,
                Code.BASIC_DENIED,
                Code.AUDIT_UNAVAILABLE,
            ),
        },
        openapi_extra=body_of(JSON, largest),
    )
    async def authenticate(
        request: Request,
        if_generation: Generation = None,
        x_request_id: RequestId = None,  # noqa: ARG001
    ) -> Response:
        caller, generation = _caller(request), _number(if_generation)

        async def use(octets: bytes) -> Answer:
            wanted = _parsed(models.AUTHENTICATE, octets)
            work = workers.at_the_desk if wanted.type == "basic" else workers.verifying
            return await work(lambda: service.authenticate(wanted, caller, generation))

        return await api.octets(request, JSON, largest, use)

    @app.post(
        "/v1/secret",
        operation_id="secret",
        summary="Secrets of an account",
        description="Only for accounts that the agent was started to release; each request is in the audit first.",
        responses={
            200: answers(models.SecretAnswer, "The secrets of one level."),
            **problems(*_CARD, *_ONE, *_BODY, Code.AUTH_UNAVAILABLE, Code.SECRET_DENIED, Code.AUDIT_UNAVAILABLE),
        },
        openapi_extra=body_of(JSON, limits.agent_json_octets),
    )
    async def secret(
        request: Request,
        if_generation: Generation = None,
        x_request_id: RequestId = None,  # noqa: ARG001
    ) -> Response:
        caller, generation = _caller(request), _number(if_generation)

        async def use(octets: bytes) -> Answer:
            wanted = _parsed(models.SECRET, octets)
            return await workers.at_the_desk(lambda: service.secret(wanted, caller, generation))

        return await api.octets(request, JSON, limits.agent_json_octets, use)


def _add_other_routes(app: FastAPI, api: Api) -> None:
    service = api.service

    @app.get(
        "/v1/events",
        operation_id=STREAM,
        summary="What happens to the card and its accounts, as server-sent events",
        description="Each event has id, event and data; data is JSON of the schema Event. An event `gap` says that "
        "some were lost: read everything again. Comments are heartbeats.",
        responses={
            200: {
                "description": "Events, until the client or the agent ends.",
                "content": {EVENT_STREAM: {"schema": {"$ref": "#/components/schemas/ServerSentEvent"}}},
            },
            **problems(*_ALWAYS, *_ANOTHER, Code.CARD_UNREADABLE, Code.CARD_LOCKED, Code.READER_LOST, Code.BUSY),
        },
    )
    async def events(
        last_event_id: LastEventId = None,
        follow: FollowQuery = True,  # noqa: FBT002 - a parameter of the query
        if_generation: Generation = None,
        x_request_id: RequestId = None,  # noqa: ARG001
    ) -> Response:
        service.begin(_number(if_generation))
        if not follow:
            return Response(events_so_far(service, last_event_id), media_type=EVENT_STREAM)
        api.watch()
        return _Streamed(
            EventStream(
                service,
                last_event_id,
                closing=api.closing,
                send_seconds=float(api.limits.receive_seconds),
                heartbeat_seconds=api.heartbeat_seconds,
                ended=api.unwatch,
            )
        )

    @app.get(
        "/metrics",
        operation_id="metrics",
        summary="Counters, as Prometheus reads them",
        responses={
            200: {"description": "Text format 0.0.4.", "content": {METRICS_TEXT: {"schema": {"type": "string"}}}},
            **problems(*_ALWAYS),
        },
    )
    async def metrics(x_request_id: RequestId = None) -> Response:  # noqa: ARG001
        return Response(api.metrics.text(), headers={"content-type": METRICS_TEXT})

    @app.get(
        "/v1/openapi.json",
        operation_id="openapi",
        summary="This document",
        responses={
            200: {"description": "OpenAPI 3.1.", "content": {JSON: {"schema": {"type": "object"}}}},
            **problems(*_ALWAYS),
        },
    )
    async def openapi(x_request_id: RequestId = None) -> Response:  # noqa: ARG001
        return JSONResponse(app.openapi())


class _Streamed(Response):
    """A response that an ASGI application makes."""

    def __init__(self, stream: EventStream) -> None:
        super().__init__(media_type=EVENT_STREAM)
        self._stream = stream

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's own types
        await self._stream(scope, receive, send)


def _add_problem_handlers(app: FastAPI, api: Api) -> None:
    def sent(request: Request, problem: Problem, headers: dict[str, str] | None = None) -> Response:
        context = context_of(request.scope)
        context.problem = problem.code.code
        return JSONResponse(
            problem_form(problem, context.request_id, api.service),
            status_code=problem.code.status,
            headers={**(headers or {}), **problem_headers(problem)},
            media_type=PROBLEM_JSON,
        )

    async def of_ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)  # noqa: S101 - registered for nothing else
        return sent(request, error)

    async def of_parameters(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - same
        return sent(request, Problem(Code.REQUEST_INVALID, _faults(error.errors())))

    async def of_the_framework(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - same
        by_status = {404: Code.NOT_FOUND, 405: Code.METHOD_NOT_ALLOWED}
        code = by_status.get(error.status_code, Code.REQUEST_MALFORMED)
        return sent(request, Problem(code, code.title), dict(error.headers or {}))

    app.add_exception_handler(Problem, of_ours)
    app.add_exception_handler(RequestValidationError, of_parameters)
    app.add_exception_handler(HTTPException, of_the_framework)


async def _once(request: Request) -> None:
    """Refuse parameters that are not declared or come twice."""
    known = {each.alias for each in request.scope["route"].dependant.query_params}
    names = [name for name, _ in request.query_params.multi_items()]
    if not known.issuperset(names):
        raise Problem(Code.REQUEST_INVALID, f"query: wanted no parameters but {', '.join(sorted(known)) or 'none'}")
    if len(set(names)) < len(names):
        raise Problem(Code.REQUEST_INVALID, "query: a parameter comes twice")
    for name in _HEADERS_ONCE:
        if len(request.headers.getlist(name)) > 1:
            raise Problem(Code.REQUEST_INVALID, f"the header {name} comes twice")


def _number(generation: str | None) -> int | None:
    return None if generation is None else int(generation)


def _caller(request: Request) -> Caller:
    context = context_of(request.scope)
    return Caller(context.request_id, context.peer)


def _parsed(adapter: TypeAdapter[Result], octets: bytes) -> Result:
    try:
        return adapter.validate_json(octets)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        malformed = any(each["type"] == "json_invalid" for each in found)
        code = Code.REQUEST_MALFORMED if malformed else Code.REQUEST_INVALID
        raise Problem(code, _faults(found)) from None  # its text quotes the input


def _faults(found: Any) -> str:  # noqa: ANN401 - lists of dictionaries of two libraries
    """Return what is wrong with a request: places and rules, nothing of what stood there."""
    told = []
    for each in list(found)[:5]:
        names = [str(part)[:40] for part in each["loc"] if str(part).isprintable()]
        told.append(f"{'.'.join(names) or 'body'}: {_RULES.get(each['type'], each['msg'])}")
    return "; ".join(told)[:500]


def _operations(app: FastAPI) -> dict[tuple[str, str], str]:
    return {
        (method, path): str(operation["operationId"])
        for path, item in app.openapi()["paths"].items()
        for method, operation in ((name.upper(), each) for name, each in item.items())
    }
