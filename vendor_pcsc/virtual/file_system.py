"""The files of a running card: the profile's tree with contents that can change, and the ways to find a file.

Guarantees: finding changes nothing. Contents live as long as the card object, also over a reset.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from vendor_pcsc.virtual.model import (
    CURRENT_APPLICATION_ID,
    MF_ID,
    DirectoryFile,
    ElementaryFile,
    Structure,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class EfNode:
    """An elementary file of the running card."""

    __slots__ = ("_content", "definition", "parent")

    def __init__(self, definition: ElementaryFile, parent: DirectoryNode) -> None:
        self.definition = definition
        self.parent = parent
        self._content = bytearray(definition.content)

    @property
    def file_id(self) -> int:
        """Return the file identifier."""
        return self.definition.file_id

    @property
    def content(self) -> bytes:
        """Return the whole body."""
        return bytes(self._content)

    def record(self, number: int) -> bytes:
        """Return record `number`, from 1; in a cyclic file 1 is the newest."""
        length = self.definition.record_length
        return bytes(self._content[(number - 1) * length : number * length])

    def neighbour(self, record: int | None, *, forward: bool) -> int | None:
        """Return the record after or before `record`; None when there is none.

        From no record the first or the last; a cyclic file goes round. Spec: TS 102 221, 8.2.2 and 11.1.5.
        """
        count = self.definition.record_count
        if record is None:
            return 1 if forward else count
        number = record + 1 if forward else record - 1
        if self.definition.structure is Structure.CYCLIC:
            return (number - 1) % count + 1
        return number if 1 <= number <= count else None

    def write(self, offset: int, data: bytes) -> None:
        """Replace octets; the caller has checked that they lie inside the file."""
        self._content[offset : offset + len(data)] = data

    def push_record(self, data: bytes) -> None:
        """Replace the oldest record of a cyclic file; the new one gets number 1. Spec: TS 102 221, 8.2.2.3."""
        length = self.definition.record_length
        self._content[:] = data + self._content[:-length]


class DirectoryNode:
    """The MF, a DF or an ADF of the running card."""

    __slots__ = ("children", "definition", "parent")

    def __init__(self, definition: DirectoryFile, parent: DirectoryNode | None) -> None:
        self.definition = definition
        self.parent = parent or self
        self.children: tuple[Node, ...] = tuple(
            DirectoryNode(file, self) if isinstance(file, DirectoryFile) else EfNode(file, self)
            for file in definition.files
        )

    @property
    def file_id(self) -> int | None:
        """Return the file identifier; None for an ADF without one."""
        return self.definition.file_id

    @property
    def directories(self) -> Iterator[DirectoryNode]:
        """Yield the directories directly below."""
        return (node for node in self.children if isinstance(node, DirectoryNode))

    def child(self, file_id: int) -> Node | None:
        """Return the child with this identifier."""
        return next((node for node in self.children if node.file_id == file_id), None)

    def by_short_id(self, short_id: int) -> EfNode | None:
        """Return the EF with this short identifier; one with a tag 88 goes before one that implies it."""
        found = [n for n in self.children if isinstance(n, EfNode) and n.definition.short_id == short_id]
        found.sort(key=lambda node: node.definition.short_id_tag is None)
        return found[0] if found else None


Node: TypeAlias = DirectoryNode | EfNode


@dataclass(frozen=True, slots=True)
class Selection:
    """What is selected on one channel. Spec: TS 102 221, 8.4 and 8.7."""

    directory: DirectoryNode
    ef: EfNode | None = None
    record: int | None = None
    """Record pointer, from 1; None: not set."""
    application: DirectoryNode | None = None
    """The active application's directory: stays while other directories are selected."""

    def moved_to(self, node: Node) -> Selection:
        """Return the selection after `node` was selected. Spec: TS 102 221, 8.4.1."""
        if isinstance(node, DirectoryNode):
            return Selection(node, application=self.application)
        # In a cyclic file the pointer begins at the newest record; elsewhere it is not set.
        record = 1 if node.definition.structure is Structure.CYCLIC else None
        return Selection(node.parent, node, record, self.application)


class Occurrence(Enum):
    """Which of several applications with the same beginning of the AID; P2 bits 2-1. Spec: TS 102 221, 11.1.1.2."""

    FIRST = 0
    LAST = 1
    NEXT = 2
    PREVIOUS = 3


class FileSystem:
    """All files of the card."""

    def __init__(self, mf: DirectoryFile) -> None:
        self.mf = DirectoryNode(mf, None)
        self.applications = tuple(node for node in self.mf.directories if node.definition.aid is not None)

    def by_identifier(self, selection: Selection, file_id: int) -> Node | None:
        """Return the file that SELECT by identifier reaches from here. Spec: TS 102 221, 8.4.1.

        Reached are the MF, the active application's directory (7FFF), children, the current directory itself, its
        parent, and directories with the same parent.
        """
        if file_id == MF_ID:
            return self.mf
        if file_id == CURRENT_APPLICATION_ID:
            return selection.application
        here = selection.directory
        child = here.child(file_id)
        if child is not None:
            return child
        around = (here, here.parent, *here.parent.directories)
        return next((node for node in around if node.file_id == file_id), None)

    def by_path(self, start: DirectoryNode, file_ids: Sequence[int]) -> Node | None:
        """Return the file reached from `start` child by child."""
        node: Node | None = start
        for file_id in file_ids:
            if not isinstance(node, DirectoryNode):
                return None
            node = node.child(file_id)
        return node

    def by_name(self, name: bytes, occurrence: Occurrence, active: DirectoryNode | None) -> DirectoryNode | None:
        """Return the application whose AID is `name`, or else begins with it. Spec: TS 102 221, 11.1.1.2.

        Next and previous count from the active application if it has that name too, else from the ends.
        """
        whole = [node for node in self.applications if node.definition.aid == name]
        found = whole or [node for node in self.applications if (node.definition.aid or b"").startswith(name)]
        if occurrence is Occurrence.NEXT and active in found:
            found = found[found.index(active) + 1 :]
        elif occurrence is Occurrence.PREVIOUS and active in found:
            found = found[: found.index(active)]
        if not found:
            return None
        return found[0] if occurrence in {Occurrence.FIRST, Occurrence.NEXT} else found[-1]
