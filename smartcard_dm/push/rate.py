"""How many pushes are taken in one second.

Guarantees: never more than the bound in any burst, never more than twice the bound in any second; no state grows.
Leaves to its caller: the clock, and what becomes of what is not taken.
"""

from __future__ import annotations


class PushRate:
    """A bound on pushes for each second, over all connections of a listener.

    Args:
        per_second: pushes; the most that one burst may have, too.
    """

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._left = float(per_second)
        self._last: float | None = None

    def take(self, now: float) -> bool:
        """Count one push at a moment of a clock that never goes back (seconds); False when it is one too many."""
        if self._last is not None:
            self._left = min(self._per_second, self._left + (now - self._last) * self._per_second)
        self._last = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
