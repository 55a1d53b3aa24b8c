"""A device's management tree: messages are applied to it, a card provisions it, its operator looks at it.

One message is one transaction: the commands' effects, the ACLs of accounts that went, the memory of the message and
the row of the audit are in the file together or not at all. A message is verified before the write lock is taken, and
once more inside it when an account or a key changed meanwhile; the replay memory is asked again in any case.

Guarantees: only what the verifier authorized is applied; nothing is ever sent; a dry run changes nothing at all.
Leaves to its caller: the time, the truth of the transport record, and what the listener does.

Spec: OMA-TS-DM_Sessionless 5.2 to 5.5; design decisions D6 and D7.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from smartcard_dm.dm import NodeUri, parse_ddf
from smartcard_dm.dm.object_device import device_nodes
from smartcard_dm.errors import ListenerError
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.tree.accounts import FACTORY_ROOT_ACL, TreeAccounts, read_tree_accounts, take_out_of_acls
from smartcard_dm.tree.audit import Audit, audit_changes, event_form, report_form, rewritten_form, skipped_form
from smartcard_dm.tree.builtin import standard_register
from smartcard_dm.tree.context import Context
from smartcard_dm.tree.database import Database
from smartcard_dm.tree.described import Descriptions
from smartcard_dm.tree.described_nodes import described_rows
from smartcard_dm.tree.diff import Change, Secrets, difference
from smartcard_dm.tree.draft import draft
from smartcard_dm.tree.events import AccountAdded, AccountRemoved, SessionWanted
from smartcard_dm.tree.nodes import NodeRow, Nodes
from smartcard_dm.tree.placing import Placement
from smartcard_dm.tree.plan import Plan
from smartcard_dm.tree.policy import ProcessingPolicy
from smartcard_dm.tree.processor import CommandReport, Processor, not_carried_out
from smartcard_dm.tree.provenance import Provenance
from smartcard_dm.tree.reconcile import Reconciled, card_name, reconcile
from smartcard_dm.tree.replay import ReplayMemory
from smartcard_dm.tree.rights import Rights
from smartcard_dm.tree.server_ids import account_roots
from smartcard_dm.trust.credentials import Credentials
from smartcard_dm.trust.points import MessageIdentity
from smartcard_dm.trust.verifier import Verifier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from smartcard_dm.dm import DmMessage, ServerId
    from smartcard_dm.dm.object_device import DeviceInformation
    from smartcard_dm.limits import Limits
    from smartcard_dm.tree.events import DeviceEvent, Listener
    from smartcard_dm.tree.journal import Rewritten, Skipped
    from smartcard_dm.tree.objects import ObjectRegister
    from smartcard_dm.tree.policy import ReplayPolicy
    from smartcard_dm.trust.points import Decryptor
    from smartcard_dm.trust.policy import Policy
    from smartcard_dm.trust.transport import Transport
    from smartcard_dm.trust.verified import VerifiedMessage

_WHICHEVER: Final = frozenset({"./", "."})
"""Targets of a message that names no device."""
_REASON: Final = "its account is new"


@dataclass(frozen=True, slots=True)
class Effects:
    """What changed in the tree, and what goes with it."""

    diff: tuple[Change, ...]
    rewritten: tuple[Rewritten, ...]
    skipped: tuple[Skipped, ...]
    warnings: tuple[str, ...]
    events: tuple[DeviceEvent, ...]
    dry_run: bool
    """Whether all of this was only tried."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a message that was authorized."""

    message: VerifiedMessage
    report: tuple[CommandReport, ...]
    effects: Effects


@dataclass(frozen=True, slots=True)
class Synced:
    """What a card changed."""

    card: str
    """ICCID, or the answer to reset of a card without one."""
    reconciled: Reconciled
    anchors: int
    """Trusted certificates and keys taken over."""
    anchors_changed: bool
    """Whether they are others than before."""
    effects: Effects


