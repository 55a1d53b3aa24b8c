"""Signing keys: a protocol of one method, and the two kinds that live in memory.

Guarantees: a key signs only with an algorithm of its family; nothing of it is printed. Leaves to its caller:
reading the file or the environment. A key that never leaves a token implements the same protocol elsewhere.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol, Self, assert_never

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from smartcard_dm.errors import KeyMaterialError
from smartcard_dm.xmlsec.algorithms import DigestAlgorithm, KeyFamily, Scheme, SignatureAlgorithm
from smartcard_dm.xmlsec.keys import CURVES
from smartcard_dm.xmlsec.policy import MINIMUM_RSA_BITS

if TYPE_CHECKING:
    from smartcard_dm.secret import Secret

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

DEFAULT_BY_CURVE: Final = {
    "secp256r1": SignatureAlgorithm.ECDSA_SHA256,
    "secp384r1": SignatureAlgorithm.ECDSA_SHA384,
    "secp521r1": SignatureAlgorithm.ECDSA_SHA512,
}


class SigningKey(Protocol):
    """What can sign a message."""

    @property
    def family(self) -> KeyFamily:
        """Fixes the algorithms it can be asked for."""

    @property
    def default_algorithm(self) -> SignatureAlgorithm:
        """The algorithm to use when none is asked for."""

    def sign(self, algorithm: SignatureAlgorithm, octets: bytes) -> bytes:
        """Return the signature value as XML Signature wants it (ECDSA: r and s, each of the curve's width)."""


@dataclass(frozen=True, slots=True)
class SecretSigningKey:
    """An HMAC key.

    Raises:
        KeyMaterialError: the secret is empty.
    """

    secret: Secret

    def __post_init__(self) -> None:
        if not len(self.secret):
            raise KeyMaterialError("the shared secret is empty: give one of 16 octets or more")

    @property
    def family(self) -> KeyFamily:
        """HMAC."""
        return KeyFamily.HMAC

    @property
    def default_algorithm(self) -> SignatureAlgorithm:
        """HMAC-SHA-256."""
        return SignatureAlgorithm.HMAC_SHA256

    def sign(self, algorithm: SignatureAlgorithm, octets: bytes) -> bytes:
        """Return the HMAC of `octets`, full length."""
        check_family(self.family, algorithm)
        return hmac.digest(self.secret.reveal(), octets, algorithm.hash_algorithm.identifier)


@dataclass(frozen=True, slots=True)
class PrivateSigningKey:
    """An RSA, EC or Ed25519 private key in memory."""

    key: PrivateKey = field(repr=False)

    @classmethod
    def from_pem(cls, pem: bytes, password: Secret | None = None) -> Self:
        """Return the key of a PEM document (PKCS#8 or traditional).

        Raises:
            KeyMaterialError: not a private key, wrong or missing password, a type or size outside the profile.
        """
        try:
            key = load_pem_private_key(pem, None if password is None else password.reveal())
        except TypeError as error:
            wanted = "no password" if password is not None else "a password"
            raise KeyMaterialError(f"the private key needs {wanted}") from error
        except (ValueError, UnsupportedAlgorithm) as error:
            raise KeyMaterialError("not a PEM private key, or the password is wrong") from error
        return cls.from_key(key)

    @classmethod
    def from_key(cls, key: object) -> Self:
        """Return the signing key of a cryptography library's private key object.

        Raises:
            KeyMaterialError: a type or size outside the profile.
        """
        if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name not in CURVES:
            raise KeyMaterialError(f"curve {key.curve.name} is not one of {', '.join(CURVES)}")
        if isinstance(key, rsa.RSAPrivateKey) and key.key_size < MINIMUM_RSA_BITS:
            raise KeyMaterialError(
                f"RSA key of {key.key_size} bits: no client would accept it, use {MINIMUM_RSA_BITS} or more"
            )
        if not isinstance(key, PrivateKey):
            raise KeyMaterialError(f"key type {type(key).__name__} has no algorithm in the profile")
        return cls(key)

    @property
    def family(self) -> KeyFamily:
        """RSA, EC or Ed25519."""
        match self.key:
            case rsa.RSAPrivateKey():
                return KeyFamily.RSA
            case ec.EllipticCurvePrivateKey():
                return KeyFamily.EC
            case ed25519.Ed25519PrivateKey():
                return KeyFamily.ED25519
            case _:
                assert_never(self.key)

    @property
    def default_algorithm(self) -> SignatureAlgorithm:
        """RSA-SHA-256; ECDSA with the hash of the curve's strength; Ed25519."""
        match self.key:
            case rsa.RSAPrivateKey():
                return SignatureAlgorithm.RSA_SHA256
            case ec.EllipticCurvePrivateKey():
                return DEFAULT_BY_CURVE[self.key.curve.name]
            case ed25519.Ed25519PrivateKey():
                return SignatureAlgorithm.EDDSA_ED25519
            case _:
                assert_never(self.key)

    def sign(self, algorithm: SignatureAlgorithm, octets: bytes) -> bytes:
        """Return the signature value of `octets`."""
        check_family(self.family, algorithm)
        make_hash = algorithm.hash_algorithm.make_hash
        match self.key:
            case rsa.RSAPrivateKey():
                if algorithm.scheme is Scheme.RSA_PSS:
                    pss = padding.PSS(padding.MGF1(make_hash()), padding.PSS.DIGEST_LENGTH)
                    return self.key.sign(octets, pss, make_hash())
                return self.key.sign(octets, padding.PKCS1v15(), make_hash())
            case ec.EllipticCurvePrivateKey():
                r, s = decode_dss_signature(self.key.sign(octets, ec.ECDSA(make_hash())))
                width = (self.key.key_size + 7) // 8
                return r.to_bytes(width, "big") + s.to_bytes(width, "big")
            case ed25519.Ed25519PrivateKey():
                return self.key.sign(octets)
            case _:
                assert_never(self.key)


def check_family(family: KeyFamily, algorithm: SignatureAlgorithm) -> None:
    """Refuse an algorithm of another family before anything is computed.

    Raises:
        KeyMaterialError: the families differ.
    """
    if algorithm.family is not family:
        raise KeyMaterialError(
            f"algorithm {algorithm.identifier} needs a key of family {algorithm.family.value}, "
            f"this one is {family.value}"
        )


def key_fingerprint(key: SigningKey) -> str | None:
    """Return what tells a key from others without giving it away; None for a key that is not in memory.

    A private key is told by its public key. A secret is told by an HMAC, as any message signed with it tells it.
    """
    match key:
        case PrivateSigningKey():
            public = key.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            return DigestAlgorithm.SHA256.digest(public).hex()
        case SecretSigningKey():
            return key.sign(SignatureAlgorithm.HMAC_SHA256, b"smartcard-dm: which key is this").hex()
        case _:
            return None
