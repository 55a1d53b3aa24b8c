"""The keeper of the card, with a card of this process that the test moves."""

from __future__ import annotations

import gc
import time
from itertools import islice
from threading import Event, Timer
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.agent.events import EventType
from smartcard_dm.agent.keeper import CardKeeper, Patience
from smartcard_dm.agent.snapshot import CardState, Snapshot
from smartcard_dm.errors import CardReadError
from smartcard_dm.trust.credentials import Credentials
from tests.agent.cards import ANOTHER_ACCOUNT, ANOTHER_SECRET, ICCID, OTHER_ICCID, OTHER_SECRET, SECRET, Cards
from tests.agent.moved import NOW, SETTLE_SECONDS, MovedSource, keeper_of
from vendor_pcsc.errors import ReaderError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from smartcard_dm.agent.events import AgentEvent, EventLog
    from smartcard_dm.agent.placement import PlacementChange

DMS, BACKUP = "com.example.dms", "com.example.backup"


class Watched:
    """A keeper that runs, and every snapshot it was seen with."""

    def __init__(self, source: MovedSource, **options: object) -> None:
        self.source = source
        self.keeper, self.log = keeper_of(source, **options)  # type: ignore[arg-type] # the same options
        self.keeper.start()

    @property
    def snapshot(self) -> Snapshot:
        return self.keeper.snapshot

    def until(self, state: CardState, generation: int | None = None) -> Snapshot:
        return self.when(lambda now: now.state is state and generation in {None, now.generation})

    def when(self, condition: Callable[[Snapshot], bool]) -> Snapshot:
        deadline = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < deadline:
            if condition(self.snapshot):
                return self.snapshot
            time.sleep(0.002)
        raise AssertionError(f"it stayed {self.snapshot} after {kinds(self.log)}")


def kinds(log: EventLog) -> list[str]:
    return [f"{each.kind.value} {each.subject}".strip() for each in events(log)]


def events(log: EventLog) -> tuple[AgentEvent, ...]:
    return log.after(0)[0]


def credentials_in_memory() -> set[int]:
    gc.collect()
    return {id(each) for each in gc.get_objects() if isinstance(each, Credentials)}


def waiting_for(event: Event, begun: Event | None = None) -> Callable[[int], None]:
    """Return what makes a reader hang until the event."""

    def wait(_: int) -> None:
        if begun is not None:
            begun.set()
        event.wait(SETTLE_SECONDS)

    return wait


@pytest.fixture
def watched() -> Iterator[Callable[..., Watched]]:
    made: list[Watched] = []

    def make(source: MovedSource, **options: object) -> Watched:
        made.append(Watched(source, **options))
        return made[-1]

    yield make
    for each in made:
        each.source.on_open = lambda _: None
        assert each.keeper.stop()
        assert each.snapshot.credentials is None


def test_a_card_that_is_there_is_read_once(cards: Cards, watched: Callable[..., Watched]) -> None:
    agent = watched(MovedSource(cards.usim()))
    assert agent.keeper.settled(SETTLE_SECONDS)
    now = agent.snapshot
    assert (now.state, now.generation, now.since) == (CardState.PRESENT, 1, NOW)
    assert now.reason == "the card was read: 2 accounts"
    assert now.credentials is not None
    assert now.credentials.identity is not None
    assert now.credentials.identity.iccid == ICCID
    assert kinds(agent.log) == [f"card-inserted {ICCID}", f"account-added {DMS}", f"account-added {BACKUP}"]
    time.sleep(0.1)
    assert (agent.keeper.readings, agent.source.openings) == (1, 2)  # once to read, once to see that it is the same
    assert agent.keeper.apdus > 0


def test_no_card_at_the_beginning_is_no_removal(watched: Callable[..., Watched]) -> None:
    agent = watched(MovedSource())
    now = agent.until(CardState.ABSENT)
    assert (now.generation, kinds(agent.log), agent.keeper.readings) == (1, [], 0)


def test_removal_withdraws_and_a_card_that_comes_back_is_of_another_generation(
    cards: Cards, watched: Callable[..., Watched]
) -> None:
    uri = cards.usim()
    agent = watched(MovedSource(uri))
    agent.until(CardState.PRESENT)
    agent.source.leave()
    assert agent.until(CardState.ABSENT).generation == 2
    agent.source.insert(uri)
    assert agent.until(CardState.PRESENT).generation == 3
    added = [f"card-inserted {ICCID}", f"account-added {DMS}", f"account-added {BACKUP}"]
    assert kinds(agent.log) == [
        *added,
        f"card-removed {ICCID}",
        f"account-removed {DMS}",
        f"account-removed {BACKUP}",
        *added,
    ]
    assert [each.generation for each in events(agent.log)] == [1, 1, 1, 2, 2, 2, 3, 3, 3]


