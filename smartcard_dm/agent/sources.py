"""Where an agent's card is: what happens to it, and a session with it when it is to be read.

Guarantees: a source tells every change in order, the first one being what is there now; two cards in one reader one
after the other are never told as one. A session is opened with the card in the place that was told, or not at all.
Leaves to its caller: reading the card, and closing what it opened.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

from smartcard_dm.agent.placement import Placement, PlacementChange
from smartcard_dm.agent.reader_choice import ReaderChoice
from smartcard_dm.card.session import CardSession
from smartcard_dm.card_uri import BUSY_SECONDS, check_card_uri, open_card
from smartcard_dm.errors import CardConnectionError
from smartcard_dm.limits import DEFAULT_LIMITS
from vendor_pcsc.errors import BridgeError
from vendor_pcsc.monitor import watch
from vendor_pcsc.pyscard_bridge import PcscConnection
from vendor_pcsc.readers import list_readers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from threading import Event

    from smartcard_dm.limits import Limits
    from smartcard_dm.secret import Secret

_PCSC: Final = "pcsc:"


class CardSource(Protocol):
    """A place where a card comes and goes."""

    def watch(self, stop: Event) -> Iterator[PlacementChange]:
        """Give what is there now, then every change, until `stop` is set; that is noticed within a second.

        Raises:
            BridgeError: nothing can be told here, such as without a PC/SC library; calling it again may help.
        """

    def open(self, place: str, *, pin: Secret | None = None, use_last_try: bool = False) -> CardSession:
        """Return a session with the card in the place that a change named.

        Raises:
            SmartcardDmError: the card cannot be opened.
            ValueError: the PIN is not four to eight digits.
        """


class PcscSource:
    """The card in one reader of the PC/SC service.

    Args:
        name: the reader's name or a unique part of it; None for the only one, or the only one with a card.
        limits: bounds of files and directories.
    """

    def __init__(self, name: str | None, *, limits: Limits = DEFAULT_LIMITS) -> None:
        self._name = name
        self._limits = limits

    def watch(self, stop: Event) -> Iterator[PlacementChange]:
        """Give the changes at the reader that is meant; see `CardSource.watch`."""
        choice = ReaderChoice(self._name)
        # Without any reader the watch has nothing to tell.
        with suppress(BridgeError):
            if not list_readers():
                yield PlacementChange(Placement.LOST, "", "no reader is attached: plug one in")
        for event in watch(stop, tell_empty=True):
            yield from choice.take(event)

    def open(self, place: str, *, pin: Secret | None = None, use_last_try: bool = False) -> CardSession:
        """Connect to the reader with exactly this name; see `CardSource.open`."""
        try:
            connection = PcscConnection(place, wait_seconds=BUSY_SECONDS)
        except BridgeError as error:
            raise CardConnectionError(str(error)) from error
        try:
            return CardSession(connection, pin=pin, use_last_try=use_last_try, limits=self._limits)
        except BaseException:
            connection.close()
            raise


class FixedSource:
    """A card that nobody moves: a profile or a transcript, opened anew each time it is read.

    Args:
        uri: its card URI.
        limits: bounds of files and directories.
    """

    def __init__(self, uri: str, *, limits: Limits = DEFAULT_LIMITS) -> None:
        self._uri = uri
        self._limits = limits

    def watch(self, stop: Event) -> Iterator[PlacementChange]:
        """Give the one thing there is to tell; see `CardSource.watch`."""
        yield PlacementChange(Placement.CARD_IN, self._uri, "the card is a file")
        stop.wait()

    def open(self, place: str, *, pin: Secret | None = None, use_last_try: bool = False) -> CardSession:
        """Open the card; see `CardSource.open`."""
        return open_card(place, pin=pin, use_last_try=use_last_try, limits=self._limits)


def source_for(uri: str, *, limits: Limits = DEFAULT_LIMITS) -> CardSource:
    """Return the source a card URI names; nothing is opened yet.

    Raises:
        CardUriError: the URI has no form that is known.
    """
    check_card_uri(uri)
    if uri.startswith(_PCSC):
        return PcscSource(uri.removeprefix(_PCSC) or None, limits=limits)
    return FixedSource(uri, limits=limits)
