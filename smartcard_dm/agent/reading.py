"""One reading of the card: who it is, what it holds, and that it is the same card at the end.

Guarantees: what is returned came from one card: the identity is read at the beginning and, over a new connection, at
the end; the card is open only meanwhile; without a PIN none is sent, and with one only to the card it is for.
Leaves to its caller: which PIN, and what an error means for those who wait.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from smartcard_dm.credentials import read_provisioning
from smartcard_dm.errors import CardError, PinError, PinRequiredError

if TYPE_CHECKING:
    from smartcard_dm.agent.sources import CardSource
    from smartcard_dm.identity import CardIdentity
    from smartcard_dm.limits import Limits
    from smartcard_dm.secret import Secret
    from smartcard_dm.trust.credentials import Credentials


@dataclass(frozen=True, slots=True)
class Key:
    """A PIN and the card it is for."""

    pin: Secret
    card: CardIdentity
    use_last_try: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """What a card holds."""

    identity: CardIdentity
    credentials: Credentials
    apdus: int
    """Commands it took."""


@dataclass(frozen=True, slots=True)
class Replaced:
    """While a card was read it was replaced by another one: what was read belongs to neither."""


@dataclass(frozen=True, slots=True)
class Locked:
    """A card could not be read without its PIN, or with the one given."""

    reason: str
    """Which PIN, and what it is needed for or why it is not good."""
    identity: CardIdentity | None
    """Whose PIN it is; None when the card does not even say who it is without it."""
    tries_left: int | None
    """The card's counter; None when it does not tell."""
    refused: bool
    """Whether a PIN was sent and refused."""


def read_card(source: CardSource, place: str, limits: Limits, key: Key | None = None) -> Reading | Replaced | Locked:
    """Read the card in a place of the source; without provisioning data it holds no accounts.

    Raises:
        SmartcardDmError: as `smartcard_dm.credentials.read_provisioning`, but for a PIN that is needed or wrong.
    """
    pin = None if key is None else key.pin
    use_last_try = key is not None and key.use_last_try
    with source.open(place, pin=pin, use_last_try=use_last_try) as card:
        identity: CardIdentity | None = None
        try:
            # Nothing is sent before it: the number of a card is readable by anybody.
            identity = card.identity
            if key is not None and identity != key.card:
                return Replaced()
            credentials = read_provisioning(card, limits=limits)
        except PinRequiredError as error:
            return Locked(_without_advice(str(error)), identity, _tries_left(error), refused=False)
        except PinError as error:
            return Locked(str(error), identity, error.attempts_remaining, refused=True)
        apdus = card.apdu_count
    with source.open(place) as card:
        if card.identity != identity:
            return Replaced()
        return Reading(identity, credentials, apdus + card.apdu_count)


def _without_advice(text: str) -> str:
    """Return what is behind which PIN: how a command line is given it helps nobody who is being asked for it."""
    return text.partition(": give the PIN")[0]


def _tries_left(error: PinRequiredError) -> int | None:
    try:
        return None if error.tries_left is None else error.tries_left()
    except CardError:
        return None
