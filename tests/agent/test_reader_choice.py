"""Which reader is meant, while readers and cards come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcard_dm.agent.placement import Placement
from smartcard_dm.agent.reader_choice import ReaderChoice
from vendor_pcsc.monitor import EventKind, ReaderEvent

if TYPE_CHECKING:
    from collections.abc import Iterable

ADDED, GONE = EventKind.READER_ADDED, EventKind.READER_REMOVED
IN, OUT, CHANGED = EventKind.CARD_INSERTED, EventKind.CARD_REMOVED, EventKind.CARD_CHANGED
LOST, BACK = EventKind.SERVICE_LOST, EventKind.SERVICE_BACK


def told(name: str | None, *events: tuple[EventKind, str]) -> list[str]:
    choice = ReaderChoice(name)
    return [line(each) for kind, reader in events for each in choice.take(ReaderEvent(kind, reader))]


def line(change: object) -> str:
    placement, place = getattr(change, "placement", None), getattr(change, "place", "")
    return f"{getattr(placement, 'value', '')} {place}".strip()


def test_the_only_reader_is_meant() -> None:
    events = ((ADDED, "A"), (OUT, "A"), (IN, "A"), (CHANGED, "A"), (OUT, "A"))
    assert told(None, *events) == ["out A", "in A", "changed A", "out A"]


def test_a_reader_that_was_not_looked_at_yet_is_waited_for() -> None:
    assert told(None, (ADDED, "A"), (ADDED, "B"), (IN, "A")) == []
    assert told(None, (ADDED, "A"), (ADDED, "B"), (IN, "A"), (OUT, "B")) == ["in A"]


def test_a_removal_is_told_even_while_another_reader_is_not_looked_at() -> None:
    assert told(None, (ADDED, "A"), (IN, "A"), (ADDED, "B"), (OUT, "A")) == ["in A", "out A"]


def test_a_reader_plugged_in_beside_it_changes_nothing() -> None:
    begin = ((ADDED, "A"), (IN, "A"))
    assert told(None, *begin, (ADDED, "B"), (IN, "B"), (CHANGED, "B"), (OUT, "B"), (GONE, "B")) == ["in A"]


def test_an_empty_reader_is_given_up_for_the_only_one_with_a_card() -> None:
    events = ((ADDED, "A"), (OUT, "A"), (ADDED, "B"), (IN, "B"))
    assert told(None, *events) == ["out A", "in B"]


def test_a_card_that_moves_to_another_reader_is_a_removal_and_an_insertion() -> None:
    events = ((ADDED, "A"), (IN, "A"), (ADDED, "B"), (IN, "B"), (OUT, "A"))
    assert told(None, *events) == ["in A", "out A", "in B"]


def test_several_cards_are_no_choice() -> None:
    events = ((ADDED, "A"), (ADDED, "B"), (IN, "A"), (IN, "B"))
    assert told(None, *events) == ["lost"]
    assert told(None, *events, (OUT, "B")) == ["lost", "in A"]


def test_several_empty_readers_are_no_card() -> None:
    assert told(None, (ADDED, "A"), (ADDED, "B"), (OUT, "A"), (OUT, "B")) == ["out"]


def test_a_named_reader_and_no_other() -> None:
    events = ((ADDED, "A 1"), (IN, "A 1"), (ADDED, "B 1"), (IN, "B 1"), (OUT, "B 1"), (OUT, "A 1"))
    assert told("b", *events) == ["lost", "in B 1", "out B 1"]
    assert told("1", *events[:4])[-1] == "in A 1"
    assert told("1", *events[:1], *events[2:3], *events[1:2], *events[3:4]) == ["lost"]


def test_a_reader_that_is_unplugged_is_lost_and_may_come_back_under_another_name() -> None:
    events = ((ADDED, "Slot 0"), (IN, "Slot 0"), (GONE, "Slot 0"), (ADDED, "Slot 1"), (IN, "Slot 1"))
    assert told("slot", *events) == ["in Slot 0", "lost", "lost", "in Slot 1"]


def test_a_reader_that_is_unplugged_leaves_the_choice_to_the_others() -> None:
    events = ((ADDED, "A"), (IN, "A"), (ADDED, "B"), (IN, "B"), (GONE, "A"))
    assert told(None, *events) == ["in A", "lost", "in B"]


def test_a_service_that_restarts_tells_everything_anew() -> None:
    events = ((ADDED, "A"), (IN, "A"), (LOST, ""), (BACK, ""), (ADDED, "A"), (IN, "A"))
    assert told(None, *events) == ["in A", "lost", "lost", "in A"]


def test_a_service_that_is_not_running_says_what_to_do() -> None:
    (change,) = ReaderChoice(None).take(ReaderEvent(LOST))
    assert change.reason.startswith("the PC/SC service is not running: start pcscd")


def histories() -> st.SearchStrategy[list[tuple[EventKind, str]]]:
    return st.lists(st.tuples(st.sampled_from([*EventKind]), st.sampled_from(["A", "B", "AB"])), max_size=30)


@pytest.mark.parametrize("name", [None, "A", "b"])
@given(histories())
def test_what_is_told_last_is_true_whatever_happened(name: str | None, history: list[tuple[EventKind, str]]) -> None:
    """A card is told to be where the last event of its reader says that there is one, and never elsewhere."""
    choice = ReaderChoice(name)
    cards: dict[str, bool] = {}
    last = Placement.LOST, ""
    for kind, reader in possible(history):
        for change in choice.take(ReaderEvent(kind, "" if kind in {LOST, BACK} else reader)):
            last = change.placement, change.place
        if kind is LOST:
            cards.clear()
        elif kind is GONE:
            cards.pop(reader)
        elif kind is ADDED:
            cards[reader] = False
        elif kind is not BACK:
            cards[reader] = kind in {IN, CHANGED}
        placement, place = last
        if placement in {Placement.CARD_IN, Placement.CARD_CHANGED}:
            assert cards[place]
            assert name is None or name.casefold() in place.casefold()


def possible(history: list[tuple[EventKind, str]]) -> Iterable[tuple[EventKind, str]]:
    """Leave out what a watch never tells: events of readers that are not there, and removals of no card."""
    cards: dict[str, bool | None] = {}
    for kind, reader in history:
        if kind is LOST:
            cards.clear()
        elif kind is ADDED:
            if reader in cards:
                continue
            cards[reader] = None
        elif kind is GONE:
            if reader not in cards:
                continue
            del cards[reader]
        elif kind is not BACK:
            if reader not in cards or {IN: bool(cards[reader]), OUT: cards[reader] is False}.get(
                kind, not cards[reader]
            ):
                continue
            cards[reader] = kind is not OUT
        yield kind, reader
