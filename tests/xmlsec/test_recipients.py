"""Who something is encrypted to: certificates and secrets that can be used, and one clear error for each other."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from smartcard_dm.errors import KeyMaterialError
from smartcard_dm.secret import Secret
from smartcard_dm.xmlsec import EncryptionPolicy
from smartcard_dm.xmlsec.algorithms import DigestAlgorithm
from smartcard_dm.xmlsec.encrypt import CertificateRecipient, SecretRecipient, encrypt_part
from smartcard_dm.xmlsec.encryption_algorithms import BlockCipher, EncryptedType, KeyTransport
from tests import materials
from tests.materials import NOW, SHARED_SECRET

KEY = materials.rsa_private(number=1)
DER = materials.certificate_der(KEY)
PEM = x509.load_der_x509_certificate(DER).public_bytes(serialization.Encoding.PEM)
SMALL = materials.certificate_der(materials.rsa_private(1024))
DAY = timedelta(days=1)


def for_signatures_only() -> bytes:
    usage = dict.fromkeys(
        (
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    loaded = x509.load_der_x509_certificate(DER)
    return (
        x509.CertificateBuilder(loaded.issuer, loaded.subject, KEY.public_key(), 1, NOW - DAY, NOW + DAY)
        .add_extension(x509.KeyUsage(digital_signature=True, **usage), critical=True)
        .sign(KEY, hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )


@pytest.mark.parametrize("certificate", [DER, PEM, b"\n" + PEM], ids=["DER", "PEM", "PEM after a line"])
def test_a_certificate_names_its_key(certificate: bytes) -> None:
    assert (
        CertificateRecipient.from_certificate(certificate, at=NOW).key.public_numbers()
        == KEY.public_key().public_numbers()
    )


@pytest.mark.parametrize(
    ("certificate", "at", "fault"),
    [
        (DER, NOW + 2 * DAY, "is expired at 2026-07-03T12:00:00Z: it is valid from 2026-06-30T12:00:00Z to 2026-07-02"),
        (DER, NOW - 2 * DAY, "is not valid yet at 2026-06-29T12:00:00Z"),
        (SMALL, NOW, "wanted 2048 bits or more, found 1024"),
        (materials.certificate_der(materials.ec_private()), NOW, "wanted an RSA key, found ECPublicKey"),
        (for_signatures_only(), NOW, "its key usage does not allow to encrypt keys to it"),
        (b"", NOW, "not an X.509 certificate"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", NOW, "not an X.509 certificate"),
        (materials.public_pem(KEY), NOW, "not an X.509 certificate"),
        (DER + b"\0", NOW, "not an X.509 certificate"),
    ],
)
def test_a_certificate_that_cannot_be_used(certificate: bytes, at: object, fault: str) -> None:
    with pytest.raises(KeyMaterialError, match=fault):
        CertificateRecipient.from_certificate(certificate, at=at)  # type: ignore[arg-type]


def test_a_moment_without_time_zone_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="time zone"):
        CertificateRecipient.from_certificate(DER, at=NOW.replace(tzinfo=None))


def test_what_the_default_policy_does_not_allow_is_not_made() -> None:
    with pytest.raises(KeyMaterialError, match=r"policy default does not allow rsa-1_5"):
        CertificateRecipient.from_certificate(DER, at=NOW, method=KeyTransport.RSA_1_5)
    with pytest.raises(KeyMaterialError, match="sha256 only"):
        CertificateRecipient.from_certificate(DER, at=NOW, digest=DigestAlgorithm.SHA1)
    recipient = CertificateRecipient.from_certificate(DER, at=NOW)
    with pytest.raises(KeyMaterialError, match="policy default does not allow aes128-cbc"):
        encrypt_part(b"", EncryptedType.CONTENT, recipient, random=os.urandom, cipher=BlockCipher.AES128_CBC)


def test_a_secret_has_to_be_worth_deriving_from() -> None:
    with pytest.raises(KeyMaterialError, match="16 octets or more; use PBKDF2"):
        SecretRecipient.with_concat_kdf(Secret(b"a password"), random=os.urandom)
    with pytest.raises(KeyMaterialError, match="empty"):
        SecretRecipient.with_pbkdf2(Secret(b""), random=os.urandom)
    with pytest.raises(KeyMaterialError, match="1000 iterations"):
        SecretRecipient.with_pbkdf2(SHARED_SECRET, random=os.urandom, iterations=999)
    with pytest.raises(KeyMaterialError, match="SHA-2 only"):
        SecretRecipient.with_concat_kdf(SHARED_SECRET, random=os.urandom, digest=DigestAlgorithm.SHA1)
    no_wraps = EncryptionPolicy("none", frozenset(BlockCipher), frozenset(KeyTransport), frozenset())
    with pytest.raises(KeyMaterialError, match="policy none does not allow kw-aes256"):
        SecretRecipient.with_concat_kdf(SHARED_SECRET, random=os.urandom, policy=no_wraps)


def test_a_policy_that_allows_nothing_is_none() -> None:
    with pytest.raises(ValueError, match="at least one cipher"):
        EncryptionPolicy("empty", frozenset(), frozenset(KeyTransport), frozenset())
    with pytest.raises(ValueError, match="one way to transport"):
        EncryptionPolicy("empty", frozenset(BlockCipher), frozenset(), frozenset())


def test_nothing_is_made_twice_the_same() -> None:
    recipient = CertificateRecipient.from_certificate(DER, at=NOW)
    made = {encrypt_part(b"x", EncryptedType.CONTENT, recipient, random=os.urandom) for _ in range(8)}
    assert len(made) == 8


def test_randomness_is_the_callers() -> None:
    asked: list[int] = []

    def random(octets: int) -> bytes:
        asked.append(octets)
        return bytes(octets)

    recipient = SecretRecipient.with_concat_kdf(SHARED_SECRET, random=random)
    one, two = (encrypt_part(b"x", EncryptedType.CONTENT, recipient, random=random) for _ in range(2))
    assert one == two
    assert asked == [16, 32, 12, 32, 12]
