"""What became of one push, as a value that says enough for a line on a terminal and for a row of an audit.

Guarantees: frozen, holds no secret; what came from the sender is as it came. Leaves to its caller: cutting it and
making it printable.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from smartcard_dm.rules import Step
    from smartcard_dm.tree import Applied
    from smartcard_dm.trust.transport import TransportKind


class Document(Enum):
    """What was pushed."""

    MESSAGE = "message"
    """A DM message."""
    PROVISIONING = "client-provisioning"
    """A client provisioning document; it is read, never applied."""
    ENVELOPE = "envelope"
    """Nothing that could be handed on: what it was pushed in was refused."""


class Verdict(Enum):
    """What the receiver says."""

    AUTHORIZED = "authorized"
    """A message that passed every step, and was applied where there is a tree; a document whose transport is proved."""
    REFUSED = "refused"
    """By the rule that is named."""
    FAILED = "failed"
    """Not judged, because the tree or the audit could not be written; it took no effect and may be pushed again."""
    FAULT = "fault"
    """Not judged, because of a fault of this program; it took no effect."""


class ReceiveRule(StrEnum):
    """Rules of this room, beside those of verification and of envelopes."""

    PROVISIONING_MALFORMED = "client-provisioning.malformed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one push."""

    at: datetime
    """When it was judged."""
    document: Document
    verdict: Verdict
    kind: TransportKind
    source: str
    """Who seems to have sent it; not proved."""
    detail: str
    """What was established, or what was wanted and found, in one sentence."""
    secured: bool | None = None
    """Whether the security of the transport was employed; None for an envelope."""
    evidence: str | None = None
    """What proved it, or what was missing; None for an envelope."""
    octets: int | None = None
    """Of the document; None for an envelope."""
    sha256: bytes | None = None
    """Of the document as it came; None for an envelope."""
    step: Step | None = None
    """The last step of the verification, or the one that refused; None where no message was judged."""
    rule: str | None = None
    """What was broken; None where nothing was."""
    clause: str | None = None
    """What that rule rests on; None where the rule is none of verification."""
    place: str | None = None
    """Where in the document, where that can be named."""
    server_id: str | None = None
    """Of a refused message it is a claim."""
    account: str | None = None
    """The account that matched, or the only one that was considered."""
    commands: int | None = None
    """How many commands an authorized message holds."""
    applied: Applied | None = field(default=None, repr=False)
    """What it did to the tree."""
    provisions: tuple[str, ...] = ()
    """What a client provisioning document would provision, in words."""
    malformed: bool = False
    """Whether nothing that could be judged was there: the octets are wrong, not who sent them."""
