"""Card URIs: one text that says which card, whatever it is attached to.

Guarantees: what comes back is an open session; foreign errors of a bridge or a profile stop here.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from smartcard_dm.card.session import CardSession
from smartcard_dm.errors import DecodeError
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.personalise import GENERATORS
from vendor_pcsc.errors import ProfileError
from vendor_pcsc.virtual import VirtualCard, VirtualConnection, load_profile

if TYPE_CHECKING:
    from smartcard_dm.limits import Limits
    from smartcard_dm.secret import Secret

PROFILE: Final = "profile:"


class CardUriError(ValueError):
    """A card URI that names no card; its text says which forms there are."""


def open_card(
    uri: str, *, pin: Secret | None = None, use_last_try: bool = False, limits: Limits = DEFAULT_LIMITS
) -> CardSession:
    """Return a session with the card a URI names; use it as a context manager.

    Args:
        uri: `profile:FILE.yaml`, a virtual card that runs in this process.
        pin: opens private files; None presents nothing.
        use_last_try: consent to use the last try of a PIN.
        limits: bounds of files and directories.

    Raises:
        CardUriError: the URI has no form that is known.
        DecodeError: the profile is wrong.
        ValueError: the PIN is not four to eight digits.
    """
    if not uri.startswith(PROFILE) or uri == PROFILE:
        raise CardUriError(f"card URI {uri!r}: wanted profile:FILE.yaml")
    try:
        profile = load_profile(Path(uri.removeprefix(PROFILE)), generators=GENERATORS)
    except ProfileError as error:
        raise DecodeError("card profile", error.detail, place=error.place) from error
    connection = VirtualConnection(VirtualCard(profile))
    return CardSession(connection, pin=pin, use_last_try=use_last_try, limits=limits)
