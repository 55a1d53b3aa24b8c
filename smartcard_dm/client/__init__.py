"""A client of the agent, for Python: `AgentClient`, and `AsyncAgentClient` with the same methods.

Guarantees: nothing is sent to an agent of a user who is not trusted; every answer is a frozen value or an error of the
tree below `AgentError`; answers and events are bounded; a secret arrives as a `Secret`. Each name is loaded on first
use, so that importing this package costs nothing; HTTP is loaded with the first client. Leaves to its caller: dropping
what it keeps when `watch` says that the card changed.

Spec: docs/agent.md; docs/openapi/agent-v1.json.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from smartcard_dm.client.async_client import AsyncAgentClient
    from smartcard_dm.client.places import default_socket
    from smartcard_dm.client.sync_client import AgentClient
    from smartcard_dm.client.values import (
        AccountAnswer,
        AccountsAnswer,
        AgentEvent,
        AuthenticationAnswer,
        CardAnswer,
        Provenance,
        SecretAnswer,
        VerdictAnswer,
    )

_HOME: Final = {
    "AccountAnswer": "smartcard_dm.client.values",
    "AccountsAnswer": "smartcard_dm.client.values",
    "AgentClient": "smartcard_dm.client.sync_client",
    "AgentEvent": "smartcard_dm.client.values",
    "AsyncAgentClient": "smartcard_dm.client.async_client",
    "AuthenticationAnswer": "smartcard_dm.client.values",
    "CardAnswer": "smartcard_dm.client.values",
    "Provenance": "smartcard_dm.client.values",
    "SecretAnswer": "smartcard_dm.client.values",
    "VerdictAnswer": "smartcard_dm.client.values",
    "default_socket": "smartcard_dm.client.places",
}

__all__ = [
    "AccountAnswer",
    "AccountsAnswer",
    "AgentClient",
    "AgentEvent",
    "AsyncAgentClient",
    "AuthenticationAnswer",
    "CardAnswer",
    "Provenance",
    "SecretAnswer",
    "VerdictAnswer",
    "default_socket",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
