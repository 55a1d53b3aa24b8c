"""Encrypting a part of a message: to a device's certificate, or to an account's shared secret.

Guarantees: each part has a content key of its own, made from the caller's randomness; what a device of the profile
would not open is not made. Leaves to its caller: which parts are confidential, and signing afterwards.

RSA encryption takes the randomness of its padding from the cryptography library, which offers no other way.

Spec: XML Encryption 1.1, 4.3 and 5; docs/encryption-profile.md, 3 to 6.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol, Self

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from smartcard_dm.errors import KeyMaterialError
from smartcard_dm.secret import Secret
from smartcard_dm.xmlsec.algorithms import DigestAlgorithm
from smartcard_dm.xmlsec.ciphers import encrypt, wrap_key
from smartcard_dm.xmlsec.encrypted_data import EncryptedData, TransportedKey, WrappedKey
from smartcard_dm.xmlsec.encrypted_data_read import MINIMUM_ITERATIONS, MINIMUM_SALT
from smartcard_dm.xmlsec.encrypted_data_write import write_encrypted_data
from smartcard_dm.xmlsec.encryption_algorithms import BlockCipher, KeyTransport, KeyWrap, Prf
from smartcard_dm.xmlsec.encryption_policy import EncryptionPolicy
from smartcard_dm.xmlsec.key_derivation import ConcatKdf, Pbkdf2

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from smartcard_dm.xmlsec.encryption_algorithms import EncryptedType

DEFAULT_ITERATIONS: Final = 600_000
"""Of PBKDF2 with HMAC-SHA-256; a message has at most `Limits.pbkdf2_iterations` of them together."""
_NONCE_OCTETS: Final = 16


class Recipient(Protocol):
    """Who opens a part; hands a content key over."""

    @property
    def policy(self) -> EncryptionPolicy:
        """What the recipient's device accepts."""

    def hand_over(self, content_key: Secret) -> TransportedKey | WrappedKey:
        """Return the content key as only the recipient can open it."""


@dataclass(frozen=True, slots=True)
class CertificateRecipient:
    """The device that has the private key of a certificate."""

    key: rsa.RSAPublicKey
    """Of the certificate."""
    method: KeyTransport = KeyTransport.RSA_OAEP
    """How content keys are transported."""
    digest: DigestAlgorithm = DigestAlgorithm.SHA256
    """Of OAEP; rsa-oaep has SHA-256 only."""
    key_name: str | None = None
    """Written as KeyName, a hint."""
    policy: EncryptionPolicy = field(default_factory=EncryptionPolicy.default)
    """What the device accepts."""

    @classmethod
    def from_certificate(
        cls,
        certificate: bytes,
        *,
        at: datetime,
        method: KeyTransport = KeyTransport.RSA_OAEP,
        digest: DigestAlgorithm = DigestAlgorithm.SHA256,
        key_name: str | None = None,
        policy: EncryptionPolicy | None = None,
    ) -> Self:
        """Return the recipient that an X.509 certificate (PEM or DER) names.

        Args:
            certificate: PEM or DER.
            at: the moment it has to be valid, with a time zone.
            method: how content keys are transported; devices whose key is in a token may know `rsa-oaep-mgf1p` only.
            digest: of OAEP. Tokens may be limited to SHA-1 with `rsa-oaep-mgf1p`.
            key_name: written as KeyName, a hint.
            policy: what the device accepts; default is AES-GCM, OAEP, key wrap.

        Raises:
            KeyMaterialError: no certificate, not valid at that moment, not for encrypting keys, not RSA, too small, or
                a method that the policy does not allow.
            ValueError: `at` has no time zone.
        """
        if at.tzinfo is None:
            raise ValueError("the moment to encrypt for needs a time zone")
        policy = policy or EncryptionPolicy.default()
        try:
            pem = certificate.lstrip().startswith(b"-----BEGIN")
            loaded = (x509.load_pem_x509_certificate if pem else x509.load_der_x509_certificate)(certificate)
            key = loaded.public_key()
            first, last = loaded.not_valid_before_utc, loaded.not_valid_after_utc
            usage = _key_usage(loaded)
        except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension) as error:
            raise KeyMaterialError("the device's certificate: not an X.509 certificate with a usable key") from error
        if not first <= at <= last:
            state = "not valid yet" if at < first else "expired"
            raise KeyMaterialError(
                f"the device's certificate is {state} at {at:%Y-%m-%dT%H:%M:%SZ}: it is valid from "
                f"{first:%Y-%m-%dT%H:%M:%SZ} to {last:%Y-%m-%dT%H:%M:%SZ}"
            )
        if usage is not None and not usage.key_encipherment:
            raise KeyMaterialError("the device's certificate: its key usage does not allow to encrypt keys to it")
        if not isinstance(key, rsa.RSAPublicKey):
            raise KeyMaterialError(f"the device's certificate: wanted an RSA key, found {type(key).__name__}")
        return cls(key, method, digest, key_name, policy)

    def __post_init__(self) -> None:
        if self.key.key_size < self.policy.minimum_rsa_bits:
            raise KeyMaterialError(
                f"the device's RSA key: wanted {self.policy.minimum_rsa_bits} bits or more, found {self.key.key_size}"
            )
        if self.method not in self.policy.transports:
            raise KeyMaterialError(f"policy {self.policy.name} does not allow {self.method.identifier}")
        if self.method is KeyTransport.RSA_OAEP and self.digest is not DigestAlgorithm.SHA256:
            raise KeyMaterialError(f"rsa-oaep has the digest sha256 only, not {self.digest.identifier}")

    def hand_over(self, content_key: Secret) -> TransportedKey:
        """Return the content key encrypted to the certificate's key."""
        mgf_digest = self.digest if self.method is KeyTransport.RSA_OAEP else DigestAlgorithm.SHA1
        scheme: padding.AsymmetricPadding
        if self.method is KeyTransport.RSA_1_5:
            scheme = padding.PKCS1v15()
        else:
            scheme = padding.OAEP(padding.MGF1(mgf_digest.make_hash()), self.digest.make_hash(), label=None)
        ciphertext = self.key.encrypt(content_key.reveal(), scheme)
        return TransportedKey(self.method, self.digest, mgf_digest, self.key_name, ciphertext)


