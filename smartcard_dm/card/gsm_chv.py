"""CHV1 and CHV2 of a card of class A0.

Guarantees: the tries are read from what the card tells about a directory, which uses none. Status and VERIFY stand in
the directory of the application, since the master file of a card with several applications need not have the code.

Spec: GSM 11.11 (3GPP TS 51.011), 9.2.1 note 2, 9.2.9 and 9.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smartcard_dm.errors import CardReadError
from smartcard_dm.iso7816 import GSM_CLASS, Outcome, describe, verify_pin

if TYPE_CHECKING:
    from collections.abc import Callable

    from smartcard_dm.card.exchange import Exchange
    from smartcard_dm.iso7816 import ChvStatus, GsmDirectory
    from smartcard_dm.secret import Secret


class GsmChv:
    """A CHV.

    Args:
        exchange: sends.
        number: 1 or 2.
        homes: each call makes a directory that may have the code the current one, and returns what the card tells
            about it; None where the card has no such directory.
    """

    def __init__(self, exchange: Exchange, number: int, homes: tuple[Callable[[], GsmDirectory | None], ...]) -> None:
        self._exchange = exchange
        self._number = number
        self._homes = homes

    @property
    def name(self) -> str:
        """What errors call it."""
        return f"CHV{self._number}"

    def tries_left(self) -> int | None:
        """Read the status in the first directory that has the code; see `CardPin.tries_left`."""
        for describe_home in self._homes:
            directory = describe_home()
            if directory is not None and self._number == 1 and directory.chv1_disabled:
                return None
            if directory is not None and self._status(directory).initialised:
                return self._status(directory).attempts_remaining
        raise CardReadError(f"{self.name} is not initialised on this card: no value opens what is behind it")

    def present(self, value: Secret) -> int | None:
        """Send VERIFY CHV; see `CardPin.present`."""
        response = self._exchange.send(verify_pin(self._number, value, cla=GSM_CLASS))
        if response.outcome is Outcome.OK:
            return None
        if response.outcome is Outcome.BLOCKED:
            return 0
        left = self.tries_left() if response.outcome is Outcome.SECURITY else None
        if left is None:
            raise CardReadError(f"{self.name} could not be verified ({describe(response.sw)})", sw=response.sw)
        return left

    def _status(self, directory: GsmDirectory) -> ChvStatus:
        return directory.chv1 if self._number == 1 else directory.chv2
