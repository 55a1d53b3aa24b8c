"""Commands taken apart as far as recording and replay need it, and the instructions they know.

Guarantees: any octets can be taken apart. Leaves to its caller: whether the card would take them.

Spec: ISO/IEC 7816-3, 12.1.3; ISO/IEC 7816-4, 5.1; ETSI TS 102 221, 10.1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

SELECT: Final = 0xA4
STATUS: Final = 0xF2
MANAGE_CHANNEL: Final = 0x70
GET_RESPONSE: Final = 0xC0
READ_BINARY: Final = 0xB0
READ_RECORD: Final = 0xB2
DISABLE: Final = 0x26
GSM_CLASS: Final = 0xA0

PIN_INSTRUCTIONS: Final = frozenset({0x20, 0x21, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2C, 0x2D})
"""VERIFY, CHANGE, DISABLE, ENABLE, UNBLOCK and their forms with odd codes. Spec: ISO/IEC 7816-4, 11.6."""
READS: Final = frozenset({0xB0, 0xB1, 0xB2, 0xB3})
"""READ BINARY and READ RECORD. Spec: ISO/IEC 7816-4, 11.3.3 and 11.4.3."""
UPDATES: Final = frozenset({0xD6, 0xD7, 0xDC, 0xDD})
"""UPDATE BINARY and UPDATE RECORD. Spec: ISO/IEC 7816-4, 11.3.5 and 11.4.5."""
SEARCH_RECORD: Final = 0xA2
HARMLESS: Final = READS | {SELECT, STATUS, MANAGE_CHANNEL, GET_RESPONSE, SEARCH_RECORD}
"""Instructions that change no content and no counter."""

_NAMES: Final = {
    0x20: "VERIFY", 0x24: "CHANGE PIN", 0x26: "DISABLE PIN", 0x28: "ENABLE PIN", 0x2C: "UNBLOCK PIN",
    0x70: "MANAGE CHANNEL", 0x88: "AUTHENTICATE", 0xA2: "SEARCH RECORD", 0xA4: "SELECT", 0xB0: "READ BINARY",
    0xB2: "READ RECORD", 0xC0: "GET RESPONSE", 0xD6: "UPDATE BINARY", 0xDC: "UPDATE RECORD", 0xF2: "STATUS",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Command:
    """The parts of a command; what is too short for a part has zeros there."""

    cla: int
    ins: int | None
    """None when the octets are too few to have one."""
    p1: int
    p2: int
    data: bytes = field(default=b"", repr=False)
    """The data field; of lengths that do not agree, all that follows the header."""
    has_data: bool = False
    """Whether there is, or may be, a data field."""
    prefix: int = 0
    """Octets before the data field."""
    le: int | None = None
    """Octets asked for, 1 to 65536; None when none are, or the lengths do not agree."""

    @property
    def channel(self) -> int:
        """The logical channel, 0 to 19; 0 in class A0 and where a class has none. Spec: TS 102 221, 10.1.1."""
        if self.cla == GSM_CLASS:
            return 0
        return 4 + (self.cla & 0x0F) if self.cla & 0x40 else self.cla & 0x03


def take_apart(octets: bytes) -> Command:
    """Return the parts of a command APDU, short or extended."""
    cla, ins, p1, p2 = octets[:4].ljust(4, b"\x00")
    head = (cla, ins if len(octets) > 1 else None, p1, p2)
    body = octets[4:]
    if not body:
        return Command(*head, prefix=len(octets))
    width = 1 if body[0] or len(body) == 1 else 3
    le_width = 1 if width == 1 else 2
    if len(body) == width:
        return Command(*head, prefix=len(octets), le=int.from_bytes(body[-le_width:]) or 1 << 8 * le_width)
    count = int.from_bytes(body[:width])
    rest = body[width:]
    if len(body) > width and count and len(rest) in {count, count + le_width}:
        le = int.from_bytes(rest[count:]) or 1 << 8 * le_width if len(rest) > count else None
        return Command(*head, data=rest[:count], has_data=True, prefix=4 + width, le=le)
    return Command(*head, data=body, has_data=True, prefix=4)


def describe(octets: bytes, length: int) -> str:
    """Return a command for an error: name, header and length, never its data field.

    Args:
        octets: the command, or what was kept of it.
        length: octets of the whole command.
    """
    if not length:
        return "an empty command"
    name = _NAMES.get(octets[1], "") if len(octets) > 1 else ""
    return f"{name} {octets[:4].hex().upper()} of {length} octets".lstrip()


def name_of(octets: bytes) -> str:
    """Return the name of a command's instruction, or its octet in hexadecimal."""
    return _NAMES.get(octets[1], f"instruction {octets[1]:02X}") if len(octets) > 1 else "no instruction"
