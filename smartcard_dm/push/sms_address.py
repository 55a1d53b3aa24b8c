"""Addresses of short messages: a type octet and digits two to an octet, or a name in septets.

Guarantees: any octets give an `Address` or `EnvelopeError`; encoding and reading give back the same address. Leaves to
its caller: whether the number exists, and whether a name is whose it says: an originator is never proved.

Spec: 3GPP TS 23.040, 9.1.2.3 and 9.1.2.5 (TP addresses); 3GPP TS 24.011, 8.2.5.1 (service centre).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Self

from smartcard_dm.errors import EnvelopeError
from smartcard_dm.push import gsm7
from smartcard_dm.push.sms_rules import SmsRule

_NAME: Final = "address"
_LONGEST_VALUE: Final = 10
_DIGITS: Final = "0123456789*#abc"
"""Semi-octets 0 to E; F fills the last octet of an odd number of digits."""
_FILLER: Final = 0x0F


class TypeOfNumber(IntEnum):
    """How a number is written (3GPP TS 23.040, 9.1.2.5)."""

    UNKNOWN = 0
    INTERNATIONAL = 1
    NATIONAL = 2
    NETWORK_SPECIFIC = 3
    SUBSCRIBER = 4
    ALPHANUMERIC = 5
    ABBREVIATED = 6
    RESERVED = 7


class NumberingPlan(IntEnum):
    """Whose number it is (3GPP TS 23.040, 9.1.2.5); values it leaves out are reserved."""

    UNKNOWN = 0
    ISDN = 1
    DATA = 3
    TELEX = 4
    SERVICE_CENTRE_5 = 5
    SERVICE_CENTRE_6 = 6
    NATIONAL = 8
    PRIVATE = 9
    ERMES = 10


@dataclass(frozen=True, slots=True)
class Address:
    """One address.

    Raises:
        ValueError: text that an address of this type does not hold.
    """

    text: str
    """Digits (with * # a b c), without a plus sign; characters of the GSM alphabet where it is a name."""
    type_of_number: TypeOfNumber = TypeOfNumber.INTERNATIONAL
    numbering_plan: int = NumberingPlan.ISDN
    """0 to 15."""

    def __post_init__(self) -> None:
        if not 0 <= self.numbering_plan <= 15:
            raise ValueError(f"a numbering plan has four bits, found {self.numbering_plan}")
        if self.type_of_number is TypeOfNumber.ALPHANUMERIC:
            if len(gsm7.encode(self.text)) * 7 > _LONGEST_VALUE * 8:
                raise ValueError("a name of an address has at most 11 septets")
        elif len(self.text) > 2 * _LONGEST_VALUE or not set(self.text) <= set(_DIGITS):
            raise ValueError(f"an address has at most 20 digits of {_DIGITS}")

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return the address that people write so: +, then digits; digits; or a name.

        Raises:
            ValueError: empty, longer than an address, something else behind a +, or characters that none holds.
        """
        if text.startswith("+"):
            # A number with a space in it is a mistake, not the name of a sender.
            if not (text[1:].isascii() and text[1:].isdigit()):
                raise ValueError("an address that begins with + goes on with digits, and nothing else")
            return cls(text[1:], TypeOfNumber.INTERNATIONAL)
        if not text:
            raise ValueError("an address has a digit or a character at least")
        if text and set(text) <= set("0123456789*#"):
            return cls(text, TypeOfNumber.UNKNOWN)
        return cls(text, TypeOfNumber.ALPHANUMERIC, NumberingPlan.UNKNOWN)

    def __str__(self) -> str:
        """Return it for people; a name may hold line ends, which are not shown."""
        if self.type_of_number is TypeOfNumber.INTERNATIONAL:
            return f"+{self.text}"
        return "".join(character if character.isprintable() else "?" for character in self.text)

    @property
    def type_octet(self) -> int:
        """Type of number and numbering plan, with the bit that is always set."""
        return 0x80 | self.type_of_number << 4 | self.numbering_plan

    def encode(self) -> bytes:
        """Return it as a TP address: the number of semi-octets, the type octet, the value."""
        value, semi_octets = self._value()
        return bytes((semi_octets, self.type_octet)) + value

    def encode_service_centre(self) -> bytes:
        """Return it as the address of a service centre: the number of octets, the type octet, the value.

        Raises:
            ValueError: a name, which a service centre has not.
        """
        if self.type_of_number is TypeOfNumber.ALPHANUMERIC:
            raise ValueError("a service centre is addressed by digits")
        value, _ = self._value()
        return bytes((1 + len(value), self.type_octet)) + value

    def _value(self) -> tuple[bytes, int]:
        if self.type_of_number is TypeOfNumber.ALPHANUMERIC:
            septets = gsm7.encode(self.text)
            return gsm7.pack(septets), -(-7 * len(septets) // 4)
        numbers = [_DIGITS.index(digit) for digit in self.text]
        if len(numbers) % 2:
            numbers.append(_FILLER)
        pairs = zip(numbers[::2], numbers[1::2], strict=True)
        return bytes(high << 4 | low for low, high in pairs), len(self.text)


def read_address(octets: bytes, position: int) -> tuple[Address, int]:
    """Return the TP address that begins at `position`, and where it ends.

    Raises:
        EnvelopeError: it is cut, too long, of no type, or has two spellings.
    """
    if len(octets) - position < 2:
        raise _error("cut", position, wanted="2 octets", found=str(max(0, len(octets) - position)))
    semi_octets = octets[position]
    length = (semi_octets + 1) // 2
    if length > _LONGEST_VALUE:
        raise _error("too long", position, wanted="at most 20 semi-octets", found=str(semi_octets))
    end = position + 2 + length
    if end > len(octets):
        raise _error("cut", position, wanted=f"{2 + length} octets", found=str(len(octets) - position))
    kind, plan = _type(octets[position + 1], position + 1)
    value = octets[position + 2 : end]
    if kind is TypeOfNumber.ALPHANUMERIC:
        try:
            text = gsm7.decode(gsm7.unpack(value, 4 * semi_octets // 7))
        except ValueError as error:
            raise _error(str(error), position + 2) from None
        return Address(text, kind, plan), end
    return Address(_digits(value, semi_octets, position + 2), kind, plan), end


def read_service_centre(octets: bytes) -> tuple[Address | None, int]:
    """Return the address of the service centre that a PDU begins with, None where it has none, and where it ends.

    Raises:
        EnvelopeError: it is cut, too long, a name, or has two spellings.
    """
    length = octets[0] if octets else -1
    if length == 0:
        return None, 1
    end = 1 + length
    # One type octet, and digits behind it: an address of none is written with the length 0.
    if not 2 <= length <= 1 + _LONGEST_VALUE or end > len(octets):
        raise EnvelopeError(
            SmsRule.SERVICE_CENTRE,
            "service centre address",
            "length octet",
            offset=0,
            wanted="00, or 02 to 0B and as many octets",
            found=f"{length:02X} and {len(octets) - 1}" if octets else "nothing",
        )
    try:
        kind, plan = _type(octets[1], 1)
        value = octets[2:end]
        semi_octets = 2 * len(value) - (value[-1] >> 4 == _FILLER)
        if kind is TypeOfNumber.ALPHANUMERIC:
            raise _error("a name", 1, wanted="digits")
        return Address(_digits(value, semi_octets, 2), kind, plan), end
    except EnvelopeError as error:
        raise EnvelopeError(
            SmsRule.SERVICE_CENTRE,
            "service centre address",
            error.detail,
            offset=error.offset,
            wanted=error.wanted,
            found=error.found,
        ) from None


def _type(octet: int, offset: int) -> tuple[TypeOfNumber, int]:
    if not octet & 0x80:
        raise _error("type octet", offset, wanted="bit 8 set", found=f"{octet:02X}")
    return TypeOfNumber(octet >> 4 & 7), octet & 0x0F


def _digits(value: bytes, semi_octets: int, offset: int) -> str:
    numbers = [number for octet in value for number in (octet & 0x0F, octet >> 4)]
    fill = numbers[semi_octets:]
    if fill not in ([], [_FILLER]):
        raise _error("the last octet is not filled", offset + len(value) - 1, wanted="F", found=f"{fill[0]:X}")
    used = numbers[:semi_octets]
    if _FILLER in used:
        raise _error("a filler among the digits", offset + used.index(_FILLER) // 2)
    return "".join(_DIGITS[number] for number in used)


def _error(detail: str, offset: int, *, wanted: str | None = None, found: str | None = None) -> EnvelopeError:
    return EnvelopeError(SmsRule.ADDRESS, _NAME, detail, offset=offset, wanted=wanted, found=found)
