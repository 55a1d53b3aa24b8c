"""Makes docs/openapi/agent-v1.json from the routes of `smartcard_dm.agent.api`.

Run it with `python -m docs.openapi_document` from the root of the tree; a test compares what it makes with the file.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from smartcard_dm.agent.api import create_app
from smartcard_dm.agent.events import EventLog
from smartcard_dm.agent.service import AgentService
from smartcard_dm.agent.snapshot import CardState, Snapshot
from smartcard_dm.trust.policy import Policy

DOCUMENT = Path(__file__).parent / "openapi" / "agent-v1.json"
_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


class _NoCard:
    """What the document is made with: it is the same for every card."""

    snapshot = Snapshot(CardState.ABSENT, 0, None, "", _MOMENT)


def render() -> str:
    """Return the document."""
    service = AgentService(_NoCard(), EventLog("0"), origin="pcsc:", clock=lambda: _MOMENT, policy=Policy.default())
    return json.dumps(create_app(service).openapi(), indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the document."""
    DOCUMENT.parent.mkdir(exist_ok=True)
    DOCUMENT.write_text(render(), "utf-8")
    print(DOCUMENT)


if __name__ == "__main__":
    main()
