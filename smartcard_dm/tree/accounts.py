"""The accounts in the tree: read for the verifier, compared before and after, taken out of ACLs when they go.

Guarantees: every DMAcc in the tree is told, one that cannot be read too, as long as it has a ServerID: two of one
ServerID are never seen as one. Leaves to its caller: transactions.

Spec: OMA-TS-DM_Sessionless 5.5 ("in only one of the DMAcc in the DM Tree"); OMA-TS-DM_TND-V1_2_1, 7.7.1.4 (ACLs when an
account goes).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from smartcard_dm.dm import Acl, AclEntry, Origin, parse_dmacc, parse_server_id
from smartcard_dm.errors import DecodeError, UnsupportedError
from smartcard_dm.tree.nodes import uri_of
from smartcard_dm.tree.rights import read_acl
from smartcard_dm.tree.serialise import to_tnds
from smartcard_dm.tree.server_ids import account_roots
from smartcard_dm.trust.credentials import UnusableAccount

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smartcard_dm.dm import DmAccount, ServerId
    from smartcard_dm.tree.nodes import NodeRow, Nodes

FACTORY_ROOT_ACL = "Add=*&Get=*"
"""Spec: OMA-TS-DM_TND-V1_2_1, 7.7.1.1."""


@dataclass(frozen=True, slots=True)
class TreeAccounts:
    """The accounts of one tree."""

    accounts: tuple[DmAccount, ...]
    unusable: tuple[UnusableAccount, ...]
    warnings: tuple[str, ...]
    places: tuple[tuple[ServerId, str], ...]
    """Every ServerID with the URI of its account, usable or not."""
    roots: frozenset[str]
    """Paths of all nodes at which an account begins."""

    @property
    def server_ids(self) -> frozenset[ServerId]:
        """Every ServerID."""
        return frozenset(server_id for server_id, _ in self.places)


def read_tree_accounts(nodes: Nodes, origins: Mapping[str, Origin]) -> TreeAccounts:
    """Return the accounts of a tree.

    Args:
        nodes: the tree.
        origins: by path, where on a card the account of that node was found.
    """
    accounts: list[DmAccount] = []
    unusable: list[UnusableAccount] = []
    warnings: list[str] = []
    places: list[tuple[ServerId, str]] = []
    roots = account_roots(nodes)
    for root in roots:
        rows = nodes.below(root.path)
        uri = uri_of(root.path)
        try:
            server_id = _server_id(rows, uri)
        except DecodeError as error:
            warnings.append(f"{uri} is no account: {error}")
            continue
        if server_id is None:
            warnings.append(f"{uri} is no account: it has no ServerID")
            continue
        places.append((server_id, uri))
        origin = origins.get(root.path, Origin("account", uri, ""))
        try:
            accounts.append(replace(parse_dmacc(to_tnds(rows), place=uri), origin=origin))
        except (DecodeError, UnsupportedError) as error:
            unusable.append(UnusableAccount(server_id, uri, str(error)))
    return TreeAccounts(
        tuple(accounts), tuple(unusable), tuple(warnings), tuple(places), frozenset(root.path for root in roots)
    )


def take_out_of_acls(nodes: Nodes, server_id: ServerId, tstamp: str) -> list[str]:
    """Remove a ServerID from every ACL; return the URIs of the nodes whose ACL changed.

    Entries without a server disappear, and so do ACLs without an entry; at the root a command that nobody has any more
    goes back to what the factory gave, which is everyone for Add and Get.
    """
    changed: list[str] = []
    for row in nodes.with_acl():
        before = read_acl(row.acl)
        entries = [_without(entry, server_id) for entry in before.entries]
        after = Acl(tuple(entry for entry in entries if entry is not None))
        if after == before:
            continue
        if not row.path:
            after = _with_factory_entries(before, after)
        nodes.change(row, row._replace(acl=str(after)), tstamp)
        changed.append(uri_of(row.path))
    return changed


def _server_id(rows: list[NodeRow], uri: str) -> ServerId | None:
    path = f"{rows[0].path}/ServerID"
    leaf = next((row for row in rows if row.path == path), None)
    if leaf is None or not isinstance(leaf.value, str):
        return None
    return parse_server_id(leaf.value, place=f"{uri}/ServerID")


def _without(entry: AclEntry, server_id: ServerId) -> AclEntry | None:
    if entry.everyone or server_id not in entry.servers:
        return entry
    rest = entry.servers - {server_id}
    return AclEntry(entry.command, rest) if rest else None


def _with_factory_entries(before: Acl, after: Acl) -> Acl:
    """Return the root's ACL with every command that lost its last server given back as the factory had it."""
    factory = {entry.command: entry for entry in read_acl(FACTORY_ROOT_ACL).entries}
    kept = {entry.command: entry for entry in after.entries}
    for entry in before.entries:
        if entry.command not in kept and entry.command in factory:
            kept[entry.command] = factory[entry.command]
    if not kept:
        kept = factory
    return Acl(tuple(sorted(kept.values(), key=lambda entry: entry.command.value)))
