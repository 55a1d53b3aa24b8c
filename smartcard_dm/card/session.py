"""A session with one card: who it is, what it provides; each file is read once.

Guarantees: nothing is read before it is asked for, nothing twice while the card stays powered; the session never writes
to the card; every channel it opened is closed with it. Leaves to its caller: what the objects mean.

Spec: design decision D8.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Self

from smartcard_dm.card.channels import Channels
from smartcard_dm.card.detection import detect, is_same, recognise
from smartcard_dm.card.exchange import Exchange
from smartcard_dm.card.files import SHORT_READ
from smartcard_dm.card.ladder import find_application
from smartcard_dm.card.pins import PinPad
from smartcard_dm.card.provisioning import ProvisioningApplication
from smartcard_dm.errors import ApduError, CardConnectionError
from smartcard_dm.iso7816 import parse_atr
from smartcard_dm.limits import DEFAULT_LIMITS
from vendor_pcsc.errors import BridgeError

if TYPE_CHECKING:
    from types import TracebackType

    from smartcard_dm.card.detection import DetectedCard
    from smartcard_dm.card.files import CardFiles
    from smartcard_dm.identity import CardIdentity
    from smartcard_dm.limits import Limits
    from smartcard_dm.secret import Secret
    from vendor_pcsc.connection import CardConnection


class CardSession:
    """A session with the card behind a connection; use it as a context manager.

    Args:
        connection: an open way to the card; the session closes it.
        pin: opens private files, four to eight ASCII digits; None presents nothing.
        use_last_try: consent to use the last try of a PIN.
        refreshable: read EF.TokenInfo with the application, two commands more, so that `refresh` can tell whether
            anything changed.
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
        refreshable: bool = False,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._connection = connection
        self._limits = limits
        self._refreshable = refreshable
        self._exchange = Exchange(connection, limits)
        self._pins = PinPad(pin, use_last_try=use_last_try)
        self._channels = self._new_channels()
        self._card: DetectedCard | None = None
        self._before: DetectedCard | None = None
        """The card before a reset, until it is known whether it is the same."""
        self._application: ProvisioningApplication | None = None

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
        """Files as the basic channel sees them; raises as `identity`."""
        return self._detected().files

    @property
    def identity(self) -> CardIdentity:
        """Who the card is: two commands for a UICC, a few more for other cards, once.

        Raises:
            CardReadError: the card takes commands of neither class, or refuses its number.
            PinRequiredError, PinError, PinBlockedError: its number is behind a PIN.
            CardConnectionError: the way to the card failed.
        """
        return self._detected().identity

    @property
    def detection(self) -> str:
        """How the card's generation was found, as a sentence; raises as `identity`."""
        return self._detected().reason

    @property
    def provisioning(self) -> ProvisioningApplication:
        """The PKCS#15 application that holds the provisioning data.

        Raises:
            CardNotFoundError: the card has none.
            CardReadError: it could not be read.
            PinRequiredError, PinError, PinBlockedError: its EF.ODF is behind a PIN that was not presented with success.
            CardConnectionError: the way to the card failed.
        """
        if self._application is None:
            card = self._detected()
            # One unit: another program between two steps could make an application look as if it were not there.
            with self._exchange.transaction():
                card.files.forget_place()
                found = find_application(card.files, card.channels, self._limits)
            self._application = ProvisioningApplication(found, self._limits)
            if self._refreshable:
                self._application.note_last_update()
        return self._application

    def refresh(self) -> bool:
        """Reset the card and go on with it, for a session that outlives a reset, a power cycle or a change of cards.

        What was read before is kept when the answer to reset and the ICCID are the same and EF.TokenInfo, read before,
        has the same time of the last update; otherwise it is read again when it is asked for. Kept is only what was
        readable without a PIN. With a card that cannot be told to be the same the PIN is dropped: it was given for
        another. From then on the session is `refreshable`.

        Returns:
            Whether it is the same card and what it provides is as it was.

        Raises:
            CardConnectionError: the way to the card failed.
        """
        read, application = self._card is not None, self._application
        self._before = before = self._card or self._before
        self._card = self._application = None
        self._refreshable = True
        self._channels.after_reset()
        self._pins.after_reset()
        self._exchange.reset()
        if before is None:
            return False
        before.files.after_reset()
        with self._pins.withheld():
            recognised = recognise(before, self._exchange)
        if not recognised:
            self._channels = self._new_channels()
            return False
        if application is not None:
            self._application = application.after_reset(before.channels)
        self._card, self._before = before, None
        return read and (application is None or self._application is not None)

    def _detected(self) -> DetectedCard:
        if self._card is None:
            with self._pins.withheld() if self._before is not None else nullcontext():
                card = detect(self._exchange, self._channels, self._pins, self._limits)
            if self._before is not None and not is_same(self._before, card):
                self._pins.drop()
            self._card, self._before = card, None
        return self._card

    def _new_channels(self) -> Channels:
        return Channels(self._exchange, self._pins, self._limits, self._longest_read())

    def _longest_read(self) -> int:
        """Return how many octets one READ BINARY may ask for: what the ATR says, which no card is trusted to omit."""
        try:
            capabilities = parse_atr(self._exchange.atr).capabilities
        except ApduError:
            return SHORT_READ
        extended = capabilities is not None and capabilities.extended_length
        return self._limits.card_file_octets if extended else SHORT_READ
