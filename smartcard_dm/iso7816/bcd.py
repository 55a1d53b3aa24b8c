"""ICCID and IMSI: digits two to an octet, low nibble first.

Guarantees: any octets give digits or `ApduError`, and encoding gives back what was decoded. Leaves to its caller:
check digits and the length of the network code.

Spec: ETSI TS 102 221, 13.2; 3GPP TS 51.011, 10.1.1 and 10.3.2.
"""

from __future__ import annotations

from smartcard_dm.errors import ApduError

_FILLER = "f"


def decode_iccid(octets: bytes) -> str:
    """Return the digits of EF.ICCID (10 octets): 18 to 20 of them on cards, the unused end filled with F.

    Raises:
        ApduError: not ten octets, no digit at all, or a nibble that is no digit.
    """
    if len(octets) != 10:
        raise ApduError("EF.ICCID", "length", offset=0, wanted="10 octets", found=str(len(octets)))
    return _digits(_swap(octets), "EF.ICCID", 0)


def encode_iccid(digits: str) -> bytes:
    """Return the ten octets of EF.ICCID.

    Raises:
        ValueError: not 1 to 20 decimal digits.
    """
    _check_digits(digits, 20)
    return bytes.fromhex(_swap_text(digits.ljust(20, _FILLER)))


def decode_imsi(octets: bytes) -> str:
    """Return the digits of EF.IMSI (9 octets): at most 15.

    Raises:
        ApduError: not nine octets, a length that does not fit, a wrong parity, or a nibble that is no digit.
    """
    name = "EF.IMSI"
    if len(octets) != 9:
        raise ApduError(name, "length", offset=0, wanted="9 octets", found=str(len(octets)))
    used = octets[0]
    if not 1 <= used <= 8:
        raise ApduError(name, "length octet", offset=0, wanted="01 to 08", found=f"{used:02X}")
    text = _swap(octets[1 : 1 + used])
    # The first nibble is 9 for an odd number of digits and 1 for an even one.
    digits = _digits(text[1:], name, 1)
    wanted = "9" if len(digits) % 2 else "1"
    if text[0] != wanted:
        raise ApduError(name, "parity nibble", offset=1, wanted=wanted, found=text[0].upper())
    return digits


def encode_imsi(digits: str) -> bytes:
    """Return the nine octets of EF.IMSI.

    Raises:
        ValueError: not 1 to 15 decimal digits.
    """
    _check_digits(digits, 15)
    text = ("9" if len(digits) % 2 else "1") + digits
    text += _FILLER if len(text) % 2 else ""
    return (bytes((len(text) // 2,)) + bytes.fromhex(_swap_text(text))).ljust(9, b"\xff")


def _swap(octets: bytes) -> str:
    return _swap_text(octets.hex())


def _swap_text(text: str) -> str:
    return "".join(text[at + 1] + text[at] for at in range(0, len(text), 2))


def _digits(text: str, name: str, offset: int) -> str:
    digits = text.rstrip(_FILLER)
    wrong = next((at for at, character in enumerate(digits) if character not in "0123456789"), None)
    if not digits or wrong is not None:
        found = "none" if wrong is None else digits[wrong].upper()
        at = offset + (wrong or 0) // 2
        raise ApduError(name, "digits", offset=at, wanted="nibbles 0 to 9, then F", found=found)
    return digits


def _check_digits(digits: str, longest: int) -> None:
    if not (1 <= len(digits) <= longest and digits.isascii() and digits.isdigit()):
        raise ValueError(f"wanted 1 to {longest} decimal digits")
