"""Which encryption algorithms a device opens, and a server may use.

Guarantees: an allow-list, as `AlgorithmPolicy`; an empty one is refused on construction. Leaves to its caller: choosing
the legacy one, by its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from smartcard_dm.xmlsec.encryption_algorithms import BlockCipher, KeyTransport, KeyWrap
from smartcard_dm.xmlsec.policy import MINIMUM_RSA_BITS

_AUTHENTICATED = frozenset(member for member in BlockCipher if member.authenticates)
_OAEP = frozenset({KeyTransport.RSA_OAEP, KeyTransport.RSA_OAEP_MGF1P})


@dataclass(frozen=True, slots=True)
class EncryptionPolicy:
    """The encryption algorithms that are accepted, and the smallest RSA key.

    Raises:
        ValueError: no cipher, or no way to get a key to it.
    """

    name: str
    """Quoted in refusals, such as "default"."""
    ciphers: frozenset[BlockCipher]
    """Accepted ciphers of content."""
    transports: frozenset[KeyTransport]
    """Accepted ways to transport a key under the device's key."""
    wraps: frozenset[KeyWrap]
    """Accepted ways to wrap a key under one that is derived from the shared secret."""
    minimum_rsa_bits: int = MINIMUM_RSA_BITS
    """Bits of the modulus; nothing is encrypted to a smaller key, and nothing opened with one."""

    def __post_init__(self) -> None:
        if not self.ciphers or not (self.transports or self.wraps):
            raise ValueError("an encryption policy names at least one cipher and one way to transport or wrap its key")

    @classmethod
    def default(cls) -> Self:
        """AES-GCM, RSA-OAEP, AES key wrap."""
        return cls("default", _AUTHENTICATED, _OAEP, frozenset(KeyWrap))

    @classmethod
    def oma_1_2_legacy(cls) -> Self:
        """The default, AES-CBC and RSA PKCS #1 v1.5, which DM Security 1.2.1 mandates; never chosen by itself.

        Spec: OMA-TS-DM_Security-V1_2_1, appendix on content encryption.
        """
        return cls("oma_1_2_legacy", frozenset(BlockCipher), frozenset(KeyTransport), frozenset(KeyWrap))
