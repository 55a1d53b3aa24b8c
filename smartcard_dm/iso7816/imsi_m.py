"""IMSI_M of an R-UIM: digits as CDMA codes them, three to ten bits, zero as the digit ten.

    octet 1     class: 0 has 15 digits, 1 has fewer           octet 7     digits 11 and 12 (7 bits)
    octets 2-3  IMSI_M_S2, low octet first (10 bits)          octet 8     80 programmed; low 3 bits: digits of class 1
    octets 4-6  IMSI_M_S1, low octet first (24 bits)          octets 9-10 MCC_M, low octet first (10 bits)

Guarantees: any octets give digits or `ApduError`, and decoding gives back what was encoded. Leaves to its caller: which
identity of a card counts.

Uncertain: the texts of 3GPP2 were not within reach; the layout and the codes are those that public code of modems
and of Wireshark agree on. That an identity of class 1 has the country code and four digits more than the low bits of
octet 8 say rests on one of them.

Spec: 3GPP2 C.S0023, 3.4.2 (EF.IMSI_M); C.S0005, 2.3.1.
"""

from __future__ import annotations

from typing import Final

from smartcard_dm.errors import ApduError

_NAME: Final = "EF.IMSI_M"
_LENGTH = 10
_CLASS_1 = 0x01
_PROGRAMMED = 0x80
_DIGITS_MASK = 0x07
_FEWEST_CLASS_1 = 4
_LONGEST = 15
_COUNTRY = 3
_LONGEST_CLASS_1 = _COUNTRY + _FEWEST_CLASS_1 + _DIGITS_MASK


def decode_imsi_m(octets: bytes) -> str:
    """Return the digits of EF.IMSI_M: 15 of class 0, 7 to 14 of class 1.

    Raises:
        ApduError: not ten octets, never programmed, or a code of no digits.
    """
    if len(octets) != _LENGTH:
        raise ApduError(_NAME, "length", offset=0, wanted=f"{_LENGTH} octets", found=str(len(octets)))
    if not octets[7] & _PROGRAMMED:
        raise ApduError(_NAME, "never programmed", offset=7, wanted="80 or more", found=f"{octets[7]:02X}")
    if octets[0] > _CLASS_1:
        raise ApduError(_NAME, "class", offset=0, wanted="00 or 01", found=f"{octets[0]:02X}")
    s2 = int.from_bytes(octets[1:3], "little")
    s1 = int.from_bytes(octets[3:6], "little")
    country = _group(int.from_bytes(octets[8:10], "little"), _COUNTRY, 8)
    network = (
        _group(octets[6], 2, 6)
        + _group(s2, 3, 1)
        + _group(s1 >> 14, 3, 3)
        + _single(s1 >> 10 & 0x0F)
        + _group(s1 & 0x3FF, 3, 3)
    )
    if not octets[0]:
        return country + network
    return country + network[-(octets[7] & _DIGITS_MASK) - _FEWEST_CLASS_1 :]


def encode_imsi_m(digits: str) -> bytes:
    """Return the ten octets of EF.IMSI_M.

    Raises:
        ValueError: not 7 to 15 decimal digits.
    """
    shortest = _COUNTRY + _FEWEST_CLASS_1
    if not (shortest <= len(digits) <= _LONGEST and digits.isascii() and digits.isdigit()):
        raise ValueError(f"wanted {shortest} to {_LONGEST} decimal digits")
    network = digits[_COUNTRY:].rjust(_LONGEST - _COUNTRY, "0")
    s1 = _code(network[5:8]) << 14 | _code_single(network[8]) << 10 | _code(network[9:])
    short = len(digits) <= _LONGEST_CLASS_1
    return (
        bytes((short,))
        + _code(network[2:5]).to_bytes(2, "little")
        + s1.to_bytes(3, "little")
        + bytes((_code(network[:2]), _PROGRAMMED | (len(digits) - shortest if short else 0)))
        + _code(digits[:_COUNTRY]).to_bytes(2, "little")
    )


def _group(code: int, length: int, offset: int) -> str:
    """Return the digits of a code: each one less than its place says, so that 0 is written as ten."""
    if code >= 10**length:
        raise ApduError(_NAME, "digits", offset=offset, wanted=f"at most {10**length - 1}", found=str(code))
    return "".join(str((int(digit) + 1) % 10) for digit in f"{code:0{length}}")


def _single(code: int) -> str:
    if not 1 <= code <= 10:
        raise ApduError(_NAME, "the digit of the thousands", offset=4, wanted="1 to 10", found=str(code))
    return str(code % 10)


def _code(digits: str) -> int:
    return int("".join(str((int(digit) - 1) % 10) for digit in digits))


def _code_single(digit: str) -> int:
    return int(digit) or 10
