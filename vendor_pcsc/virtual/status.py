"""Status words of a UICC, and the exception by which a command inside the card ends early.

Guarantees: `StatusError` stays inside the card; `VirtualCard.process` turns it into two octets.
"""

from __future__ import annotations

from enum import IntEnum


class SW(IntEnum):
    """Status words the virtual card answers. Spec: TS 102 221, 10.2."""

    OK = 0x9000
    END_OF_FILE = 0x6282
    FILE_DEACTIVATED = 0x6283
    WRONG_LENGTH = 0x6700
    CHANNEL_NOT_SUPPORTED = 0x6881
    SECURE_MESSAGING_NOT_SUPPORTED = 0x6882
    WRONG_FILE_STRUCTURE = 0x6981
    SECURITY_NOT_SATISFIED = 0x6982
    PIN_BLOCKED = 0x6983
    DATA_INVALIDATED = 0x6984
    CONDITIONS_NOT_SATISFIED = 0x6985
    NO_EF_SELECTED = 0x6986
    FILE_NOT_FOUND = 0x6A82
    RECORD_NOT_FOUND = 0x6A83
    WRONG_P1_P2 = 0x6A86
    REFERENCE_NOT_FOUND = 0x6A88
    WRONG_OFFSET = 0x6B00
    UNKNOWN_INSTRUCTION = 0x6D00
    UNKNOWN_CLASS = 0x6E00
    TECHNICAL_PROBLEM = 0x6F00


def bytes_waiting(count: int) -> int:
    """Return 61xx: `count` octets wait for GET RESPONSE, 256 as 00. Spec: TS 102 221, 7.3.1.1."""
    return 0x6100 | count & 0xFF


def right_length(count: int) -> int:
    """Return 6Cxx: the same command again with Le `count`, 256 as 00. Spec: TS 102 221, 7.3.1.1."""
    return 0x6C00 | count & 0xFF


def attempts_left(count: int) -> int:
    """Return 63Cx: `count` (0 to 15) attempts are left. Spec: TS 102 221, 10.2."""
    return 0x63C0 | count & 0x0F


class StatusError(Exception):
    """A command ends with this status word and no data."""

    def __init__(self, sw: int) -> None:
        self.sw = sw
        super().__init__(f"{sw:04X}")
