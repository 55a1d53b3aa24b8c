"""One account for each ServerID: no message may make a second one.

The verifier refuses every message of a server that two accounts claim (step 4). A server that could add an account with
another server's ServerID would cut that one off.

Guarantees: the check is made for every way in which a ServerID can be written.
Leaves to its caller: trees that have two already; they can still be repaired.

Spec: OMA-TS-DM_Sessionless 5.5 (the ServerID matches only one DMAcc).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smartcard_dm.dm.namespaces import DMACC_VERSIONS
from smartcard_dm.tree.nodes import parent_of, uri_of
from smartcard_dm.tree.status import CommandRefused, StatusCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from smartcard_dm.tree.context import Context
    from smartcard_dm.tree.nodes import NodeRow, Nodes

ACCOUNTS: Final = "DMAcc"
"""Path of the node below which accounts stand."""
_LEAF: Final = "ServerID"


def is_account(row: NodeRow) -> bool:
    """Whether an account begins at a node: its Type says so, or it stands directly below `./DMAcc`."""
    return row.is_interior and (row.type in DMACC_VERSIONS or parent_of(row.path) == ACCOUNTS)


def account_roots(nodes: Nodes) -> list[NodeRow]:
    """Return the nodes at which accounts begin, in the order in which they were added."""
    typed = nodes.objects(DMACC_VERSIONS)
    seen = {row.path for row in typed}
    return typed + [row for row in nodes.children(ACCOUNTS) if row.is_interior and row.path not in seen]


def accounts_of(nodes: Nodes, server_id: str) -> list[str]:
    """Return the paths of the accounts that have a ServerID."""
    found: list[str] = []
    for leaf in nodes.server_ids(server_id):
        path = parent_of(leaf.path) or ""
        root = nodes.get(path)
        if root is not None and is_account(root):
            found.append(path)
    return found


def want_one_account(
    context: Context,
    written: Iterable[NodeRow],
    *,
    branch: Mapping[str, NodeRow] | None = None,
    replacing: str | None = None,
) -> None:
    """Refuse to write the ServerID of an account that another account has.

    A leaf of this name anywhere else is no account's, and says nothing.

    Args:
        context: the message; the device itself is not refused.
        written: nodes as they will be; leaves whose parent becomes an account are among them.
        branch: by path, all nodes that come at the same time, as they will be.
        replacing: path of a branch that goes at the same time, if one does.

    Raises:
        CommandRefused: status 418.
    """
    if context.server_id is None:
        return  # what the card holds twice has to be seen twice, to be refused
    coming = branch or {}
    among: dict[str | bytes | None, list[NodeRow]] = {}
    for row in coming.values():
        if row.name == _LEAF:
            among.setdefault(row.value, []).append(row)
    for leaf in written:
        if leaf.name != _LEAF or not isinstance(leaf.value, str) or not _is_of_account(context, leaf, coming):
            continue
        stay = [
            row
            for row in context.nodes.server_ids(leaf.value)
            if replacing is None or not (row.path == replacing or row.path.startswith(f"{replacing}/"))
        ]
        for row in [*stay, *among.get(leaf.value, [])]:
            if row.path != leaf.path and _is_of_account(context, row, coming):
                ours, other = uri_of(parent_of(leaf.path) or ""), uri_of(parent_of(row.path) or "")
                detail = f"{other} is an account of {leaf.value} already, and {ours} would be a second one"
                raise CommandRefused(StatusCode.ALREADY_EXISTS, detail)


def _is_of_account(context: Context, leaf: NodeRow, coming: Mapping[str, NodeRow]) -> bool:
    """Whether the node above a leaf is, or will be, where an account begins."""
    above = parent_of(leaf.path) or ""
    if parent_of(above) == ACCOUNTS:
        return True
    root = coming.get(above) or context.nodes.get(above)
    return root is not None and is_account(root)
