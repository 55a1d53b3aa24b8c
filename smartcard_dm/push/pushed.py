"""What a sender tells of a push that was taken over.

Guarantees: a frozen value without secrets. Leaves to its caller: what the device makes of the message, which no answer
tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smartcard_dm.trust.transport import TransportKind


@dataclass(frozen=True, slots=True)
class Pushed:
    """A push that was taken over by whoever it was sent to."""

    kind: TransportKind
    to: str
    """Where it was sent, without user information."""
    octets: int
    """Of the message, without its envelope."""
    evidence: str
    """What the security of the transport rests on, in words: the method, the other end's certificate."""
    status: str
    """What the other end answered, such as "202 Accepted"; "sent" where nobody answers."""
