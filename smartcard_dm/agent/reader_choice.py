"""Which of the readers is meant, while readers and cards come and go.

A reader with a card stays chosen until the card or the reader leaves: another reader, plugged in beside it, changes
nothing. An empty one is given up for the one that the name, or the lack of one, means now.

Guarantees: what happens at other readers than the chosen one is not told. Leaves to its caller: the events, in order,
with each reader's first look (`vendor_pcsc.monitor.watch` with `tell_empty`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smartcard_dm.agent.placement import Placement, PlacementChange
from vendor_pcsc.errors import ReaderError
from vendor_pcsc.monitor import EventKind
from vendor_pcsc.readers import ReaderState, choose_reader

if TYPE_CHECKING:
    from vendor_pcsc.monitor import ReaderEvent

_IN: Final = frozenset({EventKind.CARD_INSERTED, EventKind.CARD_CHANGED})


class ReaderChoice:
    """Follows the readers.

    Args:
        name: a reader's name or a unique part of it; None for the only one, or the only one with a card.
    """

    def __init__(self, name: str | None) -> None:
        self._name = name
        self._cards: dict[str, bool | None] = {}
        """Each reader, and whether a card is in it; None until it was looked at."""
        self._chosen: str | None = None
        self._told: PlacementChange | None = None

    def take(self, event: ReaderEvent) -> tuple[PlacementChange, ...]:
        """Return what an event means for the card; mostly nothing or one change."""
        self._note(event)
        if event.reader == self._chosen and event.kind is EventKind.CARD_CHANGED:
            return self._tell(Placement.CARD_CHANGED, event.reader, "the card was taken out and one was put in")
        if event.kind is EventKind.SERVICE_LOST:
            return self._tell(
                Placement.LOST, "", "the PC/SC service is not running: start pcscd (systemctl start pcscd.socket)"
            )
        if self._chosen is not None and self._chosen not in self._cards:
            # Told even where another reader is chosen at once: what was in this one is gone from here.
            name, self._chosen = self._chosen, None
            return (*self._tell(Placement.LOST, "", f"{name} was unplugged: plug it in again"), *self._choose())
        return self._choose()

    def _note(self, event: ReaderEvent) -> None:
        if event.kind is EventKind.SERVICE_LOST:
            self._cards.clear()
            self._chosen = None
        elif event.kind is EventKind.READER_REMOVED:
            self._cards.pop(event.reader, None)
        elif event.kind is EventKind.READER_ADDED:
            self._cards[event.reader] = None
        elif event.reader in self._cards:
            self._cards[event.reader] = event.kind in _IN

    def _choose(self) -> tuple[PlacementChange, ...]:
        left: tuple[PlacementChange, ...] = ()
        if self._chosen is not None:
            if self._cards[self._chosen]:
                return self._tell(Placement.CARD_IN, self._chosen, f"a card is in {self._chosen}")
            left = self._tell(Placement.CARD_OUT, self._chosen, f"no card in {self._chosen}: insert one")
        if None in self._cards.values():
            return left
        try:
            self._chosen = choose_reader(self._name, self._states())
        except ReaderError as error:
            self._chosen = None
            return (*left, *self._tell(Placement.LOST if self._is_lost() else Placement.CARD_OUT, "", str(error)))
        if self._cards[self._chosen]:
            return (*left, *self._tell(Placement.CARD_IN, self._chosen, f"a card is in {self._chosen}"))
        return (*left, *self._tell(Placement.CARD_OUT, self._chosen, f"no card in {self._chosen}: insert one"))

    def _is_lost(self) -> bool:
        """Whether no choice means more than that all readers in question are empty."""
        return self._name is not None or not self._cards or any(self._cards.values())

    def _states(self) -> tuple[ReaderState, ...]:
        return tuple(
            ReaderState(name, card_present=bool(card), atr=b"", in_use=False, exclusive=False, mute=False)
            for name, card in self._cards.items()
        )

    def _tell(self, placement: Placement, place: str, reason: str) -> tuple[PlacementChange, ...]:
        change = PlacementChange(placement, place, reason)
        told, self._told = self._told, change
        if placement is Placement.CARD_CHANGED:
            return (change,)
        known_in = told is not None and told.placement is Placement.CARD_CHANGED and told.place == place
        return () if told == change or (placement is Placement.CARD_IN and known_in) else (change,)
