"""Private keys in files: PEM and PKCS#12, told apart by what they hold.

Guarantees: a container with one private key gives that key, any other number is refused; a certificate beside the key
must be of that key and valid at the given moment. Leaves to its caller: reading the file, and the clock.

Spec: RFC 7292 (PKCS #12).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import pkcs12

from smartcard_dm.errors import KeyMaterialError
from smartcard_dm.xmlsec import PrivateSigningKey

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography.x509 import Certificate

    from smartcard_dm.secret import Secret

_SEQUENCE: Final = b"\x30"
"""First octet of a PKCS#12 file; a PEM file begins with text."""

_KEY_BAGS: Final = (
    bytes.fromhex("060b2a864886f70d010c0a0101"),  # keyBag
    bytes.fromhex("060b2a864886f70d010c0a0102"),  # pkcs8ShroudedKeyBag
)
_MOMENT: Final = "%Y-%m-%dT%H:%M:%SZ"


def is_pkcs12(octets: bytes) -> bool:
    """Tell whether a file is meant as PKCS#12: binary, where PEM is text."""
    return octets.startswith(_SEQUENCE)


def key_from_pkcs12(octets: bytes, password: Secret | None, at: datetime) -> tuple[PrivateSigningKey, str | None]:
    """Return the private key of a PKCS#12 file, and its friendly name.

    A certificate that is not valid at `at` is refused, for a device that holds it takes nothing signed with its key
    (decision 0005); a key whose trust does not rest on that certificate is given alone, as PEM.

    Raises:
        KeyMaterialError: not PKCS#12, wrong password, no key or several, a certificate of another key or out of its
            validity, a key outside the profile.
    """
    # The library takes the first key it finds. Bags stand in the clear in what common tools write.
    keys = sum(octets.count(bag) for bag in _KEY_BAGS)
    if keys > 1:
        raise KeyMaterialError(f"{keys} private keys in one PKCS#12 file: give a file with the one to sign with")
    try:
        held = pkcs12.load_pkcs12(octets, None if password is None else password.reveal())
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        wanted = "the password is wrong" if password is not None else "it needs a password"
        raise KeyMaterialError(f"not a PKCS#12 file with ciphers that can be read, or {wanted}") from error
    if held.key is None:
        raise KeyMaterialError("the PKCS#12 file holds no private key")
    if held.cert is None and held.additional_certs:
        raise KeyMaterialError("no certificate in the PKCS#12 file is of its private key")
    if held.cert is not None:
        _check_validity(held.cert.certificate, at)
    name = held.cert.friendly_name if held.cert is not None else None
    return PrivateSigningKey.from_key(held.key), None if name is None else name.decode("utf-8", "replace")


def _check_validity(certificate: Certificate, at: datetime) -> None:
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not first <= at <= last:
        how = "has expired" if at > last else "is not valid yet"
        raise KeyMaterialError(
            f"the certificate beside the key {how} (valid {first.strftime(_MOMENT)} to {last.strftime(_MOMENT)}): "
            "a device that holds it refuses what the key signs; renew it, or give the key alone as PEM"
        )
