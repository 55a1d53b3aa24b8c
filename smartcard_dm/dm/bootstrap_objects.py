"""Finding the DM accounts that the commands of a bootstrap message build.

Guarantees: accounts come in the order of the message; objects that are no account are listed, not guessed at.
Leaves to its caller: where the message came from.
Spec: OMA-TS-DM_Bootstrap-V1_2_1, 5.4.3 to 5.4.5 (unknown objects, several versions).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from smartcard_dm.dm.account_read import parse_dmacc
from smartcard_dm.dm.bootstrap_leaves import LeafCollector
from smartcard_dm.dm.embedding import extract_tnds, is_tnds
from smartcard_dm.dm.message import CommandKind, EncryptedContent, GroupCommand, ItemCommand, walk_commands
from smartcard_dm.dm.namespaces import DMACC_VERSIONS, MO_DMACC
from smartcard_dm.errors import DmError, LimitExceededError, UnsupportedError

if TYPE_CHECKING:
    from smartcard_dm.dm.account import DmAccount
    from smartcard_dm.dm.message import DmMessage, Item, Meta
    from smartcard_dm.dm.tnds import TndsDocument, TndsNode
    from smartcard_dm.dm.uri import NodeUri
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


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A node that says, or stands where, an account begins; `position` is its place in the message's order."""

    node: TndsNode
    place: str
    position: int

    @property
    def version(self) -> tuple[int, int]:
        """Version of the object; one built node by node and not typed counts as the oldest."""
        return DMACC_VERSIONS[self.node.mo_id or MO_DMACC]

    @property
    def claimed_server_id(self) -> object:
        """What stands in the node ServerID, not looked at."""
        return next((child.value for child in self.node.children if child.name == "ServerID"), None)


def collect_accounts(message: DmMessage, *, limits: Limits) -> FoundAccounts:
    """Return the accounts that a message's Add and Replace commands build.

    Accounts are read from TNDS objects wherever in them they stand, and from commands that build one node by node
    below a node called `DMAcc`. Get, Exec, Alert, Status and Results build nothing and are listed as skipped.
    Of several versions of one object (same ServerID) the newest that can be read counts.

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
    return collector.finish()


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

    def finish(self) -> FoundAccounts:
        """Read the candidates, the newest version of each object."""
        candidates = self._candidates + [_Candidate(*found) for found in self._leaves.accounts()]
        candidates.sort(key=lambda candidate: candidate.position)
        if len(candidates) > self._limits.accounts:
            found = f"{len(candidates)} accounts"
            raise LimitExceededError(_STRUCTURE, "accounts", self._limits.accounts, found=found)
        groups: dict[object, list[_Candidate]] = {}
        for candidate in candidates:
            groups.setdefault(candidate.claimed_server_id, []).append(candidate)
        accounts: list[tuple[int, DmAccount]] = []
        for group in groups.values():
            accounts += self._newest(group)
        accounts.sort(key=lambda numbered: numbered[0])
        self.skipped += self._leaves.skipped()
        return FoundAccounts(tuple(account for _, account in accounts), tuple(self.skipped), tuple(self._warnings))

    def _document(self, document: TndsDocument, target: str) -> None:
        self._warnings += document.warnings
        rest = [(node, _below(target, node.path)) for node in reversed(document.nodes)]
        while rest:
            node, parent = rest.pop()
            place = f"{parent}/{node.name or '(unnamed)'}"
            if node.mo_id in DMACC_VERSIONS:
                self._candidates.append(_Candidate(node, place, self._position))
                continue
            if node.mo_id is not None:
                self.skipped.append(node.mo_id)
            rest += [(child, place) for child in reversed(node.children)]

    def _newest(self, group: list[_Candidate]) -> list[tuple[int, DmAccount]]:
        """Read the objects of the newest version that can be read; the others are skipped."""
        refusal: DmError | None = None
        versions = sorted({candidate.version for candidate in group}, reverse=True)
        for version in versions:
            try:
                accounts = [
                    (candidate.position, parse_dmacc(candidate.node, place=candidate.place))
                    for candidate in group
                    if candidate.version == version
                ]
            except DmError as error:
                refusal = refusal or error
            else:
                self.skipped += [each.node.mo_id or each.place for each in group if each.version != version]
                return accounts
        raise refusal or AssertionError(group)


def _below(target: str, path: NodeUri | None) -> str:
    return target if path is None or path.is_root else f"{target}/{str(path).removeprefix('./')}"
