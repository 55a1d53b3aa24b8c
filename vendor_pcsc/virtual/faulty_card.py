"""A card with faults before it, and the one way from a profile to a card in a reader.

Guarantees: a card or reader that went stays away, but for a card that was swapped: the other one is there after the
next reset. APDUs are counted over resets and swaps.
"""

from __future__ import annotations

import time
from functools import partial
from threading import RLock
from typing import TYPE_CHECKING

from vendor_pcsc.errors import CardRemovedError, ReaderError
from vendor_pcsc.virtual.card_os import VirtualCard
from vendor_pcsc.virtual.connection import Card, VirtualConnection
from vendor_pcsc.virtual.faults import CardSwappedError, make_faults
from vendor_pcsc.virtual.model import Faults

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vendor_pcsc.virtual.faults import Fault
    from vendor_pcsc.virtual.model import Profile


def connect(profile: Profile) -> VirtualConnection:
    """Return a connection to a new card with all that the profile says, faults included."""
    return VirtualConnection(insert_card(profile))


def insert_card(profile: Profile) -> Card:
    """Return a new card with all that the profile says; several connections may share it."""
    return VirtualCard(profile) if profile.faults == Faults() else FaultyCard(VirtualCard(profile))


class FaultyCard:
    """A card behind the faults of its profile, or behind others.

    Args:
        card: what answers when nothing goes wrong.
        faults: what goes wrong, the one nearest to the terminal first; by default what the card's profile says.
        sleep: waits some seconds.
    """

    def __init__(
        self, card: Card, faults: Sequence[Fault] | None = None, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.exclusive = RLock()
        """Held while a command runs; whoever holds it has the card alone."""
        self._card = card
        self._faults = make_faults(card.profile.faults, sleep) if faults is None else tuple(faults)
        self._count = 0
        self._removed = False
        self._successor: Profile | None = None
        self._reader_gone = False

    def __repr__(self) -> str:
        return f"FaultyCard({self.profile.name!r})"

    @property
    def profile(self) -> Profile:
        """The profile of the card that is in the reader."""
        return self._card.profile

    def process(self, apdu: bytes) -> bytes:
        """Return the response APDU to any octets.

        Raises:
            CardRemovedError: the card is gone.
            ReaderError: the reader is gone.
        """
        with self.exclusive:
            self._require_reader()
            self._require_card()
            self._count += 1
            try:
                return self._pass_on(0, apdu)
            except CardSwappedError as error:
                self._removed, self._successor = True, error.successor
                raise CardRemovedError(str(error)) from None
            except CardRemovedError:
                self._removed = True
                raise
            except ReaderError:
                self._reader_gone = True
                raise

    def reset(self) -> bytes:
        """Reset the card that is in the reader and return its ATR.

        Raises:
            CardRemovedError: the card is gone, and there is no other.
            ReaderError: the reader is gone.
        """
        with self.exclusive:
            self._require_reader()
            if self._successor is not None:
                self._card, self._successor, self._removed = VirtualCard(self._successor), None, False
            self._require_card()
            return self._card.reset()

    def _pass_on(self, fault: int, apdu: bytes) -> bytes:
        if fault == len(self._faults):
            return self._card.process(apdu)
        return self._faults[fault].answer(self._count, apdu, partial(self._pass_on, fault + 1))

    def _require_reader(self) -> None:
        if self._reader_gone:
            raise ReaderError("the reader is gone")

    def _require_card(self) -> None:
        if self._removed:
            raise CardRemovedError("the card was removed")
