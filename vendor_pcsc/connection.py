"""The one interface between a card and whoever reads it.

Guarantees: a `CardConnection` moves bytes and knows nothing about files, applications or PKCS#15.
Leaves to its caller: what the bytes mean, GET RESPONSE and wrong-length repetition included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


@runtime_checkable
class CardConnection(Protocol):
    """An open way to one powered card.

    Spec: ISO/IEC 7816-3 (ATR), 7816-4 (APDU). All methods raise only `vendor_pcsc.errors.BridgeError`.
    """

    @property
    def atr(self) -> bytes:
        """The answer to reset, as received."""

    @property
    def name(self) -> str:
        """What a user calls this connection, such as the reader's name."""

    def transmit(self, apdu: bytes) -> bytes:
        """Send one command APDU and return the response APDU: data, then SW1 SW2."""

    def transaction(self) -> AbstractContextManager[None]:
        """Hold the card for one logical unit, so that no other program comes between."""

    def reset(self) -> bytes:
        """Reset the card and return its ATR; selections, channels and PINs are gone afterwards."""

    def close(self) -> None:
        """Leave the card; closing twice is allowed."""
