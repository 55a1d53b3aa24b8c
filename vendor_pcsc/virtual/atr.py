"""A check that an ATR is whole, so that a wrong profile is found here and not by a reader's service."""

from __future__ import annotations

from functools import reduce
from operator import xor
from typing import Final

MAX_ATR_LENGTH: Final = 33
"""Octets of the longest ATR, TS included. Spec: ISO/IEC 7816-3, 8.2.1."""


def check_atr(atr: bytes) -> None:
    """Check the interface octets, the count of historical octets and TCK. Spec: ISO/IEC 7816-3, 8.2.

    Raises:
        ValueError: what is wrong, with counts and the right TCK.
    """
    if not 2 <= len(atr) <= MAX_ATR_LENGTH:
        raise ValueError(f"an ATR has 2 to {MAX_ATR_LENGTH} octets, found {len(atr)}")
    if atr[0] not in {0x3B, 0x3F}:
        raise ValueError(f"an ATR begins with 3B or 3F, found {atr[0]:02X}")
    historical = atr[1] & 0x0F
    indicator = atr[1]
    position = 2
    has_check = False
    while True:
        interface_octets = (indicator >> 4).bit_count()
        position += interface_octets
        if position > len(atr):
            raise ValueError(f"the ATR announces interface octets up to {position}, found {len(atr)}")
        if not indicator & 0x80:
            break
        indicator = atr[position - 1]
        # TCK is there as soon as any protocol but T=0 is named.
        has_check = has_check or indicator & 0x0F != 0
    wanted = position + historical + has_check
    if wanted != len(atr):
        raise ValueError(f"the ATR announces {wanted} octets, found {len(atr)}")
    if has_check and reduce(xor, atr[1:]):
        raise ValueError(f"the check octet of the ATR is {reduce(xor, atr[1:-1]):02X}, found {atr[-1]:02X}")
