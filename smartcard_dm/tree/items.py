"""One item of one command: Add, Replace, Delete, Copy, Exec, Get on one place of the tree.

Guarantees: what is refused changed nothing; each refusal has the status of the standard.
Leaves to its caller: a savepoint around each item, the order of commands, and the report.

Spec: OMA-TS-DM_RepPro-V1_2_1, 6.5; OMA-TS-DM_TND-V1_2_1, 7.2 (nodes), 7.7.1 (ACL).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smartcard_dm.dm import INBOX_URI, AclCommand, CommandKind, NodeFormat, NodeUri, PropertyUri, TextData, is_tnds
from smartcard_dm.dm.description import AccessType
from smartcard_dm.errors import DecodeError, UnsupportedError
from smartcard_dm.tree.described import types_of
from smartcard_dm.tree.draft import draft
from smartcard_dm.tree.events import ExecRequested
from smartcard_dm.tree.grafting import add_branch, implicit_parents, replace_branch, want_new
from smartcard_dm.tree.journal import Skipped
from smartcard_dm.tree.nodes import NodeRow, path_of, uri_of
from smartcard_dm.tree.placing import (
    Placement,
    inner_objects,
    is_taken_in,
    objects_of,
    place_at,
    place_by_kind,
    references_to,
)
from smartcard_dm.tree.properties import replace_property, want_property
from smartcard_dm.tree.server_ids import want_one_account
from smartcard_dm.tree.status import CommandRefused, StatusCode
from smartcard_dm.tree.values import object_identifier, read_format, read_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from smartcard_dm.dm import Item, ItemCommand, Meta, TndsNode
    from smartcard_dm.tree.context import Context
    from smartcard_dm.tree.described import Knowledge
    from smartcard_dm.tree.nodes import Lineage
    from smartcard_dm.tree.plan import Plan

NO_RESPONSE: Final = "there is no response it could be given in"


class ItemProcessor:
    """Carries out items of one message, one at a time."""

    def __init__(self, context: Context, plan: Plan) -> None:
        self._context = context
        self._plan = plan
        self._left_out: set[tuple[str, ...]] = set()
        self._by_kind: dict[CommandKind, Callable[[ItemCommand, Item, Meta], StatusCode]] = {
            CommandKind.ADD: self._add,
            CommandKind.REPLACE: self._replace,
            CommandKind.DELETE: self._delete,
            CommandKind.COPY: self._copy,
            CommandKind.EXEC: self._exec,
            CommandKind.GET: self._get,
        }

    def carry_out(self, command: ItemCommand, item: Item) -> StatusCode:
        """Carry out one item and return its status.

        Raises:
            CommandRefused: with the status it gets instead.
        """
        if item.more_data:
            detail = "a sessionless message is the only one: no other brings the rest of the value (MoreData)"
            raise CommandRefused(StatusCode.OPTIONAL_FEATURE_NOT_SUPPORTED, detail)
        return self._by_kind[command.kind](command, item, item.effective_meta(command.meta))

    def _add(self, command: ItemCommand, item: Item, meta: Meta) -> StatusCode:  # noqa: ARG002 - one form for all
        uri = self._node(item.target)
        if uri == INBOX_URI or uri.is_below(INBOX_URI):
            return self._add_to_inbox(uri, item, meta)
        if is_tnds(item, meta):
            nodes = self._kept(str(uri), self._plan.document(item).nodes)
            placed = place_at(uri, nodes)
            return self._graft(placed, inner_objects(placed), add=True)
        return self._add_node(uri, item, meta)

    def _add_to_inbox(self, uri: NodeUri, item: Item, meta: Meta) -> StatusCode:
        context = self._context
        inbox = context.nodes.line(INBOX_URI)
        if inbox.node is None:
            raise CommandRefused(StatusCode.NOT_FOUND, f"this device has no {INBOX_URI}")
        context.rights.want(AclCommand.ADD, inbox.rows)
        if uri != INBOX_URI or not is_tnds(item, meta):
            detail = f"{INBOX_URI} takes TNDS objects, addressed to {INBOX_URI} itself"
            raise CommandRefused(StatusCode.COMMAND_NOT_ALLOWED, detail)
        document = self._plan.document(item)
        skipped: list[Skipped] = []
        nodes = [kept for node in document.nodes if (kept := self._plan.kept(node, str(uri), skipped)) is not None]
        unsupported = len(skipped)
        found = list(objects_of(nodes, skipped))
        if not found and not unsupported:
            detail = "nothing in the object begins a management object, so that no place is known for it"
            raise CommandRefused(StatusCode.COMMAND_NOT_ALLOWED, detail)
        context.journal.skipped += skipped
        placed = place_by_kind(found, context.descriptions.register.by_identifier, is_taken_in(context.nodes))
        return self._graft(placed, placed, add=True)

    def _kept(self, target: str, nodes: Iterable[TndsNode]) -> list[TndsNode]:
        journal = self._context.journal
        return [
            kept
            for node in nodes
            if (kept := self._plan.kept(node, f"{target}/{node.name}" if node.name else target, journal.skipped))
        ]

    def _graft(self, placed: Sequence[Placement], objects: Iterable[Placement], *, add: bool) -> StatusCode:
        """Add or replace placed nodes, references among them having their final names."""
        context = self._context
        handlers = context.descriptions.register.by_identifier
        references = references_to(objects, {name: handler.holder for name, handler in handlers.items()})
        for placement in placed:
            line = context.nodes.line(placement.uri)
            (want_new if add else _want_replaceable)(context, line)
            self._check_objects(placement)
            branch = draft(context, placement, line.rows, references)
            (add_branch if add else replace_branch)(context, line, branch)
        return StatusCode.OK

    def _check_objects(self, placement: Placement) -> None:
        """Refuse objects that are broken."""
        handlers = self._context.descriptions.register.by_identifier
        for found in inner_objects([placement]):
            handler = handlers.get(found.node.mo_id or "")
            if handler is None:
                continue
            try:
                handler.check(found.node, str(found.uri))
            except DecodeError as error:
                raise CommandRefused(StatusCode.COMMAND_FAILED, str(error)) from error
            except UnsupportedError as error:
                raise CommandRefused(StatusCode.OPTIONAL_FEATURE_NOT_SUPPORTED, str(error)) from error

    def _add_node(self, uri: NodeUri, item: Item, meta: Meta) -> StatusCode:
        context = self._context
        if self._is_left_out(uri):
            context.journal.skipped.append(Skipped(str(uri), uri.name, "what it belongs to is left out"))
            return StatusCode.OK
        line = context.nodes.line(uri)
        want_new(context, line)
        format_ = read_format(meta)
        identifier = object_identifier(meta.type) if format_ is NodeFormat.NODE else ""
        if identifier and identifier not in context.descriptions.register.by_identifier:
            self._leave_out(uri, identifier, "the device does not support this management object")
            return StatusCode.OK
        parents = implicit_parents(context, line)
        rows = [*line.rows, *parents]
        known = self._known(uri, [*types_of(rows), identifier])
        if known is None:
            return StatusCode.OK
        _want_format(known, format_, uri)
        value = None
        if format_ is NodeFormat.NODE:
            if isinstance(item.data, TextData) and item.data.text.strip():
                raise CommandRefused(StatusCode.COMMAND_FAILED, "an interior node has no value")
            acl, type_ = str(context.rights.given_to_new(rows)), identifier
        else:
            value, acl = read_value(item, meta, format_), ""
            type_ = meta.type or ("text/plain" if format_ is NodeFormat.CHR else "")
        path = path_of(uri)
        want_one_account(context, path, value)
        context.nodes.add([*parents, NodeRow(path, format_.value, value, acl, None, context.tstamp, type_)])
        return StatusCode.OK

    def _replace(self, command: ItemCommand, item: Item, meta: Meta) -> StatusCode:  # noqa: ARG002 - one form for all
        context = self._context
        target = context.target(item.target)
        if isinstance(target, PropertyUri):
            replace_property(context, target, item)
            return StatusCode.OK
        if self._is_left_out(target):
            context.journal.skipped.append(Skipped(str(target), target.name, "what it belongs to is left out"))
            return StatusCode.OK
        if is_tnds(item, meta):
            placed = place_at(target, self._kept(str(target), self._plan.document(item).nodes))
            return self._graft(placed, inner_objects(placed), add=False)
        return self._replace_value(target, item, meta)

    def _replace_value(self, uri: NodeUri, item: Item, meta: Meta) -> StatusCode:
        context = self._context
        line = context.nodes.line(uri)
        node = line.node
        if node is None:
            if self._is_unhandled_ext(line):
                return StatusCode.OK
            raise CommandRefused(StatusCode.NOT_FOUND, f"{uri} is not there; Replace never makes a node")
        context.rights.want(AclCommand.REPLACE, line.rows)
        known = context.descriptions.of(uri.segments, types_of(line.rows))
        if known is not None:
            known.want_access(AccessType.REPLACE, node.path)
        if node.is_interior:
            detail = f"{uri} is an interior node: only a TNDS object, or one of its properties, replaces it"
            raise CommandRefused(StatusCode.COMMAND_NOT_ALLOWED, detail)
        format_ = NodeFormat(node.format) if meta.format is None else read_format(meta)
        if format_.value != node.format:
            if format_ is NodeFormat.NODE or (known is not None and known.description.is_permanent):
                raise CommandRefused(StatusCode.COMMAND_NOT_ALLOWED, f"{uri} stays a leaf of Format {node.format}")
            _want_format(known, format_, uri)
        value = read_value(item, meta, format_)
        want_one_account(context, node.path, value)
        after = node._replace(format=format_.value, value=value, type=meta.type or node.type)
        context.nodes.change(node, after, context.tstamp)
        return StatusCode.OK

    def _delete(self, command: ItemCommand, item: Item, meta: Meta) -> StatusCode:  # noqa: ARG002 - one form for all
        context = self._context
        uri = self._node(item.target)
        line = context.nodes.line(uri)
        if line.node is None:
            raise CommandRefused(StatusCode.NOT_FOUND, f"{uri} is not there")
        context.rights.want(AclCommand.DELETE, line.rows)
        if uri.is_root:
            raise CommandRefused(StatusCode.COMMAND_NOT_ALLOWED, "the root is never deleted")
        known = context.descriptions.of(uri.segments, types_of(line.rows))
        if known is not None:
            known.want_dynamic(line.node.path)
            known.want_access(AccessType.DELETE, line.node.path)
        context.nodes.remove(line.node.path)
        context.journal.removed.append(line.node.path)
        return StatusCode.OK

    def _copy(self, command: ItemCommand, item: Item, meta: Meta) -> StatusCode:  # noqa: ARG002 - one form for all
        context = self._context
        source_uri = self._node(item.source, "Source")
        uri = self._node(item.target)
        source = context.nodes.line(source_uri)
        if source.node is None:
            raise CommandRefused(StatusCode.NOT_FOUND, f"the source {source_uri} is not there")
        context.rights.want(AclCommand.GET, source.rows)
        known = context.descriptions.of(source_uri.segments, types_of(source.rows))
        if known is not None:
            known.want_access(AccessType.GET, source.node.path)
            known.want_access(AccessType.COPY, source.node.path)
        if source.node.is_interior:
            raise CommandRefused(StatusCode.FORBIDDEN, f"{source_uri} is an interior node: Copy is from leaf to leaf")
        line = context.nodes.line(uri)
        copied = source.node
        if line.node is None:
            want_new(context, line)
            parents = implicit_parents(context, line)
            at = self._known(uri, [*types_of([*line.rows, *parents]), ""])
            if at is None:
                return StatusCode.OK
            _want_format(at, NodeFormat(copied.format), uri)
            want_one_account(context, path_of(uri), copied.value)
            row = copied._replace(path=path_of(uri), acl="", tstamp=context.tstamp, verno=0)
            context.nodes.add([*parents, row])
            return StatusCode.OK
        context.rights.want(AclCommand.REPLACE, line.rows)
        over = context.descriptions.of(uri.segments, types_of(line.rows))
        if over is not None:
            over.want_access(AccessType.REPLACE, line.node.path)
            _want_format(over, NodeFormat(copied.format), uri)
        if line.node.is_interior:
            raise CommandRefused(StatusCode.FORBIDDEN, f"{uri} is an interior node: Copy is from leaf to leaf")
        want_one_account(context, line.node.path, copied.value)
        after = line.node._replace(format=copied.format, value=copied.value, type=copied.type)
        context.nodes.change(line.node, after, context.tstamp)
        return StatusCode.OK

    def _exec(self, command: ItemCommand, item: Item, meta: Meta) -> StatusCode:  # noqa: ARG002 - one form for all
        context = self._context
        uri = self._node(item.target)
        line = context.nodes.line(uri)
        if line.node is None:
            raise CommandRefused(StatusCode.NOT_FOUND, f"{uri} is not there")
        context.rights.want(AclCommand.EXEC, line.rows)
        known = context.descriptions.of(uri.segments, types_of(line.rows))
        if known is not None:
            known.want_access(AccessType.EXEC, line.node.path)
        if not context.executes or context.server_id is None:
            detail = "nobody is there to carry it out (no listener)"
            raise CommandRefused(StatusCode.OPTIONAL_FEATURE_NOT_SUPPORTED, detail)
        data = item.data.text if isinstance(item.data, TextData) else None
        request = ExecRequested(context.server_id, str(uri), data, command.correlator)
        context.journal.requests.append(request)
        return StatusCode.ACCEPTED_FOR_PROCESSING

    def _get(self, command: ItemCommand, item: Item, meta: Meta) -> StatusCode:  # noqa: ARG002 - one form for all
        """Say why a Get would fail; one that would not fail is not executed either."""
        target = self._context.target(item.target)
        uri = target.node if isinstance(target, PropertyUri) else target
        if isinstance(target, PropertyUri):
            want_property(target.property)
        want_readable(self._context, uri, prop=isinstance(target, PropertyUri))
        raise CommandRefused(StatusCode.NOT_EXECUTED, f"Get has no effect in a sessionless message: {NO_RESPONSE}")

    def _node(self, text: str | None, what: str = "Target") -> NodeUri:
        target = self._context.target(text, what)
        if isinstance(target, PropertyUri):
            detail = f"{target}: a property is for Get and Replace only"
            raise CommandRefused(StatusCode.COMMAND_NOT_ALLOWED, detail)
        return target

    def _known(self, uri: NodeUri, types: Sequence[str]) -> Knowledge | None:
        """Return what is known of a new place; None for one in a vendor branch that is left out."""
        context = self._context
        known = context.descriptions.of(uri.segments, types)
        if known is not None:
            return known
        root = context.descriptions.object_root(uri.segments, types)
        if context.descriptions.in_ext(uri.segments, root):
            self._leave_out(uri, uri.name, "nobody handles this vendor branch")
            return None
        detail = f"the device has no node {uri} in this object; vendor nodes go below Ext"
        raise CommandRefused(StatusCode.COMMAND_NOT_ALLOWED, detail)

    def _is_unhandled_ext(self, line: Lineage) -> bool:
        """Whether a missing node is in a vendor branch that nobody handles; it is then noted as left out."""
        context = self._context
        types = types_of(line.rows)
        if context.descriptions.of(line.uri.segments, types) is not None:
            return False
        root = context.descriptions.object_root(line.uri.segments, types)
        if not context.descriptions.in_ext(line.uri.segments, root):
            return False
        self._leave_out(line.uri, line.uri.name, "nobody handles this vendor branch")
        return True

    def _leave_out(self, uri: NodeUri, what: str, why: str) -> None:
        self._left_out.add(uri.segments)
        self._context.journal.skipped.append(Skipped(str(uri), what, why))

    def _is_left_out(self, uri: NodeUri) -> bool:
        """Whether a place is below something that this message adds and the device left out."""
        lengths = range(1, len(uri.segments) + 1)
        return bool(self._left_out) and any(uri.segments[:length] in self._left_out for length in lengths)


def want_readable(context: Context, uri: NodeUri, *, prop: bool = False) -> NodeRow:
    """Return a node that the server may read, or refuse.

    Raises:
        CommandRefused: status 404, 405 below the Inbox and for values that nobody reads, 425.
    """
    if uri == INBOX_URI or uri.is_below(INBOX_URI):
        raise CommandRefused(StatusCode.COMMAND_NOT_ALLOWED, f"nothing is read at {INBOX_URI} or below it")
    line = context.nodes.line(uri)
    if line.node is None:
        raise CommandRefused(StatusCode.NOT_FOUND, f"{uri} is not there")
    context.rights.want(AclCommand.GET, line.rows)
    known = context.descriptions.of(uri.segments, types_of(line.rows))
    if known is not None and not prop:
        known.want_access(AccessType.GET, line.node.path)
    return line.node


def _want_replaceable(context: Context, line: Lineage) -> None:
    if line.node is None:
        raise CommandRefused(StatusCode.NOT_FOUND, f"{line.uri} is not there; Replace never makes a node")
    context.rights.want(AclCommand.REPLACE, line.rows)
    known = context.descriptions.of(line.uri.segments, types_of(line.rows))
    if known is not None:
        known.want_dynamic(line.node.path)
        known.want_access(AccessType.REPLACE, line.node.path)


def _want_format(known: Knowledge | None, format_: NodeFormat, uri: NodeUri) -> None:
    wanted = known.description.format if known is not None else None
    if wanted is not None and wanted is not format_:
        detail = f"{uri} has Format {wanted.value}, not {format_.value}"
        raise CommandRefused(StatusCode.UNSUPPORTED_MEDIA_TYPE_OR_FORMAT, detail)
