"""What a 2G card answers to SELECT: fixed positions, no tags.

Guarantees: any octets give a `GsmDirectory`, a `GsmFile` or `ApduError`. Leaves to its caller: telling this form from
an FCP (whose first octet is 62), and reading CHV counters from the application's own directory, since the MF of a
multi-application card need not hold them.

Spec: GSM 11.11 (3GPP TS 51.011), 9.2.1 and 9.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from smartcard_dm.errors import ApduError
from smartcard_dm.iso7816.fcp import FileStructure

_NAME = "2G SELECT answer"
_STRUCTURES = {0: FileStructure.TRANSPARENT, 1: FileStructure.LINEAR_FIXED, 3: FileStructure.CYCLIC}


class GsmAccess(IntEnum):
    """Access condition of one command on one file. Levels are not hierarchical: CHV2 does not open CHV1 files.

    Spec: GSM 11.11, table 10.
    """

    ALWAYS = 0
    CHV1 = 1
    CHV2 = 2
    RESERVED = 3
    ADM4 = 4
    ADM5 = 5
    ADM6 = 6
    ADM7 = 7
    ADM8 = 8
    ADM9 = 9
    ADM10 = 10
    ADM11 = 11
    ADM12 = 12
    ADM13 = 13
    ADM14 = 14
    NEVER = 15

    @property
    def is_administrative(self) -> bool:
        """Whether only the issuer can fulfil the condition."""
        return 4 <= self <= 14


@dataclass(frozen=True, slots=True)
class ChvStatus:
    """State of one secret code."""

    initialised: bool
    attempts_remaining: int
    """0 is blocked."""


@dataclass(frozen=True, slots=True)
class GsmDirectory:
    """The MF or a DF."""

    file_id: int
    is_mf: bool
    free_memory: int
    characteristics: int
    """Octet 14: clock stop, and CHV1 in bit 8."""

    directories: int
    files: int
    codes: int
    """CHVs, unblock CHVs and administrative codes together."""

    chv1: ChvStatus
    unblock1: ChvStatus
    chv2: ChvStatus
    unblock2: ChvStatus

    @property
    def chv1_disabled(self) -> bool:
        """Whether CHV1 need not be presented: its files are then open, and VERIFY is not possible."""
        return bool(self.characteristics & 0x80)


@dataclass(frozen=True, slots=True)
class GsmFile:
    """An elementary file."""

    file_id: int
    size: int
    """Octets; of a record file, those of all records."""

    structure: FileStructure
    record_length: int | None
    """Octets of a record; None for a transparent file."""

    read: GsmAccess
    update: GsmAccess
    increase: GsmAccess
    rehabilitate: GsmAccess
    invalidate: GsmAccess
    increase_allowed: bool
    invalidated: bool

    @property
    def record_count(self) -> int | None:
        """Number of records; None for a transparent file."""
        return self.size // self.record_length if self.record_length else None


def parse_gsm_select(octets: bytes) -> GsmFile | GsmDirectory:
    """Return the answer to SELECT, GET RESPONSE or STATUS in class A0.

    Raises:
        ApduError: too short, or an octet has a value that none may have.
    """
    if len(octets) < 14:
        raise ApduError(_NAME, "cut", offset=len(octets), wanted="14 octets or more", found=str(len(octets)))
    kind = octets[6]
    if kind in {1, 2}:
        return _directory(octets)
    if kind != 4:
        raise ApduError(_NAME, "type of file", offset=6, wanted="01, 02 or 04", found=f"{kind:02X}")
    structure = _STRUCTURES.get(octets[13])
    if structure is None:
        raise ApduError(_NAME, "structure of file", offset=13, wanted="00, 01 or 03", found=f"{octets[13]:02X}")
    size = int.from_bytes(octets[2:4], "big")
    # Octet 15 may be missing for a transparent file: cards in the field send 14 octets.
    record_length = octets[14] if structure is not FileStructure.TRANSPARENT and len(octets) > 14 else None
    if structure is not FileStructure.TRANSPARENT and (not record_length or size % record_length):
        found = f"size {size}, record length {record_length}"
        raise ApduError(_NAME, "size is not a number of records", offset=14, found=found)
    return GsmFile(
        file_id=int.from_bytes(octets[4:6], "big"),
        size=size,
        structure=structure,
        record_length=record_length,
        read=GsmAccess(octets[8] >> 4),
        update=GsmAccess(octets[8] & 0xF),
        increase=GsmAccess(octets[9] >> 4),
        rehabilitate=GsmAccess(octets[10] >> 4),
        invalidate=GsmAccess(octets[10] & 0xF),
        increase_allowed=structure is FileStructure.CYCLIC and bool(octets[7] & 0x40),
        invalidated=not octets[11] & 1,
    )


def _directory(octets: bytes) -> GsmDirectory:
    if len(octets) < 22:
        raise ApduError(_NAME, "a directory is cut", offset=len(octets), wanted="22 octets", found=str(len(octets)))
    return GsmDirectory(
        file_id=int.from_bytes(octets[4:6], "big"),
        is_mf=octets[6] == 1,
        free_memory=int.from_bytes(octets[2:4], "big"),
        characteristics=octets[13],
        directories=octets[14],
        files=octets[15],
        codes=octets[16],
        chv1=_chv(octets[18]),
        unblock1=_chv(octets[19]),
        chv2=_chv(octets[20]),
        unblock2=_chv(octets[21]),
    )


def _chv(octet: int) -> ChvStatus:
    return ChvStatus(bool(octet & 0x80), octet & 0x0F)