@dataclass(frozen=True, slots=True)
class SecretRecipient:
    """The device that shares a secret with the server; the wrapping key is derived once, for all parts of a message.

    Make a new one for each message, so that no two messages share a wrapping key.
    """

    wrapping: Secret
    """Derived from the shared secret."""
    method: KeyWrap
    """How content keys are wrapped."""
    derivation: ConcatKdf | Pbkdf2
    """Written into the message."""
    secret_name: str | None
    """Written as MasterKeyName, a hint."""
    policy: EncryptionPolicy
    """What the device accepts."""

    @classmethod
    def with_pbkdf2(
        cls,
        secret: Secret,
        *,
        random: Callable[[int], bytes],
        iterations: int = DEFAULT_ITERATIONS,
        prf: Prf = Prf.HMAC_SHA256,
        method: KeyWrap = KeyWrap.KW_AES256,
        secret_name: str | None = None,
        policy: EncryptionPolicy | None = None,
    ) -> Self:
        """Return the recipient for a secret that a person may have chosen: a guess costs `iterations`.

        Raises:
            KeyMaterialError: the secret is empty, the iterations are fewer than 1,000, or the policy does not allow it.
        """
        if iterations < MINIMUM_ITERATIONS:
            raise KeyMaterialError(f"wanted {MINIMUM_ITERATIONS} iterations of PBKDF2 or more, found {iterations}")
        derivation = Pbkdf2(prf, random(max(_NONCE_OCTETS, MINIMUM_SALT)), iterations)
        return cls._derived(secret, derivation, method, secret_name, policy)

    @classmethod
    def with_concat_kdf(
        cls,
        secret: Secret,
        *,
        random: Callable[[int], bytes],
        digest: DigestAlgorithm = DigestAlgorithm.SHA256,
        party_u_info: bytes = b"",
        party_v_info: bytes = b"",
        method: KeyWrap = KeyWrap.KW_AES256,
        secret_name: str | None = None,
        policy: EncryptionPolicy | None = None,
    ) -> Self:
        """Return the recipient for a secret that is a key: random, of 16 octets or more.

        Args:
            secret: shared.
            random: gives the nonce, written as SuppPubInfo.
            digest: SHA-2.
            party_u_info: such as the ServerID.
            party_v_info: such as the device.
            method: how content keys are wrapped; its URI is written as AlgorithmID.
            secret_name: written as MasterKeyName, a hint.
            policy: what the device accepts.

        Raises:
            KeyMaterialError: the secret is shorter than 16 octets, or the policy does not allow it.
        """
        if len(secret) < _NONCE_OCTETS:
            raise KeyMaterialError(
                f"ConcatKDF does not slow guessing down: wanted a secret of {_NONCE_OCTETS} octets or more; use PBKDF2"
            )
        if digest is DigestAlgorithm.SHA1:
            raise KeyMaterialError("ConcatKDF has SHA-2 only")
        derivation = ConcatKdf(digest, method.uri.encode(), party_u_info, party_v_info, random(_NONCE_OCTETS))
        return cls._derived(secret, derivation, method, secret_name, policy)

    @classmethod
    def _derived(
        cls,
        secret: Secret,
        derivation: ConcatKdf | Pbkdf2,
        method: KeyWrap,
        secret_name: str | None,
        policy: EncryptionPolicy | None,
    ) -> Self:
        policy = policy or EncryptionPolicy.default()
        if not len(secret):
            raise KeyMaterialError("the shared secret is empty, so anybody could open it")
        if method not in policy.wraps:
            raise KeyMaterialError(f"policy {policy.name} does not allow {method.identifier}")
        return cls(derivation.derive(secret, method.key_octets), method, derivation, secret_name, policy)

    def hand_over(self, content_key: Secret) -> WrappedKey:
        """Return the content key wrapped under the derived key."""
        return WrappedKey(self.method, self.derivation, self.secret_name, wrap_key(self.wrapping, content_key))


def encrypt_part(
    plaintext: bytes,
    type_: EncryptedType,
    recipient: Recipient,
    *,
    random: Callable[[int], bytes],
    cipher: BlockCipher = BlockCipher.AES256_GCM,
) -> bytes:
    """Return the canonical octets of an EncryptedData.

    Args:
        plaintext: the octets that it stands for.
        type_: what they are.
        recipient: who opens it.
        random: returns as many unpredictable octets as it is asked for, such as `os.urandom`.
        cipher: of the content.

    Raises:
        KeyMaterialError: the recipient's policy does not allow the cipher.
    """
    if cipher not in recipient.policy.ciphers:
        raise KeyMaterialError(f"policy {recipient.policy.name} does not allow {cipher.identifier}")
    content_key = Secret(random(cipher.key_octets))
    ciphertext = encrypt(cipher, content_key, plaintext, random)
    return write_encrypted_data(EncryptedData(type_, cipher, recipient.hand_over(content_key), ciphertext))


def _key_usage(certificate: x509.Certificate) -> x509.KeyUsage | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return None
