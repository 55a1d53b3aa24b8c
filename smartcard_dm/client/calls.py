"""Every call of the API: what is sent, and how its answer is read.

Guarantees: both clients send the same octets and read answers the same way, because both take them from here; no
secret is in a path, so none reaches a log. Wrong use is `ValueError` before anything is sent. Pure: no transport.

Spec: docs/agent.md; docs/openapi/agent-v1.json.
"""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar
from urllib.parse import urlencode

from smartcard_dm.client import answers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from smartcard_dm.client.answers import Answer
    from smartcard_dm.client.form import Form
    from smartcard_dm.client.values import (
        AccountAnswer,
        AccountsAnswer,
        AuthenticationAnswer,
        CardAnswer,
        SecretAnswer,
        VerdictAnswer,
    )

Value = TypeVar("Value", covariant=True)  # noqa: PLC0105 - named as type variables of this project are

MESSAGE: Final = "application/vnd.syncml.dm+wbxml"
TRANSPORTS: Final = ("local", "wap", "http", "sip")
SERVER_ID_CHARACTERS: Final = 1024
"""A ServerID is part of a node's value and of a request line; one in the field has 20."""
SPELLINGS: Final = ("octets", "hex-text")
AUTHENTICATIONS: Final = ("basic", "md5", "hmac")


@dataclass(frozen=True, slots=True)
class Call(Generic[Value]):
    """One request, and the reader of its answer."""

    method: str
    """GET or POST."""
    target: str
    """Path and query."""
    read: Callable[[Form], Value]
    """Makes the value of a JSON answer."""
    headers: tuple[tuple[str, str], ...] = ()
    """Names and values."""
    body: bytes | None = None
    """What is sent."""

    def value(self, answer: Answer) -> Value:
        """Return the value of an answer.

        Raises:
            AgentError: the problem it is, or `AgentProtocolError`.
        """
        return self.read(answers.form_of(answer))


def card(expect_generation: int | None = None) -> Call[CardAnswer]:
    """Ask who the card is, and its state."""
    return Call("GET", "/v1/card", answers.card_answer, _accepted(expect_generation))


def accounts(expect_generation: int | None = None) -> Call[AccountsAnswer]:
    """Ask for all accounts."""
    return Call("GET", "/v1/accounts", answers.accounts_answer, _accepted(expect_generation))


def account(server_id: str, expect_generation: int | None = None) -> Call[AccountAnswer]:
    """Ask for the account of one server.

    Raises:
        ValueError: the ServerID is larger than any is.
    """
    if len(server_id) > SERVER_ID_CHARACTERS:
        raise ValueError(f"a ServerID has at most {SERVER_ID_CHARACTERS} characters, found {len(server_id)}")
    target = f"/v1/account?{urlencode({'server_id': server_id})}"
    return Call("GET", target, answers.account_answer, _accepted(expect_generation))


def judge(
    path: str,
    octets: bytes,
    transport: str,
    *,
    secured: bool | None,
    evidence: str | None,
    expect_generation: int | None,
) -> Call[VerdictAnswer]:
    """Hand over a message.

    Args:
        path: "/v1/verify" or "/v1/apply".
        octets: the message, WBXML.
        transport: how it came: "local", "wap", "http" or "sip".
        secured: whether the security of that transport was employed; the agent's default where None.
        evidence: what proved it, for the verdict.
        expect_generation: the generation that must still hold.

    Raises:
        ValueError: there is no such transport.
    """
    if transport not in TRANSPORTS:
        raise ValueError(f"a message comes over one of {', '.join(TRANSPORTS)}, found {transport!r}")
    query = {"transport": transport}
    if secured is not None:
        query["secured"] = "true" if secured else "false"
    if evidence is not None:
        query["evidence"] = evidence
    headers = (*_accepted(expect_generation), ("content-type", MESSAGE))
    return Call("POST", f"{path}?{urlencode(query)}", answers.verdict_answer, headers, octets)


def authenticate(
    server_id: str,
    kind: str,
    *,
    nonce: bytes | None,
    body: bytes | None,
    level: str | None,
    spelling: str | None,
    expect_generation: int | None,
) -> Call[AuthenticationAnswer]:
    """Have a credential computed.

    Args:
        server_id: for which server.
        kind: "basic", "md5" or "hmac".
        nonce: the server's nonce, octets; None: the one in the account. Not for basic.
        body: the octets of the message as it will be sent, for hmac only.
        level: AAuthLevel; the agent's default where None.
        spelling: of an hmac: "octets" or "hex-text"; the agent's default where None.
        expect_generation: the generation that must still hold.

    Raises:
        ValueError: there is no such kind, or what it does not take was given.
    """
    if kind not in AUTHENTICATIONS:
        raise ValueError(f"a credential is one of {', '.join(AUTHENTICATIONS)}, found {kind!r}")
    if (body is not None) != (kind == "hmac"):
        raise ValueError("a body goes with hmac, and only with it")
    if spelling is not None and (kind != "hmac" or spelling not in SPELLINGS):
        raise ValueError(f"a spelling goes with hmac, and is one of {', '.join(SPELLINGS)}")
    if nonce is not None and kind == "basic":
        raise ValueError("basic takes no nonce")
    said = {
        "server_id": server_id,
        "type": kind,
        "nonce": _base64(nonce),
        "body": _base64(body),
        "level": level,
        "spelling": spelling,
    }
    return _post("/v1/authenticate", said, answers.authentication_answer, expect_generation)


def secret(
    server_id: str, *, level: str | None, purpose: str | None, expect_generation: int | None
) -> Call[SecretAnswer]:
    """Ask for the secrets of an account.

    Args:
        server_id: of which server.
        level: AAuthLevel; the agent's default where None.
        purpose: what for, in words for the agent's audit.
        expect_generation: the generation that must still hold.
    """
    said = {"server_id": server_id, "level": level, "purpose": purpose}
    return _post("/v1/secret", said, answers.secret_answer, expect_generation)


def whole(call: Call[object]) -> Call[Mapping[str, object]]:
    """Return the same call with all fields of its answer as its value, once they have the form they must have."""

    def read(form: Form) -> Mapping[str, object]:
        call.read(form)
        return form.whole()

    return Call(call.method, call.target, read, call.headers, call.body)


def events_headers(after: str | None) -> tuple[tuple[str, str], ...]:
    """Return the headers of GET /v1/events.

    Args:
        after: the last event that was seen; None: from now on.
    """
    accepted = (("accept", f"{answers.EVENTS}, {answers.PROBLEM}"), ("cache-control", "no-store"))
    return accepted if after is None else (*accepted, ("last-event-id", after))


EVENTS_TARGET: Final = "/v1/events"


def _post(
    path: str, said: dict[str, str | None], read: Callable[[Form], Value], expect_generation: int | None
) -> Call[Value]:
    body = json.dumps({name: value for name, value in said.items() if value is not None}).encode()
    headers = (*_accepted(expect_generation), ("content-type", answers.JSON))
    return Call("POST", path, read, headers, body)


def _accepted(expect_generation: int | None) -> tuple[tuple[str, str], ...]:
    accepted = ("accept", f"{answers.JSON}, {answers.PROBLEM}")
    return (accepted,) if expect_generation is None else (accepted, ("if-generation", str(expect_generation)))


def _base64(octets: bytes | None) -> str | None:
    return None if octets is None else b64encode(octets).decode("ascii")
