"""Composing a message in Python: commands one after another, then the whole message.

    message = (
        MessageBuilder()
        .replace("./DMAcc/dms/Name", "New name")
        .add_object("./Inbox", ObjectBuilder().access_point(nap, acl=acl).build())
        .compose(ServerId("com.example.dms"), Header(session_id="77"))
    )

Guarantees: a builder is a frozen value, each method returns another one; every URI is well-formed, no CmdID occurs
twice, and what `compose` returns is canonical and is a message the device side parses.
Leaves to its caller: lint, signing, encoding, and what the commands mean.

Spec: OMA-TS-DM_Sessionless 5.2; OMA-TS-DM_RepPro-V1_2_1, 5 and 6.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING

from smartcard_dm.dm import (
    CommandKind,
    DmMessage,
    Embedding,
    GroupCommand,
    Item,
    ItemCommand,
    Meta,
    NodeFormat,
    PropertyUri,
    SyncHeader,
    TextData,
    build_message,
    embed_tnds,
    parse_message,
    parse_target,
)
from smartcard_dm.dm.formats import encode_base64
from smartcard_dm.errors import DmError
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.server.header import FIRST_MESSAGE, THIS_DEVICE, Header
from smartcard_dm.server.markup import STRUCTURE
from smartcard_dm.xmlsec import CanonicalXml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from smartcard_dm.dm import Acl, DmCommand, ServerId, TndsDocument
    from smartcard_dm.limits import Limits

_TYPES = {NodeFormat.CHR: "text/plain", NodeFormat.BIN: "application/octet-stream", NodeFormat.XML: "text/xml"}
"""The Type of a leaf that is added without one."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf and the value it gets."""

    uri: str
    value: str | bytes | None
    """Octets for bin and b64, None for null."""
    format: NodeFormat | None = None
    """Default: bin for octets; chr for text that is added, the node's own for text that is replaced."""
    type: str | None = None
    """MIME type; default when it is added: one that goes with the Format."""


