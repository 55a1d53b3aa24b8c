"""A TNDS object: a part of the management tree as one value.

Guarantees: a `TndsNode` is either interior or a leaf with a value of its Format; values never appear in a `repr`.
Leaves to its caller: what the nodes mean, and where in the tree they go.
Spec: OMA-TS-DM_TNDS-V1_2, 6.2; OMA-TS-DM_TND-V1_2_1, 7.8 (description framework).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from smartcard_dm.dm.formats import NodeFormat
from smartcard_dm.dm.uri import segment_fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smartcard_dm.dm.acl import Acl
    from smartcard_dm.dm.uri import NodeUri


class TypeKind(Enum):
    """The two ways in which a Type property is written."""

    MIME = "MIME"
    """A MIME type: what a leaf holds."""
    DDF_NAME = "DDFName"
    """A management object identifier: what begins at an interior node."""


@dataclass(frozen=True, slots=True)
class NodeType:
    """The Type property; the text may be empty."""

    kind: TypeKind
    text: str = ""


@dataclass(frozen=True, slots=True)
class TndsNode:
    """One node of a TNDS object with its properties and, below it, its children.

    Raises:
        ValueError: name, Format, value, properties and children do not fit together.
    """

    name: str
    """The last segment of the node's URI; empty when the receiver is to choose it."""
    format: NodeFormat
    """The Format property; worked out from type and content where the document leaves it out."""
    value: str | bytes | None = field(default=None, repr=False)
    """Octets for bin and b64, None for node and null, text for every other format. May be a secret."""
    children: tuple[TndsNode, ...] = ()
    type: NodeType | None = None
    """None where the document has no run-time properties."""
    acl: Acl | None = None
    """The ACL to set; None when the document gives none, and the node inherits."""
    title: str | None = None
    tstamp: str | None = None
    """Time stamp, UTC, as `20010711T163817Z`."""
    verno: int | None = None
    """Version number, 16 bit."""
    path: NodeUri | None = None
    """Where the node goes, seen from the target of the command; only directly below MgmtTree."""

    def __post_init__(self) -> None:
        fault = _content_fault(self.format, self.value, self.children)
        if fault is None and self.name:
            fault = segment_fault(self.name)
        properties = (self.acl, self.title, self.tstamp, self.verno)
        if self.type is None and not (self.is_interior and properties == (None,) * len(properties)):
            fault = "only an interior node without other properties may lack the Type"
        if fault is not None:
            raise ValueError(f"TNDS node: {fault}")

    @property
    def is_interior(self) -> bool:
        """Whether the node may have children."""
        return self.format is NodeFormat.NODE

    @property
    def mo_id(self) -> str | None:
        """The identifier of the management object that begins here, if one does."""
        if self.is_interior and self.type is not None and self.type.kind is TypeKind.DDF_NAME:
            return self.type.text or None
        return None

    def walk(self) -> Iterator[TndsNode]:
        """Yield this node and all below it, parents first."""
        rest = [self]
        while rest:
            node = rest.pop()
            yield node
            rest.extend(reversed(node.children))


@dataclass(frozen=True, slots=True)
class TndsDocument:
    """A whole TNDS object: the nodes directly below MgmtTree."""

    nodes: tuple[TndsNode, ...]
    man: str | None = None
    """Manufacturer the object was written for."""
    mod: str | None = None
    """Model the object was written for."""
    warnings: tuple[str, ...] = field(default=(), compare=False)
    """What was tolerated while reading, with the node it concerns."""


def _content_fault(format_: NodeFormat, value: str | bytes | None, children: tuple[TndsNode, ...]) -> str | None:
    """Say why this content does not fit the Format, or return None when it does."""
    if any(child.path is not None for child in children):
        return "a Path stands only directly below MgmtTree"
    if children and format_ is not NodeFormat.NODE:
        return "a leaf has children"
    if format_ is NodeFormat.NODE and value is not None:
        return "an interior node has a value"
    if format_ is NodeFormat.NULL and value is not None:
        return "a node of Format null has a value"
    wanted = bytes if format_.is_binary else str
    if format_ not in {NodeFormat.NODE, NodeFormat.NULL} and not isinstance(value, wanted):
        return f"a value of Format {format_.value} is {wanted.__name__}"
    return None
