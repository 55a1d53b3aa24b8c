"""Holding a management object against its description.

Guarantees: what does not fit is refused with the place of the node; values are not looked at and never shown.
Leaves to its caller: the nodes below `Ext`, which belong to vendors, and the meaning of values.
Spec: OMA-TS-DM_TND-V1_2_1, 7.8 (DFFormat, Occurrence, DFType); OMA-TS-DM_TNDS-V1_2, 6.2.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smartcard_dm.dm.description import Occurrence
from smartcard_dm.dm.formats import NodeFormat
from smartcard_dm.dm.object_tables import EXT
from smartcard_dm.dm.tnds import TypeKind
from smartcard_dm.errors import DmError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smartcard_dm.dm.description import NodeDescription
    from smartcard_dm.dm.tnds import TndsNode

_STRUCTURE: Final = "management object"
_SINGLE: Final = frozenset({Occurrence.ONE, Occurrence.ZERO_OR_ONE})


def check_object(node: TndsNode, description: NodeDescription, place: str) -> None:
    """Refuse an object that does not fit its description.

    Args:
        node: the object's own node; its name is not looked at.
        description: what it should be.
        place: its URI.

    Raises:
        DmError: a node has no name or a sibling's, is missing, unknown, one too many, or has another Format or Type.
        UnsupportedError: another object begins where the description knows none.
    """
    check_names(node, place)
    rest = [(node, description, place)]
    while rest:
        found, wanted, at = rest.pop()
        _check_kind(found, wanted, at)
        if found.is_interior:
            _check_number(found, wanted, at)
            rest += reversed(list(_described_children(found, wanted, at)))


def check_names(node: TndsNode, place: str) -> None:
    """Refuse an object in which not every node can be addressed, vendor nodes included.

    Raises:
        DmError: a node below has no name, or two siblings have one.
    """
    rest = [(node, place)]
    while rest:
        parent, at = rest.pop()
        seen: set[str] = set()
        for child in parent.children:
            if not child.name:
                raise DmError(_STRUCTURE, "a node below has no name", place=at)
            if child.name in seen:
                raise DmError(_STRUCTURE, "two nodes have one name", place=f"{at}/{child.name}")
            seen.add(child.name)
        rest += [(child, f"{at}/{child.name}") for child in reversed(parent.children)]


def _check_kind(node: TndsNode, wanted: NodeDescription, place: str) -> None:
    if wanted.format is not None and node.format is not wanted.format:
        raise DmError(
            _STRUCTURE,
            _kind_fault(node, wanted.format),
            place=place,
            wanted=wanted.format.value,
            found=node.format.value,
        )
    if not wanted.types:
        return
    if node.is_interior:
        if node.mo_id is not None and node.mo_id not in wanted.types:
            raise UnsupportedError(f"management object {node.mo_id[:80]!r}", place)
    elif node.type is not None and node.type.kind is TypeKind.MIME and node.type.text not in {"", *wanted.types}:
        type_ = repr(node.type.text[:80])
        raise DmError(_STRUCTURE, "another Type", place=place, wanted=", ".join(wanted.types), found=type_)


def _kind_fault(node: TndsNode, wanted: NodeFormat) -> str:
    if node.is_interior:
        return "an interior node stands where a leaf belongs"
    return "a leaf stands where an interior node belongs" if wanted is NodeFormat.NODE else "another Format"


def _check_number(node: TndsNode, wanted: NodeDescription, place: str) -> None:
    counts = dict.fromkeys((child.name for child in wanted.children), 0)
    for child in node.children:
        described = wanted.child(child.name)
        if described is not None:
            counts[described.name] += 1
    for described in wanted.children:
        count = counts[described.name]
        if count == 0 and described.occurrence.is_required:
            if not described.name:
                raise DmError(_STRUCTURE, "the node has no children", place=place, wanted="at least one")
            raise DmError(_STRUCTURE, "the node is missing", place=f"{place}/{described.name}")
        maximum = 1 if described.maximum is None and described.occurrence in _SINGLE else described.maximum
        if maximum is not None and count > maximum:
            raise DmError(_STRUCTURE, "too many nodes", place=place, wanted=f"at most {maximum}", found=str(count))


def _described_children(
    node: TndsNode, wanted: NodeDescription, place: str
) -> Iterator[tuple[TndsNode, NodeDescription, str]]:
    """Yield the children that have a description, each with its place."""
    for child in node.children:
        at = f"{place}/{child.name}"
        described = wanted.child(child.name)
        if described is not None:
            yield child, described, at
        elif wanted.free or wanted.name == EXT:
            continue
        elif child.mo_id is not None:
            raise UnsupportedError(f"management object {child.mo_id[:80]!r}", at)
        else:
            raise DmError(_STRUCTURE, "not a node of this object; vendor nodes go below Ext", place=at)
