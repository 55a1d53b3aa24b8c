"""What the device knows of a place in its tree: access types, format, permanence, from descriptions.

Looked at in this order, the first that says something counts:

    1  a device description file (DDF) that the tree was made with
    2  the handler of the management object that the node belongs to: the nearest typed ancestor, or the holder it
       stands below
    3  nothing: a dynamic node that takes every command

Guarantees: an answer for every place, from the line of the node alone. Leaves to its caller: what the ACL says.

Spec: OMA-TS-DM_TND-V1_2_1, 7.2.3 (permanent and dynamic nodes), 7.8 (AccessType, DFFormat, Scope, Occurrence).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from smartcard_dm.dm import NodeFormat
from smartcard_dm.dm.description import AccessType, NodeDescription, Scope
from smartcard_dm.dm.object_tables import EXT
from smartcard_dm.tree.described_objects import described_objects
from smartcard_dm.tree.nodes import uri_of
from smartcard_dm.tree.objects import ObjectRegister
from smartcard_dm.tree.status import CommandRefused, StatusCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from smartcard_dm.dm.description import DescribedBranch
    from smartcard_dm.tree.nodes import NodeRow
    from smartcard_dm.tree.objects import ObjectHandler

ANYTHING: Final = NodeDescription(free=True)
"""What is known where nothing is said: a node of any Format, with anything below it."""
_HOLDER: Final = NodeDescription(
    format=NodeFormat.NODE, scope=Scope.PERMANENT, access=frozenset({AccessType.ADD, AccessType.GET}), free=True
)
_ROOT: Final = NodeDescription(
    name=".",
    format=NodeFormat.NODE,
    scope=Scope.PERMANENT,
    access=frozenset({AccessType.ADD, AccessType.GET}),
    free=True,
)


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What is known of one place."""

    description: NodeDescription
    handler: ObjectHandler | None = None
    """The handler of the object that the place belongs to."""
    root: int = 0
    """How many names lead to that object's own node."""

    def want_access(self, access: AccessType, path: str) -> None:
        """Refuse what the device lets nobody do with the node.

        Raises:
            CommandRefused: status 405.
        """
        if access not in self.description.access:
            allowed = ", ".join(sorted(each.value for each in self.description.access)) or "nothing"
            detail = f"the access types of {uri_of(path)} are {allowed}: {access.value} is not among them"
            raise CommandRefused(StatusCode.COMMAND_NOT_ALLOWED, detail)

    def want_dynamic(self, path: str) -> None:
        """Refuse to remove or rename a permanent node.

        Raises:
            CommandRefused: status 405.
        """
        if self.description.is_permanent:
            raise CommandRefused(StatusCode.COMMAND_NOT_ALLOWED, f"{uri_of(path)} is a permanent node")


class Descriptions:
    """Everything that is known of the nodes of one device."""

    def __init__(self, register: ObjectRegister, branches: Iterable[DescribedBranch] = ()) -> None:
        self._branches = sorted(branches, key=lambda branch: -len(branch.parent.segments))
        described = described_objects(self._branches, register.by_identifier)
        self.register = ObjectRegister((*register.handlers, *described))
        self._handlers = self.register.by_identifier
        self._holders: dict[tuple[str, ...], ObjectHandler] = {}
        for handler in self.register.handlers:
            if handler.holder is not None:
                self._holders.setdefault(handler.holder.segments, handler)
        self._depths = frozenset(map(len, self._holders))

    def of(self, names: Sequence[str], types: Sequence[str]) -> Knowledge | None:
        """Return what is known of a place; None when it is inside an object that has no such node.

        Args:
            names: from the root to the place.
            types: the Type of each interior node on the way, beginning with the root's; as many as are there.
        """
        place = tuple(names)
        if not place:
            return Knowledge(_ROOT)
        handler, length = self._object(place, types)
        described = self.from_files(place)
        if described is not None:
            return Knowledge(described, handler, length)
        if handler is None:
            return Knowledge(_HOLDER if self._is_holder(place) else ANYTHING)
        found: NodeDescription | None = handler.description
        for name in place[length:]:
            above, found = found, found.child(name) if found is not None else None
            if found is None and above is not None and above.free:
                return Knowledge(ANYTHING, handler, length)
        return None if found is None else Knowledge(found, handler, length)

    def is_fixed(self, names: Sequence[str], types: Sequence[str]) -> bool:
        """Whether a description file has a permanent node at a place, and nothing above it comes and goes."""
        here = self.from_files(tuple(names))
        if here is None or not here.is_permanent:
            return False
        above = (self.of(names[:length], types[: length + 1]) for length in range(1, len(names)))
        return all(known is None or known.description is ANYTHING or known.description.is_permanent for known in above)

    def permanent(self) -> Iterator[tuple[tuple[str, ...], NodeDescription]]:
        """Yield the nodes that files say are permanent and always there, with their places, parents first."""
        for branch in reversed(self._branches):
            rest = [(branch.parent.segments, branch.node)]
            while rest:
                above, node = rest.pop()
                if node.name and node.is_permanent and node.occurrence.is_required:
                    names = (*above, node.name)
                    yield names, node
                    rest += [(names, child) for child in reversed(node.children)]

    def object_root(self, names: Sequence[str], types: Sequence[str]) -> int:
        """Return how many names lead to the own node of the object that a place belongs to; 0 for none."""
        return self._object(tuple(names), types)[1]

    def in_ext(self, names: Sequence[str], root: int) -> bool:
        """Whether a place is below the vendor branch of an object whose own node is `root` names down."""
        return EXT in names[root:-1]

    def _object(self, place: tuple[str, ...], types: Sequence[str]) -> tuple[ObjectHandler | None, int]:
        """Return the handler of the object that a place belongs to, and how many names lead to the object."""
        for length in range(min(len(types) - 1, len(place)), -1, -1):
            handler = self._handlers.get(types[length]) if types[length] else None
            if handler is not None:
                return handler, length
            held = self._holders.get(place[: length - 1]) if length - 1 in self._depths else None
            if held is not None:
                return held, length
        for holder, handler in self._holders.items():
            if len(place) > len(holder) and place[: len(holder)] == holder:
                return handler, len(holder) + 1
        return None, 0

    def _is_holder(self, place: tuple[str, ...]) -> bool:
        return place in self._holders

    def from_files(self, place: tuple[str, ...]) -> NodeDescription | None:
        """Return what a device description file says of a place; None when it says nothing."""
        for branch in self._branches:
            above = branch.parent.segments
            if len(place) <= len(above) or place[: len(above)] != above:
                continue
            if branch.node.name and branch.node.name != place[len(above)]:
                continue
            found = branch.node.below(place[len(above) + 1 :])
            if found is not None:
                return found
        return None


def types_of(rows: Sequence[NodeRow]) -> list[str]:
    """Return the Types of nodes on the way down, as `Descriptions.of` wants them."""
    return [row.type if row.is_interior else "" for row in rows]
