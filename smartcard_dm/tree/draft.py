"""From the nodes of a TNDS object to the rows they become, before the tree is asked anything about them.

Guarantees: every row is at a place the device has a node for, with a Format that goes there and a value of that Format;
what stands below a vendor branch that nobody handles is left out and noted; references get their final names.
Leaves to its caller: rights, what is there already, and storing the rows.

Spec: OMA-TS-DM_TNDS-V1_2, 6.2; OMA-TS-DM_Sessionless 5.4 (ACLs in the TNDS data), 5.5 (items of the EXT sub-tree;
references).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from smartcard_dm.dm import INBOX_URI, NodeFormat, NodeUri, TypeKind
from smartcard_dm.tree.described import types_of
from smartcard_dm.tree.journal import Rewritten, Skipped
from smartcard_dm.tree.nodes import NodeRow, path_of, uri_of
from smartcard_dm.tree.status import CommandRefused, StatusCode
from smartcard_dm.tree.values import check_value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from smartcard_dm.dm import TndsNode
    from smartcard_dm.dm.description import NodeDescription
    from smartcard_dm.tree.context import Context
    from smartcard_dm.tree.placing import Placement

_INBOX: Final = f"{INBOX_URI}/"


class DraftNode(NamedTuple):
    """One row to be, with what the TNDS object says of its ACL."""

    row: NodeRow
    description: NodeDescription
    acl: str | None
    """The ACL that the object gives, canonical, perhaps empty; None when it gives none."""


def draft(
    context: Context, placement: Placement, above: Sequence[NodeRow], references: Mapping[str, str]
) -> list[DraftNode]:
    """Return the rows of a placed node and all below it, parents first.

    Args:
        context: the message.
        placement: the node and its place.
        above: the rows from the root towards the place, as far as they are there.
        references: what connectivity references may say, with what they will say.

    Raises:
        CommandRefused: the device has no such node, another Format belongs there, or a value is not of its Format.
    """
    segments = placement.uri.segments
    types = types_of(above[: len(segments)])
    types += [*[""] * (len(segments) - len(types)), placement.node.mo_id or ""]
    known = context.descriptions.of(segments, types)
    if known is None:
        raise _unknown(path_of(placement.uri))
    found: list[DraftNode] = []
    limits = context.limits
    rest = [(placement.node, path_of(placement.uri), known.description, segments, tuple(types))]
    while rest:
        node, path, description, names, kinds = rest.pop()
        if len(names) > limits.node_uri_segments or len(path.encode()) + 2 > limits.node_uri_octets:
            context.want_room(NodeUri(names))
        if description.format is not None and description.format is not node.format:
            detail = f"{uri_of(path)} has Format {description.format.value}, not {node.format.value}"
            raise CommandRefused(StatusCode.UNSUPPORTED_MEDIA_TYPE_OR_FORMAT, detail)
        check_value(node.format, node.value)
        row = NodeRow(path, node.format.value, node.value, "", node.title, context.tstamp, _type(node))
        row = _with_reference(context, row, description, references)
        found.append(DraftNode(row, description, str(node.acl) if node.acl is not None else None))
        taken = []
        for child in node.children:
            place, kind = (*names, child.name), (*kinds, child.mo_id or "")
            below = _below(context, child, place, kind)
            if below is not None:
                taken.append((child, f"{path}/{child.name}", below, place, kind))
        rest += reversed(taken)
    return found


def _below(context: Context, child: TndsNode, place: tuple[str, ...], types: tuple[str, ...]) -> NodeDescription | None:
    """Return what is known of a child; None for one that is left out."""
    uri = "/".join((".", *place))
    if not child.name:
        raise CommandRefused(StatusCode.COMMAND_FAILED, f"a node below {'/'.join(('.', *place[:-1]))} has no name")
    descriptions = context.descriptions
    known = descriptions.of(place, types)
    if known is not None:
        return known.description
    if descriptions.in_ext(place, descriptions.object_root(place, types)):
        context.journal.skipped.append(Skipped(uri, child.name, "nobody handles this vendor branch"))
        return None
    raise _unknown("/".join(place))


def _with_reference(
    context: Context, row: NodeRow, description: NodeDescription, references: Mapping[str, str]
) -> NodeRow:
    if not description.reference or not isinstance(row.value, str):
        return row
    final = references.get(row.value.strip().rstrip("/"))
    if final is None:
        if row.value.startswith(_INBOX):
            context.journal.warnings.append(
                f"{uri_of(row.path)} refers to {row.value}, and no object of the same TNDS object stands there"
            )
        return row
    if final == row.value:
        return row
    context.journal.rewritten.append(Rewritten(uri_of(row.path), row.value, final))
    return row._replace(value=final)


def _type(node: TndsNode) -> str:
    if node.type is None:
        return ""
    if node.is_interior:
        return node.type.text if node.type.kind is TypeKind.DDF_NAME else ""
    return node.type.text or ("text/plain" if node.format is NodeFormat.CHR else "")


def _unknown(path: str) -> CommandRefused:
    detail = f"the device has no node {uri_of(path)} in this object; vendor nodes go below Ext"
    return CommandRefused(StatusCode.COMMAND_NOT_ALLOWED, detail)
