"""The protocol of the one-shot helper: one JSON request, one JSON answer.

Guarantees: a request of any other form is `AgentRequestError` with the code "request-invalid", which names the member
and holds none of its octets; the answer is the same whether an agent gave it or the helper read the card itself. Leaves
to its caller: reading and printing.

Spec: docs/schemas/agent-get-request.schema.json and agent-get.schema.json.
"""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, cast

from smartcard_dm.client import calls
from smartcard_dm.errors import AgentRequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smartcard_dm.client.calls import Call
    from smartcard_dm.errors import AgentError

VERSION: Final = 1
NAME: Final = "standard input"

Operation: TypeAlias = Literal["list", "get", "verify", "authenticate", "secret"]

_TEXT: Final = "text"
_OCTETS: Final = "base64"
_FLAG: Final = "true or false"
_ONE: Final = f"the number {VERSION}"

_MEMBERS: Final[Mapping[str, tuple[Mapping[str, str], Mapping[str, str]]]] = {
    "list": ({}, {}),
    "get": ({"server_id": _TEXT}, {}),
    "verify": ({"message": _OCTETS, "transport": _TEXT}, {"secured": _FLAG, "evidence": _TEXT}),
    "authenticate": (
        {"server_id": _TEXT, "type": _TEXT},
        {"nonce": _OCTETS, "body": _OCTETS, "level": _TEXT, "spelling": _TEXT},
    ),
    "secret": ({"server_id": _TEXT}, {"level": _TEXT, "purpose": _TEXT}),
}
"""For each operation what it needs and what it may have."""

_EVIDENCE_CHARACTERS: Final = 256


@dataclass(frozen=True, slots=True)
class HelperRequest:
    """One request."""

    operation: Operation
    """What is wanted."""
    call: Call[Mapping[str, object]]
    """The same as a call of the agent's API, whose JSON is the answer."""
    server_id: str
    """For which server; empty where it is for none."""
    message: bytes
    """The message to verify; empty for other operations."""
    transport: str
    """How that came; empty for other operations."""
    secured: bool | None
    """Whether the security of that transport was employed."""
    evidence: str | None
    """What proved it."""


def parse_request(octets: bytes) -> HelperRequest:
    """Return the request that octets spell.

    Raises:
        AgentRequestError: they spell none.
    """
    try:
        found: object = json.loads(octets)
    except (ValueError, RecursionError) as error:
        raise invalid("it is no JSON") from error
    if not isinstance(found, dict):
        raise invalid("it is no object")
    # `True == 1`, and JSON's true is no version.
    if type(found.get("version")) is not int or found["version"] != VERSION:
        raise invalid(f"version: wanted {_ONE}")
    operation = found.get("operation")
    if not isinstance(operation, str) or operation not in _MEMBERS:
        raise invalid(f"operation: wanted one of {', '.join(_MEMBERS)}")
    needed, allowed = _MEMBERS[operation]
    members = {name: value for name, value in found.items() if name not in {"version", "operation"}}
    kinds = {**needed, **allowed}
    if any(name not in kinds for name in members):
        raise invalid(f"it has a member that {operation} does not take; it takes {', '.join(kinds) or 'none'}")
    for name in needed:
        if name not in members:
            raise invalid(f"{name}: {operation} needs it")
    values = {name: _value(name, kinds[name], value) for name, value in members.items()}
    return _request(cast("Operation", operation), values)


def answer_form(operation: Operation, answer: Mapping[str, object]) -> dict[str, object]:
    """Return the form of an answer.

    Args:
        operation: what was wanted.
        answer: the JSON of the agent's answer.
    """
    return {"version": VERSION, "operation": operation, "answer": dict(answer), "error": None}


def error_form(operation: Operation | None, error: AgentError, exit_code: int) -> dict[str, object]:
    """Return the form of an error.

    Args:
        operation: what was wanted, if that could be read.
        error: what is wrong.
        exit_code: with which the helper leaves.
    """
    form = {"code": error.code, "message": str(error), "remedy": error.remedy, "exit_code": exit_code}
    return {"version": VERSION, "operation": operation, "answer": None, "error": form}


def invalid(detail: str) -> AgentRequestError:
    """Return the error for what is no request."""
    return AgentRequestError(
        "request-invalid", f"the request is none: {detail}", "docs/agent.md describes requests", name=NAME
    )


def _value(name: str, kind: str, value: object) -> str | bytes | bool:
    if kind == _FLAG and isinstance(value, bool):
        return value
    if kind == _TEXT and isinstance(value, str) and value.isprintable() and value:
        return value
    if kind == _OCTETS and isinstance(value, str):
        try:
            return b64decode(value, validate=True)
        except ValueError:
            pass
    wanted = "printable text" if kind == _TEXT else kind
    raise invalid(f"{name}: wanted {wanted}")


def _request(operation: Operation, values: Mapping[str, str | bytes | bool]) -> HelperRequest:
    server_id, transport = _text(values, "server_id"), _text(values, "transport")
    message = cast("bytes", values.get("message", b""))
    secured = cast("bool | None", values.get("secured"))
    evidence = _text(values, "evidence") or None
    if len(evidence or "") > _EVIDENCE_CHARACTERS:
        raise invalid(f"evidence: wanted at most {_EVIDENCE_CHARACTERS} characters")
    try:
        call = _call(operation, values)
    except ValueError as error:
        raise invalid(str(error)) from error
    return HelperRequest(operation, call, server_id, message, transport, secured, evidence)


def _call(operation: Operation, values: Mapping[str, str | bytes | bool]) -> Call[Mapping[str, object]]:
    server_id, level = _text(values, "server_id"), _text(values, "level") or None
    match operation:
        case "list":
            return calls.whole(calls.accounts())
        case "get":
            return calls.whole(calls.account(server_id))
        case "verify":
            return calls.whole(
                calls.judge(
                    "/v1/verify",
                    cast("bytes", values["message"]),
                    _text(values, "transport"),
                    secured=cast("bool | None", values.get("secured")),
                    evidence=_text(values, "evidence") or None,
                    expect_generation=None,
                )
            )
        case "authenticate":
            return calls.whole(
                calls.authenticate(
                    server_id,
                    _text(values, "type"),
                    nonce=cast("bytes | None", values.get("nonce")),
                    body=cast("bytes | None", values.get("body")),
                    level=level,
                    spelling=_text(values, "spelling") or None,
                    expect_generation=None,
                )
            )
        case "secret":
            purpose = _text(values, "purpose") or None
            return calls.whole(calls.secret(server_id, level=level, purpose=purpose, expect_generation=None))


def _text(values: Mapping[str, str | bytes | bool], name: str) -> str:
    return cast("str", values.get(name, ""))
