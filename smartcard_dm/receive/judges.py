"""Who decides about one document: the accounts of a card, or a device's tree, which then carries it out.

A message goes through every step of the verification. A client provisioning document has none of them but the one
about transports: where that is proved it is read and said what it would provision, and that is all (decision 29).

Guarantees: an outcome for any octets; credentials are read, and keys loaded, once for all messages.
Leaves to its caller: the order, the time, and what is told.

Spec: OMA-TS-DM_Sessionless 5.2, 5.3; OMA-TS-DM_Bootstrap-V1_2_1, 5.4.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, Protocol, TypedDict

from smartcard_dm.dm import accounts_from_document, parse_provisioning_document
from smartcard_dm.errors import DecodeError, UnsupportedError, VerificationError
from smartcard_dm.push.arrival import CP_WBXML
from smartcard_dm.push.http_rules import HttpRule
from smartcard_dm.push.sip_rules import SipRule
from smartcard_dm.push.sms_rules import SmsRule
from smartcard_dm.receive.outcome import Document, Outcome, ReceiveRule, Verdict
from smartcard_dm.rules import Rule, Step
from smartcard_dm.tree.events import Noting
from smartcard_dm.trust.verifier import Verifier

if TYPE_CHECKING:
    from datetime import datetime

    from smartcard_dm.errors import EnvelopeError
    from smartcard_dm.push.arrival import Arrival
    from smartcard_dm.tree import Applied, DeviceTree, ProcessingPolicy
    from smartcard_dm.trust.credentials import Credentials
    from smartcard_dm.trust.points import Decryptor
    from smartcard_dm.trust.policy import Policy
    from smartcard_dm.trust.transport import TransportKind
    from smartcard_dm.trust.verified import VerifiedMessage

PLACE: Final = "the pushed document"
_LOST: Final[frozenset[str]] = frozenset(
    {
        SmsRule.SET_INCOMPLETE,
        SmsRule.SET_EXPIRED,
        SmsRule.SET_CROWDED_OUT,
        SmsRule.RATE,
        HttpRule.RATE,
        HttpRule.CONNECTIONS,
        SipRule.RATE,
        SipRule.CROWD,
    }
)
"""Rules of envelopes that are broken by nobody's octets: something is missing, or there is too much of it."""


class Judge(Protocol):
    """Decides about documents, one at a time."""

    def judge(self, arrival: Arrival, at: datetime) -> Outcome:
        """Return what becomes of a document.

        Raises:
            TreeError: the tree could not be read or written; the document took no effect.
        """


class CardJudge:
    """Judges messages by the accounts of a card; nothing is applied, and no message is remembered.

    Args:
        credentials: what was read from the card.
        policy: what is accepted; names the transport.
        decryptor: opens encrypted parts; default refuses them.
    """

    def __init__(self, credentials: Credentials, *, policy: Policy, decryptor: Decryptor | None = None) -> None:
        self._policy = policy
        self._verifier = Verifier(credentials, policy=policy, decryptor=decryptor)

    def judge(self, arrival: Arrival, at: datetime) -> Outcome:
        """Return what becomes of a document."""
        if arrival.content_type == CP_WBXML:
            return provisioning_outcome(arrival, at, self._policy)
        try:
            message = self._verifier.verify(arrival.octets, transport=arrival.transport, at=at)
            count = message.command_count  # read here: a verdict is never about commands nobody could read
        except VerificationError as error:
            return refused_outcome(arrival, at, error)
        return authorized_outcome(arrival, at, message, count, None)


class TreeJudge:
    """Judges messages by the accounts of a tree and its memory, and applies what is authorized.

    Args:
        tree: the tree; nobody else uses this connection while the judge is in use.
        policy: what is accepted; names the transport.
        processing: how messages are carried out.
        decryptor: opens encrypted parts; default refuses them.
    """

    def __init__(
        self,
        tree: DeviceTree,
        *,
        policy: Policy,
        processing: ProcessingPolicy | None = None,
        decryptor: Decryptor | None = None,
    ) -> None:
        self._tree = tree
        self._policy = policy
        self._processing = processing
        self._decryptor = decryptor
        self._listener = Noting()

    def judge(self, arrival: Arrival, at: datetime) -> Outcome:
        """Return what became of a document.

        Raises:
            TreeError: the tree could not be read or written; the document took no effect.
        """
        if arrival.content_type == CP_WBXML:
            return provisioning_outcome(arrival, at, self._policy)
        try:
            applied = self._tree.apply(
                arrival.octets,
                transport=arrival.transport,
                at=at,
                policy=self._policy,
                processing=self._processing,
                decryptor=self._decryptor,
                listener=self._listener,
            )
        except VerificationError as error:
            return refused_outcome(arrival, at, error)
        return authorized_outcome(arrival, at, applied.message, applied.message.command_count, applied)


