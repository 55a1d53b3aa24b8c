"""What happened, in order, for any number of consumers that may be late.

Guarantees: an event holds no secret; the log keeps a bounded number of events and nothing for each consumer but a
position, so a slow one costs nothing: it is told that it missed some. Events may be appended by any thread; consumers
wait in their event loop without polling. Numbers grow by one and are unique under an epoch, which another start of the
agent does not share. Leaves to its caller: an epoch that is unique, such as a random one.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Self, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from types import TracebackType

CAPACITY: Final = 1024
"""Events kept. A card with 256 accounts that leaves and comes back makes 514."""

_EPOCH: Final = re.compile(r"[A-Za-z0-9]{1,32}")
_TEXT: Final = re.compile(r"(?P<epoch>[A-Za-z0-9]{1,32})-(?P<number>0|[1-9][0-9]{0,17})", re.ASCII)

EventValue: TypeAlias = "str | int | bool | tuple[str, ...] | None"
"""What may stand in the data of an event: all of it has a JSON form."""


class EventType(StrEnum):
    """What happened; the values are stable names."""

    CARD_INSERTED = "card-inserted"
    """A card was read; the events of its accounts follow. Subject: its ICCID."""
    CARD_REMOVED = "card-removed"
    """The card left; the events of its accounts follow. Subject: the ICCID of the card that was there, if known."""
    CARD_CHANGED = "card-changed"
    """The card was out in between, and may be another one: nothing it held is valid until it was read."""
    CARD_UNREADABLE = "card-unreadable"
    """A card is there and could not be read; this says nothing about its accounts."""
    CARD_LOCKED = "card-locked"
    """A card is there and a PIN is needed, was refused, or is blocked."""
    READER_LOST = "reader-lost"
    """The reader or its service is gone; this says nothing about the card's accounts. Subject: the reader, if known."""
    READER_BACK = "reader-back"
    """The reader is there again; what is in it follows. Subject: the reader."""
    ACCOUNT_ADDED = "account-added"
    """An account can be used from now on. Subject: its ServerID, here and below."""
    ACCOUNT_REMOVED = "account-removed"
    """An account is gone."""
    ACCOUNT_CHANGED = "account-changed"
    """An account is not what it was when it was read before; `data["changed"]` says which parts."""


@dataclass(frozen=True, slots=True)
class AgentEvent:
    """One thing that happened; never with a secret."""

    id: int
    """Its number, from 1, without gaps in one log."""
    kind: EventType
    """What it was."""
    at: datetime
    """When it was noticed."""
    generation: int
    """The generation that began with it, or that it belongs to."""
    subject: str
    """What it happened to; empty when that is not known."""
    data: Mapping[str, EventValue] = field(default_factory=lambda: MappingProxyType({}))
    """More about it; every value has a JSON form."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Events that a consumer cannot have any more: whatever it knows may be stale, and it asks again."""

    resumes_at: int
    """The number of the event that comes next."""


