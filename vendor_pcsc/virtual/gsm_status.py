"""Status words of a SIM. Spec: TS 51.011, 9.4."""

from __future__ import annotations

from enum import IntEnum


class GsmSW(IntEnum):
    """Status words the virtual card answers to class A0."""

    OK = 0x9000
    NO_EF_SELECTED = 0x9400
    OUT_OF_RANGE = 0x9402
    FILE_NOT_FOUND = 0x9404
    WRONG_FILE_TYPE = 0x9408
    NO_CHV = 0x9802
    NOT_FULFILLED = 0x9804
    """An access condition; or a wrong CHV, and there are attempts left."""
    CHV_CONTRADICTION = 0x9808
    INVALIDATED = 0x9810
    CHV_BLOCKED = 0x9840
    WRONG_P3 = 0x6700
    WRONG_P1_P2 = 0x6B00
    UNKNOWN_INSTRUCTION = 0x6D00
    UNKNOWN_CLASS = 0x6E00
    TECHNICAL_PROBLEM = 0x6F00


def data_waiting(count: int) -> int:
    """Return 9Fxx: `count` octets wait for GET RESPONSE. Spec: TS 51.011, 9.4.1."""
    return 0x9F00 | count


def right_p3(count: int) -> int:
    """Return 67xx: the same command again with P3 `count`. Spec: TS 51.011, 9.4.6."""
    return GsmSW.WRONG_P3 | count
