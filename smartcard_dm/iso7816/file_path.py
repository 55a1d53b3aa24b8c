"""A path on a card as PKCS#15 and EF.DIR write it: file identifiers, and perhaps a part of the last file.

Guarantees: a `FilePath` has whole file identifiers, and index and length together or not at all. Leaves to its
caller: what the path is relative to (`smartcard_dm.pkcs15.resolve`).
"""

from __future__ import annotations

from dataclasses import dataclass

from smartcard_dm.errors import LimitExceededError, TlvError
from smartcard_dm.iso7816.tlv import Tlv, read_tlvs
from smartcard_dm.limits import DEFAULT_LIMITS, Limits

MF = 0x3F00
"""Identifier of the master file."""

HIGHEST_INDEX = 0xFFFF
"""Upper bound of index and length. Spec: PKCS#15 v1.1, 6.1 (pkcs15-ub-index)."""


@dataclass(frozen=True, slots=True)
class FilePath:
    """Where something stands on the card.

    Raises:
        ValueError: the octets are no file identifiers, or index and length do not come together.
    """

    octets: bytes
    """File identifiers of two octets each; empty only together with `aid`."""

    index: int | None = None
    """Transparent file: octets to skip. Record file: number of the record."""

    length: int | None = None
    """Octets of the part; None or 0 is the whole file."""

    aid: bytes = b""
    """Application identifier inside the path, a habit of some cards; mostly empty."""

    def __post_init__(self) -> None:
        fault = path_fault(self.octets, self.index, self.length, self.aid)
        if fault:
            raise ValueError(fault)

    @property
    def file_ids(self) -> tuple[int, ...]:
        """The file identifiers in order."""
        return tuple(int.from_bytes(self.octets[at : at + 2], "big") for at in range(0, len(self.octets), 2))

    @property
    def is_absolute(self) -> bool:
        """Whether the path begins at the master file."""
        return self.file_ids[:1] == (MF,)

    @property
    def is_whole_file(self) -> bool:
        """Whether no part of the file is meant: index and length absent or zero."""
        return not self.index and not self.length

    def __str__(self) -> str:
        name = self.octets.hex().upper()
        prefix = f"{self.aid.hex().upper()}:" if self.aid else ""
        part = "" if self.is_whole_file else f"[{self.index}+{self.length}]"
        return prefix + name + part


def path_fault(octets: bytes, index: int | None, length: int | None, aid: bytes = b"") -> str | None:
    """Return what is wrong with the parts of a path, or None."""
    if len(octets) % 2:
        return f"a path is made of file identifiers of two octets, found {len(octets)} octets"
    if not octets and not aid:
        return "a path names at least one file"
    if (index is None) != (length is None):
        return "index and length come together or not at all"
    for name, value in (("index", index), ("length", length)):
        if value is not None and not 0 <= value <= HIGHEST_INDEX:
            return f"{name} is 0 to {HIGHEST_INDEX}, found {value}"
    if len(aid) > 16:
        return f"an application identifier has at most 16 octets, found {len(aid)}"
    return None


def check_path_length(octets: bytes, limits: Limits, *, structure: str, offset: int, place: str | None = None) -> None:
    """Hold `Limits.path_octets`, with 3F00 at the beginning not counted.

    Raises:
        LimitExceededError: the path is longer.
    """
    counted = len(octets) - (2 if octets[:2] == MF.to_bytes(2, "big") else 0)
    if counted > limits.path_octets:
        name = "path_octets"
        raise LimitExceededError(structure, name, limits.path_octets, offset=offset, place=place, found=str(counted))


def parse_path_content(
    content: bytes,
    *,
    structure: str,
    base: int = 0,
    limits: Limits = DEFAULT_LIMITS,
) -> FilePath:
    """Return a Path from the inside of its SEQUENCE: 04 path, and perhaps 02 index with 80 length.

    Spec: PKCS#15 v1.1, 6.1.

    Raises:
        TlvError: an element is missing, twice, or no path.
        LimitExceededError: the path is longer than `Limits.path_octets`.
    """
    parts = read_tlvs(content, structure=structure, base=base)
    tags = [part.tag for part in parts]
    if tags not in ([0x04], [0x04, 0x02, 0x80]):
        found = " ".join(f"{tag:02X}" for tag in tags)
        raise TlvError(structure, "no path", offset=base, wanted="tag 04, or 04 02 80", found=found or "nothing")
    numbers = [_number(part, structure) for part in parts[1:]]
    index, length = numbers or (None, None)
    fault = path_fault(parts[0].value, index, length)
    if fault:
        raise TlvError(structure, fault, offset=parts[0].offset)
    check_path_length(parts[0].value, limits, structure=structure, offset=parts[0].offset)
    return FilePath(parts[0].value, index, length)


def _number(part: Tlv, structure: str) -> int:
    if not 1 <= len(part.value) <= 4:
        wanted = "1 to 4 octets"
        raise TlvError(structure, "no small number", offset=part.offset, wanted=wanted, found=str(len(part.value)))
    return int.from_bytes(part.value, "big", signed=True)
