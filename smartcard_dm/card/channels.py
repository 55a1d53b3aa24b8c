"""Logical channels: opened when wanted, always closed.

Guarantees: the basic channel is never closed; every other one is, also when what it was opened for failed. What the
card answers to closing is not looked at: there is nothing left to do about it.

Spec: ETSI TS 102 221, 11.1.17; 8.7.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from smartcard_dm.card.uicc_files import UiccFiles
from smartcard_dm.errors import ApduError, CardConnectionError, CardReadError
from smartcard_dm.iso7816 import Outcome, close_channel, open_channel

if TYPE_CHECKING:
    from smartcard_dm.card.exchange import Exchange
    from smartcard_dm.card.files import CardFiles
    from smartcard_dm.card.pins import PinPad
    from smartcard_dm.limits import Limits


class Channels:
    """The channels of one card that this session uses."""

    def __init__(self, exchange: Exchange, pins: PinPad, limits: Limits, longest_read: int) -> None:
        self._exchange = exchange
        self._pins = pins
        self._limits = limits
        self._longest_read = longest_read
        self._open: list[UiccFiles] = []
        self.basic = self._files(0)
        """Files as the basic channel sees them."""

    def open(self) -> UiccFiles:
        """Open a logical channel; the card chooses its number.

        Raises:
            CardReadError: the card has none to give.
        """
        response = self._exchange.send(open_channel())
        number = response.data[0] if len(response.data) == 1 else 0
        if response.outcome is not Outcome.OK or not 1 <= number <= 19:
            raise CardReadError(f"no logical channel ({response.description})", sw=response.sw)
        files = self._files(number)
        self._open.append(files)
        return files

    def close(self, files: CardFiles) -> None:
        """Close a channel; the basic one and one that is closed already are left alone.

        Raises:
            CardConnectionError: the way to the card failed.
        """
        if isinstance(files, UiccFiles) and files in self._open:
            self._open.remove(files)
            with suppress(ApduError, CardReadError):
                self._exchange.send(close_channel(files.channel))

    def close_all(self) -> None:
        """Close every channel that is open; a card that is gone has none."""
        while self._open:
            try:
                self.close(self._open[-1])
            except CardConnectionError:
                self._open.clear()

    def after_reset(self) -> None:
        """Forget what a reset ended: every channel but the basic one."""
        self._open.clear()
        self.basic.after_reset()

    def _files(self, number: int) -> UiccFiles:
        return UiccFiles(self._exchange, number, self._pins, self._limits, self._longest_read)
