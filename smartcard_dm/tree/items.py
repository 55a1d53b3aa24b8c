"""One item of one command: which of the rooms's parts it goes to, by command and content.

Guarantees: what is refused changed nothing; each refusal has the status of the standard.
Leaves to its caller: a savepoint around each item, the order of commands, and the report.

Spec: OMA-TS-DM_RepPro-V1_2_1, 6.5; OMA-TS-DM_TND-V1_2_1, 7.2 (nodes), 7.7.1 (ACL).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smartcard_dm.dm import INBOX_URI, AclCommand, CommandKind, NodeUri, PropertyUri, TextData, is_tnds
from smartcard_dm.dm.description import AccessType
from smartcard_dm.tree.described import types_of
from smartcard_dm.tree.events import ExecRequested
from smartcard_dm.tree.node_items import NodeItems
from smartcard_dm.tree.object_items import ObjectItems
from smartcard_dm.tree.properties import replace_property, want_property
from smartcard_dm.tree.status import CommandRefused, StatusCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from smartcard_dm.dm import Item, ItemCommand, Meta
    from smartcard_dm.tree.context import Context
    from smartcard_dm.tree.nodes import NodeRow
    from smartcard_dm.tree.plan import Plan

NO_RESPONSE: Final = "there is no response it could be given in"


class ItemProcessor:
    """Carries out items of one message, one at a time."""

    def __init__(self, context: Context, plan: Plan) -> None:
        self._context = context
        self._nodes = NodeItems(context)
        self._objects = ObjectItems(context, plan)
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
        carries_object = is_tnds(item, meta)
        if uri == INBOX_URI or uri.is_below(INBOX_URI):
            return self._objects.add_to_inbox(uri, item, carries_object=carries_object)
        return self._objects.add(uri, item) if carries_object else self._nodes.add(uri, item, meta)

    def _replace(self, command: ItemCommand, item: Item, meta: Meta) -> StatusCode:  # noqa: ARG002 - one form for all
        target = self._context.target(item.target)
        if isinstance(target, PropertyUri):
            if not self._nodes.passes_over(target.node):
                replace_property(self._context, target, item)
            return StatusCode.OK
        return self._objects.replace(target, item) if is_tnds(item, meta) else self._nodes.replace(target, item, meta)

    def _delete(self, command: ItemCommand, item: Item, meta: Meta) -> StatusCode:  # noqa: ARG002 - one form for all
        return self._nodes.delete(self._node(item.target))

    def _copy(self, command: ItemCommand, item: Item, meta: Meta) -> StatusCode:  # noqa: ARG002 - one form for all
        return self._nodes.copy(self._node(item.source, "Source"), self._node(item.target))

    def _exec(self, command: ItemCommand, item: Item, meta: Meta) -> StatusCode:  # noqa: ARG002 - one form for all
        context = self._context
        uri = self._node(item.target)
        line = context.nodes.line(uri)
        if line.node is None:
            raise CommandRefused(StatusCode.NOT_FOUND, f"{uri} is not there")
        known = context.descriptions.of(uri.segments, types_of(line.rows))
        if known is not None:
            known.want_access(AccessType.EXEC, line.node.path)
        context.rights.want(AclCommand.EXEC, line.rows)
        if not context.executes or context.server_id is None:
            detail = "nobody is there to carry it out (no listener)"
            raise CommandRefused(StatusCode.OPTIONAL_FEATURE_NOT_SUPPORTED, detail)
        data = item.data.text if isinstance(item.data, TextData) else None
        context.journal.requests.append(ExecRequested(context.server_id, str(uri), data, command.correlator))
        return StatusCode.ACCEPTED_FOR_PROCESSING

    def _get(self, command: ItemCommand, item: Item, meta: Meta) -> StatusCode:  # noqa: ARG002 - one form for all
        """Say why a Get would fail; one that would not fail is not executed either."""
        target = self._context.target(item.target)
        if isinstance(target, PropertyUri):
            want_property(target.property)
            want_readable(self._context, target.node, of_property=True)
        else:
            want_readable(self._context, target)
        raise CommandRefused(StatusCode.NOT_EXECUTED, f"Get has no effect in a sessionless message: {NO_RESPONSE}")

    def _node(self, text: str | None, what: str = "Target") -> NodeUri:
        target = self._context.target(text, what)
        if isinstance(target, PropertyUri):
            raise CommandRefused(StatusCode.COMMAND_NOT_ALLOWED, f"{target}: a property is for Get and Replace only")
        return target


def want_readable(context: Context, uri: NodeUri, *, of_property: bool = False) -> NodeRow:
    """Return a node that the server may read, or of which it may read a property; or refuse.

    Raises:
        CommandRefused: status 404, 405 below the Inbox and for values that nobody reads, 425.
    """
    if uri == INBOX_URI or uri.is_below(INBOX_URI):
        raise CommandRefused(StatusCode.COMMAND_NOT_ALLOWED, f"nothing is read at {INBOX_URI} or below it")
    line = context.nodes.line(uri)
    if line.node is None:
        raise CommandRefused(StatusCode.NOT_FOUND, f"{uri} is not there")
    known = context.descriptions.of(uri.segments, types_of(line.rows))
    if known is not None and not of_property:
        known.want_access(AccessType.GET, line.node.path)
    context.rights.want(AclCommand.GET, line.rows)
    return line.node
