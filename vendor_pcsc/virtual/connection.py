"""A connection to a virtual card in this process."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from vendor_pcsc.errors import CardRemovedError, TransmitError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from vendor_pcsc.virtual.model import Profile


class Card(Protocol):
    """What can be in a virtual reader: a `VirtualCard`, or one with faults."""

    @property
    def profile(self) -> Profile:
        """The profile of the card that is in the reader."""

    @property
    def exclusive(self) -> AbstractContextManager[object]:
        """Held while a command runs; whoever holds it has the card alone."""

    def process(self, apdu: bytes) -> bytes:
        """Return the response APDU to any octets; raises `BridgeError` when there is no card or reader any more."""

    def reset(self) -> bytes:
        """Reset the card and return the ATR; raises `BridgeError` as `process` does."""


class VirtualConnection:
    """A `CardConnection` to a virtual card; several may share one card, as several programs share a reader.

    Opening it resets the card, as inserting a card does.

    Raises:
        CardRemovedError, ReaderError: the faults of the card's profile say so, here and in every method.
    """

    def __init__(self, card: Card) -> None:
        self._card = card
        self._atr = card.reset()
        self._name = f"profile {card.profile.name}"
        self._closed = False
        self._removed = False

    def __repr__(self) -> str:
        return f"VirtualConnection({self.name!r})"

    @property
    def atr(self) -> bytes:
        """The answer to the last reset."""
        return self._atr

    @property
    def name(self) -> str:
        """What a user calls this connection: `profile` and the profile's name; it stays when the card is swapped."""
        return self._name

    def transmit(self, apdu: bytes) -> bytes:
        """Send one command APDU and return the response APDU.

        Raises:
            TransmitError: the connection is closed.
            CardRemovedError: the card was removed.
        """
        self._require_card()
        return self._card.process(apdu)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the card; other threads' connections to it wait.

        Raises:
            TransmitError: the connection is closed.
            CardRemovedError: the card was removed.
        """
        self._require_card()
        with self._card.exclusive:
            yield

    def reset(self) -> bytes:
        """Reset the card and return its ATR.

        Raises:
            TransmitError: the connection is closed.
            CardRemovedError: the card was removed.
        """
        self._require_card()
        self._atr = self._card.reset()
        return self._atr

    def remove(self) -> None:
        """Take the card out of this connection for good; only closing works afterwards."""
        self._removed = True

    def close(self) -> None:
        """Leave the card; closing twice is allowed."""
        self._closed = True

    def _require_card(self) -> None:
        if self._closed:
            raise TransmitError(f"{self.name}: the connection is closed")
        if self._removed:
            raise CardRemovedError(f"{self.name}: the card was removed")
