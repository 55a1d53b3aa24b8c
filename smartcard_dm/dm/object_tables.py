"""Short forms in which the tables of the built-in management objects are written.

Guarantees: constants and functions without state. Leaves to its caller: what the objects consist of.
Spec: OMA-TS-DM_StdObj-V1_2_1, 5.1.2 (access types of a table are the least; a device may allow more).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from smartcard_dm.dm.description import EVERY_ACCESS, AccessType, NodeDescription, Occurrence, Scope
from smartcard_dm.dm.formats import NodeFormat

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

EXT: Final = "Ext"
"""Name of the branch below which vendors put nodes of their own."""
SECRET_ACCESS: Final = EVERY_ACCESS - {AccessType.GET, AccessType.COPY}
"""What may be done with a secret: it is written and removed, and never comes out again."""


def leaf(
    name: str,
    format_: NodeFormat | None = NodeFormat.CHR,
    *,
    occurrence: Occurrence = Occurrence.ZERO_OR_ONE,
    reference: bool = False,
) -> NodeDescription:
    """Describe a leaf."""
    return NodeDescription(name=name, format=format_, occurrence=occurrence, reference=reference)


def secret(name: str, format_: NodeFormat = NodeFormat.CHR) -> NodeDescription:
    """Describe a leaf whose value never leaves the device."""
    return NodeDescription(name=name, format=format_, access=SECRET_ACCESS, secret=True)


def interior(
    name: str,
    *children: NodeDescription,
    occurrence: Occurrence = Occurrence.ZERO_OR_ONE,
    types: tuple[str, ...] = (),
    free: bool = False,
) -> NodeDescription:
    """Describe an interior node; the empty name stands for any."""
    return NodeDescription(
        name=name, format=NodeFormat.NODE, occurrence=occurrence, types=types, free=free, children=children
    )


def permanent(description: NodeDescription, access: AbstractSet[AccessType]) -> NodeDescription:
    """Return the description with every node of it permanent and of these access types."""
    children = tuple(permanent(child, access) for child in description.children)
    return replace(description, scope=Scope.PERMANENT, access=frozenset(access), children=children)