def test_a_removal_is_seen_while_the_reader_hangs(cards: Cards, watched: Callable[..., Watched]) -> None:
    agent = watched(MovedSource(cards.usim()))
    agent.until(CardState.PRESENT)
    hang, hanging = Event(), Event()
    agent.source.on_open = waiting_for(hang, hanging)
    agent.source.swap(cards.other())
    assert hanging.wait(SETTLE_SECONDS)
    assert agent.until(CardState.STARTING).credentials is None
    agent.source.leave()
    gone = agent.until(CardState.ABSENT)
    hang.set()
    time.sleep(0.1)  # what the old reading brings is not published
    assert agent.snapshot is gone
    assert f"card-inserted {OTHER_ICCID}" not in kinds(agent.log)


def test_a_card_that_does_not_answer_at_all_is_unreadable_until_it_does(
    cards: Cards, watched: Callable[..., Watched]
) -> None:
    hang = Event()
    source = MovedSource(cards.usim())
    source.on_open = waiting_for(hang)
    agent = watched(source, patience=Patience(reading=0.05))
    now = agent.until(CardState.UNREADABLE)
    assert now.reason == "no answer in 0.05 s: is it in order?"
    hang.set()
    assert agent.until(CardState.PRESENT).generation == 2
    assert kinds(agent.log)[:2] == ["card-unreadable", f"card-inserted {ICCID}"]


def test_stopping_does_not_wait_for_a_reader_that_hangs(cards: Cards) -> None:
    hang, hanging = Event(), Event()
    source = MovedSource(cards.usim())
    source.on_open = waiting_for(hang, hanging)
    keeper, log = keeper_of(source)
    keeper.start()
    assert hanging.wait(SETTLE_SECONDS)
    begin = time.monotonic()
    assert keeper.stop(timeout=0.2) is False
    assert time.monotonic() - begin < 2
    hang.set()
    assert keeper.stop() is True
    assert (keeper.snapshot.state, events(log)) == (CardState.SERVICE_LOST, ())


def test_a_swap_tells_at_once_and_then_what_became_of_the_accounts(
    cards: Cards, watched: Callable[..., Watched]
) -> None:
    agent = watched(MovedSource(cards.usim()))
    agent.until(CardState.PRESENT)
    agent.source.swap(cards.other(ANOTHER_SECRET, ANOTHER_ACCOUNT))
    now = agent.until(CardState.PRESENT, 3)
    assert now.credentials is not None
    assert [str(each.server_id) for each in now.credentials.accounts] == [DMS, "com.example.third"]
    assert kinds(agent.log)[3:] == [
        f"card-changed {ICCID}",
        f"card-inserted {OTHER_ICCID}",
        f"account-removed {BACKUP}",
        f"account-changed {DMS}",
        "account-added com.example.third",
    ]
    (changed,) = (each for each in events(agent.log) if each.kind is EventType.ACCOUNT_CHANGED)
    assert changed.data == {"changed": ("secrets",)}
    for each in events(agent.log):
        assert SECRET not in repr(each)
        assert OTHER_SECRET not in repr(each)


def test_the_same_card_again_changes_no_account(cards: Cards, watched: Callable[..., Watched]) -> None:
    uri = cards.usim()
    agent = watched(MovedSource(uri))
    agent.until(CardState.PRESENT)
    agent.source.swap(uri)
    agent.until(CardState.PRESENT, 3)
    assert kinds(agent.log)[3:] == [f"card-changed {ICCID}", f"card-inserted {ICCID}"]


def test_a_second_insertion_without_a_removal_is_a_swap(cards: Cards, watched: Callable[..., Watched]) -> None:
    agent = watched(MovedSource(cards.usim()))
    agent.until(CardState.PRESENT)
    agent.source.insert(cards.other())
    agent.until(CardState.PRESENT, 3)
    assert kinds(agent.log)[3] == f"card-changed {ICCID}"


def test_a_card_swapped_during_the_reading_is_read_again(cards: Cards, watched: Callable[..., Watched]) -> None:
    """The reader says nothing of it; only the number at the end of the reading is another one."""
    source, other = MovedSource(cards.usim()), cards.other()

    def swap(opening: int) -> None:
        if opening == 2:
            source.uri = other

    source.on_open = swap
    agent = watched(source)
    now = agent.until(CardState.PRESENT)
    assert now.credentials is not None
    assert now.credentials.identity is not None
    assert (now.credentials.identity.iccid, source.openings) == (OTHER_ICCID, 4)
    assert kinds(agent.log)[0] == f"card-inserted {OTHER_ICCID}"


