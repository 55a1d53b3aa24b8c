"""Events of readers, cards and the service."""

from __future__ import annotations

import time
from queue import Queue
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest

from tests.pcsc.cards import SELECT_ICCID, T1_ATR, uicc
from vendor_pcsc import monitor
from vendor_pcsc.errors import ReaderError
from vendor_pcsc.monitor import EventKind, ReaderEvent, watch
from vendor_pcsc.pcsc_service import SlotState
from vendor_pcsc.readers import list_readers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vendor_pcsc.pyscard_bridge import PcscConnection
    from vendor_pcsc.virtual.lab import PcscLab

PATIENCE_SECONDS = 10.0
PRESENT = 0x20


class Watcher:
    """Watches in a thread of its own and gives the events one by one."""

    def __init__(self) -> None:
        self._stop = Event()
        self._events: Queue[ReaderEvent] = Queue()
        self.cpu_seconds = 0.0
        self._thread = Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        for event in watch(self._stop):
            self._events.put(event)
        self.cpu_seconds = time.thread_time()

    def next(self) -> ReaderEvent:
        return self._events.get(timeout=PATIENCE_SECONDS)

    def some(self, count: int) -> list[ReaderEvent]:
        return [self.next() for _ in range(count)]

    def end(self) -> None:
        self._stop.set()
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive()
        assert self._events.empty()


@pytest.fixture
def watcher(lab: PcscLab) -> Iterator[Watcher]:
    assert lab.readers
    watcher = Watcher()
    yield watcher
    watcher.end()


def added(lab: PcscLab) -> list[ReaderEvent]:
    return [ReaderEvent(EventKind.READER_ADDED, name) for name in lab.readers]


def test_what_is_there_comes_first_then_what_happens(lab: PcscLab, watcher: Watcher) -> None:
    assert watcher.some(4) == added(lab)
    reader = lab.put(uicc(), 1)
    assert watcher.next() == ReaderEvent(EventKind.CARD_INSERTED, reader, T1_ATR)
    lab.remove(1)
    assert watcher.next() == ReaderEvent(EventKind.CARD_REMOVED, reader)


def test_a_killed_and_restarted_service_leaves_the_watch_alive(
    lab: PcscLab, watcher: Watcher, opened: Callable[..., PcscConnection]
) -> None:
    assert watcher.some(4) == added(lab)
    reader = lab.put(uicc())
    assert watcher.next().kind is EventKind.CARD_INSERTED
    connection = opened(reader)
    lab.kill_service()
    assert watcher.next() == ReaderEvent(EventKind.SERVICE_LOST)
    with pytest.raises(ReaderError, match="service"):
        connection.transmit(SELECT_ICCID)
    with pytest.raises(ReaderError, match="start pcscd"):
        list_readers()
    connection.close()
    lab.start_service()
    assert watcher.next() == ReaderEvent(EventKind.SERVICE_BACK)
    assert watcher.some(4) == added(lab)
    # The card went back in by itself.
    assert watcher.next() == ReaderEvent(EventKind.CARD_INSERTED, reader, T1_ATR)
    assert opened(reader).transmit(SELECT_ICCID) == b"\x90\x00"


def test_a_service_that_is_stopped_in_order_is_lost_too(lab: PcscLab, watcher: Watcher) -> None:
    assert watcher.some(4) == added(lab)
    lab.stop_service()
    assert watcher.next() == ReaderEvent(EventKind.SERVICE_LOST)
    lab.start_service()
    assert watcher.some(5) == [ReaderEvent(EventKind.SERVICE_BACK), *added(lab)]


def test_a_watch_may_begin_without_the_service(lab: PcscLab) -> None:
    lab.stop_service()
    watcher = Watcher()
    assert watcher.next() == ReaderEvent(EventKind.SERVICE_LOST)
    lab.start_service()
    assert watcher.some(5) == [ReaderEvent(EventKind.SERVICE_BACK), *added(lab)]
    watcher.end()


def test_a_watch_may_tell_of_empty_readers_at_the_first_look(lab: PcscLab) -> None:
    reader = lab.put(uicc(), 1)
    stop = Event()
    found: list[ReaderEvent] = []
    for event in watch(stop, tell_empty=True):
        found.append(event)
        if len(found) == 8:
            stop.set()
    assert found[:4] == added(lab)
    assert {each.reader: each.kind for each in found[4:]} == {
        name: EventKind.CARD_INSERTED if name == reader else EventKind.CARD_REMOVED for name in lab.readers
    }


def test_an_idle_watch_sleeps(lab: PcscLab) -> None:
    watcher = Watcher()
    assert watcher.some(4) == added(lab)
    time.sleep(1)
    watcher.end()
    assert watcher.cpu_seconds < 0.5


def test_a_stopped_watch_gives_nothing(lab: PcscLab) -> None:
    assert lab.readers
    stop = Event()
    stop.set()
    assert list(watch(stop)) == []


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        (0, PRESENT, EventKind.CARD_INSERTED),
        (0, 0x10, None),
        (PRESENT | 1 << 16, 0x10 | 2 << 16, EventKind.CARD_REMOVED),
        (PRESENT | 1 << 16, PRESENT | 3 << 16, EventKind.CARD_CHANGED),
        (PRESENT | 1 << 16, PRESENT | 0x100 | 1 << 16, None),
        (0x10 | 2 << 16, 0x10 | 4 << 16, None),
    ],
)
def test_states_become_events(before: int, after: int, wanted: EventKind | None) -> None:
    assert monitor._change(before, SlotState("reader", after, b""), PRESENT) is wanted
