"""Multi-byte integers: `mb_u_int32`, strictly.

Guarantees: at most five octets, below 2**32, shortest form only, so that one number has one encoding.
Spec: WAP-192-WBXML, 5.1.
"""

from __future__ import annotations

from smartcard_dm.errors import WbxmlError

_MAX_OCTETS = 5
_BOUND = 1 << 32


def read_integer(octets: bytes, pos: int, structure: str) -> tuple[int, int]:
    """Read an `mb_u_int32` at `pos` and return its value and the position behind it.

    Args:
        octets: the whole document.
        pos: offset of the first octet of the integer.
        structure: what the integer belongs to, for the error.

    Raises:
        WbxmlError: the integer is cut short, too long, too large, or not in its shortest form.

    Spec: WAP-192-WBXML, 5.1.
    """
    start = pos
    value = 0
    while True:
        if pos >= len(octets):
            raise WbxmlError(structure, "the document ends inside an integer", offset=pos, wanted="another octet")
        octet = octets[pos]
        if pos == start and octet == 0x80:
            raise WbxmlError(structure, "integer is not in its shortest form", offset=pos, found="leading 80")
        value = value << 7 | octet & 0x7F
        pos += 1
        if octet < 0x80:
            break
        if pos - start == _MAX_OCTETS:
            raise WbxmlError(structure, "integer is longer than 5 octets", offset=start)
    if value >= _BOUND:
        raise WbxmlError(structure, "integer is too large", offset=start, wanted="below 2**32", found=str(value))
    return value, pos


def write_integer(value: int) -> bytes:
    """Return the shortest `mb_u_int32` of a number from 0 to 2**32 - 1.

    Spec: WAP-192-WBXML, 5.1.
    """
    groups = [value & 0x7F]
    value >>= 7
    while value:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(reversed(groups))
