"""Events of an agent as text for a terminal of 80 columns, and as JSON."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from smartcard_dm.client.values import AgentEvent, CardAnswer
    from smartcard_dm.report.forms import Form

NOW: Final = "now"
"""The kind of the line that says what there is; no event of an agent is of it."""

_WIDTH: Final = 80


def agent_event_form(event: AgentEvent) -> Form:
    """Return the form of one line of `agent watch`."""
    return {
        "id": event.id,
        "kind": event.kind,
        "at": _moment(event.at),
        "generation": event.generation,
        "subject": event.subject,
        "data": dict(event.data),
    }


def agent_now_form(card: CardAnswer, accounts: Sequence[str]) -> Form:
    """Return the form of the first line of `agent watch`, like that of an event: what is there before any.

    Args:
        card: the card and its state.
        accounts: ServerIDs of the accounts that can be used.
    """
    present = card.state == "present"
    return {
        "id": card.provenance.event_id,
        "kind": NOW,
        "at": _moment(card.since),
        "generation": card.provenance.generation,
        "subject": card.provenance.card_id,
        "data": {"state": card.state, "accounts": list(accounts)}
        if present
        else {"state": card.state, "reason": card.reason},
    }


def agent_event_lines(form: Form) -> tuple[str, ...]:
    """Return an event as lines: moment, ID, what happened, to whom; then, indented, more where there is more.

    Args:
        form: of `agent_event_form` or `agent_now_form`.
    """
    head = " ".join(str(form[part]) for part in ("at", "id", "kind", "subject") if form[part])
    data = cast("Form", form["data"])
    more = "; ".join(f"{name} {_text(value)}" for name, value in data.items())
    indent = "  "
    return head, *textwrap.wrap(more, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _text(value: object) -> str:
    return (", ".join(map(str, value)) or "none") if isinstance(value, list) else str(value)
