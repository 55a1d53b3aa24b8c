"""From stored rows back to the nodes of a TNDS object.

Guarantees: adding the nodes to another tree gives equal rows, time stamps and version numbers aside.
Leaves to its caller: what may be shown; a value that is left out makes its leaf be left out.

Spec: OMA-TS-DM_TNDS-V1_2, 6.2; OMA-TS-DM_TND-V1_2_1, 7.5 (what a server that reads a sub-tree gets).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smartcard_dm.dm import NodeFormat, NodeType, TndsNode, TypeKind
from smartcard_dm.tree.nodes import parent_of
from smartcard_dm.tree.rights import read_acl

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smartcard_dm.tree.nodes import NodeRow


def _everything(row: NodeRow) -> bool:
    del row
    return True


def to_tnds(
    rows: Sequence[NodeRow], *, shown: Callable[[NodeRow], bool] = _everything, acl: bool = True, stamps: bool = False
) -> TndsNode:
    """Return the first row's node with everything below it.

    Args:
        rows: a node and all below it, parents before children.
        shown: whether a node is part of the result; what stands below one that is not goes with it.
        acl: whether ACLs are given.
        stamps: whether time stamps and version numbers are given.
    """
    children: dict[str, list[NodeRow]] = {row.path: [] for row in rows if row.is_interior}
    for row in rows[1:]:
        above = parent_of(row.path)
        if above in children:
            children[above].append(row)
    return _node(rows[0], children, shown, (acl, stamps))


def _node(
    row: NodeRow, children: dict[str, list[NodeRow]], shown: Callable[[NodeRow], bool], given: tuple[bool, bool]
) -> TndsNode:
    acl, stamps = given
    format_ = NodeFormat(row.format)
    below = tuple(_node(child, children, shown, given) for child in children.get(row.path, ()) if shown(child))
    kind = TypeKind.DDF_NAME if row.is_interior else TypeKind.MIME
    return TndsNode(
        name=row.name,
        format=format_,
        value=row.value,
        children=below,
        type=NodeType(kind, row.type),
        acl=read_acl(row.acl) if acl and row.acl else None,
        title=row.title,
        tstamp=row.tstamp if stamps else None,
        verno=row.verno if stamps else None,
    )
