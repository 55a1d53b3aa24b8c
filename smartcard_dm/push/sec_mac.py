"""SEC and MAC: how a pushed document proves that its sender knows the subscriber's identity, or a PIN of the user.

The MAC is HMAC-SHA1 over the octets of the document, before it is cut into short messages, as 40 hexadecimal digits in
upper case. The keys:

    NETWPIN      the semi-octets of the IMSI, as in EF.IMSI without its length
    USERPIN      the PIN in ASCII
    USERNETWPIN  a CP document: the semi-octets, then the PIN; a DM message: the PIN, a colon, the semi-octets
    USERPINMAC   the PIN; no MAC travels: the user enters the PIN and as many check digits, which are the octets of
                 the HMAC modulo 10

Guarantees: keys leave their `Secret` only into the HMAC. Leaves to its caller: where keys come from, comparing in
constant time, and counting tries, for which there is `MacChecker`.

Spec: OMA-TS-DM_Security 5.1.7.2.1 (NETWORKID, USERPIN, USERPIN_NETWORKID); OMA-WAP-TS-ProvCont 4.3 and
OMA-WAP-TS-ProvBoot 5.2 (the four methods); 3GPP TS 51.011, 10.3.2 (semi-octets). Where they are silent: decision 0025.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Self

from smartcard_dm.errors import KeyMaterialError
from smartcard_dm.iso7816 import encode_imsi
from smartcard_dm.push.arrival import CP_WBXML
from smartcard_dm.secret import Secret

MAC_DIGITS: Final = 40
"""Hexadecimal digits of a MAC."""
SHORTEST_ENTRY: Final = 5
"""Digits of the PIN in a USERPINMAC entry, and check digits after it, at least: one chance in 100,000 for a guess."""
LONGEST_ENTRY: Final = 20
"""As many check digits there are at most: an HMAC-SHA1 has as many octets."""

_SHA1 = "sha1"


class SecMethod(IntEnum):
    """How a document is proved; spec: OMA-WAP-TS-ProvCont 4.3."""

    NETWPIN = 0
    """By the network's key, in practice the IMSI."""
    USERPIN = 1
    """By a PIN that the user was told."""
    USERNETWPIN = 2
    """By both."""
    USERPINMAC = 3
    """By a PIN and check digits that the user was told, for one document."""

    @property
    def dm_name(self) -> str | None:
        """What a DM bootstrap calls it as text; None where it has none there."""
        return _DM_NAMES.get(self)

    @property
    def needs_network_key(self) -> bool:
        """Whether the network's key is a part of its key."""
        return self in {SecMethod.NETWPIN, SecMethod.USERNETWPIN}

    @property
    def needs_user(self) -> bool:
        """Whether something that a user knows is a part of its key, so that tries are counted."""
        return self is not SecMethod.NETWPIN

    @classmethod
    def find(cls, value: int | str) -> SecMethod | None:
        """Return the method of a number or of a name, in any case; None where there is no such method."""
        if isinstance(value, str):
            return _NAMES.get(value.upper())
        return next((method for method in cls if method == value), None)


_DM_NAMES: Final = {
    SecMethod.NETWPIN: "NETWORKID",
    SecMethod.USERPIN: "USERPIN",
    SecMethod.USERNETWPIN: "USERPIN_NETWORKID",
}
_NAMES: Final = {method.name: method for method in SecMethod} | {name: method for method, name in _DM_NAMES.items()}


