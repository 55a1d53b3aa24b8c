"""A DM message as a value: header, commands, items.

Guarantees: what an item carries, a credential and a nonce never appear in a `repr`; a place is kept for reports and
takes no part in comparison. Leaves to its caller: whether the message may be believed, and what its commands do.
Spec: OMA-TS-DM_RepPro-V1_2_1, 5 and 6; the 1.2 DTD.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import Enum
from typing import TYPE_CHECKING, Final

from smartcard_dm.dm.namespaces import VER_DTD, VER_PROTO

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from smartcard_dm.secret import Secret


class CommandKind(Enum):
    """The commands that device management uses, by element name."""

    ADD = "Add"
    ALERT = "Alert"
    ATOMIC = "Atomic"
    COPY = "Copy"
    DELETE = "Delete"
    EXEC = "Exec"
    GET = "Get"
    REPLACE = "Replace"
    RESULTS = "Results"
    SEQUENCE = "Sequence"
    STATUS = "Status"


@dataclass(frozen=True, slots=True)
class Meta:
    """Metadata of a message, a command or an item; None where nothing is said.

    Spec: OMA-SyncML-MetaInfo-V1_2, 5.
    """

    format: str | None = None
    """Format as written, `chr` or `bin` for example; a format nobody knows is a matter of the command's status."""
    type: str | None = None
    """MIME type, or a management object identifier for an interior node."""
    mark: str | None = None
    size: int | None = None
    """Octets of the whole value."""
    version: str | None = None
    next_nonce: str | None = field(default=None, repr=False)
    """Base64 of a nonce."""
    max_msg_size: int | None = None
    """Octets of the largest message the sender takes."""
    max_obj_size: int | None = None
    """Octets of the largest object the sender takes."""
    emi: str | None = None
    """Extension of metadata; in a header, the signed statement of the message's encoding (`WBXML/1.2`)."""

    def over(self, other: Meta) -> Meta:
        """Return the metadata in force where this stands on an item and `other` on its command."""
        values = ((getattr(self, name), getattr(other, name)) for name in _META_FIELDS)
        return Meta(*(below if own is None else own for own, below in values))


_META_FIELDS: Final = tuple(each.name for each in fields(Meta))


@dataclass(frozen=True, slots=True)
class TextData:
    """Text in `Data`; binary values stand here as Base64. May be a secret."""

    text: str

    def __repr__(self) -> str:
        return f"TextData({len(self.text)} characters)"


@dataclass(frozen=True, slots=True)
class InlineTree:
    """An in-line TNDS object in `Data`: the octets of `MgmtTree` in exclusive canonical form."""

    octets: bytes

    def __repr__(self) -> str:
        return f"InlineTree({len(self.octets)} octets)"


@dataclass(frozen=True, slots=True)
class EncryptedContent:
    """Encrypted content in `Data` that was not decrypted: the octets of `EncryptedData`, canonical."""

    octets: bytes

    def __repr__(self) -> str:
        return f"EncryptedContent({len(self.octets)} octets)"


ItemData = TextData | InlineTree | EncryptedContent


@dataclass(frozen=True, slots=True)
class Item:
    """One thing a command acts on."""

    target: str | None = None
    """Target/LocURI as written; `uri.parse_target` reads one that addresses a node."""
    source: str | None = None
    """Source/LocURI as written."""
    meta: Meta | None = None
    data: ItemData | None = None
    more_data: bool = False
    """Whether the value continues in another message, which no sessionless message can."""
    target_name: str | None = None
    """Target/LocName, for display."""
    source_name: str | None = None
    """Source/LocName, for display."""
    place: str = field(default="", compare=False)
    """XML path in the message."""

    def effective_meta(self, command_meta: Meta | None) -> Meta:
        """Return the metadata in force: the item's own, else its command's, field by field."""
        return (self.meta or Meta()).over(command_meta or Meta())


@dataclass(frozen=True, slots=True)
class Credential:
    """A `Cred` element; never enough for a sessionless message, which is judged by its signature."""

    data: Secret
    meta: Meta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemCommand:
    """Add, Copy, Delete, Exec, Get or Replace."""

    kind: CommandKind
    cmd_id: str
    items: tuple[Item, ...]
    """At least one; exactly one for Exec."""
    meta: Meta | None = None
    correlator: str | None = None
    """Only for Exec."""
    no_resp: bool = False
    """Noted; DM does not use it, and a sessionless message gets no response anyway."""
    place: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupCommand:
    """Atomic or Sequence."""

    kind: CommandKind
    cmd_id: str
    commands: tuple[DmCommand, ...]
    """At least one."""
    meta: Meta | None = None
    no_resp: bool = False
    place: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertCommand:
    """Alert: an event, by its code."""

    cmd_id: str
    code: str | None = None
    """The alert code as written, `1201` for example."""
    items: tuple[Item, ...] = ()
    correlator: str | None = None
    no_resp: bool = False
    place: str = field(default="", compare=False)

    @property
    def kind(self) -> CommandKind:
        """Always `ALERT`."""
        return CommandKind.ALERT


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusCommand:
    """Status: the answer to a command of an earlier message."""

    cmd_id: str
    msg_ref: str
    cmd_ref: str
    cmd: str
    """Element name of the command answered, or `SyncHdr`."""
    code: str
    """The status code as written, `200` for example."""
    target_refs: tuple[str, ...] = ()
    source_refs: tuple[str, ...] = ()
    cred: Credential | None = None
    chal: Meta | None = None
    """The challenge, which is metadata only."""
    items: tuple[Item, ...] = ()
    place: str = field(default="", compare=False)

    @property
    def kind(self) -> CommandKind:
        """Always `STATUS`."""
        return CommandKind.STATUS


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultsCommand:
    """Results: what an earlier Get asked for."""

    cmd_id: str
    cmd_ref: str
    items: tuple[Item, ...]
    msg_ref: str | None = None
    meta: Meta | None = None
    target_ref: str | None = None
    source_ref: str | None = None
    place: str = field(default="", compare=False)

    @property
    def kind(self) -> CommandKind:
        """Always `RESULTS`."""
        return CommandKind.RESULTS


DmCommand = ItemCommand | GroupCommand | AlertCommand | StatusCommand | ResultsCommand


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncHeader:
    """The header: who speaks to whom, in which message of which session."""

    session_id: str
    msg_id: str
    target: str
    """Target/LocURI: the device."""
    source: str
    """Source/LocURI; in a sessionless message it claims the ServerID."""
    ver_dtd: str = VER_DTD
    ver_proto: str = VER_PROTO
    target_name: str | None = None
    """Target/LocName, for display."""
    source_name: str | None = None
    """Source/LocName, for display."""
    resp_uri: str | None = None
    no_resp: bool = False
    cred: Credential | None = None
    meta: Meta | None = None


@dataclass(frozen=True, slots=True)
class DmMessage:
    """A DM message without its signature."""

    header: SyncHeader
    commands: tuple[DmCommand, ...]
    """At least one, in the order of the message."""
    final: bool = True
    """Whether the sender says that this is the last message of the package."""


def walk_commands(commands: Iterable[DmCommand]) -> Iterator[DmCommand]:
    """Yield commands in message order, a group before what it holds."""
    for command in commands:
        yield command
        if isinstance(command, GroupCommand):
            yield from walk_commands(command.commands)
