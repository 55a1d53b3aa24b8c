"""What the agent knows of its card at one moment, in one value that is replaced as a whole.

Guarantees: credentials stand in a snapshot only while the card is there and was read; a snapshot never changes, so an
answer made from one cannot mix two cards. Leaves to its caller: asking for the newest one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from smartcard_dm.trust.credentials import Credentials


class CardState(StrEnum):
    """What is known of the card; the values are stable names."""

    PRESENT = "present"
    """The card is there and was read: the only state with credentials."""
    ABSENT = "absent"
    """There is no card."""
    UNREADABLE = "unreadable"
    """A card is there and could not be read; nothing is known about what it holds now."""
    LOCKED = "locked"
    """A card is there and a PIN is needed, was refused, or is blocked."""
    SERVICE_LOST = "service-lost"
    """The reader or its service is gone; nothing is known about the card."""
    STARTING = "starting"
    """Nothing is known yet: the reader is looked for, or the card that is there is being read."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The card at one moment.

    Raises:
        ValueError: credentials without a card that was read, or the other way round; a negative generation; a moment
            without a time zone.
    """

    state: CardState
    """What is known of the card."""
    generation: int
    """Grows by one with each change that is seen; a card that comes back has another one."""
    credentials: Credentials | None
    """Accounts and anchors; None in every state but `present`."""
    reason: str
    """The state in one sentence for people, with a remedy where there is one; never a secret."""
    since: datetime
    """When this was established."""
    not_after: datetime | None = None
    """The earliest end of validity, after `since`, of the certificates among the credentials; None without one."""

    def __post_init__(self) -> None:
        if (self.credentials is not None) is not (self.state is CardState.PRESENT):
            raise ValueError(f"a snapshot has credentials if the card is present and only then, not when {self.state}")
        if self.generation < 0:
            raise ValueError(f"a generation is not negative, found {self.generation}")
        if self.since.tzinfo is None:
            raise ValueError("a snapshot's moment has a time zone")
