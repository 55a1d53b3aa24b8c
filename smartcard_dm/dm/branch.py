"""A strict walk over an interior node of a management object.

Guarantees: every child is taken once by name or refused by name; every error names the node.
Leaves to its caller: which nodes the object has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from smartcard_dm.dm.formats import NodeFormat
from smartcard_dm.errors import DmError

if TYPE_CHECKING:
    from enum import Enum

    from smartcard_dm.dm.tnds import TndsNode

_STRUCTURE: Final = "DM account"

E = TypeVar("E", bound="Enum")


class Branch:
    """The children of one interior node, by name.

    Raises:
        DmError: the node is a leaf, two children have one name, or a child has none.
    """

    def __init__(self, node: TndsNode, place: str) -> None:
        self.place = place
        if not node.is_interior:
            raise self.fault("a leaf stands where an interior node belongs", found=f"Format {node.format.value}")
        self._rest: dict[str, TndsNode] = {}
        for child in node.children:
            if not child.name:
                raise self.fault("a node below has no name")
            if child.name in self._rest:
                raise self.fault("two nodes have one name", at=child.name)
            self._rest[child.name] = child

    def fault(
        self,
        detail: str,
        *,
        at: str | None = None,
        wanted: str | None = None,
        found: str | None = None,
    ) -> DmError:
        """Make the error that names this node, or the child `at`."""
        place = self.place if at is None else f"{self.place}/{at}"
        return DmError(_STRUCTURE, detail, place=place, wanted=wanted, found=found)

    def node(self, name: str) -> TndsNode | None:
        """Take a child as it is."""
        return self._rest.pop(name, None)

    def text(self, name: str) -> str | None:
        """Take the value of a leaf of Format chr; None when there is no such node.

        Raises:
            DmError: it is an interior node, or of another Format.
        """
        node = self.node(name)
        if node is None:
            return None
        if node.is_interior:
            raise self.fault("an interior node stands where a leaf belongs", at=name)
        if node.format is not NodeFormat.CHR or not isinstance(node.value, str):
            raise self.fault("another Format", at=name, wanted="chr", found=node.format.value)
        return node.value

    def required_text(self, name: str) -> str:
        """Take the value of a leaf of Format chr.

        Raises:
            DmError: it is missing, an interior node, or of another Format.
        """
        text = self.text(name)
        if text is None:
            raise self.fault("the node is missing", at=name)
        return text

    def octets(self, name: str) -> bytes | None:
        """Take the value of a leaf of Format bin or b64; None when there is no such node.

        Raises:
            DmError: it is an interior node, or of another Format.
        """
        node = self.node(name)
        if node is None:
            return None
        if not isinstance(node.value, bytes):
            raise self.fault("another Format", at=name, wanted="bin", found=node.format.value)
        return node.value

    def choice(self, name: str, kind: type[E], text: str) -> E:
        """Return the member of `kind` that `text`, the value of child `name`, stands for.

        Raises:
            DmError: there is none.
        """
        for member in kind:
            if member.value == text:
                return member
        wanted = ", ".join(str(member.value) for member in kind)
        raise self.fault("unknown value", at=name, wanted=wanted, found=repr(text[:40]))

    def branch(self, name: str) -> Branch | None:
        """Take an interior node; None when there is no such node.

        Raises:
            DmError: it is a leaf.
        """
        node = self.node(name)
        return Branch(node, f"{self.place}/{name}") if node is not None else None

    def branches(self) -> list[tuple[str, Branch]]:
        """Take all children: interior nodes of any name, at least one.

        Raises:
            DmError: there is none, or one is a leaf.
        """
        if not self._rest:
            raise self.fault("the node has no children", wanted="at least one")
        taken = [(name, Branch(node, f"{self.place}/{name}")) for name, node in self._rest.items()]
        self._rest.clear()
        return taken

    def end(self) -> None:
        """Check that every child was taken.

        Raises:
            DmError: one was not; it is no node of the object.
        """
        for name in self._rest:
            raise self.fault("not a node of this object; vendor nodes go below Ext", at=name)
