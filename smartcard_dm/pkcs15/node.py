"""What reading by the schema gives: named fields, and the content of primitives read strictly.

Guarantees: a `Node` is complete when it is made; nothing in it is read later. Any content gives a scalar or
`Pkcs15Error`.

Spec: X.690, 8.2 to 8.8 and 11.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smartcard_dm.iso7816.tlv import Tlv
    from smartcard_dm.pkcs15.where import Where

_LONGEST_INTEGER = 32
"""Octets: the serial number of a certificate has at most 20, and some issuers write more."""

_TIME = re.compile(rb"\d{10}(\d\d){0,2}([.,]\d{1,9})?(Z|[+-]\d{4})?", re.ASCII)

Scalar: TypeAlias = bytes | int | str | frozenset[int] | None


@dataclass(frozen=True, slots=True)
class Node:
    """One element that was read: a scalar, or named fields, or items; tags are behind it."""

    tlv: Tlv
    """The element, explicit tags around it taken off; its offset is in the file."""

    value: Scalar = None
    """Octets (OCTET STRING, OBJECT IDENTIFIER, unread), number, text, or the bits that are set."""

    fields: Mapping[str, Node] = field(default_factory=dict)
    """Fields that are present."""

    items: tuple[Node, ...] = ()
    chosen: str = ""
    """Name of the alternative, when the element is a CHOICE."""

    def octets(self, name: str) -> bytes | None:
        """Return the octets of a field, or None when it is absent."""
        value = self._value(name)
        return value if isinstance(value, bytes) else None

    def number(self, name: str) -> int | None:
        """Return the number in a field, or None when it is absent."""
        value = self._value(name)
        return value if isinstance(value, int) else None

    def text(self, name: str) -> str | None:
        """Return the text in a field, or None when it is absent."""
        value = self._value(name)
        return value if isinstance(value, str) else None

    def bits(self, name: str) -> frozenset[int]:
        """Return the numbers of the bits set in a field; bit 0 is the first. Empty when it is absent."""
        value = self._value(name)
        return value if isinstance(value, frozenset) else frozenset()

    def flag(self, name: str, *, default: bool) -> bool:
        """Return the truth in a field, or the default of the standard when it is absent."""
        value = self._value(name)
        return bool(value) if isinstance(value, int) else default

    def _value(self, name: str) -> Scalar:
        found = self.fields.get(name)
        return None if found is None else found.value


class Primitive(Enum):
    """How the content of a primitive is read."""

    BOOLEAN = auto()
    INTEGER = auto()
    BITS = auto()
    OCTETS = auto()
    TIME = auto()
    UTF8 = auto()
    ASCII = auto()


def read_scalar(primitive: Primitive, tlv: Tlv, where: Where) -> Scalar:
    """Return the value in the content of a primitive; a BOOLEAN is 0 or 1.

    Raises:
        Pkcs15Error: the content is not in a form of that type.
    """
    raw = tlv.value
    match primitive:
        case Primitive.BOOLEAN:
            if len(raw) != 1:
                raise where.error("BOOLEAN", tlv.offset, wanted="1 octet", found=str(len(raw)))
            return int(raw != b"\x00")
        case Primitive.INTEGER:
            if not 1 <= len(raw) <= _LONGEST_INTEGER:
                wanted = f"1 to {_LONGEST_INTEGER} octets"
                raise where.error("INTEGER", tlv.offset, wanted=wanted, found=str(len(raw)))
            # DEVIATION: X.690, 8.3.2 forbids leading zero octets. Files written by a fixed template have them (02 02
            # 00 05), and the number is the same.
            return int.from_bytes(raw, "big", signed=True)
        case Primitive.BITS:
            return _bits(tlv, where)
        case Primitive.OCTETS:
            return raw
        case Primitive.TIME:
            if not _TIME.fullmatch(raw):
                found = raw[:20].hex().upper()
                raise where.error("GeneralizedTime", tlv.offset, wanted="YYYYMMDDHH[MM[SS]][.f][Z]", found=found)
            return raw.decode("ascii")
        case text:
            return _text(tlv, "utf-8" if text is Primitive.UTF8 else "ascii", where)


def _text(tlv: Tlv, encoding: str, where: Where) -> str:
    try:
        return tlv.value.decode(encoding)
    except UnicodeDecodeError as error:
        raise where.error("text", tlv.value_offset + error.start, wanted=encoding) from error


def _bits(tlv: Tlv, where: Where) -> frozenset[int]:
    raw = tlv.value
    if not raw or raw[0] > 7 or (raw[0] and len(raw) == 1):
        wanted = "a count of 0 to 7 unused bits, then the bits"
        raise where.error("BIT STRING", tlv.offset, wanted=wanted, found=raw[:4].hex().upper() or "nothing")
    used = (len(raw) - 1) * 8 - raw[0]
    return frozenset(bit for bit in range(used) if raw[1 + bit // 8] & 0x80 >> bit % 8)
