"""A handler made from a table: identifiers, description, and which leaf tells two objects apart.

Guarantees: a handler is a frozen value whose table fits together.
Leaves to its caller: registering it, and rules that no table can say, for which `check` is overridden.
Spec: OMA-TS-DM_StdObj-V1_2_1, 5.2 (identifiers), 5.3 (tables of the objects).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from smartcard_dm.dm.formats import NodeFormat
from smartcard_dm.dm.object_check import check_object
from smartcard_dm.dm.uri import segment_fault
from smartcard_dm.errors import DmError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smartcard_dm.dm.description import NodeDescription
    from smartcard_dm.dm.tnds import TndsNode
    from smartcard_dm.dm.uri import NodeUri

_STRUCTURE: Final = "management object"


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardObject:
    """What the device knows of one management object; see `ObjectHandler`.

    Raises:
        ValueError: no identifier, an object that is a leaf, or a key or name that the description does not know.
    """

    family: str
    """The object's name without a version."""
    versions: Mapping[str, tuple[int, ...]]
    """Every identifier that is supported, with the version it names."""
    holder: NodeUri | None
    """The node below which an object sent to the Inbox goes; None when none is ever taken from there."""
    description: NodeDescription
    """The object's own node and what stands below it."""
    keys: tuple[tuple[str, ...], ...] = ()
    """Paths of the leaf that tells two instances apart, one for each spelling; an object has exactly one of them, not
    empty. Without any, instances are not told apart."""
    names: tuple[tuple[str, ...], ...] = ()
    """Paths of leaves whose value names an object that came without a name; the first that is there counts."""

    def __post_init__(self) -> None:
        if not self.versions:
            raise ValueError(f"{self.family} has no identifier")
        if self.description.format is not NodeFormat.NODE:
            raise ValueError(f"{self.family} does not begin at an interior node")
        for path in (*self.keys, *self.names):
            if self.description.below(path) is None:
                raise ValueError(f"{self.family} has no node {'/'.join(path)}")

    def key(self, node: TndsNode) -> str | None:
        """Return what tells two instances apart whatever their names; None when it is missing or empty."""
        return _first_text(node, self.keys)

    def name(self, node: TndsNode) -> str | None:
        """Return a name for an object that came without one; None when its value cannot be the name of a node."""
        text = _first_text(node, self.names)
        return None if text is None or segment_fault(text) is not None else text

    def check(self, node: TndsNode, place: str) -> None:
        """Refuse an object that does not fit the table.

        Raises:
            DmError: a node is missing, unknown, one too many or of another Format, or the key is empty or twice there.
            UnsupportedError: the Type names another object, here or below.
        """
        if node.mo_id is not None and node.mo_id not in self.versions:
            raise UnsupportedError(f"management object {node.mo_id[:80]!r}", place)
        check_object(node, self.description, place)
        if not self.keys:
            return
        present = [path for path in self.keys if _text(node, path) is not None]
        at = "/".join((place, *(present or self.keys)[0]))
        if not present:
            raise DmError(_STRUCTURE, "the node is missing", place=at)
        if len(present) > 1:
            raise DmError(_STRUCTURE, "the node is there in two spellings", place=at)
        if self.key(node) is None:
            raise DmError(_STRUCTURE, "the value is empty", place=at)


def _first_text(node: TndsNode, paths: tuple[tuple[str, ...], ...]) -> str | None:
    return next((text for path in paths if (text := _text(node, path))), None)


def _text(node: TndsNode, path: tuple[str, ...]) -> str | None:
    """Return the value of a leaf below; None when it is not there or holds no text."""
    found: TndsNode | None = node
    for name in path:
        found = next((child for child in found.children if child.name == name), None) if found is not None else None
    return found.value if found is not None and isinstance(found.value, str) else None
