"""What a source tells about its card: one value for each change.

Guarantees: frozen values. Leaves to `keeper`: what follows from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Placement(Enum):
    """Where the card is now."""

    CARD_IN = "in"
    """A card is there."""
    CARD_CHANGED = "changed"
    """A card is there, as before, but it was out in between: it may be another one."""
    CARD_OUT = "out"
    """There is no card."""
    LOST = "lost"
    """The reader or its service is gone, or nobody can say which reader is meant."""


@dataclass(frozen=True, slots=True)
class PlacementChange:
    """One change."""

    placement: Placement
    """Where the card is now."""
    place: str
    """The reader's name, or whatever else opens the card again; empty where there is none."""
    reason: str
    """The change in one sentence for people; with a remedy where something is wrong."""
