"""Events of an agent as text for a terminal of 80 columns, and as JSON."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from smartcard_dm.client.values import AgentEvent
    from smartcard_dm.report.forms import Form

_WIDTH: Final = 80


def agent_event_form(event: AgentEvent) -> Form:
    """Return the form of one line of `agent watch`."""
    return {
        "id": event.id,
        "kind": event.kind,
        "at": _moment(event),
        "generation": event.generation,
        "subject": event.subject,
        "data": dict(event.data),
    }


def agent_event_lines(event: AgentEvent) -> tuple[str, ...]:
    """Return an event as lines: moment, ID, what happened, to whom; then, indented, more where there is more."""
    head = " ".join(part for part in (_moment(event), event.id, event.kind, event.subject) if part)
    more = "; ".join(f"{name} {_text(value)}" for name, value in event.data.items())
    indent = "  "
    return head, *textwrap.wrap(more, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


def _moment(event: AgentEvent) -> str:
    return f"{event.at:%Y-%m-%dT%H:%M:%SZ}"


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
