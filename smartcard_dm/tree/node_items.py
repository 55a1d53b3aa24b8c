"""Items that concern one node: Add, Replace of a value, Delete, Copy.

What nobody may do (a permanent node, an access type: 405) is said before what this server may not (its ACL: 425).

Guarantees: what is refused changed nothing. Leaves to its caller: a savepoint around each item.

Spec: OMA-TS-DM_RepPro-V1_2_1, 6.5.1 (Add), 6.5.3 (Copy), 6.5.4 (Delete), 6.5.12 (Replace); OMA-TS-DM_TND-V1_2_1, 7.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smartcard_dm.dm import AclCommand, NodeFormat, TextData
from smartcard_dm.dm.description import AccessType
from smartcard_dm.tree.described import types_of
from smartcard_dm.tree.grafting import implicit_parents, want_new, want_no_permanent
from smartcard_dm.tree.left_out import LeftOut
from smartcard_dm.tree.nodes import NodeRow, path_of, uri_of
from smartcard_dm.tree.server_ids import want_one_account
from smartcard_dm.tree.status import CommandRefused, StatusCode
from smartcard_dm.tree.values import object_identifier, read_format, read_value

if TYPE_CHECKING:
    from smartcard_dm.dm import Item, Meta, NodeUri
    from smartcard_dm.tree.context import Context
    from smartcard_dm.tree.described import Knowledge
    from smartcard_dm.tree.nodes import Lineage


class NodeItems:
    """Carries out items of one message that concern one node each."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._left_out = LeftOut(context)

    def passes_over(self, uri: NodeUri) -> bool:
        """Whether a node is, or is below, what this message adds and the device leaves out; it is then noted."""
        return self._left_out.passes_over(uri)

    def add(self, uri: NodeUri, item: Item, meta: Meta) -> StatusCode:
        """Add a leaf or an empty interior node.

        Raises:
            CommandRefused: nothing was added.
        """
        context = self._context
        line = context.nodes.line(uri)
        identifier = object_identifier(meta.type) if meta.format == NodeFormat.NODE.value else ""
        if self._left_out.passes_over(uri, begins=True) or self._left_out.passes_over_missing(line, identifier):
            return StatusCode.OK
        want_new(context, line)
        format_ = read_format(meta)
        if self._left_out.passes_over_object(uri, identifier):
            return StatusCode.OK
        known = self._known(line, identifier)
        parents = implicit_parents(context, line)
        rows = [*line.rows, *parents]
        _want_format(known, format_, str(uri))
        path = path_of(uri)
        if format_ is NodeFormat.NODE:
            if isinstance(item.data, TextData) and item.data.text.strip():
                raise CommandRefused(StatusCode.COMMAND_FAILED, "an interior node has no value")
            acl = str(context.rights.given_to_new(rows))
            row = NodeRow(path, format_.value, None, acl, None, context.tstamp, identifier)
        else:
            value = read_value(item, meta, format_)
            type_ = meta.type or ("text/plain" if format_ is NodeFormat.CHR else "")
            row = NodeRow(path, format_.value, value, "", None, context.tstamp, type_)
        self._add(parents, row)
        return StatusCode.OK

    def replace(self, uri: NodeUri, item: Item, meta: Meta) -> StatusCode:
        """Replace the value of a leaf.

        Raises:
            CommandRefused: nothing was changed.
        """
        context = self._context
        if self._left_out.passes_over(uri):
            return StatusCode.OK
        line = context.nodes.line(uri)
        node = line.node
        if node is None:
            if self._left_out.passes_over_missing(line):
                return StatusCode.OK
            raise CommandRefused(StatusCode.NOT_FOUND, f"{uri} is not there; Replace never makes a node")
        known = self._want(AccessType.REPLACE, line, node)
        if node.is_interior:
            detail = f"{uri} is an interior node: only a TNDS object, or one of its properties, replaces it"
            raise CommandRefused(StatusCode.COMMAND_NOT_ALLOWED, detail)
        context.rights.want(AclCommand.REPLACE, line.rows)
        format_ = NodeFormat(node.format) if meta.format is None else read_format(meta)
        if format_ is NodeFormat.NODE:
            raise CommandRefused(StatusCode.COMMAND_NOT_ALLOWED, f"{uri} is a leaf and stays one")
        type_ = meta.type or node.type
        _want_same_kind(known, node, format_, type_)
        value = read_value(item, meta, format_)
        self._change(node, node._replace(format=format_.value, value=value, type=type_))
        return StatusCode.OK

    def delete(self, uri: NodeUri) -> StatusCode:
        """Delete a node and all below it, whatever the access types of what is below say.

        Raises:
            CommandRefused: nothing was deleted.
        """
        context = self._context
        if self._left_out.passes_over(uri):
            return StatusCode.OK
        line = context.nodes.line(uri)
        if line.node is None:
            raise CommandRefused(StatusCode.NOT_FOUND, f"{uri} is not there")
        known = context.descriptions.of(uri.segments, types_of(line.rows))
        if known is not None:
            known.want_dynamic(line.node.path)
            known.want_access(AccessType.DELETE, line.node.path)
        context.rights.want(AclCommand.DELETE, line.rows)
        context.nodes.remove(line.node.path)
        context.journal.moves.append((line.node.path, None))
        return StatusCode.OK

    def copy(self, source_uri: NodeUri, uri: NodeUri) -> StatusCode:
        """Copy the value of a leaf to another one, or to a new one.

        Raises:
            CommandRefused: nothing was copied.
        """
        context = self._context
        source = context.nodes.line(source_uri)
        if source.node is None:
            raise CommandRefused(StatusCode.NOT_FOUND, f"the source {source_uri} is not there")
        self._want(AccessType.GET, source, source.node)
        self._want(AccessType.COPY, source, source.node)
        context.rights.want(AclCommand.GET, source.rows)
        if source.node.is_interior:
            raise CommandRefused(StatusCode.FORBIDDEN, f"{source_uri} is an interior node: Copy is from leaf to leaf")
        line = context.nodes.line(uri)
        if line.node is None:
            return self._copy_to_new(source.node, line)
        known = self._want(AccessType.REPLACE, line, line.node)
        context.rights.want(AclCommand.REPLACE, line.rows)
        if line.node.is_interior:
            raise CommandRefused(StatusCode.FORBIDDEN, f"{uri} is an interior node: Copy is from leaf to leaf")
        _want_same_kind(known, line.node, NodeFormat(source.node.format), source.node.type)
        after = line.node._replace(format=source.node.format, value=source.node.value, type=source.node.type)
        self._change(line.node, after)
        return StatusCode.OK

    def _copy_to_new(self, source: NodeRow, line: Lineage) -> StatusCode:
        context = self._context
        if self._left_out.passes_over(line.uri, begins=True) or self._left_out.passes_over_missing(line):
            return StatusCode.OK
        want_new(context, line)
        known = self._known(line)
        parents = implicit_parents(context, line)
        _want_format(known, NodeFormat(source.format), str(line.uri))
        self._add(parents, source._replace(path=path_of(line.uri), acl="", tstamp=context.tstamp, verno=0))
        return StatusCode.OK

    def _known(self, line: Lineage, identifier: str = "") -> Knowledge:
        """Return what is known of a new node.

        Raises:
            CommandRefused: status 405, the device has no such node, or has it of its own.
        """
        known = self._left_out.known(line, identifier)
        want_no_permanent(self._context, line)
        if identifier:
            known.want_dynamic(path_of(line.uri))
        return known

    def _want(self, access: AccessType, line: Lineage, node: NodeRow) -> Knowledge | None:
        known = self._context.descriptions.of(line.uri.segments, types_of(line.rows))
        if known is not None:
            known.want_access(access, node.path)
        return known

    def _add(self, parents: list[NodeRow], row: NodeRow) -> None:
        want_one_account(self._context, [row])
        self._context.nodes.add([*parents, row])

    def _change(self, before: NodeRow, after: NodeRow) -> None:
        want_one_account(self._context, [after])
        self._context.nodes.change(before, after, self._context.tstamp)


def _want_same_kind(known: Knowledge | None, node: NodeRow, format_: NodeFormat, type_: str) -> None:
    """Refuse another Format or Type for a permanent node, and for any other a Format that its description excludes."""
    if format_.value == node.format and type_ == node.type:
        return
    if known is not None and known.description.is_permanent:
        detail = f"{uri_of(node.path)} is a permanent node and keeps its Format and Type"
        raise CommandRefused(StatusCode.COMMAND_NOT_ALLOWED, detail)
    if format_.value != node.format:
        _want_format(known, format_, uri_of(node.path))


def _want_format(known: Knowledge | None, format_: NodeFormat, uri: str) -> None:
    wanted = known.description.format if known is not None else None
    if wanted is not None and wanted is not format_:
        detail = f"{uri} has Format {wanted.value}, not {format_.value}"
        raise CommandRefused(StatusCode.UNSUPPORTED_MEDIA_TYPE_OR_FORMAT, detail)
