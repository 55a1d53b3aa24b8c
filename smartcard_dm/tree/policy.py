"""What may be chosen about processing: bounds of the replay memory, and whose messages are carried out.

Guarantees: frozen values; the defaults are the safe ones where the standards leave a choice.
Spec: design decision D6; OMA-TS-DM_Sessionless has no rule for SyncHdr/Target and none for freshness.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayPolicy:
    """How messages that took effect are remembered.

    Raises:
        ValueError: a bound is not positive.
    """

    monotonic: bool = False
    """Whether (SessionID, MsgID) of each server must also grow; both are then decimal numbers."""
    window: timedelta = timedelta(days=3650)
    """How long a message is remembered at least. An older one may be forgotten, and would then be accepted again."""
    messages: int = 100_000
    """Messages remembered for each server. When as many are inside the window, new ones are refused (`replay.full`)."""

    def __post_init__(self) -> None:
        if self.window <= timedelta() or self.messages < 1:
            raise ValueError("the window and the number of messages of a replay policy are positive")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessingPolicy:
    """How a message that was authorized is carried out."""

    replay: ReplayPolicy = field(default_factory=ReplayPolicy)
    this_device_only: bool = False
    """Whether SyncHdr/Target must be this device's DevId, or `./`, "whichever device reads it"."""
