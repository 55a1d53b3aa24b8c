"""The keeper with a real PC/SC service and virtual cards in its readers."""

from __future__ import annotations

import time
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.agent import sources
from smartcard_dm.agent.events import EventLog
from smartcard_dm.agent.keeper import CardKeeper, Patience
from smartcard_dm.agent.pin_entry import GivenPin, PinEntry
from smartcard_dm.agent.placement import Placement
from smartcard_dm.agent.snapshot import CardState, Snapshot
from smartcard_dm.agent.sources import FixedSource, PcscSource, source_for
from smartcard_dm.card_uri import CardUriError
from smartcard_dm.errors import CardConnectionError
from smartcard_dm.personalise import GENERATORS
from smartcard_dm.secret import Secret
from tests.agent.cards import ICCID, OTHER_ICCID, PIN, Cards
from tests.agent.moved import NOW
from tests.agent.test_keeper import BACKUP, DMS, kinds
from tests.pcsc.cards import WatchedCard
from vendor_pcsc.errors import CardRemovedError
from vendor_pcsc.pyscard_bridge import PcscConnection
from vendor_pcsc.virtual import VirtualCard, load_profile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vendor_pcsc.virtual.lab import PcscLab

SECONDS = 20.0
KEY = bytes(32)


def card(uri: str, before: Callable[[bytes], None] = lambda _: None) -> WatchedCard:
    profile = load_profile(Path(uri.removeprefix("profile:")), generators=GENERATORS)
    return WatchedCard(VirtualCard(profile), before)


class Agent:
    def __init__(self, uri: str, pin: PinEntry | None = None) -> None:
        self.log = EventLog("pcsc")
        self.keeper = CardKeeper(
            source_for(uri),
            self.log,
            clock=lambda: NOW,
            key=KEY,
            pin=pin,
            patience=Patience(retries=(0.2, 0.2, 0.2, 0.2, 0.5)),
        )
        self.keeper.start()

    def until(self, state: CardState, generation: int | None = None) -> Snapshot:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            now = self.keeper.snapshot
            if now.state is state and generation in {None, now.generation}:
                return now
            time.sleep(0.005)
        raise AssertionError(f"it stayed {self.keeper.snapshot} after {kinds(self.log)}")


@pytest.fixture
def agent() -> Iterator[Callable[..., Agent]]:
    made: list[Agent] = []

    def make(uri: str, pin: PinEntry | None = None) -> Agent:
        made.append(Agent(uri, pin))
        return made[-1]

    yield make
    for each in made:
        assert each.keeper.stop()


def iccid(now: Snapshot) -> str:
    assert now.credentials is not None
    assert now.credentials.identity is not None
    return now.credentials.identity.iccid


def test_inserted_pulled_and_another_one(lab: PcscLab, cards: Cards, agent: Callable[..., Agent]) -> None:
    keeping = agent(f"pcsc:{lab.readers[0]}")
    assert keeping.until(CardState.ABSENT).generation == 1
    first = card(cards.usim())
    lab.put(first)
    assert iccid(keeping.until(CardState.PRESENT)) == ICCID
    commands = len(first.commands)
    time.sleep(0.5)
    assert len(first.commands) == commands  # nobody touches the card while nothing changes
    lab.remove()
    keeping.until(CardState.ABSENT)
    lab.put(card(cards.other()))
    assert iccid(keeping.until(CardState.PRESENT)) == OTHER_ICCID
    accounts = [f"account-added {DMS}", f"account-added {BACKUP}"]
    removed = [f"account-removed {DMS}", f"account-removed {BACKUP}"]
    assert kinds(keeping.log) == [
        f"card-inserted {ICCID}",
        *accounts,
        f"card-removed {ICCID}",
        *removed,
        f"card-inserted {OTHER_ICCID}",
        *accounts,
    ]


def test_the_card_is_free_for_others_in_between(lab: PcscLab, cards: Cards, agent: Callable[..., Agent]) -> None:
    reader = lab.put(card(cards.usim()))
    agent(f"pcsc:{reader}").until(CardState.PRESENT)
    PcscConnection(reader, exclusive=True).close()


def test_a_card_pulled_while_it_is_read_is_no_card(lab: PcscLab, cards: Cards, agent: Callable[..., Agent]) -> None:
    pulled = Event()

    def pull(apdu: bytes) -> None:
        if apdu[1] == 0xB0:
            pulled.set()
            raise CardRemovedError("pulled")

    keeping = agent(f"pcsc:{lab.readers[0]}")
    keeping.until(CardState.ABSENT)
    lab.put(card(cards.usim(), pull), wait=False)
    assert pulled.wait(SECONDS)
    lab.remove()
    keeping.until(CardState.ABSENT)
    lab.put(card(cards.usim()))
    keeping.until(CardState.PRESENT)


def test_a_swap_while_the_card_is_read_gives_one_card_or_the_other(
    lab: PcscLab, cards: Cards, agent: Callable[..., Agent]
) -> None:
    """The first card stops in the middle of its reading until it is gone."""
    reading, gone = Event(), Event()

    def stop(apdu: bytes) -> None:
        if apdu[1] == 0xB0:
            reading.set()
            gone.wait(SECONDS)
            raise CardRemovedError("pulled")

    keeping = agent(f"pcsc:{lab.readers[0]}")
    keeping.until(CardState.ABSENT)
    lab.put(card(cards.usim(), stop), wait=False)
    assert reading.wait(SECONDS)
    assert keeping.keeper.snapshot.credentials is None
    gone.set()
    lab.remove(wait=False)
    lab.put(card(cards.other()), wait=False)
    assert iccid(keeping.until(CardState.PRESENT)) == OTHER_ICCID
    assert f"card-inserted {ICCID}" not in kinds(keeping.log)


