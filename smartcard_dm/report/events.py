"""Events of an agent as text for a terminal of 80 columns, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smartcard_dm.client.values import AgentEvent
    from smartcard_dm.report.forms import Form


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


def agent_event_line(event: AgentEvent) -> str:
    """Return an event on one line: moment, ID, what happened, to whom, and more where there is more."""
    more = "; ".join(f"{name} {_text(value)}" for name, value in event.data.items())
    return " ".join(
        part for part in (_moment(event), event.id, event.kind, event.subject, more and f"({more})") if part
    )


def _moment(event: AgentEvent) -> str:
    return f"{event.at:%Y-%m-%dT%H:%M:%SZ}"


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
