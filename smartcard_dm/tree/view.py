"""Looking at a tree from outside: what its operator sees, what one server would get, what goes into an export.

    who            sees                                          does not see
    the operator   every node, whatever its ACL and access types values that are secrets; anything below ./Inbox
    a server       what a Get of it would give                   what its rights or the access types do not allow

Guarantees: nothing is changed; one state of the tree is seen; no value that is a secret is returned, whoever asks.
Leaves to its caller: printing.

Spec: OMA-TS-DM_TND-V1_2_1, 7.3 to 7.7 (properties); OMA-TS-DM_RepPro-V1_2_1, 6.5.7 and 10 (Get, its status);
OMA-TS-DM_StdObj-V1_2_1, 5.3.4 (nothing is read below the Inbox).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from smartcard_dm.dm import INBOX_URI, NodeUri, PropertyUri, TndsDocument
from smartcard_dm.tree.diff import MASK
from smartcard_dm.tree.items import want_readable
from smartcard_dm.tree.nodes import parent_of, path_of, uri_of
from smartcard_dm.tree.properties import want_property
from smartcard_dm.tree.serialise import to_tnds
from smartcard_dm.tree.status import CommandRefused, StatusCode

if TYPE_CHECKING:
    from datetime import datetime

    from smartcard_dm.dm import ServerId
    from smartcard_dm.identity import Origin
    from smartcard_dm.tree.device_tree import DeviceTree
    from smartcard_dm.tree.nodes import NodeRow


@dataclass(frozen=True, slots=True)
class SeenNode:
    """One node as its operator sees it."""

    row: NodeRow
    """Its value is `MASK` for a secret."""
    depth: int
    """Nodes between it and the one that was asked for; 0 for that one."""
    secret: bool
    acl: str
    """The ACL that decides for it, its own or one above."""
    acl_from: str
    """URI of the node whose ACL that is."""
    origin: Origin | None
    """Where on a card it was found; for the nodes at which such objects begin."""
    hidden: int
    """How many nodes stand below it that were not asked for."""

    @property
    def uri(self) -> str:
        """Its URI."""
        return uri_of(self.row.path)


@dataclass(frozen=True, slots=True)
class Got:
    """What a Get gives."""

    target: NodeUri | PropertyUri
    server_id: ServerId | None
    """Who asks; None for the operator."""
    status: StatusCode
    detail: str
    """Why there is nothing, in one sentence; empty with status 200."""
    format: str | None = None
    """Format of the value; None when there is nothing."""
    value: str | bytes | None = None
    """None for an interior node; `MASK` for a secret that a server would get."""
    names: tuple[str, ...] | None = None
    """For an interior node, the names directly below it."""
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Exported:
    """A branch of the tree as a TNDS object."""

    document: TndsDocument
    nodes: int
    secrets: tuple[str, ...]
    """URIs of the leaves that were left out because their values are secrets."""


def look(tree: DeviceTree, uri: NodeUri, *, depth: int | None = None) -> list[SeenNode]:
    """Return a node and what stands below it, parents first and siblings together; nothing when it is not there.

    Args:
        tree: the tree.
        uri: the node.
        depth: how many levels below it; None for all.
    """
    with tree.reading():
        line = tree.nodes.line(uri)
        if line.node is None:
            return []
        rows = tree.nodes.below(line.node.path)
        origins = tree.provenance.origins()
        secrets = tree.secrets
        secrets.learn((*line.rows, *rows))
        children: dict[str, list[NodeRow]] = {row.path: [] for row in rows}
        for row in rows[1:]:
            children[parent_of(row.path) or ""].append(row)
        deciding = next((row for row in reversed(line.rows) if row.acl), line.rows[0])
        found: list[SeenNode] = []
        rest = [(line.node, 0, deciding)]
        while rest:
            row, level, above = rest.pop()
            decides = row if row.acl else above
            secret = secrets.is_secret(row)
            shown = depth is None or level < depth
            hidden = 0 if shown else len(tree.nodes.below(row.path)) - 1
            seen = row._replace(value=MASK) if secret else row
            origin = origins.get(row.path)
            found.append(SeenNode(seen, level, secret, decides.acl, uri_of(decides.path), origin, hidden))
            if shown:
                rest.extend((child, level + 1, decides) for child in reversed(children[row.path]))
        return found


def get(tree: DeviceTree, target: NodeUri | PropertyUri, *, server_id: ServerId | None = None, at: datetime) -> Got:
    """Return what a Get of a node or a property gives: to a server, or to the operator, whom no ACL holds back."""
    try:
        with tree.reading():
            return _get(tree, target, server_id, at)
    except CommandRefused as refused:
        return Got(target, server_id, refused.status, refused.detail)


def export(tree: DeviceTree, uri: NodeUri) -> Exported | None:
    """Return a branch as a TNDS object, ACLs included, secrets left out; None when it is not there.

    The root gives every node directly below it. The object is for the target `.`: each of its nodes says where it goes.
    A leaf that is a secret itself gives an object without nodes.
    """
    with tree.reading():
        line = tree.nodes.line(uri)
        if line.node is None:
            return None
        rows = tree.nodes.below(line.node.path)
        secrets = tree.secrets
        secrets.learn((*line.rows, *rows))
        left_out = {row.path for row in rows if secrets.is_secret(row)}
        tops = [row for row in rows[1:] if parent_of(row.path) == ""] if uri.is_root else [line.node]
        nodes = tuple(
            replace(
                to_tnds(tree.nodes.below(top.path), shown=lambda row: row.path not in left_out),
                path=NodeUri() if uri.is_root else uri.parent,
            )
            for top in tops
            if top.path not in left_out
        )
    count = sum(1 for node in nodes for _ in node.walk())
    return Exported(TndsDocument(nodes), count, tuple(uri_of(row.path) for row in rows if row.path in left_out))


def _get(tree: DeviceTree, target: NodeUri | PropertyUri, server_id: ServerId | None, at: datetime) -> Got:
    uri, prop = (target.node, target.property) if isinstance(target, PropertyUri) else (target, None)
    if prop is not None:
        want_property(prop)
    if server_id is None and uri != INBOX_URI and not uri.is_below(INBOX_URI):
        row = tree.nodes.get(path_of(uri))
        if row is None:
            raise CommandRefused(StatusCode.NOT_FOUND, f"{uri} is not there")
    else:
        row = want_readable(tree.context(server_id, at), uri, of_property=prop is not None)
    secret = tree.secrets.is_secret(row)
    if prop is not None:
        value = MASK if secret and prop == "Size" else _property(row, prop)
        return Got(target, server_id, StatusCode.OK, "", "chr", value, secret=value == MASK and secret)
    if row.is_interior:
        names = tuple(child.name for child in tree.nodes.children(row.path))
        return Got(target, server_id, StatusCode.OK, "", row.format, names=names)
    if secret and server_id is None:
        raise CommandRefused(StatusCode.COMMAND_NOT_ALLOWED, f"the value of {uri} is a secret")
    return Got(target, server_id, StatusCode.OK, "", row.format, MASK if secret else row.value, secret=secret)


def _property(row: NodeRow, name: str) -> str:
    if name == "Size" and row.is_interior:
        detail = f"{uri_of(row.path)} is an interior node and has no Size"
        raise CommandRefused(StatusCode.OPTIONAL_FEATURE_NOT_SUPPORTED, detail)
    values = {
        "ACL": row.acl,
        "Format": row.format,
        "Name": row.name or ".",
        "Size": str(row.size),
        "Title": row.title or "",
        "TStamp": row.tstamp or "",
        "Type": row.type,
        "VerNo": str(row.verno),
    }
    return values[name]
