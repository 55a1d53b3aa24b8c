"""Looking over a whole message before its first command: which of its objects will be used, and which left out.

An object is left out, and the message goes on without it, when

    - no handler and no description file knows its identifier, or
    - another object of the message is a newer version of the same one: same family, same key (for an account its
      ServerID, for others what their handler says, else the name of the node).

Guarantees: every TNDS object of the message is read once; one that cannot be read spoils its own item only.
Leaves to its caller: carrying out the commands.

Spec: OMA-TS-DM_Sessionless 5.5 (objects that are not supported; several versions of one).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from smartcard_dm.dm import CommandKind, ItemCommand, extract_tnds, is_tnds, walk_commands
from smartcard_dm.errors import DecodeError, LimitExceededError, UnsupportedError
from smartcard_dm.tree.journal import Skipped
from smartcard_dm.tree.status import CommandRefused, StatusCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from smartcard_dm.dm import DmMessage, Item, Meta, TndsDocument, TndsNode
    from smartcard_dm.limits import Limits
    from smartcard_dm.tree.objects import ObjectHandler, ObjectRegister

_BUILDING = frozenset({CommandKind.ADD, CommandKind.REPLACE})


class Plan:
    """What was decided about the objects of one message."""

    def __init__(self, message: DmMessage, register: ObjectRegister, limits: Limits) -> None:
        self._handlers = register.by_identifier
        self._message = message  # items are found again by identity: they stay while the plan does
        self._documents: dict[int, TndsDocument | CommandRefused] = {}
        for item, meta in _items_with_trees(message):
            self._documents[id(item)] = _read(item, meta, limits)
        self._older: dict[int, str] = dict(self._older_versions())

    def document(self, item: Item) -> TndsDocument:
        """Return the TNDS object of an item.

        Raises:
            CommandRefused: it cannot be read.
        """
        found = self._documents[id(item)]
        if isinstance(found, CommandRefused):
            raise found
        return found

    def kept(self, node: TndsNode, uri: str, skipped: list[Skipped]) -> TndsNode | None:
        """Return a node without the objects that are left out; None when it is itself one of them.

        Args:
            node: one node of an object of the message.
            uri: where it would go.
            skipped: gets what is left out.
        """
        why = self._why_left_out(node)
        if why is not None:
            skipped.append(Skipped(uri, node.mo_id or node.name, why))
            return None
        if not node.children:
            return node
        children = [self.kept(child, f"{uri}/{child.name}", skipped) for child in node.children]
        if all(kept is child for kept, child in zip(children, node.children, strict=True)):
            return node
        return replace(node, children=tuple(child for child in children if child is not None))

    def _why_left_out(self, node: TndsNode) -> str | None:
        if node.mo_id is None:
            return None
        if node.mo_id not in self._handlers:
            return "the device does not support this management object"
        return self._older.get(id(node))

    def _older_versions(self) -> Iterator[tuple[int, str]]:
        """Yield the objects beside which a newer version of the same one stands."""
        groups: dict[tuple[str, str], list[tuple[tuple[int, ...], TndsNode]]] = {}
        for node, handler in self._objects():
            key = handler.key(node) or node.name
            groups.setdefault((handler.family, key), []).append((handler.versions[node.mo_id or ""], node))
        for versions in groups.values():
            newest, best = max(versions, key=lambda version: version[0])
            for version, node in versions:
                if version < newest:
                    yield id(node), f"the message has a newer version of it, {best.mo_id}"

    def _objects(self) -> Iterator[tuple[TndsNode, ObjectHandler]]:
        """Yield every object that is supported, none inside another."""
        for document in self._documents.values():
            if isinstance(document, CommandRefused):
                continue
            rest = list(reversed(document.nodes))
            while rest:
                node = rest.pop()
                handler = self._handlers.get(node.mo_id or "")
                if handler is not None:
                    yield node, handler
                elif node.mo_id is None:
                    rest += reversed(node.children)


def _items_with_trees(message: DmMessage) -> Iterable[tuple[Item, Meta]]:
    for command in walk_commands(message.commands):
        if isinstance(command, ItemCommand) and command.kind in _BUILDING:
            for item in command.items:
                meta = item.effective_meta(command.meta)
                if is_tnds(item, meta) and not item.more_data:
                    yield item, meta


def _read(item: Item, meta: Meta, limits: Limits) -> TndsDocument | CommandRefused:
    try:
        return extract_tnds(item, meta, limits=limits)
    except LimitExceededError as error:
        return CommandRefused(StatusCode.REQUEST_ENTITY_TOO_LARGE, str(error))
    except DecodeError as error:
        return CommandRefused(StatusCode.COMMAND_FAILED, str(error))
    except UnsupportedError as error:
        return CommandRefused(StatusCode.UNSUPPORTED_MEDIA_TYPE_OR_FORMAT, str(error))
