"""Adding a branch to the tree, and putting one in the place of another: all of it, or nothing.

Guarantees: everything is decided before the first row is written; a refusal has the status that the failing node alone
would have caused. Leaves to its caller: what the branch is made of (see `draft`), and a savepoint around it.

Spec: OMA-TS-DM_RepPro-V1_2_1, 6.5.1 (Add, implicit parents), 6.5.12 (Replace), with TNDS objects; OMA-TS-DM_TND-V1_2_1,
7.7.1.3 (ACL of new nodes); OMA-TS-DM_Sessionless 5.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smartcard_dm.dm import AclCommand, NodeFormat
from smartcard_dm.dm.description import AccessType
from smartcard_dm.tree.described import types_of
from smartcard_dm.tree.nodes import NodeRow, parent_of, path_of, uri_of
from smartcard_dm.tree.server_ids import want_one_account
from smartcard_dm.tree.status import CommandRefused, StatusCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smartcard_dm.tree.context import Context
    from smartcard_dm.tree.draft import DraftNode
    from smartcard_dm.tree.nodes import Lineage


_NODE = NodeFormat.NODE


def want_new(context: Context, line: Lineage) -> None:
    """Refuse to add a node at a place where the server may not, where one is, or below what is no interior node.

    Raises:
        CommandRefused: status 405, 414, 418 or 425.
    """
    if line.node is not None:
        context.rights.want(AclCommand.ADD, line.rows[:-1] or line.rows)
        raise CommandRefused(StatusCode.ALREADY_EXISTS, f"{line.uri} is there already")
    nearest = line.nearest
    if not nearest.is_interior:
        raise CommandRefused(StatusCode.COMMAND_NOT_ALLOWED, f"{uri_of(nearest.path)} is a leaf and has no children")
    _want_addable(context, line.uri.segments[: len(line.rows)], line.rows)
    context.rights.want(AclCommand.ADD, line.rows)
    context.want_room(line.uri)


def _want_addable(context: Context, place: tuple[str, ...], above: Sequence[NodeRow]) -> None:
    """Refuse to add a node where the device lets nobody add one.

    The access type Add is looked for at the node above and at the new one: makers' description files put it on either.

    Raises:
        CommandRefused: status 405.
    """
    types = types_of(above)
    parent = context.descriptions.of(place[:-1], types)
    if parent is None or AccessType.ADD in parent.description.access:
        return
    new = context.descriptions.of(place, types)
    if new is None or AccessType.ADD not in new.description.access:
        parent.want_access(AccessType.ADD, above[-1].path)


def want_no_permanent(context: Context, line: Lineage) -> None:
    """Refuse to make a permanent node: the device has it or has it not, whatever a server says.

    Raises:
        CommandRefused: status 405.
    """
    if context.server_id is None or not line.missing:
        return
    place = line.uri.segments[: len(line.rows)]
    if context.descriptions.is_fixed(place, types_of(line.rows)):
        detail = f"{uri_of('/'.join(place))} is a permanent node, which no server makes"
        raise CommandRefused(StatusCode.COMMAND_NOT_ALLOWED, detail)


def implicit_parents(context: Context, line: Lineage) -> list[NodeRow]:
    """Return the interior nodes that are missing between the nearest node and a new one.

    Raises:
        CommandRefused: status 405, the device has no such interior node.
    """
    names = line.uri.segments
    types = types_of(line.rows)
    made: list[NodeRow] = []
    rows = list(line.rows)
    for length in range(len(line.rows), len(names)):
        known = context.descriptions.of(names[:length], types)
        if known is None or known.description.format not in {None, _NODE}:
            detail = f"the device has no interior node {uri_of('/'.join(names[:length]))}"
            raise CommandRefused(StatusCode.COMMAND_NOT_ALLOWED, detail)
        acl = context.rights.given_to_new(rows)
        row = NodeRow("/".join(names[:length]), _NODE.value, acl=str(acl), tstamp=context.tstamp)
        made.append(row)
        rows.append(row)
        types.append("")
    return made


def add_branch(context: Context, line: Lineage, branch: Sequence[DraftNode]) -> None:
    """Add a branch at a place that `want_new` did not refuse, with the parents that are missing.

    Raises:
        CommandRefused: nothing was added.
    """
    parents = implicit_parents(context, line)
    chain = [*line.rows, *parents]
    rows = _with_acls(context, chain, branch)
    want_one_account(context, rows, branch={row.path: row for row in rows})
    context.nodes.add([*parents, *rows])


def replace_branch(context: Context, line: Lineage, branch: Sequence[DraftNode]) -> None:
    """Put a branch in the place of the one that is there: missing nodes go, new ones come, others change.

    A node that both have keeps its ACL unless the branch gives one.

    Raises:
        CommandRefused: nothing was changed.
    """
    top = line.node
    if top is None:
        raise CommandRefused(StatusCode.NOT_FOUND, f"{line.uri} is not there; Replace never makes a node")
    context.rights.want(AclCommand.REPLACE, line.rows)
    there = {row.path: row for row in context.nodes.below(top.path)}
    wanted = {node.row.path: node for node in branch}
    gone = _topmost([path for path in there if path not in wanted])
    for path in gone:
        _want_removal(context, line, there, path)
    changes = [
        (there[path], after)
        for path, node in wanted.items()
        if path in there and (after := _changed(context, line, there, node)) is not None
    ]
    new = _new_rows(context, line, there, [node for node in branch if node.row.path not in there])
    _want_accounts_apart(context, top, {path: row for path, row in there.items() if path in wanted}, changes, new)
    for path in gone:
        context.nodes.remove(path)
        context.journal.moves.append((path, None))
    for before, after in changes:
        context.nodes.change(before, after, context.tstamp)
    context.nodes.add(new)


def _want_accounts_apart(
    context: Context,
    top: NodeRow,
    kept: dict[str, NodeRow],
    changes: Sequence[tuple[NodeRow, NodeRow]],
    new: Sequence[NodeRow],
) -> None:
    """Refuse a branch that would make a second account; a node that gets a Type may become one with the leaf it has."""
    changed = {after.path: after for _, after in changes}
    retyped = {after.path for before, after in changes if before.type != after.type}
    branch = {**kept, **changed, **{row.path: row for row in new}}
    written = [*new, *changed.values(), *(row for row in kept.values() if parent_of(row.path) in retyped)]
    want_one_account(context, written, branch=branch, replacing=top.path)


def _with_acls(context: Context, chain: list[NodeRow], branch: Sequence[DraftNode]) -> list[NodeRow]:
    above: dict[str | None, list[NodeRow]] = {parent_of(branch[0].row.path): chain}
    rows: list[NodeRow] = []
    for node in branch:
        parents = above[parent_of(node.row.path)]
        row = _with_acl(context, parents, node)
        rows.append(row)
        if row.is_interior:
            above[row.path] = _deciding(parents, row)
    return rows


def _chain(line: Lineage, there: dict[str, NodeRow], path: str) -> list[NodeRow]:
    """Return the rows from the root to a node of the branch that is there, or to its nearest ancestor."""
    top = path_of(line.uri)
    names = path[len(top) + 1 :].split("/") if path != top else []
    rows = list(line.rows)
    at = top
    for name in names:
        at = f"{at}/{name}"
        if at not in there:
            break
        rows.append(there[at])
    return rows


def _want_removal(context: Context, line: Lineage, there: dict[str, NodeRow], path: str) -> None:
    rows = _chain(line, there, path)
    known = context.descriptions.of(tuple(path.split("/")), types_of(rows))
    if known is not None:
        known.want_dynamic(path)
        known.want_access(AccessType.DELETE, path)
    context.rights.want(AclCommand.DELETE, rows)


def _changed(context: Context, line: Lineage, there: dict[str, NodeRow], node: DraftNode) -> NodeRow | None:
    """Return what a node that is there becomes; None when it stays as it is."""
    before, wanted = there[node.row.path], node.row
    if before.is_interior != wanted.is_interior:
        detail = f"{uri_of(before.path)} is {'an interior node' if before.is_interior else 'a leaf'} and stays one"
        raise CommandRefused(StatusCode.COMMAND_NOT_ALLOWED, detail)
    rows = _chain(line, there, before.path)
    after = before._replace(
        format=wanted.format, value=wanted.value, type=wanted.type, title=wanted.title or before.title
    )
    if after != before:
        if AccessType.REPLACE not in node.description.access:
            detail = f"the device lets nobody replace {uri_of(before.path)}"
            raise CommandRefused(StatusCode.COMMAND_NOT_ALLOWED, detail)
        context.rights.want(AclCommand.REPLACE, rows)
    if node.acl is not None and node.acl != before.acl:
        context.rights.want_acl_change(line._replace(rows=tuple(rows)))
        after = after._replace(acl=node.acl)
    return None if after == before else after


def _new_rows(context: Context, line: Lineage, there: dict[str, NodeRow], branch: Sequence[DraftNode]) -> list[NodeRow]:
    """Return the rows that are new, with their ACLs; the right to add is asked for at the topmost of each branch."""
    rows: list[NodeRow] = []
    chains: dict[str, list[NodeRow]] = {}
    for node in branch:
        above = parent_of(node.row.path)
        assert above is not None  # noqa: S101 - the root is never new
        chain = chains.get(above)
        if chain is None:
            chain = _chain(line, there, above)
            _want_addable(context, tuple(node.row.path.split("/")), chain)
            context.rights.want(AclCommand.ADD, chain)
        row = _with_acl(context, chain, node)
        rows.append(row)
        if row.is_interior:
            chains[row.path] = _deciding(chain, row)
    return rows


def _with_acl(context: Context, above: list[NodeRow], node: DraftNode) -> NodeRow:
    """Return a new row with the ACL it gets: the one the object gives, else that of a new node."""
    if node.acl is not None:
        return node.row._replace(acl=node.acl)
    return node.row._replace(acl=str(context.rights.given_to_new(above))) if node.row.is_interior else node.row


def _deciding(above: list[NodeRow], row: NodeRow) -> list[NodeRow]:
    """Return a line that decides about rights as the whole line down to `row` does, and stays short."""
    return [row] if row.acl else above


def _topmost(paths: list[str]) -> list[str]:
    """Return the paths that have none of the others above them."""
    chosen = set(paths)
    return [path for path in paths if parent_of(path) not in chosen]