@dataclass(frozen=True, slots=True)
class MessageBuilder:
    """Commands in the order in which they were asked for.

    Every method that takes a URI raises DmError when it is malformed, and LimitExceededError when it is too long.
    """

    commands: tuple[DmCommand, ...] = ()
    """Not numbered yet."""

    def add(
        self, uri: str, value: str | bytes | None, *, format_: NodeFormat | None = None, type_: str | None = None
    ) -> MessageBuilder:
        """Add a leaf."""
        return self.add_leaves(Leaf(uri, value, format_, type_))

    def add_leaves(self, *leaves: Leaf) -> MessageBuilder:
        """Add leaves, with one command."""
        return self._with_items(CommandKind.ADD, (_leaf_item(leaf, new=True) for leaf in leaves))

    def add_interior(self, uri: str, *, mo_id: str | None = None) -> MessageBuilder:
        """Add an empty interior node; `mo_id` names the object that begins there."""
        item = Item(target=_node(uri), meta=Meta(format=NodeFormat.NODE.value, type=mo_id))
        return self._with_items(CommandKind.ADD, [item])

    def add_object(self, uri: str, document: TndsDocument, *, embedding: Embedding = Embedding.WBXML) -> MessageBuilder:
        """Add a TNDS object, at a place of its own or by way of `./Inbox`.

        Raises:
            ValueError: a text has characters that XML cannot hold.
            WbxmlError: the object has no WBXML form.
        """
        return self._with_items(CommandKind.ADD, [embed_tnds(document, _node(uri), embedding)])

    def replace(
        self, uri: str, value: str | bytes | None, *, format_: NodeFormat | None = None, type_: str | None = None
    ) -> MessageBuilder:
        """Replace the value of a leaf."""
        return self.replace_leaves(Leaf(uri, value, format_, type_))

    def replace_leaves(self, *leaves: Leaf) -> MessageBuilder:
        """Replace the values of leaves, with one command."""
        return self._with_items(CommandKind.REPLACE, (_leaf_item(leaf, new=False) for leaf in leaves))

    def replace_object(
        self, uri: str, document: TndsDocument, *, embedding: Embedding = Embedding.WBXML
    ) -> MessageBuilder:
        """Put a TNDS object in the place of a branch.

        Raises:
            ValueError: a text has characters that XML cannot hold.
            WbxmlError: the object has no WBXML form.
        """
        return self._with_items(CommandKind.REPLACE, [embed_tnds(document, _node(uri), embedding)])

    def replace_acl(self, uri: str, acl: Acl) -> MessageBuilder:
        """Replace the whole ACL of a node."""
        return self.replace(f"{_node(uri)}?prop=ACL", str(acl))

    def rename(self, uri: str, name: str) -> MessageBuilder:
        """Give a node another name."""
        return self.replace(f"{_node(uri)}?prop=Name", name)

    def delete(self, *uris: str) -> MessageBuilder:
        """Delete nodes and all below them, with one command."""
        return self._with_items(CommandKind.DELETE, (Item(target=_node(uri)) for uri in uris))

    def copy(self, source: str, target: str) -> MessageBuilder:
        """Copy the value of a leaf; a client may not support it."""
        return self._with_items(CommandKind.COPY, [Item(target=_node(target), source=_node(source))])

    def execute(self, uri: str, data: str | None = None, *, correlator: str | None = None) -> MessageBuilder:
        """Execute a node; a client may not support it."""
        item = Item(target=_node(uri), data=None if data is None else TextData(data))
        command = ItemCommand(kind=CommandKind.EXEC, cmd_id="", items=(item,), correlator=correlator)
        return replace(self, commands=(*self.commands, command))

    def atomic(self, commands: MessageBuilder) -> MessageBuilder:
        """Have commands carried out all or none; a client should support it."""
        return self._with_group(CommandKind.ATOMIC, commands)

    def sequence(self, commands: MessageBuilder) -> MessageBuilder:
        """Have commands carried out in their order."""
        return self._with_group(CommandKind.SEQUENCE, commands)

    def message(self, server_id: ServerId, header: Header | None = None) -> DmMessage:
        """Return the message, its header complete and its commands numbered in their order.

        Raises:
            DmError: there is no command.
        """
        if not self.commands:
            raise DmError(STRUCTURE, "there is no command", wanted="at least one")
        said = header or Header()
        return DmMessage(
            header=SyncHeader(
                session_id=said.session_id or said.default_session_id,
                msg_id=said.msg_id or FIRST_MESSAGE,
                target=said.target or THIS_DEVICE,
                source=str(server_id),
                meta=Meta(emi=said.encoding),
            ),
            commands=tuple(_numbered(self.commands, count(1))),
        )

    def compose(
        self, server_id: ServerId, header: Header | None = None, *, limits: Limits = DEFAULT_LIMITS
    ) -> CanonicalXml:
        """Return the message in XML form, unsigned: what `issue_composed` signs.

        Raises:
            DmError: there is no command, a group is empty, or a text has characters that XML cannot hold.
            LimitExceededError: too large.
        """
        try:
            octets = CanonicalXml(build_message(self.message(server_id, header)))
        except ValueError as error:
            # The cause is not chained: it may quote a text that is a secret.
            raise DmError(STRUCTURE, "a text has characters that XML cannot hold") from error.__cause__
        parse_message(octets, limits=limits)
        return octets

    def _with_items(self, kind: CommandKind, items: Iterable[Item]) -> MessageBuilder:
        command = ItemCommand(kind=kind, cmd_id="", items=tuple(items))
        if not command.items:
            raise DmError(STRUCTURE, f"{kind.value} without anything it concerns", wanted="at least one")
        return replace(self, commands=(*self.commands, command))

    def _with_group(self, kind: CommandKind, commands: MessageBuilder) -> MessageBuilder:
        if not commands.commands:
            raise DmError(STRUCTURE, f"{kind.value} without commands", wanted="at least one")
        group = GroupCommand(kind=kind, cmd_id="", commands=commands.commands)
        return replace(self, commands=(*self.commands, group))


def _leaf_item(leaf: Leaf, *, new: bool) -> Item:
    format_ = leaf.format
    if format_ is None and (new or isinstance(leaf.value, bytes)):
        format_ = NodeFormat.BIN if isinstance(leaf.value, bytes) else NodeFormat.CHR
    type_ = leaf.type
    if type_ is None and new and format_ is not None:
        type_ = _TYPES.get(format_, "text/plain")
    if isinstance(leaf.value, bytes):
        data: TextData | None = TextData(encode_base64(leaf.value))
    else:
        data = None if leaf.value is None else TextData(leaf.value)
    said = format_ is not None or type_ is not None
    meta = Meta(format=None if format_ is None else format_.value, type=type_) if said else None
    uri = _node(leaf.uri) if new else _target(leaf.uri)
    return Item(target=uri, meta=meta, data=data)


def _node(uri: str) -> str:
    """Return a URI that addresses a node."""
    if isinstance(parse_target(uri), PropertyUri):
        raise DmError(STRUCTURE, "a property is for Replace only", place=uri[:80])
    return uri


def _target(uri: str) -> str:
    parse_target(uri)
    return uri


def _numbered(commands: Iterable[DmCommand], numbers: Iterator[int]) -> Iterator[DmCommand]:
    """Yield commands with their CmdIDs, a group before what it holds."""
    for command in commands:
        cmd_id = str(next(numbers))
        if isinstance(command, GroupCommand):
            yield replace(command, cmd_id=cmd_id, commands=tuple(_numbered(command.commands, numbers)))
        else:
            yield replace(command, cmd_id=cmd_id)
