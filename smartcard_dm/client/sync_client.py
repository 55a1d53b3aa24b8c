"""The client for programs that wait: one call after another, safe to share between threads.

Guarantees: those of `smartcard_dm.client`. Leaves to its caller: closing it, best with `with`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Self, TypeVar

import httpcore

from smartcard_dm.client import calls, exchange
from smartcard_dm.client.answers import EVENTS, Answer, form_of
from smartcard_dm.client.event_stream import EventStream
from smartcard_dm.client.form import no_form
from smartcard_dm.client.resume import Resume
from smartcard_dm.client.wire import Backend
from smartcard_dm.errors import AgentError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator
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


class AgentClient:
    """Asks an agent.

    Every call raises `AgentUnreachableError`, `AgentPeerError` or `AgentProtocolError` where the agent cannot be asked,
    `AgentCardError` where the card cannot answer, and what it names itself. `expect_generation` is the generation an
    earlier answer came from: of another one, the call is `AgentCardError` and has no effect.

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
        self._pool = httpcore.ConnectionPool(
            uds=str(self._asked.path), network_backend=Backend(self._asked), max_connections=_CONNECTIONS
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self._pool.close()

    def card(self, *, expect_generation: int | None = None) -> CardAnswer:
        """Return who the card is, and its state; whatever the state is."""
        return self.send(calls.card(expect_generation))

    def accounts(self, *, expect_generation: int | None = None) -> AccountsAnswer:
        """Return every account of the card, without secrets."""
        return self.send(calls.accounts(expect_generation))

    def account(self, server_id: str, *, expect_generation: int | None = None) -> AccountAnswer:
        """Return the account of one server, without secrets.

        Raises:
            AgentRequestError: the card has none ("account-unknown"), or several ("account-several").
        """
        return self.send(calls.account(server_id, expect_generation))

    def verify(
        self,
        octets: bytes,
        *,
        transport: str,
        secured: bool | None = None,
        evidence: str | None = None,
        expect_generation: int | None = None,
    ) -> VerdictAnswer:
        """Return the verdict on a message; nothing is applied. A refusal is an answer, not an error.

        Args:
            octets: the message, WBXML.
            transport: how it came: "local" (you answer for it), "wap", "http" or "sip".
            secured: whether the security of that transport was employed; None: for "local" yes, else no.
            evidence: what proved it, for the verdict; never a secret.
            expect_generation: the generation that must still hold.

        Raises:
            AgentRequestError: it is too large.
            ValueError: there is no such transport.
        """
        return self.send(
            calls.judge(
                "/v1/verify",
                octets,
                transport,
                secured=secured,
                evidence=evidence,
                expect_generation=expect_generation,
            )
        )

    def apply(
        self,
        octets: bytes,
        *,
        transport: str,
        secured: bool | None = None,
        evidence: str | None = None,
        expect_generation: int | None = None,
    ) -> VerdictAnswer:
        """Carry a message out on the agent's tree if it is authorized, and return the verdict with what was done.

        A message takes effect once. When the connection breaks off nobody knows whether it did: send it again, and
        the verdict says so (rule "replayed"). Arguments are those of `verify`.

        Raises:
            AgentPolicyError: the agent has no tree.
            AgentRequestError: it is too large.
            ValueError: there is no such transport.
        """
        return self.send(
            calls.judge(
                "/v1/apply",
                octets,
                transport,
                secured=secured,
                evidence=evidence,
                expect_generation=expect_generation,
            )
        )

    def authenticate(
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
        """Return what proves to a server who the client is; the secret stays with the agent, but for "basic".

        Args:
            server_id: for which server.
            type: "basic", "md5" or "hmac".
            nonce: the server's nonce, octets; None: the one in the account. Not for "basic".
            body: the message as it will be sent, octets; for "hmac" only.
            level: "CLCRED", which is the agent's default.
            spelling: what is in the header of "hmac": base64 of the MAC's "octets" (the agent's default) or of its
                "hex-text", which some servers want.
            expect_generation: the generation that must still hold.

        Raises:
            AgentPolicyError: "basic", and the agent was not started with --allow-basic.
            AgentRequestError: the account, its secret or a nonce is not there.
            ValueError: there is no such type, or what it does not take was given.
        """
        return self.send(
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

    def secret(
        self,
        server_id: str,
        *,
        level: str | None = None,
        purpose: str | None = None,
        expect_generation: int | None = None,
    ) -> SecretAnswer:
        """Return the secrets of an account; the agent notes it.

        Args:
            server_id: of which server.
            level: "CLCRED" (the agent's default), "SRVCRED", "HTTP" or "OBEX".
            purpose: what for, in words for the agent's audit.
            expect_generation: the generation that must still hold.

        Raises:
            AgentPolicyError: the agent was not started with --allow-secret-release for this account.
            AgentRequestError: the account or its secret is not there.
        """
        return self.send(calls.secret(server_id, level=level, purpose=purpose, expect_generation=expect_generation))

    def watch(self, after: str | None = None, *, patience: float | None = None) -> Iterator[AgentEvent]:
        """Yield what happens at the card, over restarts of the agent; none is missed without a "gap" that says so.

        Args:
            after: the event to go on behind, such as `Provenance.event_id` of an answer; None: from now on.
            patience: seconds without an agent until it is given up; None: never. An agent that is not there at the
                beginning is an error at once.

        Raises:
            AgentError: there was no agent at the beginning, it was given up, or it refuses.
        """
        resume = Resume(self.card().provenance.event_id if after is None else after, patience)
        while True:
            try:
                for event in self._events(resume):
                    resume.seen(event)
                    yield event
                raise exchange.ended(self._asked)
            except AgentError as error:
                pause = resume.lost(error, time.monotonic())
            time.sleep(pause)

    def send(self, call: Call[Value]) -> Value:
        """Send a call of `smartcard_dm.client.calls` and return its value; every method above does this.

        Raises:
            AgentError: it has none.
        """
        body = exchange.Body(self._asked)
        try:
            with self._pool.stream(
                call.method,
                exchange.URL + call.target,
                headers=exchange.headers(call.headers),
                content=call.body,
                extensions=exchange.extensions(self._asked),
            ) as response:
                answer = self._whole(response, body)
        except exchange.FAILURES as error:
            raise exchange.failure(error, self._asked) from error
        return call.value(answer)

    def _events(self, resume: Resume) -> Iterator[AgentEvent]:
        stream = EventStream(self._asked.name, self._asked.limits.agent_event_octets)
        body = exchange.Body(self._asked)
        try:
            with self._pool.stream(
                "GET",
                exchange.URL + calls.EVENTS_TARGET,
                headers=exchange.headers(calls.events_headers(resume.after)),
                extensions=exchange.extensions(self._asked, quiet=exchange.QUIET_SECONDS),
            ) as response:
                if exchange.header(response, b"content-type").partition(";")[0] != EVENTS:
                    form_of(self._whole(response, body))
                    raise no_form(self._asked.name, "the answer is no stream of events")
                resume.opened()
                for octets in response.iter_stream():
                    yield from stream.feed(octets)
        except exchange.FAILURES as error:
            raise exchange.failure(error, self._asked) from error

    def _whole(self, response: httpcore.Response, body: exchange.Body) -> Answer:
        for octets in response.iter_stream():
            body.add(octets)
        media = exchange.header(response, b"content-type")
        return Answer(self._asked.name, response.status, media, body.whole())
