"""Finding the DM accounts and the other objects that the commands of a bootstrap message build.

Guarantees: accounts and objects come in the order of the message; an object that is no account is listed, and given as
it stands, not guessed at.
Leaves to its caller: where the message came from.
Spec: OMA-TS-DM_Bootstrap-V1_2_1, 5.4.3 to 5.4.5 (unknown objects, several versions).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from smartcard_dm.dm.account_read import parse_dmacc
from smartcard_dm.dm.bootstrap_leaves import LeafCollector
from smartcard_dm.dm.embedding import extract_tnds, is_tnds
from smartcard_dm.dm.message import CommandKind, EncryptedContent, GroupCommand, ItemCommand, walk_commands
from smartcard_dm.dm.namespaces import DMACC_VERSIONS, MO_DMACC
from smartcard_dm.dm.provided_object import ProvidedObject
from smartcard_dm.dm.tnds import NodeType, TypeKind
from smartcard_dm.errors import DmError, LimitExceededError, UnsupportedError

if TYPE_CHECKING:
    from smartcard_dm.dm.account import DmAccount
    from smartcard_dm.dm.message import DmMessage, Item, Meta
    from smartcard_dm.dm.server_id import ServerId
    from smartcard_dm.dm.tnds import TndsDocument, TndsNode
    from smartcard_dm.limits import Limits

_STRUCTURE: Final = "bootstrap message"
_BUILDING: Final = frozenset({CommandKind.ADD, CommandKind.REPLACE})
_UNDOING: Final = frozenset({CommandKind.COPY, CommandKind.DELETE})


@dataclass(frozen=True, slots=True)
class FoundAccounts:
    """What the commands build."""

    accounts: tuple[DmAccount, ...]
    skipped: tuple[str, ...]
    warnings: tuple[str, ...]
    objects: tuple[ProvidedObject, ...]


class _Position(NamedTuple):
    """Where in the message's order an object begins."""

    item: int
    """Number of its item; of the first one where several build it."""
    inside: int
    """Grows within the TNDS object of that item."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A node that says that an object begins there, or that stands where an account begins."""

    node: TndsNode
    place: str
    position: _Position
    path: str
    """Its place inside its TNDS object."""

    @property
    def is_account(self) -> bool:
        """Whether it is to be read as an account; only one built node by node may lack the identifier."""
        return (self.node.mo_id or MO_DMACC) in DMACC_VERSIONS

    @property
    def version(self) -> tuple[int, int]:
        """Version of the object; one built node by node and not typed counts as the oldest."""
        return DMACC_VERSIONS[self.node.mo_id or MO_DMACC]

    @property
    def claimed_server_id(self) -> object:
        """What stands in the node ServerID, not looked at."""
        return next((child.value for child in self.node.children if child.name == "ServerID"), None)

    def provided(self, server_id: ServerId | None) -> ProvidedObject:
        """Return the object as a tree takes it: typed, and without the Path, which is in `path` now."""
        type_ = self.node.type if self.node.mo_id is not None else NodeType(TypeKind.DDF_NAME, MO_DMACC)
        node = replace(self.node, type=type_, path=None)
        return ProvidedObject(node, self.path, self.position.item, server_id)


class _Visit(NamedTuple):
    """A node of a TNDS object on the way through it."""

    node: TndsNode
    place: str
    path: str
    """Its place inside the TNDS object; a name that is missing adds nothing."""
    inside: bool = False
    """Whether an object begins above it."""

    def below(self) -> list[_Visit]:
        """Return the children, the last first."""
        inside = self.inside or self.node.mo_id is not None
        return [
            _Visit(child, f"{self.place}/{_shown(child)}", _joined(self.path, child.name), inside)
            for child in reversed(self.node.children)
        ]


def collect_accounts(message: DmMessage, *, limits: Limits) -> FoundAccounts:
    """Return the accounts and the other objects that a message's Add and Replace commands build.

    Accounts are read from TNDS objects wherever in them they stand, and from commands that build one node by node
    below a node called `DMAcc`. Get, Exec, Alert, Status and Results build nothing and are listed as skipped.
    Of several versions of one object (same ServerID) the newest that can be read counts.
    The objects are these accounts, and what else has an identifier and does not stand inside another object.

    Raises:
        DmError: an account is broken or ambiguous; the node is named.
        LimitExceededError: too large, too deep or too many accounts.
        UnsupportedError: encrypted content, a Delete or a Copy, which would make the result depend on their order.
        WbxmlError: an embedded WBXML document is malformed.
    """
    collector = _Collector(limits)
    for command in walk_commands(message.commands):
        if isinstance(command, ItemCommand) and command.kind in _BUILDING:
            for item in command.items:
                collector.item(item, item.effective_meta(command.meta))
        elif command.kind in _UNDOING:
            raise UnsupportedError(f"{command.kind.value} in a bootstrap message", command.place)
        elif not isinstance(command, GroupCommand):
            collector.skipped.append(command.kind.value)
    return collector.finish(message.header.source)


