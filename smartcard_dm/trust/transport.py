"""How a message arrived, and which ways are accepted (verification step 9).

Guarantees: a transport has no default anywhere in the API: whoever hands over octets says how they came.
Leaves to its caller: that what it says is true.

Spec: OMA-TS-DM_Sessionless 5.3 ("Transport specific security MUST be employed"); design decision D9.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol, Self

from smartcard_dm.errors import VerificationError
from smartcard_dm.rules import Rule, Step


class TransportKind(Enum):
    """The ways a message can come."""

    LOCAL = "local"
    """Handed over by the operator of this program, such as a file on the command line."""
    WAP = "wap"
    """WAP push."""
    HTTP = "http"
    """HTTP push."""
    SIP = "sip"
    """SIP push."""


@dataclass(frozen=True, slots=True)
class Transport:
    """The transport record that arrives with a message."""

    kind: TransportKind
    """Which way it came."""
    secured: bool
    """Whether the security of that transport was employed."""
    evidence: str
    """What proved it, or what was missing, in words for a verdict; never a secret."""
    rule: Rule = Rule.TRANSPORT_UNSECURED
    """What was broken where it was not secured."""

    def __post_init__(self) -> None:
        if self.rule.step is not Step.TRANSPORT:
            raise ValueError(f"{self.rule.identifier} is no rule about transports")

    @classmethod
    def local(cls) -> Self:
        """Handed over by the operator, who answers for the way it came."""
        return cls(TransportKind.LOCAL, secured=True, evidence="handed over by the operator")

    @classmethod
    def proved(cls, kind: TransportKind, evidence: str) -> Self:
        """Its security was employed, which the evidence proves."""
        return cls(kind, secured=True, evidence=evidence)

    @classmethod
    def unproved(cls, kind: TransportKind, rule: Rule, evidence: str) -> Self:
        """Its security was not employed, or did not hold; the rule says which."""
        return cls(kind, secured=False, evidence=evidence, rule=rule)


class TransportPolicy(Protocol):
    """Decides whether a transport record is good enough."""

    def check(self, transport: Transport) -> str:
        """Return what was established, or refuse.

        Raises:
            VerificationError: a rule of step 9.
        """


@dataclass(frozen=True, slots=True)
class OnlyTransports:
    """Accepts the named kinds when their security was employed.

    Raises:
        ValueError: no kind is named: an empty list that passes is the classic misuse.
    """

    kinds: frozenset[TransportKind]

    def __post_init__(self) -> None:
        if not self.kinds:
            raise ValueError("a transport policy names at least one transport")

    def check(self, transport: Transport) -> str:
        """Return what was established, or refuse."""
        if transport.kind not in self.kinds:
            wanted = ", ".join(sorted(kind.value for kind in self.kinds))
            raise VerificationError(
                Rule.TRANSPORT_KIND,
                f"this policy accepts a message over {wanted} only, found {transport.kind.value}",
            )
        if not transport.secured:
            raise VerificationError(
                transport.rule, f"the security of {transport.kind.value} push was not employed: {transport.evidence}"
            )
        return f"{transport.kind.value}: {transport.evidence}"
