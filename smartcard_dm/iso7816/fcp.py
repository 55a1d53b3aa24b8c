"""File control parameters: what a UICC answers to SELECT and STATUS.

Guarantees: any octets give an `Fcp` or `TlvError`; unknown data objects are kept, not understood. Order of the
objects does not matter, one that may stand once stands once. Leaves to its caller: an empty answer to SELECT, which
some cards give with 9000, and reading EF.ARR for the security reference.

Spec: ETSI TS 102 221, 11.1.1.4; ISO/IEC 7816-4 (file control parameters).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from smartcard_dm.errors import TlvError
from smartcard_dm.iso7816.tlv import Tlv, read_tlvs

_NAME = "FCP"
_ONCE = frozenset((0x80, 0x81, 0x82, 0x83, 0x84, 0x88, 0x8A, 0x8B, 0xA5, 0xC6))


class TemplateKind(Enum):
    """The template around the parameters."""

    FCP = 0x62
    FCI = 0x6F


class FileKind(Enum):
    """What a file is. Spec: ETSI TS 102 221, 11.1.1.4.3."""

    WORKING = "working file"
    INTERNAL = "internal file"
    DIRECTORY = "directory"
    UNKNOWN = "unknown"


class FileStructure(Enum):
    """How the content of an elementary file is arranged."""

    TRANSPARENT = "transparent"
    LINEAR_FIXED = "linear fixed"
    LINEAR_VARIABLE = "linear variable"
    CYCLIC = "cyclic"
    BER_TLV = "BER-TLV"
    NONE = "none"


class LifeCycle(Enum):
    """Where a file is in its life. Spec: ISO/IEC 7816-4 (life cycle status)."""

    NO_INFORMATION = "no information"
    CREATION = "creation"
    INITIALISATION = "initialisation"
    ACTIVATED = "activated"
    DEACTIVATED = "deactivated"
    TERMINATED = "terminated"
    PROPRIETARY = "proprietary"


@dataclass(frozen=True, slots=True)
class FileDescriptor:
    """Kind and structure of a file, and its records."""

    octets: bytes
    kind: FileKind
    structure: FileStructure
    shareable: bool
    record_length: int | None
    record_count: int | None


@dataclass(frozen=True, slots=True)
class SecurityReference:
    """Which records of which EF.ARR hold the access rules."""

    arr_file_id: int | None
    """Identifier of EF.ARR, or None where it is known otherwise."""

    record: int | None
    """Record number for every security environment, or None when `by_environment` tells."""

    by_environment: tuple[tuple[int, int], ...] = ()
    """Pairs of security environment identifier and record number."""

    def record_for(self, environment: int = 1) -> int | None:
        """Return the record number that holds in a security environment, or None."""
        return self.record if self.record is not None else dict(self.by_environment).get(environment)


@dataclass(frozen=True, slots=True)
class PinState:
    """One PIN that a directory lists."""

    reference: int
    """P2 of VERIFY."""

    enabled: bool
    usage: int | None = None
    """Usage qualifier (tag 95), where one is given: 08 stands for verification."""


@dataclass(frozen=True, slots=True)
class Fcp:
    """File control parameters; what the card did not say is None or empty."""

    template: TemplateKind
    file_size: int | None
    """Octets of data: of a transparent file, or of all records together."""

    total_size: int | None
    descriptor: FileDescriptor | None
    file_id: int | None
    df_name: bytes | None
    """Application identifier of an ADF."""

    short_file_id: int | None
    """1 to 30: from tag 88, or from the file identifier of an EF when tag 88 is absent; None when there is none."""

    life_cycle: LifeCycle | None
    security: SecurityReference | None
    compact_rules: bytes | None
    """Value of tag 8C, not read further."""

    expanded_rules: bytes | None
    """Value of tag AB, in the form of an EF.ARR record (`parse_access_rules`)."""

    proprietary: tuple[Tlv, ...]
    """The data objects inside tag A5."""

    pins: tuple[PinState, ...]
    unknown: tuple[Tlv, ...]
    """Data objects that this table has not."""


def parse_fcp(octets: bytes) -> Fcp:
    """Return the parameters in an FCP template (62), or in an FCI template (6F) of other cards.

    An FCI template is read as the same list, whether the parameters stand in it or in a 62 inside it.

    Raises:
        TlvError: no such template, an object inside is malformed or stands twice, or octets follow.
    """
    outer = read_tlvs(octets, structure=_NAME)
    if len(outer) != 1 or outer[0].tag not in {0x62, 0x6F}:
        found = " ".join(f"{tlv.tag:02X}" for tlv in outer) or "nothing"
        raise TlvError(_NAME, "not one template", offset=0, wanted="tag 62 or 6F", found=found)
    kind = TemplateKind(outer[0].tag)
    children = read_tlvs(outer[0].value, structure=_NAME, base=outer[0].value_offset)
    if kind is TemplateKind.FCI and [tlv.tag for tlv in children[:1]] == [0x62]:
        children = read_tlvs(children[0].value, structure=_NAME, base=children[0].value_offset) + children[1:]
    once: dict[int, Tlv] = {}
    for tlv in children:
        if tlv.tag in _ONCE and tlv.tag in once:
            raise TlvError(_NAME, f"tag {tlv.tag:02X} stands twice", offset=tlv.offset)
        once.setdefault(tlv.tag, tlv)
    descriptor = _descriptor(once[0x82]) if 0x82 in once else None
    file_id = _number(once[0x83], 2, 2) if 0x83 in once else None
    return Fcp(
        template=kind,
        file_size=_number(once[0x80], 2, 4) if 0x80 in once else None,
        total_size=_number(once[0x81], 2, 4) if 0x81 in once else None,
        descriptor=descriptor,
        file_id=file_id,
        df_name=once[0x84].value if 0x84 in once else None,
        short_file_id=_short_file_id(once.get(0x88), file_id, descriptor),
        life_cycle=_life_cycle(_number(once[0x8A], 1, 1)) if 0x8A in once else None,
        security=_security(once[0x8B]) if 0x8B in once else None,
        compact_rules=once[0x8C].value if 0x8C in once else None,
        expanded_rules=once[0xAB].value if 0xAB in once else None,
        proprietary=_inside(once[0xA5]) if 0xA5 in once else (),
        pins=_pins(once[0xC6]) if 0xC6 in once else (),
        unknown=tuple(tlv for tlv in children if tlv.tag not in _ONCE | {0x8C, 0xAB}),
    )


def _inside(tlv: Tlv) -> tuple[Tlv, ...]:
    return read_tlvs(tlv.value, structure=_NAME, base=tlv.value_offset)


def _number(tlv: Tlv, shortest: int, longest: int) -> int:
    if not shortest <= len(tlv.value) <= longest:
        wanted = f"{shortest} octets" if shortest == longest else f"{shortest} to {longest} octets"
        found = str(len(tlv.value))
        raise TlvError(_NAME, f"length of tag {tlv.tag:02X}", offset=tlv.offset, wanted=wanted, found=found)
    return int.from_bytes(tlv.value, "big")


def _descriptor(tlv: Tlv) -> FileDescriptor:
    raw = tlv.value
    _number(tlv, 1, 6)
    first = raw[0]
    kind, structure = FileKind.UNKNOWN, FileStructure.NONE
    if first & 0x80 == 0:
        type_bits, structure_bits = first >> 3 & 7, first & 7
        if type_bits == 7 and structure_bits == 0:
            kind = FileKind.DIRECTORY
        elif type_bits == 7:
            # 39: an elementary file whose content is BER-TLV objects shares the type bits of a directory.
            kind = FileKind.WORKING if structure_bits == 1 else FileKind.UNKNOWN
            structure = FileStructure.BER_TLV if structure_bits == 1 else FileStructure.NONE
        else:
            kind = {0: FileKind.WORKING, 1: FileKind.INTERNAL}.get(type_bits, FileKind.UNKNOWN)
            structure = _STRUCTURES[structure_bits]
    record_length = int.from_bytes(raw[2:4], "big") if len(raw) > 2 else None
    record_count = int.from_bytes(raw[4:6], "big") if len(raw) > 4 else None
    return FileDescriptor(raw, kind, structure, bool(first & 0x40), record_length, record_count)


_STRUCTURES = (
    FileStructure.NONE,
    FileStructure.TRANSPARENT,
    FileStructure.LINEAR_FIXED,
    FileStructure.LINEAR_FIXED,
    FileStructure.LINEAR_VARIABLE,
    FileStructure.LINEAR_VARIABLE,
    FileStructure.CYCLIC,
    FileStructure.CYCLIC,
)


def _short_file_id(tlv: Tlv | None, file_id: int | None, descriptor: FileDescriptor | None) -> int | None:
    if tlv is None:
        is_directory = descriptor is not None and descriptor.kind is FileKind.DIRECTORY
        found = 0 if file_id is None or is_directory else file_id & 0x1F
    elif not tlv.value:
        return None
    else:
        found = _number(tlv, 1, 1) >> 3
    return found if 1 <= found <= 30 else None


def _life_cycle(value: int) -> LifeCycle:
    if value in {0x00, 0x01, 0x03}:
        return {0: LifeCycle.NO_INFORMATION, 1: LifeCycle.CREATION, 3: LifeCycle.INITIALISATION}[value]
    if value & 0xFC == 0x04:
        return LifeCycle.ACTIVATED if value & 1 else LifeCycle.DEACTIVATED
    return LifeCycle.TERMINATED if value & 0xFC == 0x0C else LifeCycle.PROPRIETARY


def _security(tlv: Tlv) -> SecurityReference:
    raw = tlv.value
    if len(raw) == 1:
        return SecurityReference(None, raw[0])
    if len(raw) == 3:
        return SecurityReference(int.from_bytes(raw[:2], "big"), raw[2])
    if len(raw) >= 4 and len(raw) % 2 == 0:
        pairs = tuple((raw[at], raw[at + 1]) for at in range(2, len(raw), 2))
        return SecurityReference(int.from_bytes(raw[:2], "big"), None, pairs)
    wanted = "1, 3, or 4 and more octets in pairs"
    raise TlvError(_NAME, "length of tag 8B", offset=tlv.offset, wanted=wanted, found=str(len(raw)))


def _pins(tlv: Tlv) -> tuple[PinState, ...]:
    """Read the PIN status template: bit i of tag 90, from the left, tells whether the i-th PIN is enabled."""
    bits = b""
    usage: int | None = None
    listed: list[tuple[int, int | None]] = []
    for part in _inside(tlv):
        if part.tag == 0x90:
            bits = part.value
        elif part.tag == 0x95:
            usage = _number(part, 1, 1)
        elif part.tag == 0x83:
            listed.append((_number(part, 1, 1), usage))
            usage = None
    if len(listed) > len(bits) * 8:
        found = f"{len(listed)} PINs, {len(bits) * 8} bits"
        raise TlvError(_NAME, "PIN status has too few bits", offset=tlv.offset, found=found)
    return tuple(
        PinState(reference, bool(bits[at // 8] & 0x80 >> at % 8), qualifier)
        for at, (reference, qualifier) in enumerate(listed)
    )