class _Collector:
    """What was found in the items so far."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._candidates: list[_Candidate] = []
        self._leaves = LeafCollector(limits)
        self._position = 0
        self._warnings: list[str] = []
        self.skipped: list[str] = []

    def item(self, item: Item, meta: Meta) -> None:
        """Take in one item of an Add or a Replace."""
        self._position += 1
        if item.more_data:
            raise UnsupportedError("MoreData in a bootstrap message", item.place)
        if isinstance(item.data, EncryptedContent):
            raise UnsupportedError("encrypted content in a bootstrap message", item.place)
        if item.target is None:
            raise DmError(_STRUCTURE, "the item has no target", place=item.place)
        if is_tnds(item, meta):
            self._document(extract_tnds(item, meta, limits=self._limits), item.target)
        else:
            self._leaves.add(item, item.target, meta, self._position)

    def finish(self, source: str) -> FoundAccounts:
        """Read the accounts, the newest version of each object; `source` is the Source of the message."""
        built = self._leaves.accounts()
        starts = self._candidates + [
            _Candidate(node, place, _Position(item, 0), node.name) for node, place, item in built
        ]
        starts.sort(key=lambda start: start.position)
        candidates = [start for start in starts if start.is_account]
        if len(candidates) > self._limits.accounts:
            found = f"{len(candidates)} accounts"
            raise LimitExceededError(_STRUCTURE, "accounts", self._limits.accounts, found=found)
        groups: dict[object, list[_Candidate]] = {}
        for candidate in candidates:
            groups.setdefault(candidate.claimed_server_id, []).append(candidate)
        read: dict[_Position, DmAccount] = {}
        for group in groups.values():
            read |= self._newest(group)
        self.skipped += self._leaves.skipped()
        accounts = tuple(read[position] for position in sorted(read))
        sender = next((account.server_id for account in accounts if str(account.server_id) == source), None)
        objects = tuple(
            start.provided(read[start.position].server_id if start.is_account else sender)
            for start in starts
            if start.position in read or not start.is_account
        )
        return FoundAccounts(accounts, tuple(self.skipped), tuple(self._warnings), objects)

    def _document(self, document: TndsDocument, target: str) -> None:
        self._warnings += document.warnings
        rest = [_top(node, target) for node in reversed(document.nodes)]
        while rest:
            visit = rest.pop()
            mo_id = visit.node.mo_id
            is_account = mo_id in DMACC_VERSIONS
            if is_account or (mo_id is not None and not visit.inside):
                position = _Position(self._position, len(self._candidates))
                self._candidates.append(
                    _Candidate(visit.node, visit.place, position, visit.path if visit.node.name else "")
                )
            if mo_id is not None and not is_account:
                self.skipped.append(mo_id)
            if not is_account:
                rest += visit.below()

    def _newest(self, group: list[_Candidate]) -> dict[_Position, DmAccount]:
        """Read the objects of the newest version that can be read; the others are skipped."""
        refusal: DmError | None = None
        versions = sorted({candidate.version for candidate in group}, reverse=True)
        for version in versions:
            try:
                accounts = {
                    candidate.position: parse_dmacc(candidate.node, place=candidate.place)
                    for candidate in group
                    if candidate.version == version
                }
            except DmError as error:
                refusal = refusal or error
            else:
                self.skipped += [each.node.mo_id or each.place for each in group if each.version != version]
                return accounts
        raise refusal or AssertionError(group)


def _top(node: TndsNode, target: str) -> _Visit:
    above = node.path.segments if node.path is not None else ()
    return _Visit(node, "/".join((target, *above, _shown(node))), _joined(*above, node.name))


def _joined(*names: str) -> str:
    return "/".join(filter(None, names))


def _shown(node: TndsNode) -> str:
    return node.name or "(unnamed)"
