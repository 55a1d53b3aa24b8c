"""One command, one answer: chains of status words are followed, and everything is counted.

Guarantees: exceptions of the bridge stop here; GET RESPONSE follows at once, on the same channel, in one transaction,
and a chain that never ends is cut; a wrong length is repeated once only, and never for a command that wants no data,
such as VERIFY. Leaves to its caller: what the answer means.

Spec: ISO/IEC 7816-3, 12; ETSI TS 102 221, 7.3.1.1 and 12.1.1.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from smartcard_dm.errors import CardConnectionError, CardReadError
from smartcard_dm.iso7816.apdu import ResponseApdu, get_response, parse_response
from smartcard_dm.iso7816.status import Outcome, length_hint
from vendor_pcsc.errors import BridgeError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smartcard_dm.iso7816.apdu import CommandApdu
    from smartcard_dm.limits import Limits
    from vendor_pcsc.connection import CardConnection


class Exchange:
    """Sends commands over a connection and counts what it cost."""

    def __init__(self, connection: CardConnection, limits: Limits) -> None:
        self._connection = connection
        self._limits = limits
        self.apdu_count = 0
        """Commands sent, GET RESPONSE and repetitions included."""
        self.bytes_read = 0
        """Octets of data received, status words not counted."""

    @property
    def atr(self) -> bytes:
        """The answer to reset.

        Raises:
            CardConnectionError: the way to the card failed.
        """
        try:
            return self._connection.atr
        except BridgeError as error:
            raise CardConnectionError(str(error)) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the card for one logical unit; may be nested.

        Raises:
            CardConnectionError: the way to the card failed.
        """
        try:
            with self._connection.transaction():
                yield
        except BridgeError as error:
            raise CardConnectionError(str(error)) from error

    def reset(self) -> None:
        """Reset the card: selections, channels and verified PINs are gone afterwards.

        Raises:
            CardConnectionError: the way to the card failed.
        """
        try:
            self._connection.reset()
        except BridgeError as error:
            raise CardConnectionError(str(error)) from error

    def probe(self, command: CommandApdu) -> ResponseApdu:
        """Send a command for its status word alone; data that wait (61xx, 9Fxx) are not fetched.

        Raises:
            CardConnectionError: the way to the card failed.
            ApduError: the answer is none.
        """
        with self.transaction():
            return self._once(command)

    def send(self, command: CommandApdu) -> ResponseApdu:
        """Send a command and return its whole answer.

        Raises:
            CardConnectionError: the way to the card failed.
            ApduError: the answer is none.
            CardReadError: the card's answer has no end.
        """
        with self.transaction():
            return self._chain(command, self._with_right_length(command))

    def _with_right_length(self, command: CommandApdu) -> ResponseApdu:
        response = self._once(command)
        if response.sw >> 8 == 0x6C and command.le is not None:
            return self._once(replace(command, le=length_hint(response.sw)))
        return response

    def _once(self, command: CommandApdu) -> ResponseApdu:
        self.apdu_count += 1
        response = parse_response(self._connection.transmit(command.encode()))
        self.bytes_read += len(response.data)
        return response

    def _chain(self, command: CommandApdu, response: ResponseApdu) -> ResponseApdu:
        if response.outcome is Outcome.WARNING and command.data and command.le is not None and not response.data:
            return self._behind_warning(command, response)
        data = response.data
        for _ in range(self._limits.response_chain):
            if response.outcome is not Outcome.MORE_DATA:
                return ResponseApdu(data, response.sw)
            follow = get_response(length_hint(response.sw) or 256, cla=command.cla)
            response = self._with_right_length(follow)
            data += response.data
        raise CardReadError(
            f"the card announces more data after {self._limits.response_chain} GET RESPONSE commands: "
            "it is faulty or the contact is bad; take it out and try again",
            sw=response.sw,
        )

    def _behind_warning(self, command: CommandApdu, warning: ResponseApdu) -> ResponseApdu:
        """Fetch what waits behind a warning in protocol T=0, which does not say how much; there may be nothing."""
        follow = self._with_right_length(get_response(256, cla=command.cla))
        return ResponseApdu(follow.data, warning.sw) if follow.outcome is Outcome.OK else warning