def provisioning_outcome(arrival: Arrival, at: datetime, policy: Policy) -> Outcome:
    """Return what a client provisioning document would provision, where its transport is proved."""
    maximum = policy.limits.message_octets
    if len(arrival.octets) > maximum:
        detail = f"wanted at most {maximum} octets, found {len(arrival.octets)}"
        return refused_outcome(arrival, at, VerificationError(Rule.MESSAGE_TOO_LARGE, detail))
    try:
        policy.transport.check(arrival.transport)
    except VerificationError as error:
        return refused_outcome(arrival, at, error)
    try:
        document = parse_provisioning_document(arrival.octets, limits=policy.limits)
        found = accounts_from_document(document, origin_place=PLACE, limits=policy.limits)
    except (DecodeError, UnsupportedError) as error:
        return Outcome(
            at=at,
            document=Document.PROVISIONING,
            verdict=Verdict.REFUSED,
            detail=str(error),
            rule=ReceiveRule.PROVISIONING_MALFORMED,
            malformed=True,
            **_of(arrival),
        )
    would = [f"the DM account of {account.server_id}" for account in found.accounts]
    would += [f"{each.type}" for each in found.connectivity]
    would += found.skipped
    return Outcome(
        at=at,
        document=Document.PROVISIONING,
        verdict=Verdict.AUTHORIZED,
        detail="its transport is proved; it was read, and nothing was applied",
        provisions=tuple(would),
        **_of(arrival),
    )


def refused_outcome(arrival: Arrival, at: datetime, error: VerificationError) -> Outcome:
    """Return the outcome of a document that the verification refused."""
    return Outcome(
        at=at,
        document=_document(arrival),
        verdict=Verdict.REFUSED,
        detail=error.detail,
        step=error.step,
        rule=error.rule.identifier,
        clause=error.clause,
        place=error.place,
        server_id=error.server_id,
        account=error.accounts[0] if len(error.accounts) == 1 else None,
        malformed=error.step <= Step.DECODE,
        **_of(arrival),
    )


def unjudged_outcome(arrival: Arrival, at: datetime, verdict: Verdict, detail: str) -> Outcome:
    """Return the outcome of a document that nobody could judge."""
    return Outcome(at=at, document=_document(arrival), verdict=verdict, detail=detail, **_of(arrival))


def envelope_outcome(error: EnvelopeError, kind: TransportKind, source: str, at: datetime) -> Outcome:
    """Return the outcome of an envelope that held nothing to be judged."""
    return Outcome(
        at=at,
        document=Document.ENVELOPE,
        verdict=Verdict.REFUSED,
        kind=kind,
        source=source,
        detail=str(error),
        rule=str(error.rule),
        malformed=error.rule not in _LOST,
    )


def authorized_outcome(
    arrival: Arrival, at: datetime, message: VerifiedMessage, commands: int, applied: Applied | None
) -> Outcome:
    """Return the outcome of a message that passed every step, and of what it did to a tree."""
    last = message.steps[-1]
    return Outcome(
        at=at,
        document=Document.MESSAGE,
        verdict=Verdict.AUTHORIZED,
        detail=f"authorized for {message.server_id}: {last.established}",
        step=last.step,
        server_id=str(message.server_id),
        account=message.account_name,
        commands=commands,
        applied=applied,
        **_of(arrival),
    )


def _document(arrival: Arrival) -> Document:
    return Document.PROVISIONING if arrival.content_type == CP_WBXML else Document.MESSAGE


class _OfArrival(TypedDict):
    """What every outcome says of the document it is about."""

    kind: TransportKind
    source: str
    secured: bool
    evidence: str
    octets: int
    sha256: bytes


def _of(arrival: Arrival) -> _OfArrival:
    return {
        "kind": arrival.transport.kind,
        "source": arrival.source,
        "secured": arrival.transport.secured,
        "evidence": arrival.transport.evidence,
        "octets": len(arrival.octets),
        "sha256": hashlib.sha256(arrival.octets).digest(),
    }