def test_a_card_that_is_another_one_each_time_is_unreadable(cards: Cards, watched: Callable[..., Watched]) -> None:
    source, uris = MovedSource(cards.usim()), (cards.usim(), cards.other())

    def swap(opening: int) -> None:
        source.uri = uris[opening % 2]

    source.on_open = swap
    now = watched(source).until(CardState.UNREADABLE)
    assert "replaced in each of 3 readings" in now.reason


def test_a_card_pulled_while_it_is_read_is_removed_and_not_unreadable(
    cards: Cards, watched: Callable[..., Watched]
) -> None:
    source = MovedSource(cards.usim())
    agent = watched(source, patience=Patience(removal=SETTLE_SECONDS))
    agent.until(CardState.PRESENT)

    def pull(opening: int) -> None:
        if opening == 3:
            source.uri = None  # the reading fails first
            Timer(0.05, source.leave).start()

    source.on_open = pull
    source.swap(cards.other())
    agent.until(CardState.ABSENT)
    assert "card-unreadable" not in " ".join(kinds(agent.log))


def test_a_failure_is_told_once_and_old_data_are_gone_until_it_is_over(
    cards: Cards, watched: Callable[..., Watched]
) -> None:
    agent = watched(MovedSource(cards.usim()))
    agent.until(CardState.PRESENT)
    agent.source.fail(CardReadError("the card answers 6F00", sw=0x6F00))
    agent.keeper.reread()
    now = agent.until(CardState.UNREADABLE)
    assert (now.generation, now.reason) == (2, "the card answers 6F00")
    readings = agent.keeper.readings
    agent.when(lambda _: agent.keeper.readings > readings + 3)
    assert agent.snapshot.generation == 2
    agent.source.fail(None)
    agent.until(CardState.PRESENT, 3)
    # The accounts were never told to be gone: a failure says nothing about them.
    assert kinds(agent.log)[3:] == [f"card-unreadable {ICCID}", f"card-inserted {ICCID}"]


def test_retries_come_at_growing_intervals(cards: Cards, watched: Callable[..., Watched]) -> None:
    source = MovedSource(cards.usim())
    source.fail(CardReadError("no"))
    agent = watched(source, patience=Patience(retries=(0.01, 0.01, 60.0)))
    agent.when(lambda _: agent.keeper.readings == 3)
    time.sleep(0.2)
    assert agent.keeper.readings == 3
    source.fail(None)
    source.swap(cards.usim())  # what changes is read at once
    agent.until(CardState.PRESENT)


def test_after_a_swap_a_failure_ends_the_accounts_of_the_card_that_was_out(
    cards: Cards, watched: Callable[..., Watched]
) -> None:
    agent = watched(MovedSource(cards.usim()))
    agent.until(CardState.PRESENT)
    agent.source.fail(CardReadError("no"))
    agent.source.swap(cards.other())
    agent.until(CardState.UNREADABLE)
    assert kinds(agent.log)[3:] == [
        f"card-changed {ICCID}",
        f"card-unreadable {ICCID}",
        f"account-removed {DMS}",
        f"account-removed {BACKUP}",
    ]


def test_a_lost_reader_withdraws_and_says_nothing_about_accounts(cards: Cards, watched: Callable[..., Watched]) -> None:
    agent = watched(MovedSource(cards.usim()))
    agent.until(CardState.PRESENT)
    agent.source.lose()
    assert agent.until(CardState.SERVICE_LOST).generation == 2
    agent.source.lose()
    agent.source.back()
    agent.until(CardState.PRESENT, 3)
    assert kinds(agent.log)[3:] == ["reader-lost a reader", "reader-back a reader", f"card-inserted {ICCID}"]


def test_a_card_that_is_gone_when_the_reader_is_back_was_removed(cards: Cards, watched: Callable[..., Watched]) -> None:
    agent = watched(MovedSource(cards.usim()))
    agent.until(CardState.PRESENT)
    agent.source.lose()
    agent.source.uri = None
    agent.source.back()
    agent.until(CardState.ABSENT, 3)
    assert kinds(agent.log)[4:] == [
        "reader-back a reader",
        f"card-removed {ICCID}",
        f"account-removed {DMS}",
        f"account-removed {BACKUP}",
    ]


def test_a_watch_that_can_tell_nothing_says_why_and_is_begun_again(
    cards: Cards, watched: Callable[..., Watched]
) -> None:
    agent = watched(MovedSource(cards.usim()))
    agent.until(CardState.PRESENT)
    agent.source.break_watch(ReaderError("PC/SC readers need pyscard"))
    assert agent.until(CardState.SERVICE_LOST).reason == "PC/SC readers need pyscard"
    agent.source.back()
    agent.until(CardState.PRESENT)


