"""What an agent does, without HTTP: every operation on the card that is there, and nothing on one that is not.

An operation takes one snapshot at its start, works with it alone, and compares the generation at its end: an answer is
about the card that was there from the first moment to the last, or it is a problem.

Guarantees: no answer but that of `secret` and the one of `authenticate` for BASIC holds a secret; the verifier is made
once for each generation and let go with it. Every method may be called from any thread.
Leaves to its caller: threads, the bounds of what it hands in, and asking `finished` last.

Spec: OMA-TS-DM_Security-V1_2_1, 5.1.3 and 5.1.4 (what a client proves its secret with); design decisions D4, D9, D10.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import UTC
from threading import Lock
from typing import TYPE_CHECKING, Final, Protocol

from smartcard_dm.agent.models import BasicRequest, HmacRequest, Md5Request
from smartcard_dm.agent.problems import Problem, ProblemCode, card_problem, generation_problem
from smartcard_dm.agent.release import Allowed, Release
from smartcard_dm.agent.snapshot import CardState
from smartcard_dm.dm import AuthLevel, AuthType, parse_server_id
from smartcard_dm.dm.client_authentication import (
    HMAC_HEADER,
    MacSpelling,
    basic_credential,
    hmac_credential,
    hmac_header,
    md5_credential,
)
from smartcard_dm.errors import DmError, KeyMaterialError, TreeError, VerificationError
from smartcard_dm.report.forms import account_form, authorized_form, card_form, refused_form
from smartcard_dm.trust.transport import Transport, TransportKind
from smartcard_dm.trust.verifier import Verifier

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from smartcard_dm.agent.events import EventLog
    from smartcard_dm.agent.models import SecretRequest
    from smartcard_dm.agent.provisioned_tree import ProvisionedTree
    from smartcard_dm.agent.release import Caller, ReleaseAudit
    from smartcard_dm.agent.snapshot import Snapshot
    from smartcard_dm.dm import AppAuth, DmAccount, ServerId
    from smartcard_dm.report.forms import Form
    from smartcard_dm.secret import Secret
    from smartcard_dm.trust.credentials import Credentials
    from smartcard_dm.trust.points import Decryptor
    from smartcard_dm.trust.policy import Policy

AUTHORIZED: Final = "authorized"
_TYPES: Final = {"basic": AuthType.BASIC, "md5": AuthType.DIGEST, "hmac": AuthType.HMAC}
_SCHEMES: Final = {"basic": "syncml:auth-basic", "md5": "syncml:auth-md5", "hmac": "syncml:auth-MAC"}


class Keeper(Protocol):
    """Who knows the card."""

    @property
    def snapshot(self) -> Snapshot:
        """What is known now."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What an answer rests on."""

    snapshot: Snapshot
    event_id: str
    """The last event before the snapshot was taken."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operation found, before its last check."""

    moment: Moment
    form: Form
    """Without provenance."""
    keeps: bool = False
    """Whether a client that follows the events may keep it until the next one."""
    committed: bool = False
    """Whether something is in the tree."""
    rule: str | None = None
    """For verdicts: the rule that was broken, or `authorized`."""
    reveals: bool = False
    """Whether it holds a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Releases:
    """What may leave, and where that is recorded."""

    basic: Allowed = field(default_factory=Allowed)
    secret: Allowed = field(default_factory=Allowed)
    audit: ReleaseAudit | None = None

    def __post_init__(self) -> None:
        if (self.secret or self.basic) and self.audit is None:
            raise ValueError("what may be released needs an audit")


class AgentService:
    """The operations of an agent.

    Args:
        keeper: knows the card.
        events: what happened to it.
        origin: the card's URI, as answers show it.
        clock: gives the moment, with a time zone.
        policy: of the verifier; transports are its caller's choice.
        releases: what may leave; default is nothing.
        tree: what messages are applied to; None: nothing can be applied.
        decryptor: opens encrypted parts; None refuses them.
    """

    def __init__(
        self,
        keeper: Keeper,
        events: EventLog,
        *,
        origin: str,
        clock: Callable[[], datetime],
        policy: Policy,
        releases: Releases | None = None,
        tree: ProvisionedTree | None = None,
        decryptor: Decryptor | None = None,
    ) -> None:
        self.events = events
        self.policy = policy
        self.tree = tree
        self._keeper = keeper
        self._origin = origin
        self._clock = clock
        self._releases = releases or Releases()
        self._decryptor = decryptor
        self._lock = Lock()
        self._verifier: tuple[Snapshot, Verifier] | None = None

    @property
    def snapshot(self) -> Snapshot:
        """What is known of the card now."""
        return self._keeper.snapshot

    def moment(self) -> Moment:
        """Return what an answer that is given now rests on; of events in between a client hears, rather than not."""
        event_id = self.events.text(self.events.last)
        return Moment(self._keeper.snapshot, event_id)

    def begin(self, generation: int | None) -> Moment:
        """Return what an answer about the named generation rests on; None: about whichever is there.

        Raises:
            Problem: it is another one now.
        """
        moment = self.moment()
        if generation is not None and generation != moment.snapshot.generation:
            raise generation_problem(generation, moment.snapshot)
        return moment

    def finished(self, answer: Answer) -> Form:
        """Return an answer with its provenance, if what it rests on still stands.

        Raises:
            Problem: something changed between its beginning and now.
        """
        then, now = answer.moment.snapshot, self._keeper.snapshot
        if then.generation != now.generation:
            raise generation_problem(then.generation, now, committed=answer.committed)
        if then.credentials is not None and now.credentials is None:
            raise card_problem(now, committed=answer.committed)
        return {"provenance": self.provenance(answer.moment, keeps=answer.keeps), **answer.form}

    def provenance(self, moment: Moment | None = None, *, keeps: bool = False) -> Form:
        """Return what an answer rests on, as every answer shows it."""
        moment = moment or self.moment()
        snapshot = moment.snapshot
        identity = None if snapshot.credentials is None else snapshot.credentials.identity
        return {
            "origin": self._origin,
            "card_id": (identity.iccid or None) if identity is not None else None,
            "generation": snapshot.generation,
            "state": snapshot.state.value,
            "not_after": None if snapshot.not_after is None else moment_text(snapshot.not_after),
            "cache": "until-event" if keeps else "no-store",
            "event_id": moment.event_id,
        }

    def tidy(self) -> None:
        """Let go of what was made for a generation that is over; its keys with it."""
        with self._lock:
            if self._verifier is not None and self._verifier[0] is not self._keeper.snapshot:
                self._verifier = None

    # The card and its accounts ---------------------------------------------------------------------------------------

    def card(self, generation: int | None = None) -> Answer:
        """Return the card, whatever its state.

        Raises:
            Problem: the generation is another one.
        """
        moment = self.begin(generation)
        snapshot = moment.snapshot
        identity = None if snapshot.credentials is None else snapshot.credentials.identity
        present = snapshot.state is CardState.PRESENT
        form: Form = {
            "card": None if identity is None else card_form(identity),
            "state": snapshot.state.value,
            "reason": "" if present else snapshot.reason,
            "since": moment_text(snapshot.since),
        }
        return Answer(moment, form, keeps=present)

    def accounts(self, generation: int | None = None) -> Answer:
        """Return every account.

        Raises:
            Problem: the card is not there, or another one.
        """
        moment, credentials = self._card(generation)
        forms = [account_form(account) for account in credentials.accounts]
        return Answer(moment, {"accounts": forms, "warnings": list(credentials.warnings)}, keeps=True)

    def account(self, server_id: str, generation: int | None = None) -> Answer:
        """Return the account of one server.

        Raises:
            Problem: the card is not there or another one; no account, or several, have the ServerID.
        """
        moment, credentials = self._card(generation)
        found = _the_account(credentials, server_id, moment.snapshot)
        return Answer(moment, {"account": account_form(found)}, keeps=True)

    # Messages --------------------------------------------------------------------------------------------------------

    def verify(self, octets: bytes, transport: Transport, generation: int | None = None) -> Answer:
        """Return the verdict on a message; refused is a verdict.

        Args:
            octets: one WBXML message, at most `Limits.message_octets`.
            transport: how it came, as the client answers for.
            generation: the one to verify in; None: whichever is there.

        Raises:
            Problem: the card is not there, or another one.
        """
        moment, credentials = self._card(generation)
        verifier = self._verifier_of(moment.snapshot, credentials)
        try:
            message = verifier.verify(octets, transport=transport, at=self._clock())
            _ = message.message  # read here, so that a verdict is never about commands nobody could read
            form = authorized_form(message)
        except VerificationError as error:
            form = refused_form(error)
        return Answer(moment, {"verdict": form}, rule=_rule_of(form))

    def apply(self, octets: bytes, transport: Transport, generation: int | None = None) -> Answer:
        """Carry out a message on the tree.

        Args:
            octets: as for `verify`.
            transport: same.
            generation: same.

        Raises:
            Problem: the card is not there, or another one; there is no tree, or it cannot be used.
        """
        moment, _ = self._card(generation)
        if self.tree is None:
            raise Problem(
                ProblemCode.TREE_NONE, "wanted a tree, and the agent was started without", snapshot=moment.snapshot
            )
        form, committed = self.tree.apply(
            octets,
            transport=transport,
            at=self._clock(),
            policy=self.policy,
            decryptor=self._decryptor,
            snapshot=moment.snapshot,
        )
        return Answer(moment, {"verdict": form}, committed=committed, rule=_rule_of(form))

    def provision(self) -> None:
        """Have the tree take in the card that is there.

        Raises:
            Problem: it could not.
        """
        if self.tree is not None:
            self.tree.provision(self._keeper.snapshot, self._clock())

    # What leaves -----------------------------------------------------------------------------------------------------

    def authenticate(
        self, request: BasicRequest | Md5Request | HmacRequest, caller: Caller, generation: int | None = None
    ) -> Answer:
        """Return what a client sends to prove the account's secret to its server, computed here.

        Raises:
            Problem: the card is not there or another one; no such account or credentials; BASIC is not allowed for it,
                or cannot be recorded.
        """
        moment, credentials = self._card(generation)
        account = _the_account(credentials, request.server_id, moment.snapshot)
        server_id = account.server_id
        if isinstance(request, BasicRequest) and not self._releases.basic.allows(server_id):
            self._record_if_kept(
                self._release("basic-refused", server_id, request.level, caller, moment), moment.snapshot
            )
            raise Problem(
                ProblemCode.BASIC_DENIED,
                f"wanted the basic credentials of {server_id}: with them the secret would leave",
                snapshot=moment.snapshot,
            )
        auth, name, secret = _client_credentials(account, request.type, moment.snapshot)
        try:
            value, header = _computed(request, name, secret, auth, moment.snapshot)
        except KeyMaterialError as error:
            raise Problem(ProblemCode.AUTH_UNAVAILABLE, str(error), snapshot=moment.snapshot) from error
        if isinstance(request, BasicRequest):
            release = self._release("basic-released", server_id, request.level, caller, moment)
            self._record(release, moment.snapshot)
        form: Form = {
            "type": request.type,
            "level": request.level,
            "name": name,
            "scheme": _SCHEMES[request.type],
            "value": value,
            "header": header,
        }
        reveals = isinstance(request, BasicRequest)
        return Answer(moment, {"server_id": str(server_id), "authentication": form}, reveals=reveals)

    def secret(self, request: SecretRequest, caller: Caller, generation: int | None = None) -> Answer:
        """Return secrets of an account, if the operator allowed that; recorded before they leave.

        Raises:
            Problem: the card is not there or another one; not allowed, no such account or credentials; the record
                could not be written.
        """
        moment, credentials = self._card(generation)
        account = _the_account(credentials, request.server_id, moment.snapshot)
        server_id = account.server_id
        allowed = self._releases.secret.allows(server_id)
        entries = [each for each in account.auth if each.level.value == request.level and _holds_secret(each)]
        action = "secret-released" if allowed and entries else "secret-refused"
        release = self._release(action, server_id, request.level, caller, moment, request.purpose)
        self._record_if_kept(release, moment.snapshot)
        if not allowed:
            detail = f"wanted the secrets of {server_id}: the agent was not started with --allow-secret-release for it"
            raise Problem(ProblemCode.SECRET_DENIED, detail, snapshot=moment.snapshot)
        if not entries:
            raise Problem(
                ProblemCode.AUTH_UNAVAILABLE,
                f"the account {server_id} has no secret of level {request.level}",
                snapshot=moment.snapshot,
            )
        forms = [
            {
                "level": each.level.value,
                "type": each.type.value,
                "name": each.name,
                "secret": _base64(each.secret),
                "data": _base64(each.data),
            }
            for each in entries
        ]
        return Answer(moment, {"server_id": str(server_id), "secrets": forms}, reveals=True)

    # -----------------------------------------------------------------------------------------------------------------

    def _card(self, generation: int | None) -> tuple[Moment, Credentials]:
        moment = self.begin(generation)
        credentials = moment.snapshot.credentials
        if credentials is None:
            raise card_problem(moment.snapshot)
        return moment, credentials

    def _verifier_of(self, snapshot: Snapshot, credentials: Credentials) -> Verifier:
        with self._lock:
            if self._verifier is None or self._verifier[0] is not snapshot:
                made = Verifier(credentials, policy=self.policy, decryptor=self._decryptor)
                self._verifier = (snapshot, made)
            return self._verifier[1]

    def _release(
        self,
        action: str,
        server_id: ServerId,
        level: str,
        caller: Caller,
        moment: Moment,
        purpose: str | None = None,
    ) -> Release:
        credentials = moment.snapshot.credentials
        identity = None if credentials is None else credentials.identity
        card = None if identity is None else identity.iccid
        return Release(action, server_id, level, caller, moment.snapshot.generation, card, purpose)

    def _record_if_kept(self, release: Release, snapshot: Snapshot) -> None:
        """Record what may be a refusal: an agent that releases nothing has no audit."""
        if self._releases.audit is not None:
            self._record(release, snapshot)

    def _record(self, release: Release, snapshot: Snapshot) -> None:
        assert self._releases.audit is not None  # noqa: S101 - `Releases` has one wherever something may leave
        now = self._keeper.snapshot
        if now.generation != snapshot.generation:
            raise generation_problem(snapshot.generation, now)
        try:
            self._releases.audit.record(self._clock(), release)
        except (OSError, TreeError) as error:
            reason = error.detail if isinstance(error, TreeError) else (error.strerror or "it cannot be written")
            raise Problem(ProblemCode.AUDIT_UNAVAILABLE, f"the audit: {reason}", snapshot=snapshot) from error


def transport_of(kind: str, secured: bool | None, evidence: str | None) -> Transport:  # noqa: FBT001 - three values
    """Return the record of how a message came, as a client answers for it.

    Args:
        kind: a value of `TransportKind`.
        secured: whether the security of the transport was employed; None: for a message handed over, yes; else no.
        evidence: what proved it, in words.
    """
    chosen = TransportKind(kind)
    if chosen is TransportKind.LOCAL:
        local = Transport.local()
        return Transport(chosen, secured is not False, evidence or local.evidence)
    return Transport(chosen, secured is True, evidence or "nothing but the client's word")


def moment_text(at: datetime) -> str:
    """Return a moment as answers show it: UTC, ISO 8601, to the microsecond."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def _the_account(credentials: Credentials, text: str, snapshot: Snapshot) -> DmAccount:
    try:
        server_id = parse_server_id(text)
    except DmError as error:
        raise Problem(ProblemCode.ACCOUNT_UNKNOWN, f"no ServerID: {error.detail}", snapshot=snapshot) from error
    found = [account for account in credentials.accounts if account.server_id == server_id]
    broken = [each for each in credentials.unusable if each.server_id == server_id]
    if len(found) + len(broken) > 1:
        detail = f"{len(found) + len(broken)} accounts have the ServerID {server_id}"
        raise Problem(ProblemCode.ACCOUNT_SEVERAL, detail, snapshot=snapshot)
    if not found:
        detail = f"the account cannot be read: {broken[0].reason}" if broken else f"no account has {server_id}"
        raise Problem(ProblemCode.ACCOUNT_UNKNOWN, detail, snapshot=snapshot)
    return found[0]


