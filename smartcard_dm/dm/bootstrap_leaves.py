"""Accounts that plain commands build node by node.

Guarantees: the nodes of one account become one tree, whatever their order; a contradiction names the node.
Leaves to its caller: everything that is not below an account's node; it is listed.
Spec: OMA-TS-DM_RepPro-V1_2_1, 6.5.1 (Add, with implicit parents).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from smartcard_dm.dm.formats import NodeFormat, decode_base64
from smartcard_dm.dm.message import TextData
from smartcard_dm.dm.namespaces import DMACC_VERSIONS
from smartcard_dm.dm.tnds import NodeType, TndsNode, TypeKind
from smartcard_dm.dm.uri import NodeUri, PropertyUri, parse_target
from smartcard_dm.errors import DmError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smartcard_dm.dm.message import Item, Meta
    from smartcard_dm.limits import Limits

_STRUCTURE: Final = "bootstrap message"
_HOLDER: Final = "DMAcc"
"""Name of the node below which accounts stand; where it stands itself is the device's choice."""


class LeafAccount(NamedTuple):
    """An account's node, its URI, and the position of the first item that built it."""

    node: TndsNode
    place: str
    position: int


@dataclass(slots=True)
class _Draft:
    """A node to be: what an item said, when one did, and what stands below."""

    said: tuple[Item, Meta] | None = None
    below: dict[str, _Draft] = field(default_factory=dict)


class LeafCollector:
    """Collects the items that are no TNDS objects."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._items: dict[NodeUri, tuple[int, Item, Meta]] = {}
        self._properties: list[str] = []

    def add(self, item: Item, target: str, meta: Meta, position: int) -> None:
        """Take in an item; `position` is its place in the order of the message.

        Raises:
            DmError: the target is no URI, or an item before had the same.
            LimitExceededError: the URI is too long or too deep.
            UnsupportedError: the target is a `?list=` query.
        """
        uri = parse_target(target, limits=self._limits, place=item.place)
        if isinstance(uri, PropertyUri):
            self._properties.append(str(uri))
            return
        if uri in self._items:
            raise DmError(_STRUCTURE, "two items give one node", place=str(uri))
        self._items[uri] = (position, item, meta)

    def skipped(self) -> list[str]:
        """Return the targets that build no account."""
        outside = [str(uri) for uri in self._items if self._root(uri) is None and uri.name != _HOLDER]
        return outside + self._properties

    def accounts(self) -> list[LeafAccount]:
        """Return the accounts that the items build.

        Raises:
            DmError: a node has no value or one that does not fit its Format, or stands below a leaf.
        """
        drafts: dict[NodeUri, tuple[int, _Draft]] = {}
        for uri, (position, item, meta) in self._items.items():
            root = self._root(uri)
            if root is None:
                continue
            _, draft = drafts.setdefault(root, (position, _Draft()))
            for name in uri.segments[len(root.segments) :]:
                draft = draft.below.setdefault(name, _Draft())
            draft.said = (item, meta)
        return [LeafAccount(_finish(draft, root), str(root), position) for root, (position, draft) in drafts.items()]

    def _root(self, uri: NodeUri) -> NodeUri | None:
        """Return the node of the account that a URI belongs to: one typed so, else the child of a holder."""
        lines = [NodeUri(uri.segments[:length]) for length in range(1, len(uri.segments) + 1)]
        typed = (line for line in lines if line in self._items and self._items[line][2].type in DMACC_VERSIONS)
        held = (line for line in lines[1:] if line.parent.name == _HOLDER)
        return next(typed, None) or next(held, None)


def _finish(draft: _Draft, uri: NodeUri) -> TndsNode:
    children = tuple(_finish(below, uri.child(name)) for name, below in draft.below.items())
    if draft.said is None:
        return _interior(uri, children, None)
    item, meta = draft.said
    format_ = _format(meta, uri)
    data = item.data
    if format_ is NodeFormat.NODE:
        if isinstance(data, TextData) and data.text:
            raise DmError(_STRUCTURE, "an interior node has a value", place=str(uri))
        return _interior(uri, children, meta.type)
    if children:
        raise DmError(_STRUCTURE, "a node stands below a leaf", place=f"{uri}/{children[0].name}")
    return TndsNode(
        name=uri.name,
        format=format_,
        value=_value(data.text if isinstance(data, TextData) else None, format_, uri),
        type=NodeType(TypeKind.MIME, meta.type or "text/plain"),
    )


def _interior(uri: NodeUri, children: Iterable[TndsNode], mo_id: str | None) -> TndsNode:
    type_ = NodeType(TypeKind.DDF_NAME, mo_id or "")
    return TndsNode(name=uri.name, format=NodeFormat.NODE, children=tuple(children), type=type_)


def _format(meta: Meta, uri: NodeUri) -> NodeFormat:
    try:
        return NodeFormat(meta.format or NodeFormat.CHR.value)
    except ValueError:
        wanted = ", ".join(known.value for known in NodeFormat)
        found = repr(meta.format)[:40]
        raise DmError(_STRUCTURE, "unknown Format", place=str(uri), wanted=wanted, found=found) from None


def _value(text: str | None, format_: NodeFormat, uri: NodeUri) -> str | bytes | None:
    if format_ is NodeFormat.NULL:
        if text:
            raise DmError(_STRUCTURE, "a node of Format null has a value", place=str(uri))
        return None
    if text is None:
        raise DmError(_STRUCTURE, "the item of a leaf has no Data", place=str(uri))
    return decode_base64(text, structure=_STRUCTURE, place=str(uri)) if format_.is_binary else text