def test_a_watch_that_ends_by_itself_ends_trust(cards: Cards, watched: Callable[..., Watched]) -> None:
    class Short(MovedSource):
        def watch(self, stop: Event) -> Iterator[PlacementChange]:
            yield from islice(super().watch(stop), 1)

    agent = watched(Short(cards.usim()), patience=Patience(source=SETTLE_SECONDS))
    assert agent.until(CardState.SERVICE_LOST).reason == "the reader is not watched any more"


@pytest.mark.parametrize("error", [RuntimeError("a defect"), ValueError(SECRET)])
def test_a_watch_that_breaks_ends_trust_and_is_begun_again(
    cards: Cards, watched: Callable[..., Watched], error: Exception
) -> None:
    agent = watched(MovedSource(cards.usim()))
    agent.until(CardState.PRESENT)
    agent.source.break_watch(error)
    now = agent.until(CardState.SERVICE_LOST)
    assert now.reason == f"the watch of the reader failed ({type(error).__name__})"
    agent.source.back()
    agent.until(CardState.PRESENT)


def test_a_defect_while_reading_is_unreadable_and_its_text_is_kept_back(
    cards: Cards, watched: Callable[..., Watched]
) -> None:
    source = MovedSource(cards.usim())
    source.fail(RuntimeError(SECRET))
    agent = watched(source)
    assert agent.until(CardState.UNREADABLE).reason == "reading failed unexpectedly (RuntimeError)"
    source.fail(None)
    agent.until(CardState.PRESENT)


def test_a_card_that_answers_errors_is_unreadable(cards: Cards, watched: Callable[..., Watched]) -> None:
    agent = watched(MovedSource(cards.failing(8)))
    agent.until(CardState.UNREADABLE)
    agent.source.swap(cards.usim())
    agent.until(CardState.PRESENT)


def test_a_card_that_provisions_nothing_is_present_without_accounts(
    cards: Cards, watched: Callable[..., Watched]
) -> None:
    agent = watched(MovedSource(cards.empty()))
    now = agent.until(CardState.PRESENT)
    assert now.credentials is not None
    assert (now.credentials.accounts, now.reason) == ((), "the card was read: 0 accounts")
    assert kinds(agent.log) == [f"card-inserted {ICCID}"]


def test_two_changes_in_quick_succession_are_both_told_and_read_as_one(
    cards: Cards, watched: Callable[..., Watched]
) -> None:
    agent = watched(MovedSource(cards.usim()))
    agent.until(CardState.PRESENT)
    hang = Event()
    agent.source.on_open = waiting_for(hang)
    for uri in (cards.other(), cards.usim(), cards.other()):
        agent.source.swap(uri)
    agent.when(lambda now: now.generation == 4)
    hang.set()
    agent.until(CardState.PRESENT)
    told = kinds(agent.log)[3:]
    assert told.count(f"card-changed {ICCID}") == 3
    assert told[3:] == [f"card-inserted {OTHER_ICCID}"]
    assert agent.keeper.readings <= 3


def test_nothing_of_a_card_stays_in_memory_once_it_left(cards: Cards, watched: Callable[..., Watched]) -> None:
    agent = watched(MovedSource(cards.usim()))
    number = id(agent.until(CardState.PRESENT).credentials)
    assert number in credentials_in_memory()
    agent.source.leave()
    agent.until(CardState.ABSENT)
    time.sleep(0.05)
    assert number not in credentials_in_memory()


def test_rereading_nothing_does_nothing(watched: Callable[..., Watched]) -> None:
    agent = watched(MovedSource())
    agent.until(CardState.ABSENT)
    agent.keeper.reread()
    assert agent.snapshot.state is CardState.ABSENT


def test_a_keeper_is_started_once(watched: Callable[..., Watched]) -> None:
    agent = watched(MovedSource())
    with pytest.raises(RuntimeError, match="once"):
        agent.keeper.start()


def test_one_that_was_never_started_stops(cards: Cards) -> None:
    keeper, _ = keeper_of(MovedSource(cards.usim()))
    assert isinstance(keeper, CardKeeper)
    assert not keeper.settled(0.01)
    assert keeper.stop()


def test_a_snapshot_without_its_card_cannot_be_made() -> None:
    empty = Credentials(None, (), ())
    for state in CardState:
        credentials = None if state is CardState.PRESENT else empty
        with pytest.raises(ValueError, match="only then"):
            Snapshot(state, 0, credentials, "", NOW)
    with pytest.raises(ValueError, match="negative"):
        Snapshot(CardState.ABSENT, -1, None, "", NOW)
    with pytest.raises(ValueError, match="time zone"):
        Snapshot(CardState.ABSENT, 0, None, "", NOW.replace(tzinfo=None))
