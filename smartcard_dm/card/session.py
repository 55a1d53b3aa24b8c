"""A session with one card: who it is, what it provides; each file is read once.

Guarantees: nothing is read before it is asked for, nothing twice; the session never writes to the card; every channel
it opened is closed with it. Leaves to its caller: what the objects mean.

Spec: design decision D8; ETSI TS 102 221, 13.2 (EF.ICCID).
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final, Self

from smartcard_dm.card.channels import Channels
from smartcard_dm.card.directory import MASTER
from smartcard_dm.card.exchange import Exchange
from smartcard_dm.card.ladder import find_application
from smartcard_dm.card.pins import PinPad
from smartcard_dm.card.provisioning import ProvisioningApplication
from smartcard_dm.errors import ApduError, CardConnectionError, CardNotFoundError, CardReadError, UnsupportedError
from smartcard_dm.identity import CardIdentity, Generation
from smartcard_dm.iso7816 import SW, decode_iccid, parse_atr
from smartcard_dm.limits import DEFAULT_LIMITS
from vendor_pcsc.errors import BridgeError

if TYPE_CHECKING:
    from types import TracebackType

    from smartcard_dm.card.files import CardFiles
    from smartcard_dm.limits import Limits
    from smartcard_dm.secret import Secret
    from vendor_pcsc.connection import CardConnection

EF_ICCID: Final = 0x2FE2
_SHORT_READ: Final = 256


class CardSession:
    """A session with the card behind a connection; use it as a context manager.

    Args:
        connection: an open way to the card; the session closes it.
        pin: opens private files, four to eight ASCII digits; None presents nothing.
        use_last_try: consent to use the last try of a PIN.
        limits: bounds of files and directories.

    Raises:
        ValueError: the PIN is not four to eight digits.
        CardConnectionError: the way to the card failed.
    """

    def __init__(
        self,
        connection: CardConnection,
        *,
        pin: Secret | None = None,
        use_last_try: bool = False,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._connection = connection
        self._limits = limits
        self._exchange = Exchange(connection, limits)
        self._channels = Channels(
            self._exchange, PinPad(self._exchange, pin, use_last_try=use_last_try), limits, self._longest_read()
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except CardConnectionError as error:
            if value is None:
                raise
            value.add_note(f"leaving the card failed too: {error}")

    def close(self) -> None:
        """Close every channel and leave the card; closing twice is allowed.

        Raises:
            CardConnectionError: the reader could not be left in order.
        """
        try:
            self._channels.close_all()
        finally:
            try:
                self._connection.close()
            except BridgeError as error:
                raise CardConnectionError(str(error)) from error

    @property
    def apdu_count(self) -> int:
        """Commands sent so far."""
        return self._exchange.apdu_count

    @property
    def bytes_read(self) -> int:
        """Octets of data received so far."""
        return self._exchange.bytes_read

    @property
    def files(self) -> CardFiles:
        """Files as the basic channel sees them."""
        return self._channels.basic

    @cached_property
    def identity(self) -> CardIdentity:
        """Who the card is: two commands, read once.

        Raises:
            UnsupportedError: the card is of class A0.
            CardReadError: the card refused.
            CardConnectionError: the way to the card failed.
        """
        octets = b""
        try:
            octets, _ = self.files.read(MASTER, (EF_ICCID,))
        except CardNotFoundError:
            pass
        except CardReadError as error:
            if error.sw in {SW.CLASS_UNKNOWN, SW.INSTRUCTION_UNKNOWN}:
                raise UnsupportedError("cards of class A0 (SIM, R-UIM)", f"this one says {error.sw:04X}") from error
            raise
        return CardIdentity(_iccid(octets), Generation.UICC, self._exchange.atr.hex().upper())

    @cached_property
    def provisioning(self) -> ProvisioningApplication:
        """The PKCS#15 application that holds the provisioning data.

        Raises:
            CardNotFoundError: the card has none.
            CardReadError: it could not be read.
            PinRequiredError, PinError, PinBlockedError: its EF.ODF is behind a PIN that was not presented with success.
            CardConnectionError: the way to the card failed.
        """
        return ProvisioningApplication(find_application(self._channels, self._limits), self._limits)

    def _longest_read(self) -> int:
        """Return how many octets one READ BINARY may ask for: what the ATR says, which no card is trusted to omit."""
        try:
            capabilities = parse_atr(self._exchange.atr).capabilities
        except ApduError:
            return _SHORT_READ
        extended = capabilities is not None and capabilities.extended_length
        return self._limits.card_file_octets if extended else _SHORT_READ


def _iccid(octets: bytes) -> str:
    """Return the digits of EF.ICCID; none for a file that was never written, or holds something else."""
    try:
        return decode_iccid(octets)
    except ApduError:
        return ""
