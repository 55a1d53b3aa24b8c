"""What the device's own program is told when a message or a card changed something: a small typed interface.

A listener is any object with a method `notify(event)`. It is called after every command was carried out and before
anything is committed; an exception of it rolls the whole message back. It must not use the tree it is told about.

Guarantees: events come in the order of this file; none is given twice for one message, none for a dry run.
Leaves to its caller: what follows, such as the session that the device may start of its own accord.

Spec: OMA-TS-DM_Sessionless 5.5 (a response is never sent; a session of the device's own is not precluded);
OMA-TS-DM_Bootstrap-V1_2_1, 5.4 (a session after bootstrap); OMA-TS-DM_RepPro-V1_2_1, 6.5.6 (Exec).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from smartcard_dm.dm import ServerId


@dataclass(frozen=True, slots=True)
class AccountRemoved:
    """No account has this ServerID any more; it was taken out of every ACL."""

    server_id: ServerId


@dataclass(frozen=True, slots=True)
class AccountAdded:
    """An account with this ServerID is new."""

    server_id: ServerId
    uri: str


@dataclass(frozen=True, slots=True)
class ExecRequested:
    """A server with the right to do so asked for what stands behind a node; its status is 202, accepted."""

    server_id: ServerId
    uri: str
    data: str | None = field(repr=False)
    """What the command carries; may be a secret."""
    correlator: str | None = None


@dataclass(frozen=True, slots=True)
class SessionWanted:
    """The device should start a management session with a server, because its account is new."""

    server_id: ServerId
    reason: str


DeviceEvent = AccountRemoved | AccountAdded | ExecRequested | SessionWanted


class Noting:
    """A listener that takes note and does nothing: Exec is accepted, and the report says that it was."""

    def notify(self, event: DeviceEvent) -> None:
        """Take an event."""


class Listener(Protocol):
    """Who is told of events."""

    def notify(self, event: DeviceEvent) -> None:
        """Take notice of an event; any exception rolls back what led to it."""
