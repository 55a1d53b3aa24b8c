"""BER-TLV as cards write it: read strictly, written in one form only.

Guarantees: definite, minimal lengths of at most two length octets, tags of at most three octets, every value inside
its parent, nesting within a bound, so that `encode_tlv` gives back exactly what was read. Any octets give values or
`TlvError` (`LimitExceededError` for depth). Leaves to its caller: which tags make sense, and padding, for which
`read_padded` and `strip_padding` hold the one policy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from smartcard_dm.errors import LimitExceededError, TlvError
from smartcard_dm.limits import DEFAULT_LIMITS, Limits

PADDING: Final = frozenset((0x00, 0xFF))
"""Octets that no tag begins with: 00 is reserved, FF erased memory."""

_CONSTRUCTED = 0x20
_HIGH_TAG = 0x1F
_LONGEST_TAG = 3
_LONGEST_VALUE = 0xFFFF


@dataclass(frozen=True, slots=True)
class Tlv:
    """One data object: a tag, its value, and where it stood."""

    tag: int
    """Tag octets read as one number: 0x4F, 0xA1, 0x5F2D."""

    value: bytes
    """Content octets, without tag and length."""

    offset: int
    """Octets from the start of the structure to the first tag octet."""

    header_length: int
    """Octets of tag and length together."""

    @property
    def constructed(self) -> bool:
        """Whether the value is itself made of data objects (bit 6 of the first tag octet)."""
        return bool(_first_octet(self.tag) & _CONSTRUCTED)

    @property
    def value_offset(self) -> int:
        """Octets from the start of the structure to the value."""
        return self.offset + self.header_length

    @property
    def end(self) -> int:
        """Octets from the start of the structure to the first one after this object."""
        return self.value_offset + len(self.value)

    @property
    def octets(self) -> bytes:
        """The whole object as it was read: tag, length, value."""
        return encode_tlv(self.tag, self.value)


@dataclass(frozen=True, slots=True)
class TlvNode:
    """A data object with what is inside it; `children` is empty for a primitive one."""

    tlv: Tlv
    children: tuple[TlvNode, ...]


def read_tlv(octets: bytes, position: int = 0, *, structure: str = "BER-TLV", base: int = 0) -> Tlv:
    """Return the data object that begins at `position`; what follows it is not looked at.

    Spec: ISO/IEC 7816-4 (BER-TLV data objects).

    Args:
        octets: the octets of one level.
        position: where the tag stands in `octets`.
        structure: name of what is read, for the error.
        base: offset of `octets` in the structure, added to every offset that is reported.

    Raises:
        TlvError: the object is cut, or its tag or length is not in the one form allowed.
    """
    tag, after_tag = _read_tag(octets, position, structure, base)
    length, after_length = _read_length(octets, after_tag, structure, base)
    end = after_length + length
    if end > len(octets):
        raise TlvError(
            structure,
            f"the value of tag {tag:02X} is cut",
            offset=base + after_length,
            wanted=f"{length} octets",
            found=f"{len(octets) - after_length}",
        )
    return Tlv(tag, octets[after_length:end], base + position, after_length - position)


def read_tlvs(octets: bytes, *, structure: str = "BER-TLV", base: int = 0) -> tuple[Tlv, ...]:
    """Return the data objects of one level, which they fill exactly.

    Raises:
        TlvError: an object is malformed or cut, or padding stands among them.
    """
    found: list[Tlv] = []
    position = 0
    while position < len(octets):
        found.append(read_tlv(octets, position, structure=structure, base=base))
        position = found[-1].end - base
    return tuple(found)


def read_padded(octets: bytes, *, structure: str = "BER-TLV") -> tuple[tuple[Tlv, ...], tuple[str, ...]]:
    """Return the data objects of a padded file or record, and warnings about what follows them.

    The objects end at the first 00 or FF that stands where a tag is due. Everything from there on is padding; if any
    of it is neither 00 nor FF, one warning says where.

    Raises:
        TlvError: an object before the padding is malformed or cut.
    """
    found: list[Tlv] = []
    position = 0
    while position < len(octets) and octets[position] not in PADDING:
        found.append(read_tlv(octets, position, structure=structure))
        position = found[-1].end
    # Cards of two vendors leave old content behind a shorter new one: it must not be read, and must not be hidden.
    stray = next((at for at in range(position, len(octets)) if octets[at] not in PADDING), None)
    if stray is None:
        return tuple(found), ()
    return tuple(found), (f"{structure}: octets that are neither 00 nor FF after the padding, from offset {stray}",)


def strip_padding(octets: bytes, *, structure: str = "BER-TLV") -> tuple[bytes, tuple[str, ...]]:
    """Return the octets of the data objects alone, and warnings about what follows them (see `read_padded`).

    Raises:
        TlvError: an object before the padding is malformed or cut.
    """
    found, warnings = read_padded(octets, structure=structure)
    return octets[: found[-1].end if found else 0], warnings


def read_tree(octets: bytes, *, structure: str = "BER-TLV", limits: Limits = DEFAULT_LIMITS) -> tuple[TlvNode, ...]:
    """Return all data objects with those inside constructed ones, at any depth the bound allows.

    Raises:
        TlvError: an object is malformed or cut, or padding stands among them.
        LimitExceededError: objects nest deeper than `Limits.tlv_depth`.
    """

    def level(part: bytes, base: int, depth: int) -> tuple[TlvNode, ...]:
        if depth > limits.tlv_depth:
            raise LimitExceededError(structure, "tlv_depth", limits.tlv_depth, offset=base)
        return tuple(
            TlvNode(tlv, level(tlv.value, tlv.value_offset, depth + 1) if tlv.constructed and tlv.value else ())
            for tlv in read_tlvs(part, structure=structure, base=base)
        )

    return level(octets, 0, 1)


def encode_tlv(tag: int, value: bytes) -> bytes:
    """Return tag, minimal length and value.

    Raises:
        ValueError: the tag is not one that `read_tlv` accepts, or the value is longer than 65,535 octets.
    """
    if tag < 1:
        raise ValueError(f"a tag is a positive number, found {tag}")
    written = tag.to_bytes((tag.bit_length() + 7) // 8, "big")
    try:
        _, end = _read_tag(written, 0, "tag", 0)
    except TlvError as error:
        raise ValueError(f"no tag of BER-TLV: {tag:X}") from error
    if end != len(written):
        raise ValueError(f"no tag of BER-TLV: {tag:X}")
    length = len(value)
    if length > _LONGEST_VALUE:
        raise ValueError(f"a value has at most {_LONGEST_VALUE} octets, found {length}")
    if length < 0x80:
        header = bytes((length,))
    elif length <= 0xFF:
        header = bytes((0x81, length))
    else:
        header = b"\x82" + length.to_bytes(2, "big")
    return written + header + value


def _first_octet(tag: int) -> int:
    while tag > 0xFF:
        tag >>= 8
    return tag


def _read_tag(octets: bytes, position: int, structure: str, base: int) -> tuple[int, int]:
    if position >= len(octets):
        raise TlvError(structure, "a tag is missing", offset=base + position, wanted="1 octet", found="none")
    first = octets[position]
    if first in PADDING:
        raise TlvError(structure, "padding where a tag is due", offset=base + position, found=f"{first:02X}")
    if first & _HIGH_TAG != _HIGH_TAG:
        return first, position + 1
    end = position + 1
    while True:
        if end >= len(octets):
            raise TlvError(structure, "the tag is cut", offset=base + position, found=octets[position:].hex().upper())
        if end - position >= _LONGEST_TAG:
            raise TlvError(structure, "the tag is too long", offset=base + position, wanted="at most 3 octets")
        end += 1
        if octets[end - 1] < 0x80:
            break
    # A number that the first octet alone could carry, or one with a leading zero group, is a second spelling.
    if octets[position + 1] == 0x80 or (end - position == 2 and octets[position + 1] < _HIGH_TAG):
        found = octets[position:end].hex().upper()
        raise TlvError(structure, "the tag is not in its shortest form", offset=base + position, found=found)
    return int.from_bytes(octets[position:end], "big"), end


def _read_length(octets: bytes, position: int, structure: str, base: int) -> tuple[int, int]:
    if position >= len(octets):
        raise TlvError(structure, "the length is missing", offset=base + position, wanted="1 octet", found="none")
    first = octets[position]
    if first < 0x80:
        return first, position + 1
    if first not in {0x81, 0x82}:
        detail = "an indefinite length" if first == 0x80 else "too many length octets"
        raise TlvError(structure, detail, offset=base + position, wanted="00 to 7F, 81 or 82", found=f"{first:02X}")
    end = position + 1 + (first & 0x7F)
    if end > len(octets):
        raise TlvError(structure, "the length is cut", offset=base + position, found=octets[position:].hex().upper())
    length = int.from_bytes(octets[position + 1 : end], "big")
    if length < (0x80 if first == 0x81 else 0x100):
        found = octets[position:end].hex().upper()
        raise TlvError(structure, "the length is not in its shortest form", offset=base + position, found=found)
    return length, end