class _Kept(NamedTuple):
    """A verifier, and what it was made for."""

    verifier: Verifier
    credentials: Credentials
    policy: Policy
    decryptor: Decryptor | None
    replay: ReplayPolicy

    def is_for(
        self, credentials: Credentials, policy: Policy, decryptor: Decryptor | None, replay: ReplayPolicy
    ) -> bool:
        """Whether it was made for these: the very objects, and an equal policy of replay."""
        same = self.credentials is credentials and self.policy is policy and self.decryptor is decryptor
        return same and self.replay == replay


class DeviceTree:
    """The tree of one device, in a file or in memory."""

    def __init__(self, database: Database, *, register: ObjectRegister | None, limits: Limits) -> None:
        self._database = database
        self._limits = limits
        self._descriptions = _read_descriptions(database, register or standard_register(), limits)
        self._nodes = Nodes(database)
        self._provenance = Provenance(database)
        self._known: tuple[int, TreeAccounts, Credentials] | None = None
        self._kept: _Kept | None = None
        self._tried = False
        """Whether everything is inside a `trial`."""

    @classmethod
    def create(
        cls,
        path: str | None,
        information: DeviceInformation,
        *,
        at: datetime,
        description_files: Sequence[bytes] = (),
        register: ObjectRegister | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> Self:
        """Make a tree with the nodes every device has, and open it.

        Args:
            path: the file to make; None for a tree in memory.
            information: the values of DevInfo and DevDetail.
            at: now, with a time zone.
            description_files: device description files (DDF), XML; they are kept in the tree.
            register: the management objects it supports; default is all that are installed.
            limits: bounds of what it holds.

        Raises:
            TreeAccessError: the file is there already, or cannot be made.
            DmError, LimitExceededError, UnsupportedError: a description file cannot be used.
        """
        for number, octets in enumerate(description_files, 1):
            parse_ddf(octets, limits=limits, place=f"device description {number}")

        def fill(database: Database) -> None:
            for octets in description_files:
                database.execute("INSERT INTO description (xml) VALUES (?)", (octets,))
            known = _read_descriptions(database, register or standard_register(), limits)
            nodes = Nodes(database)
            context = Context(nodes, Rights(None), known, limits, _tstamp(at))
            root = NodeRow("", "node", acl=FACTORY_ROOT_ACL, tstamp=_tstamp(at))
            rows = [root]
            for node in device_nodes(information):
                placement = Placement(NodeUri((node.name,)), node, node.name, node.name)
                rows += (each.row for each in draft(context, placement, [root], {}))
            rows += described_rows(known, rows, _tstamp(at))
            nodes.add(rows)
            Audit(database).note(at, "init", information.dev_id, {"nodes": len(rows)})

        if path is None:
            return cls(Database.memory(fill), register=register, limits=limits)
        Database.create(path, fill)
        return cls.open(path, register=register, limits=limits)

    @classmethod
    def open(cls, path: str, *, register: ObjectRegister | None = None, limits: Limits = DEFAULT_LIMITS) -> Self:
        """Open a tree that is there.

        Raises:
            TreeAccessError: it is not there, or cannot be opened.
            TreeFormatError: it is no tree, or one of another layout.
        """
        database = Database.open(path)
        try:
            return cls(database, register=register, limits=limits)
        except BaseException:
            database.close()
            raise

    @property
    def name(self) -> str:
        """The file."""
        return self._database.name

    @property
    def audit(self) -> Audit:
        """What was done to the tree."""
        return Audit(self._database)

    @property
    def nodes(self) -> Nodes:
        """The nodes, for looking at them."""
        return self._nodes

    @property
    def descriptions(self) -> Descriptions:
        """What the device knows of its nodes."""
        return self._descriptions

    @property
    def provenance(self) -> Provenance:
        """What came from a card."""
        return self._provenance

    @property
    def secrets(self) -> Secrets:
        """Tells which values are not shown."""
        return Secrets(self._nodes, self._descriptions)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """See one state of the tree, whatever other processes commit meanwhile."""
        with nullcontext() if self._tried else self._database.reading():
            yield

    @contextmanager
    def trial(self) -> Iterator[None]:
        """Try several things one after the other, each seeing what those before it did; all is rolled back at the end.

        Inside, `sync` and `apply` are dry runs that build on each other: what a message would do after a card was
        put in. No other process can write meanwhile.

        Raises:
            RuntimeError: inside another trial.
            TreeAccessError: the file cannot be written.
        """
        if self._tried:
            raise RuntimeError("a trial inside another trial")
        with self._database.trying():
            self._tried = True
            try:
                yield
            finally:
                self._tried = False
                self._known = None  # the numbers of changes made in a trial are given again

    def credentials(self) -> Credentials:
        """Return the accounts of the tree, and the anchors that came from its card; as a verifier wants them.

        Raises:
            TreeAccessError: the file cannot be read.
        """
        with self.reading():
            return self._credentials()[2]

    def context(self, server_id: ServerId | None, at: datetime, *, executes: bool = True) -> Context:
        """Return the context for one server's commands, or with None for the device's own."""
        return Context(self._nodes, Rights(server_id), self._descriptions, self._limits, _tstamp(at), executes)

    def verify(
        self,
        octets: bytes,
        *,
        transport: Transport,
        at: datetime,
        policy: Policy,
        processing: ProcessingPolicy | None = None,
        decryptor: Decryptor | None = None,
    ) -> VerifiedMessage:
        """Return the message if every step passes, those against the tree's accounts and its memory among them.

        Nothing is applied or remembered.

        Raises:
            VerificationError: refused.
            TreeAccessError: the file cannot be read.
        """
        chosen = processing or ProcessingPolicy()
        with self.reading():
            verifier = self._verifier(policy, chosen, decryptor)
            message = verifier.verify(octets, transport=transport, at=at)
        _ = message.message  # read here: a verdict is never about commands nobody could read
        return message

    def apply(
        self,
        octets: bytes,
        *,
        transport: Transport,
        at: datetime,
        policy: Policy,
        processing: ProcessingPolicy | None = None,
        decryptor: Decryptor | None = None,
        listener: Listener | None = None,
        before_commit: Callable[[], None] | None = None,
        dry_run: bool = False,
    ) -> Applied:
        """Verify a message and carry out its commands with the rights of its server.

        Args:
            octets: one WBXML message as pushed.
            transport: how it came.
            at: now, with a time zone.
            policy: what is accepted.
            processing: how it is carried out; default is `ProcessingPolicy()`.
            decryptor: opens encrypted parts; default refuses them.
            listener: is told of events before anything is committed; without one, Exec is not supported (406).
            before_commit: is called last, when all is done and nothing is committed; whatever it raises rolls all of
                it back and reaches the caller.
            dry_run: whether everything is rolled back at the end; the message may then still be applied, once.

        Raises:
            VerificationError: refused; nothing was changed.
            ListenerError: the listener raised; nothing was changed.
            TreeAccessError: the file cannot be written, or there is no room; nothing was changed.
        """
        chosen = processing or ProcessingPolicy()
        before = self._state()
        message = self.verify(octets, transport=transport, at=at, policy=policy, processing=chosen, decryptor=decryptor)
        memory = ReplayMemory(self._database, chosen.replay)
        with self._changing(dry_run=dry_run):
            if self._state() != before:
                verifier = self._verifier(policy, chosen, decryptor)
                message = verifier.verify(octets, transport=transport, at=at)
            header = message.message.header
            identity = MessageIdentity(message.server_id, header.session_id, header.msg_id, message.digest)
            memory.check(identity, at)
            memory.remember(identity, at)
            executes = listener is not None
            context = self.context(message.server_id, at, executes=executes)
            accounts = self._begin()
            report = tuple(self._carry_out(context, message.message, chosen))
            effects = self._settle(context, accounts, dry_run=dry_run or self._tried)
            form = {
                **_form_of(effects),
                "report": report_form(report),
                "diff": audit_changes(effects.diff),
                "transport": transport.kind.value,
                "evidence": transport.evidence,
            }
            self.audit.note(
                at,
                "apply",
                str(message.server_id),
                form,
                digest=message.digest,
                session_id=header.session_id,
                msg_id=header.msg_id,
            )
            self._notify(effects, listener)
            if before_commit is not None:
                before_commit()
        return Applied(message, report, effects)

    def sync(
        self,
        credentials: Credentials,
        *,
        at: datetime,
        listener: Listener | None = None,
        dry_run: bool = False,
    ) -> Synced:
        """Make the tree hold what a card holds, and nothing of any other card.

        Args:
            credentials: what was read from the card, whole.
            at: now, with a time zone.
            listener: is told of accounts that come and go, before anything is committed.
            dry_run: whether everything is rolled back at the end.

        Raises:
            ValueError: the credentials came from no card.
            DmError: an object of the card cannot be put into the tree; nothing was changed.
            ListenerError: the listener raised; nothing was changed.
            TreeAccessError: the file cannot be written, or there is no room; nothing was changed.
        """
        if credentials.identity is None:
            raise ValueError("credentials that came from no card cannot provision a tree")
        card = card_name(credentials.identity)
        with self._changing(dry_run=dry_run):
            context = self.context(None, at)
            accounts = self._begin()
            reconciled = reconcile(context, self._provenance, card, credentials.objects)
            anchors_changed = self._provenance.put_anchors(card, credentials.anchors)
            if anchors_changed:
                self._count_change()
            effects = self._settle(context, accounts, dry_run=dry_run or self._tried)
            if effects.diff or anchors_changed:
                form = {**_form_of(effects), "diff": audit_changes(effects.diff), "anchors_changed": anchors_changed}
                self.audit.note(at, "sync", card, form)
            self._notify(effects, listener)
        return Synced(card, reconciled, len(credentials.anchors), anchors_changed, effects)

    def note(self, at: datetime, action: str, subject: str, form: dict[str, object]) -> None:
        """Add a row to the audit, for what was done with the device and changed nothing in its tree.

        Args:
            at: now, with a time zone.
            action: what it was; the audit's schema has the list.
            subject: what it was done to.
            form: more about it, without secrets, as JSON has it.

        Raises:
            TreeAccessError: the file cannot be written, or there is no room.
        """
        with self._database.writing():
            self.audit.note(at, action, subject, form)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _changing(self, *, dry_run: bool) -> Iterator[None]:
        """Hold the write lock for one message or one card; in a trial, whose lock is held, undo what fails."""
        if self._tried:
            with self._database.part():
                yield
        else:
            with self._database.trying() if dry_run else self._database.writing():
                yield

    def _carry_out(self, context: Context, message: DmMessage, processing: ProcessingPolicy) -> list[CommandReport]:
        target = message.header.target
        if processing.this_device_only and target not in _WHICHEVER:
            row = self._nodes.get("DevInfo/DevId")
            own = str(row.value) if row is not None else "nameless"
            if target != own:
                detail = f"SyncHdr has status 404: the message is for {target}, and this device is {own}"
                return not_carried_out(message.commands, detail)
        plan = Plan(message, self._descriptions.register, self._limits)
        return Processor(self._database, context, plan).carry_out(message.commands)

    def _begin(self) -> TreeAccounts:
        """Return the accounts as they are before the first command, and note changes from here on."""
        known = self._credentials()[1]
        self._nodes.begin()
        return known

    def _settle(self, context: Context, before: TreeAccounts, *, dry_run: bool) -> Effects:
        """Do what follows from what was done: provenance, accounts that went, the difference, the events."""
        journal = context.journal
        self._provenance.follow(journal)
        gone: frozenset[ServerId] = frozenset()
        new: dict[ServerId, str] = {}
        if self._accounts_touched(before):
            after = read_tree_accounts(self._nodes, {})
            gone = before.server_ids - after.server_ids
            new = {server_id: uri for server_id, uri in after.places if server_id not in before.server_ids}
            for server_id in sorted(gone):
                take_out_of_acls(self._nodes, server_id, context.tstamp)
            self._count_change()
        events: list[DeviceEvent] = [AccountRemoved(server_id) for server_id in sorted(gone)]
        events += (AccountAdded(server_id, uri) for server_id, uri in new.items())
        events += journal.requests
        events += (SessionWanted(server_id, _REASON) for server_id in new)
        changes = difference(self._nodes, self._nodes.touched, journal.moves, self.secrets)
        return Effects(
            tuple(changes),
            tuple(journal.rewritten),
            tuple(journal.skipped),
            tuple(journal.warnings),
            tuple(events),
            dry_run,
        )

    def _accounts_touched(self, before: TreeAccounts) -> bool:
        """Whether an account changed, came or went."""
        roots = before.roots | {row.path for row in account_roots(self._nodes)}
        if roots != before.roots:
            return True
        tops = {root.split("/")[0] for root in roots}
        for path in self._nodes.touched:
            names = path.split("/")
            if names[0] in tops and any("/".join(names[:length]) in roots for length in range(1, len(names) + 1)):
                return True
        return False

    def _notify(self, effects: Effects, listener: Listener | None) -> None:
        if listener is None or effects.dry_run:
            return
        for event in effects.events:
            try:
                listener.notify(event)
            except Exception as error:
                detail = f"the listener raised {type(error).__name__} on {event_form(event)['event']}"
                advice = "nothing was changed; correct the listener and apply the message again"
                raise ListenerError(self.name, detail, advice) from error

    def _credentials(self) -> tuple[int, TreeAccounts, Credentials]:
        """Return the accounts and anchors as they are now, read again only when they changed."""
        state = self._state()
        if self._known is None or self._known[0] != state:
            accounts = read_tree_accounts(self._nodes, self._provenance.origins())
            credentials = Credentials(
                None, accounts.accounts, self._provenance.anchors(), accounts.warnings, unusable=accounts.unusable
            )
            self._known = (state, accounts, credentials)
        return self._known

    def _verifier(self, policy: Policy, processing: ProcessingPolicy, decryptor: Decryptor | None) -> Verifier:
        """Return a verifier for the accounts as they are now: the one before with the keys it loaded, where it fits."""
        credentials, replay = self._credentials()[2], processing.replay
        if self._kept is None or not self._kept.is_for(credentials, policy, decryptor, replay):
            memory = ReplayMemory(self._database, replay)
            verifier = Verifier(credentials, policy=policy, replay=memory, decryptor=decryptor)
            self._kept = _Kept(verifier, credentials, policy, decryptor, replay)
        return self._kept.verifier

    def _state(self) -> int:
        """Return the number of changes of accounts and anchors so far."""
        match self._database.rows("SELECT credentials FROM state"):
            case [(int() as state,)]:
                return state
        raise self._database.damaged("state")

    def _count_change(self) -> None:
        self._database.execute("UPDATE state SET credentials = credentials + 1")
        self._known = None


def _read_descriptions(database: Database, register: ObjectRegister, limits: Limits) -> Descriptions:
    files = [row[0] for row in database.rows("SELECT xml FROM description ORDER BY id")]
    parsed = [parse_ddf(octets, limits=limits) for octets in files if isinstance(octets, bytes)]
    return Descriptions(register, [branch for each in parsed for branch in each.branches])


def _form_of(effects: Effects) -> dict[str, object]:
    return {
        "rewritten": rewritten_form(effects.rewritten),
        "skipped": skipped_form(effects.skipped),
        "warnings": list(effects.warnings),
        "events": [event_form(event) for event in effects.events],
    }


def _tstamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
