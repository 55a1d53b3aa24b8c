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


def want_one_account(context: Context, path: str, value: str | bytes | None, *, replacing: str | None = None) -> None:
    """Refuse to write a ServerID that another account has.

    Args:
        context: the message; the device itself is not refused.
        path: the leaf that is written.
        value: its new value.
        replacing: path of a branch that goes at the same time, if one does.

    Raises:
        CommandRefused: status 418.
    """
    above, _, name = path.rpartition("/")
    if context.server_id is None:
        return  # what the card holds twice has to be seen twice, to be refused
    if name != _LEAF or not isinstance(value, str):
        return
    for row in context.nodes.named(_LEAF, value):
        if row.path == path or (replacing is not None and row.path.startswith(f"{replacing}/")):
            continue
        other = parent_of(row.path) or ""
        root = context.nodes.get(other)
        if root is not None and is_account(root):
            detail = f"{uri_of(other)} is an account of {value} already, and {uri_of(above)} would be a second one"
            raise CommandRefused(StatusCode.ALREADY_EXISTS, detail)
