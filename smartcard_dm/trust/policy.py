"""The policy of a verifier: one frozen value, chosen by name.

Guarantees: nothing is read from the machine; a policy cannot be changed after it was chosen.
Leaves to its caller: choosing a weaker one, which is only possible by its name.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.trust.transport import OnlyTransports, TransportKind
from smartcard_dm.xmlsec.encryption_policy import EncryptionPolicy
from smartcard_dm.xmlsec.policy import AlgorithmPolicy

if TYPE_CHECKING:
    from smartcard_dm.limits import Limits
    from smartcard_dm.trust.transport import TransportPolicy


@dataclass(frozen=True, slots=True)
class Policy:
    """What a verifier accepts."""

    name: str
    """Quoted in verdicts."""
    algorithms: AlgorithmPolicy
    """Signature and digest algorithms, key sizes."""
    transport: TransportPolicy
    """Which transports are good enough."""
    limits: Limits
    """Bounds of everything that is parsed."""
    encryption: EncryptionPolicy
    """Encryption algorithms, key sizes."""

    @classmethod
    def default(cls) -> Self:
        """SHA-2, RSA of 2048 bits or more, AES-GCM and OAEP, messages handed over locally."""
        return cls("default", AlgorithmPolicy.default(), _LOCAL_ONLY, DEFAULT_LIMITS, EncryptionPolicy.default())

    @classmethod
    def oma_1_2_legacy(cls) -> Self:
        """The default with SHA-1, AES-CBC and rsa-1_5, as OMA-TS-DM_Security-V1_2_1 mandates them; for old servers."""
        encryption = EncryptionPolicy.oma_1_2_legacy()
        return cls("oma_1_2_legacy", AlgorithmPolicy.oma_1_2_legacy(), _LOCAL_ONLY, DEFAULT_LIMITS, encryption)

    def over(self, *kinds: TransportKind) -> Self:
        """Return this policy for messages that come over the named transports, and over no others.

        Raises:
            ValueError: none is named.
        """
        return replace(self, transport=OnlyTransports(frozenset(kinds)))


_LOCAL_ONLY = OnlyTransports(frozenset({TransportKind.LOCAL}))
POLICIES = {"default": Policy.default, "oma_1_2_legacy": Policy.oma_1_2_legacy}
