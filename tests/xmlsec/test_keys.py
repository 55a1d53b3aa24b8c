"""Keys: what can be trusted, what can sign, and what is never printed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import x25519

from smartcard_dm.errors import KeyMaterialError
from smartcard_dm.secret import Secret
from smartcard_dm.xmlsec import AlgorithmPolicy, KeyFamily, PrivateSigningKey, SecretSigningKey, SignatureAlgorithm
from smartcard_dm.xmlsec.keys import TrustedKey
from tests import materials
from tests.materials import NOW, SHARED_SECRET, trusted

if TYPE_CHECKING:
    from smartcard_dm.xmlsec.signing_keys import PrivateKey


@pytest.mark.parametrize(
    ("key", "family", "bits"),
    [
        (materials.rsa_private(), KeyFamily.RSA, 2048),
        (materials.ec_private("secp384r1"), KeyFamily.EC, 384),
        (materials.ed25519_private(), KeyFamily.ED25519, 256),
        (SHARED_SECRET, KeyFamily.HMAC, 8 * len(SHARED_SECRET)),
    ],
    ids=["rsa", "ec", "ed25519", "hmac"],
)
def test_family_and_size(key: PrivateKey | Secret, family: KeyFamily, bits: int) -> None:
    found = trusted(key)
    assert (found.family, found.bits) == (family, bits)
    assert materials.signing(key).family is family


def test_default_algorithms() -> None:
    assert PrivateSigningKey.from_key(materials.rsa_private()).default_algorithm is SignatureAlgorithm.RSA_SHA256
    assert PrivateSigningKey.from_key(materials.ec_private("secp521r1")).default_algorithm is (
        SignatureAlgorithm.ECDSA_SHA512
    )
    assert PrivateSigningKey.from_key(materials.ed25519_private()).default_algorithm is (
        SignatureAlgorithm.EDDSA_ED25519
    )


def test_a_certificate_is_valid_between_its_moments() -> None:
    key = TrustedKey.from_certificate(materials.certificate_der(materials.ec_private()), names=(), origin="c")
    assert key.valid_at(NOW)
    assert not key.valid_at(NOW + timedelta(days=2))
    assert not key.valid_at(NOW - timedelta(days=2))
    assert trusted(SHARED_SECRET).valid_at(NOW + timedelta(days=9999))


def test_what_is_no_key_is_refused() -> None:
    x25519_der = x25519.X25519PrivateKey.generate().public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )  # fmt: skip
    with pytest.raises(KeyMaterialError, match="X25519PublicKey has no algorithm"):
        TrustedKey.from_public_key(x25519_der, names=(), origin="o")
    with pytest.raises(KeyMaterialError, match="curve secp256k1"):
        TrustedKey.from_public_key(materials.public_der(materials.ec_private("secp256k1")), names=(), origin="o")
    with pytest.raises(KeyMaterialError, match="not a SubjectPublicKeyInfo"):
        TrustedKey.from_public_key(b"\x30\x00", names=(), origin="o")
    with pytest.raises(KeyMaterialError, match=r"not an X\.509 certificate"):
        TrustedKey.from_certificate(b"\x30\x00", names=(), origin="o")
    with pytest.raises(KeyMaterialError, match="empty"):
        TrustedKey.from_secret(Secret(b""), names=(), origin="o")


def test_private_keys_from_pem() -> None:
    pem = materials.private_pem(materials.ec_private())
    assert PrivateSigningKey.from_pem(pem).family is KeyFamily.EC
    protected = materials.private_pem(materials.ec_private(), b"a password")
    assert PrivateSigningKey.from_pem(protected, Secret(b"a password")).family is KeyFamily.EC
    with pytest.raises(KeyMaterialError, match="needs a password"):
        PrivateSigningKey.from_pem(protected)
    with pytest.raises(KeyMaterialError, match="needs no password"):
        PrivateSigningKey.from_pem(pem, Secret(b"a password"))
    with pytest.raises(KeyMaterialError, match="the password is wrong"):
        PrivateSigningKey.from_pem(protected, Secret(b"another"))
    with pytest.raises(KeyMaterialError, match="not a PEM private key"):
        PrivateSigningKey.from_pem(b"nonsense")
    with pytest.raises(KeyMaterialError, match="curve secp256k1"):
        PrivateSigningKey.from_key(materials.ec_private("secp256k1"))
    with pytest.raises(KeyMaterialError, match="no algorithm"):
        PrivateSigningKey.from_key(x25519.X25519PrivateKey.generate())
    with pytest.raises(KeyMaterialError, match="empty"):
        SecretSigningKey(Secret(b""))


def test_a_family_that_does_not_fit_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="family hmac"):
        trusted(SHARED_SECRET).verifies(SignatureAlgorithm.RSA_SHA256, b"", b"")


def test_no_key_is_printed() -> None:
    secret = Secret(b"never to be seen")
    shown = repr(trusted(secret)) + repr(SecretSigningKey(secret))
    shown += repr(PrivateSigningKey.from_key(materials.ed25519_private()))
    assert "never to be seen" not in shown
    assert "Ed25519PrivateKey" not in shown


def test_an_empty_policy_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        AlgorithmPolicy("none", frozenset(), frozenset())