def _client_credentials(account: DmAccount, kind: str, snapshot: Snapshot) -> tuple[AppAuth, str, Secret]:
    wanted = _TYPES[kind]
    for each in account.auth:
        if each.level is AuthLevel.CLCRED and each.type is wanted and each.name is not None and each.secret is not None:
            return each, each.name, each.secret
    detail = f"the account {account.server_id} has no CLCRED entry of type {wanted.value} with a name and a secret"
    raise Problem(ProblemCode.AUTH_UNAVAILABLE, detail, snapshot=snapshot)


def _computed(
    request: BasicRequest | Md5Request | HmacRequest, name: str, secret: Secret, auth: AppAuth, snapshot: Snapshot
) -> tuple[str | None, Form | None]:
    """Return Cred/Data and the header of the transport, one of them."""
    if isinstance(request, BasicRequest):
        return basic_credential(name, secret).reveal().decode("ascii"), None
    nonce = _nonce(request.nonce, auth, snapshot)
    if isinstance(request, Md5Request):
        return md5_credential(name, secret, nonce), None
    body = base64.b64decode(request.body)
    mac = hmac_credential(name, secret, nonce, body, spelling=MacSpelling(request.spelling))
    return None, {"name": HMAC_HEADER, "value": hmac_header(name, mac)}


def _nonce(given: str | None, auth: AppAuth, snapshot: Snapshot) -> bytes:
    if given is not None:
        return base64.b64decode(given)
    if auth.data is None:
        raise Problem(ProblemCode.NONCE_MISSING, "wanted a nonce, and the account has no AAuthData", snapshot=snapshot)
    return auth.data.reveal()


def _holds_secret(auth: AppAuth) -> bool:
    return auth.secret is not None or auth.data is not None


def _base64(secret: Secret | None) -> str | None:
    return None if secret is None else base64.b64encode(secret.reveal()).decode("ascii")


def _rule_of(form: Form) -> str:
    return AUTHORIZED if form["verdict"] == AUTHORIZED else str(form["rule"])
