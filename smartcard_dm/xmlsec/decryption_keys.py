"""Decryption keys of a device: a protocol of two methods, and the RSA key that lives in memory.

Guarantees: what a key opens is a `Secret`; what it does not open gives one error that says nothing more, whatever was
wrong; nothing of a key is printed. Leaves to its caller: reading the file. A key that never leaves a token implements
the same protocol elsewhere.

Spec: XML Encryption 1.1, 5.5 (key transport); RFC 8017, 7.1 and 7.2; docs/encryption-profile.md, 5.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from smartcard_dm.errors import DecryptionError, KeyMaterialError
from smartcard_dm.secret import Secret
from smartcard_dm.xmlsec.policy import MINIMUM_RSA_BITS

if TYPE_CHECKING:
    from smartcard_dm.xmlsec.algorithms import DigestAlgorithm


class DecryptionKey(Protocol):
    """An RSA private key that opens the keys transported to a device."""

    @property
    def bits(self) -> int:
        """Size of the modulus in bits; a transported key is exactly that long."""

    @property
    def names(self) -> tuple[str, ...]:
        """What a KeyName may call it; empty means that it has no name, and any KeyName is taken for it."""

    @property
    def origin(self) -> str:
        """Where it was found, in words for a verdict; never the key itself."""

    def decrypt_oaep(self, ciphertext: bytes, *, digest: DigestAlgorithm, mgf_digest: DigestAlgorithm) -> Secret:
        """Return what was transported with RSAES-OAEP, its label empty.

        Args:
            ciphertext: octets, as many as the modulus has; any other number is a `DecryptionError`.
            digest: of the (empty) label.
            mgf_digest: of MGF1; tokens may be limited to the same one, and to SHA-1.

        Raises:
            DecryptionError: this key does not open it; one error for every reason.
            KeyMaterialError: the key cannot be used now, or not with these digests (a token that was pulled, one
                that has no such mechanism).
        """

    def decrypt_pkcs1(self, ciphertext: bytes, *, substitute: Secret) -> Secret:
        """Return what was transported with RSAES-PKCS1-v1_5, or `substitute` when that is not as long (legacy).

        Implicit rejection: wrong padding and wrong length are not told from a right key that opens nothing, so that
        nobody learns from this step what the padding was (Bleichenbacher). Time is kept as even as the library does.

        Args:
            ciphertext: octets, as many as the modulus has; any other number gives `substitute`.
            substitute: unpredictable to whoever sends the message, of the wanted length.

        Raises:
            KeyMaterialError: as `decrypt_oaep`.
        """


@dataclass(frozen=True, slots=True)
class PrivateDecryptionKey:
    """An RSA private key in memory."""

    key: rsa.RSAPrivateKey = field(repr=False)
    names: tuple[str, ...] = ()
    """What a KeyName may call it; empty means that any KeyName is taken for it."""
    origin: str = "the device key"
    """Where it was found, in words for a verdict."""

    @classmethod
    def from_pem(
        cls, pem: bytes, password: Secret | None = None, *, names: tuple[str, ...] = (), origin: str = "the device key"
    ) -> Self:
        """Return the key of a PEM document (PKCS#8 or traditional).

        Raises:
            KeyMaterialError: not a private key, wrong or missing password, not RSA, or less than 2048 bits.
        """
        try:
            key = load_pem_private_key(pem, None if password is None else password.reveal())
        except TypeError as error:
            wanted = "no password" if password is not None else "a password"
            raise KeyMaterialError(f"{origin}: the private key needs {wanted}") from error
        except (ValueError, UnsupportedAlgorithm) as error:
            raise KeyMaterialError(f"{origin}: not a PEM private key, or the password is wrong") from error
        return cls.from_key(key, names=names, origin=origin)

    @classmethod
    def from_key(cls, key: object, *, names: tuple[str, ...] = (), origin: str = "the device key") -> Self:
        """Return the key that a private key of the cryptography library is.

        Raises:
            KeyMaterialError: not RSA, or less than 2048 bits.
        """
        if not isinstance(key, rsa.RSAPrivateKey):
            raise KeyMaterialError(f"{origin}: only an RSA key opens a transported key, found {type(key).__name__}")
        if key.key_size < MINIMUM_RSA_BITS:
            raise KeyMaterialError(
                f"{origin}: wanted an RSA key of {MINIMUM_RSA_BITS} bits or more, found {key.key_size}"
            )
        return cls(key, names, origin)

    @property
    def bits(self) -> int:
        """Size of the modulus in bits."""
        return self.key.key_size

    def decrypt_oaep(self, ciphertext: bytes, *, digest: DigestAlgorithm, mgf_digest: DigestAlgorithm) -> Secret:
        """Return what was transported with RSAES-OAEP, its label empty."""
        oaep = padding.OAEP(padding.MGF1(mgf_digest.make_hash()), digest.make_hash(), label=None)
        try:
            return Secret(self.key.decrypt(ciphertext, oaep))
        except ValueError:
            raise DecryptionError from None

    def decrypt_pkcs1(self, ciphertext: bytes, *, substitute: Secret) -> Secret:
        """Return what was transported with RSAES-PKCS1-v1_5, or `substitute` when that is not as long."""
        try:
            opened = Secret(self.key.decrypt(ciphertext, padding.PKCS1v15()))
        except ValueError:
            opened = substitute
        return (substitute, opened)[len(opened) == len(substitute)]
