"""A card of this process that a test moves: a source of the agent, and its surroundings."""

from __future__ import annotations

from datetime import UTC, datetime
from queue import Empty, Queue
from typing import TYPE_CHECKING, Final

from smartcard_dm.agent.events import EventLog
from smartcard_dm.agent.keeper import CardKeeper, Patience
from smartcard_dm.agent.placement import Placement, PlacementChange
from smartcard_dm.card_uri import open_card
from smartcard_dm.errors import CardConnectionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from threading import Event

    from smartcard_dm.agent.pin_entry import PinEntry
    from smartcard_dm.card.session import CardSession
    from smartcard_dm.secret import Secret

NOW: Final = datetime(2026, 6, 1, 12, tzinfo=UTC)
QUICK: Final = Patience(retries=(0.01, 0.02), removal=0.05, source=0.01)
SETTLE_SECONDS: Final = 10.0
READER: Final = "a reader"


class MovedSource:
    """A reader in this process. `uri` is the card in it; the methods move it and tell the watcher.

    `on_open` is called at the beginning of every opening, with the number of the opening: it may move the card, raise,
    or wait.
    """

    def __init__(self, uri: str | None = None) -> None:
        self.uri = uri
        self.error: Exception | None = None
        self.openings = 0
        self.on_open: Callable[[int], None] = lambda _: None
        self.sent: list[Secret | None] = []
        self.closed: list[CardSession] = []
        self._changes: Queue[PlacementChange | Exception] = Queue()
        self._tell(Placement.CARD_OUT if uri is None else Placement.CARD_IN)

    def insert(self, uri: str) -> None:
        self.uri = uri
        self._tell(Placement.CARD_IN)

    def leave(self) -> None:
        self.uri = None
        self._tell(Placement.CARD_OUT)

    def swap(self, uri: str) -> None:
        self.uri = uri
        self._tell(Placement.CARD_CHANGED)

    def fail(self, error: Exception | None) -> None:
        """From now on every opening fails so; None ends it."""
        self.error = error

    def lose(self) -> None:
        self._tell(Placement.LOST)

    def back(self) -> None:
        """Tell what is in the reader, after `lose`."""
        self._tell(Placement.CARD_OUT if self.uri is None else Placement.CARD_IN)

    def break_watch(self, error: Exception) -> None:
        self._changes.put(error)

    def _tell(self, placement: Placement) -> None:
        place = "" if placement is Placement.LOST else READER
        self._changes.put(PlacementChange(placement, place, f"the test says {placement.value}"))

    def watch(self, stop: Event) -> Iterator[PlacementChange]:
        while not stop.is_set():
            try:
                change = self._changes.get(timeout=0.02)
            except Empty:
                continue
            if isinstance(change, Exception):
                raise change
            yield change

    def open(self, place: str, *, pin: Secret | None = None, use_last_try: bool = False) -> CardSession:
        assert place == READER
        self.openings += 1
        self.sent.append(pin)
        self.on_open(self.openings)
        if self.error is not None:
            raise self.error
        if self.uri is None:
            raise CardConnectionError(f"{place}: no card in the reader")
        return open_card(self.uri, pin=pin, use_last_try=use_last_try)


def keeper_of(
    source: MovedSource,
    *,
    pin: PinEntry | None = None,
    use_last_try: bool = False,
    patience: Patience = QUICK,
) -> tuple[CardKeeper, EventLog]:
    """Return a keeper that is not started, and its log."""
    log = EventLog("test")
    return (
        CardKeeper(
            source, log, clock=lambda: NOW, key=bytes(32), pin=pin, use_last_try=use_last_try, patience=patience
        ),
        log,
    )
