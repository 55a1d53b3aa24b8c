"""Which connections of a listener are open, and which of them makes room when there are too many.

Guarantees: the one that has been quiet longest goes first, then the oldest of those that are in the middle of
something, so that slow ones keep nobody out. Leaves to its caller: ending it, and telling.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Member(Protocol):
    @property
    def is_quiet(self) -> bool:
        """Whether nothing is lost when it is given up."""


Connection = TypeVar("Connection", bound=_Member)


class Crowd(Generic[Connection]):
    """The connections of a listener, in the order in which they were last heard of.

    Args:
        at_most: how many may be open.
    """

    def __init__(self, at_most: int) -> None:
        self._at_most = at_most
        self._open: dict[Connection, None] = {}

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Connection]:
        """Yield all of them; they may leave meanwhile."""
        return iter(tuple(self._open))

    def join(self, connection: Connection) -> Connection | None:
        """Add a connection; return the one that has to go for it, which is no member any more."""
        leaving = self._in_the_way() if len(self._open) >= self._at_most else None
        self._open[connection] = None
        return leaving

    def heard(self, connection: Connection) -> None:
        """Take note that a connection made a whole request."""
        if connection in self._open:
            del self._open[connection]
            self._open[connection] = None

    def leave(self, connection: Connection) -> None:
        """Take note that a connection has ended; it may have left before."""
        self._open.pop(connection, None)

    def _in_the_way(self) -> Connection:
        oldest = next(iter(self._open))
        leaving = next((connection for connection in self._open if connection.is_quiet), oldest)
        del self._open[leaving]
        return leaving
