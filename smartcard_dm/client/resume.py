"""When a stream of events is opened again, and from which event on.

Guarantees: an event that was given to the caller is never asked for again; pauses grow from a tenth of a second to five
seconds, and begin anew with every event or quiet stream that worked; what cannot get better by waiting ends it at once.
Pure: time is an argument.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smartcard_dm.errors import AgentUnreachableError

if TYPE_CHECKING:
    from smartcard_dm.client.values import AgentEvent
    from smartcard_dm.errors import AgentError

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0


class Resume:
    """The memory of one watch.

    Args:
        after: the last event seen before; None: from now on.
        patience: seconds without an agent until it is given up; None: never.
    """

    def __init__(self, after: str | None, patience: float | None) -> None:
        self.after = after
        """The last event that was seen."""
        self._patience = patience
        self._pause = FIRST_PAUSE
        self._lost_at: float | None = None
        self._reached = False

    def opened(self) -> None:
        """Note that the agent answered."""
        self._reached = True
        self._lost_at = None
        self._pause = FIRST_PAUSE

    def seen(self, event: AgentEvent) -> None:
        """Note an event before it is given to the caller."""
        self.after = event.id

    def lost(self, error: AgentError, now: float) -> float:
        """Return the seconds to wait before the next try.

        Args:
            error: why there is no stream.
            now: seconds of a clock that never goes back.

        Raises:
            AgentError: `error`, when the agent was never reached, is given up, or the error is of a kind that stays.
        """
        if not self._reached or not isinstance(error, AgentUnreachableError):
            raise error
        if self._lost_at is None:
            self._lost_at = now
        if self._patience is not None and now - self._lost_at >= self._patience:
            raise error
        pause, self._pause = self._pause, min(self._pause * 2, LONGEST_PAUSE)
        return pause
