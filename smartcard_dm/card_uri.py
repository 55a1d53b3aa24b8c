"""Card URIs: one text that says which card, whatever it is attached to.

Guarantees: what comes back is an open session; foreign errors of a bridge or a profile stop here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from smartcard_dm.card.session import CardSession
from smartcard_dm.errors import CardConnectionError, DecodeError
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.personalise import GENERATORS
from vendor_pcsc.errors import BridgeError, ProfileError
from vendor_pcsc.readers import connect as connect_reader
from vendor_pcsc.record import ReplayConnection, ReplayMode, TranscriptError, read_transcript
from vendor_pcsc.virtual import connect, load_profile

if TYPE_CHECKING:
    from collections.abc import Callable

    from smartcard_dm.limits import Limits
    from smartcard_dm.secret import Secret
    from vendor_pcsc.connection import CardConnection


BUSY_SECONDS: Final = 2.0
"""Seconds to wait for a reader that another program holds."""


class CardUriError(ValueError):
    """A card URI that names no card; its text says which forms there are."""


@dataclass(frozen=True, slots=True)
class UriForm:
    """One kind of card URI: a scheme, a colon, and what the scheme makes of the rest."""

    scheme: str
    rest: str
    """What follows the colon, for people, such as FILE.yaml."""
    connect: Callable[[str], CardConnection]
    """Opens the card that the rest names; raises `BridgeError` or `SmartcardDmError`."""
    may_be_empty: bool = False
    """Whether the rest may be missing."""

    def __str__(self) -> str:
        whole = f"{self.scheme}:{self.rest}"
        return f"{self.scheme}: or {whole}" if self.may_be_empty else whole


def open_card(
    uri: str,
    *,
    pin: Secret | None = None,
    use_last_try: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    wrap: Callable[[CardConnection], CardConnection] | None = None,
) -> CardSession:
    """Return a session with the card a URI names; use it as a context manager.

    Args:
        uri: `profile:FILE.yaml`, a virtual card that runs in this process; `pcsc:`, the card in the only reader, or
            `pcsc:NAME` in the one with that name or part of it; `replay:FILE`, a transcript.
        pin: opens private files; None presents nothing.
        use_last_try: consent to use the last try of a PIN.
        limits: bounds of files and directories.
        wrap: gets the connection and returns the one to use, such as a recorder around it.

    Raises:
        CardUriError: the URI has no form that is known.
        CardConnectionError: what the URI names cannot be reached.
        DecodeError: the profile is wrong.
        ValueError: the PIN is not four to eight digits.
    """
    form, rest = _form_of(uri)
    try:
        connection = form.connect(rest)
    except ProfileError as error:
        if isinstance(error.__cause__, OSError):
            raise CardConnectionError(f"card profile {rest} cannot be read: {error.__cause__.strerror}") from error
        raise DecodeError("card profile", error.detail, place=error.place) from error
    except TranscriptError as error:
        if isinstance(error.__cause__, OSError):
            raise CardConnectionError(f"transcript {rest} cannot be read: {error.__cause__.strerror}") from error
        raise DecodeError("transcript", str(error), place=rest) from error
    except BridgeError as error:
        raise CardConnectionError(str(error)) from error
    try:
        if wrap is not None:
            connection = wrap(connection)
        return CardSession(connection, pin=pin, use_last_try=use_last_try, limits=limits)
    except BaseException:
        connection.close()
        raise


def check_card_uri(uri: str) -> None:
    """Look at the form of a card URI only.

    Raises:
        CardUriError: it has none that is known.
    """
    _form_of(uri)


def _form_of(uri: str) -> tuple[UriForm, str]:
    scheme, colon, rest = uri.partition(":")
    for form in FORMS:
        if colon and scheme == form.scheme and (rest or form.may_be_empty):
            return form, rest
    raise CardUriError(f"card URI {uri!r}: wanted {', or '.join(map(str, FORMS))}")


def _connect_profile(rest: str) -> CardConnection:
    return connect(load_profile(Path(rest), generators=GENERATORS))


def _connect_reader(rest: str) -> CardConnection:
    return connect_reader(rest or None, wait_seconds=BUSY_SECONDS)


def _connect_transcript(rest: str) -> CardConnection:
    return ReplayConnection(read_transcript(Path(rest)), mode=ReplayMode.MAP)


FORMS: Final = (
    UriForm("pcsc", "NAME", _connect_reader, may_be_empty=True),
    UriForm("profile", "FILE.yaml", _connect_profile),
    UriForm("replay", "FILE", _connect_transcript),
)
"""Every kind of card URI."""
