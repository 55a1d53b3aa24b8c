"""A message as the rules look at it: each item with what was read of it, or with why it could not be read.

Guarantees: every item is read once. Leaves to the rules: what is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from smartcard_dm.dm import (
    INBOX_URI,
    CommandKind,
    GroupCommand,
    ItemCommand,
    NodeUri,
    PropertyUri,
    extract_tnds,
    is_tnds,
    parse_target,
)
from smartcard_dm.errors import DecodeError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from smartcard_dm.dm import DmCommand, DmMessage, Item, Meta, ServerId, TndsDocument, TndsNode
    from smartcard_dm.limits import Limits
    from smartcard_dm.server.lint.finding import LintPolicy, ObjectTable

Unreadable = DecodeError | UnsupportedError


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of one command that acts on nodes."""

    command: ItemCommand
    item: Item
    meta: Meta
    """In force: the item's own, else its command's."""
    scope: int | None
    """Number of the Sequence or Atomic it stands in; None where the device chooses the order."""
    target: NodeUri | PropertyUri | Unreadable | None
    """None when there is none."""
    document: TndsDocument | Unreadable | None
    """None when the item carries no TNDS object."""

    @property
    def kind(self) -> CommandKind:
        """The command."""
        return self.command.kind

    @property
    def place(self) -> str:
        """XML path of the item."""
        return self.item.place

    @property
    def data_place(self) -> str:
        """XML path of its Data."""
        return f"{self.item.place}/Data"

    @property
    def node(self) -> str | None:
        """Its target as findings name it."""
        return self.item.target

    @property
    def writes(self) -> bool:
        """Whether it makes or changes nodes by what it carries."""
        return self.kind in {CommandKind.ADD, CommandKind.REPLACE}

    @property
    def to_inbox(self) -> bool:
        """Whether it is addressed to the Inbox or below it."""
        return isinstance(self.target, NodeUri) and (self.target == INBOX_URI or self.target.is_below(INBOX_URI))

    def placed(self) -> Iterator[Placed]:
        """Yield the nodes directly below MgmtTree with the places they would get."""
        document, target = self.document, self.target
        if document is None or isinstance(document, Unreadable) or not isinstance(target, NodeUri):
            return
        for node in document.nodes:
            names = [*(node.path.segments if node.path is not None else ()), *([node.name] if node.name else [])]
            yield Placed(node, NodeUri((*target.segments, *names)), "/".join(names))


class Placed(NamedTuple):
    """One node of a TNDS object."""

    node: TndsNode
    uri: NodeUri
    """Where it would go; below `./Inbox` where the device chooses."""
    inner: str
    """Its path inside the TNDS object."""

    def below(self) -> Iterator[Placed]:
        """Yield its children."""
        for child in self.node.children:
            if child.name:
                uri = NodeUri((*self.uri.segments, child.name))
                yield Placed(child, uri, f"{self.inner}/{child.name}" if self.inner else child.name)

    def walk(self) -> Iterator[Placed]:
        """Yield it and all below it, parents first."""
        yield self
        for child in self.below():
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class View:
    """A message, who issues it, and by which policy it is looked at."""

    message: DmMessage
    server_id: ServerId
    policy: LintPolicy
    entries: tuple[Entry, ...]

    def table(self, node: TndsNode) -> ObjectTable | None:
        """Return what is known of the object that begins at a node; None when none begins or nothing is known."""
        return next((table for table in self.policy.objects if node.mo_id in table.versions), None)


def view_of(message: DmMessage, server_id: ServerId, policy: LintPolicy) -> View:
    """Read every item of a message."""
    return View(message, server_id, policy, tuple(_entries(message.commands, None, policy.limits)))


def _entries(commands: Iterable[DmCommand], scope: int | None, limits: Limits) -> Iterator[Entry]:
    for command in commands:
        if isinstance(command, GroupCommand):
            yield from _entries(command.commands, id(command), limits)
        elif isinstance(command, ItemCommand):
            for item in command.items:
                yield _entry(command, item, scope, limits)


def _entry(command: ItemCommand, item: Item, scope: int | None, limits: Limits) -> Entry:
    meta = item.effective_meta(command.meta)
    target: NodeUri | PropertyUri | Unreadable | None = None
    document: TndsDocument | Unreadable | None = None
    if item.target is not None:
        try:
            target = parse_target(item.target, limits=limits)
        except (DecodeError, UnsupportedError) as error:
            target = error
    if command.kind in {CommandKind.ADD, CommandKind.REPLACE} and is_tnds(item, meta) and not item.more_data:
        try:
            document = extract_tnds(item, meta, limits=limits)
        except (DecodeError, UnsupportedError) as error:
            document = error
    return Entry(command, item, meta, scope, target, document)
