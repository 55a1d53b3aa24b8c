"""Which algorithms a verifier or a signer may use.

Guarantees: an allow-list, never a deny-list; an empty one is refused on construction, because an empty list that
passes is the classic misuse. Leaves to its caller: choosing the legacy one, by its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from smartcard_dm.xmlsec.algorithms import DigestAlgorithm, SignatureAlgorithm

MINIMUM_RSA_BITS = 2048

_SHA2_SIGNATURES = frozenset(
    member for member in SignatureAlgorithm if member.hash_algorithm is not DigestAlgorithm.SHA1
)
_SHA2_DIGESTS = frozenset(member for member in DigestAlgorithm if member is not DigestAlgorithm.SHA1)


@dataclass(frozen=True, slots=True)
class AlgorithmPolicy:
    """The algorithms that are accepted, and the smallest RSA key.

    Raises:
        ValueError: one of the two sets is empty.
    """

    name: str
    """Quoted in refusals, such as "default"."""
    signatures: frozenset[SignatureAlgorithm]
    """Accepted SignatureMethod algorithms."""
    digests: frozenset[DigestAlgorithm]
    """Accepted DigestMethod algorithms."""
    minimum_rsa_bits: int = MINIMUM_RSA_BITS
    """Bits of the modulus; smaller keys are refused whoever they belong to."""

    def __post_init__(self) -> None:
        if not self.signatures or not self.digests:
            raise ValueError("an algorithm policy names at least one signature and one digest algorithm")

    @classmethod
    def default(cls) -> Self:
        """SHA-2 only: HMAC, RSA PKCS1 v1.5, RSA-PSS, ECDSA, Ed25519; RSA keys of 2048 bits or more."""
        return cls("default", _SHA2_SIGNATURES, _SHA2_DIGESTS)

    @classmethod
    def oma_1_2_legacy(cls) -> Self:
        """The default and SHA-1, which the DM Security 1.2.1 appendix mandates; never chosen by itself.

        Spec: OMA-TS-DM_Security-V1_2_1, appendix on content signing.
        """
        return cls("oma_1_2_legacy", frozenset(SignatureAlgorithm), frozenset(DigestAlgorithm))
