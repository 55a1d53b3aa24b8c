"""A management object as a bootstrap object gives it, before it has a place in a tree.

Guarantees: a frozen value; the node keeps its properties, ACLs included, and its `repr` shows no value of a leaf.
Leaves to its caller: whether the object is supported, its final place, and rewriting references among its group.
Spec: OMA-TS-DM_Bootstrap-V1_2_1, 5.3.4 (rights), 5.4.5 (references in one TNDS object).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smartcard_dm.dm.server_id import ServerId
    from smartcard_dm.dm.tnds import TndsNode
    from smartcard_dm.identity import Origin


@dataclass(frozen=True, slots=True)
class ProvidedObject:
    """One management object and what its source says about it."""

    node: TndsNode
    """The object's own node, with everything below it."""
    path: str
    """Where it stands in what it came in, such as `NAP/internet`: a reference `./Inbox/<path>` from another object of
    the group means this one. Empty when the node has no name, so that nothing can refer to it."""
    group: int
    """Number of the TNDS object or document within the source: references never leave a group."""
    server_id: ServerId | None = None
    """The server that gets rights where the object says nothing; None when the source names none."""
    origin: Origin | None = None
    """Where the object was read; set by the reader."""
