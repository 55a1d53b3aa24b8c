"""Items that carry a TNDS object: added at a target, added by way of the Inbox, or put in the place of a branch.

Guarantees: the whole object, or nothing of it but what the device leaves out and says so.
Leaves to its caller: a savepoint around each item.

Spec: OMA-TS-DM_RepPro-V1_2_1, 6.5.1 and 6.5.12 (TNDS objects); OMA-TS-DM_StdObj-V1_2_1, 5.3.4 (Inbox);
OMA-TS-DM_Sessionless 5.4 and 5.5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smartcard_dm.dm import INBOX_URI, AclCommand
from smartcard_dm.dm.description import AccessType
from smartcard_dm.errors import DecodeError, UnsupportedError
from smartcard_dm.tree.described import types_of
from smartcard_dm.tree.draft import draft
from smartcard_dm.tree.grafting import add_branch, replace_branch, want_new, want_no_permanent
from smartcard_dm.tree.left_out import LeftOut
from smartcard_dm.tree.placing import (
    inner_objects,
    is_taken_in,
    objects_of,
    place_at,
    place_by_kind,
    place_of,
    references_to,
)
from smartcard_dm.tree.status import CommandRefused, StatusCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from smartcard_dm.dm import Item, NodeUri, TndsNode
    from smartcard_dm.tree.context import Context
    from smartcard_dm.tree.journal import Skipped
    from smartcard_dm.tree.nodes import Lineage
    from smartcard_dm.tree.placing import Placement
    from smartcard_dm.tree.plan import Plan


class ObjectItems:
    """Carries out items with TNDS objects of one message."""

    def __init__(self, context: Context, plan: Plan) -> None:
        self._context = context
        self._plan = plan
        self._left_out = LeftOut(context)
        self._handlers = context.descriptions.register.by_identifier

    def add(self, uri: NodeUri, item: Item) -> StatusCode:
        """Add an object at a target of its own.

        Raises:
            CommandRefused: nothing was added.
        """
        placed = self._handled(place_at(uri, self._kept(uri, item)), add=True)
        for placement in placed:
            want_no_permanent(self._context, self._context.nodes.line(placement.uri))
        return self._graft(placed, inner_objects(placed), add=True)

    def replace(self, uri: NodeUri, item: Item) -> StatusCode:
        """Put an object in the place of a branch.

        Raises:
            CommandRefused: nothing was changed.
        """
        placed = self._handled(place_at(uri, self._kept(uri, item)), add=False)
        return self._graft(placed, inner_objects(placed), add=False)

    def add_to_inbox(self, uri: NodeUri, item: Item, *, carries_object: bool) -> StatusCode:
        """Add an object where its identifier says that it goes.

        The right to add is asked for at the Inbox, whose ACL says who may use it, and at the place found.

        Raises:
            CommandRefused: nothing was added.
        """
        context = self._context
        inbox = context.nodes.line(INBOX_URI)
        if inbox.node is None:
            raise CommandRefused(StatusCode.NOT_FOUND, f"this device has no {INBOX_URI}")
        if uri != INBOX_URI or not carries_object:
            detail = f"{INBOX_URI} takes TNDS objects, addressed to {INBOX_URI} itself"
            raise CommandRefused(StatusCode.COMMAND_NOT_ALLOWED, detail)
        context.rights.want(AclCommand.ADD, inbox.rows)
        skipped: list[Skipped] = []
        nodes = self._read(uri, item, skipped)
        unsupported = len(skipped)
        found = list(objects_of(nodes, skipped))
        if not found and not unsupported:
            detail = "nothing in the object begins a management object, so that no place is known for it"
            raise CommandRefused(StatusCode.COMMAND_NOT_ALLOWED, detail)
        context.journal.skipped += skipped
        placed = place_by_kind(found, self._handlers, is_taken_in(context.nodes))
        return self._graft(placed, placed, add=True)

    def _kept(self, uri: NodeUri, item: Item) -> list[TndsNode]:
        """Return the nodes of an item's object without what is left out, which is noted with its place."""
        skipped: list[Skipped] = []
        nodes = self._read(uri, item, skipped)
        self._context.journal.skipped += skipped
        self._left_out.remember(skipped)
        return nodes

    def _read(self, uri: NodeUri, item: Item, skipped: list[Skipped]) -> list[TndsNode]:
        """Return the nodes of an item's object; `skipped` gets what is left out."""
        kept = (self._plan.kept(node, str(place_of(uri, node)), skipped) for node in self._plan.document(item).nodes)
        return [node for node in kept if node is not None]

    def _handled(self, placed: Iterable[Placement], *, add: bool) -> list[Placement]:
        """Return the nodes whose places the device handles; the others are noted as left out."""
        return [
            placement
            for placement in placed
            if not self._left_out.passes_over(placement.uri, begins=add)
            and not self._left_out.passes_over_missing(
                self._context.nodes.line(placement.uri), placement.node.mo_id or ""
            )
        ]

    def _graft(self, placed: Sequence[Placement], objects: Iterable[Placement], *, add: bool) -> StatusCode:
        """Add or replace placed nodes, references among them having their final names."""
        context = self._context
        references = references_to(objects, {name: handler.holder for name, handler in self._handlers.items()})
        for placement in placed:
            line = context.nodes.line(placement.uri)
            (want_new if add else _want_replaceable)(context, line)
            branch = draft(context, placement, line.rows, references)  # first: what a node alone would be refused for
            self._check_objects(placement)
            (add_branch if add else replace_branch)(context, line, branch)
        return StatusCode.OK

    def _check_objects(self, placement: Placement) -> None:
        """Refuse objects that are broken."""
        for found in inner_objects([placement]):
            handler = self._handlers.get(found.node.mo_id or "")
            if handler is None:
                continue
            if handler.description.is_permanent:
                detail = f"the device has one {handler.family} of its own: {found.uri} cannot be another"
                raise CommandRefused(StatusCode.COMMAND_NOT_ALLOWED, detail)
            try:
                handler.check(found.node, str(found.uri))
            except DecodeError as error:
                raise CommandRefused(StatusCode.COMMAND_FAILED, str(error)) from error
            except UnsupportedError as error:
                raise CommandRefused(StatusCode.OPTIONAL_FEATURE_NOT_SUPPORTED, str(error)) from error


def _want_replaceable(context: Context, line: Lineage) -> None:
    if line.node is None:
        raise CommandRefused(StatusCode.NOT_FOUND, f"{line.uri} is not there; Replace never makes a node")
    known = context.descriptions.of(line.uri.segments, types_of(line.rows))
    if known is not None:
        known.want_dynamic(line.node.path)
        known.want_access(AccessType.REPLACE, line.node.path)
    context.rights.want(AclCommand.REPLACE, line.rows)
