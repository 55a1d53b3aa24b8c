"""The `files` part of a profile: from nodes to the tree of directories and elementary files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from vendor_pcsc.errors import ProfileError
from vendor_pcsc.virtual.arr import build_ef_arr
from vendor_pcsc.virtual.content import MAX_CONTENT_LENGTH, GeneratorContext
from vendor_pcsc.virtual.model import (
    CURRENT_APPLICATION_ID,
    DF_ARR_ID,
    GLOBAL_PIN_LIMIT,
    MF_ARR_ID,
    MF_ID,
    DirectoryFile,
    DirectoryKind,
    ElementaryFile,
    Lifecycle,
    Structure,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from vendor_pcsc.virtual.content import Generator
    from vendor_pcsc.virtual.document import Node
    from vendor_pcsc.virtual.model import AccessRule, PinDefinition

MAX_CARD_LENGTH: Final = 4 << 20
"""Octets of all files of a card: more than any SIM holds."""
MAX_RECORDS: Final = 254
"""Records of a file. Spec: TS 102 221, 8.2.2.2."""

_RESERVED_IDS: Final = frozenset({MF_ID, CURRENT_APPLICATION_ID, 0x3FFF, 0xFFFF})
_ARR_IDS: Final = frozenset({MF_ARR_ID, DF_ARR_ID})

T = TypeVar("T")


@dataclass(slots=True)
class FileReader:
    """Reads the file tree once; counts what the card holds."""

    base: Path
    generators: Mapping[str, Generator]
    pins: Mapping[str, PinDefinition]
    rules: Mapping[str, AccessRule]
    """Rules by name, in the order of their numbers; the last may be the generated one, under an empty name."""
    generated_rule: AccessRule
    """Rule of EF(ARR), and of a directory that names none."""
    _total: int = 0
    _aids: set[bytes] = field(default_factory=set)

    def read_mf(self, node: Node) -> DirectoryFile:
        """Return the MF with the files listed in `node`."""
        references = tuple(p.reference for p in self.pins.values() if p.reference < GLOBAL_PIN_LIMIT)
        return DirectoryFile(
            kind=DirectoryKind.MF,
            file_id=MF_ID,
            name="MF",
            rule=self.generated_rule,
            pin_references=references,
            files=self._files(node, MF_ARR_ID, MF_ID, references),
        )

    def _files(
        self, node: Node, arr_id: int, own_id: int | None, references: tuple[int, ...]
    ) -> tuple[ElementaryFile | DirectoryFile, ...]:
        arr = build_ef_arr(arr_id, list(self.rules.values()), self.generated_rule)
        self._count(len(arr.content), node)
        files: list[ElementaryFile | DirectoryFile] = [arr]
        taken_ids: set[int] = set() if own_id is None else {own_id}
        taken_short_ids: set[int] = set()
        for entry in node.entries():
            file = self._file(entry, references, in_mf=arr_id == MF_ARR_ID)
            if file.file_id is not None:
                _claim(taken_ids, file.file_id, entry, f"file identifier {file.file_id:04X}")
            if isinstance(file, ElementaryFile) and file.short_id_tag and file.short_id is not None:
                _claim(taken_short_ids, file.short_id, entry, f"short file identifier {file.short_id:02X}")
            files.append(file)
        return tuple(files)

    def _file(self, node: Node, references: tuple[int, ...], *, in_mf: bool) -> ElementaryFile | DirectoryFile:
        keys = node.mapping()
        if "ef" in keys:
            return self._elementary(node)
        if "adf" in keys:
            if not in_mf:
                raise node.error("an ADF stands directly below the MF")
            return self._application(node)
        if "df" in keys:
            fields = node.fields(("df", "files"), ("name", "access"))
            return self._directory(node, fields, DirectoryKind.DF, references)
        raise node.error("wanted a file: one of the keys ef, df, adf")

    def _application(self, node: Node) -> DirectoryFile:
        fields = node.fields(("adf", "files"), ("df", "name", "access", "pin"))
        aid = fields["adf"].octets(5, 16)
        _claim(self._aids, aid, fields["adf"], f"AID {aid.hex().upper()}")
        # An application's own PIN stands first; those of other applications are not its business.
        own = [_named(fields["pin"], self.pins, "PIN")] if "pin" in fields else []
        shared = [pin for pin in self.pins.values() if not pin.is_application_pin and pin not in own]
        references = tuple(pin.reference for pin in [*own, *shared])
        return self._directory(node, fields, DirectoryKind.ADF, references, aid=aid)

    def _directory(
        self,
        node: Node,
        fields: Mapping[str, Node],
        kind: DirectoryKind,
        references: tuple[int, ...],
        *,
        aid: bytes | None = None,
    ) -> DirectoryFile:
        file_id = _file_id(fields["df"]) if "df" in fields else None
        identity = f"{file_id:04X}" if file_id is not None else node.mapping()["adf"].text().upper()
        return DirectoryFile(
            kind=kind,
            file_id=file_id,
            name=fields["name"].text() if "name" in fields else f"{kind.name} {identity}",
            rule=_named(fields["access"], self.rules, "access rule") if "access" in fields else self.generated_rule,
            pin_references=references,
            files=self._files(fields["files"], DF_ARR_ID, file_id, references),
            aid=aid,
        )

    def _elementary(self, node: Node) -> ElementaryFile:
        structure = node.mapping()["structure"].choice(Structure) if "structure" in node.mapping() else None
        common = ("structure", "name", "sfi", "lifecycle", "padding")
        if structure in {None, Structure.TRANSPARENT}:
            fields = node.fields(("ef", "access"), (*common, "content", "size"))
            content, record_length = self._body(node, fields), 0
        else:
            required = ("ef", "access", "record_length")
            fields = node.fields(required, (*common, "records", "record_count"))
            record_length = fields["record_length"].integer(1, 255)
            content = self._records(node, fields, record_length)
        self._count(len(content), node)
        file_id = _file_id(fields["ef"])
        short_id, short_id_tag = _short_id(fields.get("sfi"), file_id)
        return ElementaryFile(
            file_id=file_id,
            name=fields["name"].text() if "name" in fields else f"EF {file_id:04X}",
            structure=structure or Structure.TRANSPARENT,
            rule=_named(fields["access"], self.rules, "access rule"),
            content=content,
            record_length=record_length,
            short_id=short_id,
            short_id_tag=short_id_tag,
            lifecycle=fields["lifecycle"].choice(Lifecycle) if "lifecycle" in fields else Lifecycle.ACTIVATED,
        )

    def _count(self, octets: int, node: Node) -> None:
        self._total += octets
        if self._total > MAX_CARD_LENGTH:
            raise node.error(f"the files of the card have more than {MAX_CARD_LENGTH} octets in all")

    def _body(self, node: Node, fields: Mapping[str, Node]) -> bytes:
        content = self._generate(fields["content"]) if "content" in fields else b""
        if "size" not in fields:
            return content
        size = fields["size"].integer(0, MAX_CONTENT_LENGTH)
        return _padded(content, size, _padding(fields), fields.get("content", node))

    def _records(self, node: Node, fields: Mapping[str, Node], length: int) -> bytes:
        entries: Sequence[Node] = fields["records"].entries() if "records" in fields else ()
        count = len(entries)
        if "record_count" in fields:
            count = fields["record_count"].integer(1, MAX_RECORDS)
        if not 1 <= count <= MAX_RECORDS or len(entries) > count:
            raise node.error(f"wanted 1 to {MAX_RECORDS} records, all of them counted; found {len(entries)}")
        if count * length > MAX_CONTENT_LENGTH:
            raise node.error(f"wanted at most {MAX_CONTENT_LENGTH} octets of records, found {count * length}")
        padding = _padding(fields)
        filled = [_padded(self._generate(entry), length, padding, entry) for entry in entries]
        return b"".join(filled).ljust(count * length, padding)

    def _generate(self, node: Node) -> bytes:
        context = GeneratorContext(self.base, node.place, node.line, self.generators)
        return context.generate(node.plain())


def _file_id(node: Node) -> int:
    file_id = int.from_bytes(node.octets(2, 2))
    if file_id in _RESERVED_IDS:
        raise node.error(f"file identifier {file_id:04X} is reserved")
    if file_id in _ARR_IDS:
        raise node.error(f"file identifier {file_id:04X} is EF(ARR), which is made from the access rules")
    return file_id


def _short_id(node: Node | None, file_id: int) -> tuple[int | None, bytes | None]:
    if node is None:
        implied = file_id & 0x1F
        return (implied if 1 <= implied <= 30 else None), None
    if node.text() == "none":
        return None, b""
    short_id = node.octets(1, 1)[0]
    if not 1 <= short_id <= 30:
        raise node.error(f"wanted a short file identifier from 01 to 1E, or none; found {node.shown}")
    return short_id, bytes([short_id << 3])


def _padding(fields: Mapping[str, Node]) -> bytes:
    return fields["padding"].octets(1, 1) if "padding" in fields else b"\xff"


def _padded(content: bytes, size: int, padding: bytes, node: Node) -> bytes:
    if len(content) > size:
        raise node.error(f"wanted at most {size} octets, found {len(content)}")
    return content.ljust(size, padding)


def _named(node: Node, table: Mapping[str, T], what: str) -> T:
    found = table.get(node.text()) if node.text() else None
    if found is None:
        raise node.error(f"unknown {what} {node.shown}; known: {', '.join(filter(None, table)) or 'none'}")
    return found


def _claim(taken: set[T], value: T, node: Node, what: str) -> None:
    if value in taken:
        raise ProfileError(node.where, f"{what} is there twice")
    taken.add(value)
