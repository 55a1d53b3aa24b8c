"""What is known of a node before it exists: its format, its access types, how often it occurs.

Guarantees: a description is a frozen tree of its own; names are exact, and the empty name stands for any.
Leaves to its caller: where in the management tree the description begins, and what a node that breaks it costs.
Spec: OMA-TS-DM_TND-V1_2_1, 7.8 (description framework); OMA-TS-DM_StdObj-V1_2_1, 5.3 (tables of the objects).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smartcard_dm.dm.formats import NodeFormat
    from smartcard_dm.dm.uri import NodeUri


class AccessType(Enum):
    """What the device lets anybody do with a node, whatever its ACL says."""

    ADD = "Add"
    COPY = "Copy"
    DELETE = "Delete"
    EXEC = "Exec"
    GET = "Get"
    REPLACE = "Replace"


EVERY_ACCESS: Final = frozenset(AccessType)


class Scope(Enum):
    """Whether servers may make and remove the node."""

    PERMANENT = "Permanent"
    DYNAMIC = "Dynamic"


class Occurrence(Enum):
    """How many nodes of one description stand below one parent."""

    ONE = "One"
    ZERO_OR_ONE = "ZeroOrOne"
    ZERO_OR_MORE = "ZeroOrMore"
    ONE_OR_MORE = "OneOrMore"

    @property
    def is_required(self) -> bool:
        """Whether at least one has to be there."""
        return self in {Occurrence.ONE, Occurrence.ONE_OR_MORE}


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeDescription:
    """One node, or with an empty name every node that stands there."""

    name: str = ""
    """Name of the node; empty when any name will do."""
    format: NodeFormat | None = None
    """The Format it has; None when any will do."""
    access: frozenset[AccessType] = EVERY_ACCESS
    occurrence: Occurrence = Occurrence.ZERO_OR_ONE
    scope: Scope = Scope.DYNAMIC
    types: tuple[str, ...] = ()
    """MIME types of a leaf, or the identifier of the object that begins at an interior node; empty when any will do."""
    default: str | bytes | None = None
    """Value of a node that is made without one; octets for bin and b64."""
    maximum: int | None = None
    """The largest number of nodes, where the occurrence has an upper bound other than one."""
    reference: bool = False
    """Whether the value names another object of the tree: a connectivity reference."""
    secret: bool = False
    """Whether the value is never shown, whoever asks."""
    free: bool = False
    """Whether anything may stand below, without a description of its own."""
    children: tuple[NodeDescription, ...] = ()

    @property
    def is_permanent(self) -> bool:
        """Whether no server can make, remove or rename the node."""
        return self.scope is Scope.PERMANENT

    def child(self, name: str) -> NodeDescription | None:
        """Return the description of a child: the one of that name, else the one for any name."""
        return next((each for each in self.children if each.name == name), None) or next(
            (each for each in self.children if not each.name), None
        )

    def below(self, relative: tuple[str, ...]) -> NodeDescription | None:
        """Return the description of a node further down; None when there is none."""
        found: NodeDescription | None = self
        for name in relative:
            found = found.child(name) if found is not None else None
        return found

    def walk(self) -> Iterator[tuple[tuple[str, ...], NodeDescription]]:
        """Yield every description below this one and itself, with its names from here, parents first."""
        rest: list[tuple[tuple[str, ...], NodeDescription]] = [((), self)]
        while rest:
            names, found = rest.pop()
            yield names, found
            rest.extend(((*names, child.name), child) for child in reversed(found.children))


@dataclass(frozen=True, slots=True)
class DescribedBranch:
    """A description and the place in the tree where it begins."""

    parent: NodeUri
    """The node above the described one."""
    node: NodeDescription


@dataclass(frozen=True, slots=True)
class DeviceDescription:
    """A device description file (DDF)."""

    branches: tuple[DescribedBranch, ...]
    man: str | None = None
    mod: str | None = None
    warnings: tuple[str, ...] = ()
