"""What happens at the readers, as a stream of events that outlives unplugging and restarts of the service.

Guarantees: no thread, at most a few calls a second while nothing happens, and only `ReaderError` for a missing
library; a service that is gone is an event. Leaves to its caller: stopping, by setting the event it gave.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from vendor_pcsc.errors import BridgeError
from vendor_pcsc.pcsc_service import PcscContext, PcscService, SlotState, UnknownReaderError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from threading import Event

SLICE_SECONDS: Final = 0.25
"""Seconds the service is asked to wait for a change before `stop` is looked at."""

RETRY_SECONDS: Final = 0.5
"""Seconds between two attempts to reach a service that is gone."""

POLL_SECONDS: Final = 0.02
"""Seconds until readers are listed again after one vanished while it was asked for."""

_NEW_READER: Final = "\\\\?PnP?\\Notification"
"""The reader's name that stands for "a reader came or went". Source: PC/SC, SCardGetStatusChange."""


class EventKind(StrEnum):
    """What happened; the values are stable names."""

    READER_ADDED = "reader_added"
    READER_REMOVED = "reader_removed"
    CARD_INSERTED = "card_inserted"
    CARD_REMOVED = "card_removed"
    CARD_CHANGED = "card_changed"
    """A card is there, as before, but it was out in between: it may be another one."""
    SERVICE_LOST = "service_lost"
    """The service is not running; nothing is known about readers until it is back."""
    SERVICE_BACK = "service_back"
    """The service answers again; all readers and cards are reported anew."""


@dataclass(frozen=True, slots=True)
class ReaderEvent:
    """One thing that happened."""

    kind: EventKind
    """What it was."""

    reader: str = ""
    """The reader's name; empty for events of the service."""

    atr: bytes = b""
    """The answer to reset of the card that is there now; empty without one, or when it does not answer."""


def watch(stop: Event, *, tell_empty: bool = False) -> Iterator[ReaderEvent]:
    """Give what is there as events, then every change, until `stop` is set; that is noticed within a second.

    Args:
        stop: set it to end.
        tell_empty: give `CARD_REMOVED` for a reader that is empty when it is looked at for the first time, so that a
            caller knows when each reader was looked at.

    Raises:
        ReaderError: pyscard is not installed.
    """
    PcscService()
    lost = False
    while not stop.is_set():
        with suppress(BridgeError), PcscContext() as context:
            if lost:
                lost = False
                yield ReaderEvent(EventKind.SERVICE_BACK)
            yield from _follow(context, stop, tell_empty=tell_empty)
        if stop.is_set():
            return
        if not lost:
            lost = True
            yield ReaderEvent(EventKind.SERVICE_LOST)
        stop.wait(RETRY_SECONDS)


def _follow(context: PcscContext, stop: Event, *, tell_empty: bool) -> Iterator[ReaderEvent]:
    """Give events as long as the service answers."""
    flag = context.service.constant
    known: dict[str, int] = {}
    while not stop.is_set():
        names = context.readers()
        for name in [each for each in known if each not in names]:
            del known[name]
            yield ReaderEvent(EventKind.READER_REMOVED, name)
        for name in names:
            if name not in known:
                known[name] = flag("SCARD_STATE_UNAWARE")
                yield ReaderEvent(EventKind.READER_ADDED, name)
        asked = [*known.items(), (_NEW_READER, flag("SCARD_STATE_UNAWARE"))]
        try:
            states = context.states(asked, wait_seconds=SLICE_SECONDS) or ()
        except UnknownReaderError:
            # It went between the two calls; the next round finds it missing.
            stop.wait(POLL_SECONDS)
            continue
        for state in states:
            if state.name in known:
                before, known[state.name] = known[state.name], state.flags & ~flag("SCARD_STATE_CHANGED")
                kind = _change(before, state, flag("SCARD_STATE_PRESENT"))
                if kind is None and tell_empty and before == flag("SCARD_STATE_UNAWARE"):
                    kind = EventKind.CARD_REMOVED
                if kind is not None:
                    yield ReaderEvent(kind, state.name, state.atr)


def _change(before: int, state: SlotState, present: int) -> EventKind | None:
    was, is_there = bool(before & present), bool(state.flags & present)
    if was and is_there:
        return EventKind.CARD_CHANGED if before >> 16 != state.flags >> 16 else None
    if is_there:
        return EventKind.CARD_INSERTED
    return EventKind.CARD_REMOVED if was else None