def test_a_card_that_answers_errors_is_unreadable_until_it_does_not(
    lab: PcscLab, cards: Cards, agent: Callable[..., Agent]
) -> None:
    broken = Event()
    broken.set()

    class Faulty(WatchedCard):
        def process(self, apdu: bytes) -> bytes:
            return b"\x6f\x00" if broken.is_set() else super().process(apdu)

    reader = lab.put(Faulty(card(cards.usim()).card))
    keeping = agent(f"pcsc:{reader}")
    keeping.until(CardState.UNREADABLE)
    broken.clear()
    keeping.until(CardState.PRESENT)
    assert kinds(keeping.log)[:2] == ["card-unreadable", f"card-inserted {ICCID}"]


def test_a_service_that_is_killed_and_started_again(lab: PcscLab, cards: Cards, agent: Callable[..., Agent]) -> None:
    reader = lab.put(card(cards.usim()))
    keeping = agent(f"pcsc:{reader}")
    before = keeping.until(CardState.PRESENT)
    lab.kill_service()
    lost = keeping.until(CardState.SERVICE_LOST)
    assert (lost.generation, "start pcscd" in lost.reason) == (before.generation + 1, True)
    lab.start_service()
    assert keeping.until(CardState.PRESENT).generation > lost.generation
    told = kinds(keeping.log)[3:]
    assert told[:2] == [f"reader-lost {reader}", f"reader-back {reader}"]
    assert told[-1] == f"card-inserted {ICCID}"


def test_another_card_when_the_service_is_back(lab: PcscLab, cards: Cards, agent: Callable[..., Agent]) -> None:
    reader = lab.put(card(cards.usim()))
    keeping = agent(f"pcsc:{reader}")
    keeping.until(CardState.PRESENT)
    lab.kill_service()
    keeping.until(CardState.SERVICE_LOST)
    lab.remove(wait=False)
    lab.put(card(cards.other()), wait=False)
    lab.start_service()
    assert iccid(keeping.until(CardState.PRESENT)) == OTHER_ICCID


def test_an_agent_may_begin_before_the_service(lab: PcscLab, cards: Cards, agent: Callable[..., Agent]) -> None:
    reader = lab.put(card(cards.usim()))
    lab.stop_service()
    keeping = agent(f"pcsc:{reader}")
    assert "start pcscd" in keeping.until(CardState.SERVICE_LOST).reason
    lab.start_service()
    keeping.until(CardState.PRESENT)


def test_another_reader_changes_nothing(lab: PcscLab, cards: Cards, agent: Callable[..., Agent]) -> None:
    reader = lab.put(card(cards.usim()))
    keeping = agent("pcsc:")  # the only one with a card
    before = keeping.until(CardState.PRESENT)
    lab.put(card(cards.other()), 1)
    time.sleep(0.5)
    assert keeping.keeper.snapshot is before
    lab.remove(0)
    # Now another one is the only one with a card.
    assert iccid(keeping.until(CardState.PRESENT, before.generation + 2)) == OTHER_ICCID
    assert reader


def test_a_pin_of_a_real_card_is_sent_once_and_never_twice_when_wrong(
    lab: PcscLab, cards: Cards, agent: Callable[..., Agent]
) -> None:
    def verifies(watched: WatchedCard) -> list[bytes]:
        return [each for each in watched.commands if each[1] == 0x20 and len(each) > 5]

    locked = card(cards.private())
    reader = lab.put(locked)
    keeping = agent(f"pcsc:{reader}", PinEntry(GivenPin(Secret(b"9999")), key=KEY, tries=3))
    assert "PIN 01 is wrong, 2 tries left" in keeping.until(CardState.LOCKED).reason
    keeping.keeper.reread()
    time.sleep(0.5)
    assert len(verifies(locked)) == 1
    opened = agent(f"pcsc:{reader}", PinEntry(GivenPin(Secret(PIN.encode())), key=KEY))
    opened.until(CardState.PRESENT)
    assert len(verifies(locked)) == 2


def test_a_source_of_its_own_kind_for_each_uri(cards: Cards) -> None:
    assert isinstance(source_for("pcsc:"), PcscSource)
    assert isinstance(source_for(cards.usim()), FixedSource)
    with pytest.raises(CardUriError):
        source_for("nothing")


def test_a_file_never_changes_and_is_read(cards: Cards, agent: Callable[..., Agent]) -> None:
    keeping = agent(cards.usim())
    assert keeping.keeper.settled(SECONDS)
    assert iccid(keeping.keeper.snapshot) == ICCID
    stop = Event()
    watching = source_for(cards.usim()).watch(stop)
    assert next(watching).placement is Placement.CARD_IN
    stop.set()
    assert list(watching) == []


def test_a_reader_that_is_not_there_is_an_error_of_the_card(lab: PcscLab) -> None:
    assert lab.readers
    with pytest.raises(CardConnectionError):
        PcscSource(None).open("no such reader")


def test_a_service_without_readers_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "list_readers", tuple)
    watching = PcscSource(None).watch(Event())
    change = next(watching)
    assert (change.placement, change.reason) == (Placement.LOST, "no reader is attached: plug one in")
    watching.close()  # type: ignore[attr-defined] # it is a generator


def test_a_pin_that_is_none_leaves_no_connection_behind(lab: PcscLab, cards: Cards) -> None:
    reader = lab.put(card(cards.usim()))
    with pytest.raises(ValueError, match="four to eight"):
        PcscSource(None).open(reader, pin=Secret(b"12"))
    PcscConnection(reader, exclusive=True).close()
