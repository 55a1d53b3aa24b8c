"""What a sender tells of a push that was taken over.

Guarantees: a frozen value without secrets. Leaves to its caller: what the device makes of the message, which no answer
tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smartcard_dm.push.sec_mac import SecMethod
    from smartcard_dm.push.sms_pdu import Pdu
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


@dataclass(frozen=True, slots=True, kw_only=True)
class WapPushed:
    """What a document became as a WAP push; who carries short messages or a file on is not known here."""

    method: SecMethod
    content_type: str
    """Media type of the document."""
    octets: int
    """Of the document."""
    push_octets: int
    """Of the WSP push."""
    pdus: tuple[Pdu, ...] = ()
    """The short messages, in order; none where it did not become such."""
    to: str | None = None
    """Whom they are for, or where a datagram was sent; None where nobody was named."""
    file: str | None = None
    """Where the WSP push was written; None where it was not."""
    check_digits: str | None = None
    """What the user is told behind the PIN, for USERPINMAC."""