class EventLog:
    """A bounded log of events.

    Args:
        epoch: 1 to 32 letters and digits that no other start of the agent uses.
        capacity: how many events are kept.

    Raises:
        ValueError: the epoch has another form, or the capacity is below one.
    """

    def __init__(self, epoch: str, *, capacity: int = CAPACITY) -> None:
        if not _EPOCH.fullmatch(epoch):
            raise ValueError("an epoch is 1 to 32 letters and digits")
        if capacity < 1:
            raise ValueError(f"a log keeps at least one event, not {capacity}")
        self._epoch = epoch
        self._lock = Lock()
        self._capacity = capacity
        self._events: dict[int, AgentEvent] = {}
        self._last = 0
        self._subscriptions: set[Subscription] = set()

    @property
    def epoch(self) -> str:
        """What the text form of every event of this log begins with."""
        return self._epoch

    @property
    def last(self) -> int:
        """The number of the newest event; 0 before the first."""
        return self._last

    @property
    def subscribers(self) -> int:
        """How many consumers there are."""
        return len(self._subscriptions)

    def append(
        self,
        kind: EventType,
        at: datetime,
        generation: int,
        subject: str = "",
        data: Mapping[str, EventValue] | None = None,
    ) -> AgentEvent:
        """Number an event, keep it, and wake every consumer; from any thread, and never waiting for a consumer."""
        with self._lock:
            self._last += 1
            event = AgentEvent(self._last, kind, at, generation, subject, MappingProxyType(dict(data or {})))
            self._events[event.id] = event
            self._events.pop(event.id - self._capacity, None)
            subscriptions = tuple(self._subscriptions)
        for each in subscriptions:
            each.wake()
        return event

    def after(self, number: int) -> tuple[tuple[AgentEvent, ...], bool]:
        """Return the events after a number, and whether these are all.

        They are not all when some were dropped, or when the number was never given: then whatever the consumer knows
        may be stale, and the events are those that are kept.
        """
        with self._lock:
            complete = self._last - len(self._events) <= number <= self._last
            return tuple(each for each in self._events.values() if not complete or each.id > number), complete

    def next_after(self, number: int) -> AgentEvent | Gap | None:
        """Return the event after a number, a gap where it was dropped, or None where it did not happen yet."""
        with self._lock:
            if number == self._last:
                return None
            return self._events.get(number + 1) or Gap(self._last - len(self._events) + 1)

    def text(self, event: AgentEvent | int) -> str:
        """Return the text form of an event's number: epoch, hyphen, number."""
        return f"{self._epoch}-{event if isinstance(event, int) else event.id}"

    def number(self, text: str) -> int | None:
        """Return the number a text form stands for; None for another epoch, a number not given yet, or garbage."""
        found = _TEXT.fullmatch(text)
        if found is None or found["epoch"] != self._epoch or int(found["number"]) > self._last:
            return None
        return int(found["number"])

    def subscribe(self, last_event_id: str | None = None) -> Subscription:
        """Return a consumer; to be called, awaited and closed in one running event loop.

        Args:
            last_event_id: the text form of the last event it has: it gets what came after. Anything that does not name
                a place in this log, such as an event of an earlier start, gives a `Gap` first. None: from now on.

        Raises:
            RuntimeError: no event loop is running.
        """
        position = self._last if last_event_id is None else self.number(last_event_id)
        subscription = Subscription(self, self._last if position is None else position, stale=position is None)
        with self._lock:
            self._subscriptions.add(subscription)
        return subscription

    def drop(self, subscription: Subscription) -> None:
        """Forget a consumer; doing it twice is allowed."""
        with self._lock:
            self._subscriptions.discard(subscription)


class Subscription:
    """One consumer's place in the log; made by `EventLog.subscribe`, used in one event loop.

    It is an asynchronous context manager and an asynchronous iterator of events and gaps, without an end.
    """

    def __init__(self, log: EventLog, position: int, *, stale: bool) -> None:
        self._log = log
        self._position = position
        self._stale = stale
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._waking = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> AgentEvent | Gap:
        return await self.next()

    def close(self) -> None:
        """Leave the log."""
        self._log.drop(self)

    async def next(self) -> AgentEvent | Gap:
        """Return what comes next, waiting as long as it takes; cancelling the wait loses nothing."""
        while True:
            self._news.clear()
            found = self._take()
            if found is not None:
                return found
            await self._news.wait()

    def wake(self) -> None:
        """Say that there may be more; from any thread. A loop that does not run gets one call, not many."""
        if not self._waking:
            self._waking = True
            try:
                self._loop.call_soon_threadsafe(self._woken)
            except RuntimeError:  # the loop has ended, and its consumers with it
                self.close()

    def _woken(self) -> None:
        # First this: an event that comes from now on calls again.
        self._waking = False
        self._news.set()

    def _take(self) -> AgentEvent | Gap | None:
        if self._stale:
            self._stale = False
            return Gap(self._position + 1)
        found = self._log.next_after(self._position)
        if found is not None:
            self._position = found.resumes_at - 1 if isinstance(found, Gap) else found.id
        return found
