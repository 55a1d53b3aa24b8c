"""Presenting a PIN, as rarely and as carefully as a cardholder would want, on cards of either class.

Guarantees: no VERIFY without a PIN that the user gave; the counter is asked first, which costs no try; never twice
with one value; never at the last try without consent; never a write. Leaves to its caller: where the PIN comes from.

Spec: ETSI TS 102 221, 9.5.1 and 11.1.9; GSM 11.11, 9.2.9 and 9.3; design decision D8.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from smartcard_dm.errors import PinBlockedError, PinError, PinRequiredError
from smartcard_dm.iso7816 import verify_pin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smartcard_dm.secret import Secret


class CardPin(Protocol):
    """A PIN that a card has, as its class of commands asks about it and presents it."""

    @property
    def name(self) -> str:
        """What errors call it, such as PIN 01 or CHV1; tells it from the card's other PINs."""

    def tries_left(self) -> int | None:
        """Return the tries left, 0 when blocked, or None when it need not be presented: verified, or disabled.

        Raises:
            CardReadError: the card has no such PIN, or does not tell.
        """

    def present(self, value: Secret) -> int | None:
        """Present a value, which costs a try if it is wrong; return None when it is right, else the tries left.

        Raises:
            CardReadError: the card answers neither.
        """


class PinPad:
    """Holds the PIN a user gave for one session.

    Args:
        pin: four to eight ASCII digits, or None: then nothing is ever presented.
        use_last_try: consent to use the last try.

    Raises:
        ValueError: the PIN is not four to eight digits; the text does not hold it.
    """

    def __init__(self, pin: Secret | None, *, use_last_try: bool = False) -> None:
        if pin is not None:
            verify_pin(1, pin)  # the constructor of the command checks the form before a card is touched
        self._pin = pin
        self._use_last_try = use_last_try
        self._presented: set[str] = set()
        self._verified: set[str] = set()
        self._withheld = False

    @property
    def has_pin(self) -> bool:
        """Whether there is a PIN to present."""
        return self._pin is not None and not self._withheld

    @property
    def any_verified(self) -> bool:
        """Whether a PIN was verified since the last reset."""
        return bool(self._verified)

    def verify(self, pin: CardPin) -> None:
        """Present the PIN, unless it is open already.

        Raises:
            PinRequiredError: no PIN was given.
            PinError: the card says it is wrong, or said so before.
            PinBlockedError: no try is left, or one is left and its use was not consented to.
            CardReadError: the card has no such PIN, or answers otherwise.
        """
        if self._pin is None or self._withheld:
            raise PinRequiredError(f"{pin.name} is needed and none was given", tries_left=pin.tries_left)
        if pin.name in self._verified:
            return
        left = pin.tries_left()
        if left is None:
            return
        if left == 0:
            raise PinBlockedError(f"{pin.name} is blocked: unblock it with its PUK in a phone")
        if pin.name in self._presented:
            raise PinError(f"{pin.name} was wrong before and is not sent twice", attempts_remaining=left)
        if left == 1 and not self._use_last_try:
            raise PinBlockedError(
                f"{pin.name} has one try left and it is not used without consent: "
                "a wrong value would block the card (--use-last-try to use it all the same)"
            )
        self._presented.add(pin.name)
        remaining = pin.present(self._pin)
        if remaining is None:
            self._verified.add(pin.name)
            return
        if remaining == 0:
            raise PinBlockedError(f"{pin.name} is blocked now: unblock it with its PUK in a phone")
        tries = "1 try" if remaining == 1 else f"{remaining} tries"
        raise PinError(f"{pin.name} is wrong, {tries} left", attempts_remaining=remaining)

    def after_reset(self) -> None:
        """Forget what a reset ended: a PIN that was right may be presented again, one that was wrong never."""
        self._presented -= self._verified
        self._verified.clear()

    @contextmanager
    def withheld(self) -> Iterator[None]:
        """Present nothing meanwhile: it is not known yet whether this is the card the PIN was given for."""
        self._withheld = True
        try:
            yield
        finally:
            self._withheld = False

    def drop(self) -> None:
        """Forget the PIN itself: it was given for another card."""
        self._pin = None
