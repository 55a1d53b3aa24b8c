"""A PIN of a UICC.

Spec: ETSI TS 102 221, 9.5.1 and 11.1.9.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smartcard_dm.errors import CardReadError
from smartcard_dm.iso7816 import SW, Outcome, attempts_remaining, pin_counter, verify_pin

if TYPE_CHECKING:
    from smartcard_dm.card.exchange import Exchange
    from smartcard_dm.secret import Secret


class UiccPin:
    """A PIN by its reference, asked about on one channel; verified, it is so on all of them."""

    def __init__(self, exchange: Exchange, reference: int, channel: int) -> None:
        self._exchange = exchange
        self._reference = reference
        self._channel = channel

    @property
    def name(self) -> str:
        """What errors call it."""
        return f"PIN {self._reference:02X}"

    def tries_left(self) -> int | None:
        """Ask for the counter by VERIFY without data; see `CardPin.tries_left`."""
        response = self._exchange.send(pin_counter(self._reference).on_channel(self._channel))
        if response.outcome is Outcome.OK or response.sw == SW.REFERENCED_DATA_INVALIDATED:
            return None
        if response.outcome is Outcome.BLOCKED:
            return 0
        left = attempts_remaining(response.sw)
        if left is None:
            raise CardReadError(
                f"{self.name}: the card does not tell its tries ({response.description})", sw=response.sw
            )
        return left

    def present(self, value: Secret) -> int | None:
        """Send VERIFY; see `CardPin.present`."""
        response = self._exchange.send(verify_pin(self._reference, value).on_channel(self._channel))
        if response.outcome is Outcome.OK:
            return None
        remaining = 0 if response.outcome is Outcome.BLOCKED else attempts_remaining(response.sw)
        if remaining is None:
            raise CardReadError(f"{self.name} could not be verified ({response.description})", sw=response.sw)
        return remaining
