"""The client for programs of asyncio.

Guarantees: those of `smartcard_dm.client`. Leaves to its caller: closing it, best with `async with`.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, Self, TypeVar

import httpcore

from smartcard_dm.client import calls, exchange
from smartcard_dm.client.answers import EVENTS, Answer, form_of
from smartcard_dm.client.event_stream import EventStream
from smartcard_dm.client.form import no_form
from smartcard_dm.client.resume import Resume
from smartcard_dm.client.wire import AsyncBackend
from smartcard_dm.errors import AgentError

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterator, Iterable
    from types import TracebackType

    from smartcard_dm.client.calls import Call
    from smartcard_dm.client.values import (
        AccountAnswer,
        AccountsAnswer,
        AgentEvent,
        AuthenticationAnswer,
        CardAnswer,
        SecretAnswer,
        VerdictAnswer,
    )
    from smartcard_dm.limits import Limits

Value = TypeVar("Value")

_CONNECTIONS: Final = 32
"""At one time; a call that finds none waits, as long as its timeout allows."""


class AsyncAgentClient:
    """Asks an agent; methods, arguments, answers and errors are those of `AgentClient`.

    Args:
        socket: its path; None: `default_socket(os.environ)`.
        timeout: seconds for one call.
        trusted_uids: users whose agent is trusted; None: this user and root.
        limits: bounds of what is read.

    Raises:
        ValueError: the timeout is no positive number, or nobody is trusted.
    """

    def __init__(
        self,
        socket: str | os.PathLike[str] | None = None,
        *,
        timeout: float = exchange.DEFAULT_TIMEOUT,
        trusted_uids: Iterable[int] | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._asked = exchange.setting(socket, timeout, trusted_uids, limits)
        self._pool = httpcore.AsyncConnectionPool(
            uds=str(self._asked.path), network_backend=AsyncBackend(self._asked), max_connections=_CONNECTIONS
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close its connections."""
        await self._pool.aclose()

    async def card(self, *, expect_generation: int | None = None) -> CardAnswer:
        """Do what `AgentClient.card` does."""
        return await self.send(calls.card(expect_generation))

    async def accounts(self, *, expect_generation: int | None = None) -> AccountsAnswer:
        """Do what `AgentClient.accounts` does."""
        return await self.send(calls.accounts(expect_generation))

    async def account(self, server_id: str, *, expect_generation: int | None = None) -> AccountAnswer:
        """Do what `AgentClient.account` does."""
        return await self.send(calls.account(server_id, expect_generation))

    async def verify(
        self,
        octets: bytes,
        *,
        transport: str,
        secured: bool | None = None,
        evidence: str | None = None,
        expect_generation: int | None = None,
    ) -> VerdictAnswer:
        """Do what `AgentClient.verify` does."""
        return await self.send(
            calls.judge(
                "/v1/verify",
                octets,
                transport,
                secured=secured,
                evidence=evidence,
                expect_generation=expect_generation,
            )
        )

    async def apply(
        self,
        octets: bytes,
        *,
        transport: str,
        secured: bool | None = None,
        evidence: str | None = None,
        expect_generation: int | None = None,
    ) -> VerdictAnswer:
        """Do what `AgentClient.apply` does."""
        return await self.send(
            calls.judge(
                "/v1/apply",
                octets,
                transport,
                secured=secured,
                evidence=evidence,
                expect_generation=expect_generation,
            )
        )

    async def authenticate(
        self,
        server_id: str,
        type: str,  # noqa: A002 - the name it has in the API
        *,
        nonce: bytes | None = None,
        body: bytes | None = None,
        level: str | None = None,
        spelling: str | None = None,
        expect_generation: int | None = None,
    ) -> AuthenticationAnswer:
        """Do what `AgentClient.authenticate` does."""
        return await self.send(
            calls.authenticate(
                server_id,
                type,
                nonce=nonce,
                body=body,
                level=level,
                spelling=spelling,
                expect_generation=expect_generation,
            )
        )

    async def secret(
        self,
        server_id: str,
        *,
        level: str | None = None,
        purpose: str | None = None,
        expect_generation: int | None = None,
    ) -> SecretAnswer:
        """Do what `AgentClient.secret` does."""
        return await self.send(
            calls.secret(server_id, level=level, purpose=purpose, expect_generation=expect_generation)
        )

    async def watch(self, after: str | None = None, *, patience: float | None = None) -> AsyncIterator[AgentEvent]:
        """Do what `AgentClient.watch` does."""
        resume = Resume((await self.card()).provenance.event_id if after is None else after, patience)
        while True:
            try:
                async for event in self._events(resume):
                    resume.seen(event)
                    yield event
                raise exchange.ended(self._asked)
            except AgentError as error:
                pause = resume.lost(error, time.monotonic())
            await asyncio.sleep(pause)

    async def send(self, call: Call[Value]) -> Value:
        """Do what `AgentClient.send` does."""
        body = exchange.Body(self._asked)
        try:
            async with self._pool.stream(
                call.method,
                exchange.URL + call.target,
                headers=exchange.headers(call.headers),
                content=call.body,
                extensions=exchange.extensions(self._asked),
            ) as response:
                answer = await self._whole(response, body)
        except exchange.FAILURES as error:
            raise exchange.failure(error, self._asked) from error
        return call.value(answer)

    async def _events(self, resume: Resume) -> AsyncIterator[AgentEvent]:
        stream = EventStream(self._asked.name, self._asked.limits.agent_event_octets)
        body = exchange.Body(self._asked)
        try:
            async with self._pool.stream(
                "GET",
                exchange.URL + calls.EVENTS_TARGET,
                headers=exchange.headers(calls.events_headers(resume.after)),
                extensions=exchange.extensions(self._asked, quiet=exchange.QUIET_SECONDS),
            ) as response:
                if exchange.header(response, b"content-type").partition(";")[0] != EVENTS:
                    form_of(await self._whole(response, body))
                    raise no_form(self._asked.name, "the answer is no stream of events")
                resume.opened()
                async for octets in response.aiter_stream():
                    for event in stream.feed(octets):
                        yield event
        except exchange.FAILURES as error:
            raise exchange.failure(error, self._asked) from error

    async def _whole(self, response: httpcore.Response, body: exchange.Body) -> Answer:
        async for octets in response.aiter_stream():
            body.add(octets)
        media = exchange.header(response, b"content-type")
        return Answer(self._asked.name, response.status, media, body.whole())
