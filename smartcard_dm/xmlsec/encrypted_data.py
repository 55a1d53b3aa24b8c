"""What an EncryptedData of the profile says, as frozen values.

Guarantees: each value is one of the forms of the profile; nothing in it is opened or trusted. Leaves to its caller:
reading (`encrypted_data_read`), writing (`encrypted_data_write`), opening (`decrypt`).

Spec: docs/encryption-profile.md, 3; XML Encryption 1.1, 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from smartcard_dm.xmlsec.algorithms import XMLENC

if TYPE_CHECKING:
    from smartcard_dm.xmlsec.algorithms import DigestAlgorithm
    from smartcard_dm.xmlsec.encryption_algorithms import BlockCipher, EncryptedType, KeyTransport, KeyWrap
    from smartcard_dm.xmlsec.key_derivation import KeyDerivation

ENCRYPTED_DATA: Final = f"{{{XMLENC}}}EncryptedData"


@dataclass(frozen=True, slots=True)
class TransportedKey:
    """A content key encrypted to the device's RSA key."""

    method: KeyTransport
    """How."""
    digest: DigestAlgorithm
    """Of the (empty) OAEP label; means nothing with rsa-1_5."""
    mgf_digest: DigestAlgorithm
    """Of MGF1; means nothing with rsa-1_5."""
    key_name: str | None
    """KeyName: a hint, never a key."""
    ciphertext: bytes
    """CipherValue, decoded."""

    @property
    def description(self) -> str:
        """The way in words, for a verdict."""
        return self.method.identifier


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A content key wrapped under a key that is derived from a shared secret."""

    method: KeyWrap
    """How."""
    derivation: KeyDerivation
    """From the secret to the wrapping key."""
    secret_name: str | None
    """MasterKeyName: a hint, never a key."""
    ciphertext: bytes
    """CipherValue, decoded."""

    @property
    def description(self) -> str:
        """The way in words, for a verdict."""
        return f"{self.method.identifier} with {type(self.derivation).__name__}"


@dataclass(frozen=True, slots=True)
class EncryptedData:
    """One encrypted part."""

    type: EncryptedType
    """What it stands for."""
    cipher: BlockCipher
    """Of its content."""
    key: TransportedKey | WrappedKey
    """Its content key."""
    ciphertext: bytes
    """CipherValue, decoded."""

    @property
    def description(self) -> str:
        """The algorithms in words, for a verdict."""
        return f"{self.cipher.identifier}, {self.key.description}"
