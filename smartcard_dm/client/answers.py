"""Octets of an answer to a frozen value, or to the error it stands for.

Guarantees: an answer of any other form is `AgentProtocolError`; a problem document is the error of its code. Pure: no
transport is known here.

Spec: docs/agent.md; RFC 9457 (problem documents).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from smartcard_dm.client.form import Form, no_form
from smartcard_dm.client.values import (
    AccountAnswer,
    AccountsAnswer,
    AccountView,
    AddressView,
    AgentEvent,
    AuthenticationAnswer,
    AuthView,
    CardAnswer,
    CardView,
    Provenance,
    SecretAnswer,
    SecretView,
    VerdictAnswer,
)
from smartcard_dm.errors import (
    AgentCardError,
    AgentError,
    AgentPeerError,
    AgentPolicyError,
    AgentRequestError,
    AgentUnreachableError,
)
from smartcard_dm.identity import Origin

if TYPE_CHECKING:
    from collections.abc import Mapping

JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"
EVENTS: Final = "text/event-stream"

_OK: Final = 200
_SERVER_FAULTS: Final = 500

CARD_CODES: Final = frozenset(
    {"card-absent", "card-removed", "card-changed", "card-unreadable", "card-locked", "reader-lost", "starting"}
)
POLICY_CODES: Final = frozenset({"basic-denied", "secret-denied", "tree-none"})
PEER_CODES: Final = frozenset({"peer-refused"})
BUSY_CODES: Final = frozenset({"busy", "overloaded", "request-timeout", "tree-unavailable", "audit-unavailable"})

_BY_CODE: Final[Mapping[str, type[AgentError]]] = {
    **dict.fromkeys(CARD_CODES, AgentCardError),
    **dict.fromkeys(POLICY_CODES, AgentPolicyError),
    **dict.fromkeys(PEER_CODES, AgentPeerError),
    **dict.fromkeys(BUSY_CODES, AgentUnreachableError),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole."""

    name: str
    """The socket."""
    status: int
    """The HTTP status."""
    content_type: str
    """The media type, parameters included."""
    body: bytes
    """The octets."""

    @property
    def media_type(self) -> str:
        """The media type without its parameters."""
        return self.content_type.partition(";")[0].strip().lower()


def form_of(answer: Answer) -> Form:
    """Return the JSON of an answer that is none of the problems.

    Raises:
        AgentError: the problem that it is.
        AgentProtocolError: it is neither.
    """
    if answer.media_type == PROBLEM:
        raise problem(answer)
    if answer.status != _OK or answer.media_type != JSON:
        raise no_form(
            answer.name,
            f"the answer has status {answer.status} and type {answer.media_type[:60]!r}, wanted 200 and {JSON}",
            status=answer.status,
        )
    return Form.parse(answer.name, "answer", answer.body)


def error_kind(code: str, status: int) -> type[AgentError]:
    """Return the error of a problem's code; a code that is not known yet is told by its status."""
    fallback = AgentUnreachableError if status >= _SERVER_FAULTS else AgentRequestError
    return _BY_CODE.get(code, fallback)


def problem(answer: Answer) -> AgentError:
    """Return the error that a problem document stands for."""
    form = Form.parse(answer.name, "problem", answer.body)
    code = form.text("code")
    provenance = form.part_or_none("provenance")
    return error_kind(code, answer.status)(
        code,
        form.text("detail"),
        form.text("remedy"),
        name=answer.name,
        status=answer.status,
        request_id=form.text_or_none("request_id"),
        generation=None if provenance is None else provenance.number("generation"),
        state=None if provenance is None else provenance.text("state"),
        committed=form.flag("committed"),
    )


def card_answer(form: Form) -> CardAnswer:
    """Read the answer of GET /v1/card."""
    card = form.part_or_none("card")
    return CardAnswer(
        provenance(form),
        None if card is None else CardView(card.text_or_none("iccid"), card.text("generation"), card.text("atr")),
        form.text("state"),
        form.text("reason"),
        form.moment("since"),
    )


def accounts_answer(form: Form) -> AccountsAnswer:
    """Read the answer of GET /v1/accounts."""
    return AccountsAnswer(
        provenance(form), tuple(account(item) for item in form.parts("accounts")), form.texts("warnings")
    )


def account_answer(form: Form) -> AccountAnswer:
    """Read the answer of GET /v1/account."""
    return AccountAnswer(provenance(form), account(form.part("account")))


def verdict_answer(form: Form) -> VerdictAnswer:
    """Read the answer of POST /v1/verify and POST /v1/apply."""
    verdict = form.part("verdict")
    return VerdictAnswer(
        provenance(form),
        verdict.text("verdict") == "authorized",
        verdict.text("detail"),
        verdict.number("step"),
        verdict.text_or_none("rule"),
        verdict.text_or_none("server_id"),
        verdict.whole(),
    )


def authentication_answer(form: Form) -> AuthenticationAnswer:
    """Read the answer of POST /v1/authenticate."""
    made = form.part("authentication")
    header = made.part_or_none("header")
    value = None if header is None else header.secret_text("value")
    return AuthenticationAnswer(
        provenance(form),
        form.text("server_id"),
        made.text("type"),
        made.text("level"),
        made.text_or_none("name"),
        made.text("scheme"),
        made.secret_text("value"),
        None if header is None or value is None else (header.text("name"), value),
    )


def secret_answer(form: Form) -> SecretAnswer:
    """Read the answer of POST /v1/secret."""
    return SecretAnswer(
        provenance(form),
        form.text("server_id"),
        tuple(
            SecretView(
                item.text("level"),
                item.text("type"),
                item.text_or_none("name"),
                item.secret_octets("secret"),
                item.secret_octets("data"),
            )
            for item in form.parts("secrets")
        ),
    )


def event(form: Form) -> AgentEvent:
    """Read the data of one event of GET /v1/events."""
    sent = form.part_or_none("provenance")
    return AgentEvent(
        form.text("id"),
        form.text("kind"),
        form.moment("at"),
        form.number("generation"),
        form.text_or_none("subject"),
        form.part("data").whole(),
        None if sent is None else _provenance(sent),
    )


def provenance(form: Form) -> Provenance:
    """Read where an answer comes from."""
    return _provenance(form.part("provenance"))


def _provenance(form: Form) -> Provenance:
    return Provenance(
        form.text("origin"),
        form.text_or_none("card_id"),
        form.number("generation"),
        form.text("state"),
        form.moment_or_none("not_after"),
        form.text("cache"),
        form.text("event_id"),
    )


def account(form: Form) -> AccountView:
    """Read one account."""
    origin = form.part_or_none("origin")
    return AccountView(
        form.text("server_id"),
        form.text_or_none("name"),
        form.text_or_none("node"),
        None
        if origin is None
        else Origin(origin.text("object"), origin.text("path"), origin.text_or_none("oid") or ""),
        tuple(
            AddressView(item.text("addr"), item.text("type"), item.numbers("ports")) for item in form.parts("addresses")
        ),
        tuple(
            AuthView(
                item.text("level"),
                item.text("type"),
                item.text_or_none("name"),
                item.flag("has_secret"),
                item.flag("has_certificate"),
            )
            for item in form.parts("auth")
        ),
    )
