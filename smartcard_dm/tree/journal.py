"""What one message did beside changing nodes: references rewritten, things left out, requests to the embedder.

Guarantees: what an Atomic did is forgotten when it is rolled back. Leaves to its caller: telling anybody.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from smartcard_dm.tree.events import ExecRequested


class Rewritten(NamedTuple):
    """A connectivity reference that got the final name of what it refers to."""

    uri: str
    """The leaf that holds it."""
    before: str
    after: str


class Skipped(NamedTuple):
    """Something of the message that the device does not handle and left out, so that the rest succeeds."""

    uri: str
    """Where it would have gone; below `./Inbox` where no place was looked for."""
    what: str
    """The identifier of an object, or the name of a node."""
    why: str


class Mark(NamedTuple):
    """How much had been noted at one moment."""

    rewritten: int
    skipped: int
    requests: int
    moves: int
    warnings: int
    left_out: int


@dataclass(slots=True)
class Journal:
    """Notes on one message, in the order of its commands."""

    rewritten: list[Rewritten] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    requests: list[ExecRequested] = field(default_factory=list)
    moves: list[tuple[str, str | None]] = field(default_factory=list)
    """Nodes that got another name, path before and path after, and nodes that were removed with all below them, None
    after; in one order, since a place that became free may be taken again."""
    warnings: list[str] = field(default_factory=list)
    """What was odd and tolerated; sentences without secrets."""
    left_out: set[tuple[str, ...]] = field(default_factory=set)
    """Places that were passed over; what is sent below them is passed over too."""
    _steps: list[tuple[str, ...]] = field(default_factory=list)
    """Every change of `left_out`, a place at a time: done once more, it is undone."""

    def mark(self) -> Mark:
        """Return the present moment."""
        return Mark(
            len(self.rewritten),
            len(self.skipped),
            len(self.requests),
            len(self.moves),
            len(self.warnings),
            len(self._steps),
        )

    def forget_since(self, mark: Mark) -> None:
        """Forget what was noted since a moment."""
        del self.rewritten[mark.rewritten :]
        del self.skipped[mark.skipped :]
        del self.requests[mark.requests :]
        del self.moves[mark.moves :]
        del self.warnings[mark.warnings :]
        for place in reversed(self._steps[mark.left_out :]):
            self.left_out ^= {place}
        del self._steps[mark.left_out :]

    def leave_out(self, place: tuple[str, ...]) -> None:
        """Note a place that is passed over."""
        if place not in self.left_out:
            self.left_out.add(place)
            self._steps.append(place)

    def use_again(self, place: tuple[str, ...]) -> None:
        """Forget that a place was passed over."""
        if place in self.left_out:
            self.left_out.remove(place)
            self._steps.append(place)
