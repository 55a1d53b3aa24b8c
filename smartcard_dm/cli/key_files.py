"""Private keys in files: PEM and PKCS#12, told apart by what they hold.

Guarantees: a container with one private key gives that key, any other number is refused; a certificate beside a key to
sign with must be of that key and valid at the given moment. Leaves to its caller: the clock.

Spec: RFC 7292 (PKCS #12).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import pkcs12

from smartcard_dm.cli.options import secret_from_environment
from smartcard_dm.cli.secret_sources import secret_from_file
from smartcard_dm.errors import KeyMaterialError
from smartcard_dm.xmlsec import PrivateSigningKey

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12KeyAndCertificates
    from cryptography.x509 import Certificate

    from smartcard_dm.cli.inputs import InputFile
    from smartcard_dm.secret import Secret

KEY_FILE_OCTETS: Final = 64 * 1024
"""Octets of a private key's file. An RSA key of 16,384 bits needs 13,000."""

_SEQUENCE: Final = b"\x30"
"""First octet of a PKCS#12 file; a PEM file begins with text."""

_KEY_BAGS: Final = (
    bytes.fromhex("060b2a864886f70d010c0a0101"),  # keyBag
    bytes.fromhex("060b2a864886f70d010c0a0102"),  # pkcs8ShroudedKeyBag
)
_MOMENT: Final = "%Y-%m-%dT%H:%M:%SZ"


def read_key_file(file: InputFile) -> bytes:
    """Return what the file of a key holds.

    Raises:
        click.UsageError: it cannot be read.
        KeyMaterialError: it is too large.
    """
    octets = file.read(KEY_FILE_OCTETS)
    if len(octets) > KEY_FILE_OCTETS:
        raise KeyMaterialError(f"larger than {KEY_FILE_OCTETS} octets: not a private key")
    return octets


def password_of_key(variable: str | None, file: str | None, option: str) -> Secret | None:
    """Return the password of a key's file, from whichever of the two was named.

    Args:
        variable: environment variable.
        file: name of a file.
        option: both options without their `-env` and `-file`.

    Raises:
        click.UsageError: there is none.
    """
    return secret_from_environment(variable, f"{option}-env") or secret_from_file(file, f"{option}-file")


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
    held = pkcs12_content(octets, password)
    if held.cert is None and held.additional_certs:
        raise KeyMaterialError("no certificate in the PKCS#12 file is of its private key")
    if held.cert is not None:
        _check_validity(held.cert.certificate, at)
    name = held.cert.friendly_name if held.cert is not None else None
    assert held.key is not None  # noqa: S101 - checked for when it was read
    return PrivateSigningKey.from_key(held.key), None if name is None else name.decode("utf-8", "replace")


def pkcs12_content(octets: bytes, password: Secret | None) -> PKCS12KeyAndCertificates:
    """Return what a PKCS#12 file holds, which is exactly one private key and certificates.

    Raises:
        KeyMaterialError: not PKCS#12, wrong password, no key or several.
    """
    # The library takes the first key it finds. Bags stand in the clear in what common tools write.
    keys = sum(octets.count(bag) for bag in _KEY_BAGS)
    if keys > 1:
        raise KeyMaterialError(f"{keys} private keys in one PKCS#12 file: give a file with one of them")
    try:
        held = pkcs12.load_pkcs12(octets, None if password is None else password.reveal())
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        wanted = "the password is wrong" if password is not None else "it needs a password"
        raise KeyMaterialError(f"not a PKCS#12 file with ciphers that can be read, or {wanted}") from error
    if held.key is None:
        raise KeyMaterialError("the PKCS#12 file holds no private key")
    return held


def _check_validity(certificate: Certificate, at: datetime) -> None:
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not first <= at <= last:
        how = "has expired" if at > last else "is not valid yet"
        raise KeyMaterialError(
            f"the certificate beside the key {how} (valid {first.strftime(_MOMENT)} to {last.strftime(_MOMENT)}): "
            "a device that holds it refuses what the key signs; renew it, or give the key alone as PEM"
        )