@dataclass(frozen=True, slots=True)
class MacKeys:
    """What a receiver, or a sender, knows of a subscriber.

    Raises:
        ValueError: a PIN that is no digits, or an entry that is not twice 5 to 20 of them.
    """

    network_key: Secret | None = None
    """The network's key in octets; from an IMSI with `from_imsi`."""
    user_pin: Secret | None = None
    """ASCII digits."""
    user_entry: Secret | None = None
    """What the user of a device enters for USERPINMAC: a PIN, then as many check digits."""
    network_key_name: str = "the network's key"
    """What the network's key is, for people."""

    def __post_init__(self) -> None:
        for secret, name in ((self.user_pin, "the user's PIN"), (self.user_entry, "the user's entry")):
            if secret is not None and not secret.reveal().isdigit():
                raise ValueError(f"{name} is not made of digits")
        if self.network_key is not None and not len(self.network_key):
            raise ValueError("the network's key is empty")
        entry = self.user_entry
        if entry is not None and (len(entry) % 2 or not SHORTEST_ENTRY <= len(entry) // 2 <= LONGEST_ENTRY):
            wanted = f"{SHORTEST_ENTRY} to {LONGEST_ENTRY}"
            raise ValueError(
                f"an entry is {wanted} digits of a PIN and as many check digits, found {len(entry)} in all"
            )

    @classmethod
    def from_imsi(
        cls,
        imsi: Secret,
        *,
        user_pin: Secret | None = None,
        user_entry: Secret | None = None,
        name: str = "the card's IMSI",
    ) -> Self:
        """Return keys with the network's key of an IMSI; raises as `network_key`, and `ValueError` as the class."""
        return cls(network_key(imsi), user_pin, user_entry, name)

    @property
    def methods(self) -> frozenset[SecMethod]:
        """The methods that a receiver can check with them."""
        found = {SecMethod.NETWPIN} if self.network_key else set()
        found |= {SecMethod.USERPIN} if self.user_pin else set()
        found |= {SecMethod.USERNETWPIN} if self.network_key and self.user_pin else set()
        return frozenset(found | ({SecMethod.USERPINMAC} if self.user_entry else set()))


def network_key(imsi: Secret) -> Secret:
    """Return the octets that stand for an IMSI as a key: its digits two to an octet, low one first, behind a 9 or 1.

    An odd number of digits begins with 9, an even one with 1 and ends with F, as EF.IMSI holds it.

    Raises:
        KeyMaterialError: not 1 to 15 decimal digits.
    """
    try:
        coded = encode_imsi(imsi.reveal().decode("ascii"))
    except ValueError:
        raise KeyMaterialError("an IMSI is 1 to 15 decimal digits, found something else") from None
    return Secret(coded[1 : 1 + coded[0]])


def compute_mac(method: SecMethod, keys: MacKeys, document: bytes, *, content_type: str) -> str:
    """Return the MAC of a document: 40 hexadecimal digits in upper case.

    Args:
        method: NETWPIN, USERPIN or USERNETWPIN.
        keys: what its key is made of.
        document: the whole document.
        content_type: media type of the document, which says how two keys are joined.

    Raises:
        ValueError: USERPINMAC, which sends no MAC: see `check_digits`.
        KeyMaterialError: a part of its key is not there.
    """
    return hmac.new(_key(method, keys, content_type), document, _SHA1).hexdigest().upper()


def check_digits(user_pin: Secret, document: bytes) -> Secret:
    """Return what a user is told beside the PIN for USERPINMAC: as many digits as the PIN has.

    Raises:
        KeyMaterialError: the PIN is not 5 to 20 decimal digits.
    """
    pin = user_pin.reveal()
    if not pin.isdigit() or not SHORTEST_ENTRY <= len(pin) <= LONGEST_ENTRY:
        raise KeyMaterialError(f"a PIN for check digits has {SHORTEST_ENTRY} to {LONGEST_ENTRY} decimal digits")
    octets = hmac.digest(pin, document, _SHA1)[: len(pin)]
    return Secret("".join(str(octet % 10) for octet in octets).encode("ascii"))


def is_right_entry(entry: Secret, document: bytes) -> bool:
    """Tell in constant time whether a user's entry, PIN and check digits, is that of a document; raises nothing.

    `MacKeys` holds entries of the right form only.
    """
    half = len(entry) // 2
    pin, digits = Secret(entry.reveal()[:half]), Secret(entry.reveal()[half:])
    return check_digits(pin, document) == digits


def _key(method: SecMethod, keys: MacKeys, content_type: str) -> bytes:
    if method is SecMethod.USERPINMAC:
        raise ValueError("USERPINMAC sends no MAC")
    network = _there(keys.network_key, method, "the network's key") if method.needs_network_key else b""
    pin = _there(keys.user_pin, method, "the user's PIN") if method.needs_user else b""
    if method is not SecMethod.USERNETWPIN:
        return network + pin
    return network + pin if content_type == CP_WBXML else pin + b":" + network


def _there(secret: Secret | None, method: SecMethod, name: str) -> bytes:
    if secret is None:
        raise KeyMaterialError(f"{method.name} needs {name}, and none was given")
    return secret.reveal()
