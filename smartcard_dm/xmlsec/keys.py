"""Trusted keys, to verify with: each knows its family before any message is looked at.

Guarantees: a `TrustedKey` is built from what an account or an anchor holds, never from a message; no key or secret
is printed; the comparison and the mathematics are the cryptography library's. Leaves to its caller: why it is trusted.

Spec: XML Signature 1.1, 6.3 and 6.4; RFC 9231, 2.2 and 2.3.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self, assert_never

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key

from smartcard_dm.errors import KeyMaterialError
from smartcard_dm.secret import Secret
from smartcard_dm.xmlsec.algorithms import KeyFamily, Scheme, SignatureAlgorithm

if TYPE_CHECKING:
    from datetime import datetime

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

CURVES: Final = ("secp256r1", "secp384r1", "secp521r1")
"""P-256, P-384 and P-521 as the cryptography library names them."""


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A key that may have signed, with the reason it is trusted.

    Build it with `from_secret`, `from_certificate` or `from_public_key`.
    """

    key: Secret | PublicKey
    """Shared secret, or public key."""
    family: KeyFamily
    """Fixes the algorithms that can be meant."""
    names: tuple[str, ...]
    """What a KeyName may call it."""
    origin: str
    """Where it was found, in words for a verdict; never the key itself."""
    validity: tuple[datetime, datetime] | None = None
    """First and last moment (UTC) of the certificate it came in; None for bare keys and secrets."""

    @classmethod
    def from_secret(cls, secret: Secret, *, names: tuple[str, ...], origin: str) -> Self:
        """Return an HMAC key.

        Raises:
            KeyMaterialError: the secret is empty.
        """
        if not len(secret):
            raise KeyMaterialError(f"{origin}: the shared secret is empty, so anybody could sign with it")
        return cls(secret, KeyFamily.HMAC, names, origin)

    @classmethod
    def from_certificate(cls, der: bytes, *, names: tuple[str, ...], origin: str) -> Self:
        """Return the public key of an X.509 certificate (DER).

        Raises:
            KeyMaterialError: it is no certificate, or its key has no algorithm in the profile.
        """
        try:
            certificate = x509.load_der_x509_certificate(der)
            public_key = certificate.public_key()
            validity = (certificate.not_valid_before_utc, certificate.not_valid_after_utc)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise KeyMaterialError(f"{origin}: not an X.509 certificate with a usable key") from error
        return cls(*_classify(public_key, origin), names, origin, validity)

    @classmethod
    def from_public_key(cls, der: bytes, *, names: tuple[str, ...], origin: str) -> Self:
        """Return a public key given as SubjectPublicKeyInfo (DER).

        Raises:
            KeyMaterialError: it is no such key, or has no algorithm in the profile.
        """
        try:
            public_key = load_der_public_key(der)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise KeyMaterialError(f"{origin}: not a SubjectPublicKeyInfo with a usable key") from error
        return cls(*_classify(public_key, origin), names, origin)

    def valid_at(self, at: datetime) -> bool:
        """Tell whether `at` (with a time zone) lies in the validity of the certificate, if there is one."""
        return self.validity is None or self.validity[0] <= at <= self.validity[1]

    @property
    def bits(self) -> int:
        """Size of the key in bits."""
        if isinstance(self.key, Secret):
            return 8 * len(self.key)
        if isinstance(self.key, ed25519.Ed25519PublicKey):
            return 256
        return self.key.key_size

    def verifies(self, algorithm: SignatureAlgorithm, value: bytes, octets: bytes) -> bool:
        """Tell whether `value` is this key's signature of `octets`.

        The caller has compared the families first; a family that does not fit is its mistake.

        Raises:
            ValueError: `algorithm` is of another family.
        """
        if algorithm.family is not self.family:
            raise ValueError(f"{algorithm.identifier} asked of a key of family {self.family.value}")
        if isinstance(self.key, Secret):
            expected = hmac.digest(self.key.reveal(), octets, algorithm.hash_algorithm.identifier)
            return hmac.compare_digest(expected, value)
        try:
            _verify_public(self.key, algorithm, value, octets)
        except InvalidSignature:
            return False
        return True


def _classify(public_key: object, origin: str) -> tuple[PublicKey, KeyFamily]:
    if isinstance(public_key, rsa.RSAPublicKey):
        return public_key, KeyFamily.RSA
    if isinstance(public_key, ed25519.Ed25519PublicKey):
        return public_key, KeyFamily.ED25519
    if isinstance(public_key, ec.EllipticCurvePublicKey):
        if public_key.curve.name not in CURVES:
            raise KeyMaterialError(f"{origin}: curve {public_key.curve.name} is not one of {', '.join(CURVES)}")
        return public_key, KeyFamily.EC
    raise KeyMaterialError(f"{origin}: key type {type(public_key).__name__} has no algorithm in the profile")


def _verify_public(key: PublicKey, algorithm: SignatureAlgorithm, value: bytes, octets: bytes) -> None:
    make_hash = algorithm.hash_algorithm.make_hash
    match key:
        case rsa.RSAPublicKey():
            if algorithm.scheme is Scheme.RSA_PSS:
                pss = padding.PSS(padding.MGF1(make_hash()), padding.PSS.DIGEST_LENGTH)
                key.verify(value, octets, pss, make_hash())
            else:
                key.verify(value, octets, padding.PKCS1v15(), make_hash())
        case ec.EllipticCurvePublicKey():
            width = (key.key_size + 7) // 8
            if len(value) != 2 * width:
                raise InvalidSignature
            r, s = int.from_bytes(value[:width], "big"), int.from_bytes(value[width:], "big")
            key.verify(encode_dss_signature(r, s), octets, ec.ECDSA(make_hash()))
        case ed25519.Ed25519PublicKey():
            key.verify(value, octets)
        case _:
            assert_never(key)
