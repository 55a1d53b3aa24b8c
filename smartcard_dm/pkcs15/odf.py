"""EF(ODF): which directory files a PKCS#15 application has, in order of priority.

Guarantees: every entry of a known kind in the card's order, also when a kind stands several times; an erased file is
an empty `Odf`. Leaves to its caller: reading each file named, not only the first.

Spec: PKCS#15 v1.1, 6.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from smartcard_dm.iso7816.file_path import FilePath
from smartcard_dm.limits import DEFAULT_LIMITS, Limits
from smartcard_dm.pkcs15.directory import read_entries
from smartcard_dm.pkcs15.path import read_path
from smartcard_dm.pkcs15.schema import Schema, decode
from smartcard_dm.pkcs15.where import Where

if TYPE_CHECKING:
    from smartcard_dm.iso7816.tlv import Tlv


class DirectoryKind(Enum):
    """What a directory file holds: the tag of its entry in EF(ODF)."""

    PRIVATE_KEYS = 0xA0
    PUBLIC_KEYS = 0xA1
    TRUSTED_PUBLIC_KEYS = 0xA2
    SECRET_KEYS = 0xA3
    CERTIFICATES = 0xA4
    TRUSTED_CERTIFICATES = 0xA5
    USEFUL_CERTIFICATES = 0xA6
    DATA_OBJECTS = 0xA7
    AUTH_OBJECTS = 0xA8


@dataclass(frozen=True, slots=True)
class InPlaceObjects:
    """Objects that stand in EF(ODF) itself."""

    octets: tuple[bytes, ...]
    """One whole encoding an object; joined, they are the content of a directory file."""


@dataclass(frozen=True, slots=True)
class ProtectedReference:
    """A reference enciphered with a key we do not have."""

    direct: bool


Reference: TypeAlias = FilePath | InPlaceObjects | ProtectedReference


@dataclass(frozen=True, slots=True)
class OdfEntry:
    """One directory."""

    kind: DirectoryKind
    reference: Reference
    offset: int
    """Octets from the start of EF(ODF)."""


@dataclass(frozen=True, slots=True)
class Odf:
    """The directories of an application, in the card's order: the first has priority."""

    entries: tuple[OdfEntry, ...]
    warnings: tuple[str, ...]

    def of_kind(self, kind: DirectoryKind) -> tuple[OdfEntry, ...]:
        """Return the entries of one kind, in the card's order."""
        return tuple(entry for entry in self.entries if entry.kind is kind)


_KINDS = {kind.value: kind for kind in DirectoryKind}
_REFERENCES = frozenset((0x30, 0xA0, 0xA1, 0xA2))


def parse_odf(octets: bytes, *, limits: Limits = DEFAULT_LIMITS) -> Odf:
    """Return the entries of EF(ODF).

    Entries of unknown kinds are skipped and counted in the warnings.

    Raises:
        Pkcs15Error: an entry is malformed or cut.
        LimitExceededError: more entries than `Limits.odf_entries`, more data object directories than
            `Limits.data_object_directories`, a path or file that is too long.
    """
    where = Where("EF.ODF", limits)
    tlvs, warnings = read_entries(octets, where)
    if len(tlvs) > limits.odf_entries:
        raise where.too_large("odf_entries", tlvs[limits.odf_entries].offset, len(tlvs))
    found: list[OdfEntry] = []
    for number, tlv in enumerate(tlvs, 1):
        place = where.inside(f"entry {number}")
        inner = place.level(tlv.value, tlv.value_offset) if tlv.tag in _KINDS else ()
        if tlv.tag not in _KINDS or (len(inner) == 1 and inner[0].tag not in _REFERENCES):
            kind = f"{tlv.tag:02X}" + "".join(f" {part.tag:02X}" for part in inner)
            warnings += (f"EF.ODF: entry of kind {kind} skipped, entry {number} at offset {tlv.offset}",)
        else:
            found.append(_entry(tlv, place))
    directories = sum(entry.kind is DirectoryKind.DATA_OBJECTS for entry in found)
    if directories > limits.data_object_directories:
        raise where.too_large("data_object_directories", 0, directories)
    return Odf(tuple(found), warnings)


def _entry(tlv: Tlv, where: Where) -> OdfEntry:
    node = decode(Schema.ODF_ENTRY, tlv, where)
    kind = _KINDS[tlv.tag]
    place = where.inside(node.chosen)
    # The explicit tag of the entry is off: the node is what stands in it, told apart by its own tag.
    reference: Reference
    match node.tlv.tag:
        case 0x30:
            reference = read_path(node, place.inside("path"))
        case 0xA0:
            inside = place.inside("objects").level(node.tlv.value, node.tlv.value_offset)
            reference = InPlaceObjects(tuple(part.octets for part in inside))
        case protected:
            reference = ProtectedReference(protected == 0xA2)
    return OdfEntry(kind, reference, tlv.offset)
