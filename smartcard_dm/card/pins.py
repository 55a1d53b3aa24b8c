"""Presenting a PIN, as rarely and as carefully as a cardholder would want.

Guarantees: no VERIFY without a PIN that the user gave; the counter is asked first, which costs no try; never twice
with one value; never at the last try without consent; never a write. Leaves to its caller: where the PIN comes from.

Spec: ETSI TS 102 221, 9.5.1 and 11.1.9.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smartcard_dm.errors import CardReadError, PinBlockedError, PinError, PinRequiredError
from smartcard_dm.iso7816 import SW, Outcome, attempts_remaining, pin_counter, verify_pin

if TYPE_CHECKING:
    from smartcard_dm.card.exchange import Exchange
    from smartcard_dm.secret import Secret


class PinPad:
    """Holds the PIN a user gave for one session.

    Args:
        exchange: sends.
        pin: four to eight ASCII digits, or None: then nothing is ever presented.
        use_last_try: consent to use the last try.

    Raises:
        ValueError: the PIN is not four to eight digits; the text does not hold it.
    """

    def __init__(self, exchange: Exchange, pin: Secret | None, *, use_last_try: bool = False) -> None:
        if pin is not None:
            verify_pin(1, pin)  # the constructor of the command checks the form before a card is touched
        self._exchange = exchange
        self._pin = pin
        self._use_last_try = use_last_try
        self._presented: set[int] = set()
        self._verified: set[int] = set()

    @property
    def has_pin(self) -> bool:
        """Whether a PIN was given."""
        return self._pin is not None

    def verify(self, reference: int, channel: int) -> None:
        """Present the PIN for a reference, unless it is open already.

        Raises:
            PinRequiredError: no PIN was given.
            PinError: the card says it is wrong, or said so before.
            PinBlockedError: no try is left, or one is left and its use was not consented to.
            CardReadError: the card has no such PIN, or answers otherwise.
        """
        if self._pin is None:
            raise PinRequiredError(f"PIN {reference:02X} is needed and none was given")
        if reference in self._verified:
            return
        left = self._tries_left(reference, channel)
        if left is None:
            return
        if reference in self._presented:
            raise PinError(f"PIN {reference:02X} was wrong before and is not sent twice", attempts_remaining=left)
        if left == 1 and not self._use_last_try:
            raise PinBlockedError(
                f"PIN {reference:02X} has one try left and it is not used without consent: "
                "a wrong value would block the card (--use-last-try to use it all the same)"
            )
        self._presented.add(reference)
        response = self._exchange.send(verify_pin(reference, self._pin).on_channel(channel))
        if response.outcome is Outcome.OK:
            self._verified.add(reference)
            return
        remaining = attempts_remaining(response.sw)
        if response.outcome is Outcome.BLOCKED:
            raise PinBlockedError(f"PIN {reference:02X} is blocked now: unblock it with its PUK in a phone")
        if remaining is not None:
            tries = "1 try" if remaining == 1 else f"{remaining} tries"
            raise PinError(f"PIN {reference:02X} is wrong, {tries} left", attempts_remaining=remaining)
        raise CardReadError(f"PIN {reference:02X} could not be verified ({response.description})", sw=response.sw)

    def _tries_left(self, reference: int, channel: int) -> int | None:
        """Return the tries left, or None when the PIN is verified or disabled already."""
        response = self._exchange.send(pin_counter(reference).on_channel(channel))
        if response.outcome is Outcome.OK or response.sw == SW.REFERENCED_DATA_INVALIDATED:
            return None
        if response.outcome is Outcome.BLOCKED:
            raise PinBlockedError(f"PIN {reference:02X} is blocked: unblock it with its PUK in a phone")
        left = attempts_remaining(response.sw)
        if left is None:
            raise CardReadError(
                f"PIN {reference:02X}: the card does not tell its tries ({response.description})", sw=response.sw
            )
        return left
