"""The keeper under any sequence of insertions, removals, swaps, failures and losses, with and without time in between.

Every snapshot is looked at when it is published, on the thread that publishes it.
"""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from smartcard_dm.agent.events import EventLog, EventType
from smartcard_dm.agent.keeper import CardKeeper, Patience
from smartcard_dm.agent.snapshot import CardState, Snapshot
from smartcard_dm.card.session import CardSession
from smartcard_dm.errors import CardConnectionError, CardReadError
from smartcard_dm.personalise import GENERATORS
from tests.agent.cards import ANOTHER_ACCOUNT, ANOTHER_CARD, ANOTHER_SECRET, ICCID, OTHER_ICCID
from tests.agent.moved import NOW, MovedSource
from tests.cli.cards import changed_card
from vendor_pcsc.virtual import connect, load_profile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from threading import Event

    from smartcard_dm.agent.placement import PlacementChange
    from smartcard_dm.secret import Secret
    from vendor_pcsc.virtual import Profile

SECONDS: Final = 10.0
NUMBERS: Final = {"A": ICCID, "A2": ICCID, "B": OTHER_ICCID}


def profile(*changes: tuple[str, str]) -> Profile:
    with TemporaryDirectory() as folder:
        path = Path(changed_card(Path(folder), *changes).removeprefix("profile:"))
        return load_profile(path, generators=GENERATORS)


PROFILES: Final = {"A": profile(), "A2": profile(ANOTHER_SECRET), "B": profile(ANOTHER_CARD, ANOTHER_ACCOUNT)}
ACCOUNTS: Final = {
    "A": {"com.example.dms", "com.example.backup"},
    "A2": {"com.example.dms", "com.example.backup"},
    "B": {"com.example.dms", "com.example.third"},
}


class Reader(MovedSource):
    """A reader that remembers what was in it, and how far the keeper was told."""

    def __init__(self) -> None:
        self.history: list[str | None] = [None]
        self.seen = 0
        super().__init__()

    def note(self) -> None:
        """Remember what is in it now; to be called before it is told."""
        self.history.append(self.uri)

    def watch(self, stop: Event) -> Iterator[PlacementChange]:
        for change in super().watch(stop):
            self.seen += 1
            yield change

    def open(self, place: str, *, pin: Secret | None = None, use_last_try: bool = False) -> CardSession:
        if self.error is not None:
            raise self.error
        if self.uri is None:
            raise CardConnectionError(f"{place}: no card in the reader")
        return CardSession(connect(PROFILES[self.uri]), pin=pin, use_last_try=use_last_try)


class WatchedKeeper(CardKeeper):
    """A keeper whose every snapshot is looked at."""

    reader: Reader
    published: list[Snapshot]
    faults: list[str]

    def __setattr__(self, name: str, value: object) -> None:
        if name == "_snapshot" and isinstance(value, Snapshot):
            if not hasattr(self, "published"):
                super().__setattr__("published", [])
                super().__setattr__("faults", [])
            elif fault := self.fault(value):
                self.faults.append(fault)
            self.published.append(value)
        super().__setattr__(name, value)

    def fault(self, now: Snapshot) -> str:
        """Say what is wrong with a snapshot that is about to be published."""
        before = self.published[-1]
        if now.generation < before.generation:
            return f"generation {now.generation} after {before.generation}"
        if now.credentials is None:
            return ""
        if now.generation <= max(each.generation for each in self.published):
            return f"generation {now.generation} with credentials is not new"
        if now.credentials.identity is None:
            return "credentials of no card"
        possible = {NUMBERS[card] for card in self.reader.history[self.reader.seen - 1 :] if card}
        number = now.credentials.identity.iccid
        return "" if number in possible else f"{number} is published, and since the last change seen was {possible}"


class Keeping(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.reader = Reader()
        self.log = EventLog("states", capacity=100_000)
        self.keeper = WatchedKeeper(
            self.reader,
            self.log,
            clock=lambda: NOW,
            key=bytes(32),
            patience=Patience(retries=(0.001, 0.005), removal=0.005, source=0.005),
        )
        self.keeper.reader = self.reader
        self.keeper.start()
        self.lost = False

    def teardown(self) -> None:
        assert self.keeper.stop()
        assert self.keeper.snapshot.credentials is None
        assert self.keeper.faults == []

    @precondition(lambda self: self.reader.uri is None)
    @rule(card=st.sampled_from(["A", "A2", "B"]))
    def insert(self, card: str) -> None:
        self.reader.uri = card
        self.reader.note()
        self.reader.insert(card)
        self.lost = False

    @precondition(lambda self: self.reader.uri is not None)
    @rule()
    def leave(self) -> None:
        self.reader.uri = None
        self.reader.note()
        self.reader.leave()
        self.lost = False

    @precondition(lambda self: self.reader.uri is not None)
    @rule(card=st.sampled_from(["A", "A2", "B"]))
    def swap(self, card: str) -> None:
        self.reader.uri = card
        self.reader.note()
        self.reader.swap(card)
        self.lost = False

    @rule()
    def lose(self) -> None:
        self.reader.note()
        self.reader.lose()
        self.lost = True

    @rule(error=st.sampled_from([CardReadError("6F00"), CardConnectionError("gone"), RuntimeError("a defect")]))
    def break_card(self, error: Exception) -> None:
        self.reader.fail(error)

    @rule()
    def mend_card(self) -> None:
        self.reader.fail(None)

    @rule()
    def reread(self) -> None:
        self.keeper.reread()

    @rule()
    def wait_until_it_is_known(self) -> None:
        deadline = time.monotonic() + SECONDS
        while not self.is_known():
            assert time.monotonic() < deadline, (self.keeper.snapshot, self.reader.uri, self.reader.error, self.lost)
            time.sleep(0.001)
        self.accounts_told_are_those_there()

    def is_known(self) -> bool:
        """Whether what is published is what is there."""
        if self.reader.seen < len(self.reader.history):
            return False
        now, card = self.keeper.snapshot, self.reader.uri
        if self.lost:
            return now.state is CardState.SERVICE_LOST
        if card is None:
            return now.state is CardState.ABSENT
        if now.state is CardState.UNREADABLE:
            return self.reader.error is not None
        return (
            now.credentials is not None
            and {str(each.server_id) for each in now.credentials.accounts} == ACCOUNTS[card]
            and now.credentials.identity is not None
            and now.credentials.identity.iccid == NUMBERS[card]
        )

    def accounts_told_are_those_there(self) -> None:
        known: set[str] = set()
        for event in self.log.after(0)[0]:
            if event.kind is EventType.ACCOUNT_ADDED:
                assert event.subject not in known
                known.add(event.subject)
            elif event.kind is EventType.ACCOUNT_REMOVED:
                known.remove(event.subject)
            elif event.kind is EventType.ACCOUNT_CHANGED:
                assert event.subject in known
        now = self.keeper.snapshot
        if now.credentials is not None:
            assert known == {str(each.server_id) for each in now.credentials.accounts}
        elif now.state is CardState.ABSENT:
            assert known == set()

    @invariant()
    def nothing_wrong_was_published(self) -> None:
        assert self.keeper.faults == []

    @invariant()
    def events_are_in_order(self) -> None:
        generations = [event.generation for event in self.log.after(0)[0]]
        assert generations == sorted(generations)


Keeping.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
TestKeeping = Keeping.TestCase
