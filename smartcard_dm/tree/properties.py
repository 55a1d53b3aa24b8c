"""Replacing a property of a node: `./a/b?prop=ACL`.

    property                    Replace
    ACL                         the whole value; at the root, Add stays as it is
    Name                        renames; not for a permanent node, nor for one whose object fixes its name
    Title                       at most 255 octets
    Format Size TStamp Type     405: for Get only
    VerNo
    any other                   406: not supported

Guarantees: a refusal changes nothing. Leaves to its caller: a savepoint.
Spec: OMA-TS-DM_TND-V1_2_1, 7.3 to 7.7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smartcard_dm.dm import AclCommand, NodeUri, TextData, parse_acl
from smartcard_dm.dm.properties import CHANGEABLE_PROPERTIES, PROPERTIES
from smartcard_dm.dm.tnds_read import MAX_TITLE_OCTETS
from smartcard_dm.dm.uri import segment_fault
from smartcard_dm.errors import DecodeError
from smartcard_dm.tree.described import types_of
from smartcard_dm.tree.nodes import path_of
from smartcard_dm.tree.rights import read_acl
from smartcard_dm.tree.server_ids import want_one_account
from smartcard_dm.tree.status import CommandRefused, StatusCode

if TYPE_CHECKING:
    from smartcard_dm.dm import Item, PropertyUri
    from smartcard_dm.tree.context import Context
    from smartcard_dm.tree.nodes import Lineage, NodeRow


def want_property(name: str) -> None:
    """Refuse a property that the tree does not keep.

    Raises:
        CommandRefused: status 406.
    """
    if name not in PROPERTIES:
        detail = f"no property {name[:40]!r}; the tree keeps {', '.join(PROPERTIES)}"
        raise CommandRefused(StatusCode.OPTIONAL_FEATURE_NOT_SUPPORTED, detail)


def replace_property(context: Context, target: PropertyUri, item: Item) -> None:
    """Carry out a Replace of a property.

    Raises:
        CommandRefused: nothing was changed.
    """
    want_property(target.property)
    line = context.nodes.line(target.node)
    if line.node is None:
        raise CommandRefused(StatusCode.NOT_FOUND, f"{target.node} is not there")
    if target.property not in CHANGEABLE_PROPERTIES:
        raise CommandRefused(StatusCode.COMMAND_NOT_ALLOWED, f"the property {target.property} is for Get only")
    if item.data is not None and not isinstance(item.data, TextData):
        detail = f"the property {target.property} is text"
        raise CommandRefused(StatusCode.UNSUPPORTED_MEDIA_TYPE_OR_FORMAT, detail)
    if item.data is None:
        raise CommandRefused(StatusCode.INCOMPLETE_COMMAND, "the item has no Data")
    text = item.data.text
    if target.property == "ACL":
        _replace_acl(context, line, line.node, text)
        return
    if target.property == "Title":
        context.rights.want(AclCommand.REPLACE, line.rows)
        _replace_title(context, line.node, text)
    else:
        _rename(context, line, line.node, text)


def _replace_acl(context: Context, line: Lineage, node: NodeRow, text: str) -> None:
    context.rights.want_acl_change(line)
    try:
        acl = parse_acl(text.strip())
    except DecodeError as error:
        raise CommandRefused(StatusCode.COMMAND_FAILED, str(error)) from error
    if line.uri.is_root:
        if acl.is_empty:
            raise CommandRefused(StatusCode.COMMAND_NOT_ALLOWED, "the root's ACL is never empty")
        before = [entry for entry in read_acl(node.acl).entries if entry.command is AclCommand.ADD]
        if [entry for entry in acl.entries if entry.command is AclCommand.ADD] != before:
            raise CommandRefused(StatusCode.COMMAND_NOT_ALLOWED, "the Add entry of the root's ACL stays as it is")
    context.nodes.change(node, node._replace(acl=str(acl)), context.tstamp)


def _replace_title(context: Context, node: NodeRow, text: str) -> None:
    if len(text.encode()) > MAX_TITLE_OCTETS:
        raise CommandRefused(StatusCode.COMMAND_FAILED, f"a title has at most {MAX_TITLE_OCTETS} octets")
    context.nodes.change(node, node._replace(title=text or None), context.tstamp)


def _rename(context: Context, line: Lineage, node: NodeRow, name: str) -> None:
    known = context.descriptions.of(line.uri.segments, types_of(line.rows))
    if line.uri.is_root or (known is not None and known.description.is_permanent):
        raise CommandRefused(StatusCode.COMMAND_NOT_ALLOWED, f"{line.uri} is a permanent node and keeps its name")
    if known is not None and known.description.name and len(line.uri.segments) > known.root:
        raise CommandRefused(StatusCode.COMMAND_NOT_ALLOWED, f"the object that {line.uri} belongs to fixes its name")
    context.rights.want(AclCommand.REPLACE, line.rows)
    fault = segment_fault(name)
    if fault is not None:
        raise CommandRefused(StatusCode.COMMAND_FAILED, f"not a node name: {fault}")
    new: NodeUri = line.uri.parent.child(name)
    if new == line.uri:
        return
    context.want_room(new)
    _want_free_name(context, line, new)
    for row in context.nodes.below(node.path):
        context.want_room(NodeUri(new.segments + tuple(row.path.split("/"))[len(new.segments) :]))
    if not node.is_interior:
        want_one_account(context, [node._replace(path=path_of(new))])
    changed = context.nodes.change(node, node, context.tstamp)
    context.nodes.rename(changed.path, name)
    context.journal.moves.append((path_of(line.uri), path_of(new)))


def _want_free_name(context: Context, line: Lineage, new: NodeUri) -> None:
    """Refuse a name that a description keeps for one node; 418 is for a sibling that is there."""
    if context.nodes.get(path_of(new)) is not None:
        raise CommandRefused(StatusCode.ALREADY_EXISTS, f"{new} is there already")
    found = context.descriptions.of(new.segments, types_of(line.rows))
    if found is None or found.description.is_permanent or (found.description.name and len(new.segments) > found.root):
        raise CommandRefused(StatusCode.COMMAND_NOT_ALLOWED, f"the device keeps the name {new} for another node")
