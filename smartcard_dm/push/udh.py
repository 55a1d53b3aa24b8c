"""The user data header of a short message: information elements in order, those of WDP read.

Guarantees: elements fill the header exactly, those of concatenation and ports have their lengths and stand there once,
in one width; unknown ones are kept in order. Any octets give a header or `EnvelopeError`, and encoding gives back what
was read. Leaves to its caller: whether a part has a place in its set, and which ports are listened on.

Spec: 3GPP TS 23.040, 9.2.3.24 to 9.2.3.24.8.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Self

from smartcard_dm.errors import EnvelopeError
from smartcard_dm.push.sms_rules import SmsRule

LONGEST_HEADER: Final = 139
"""Octets behind the length octet: a short message has 140 of user data."""
_NAME: Final = "user data header"


class ElementIdentifier(IntEnum):
    """The information elements that WDP needs (3GPP TS 23.040, table in 9.2.3.24)."""

    CONCATENATION_8_BIT = 0x00
    PORTS_8_BIT = 0x04
    PORTS_16_BIT = 0x05
    CONCATENATION_16_BIT = 0x08


_LENGTHS: Final = {
    ElementIdentifier.CONCATENATION_8_BIT: 3,
    ElementIdentifier.PORTS_8_BIT: 2,
    ElementIdentifier.PORTS_16_BIT: 4,
    ElementIdentifier.CONCATENATION_16_BIT: 4,
}
_PAIRS: Final = {
    0x00: 0x08,
    0x08: 0x00,
    0x04: 0x05,
    0x05: 0x04,
}


@dataclass(frozen=True, slots=True)
class Element:
    """One information element.

    Raises:
        ValueError: an identifier or a length that one octet does not hold.
    """

    identifier: int
    """0 to 255; `ElementIdentifier` where this project reads it."""
    value: bytes
    """Its octets, without identifier and length."""

    def __post_init__(self) -> None:
        if not (0 <= self.identifier <= 0xFF and len(self.value) < LONGEST_HEADER):
            raise ValueError(f"no information element: {self.identifier}, {len(self.value)} octets")


@dataclass(frozen=True, slots=True)
class Concatenation:
    """Which part of which set a short message is, as it says.

    Raises:
        ValueError: a number that its field does not hold. Part 0, or 5 of 4, is none: the reassembly refuses it.
    """

    reference: int
    total: int
    sequence: int
    """1 is the first part."""
    wide: bool = False
    """Whether the reference has 16 bits."""

    def __post_init__(self) -> None:
        longest = 0xFFFF if self.wide else 0xFF
        if not (0 <= self.reference <= longest and 0 <= self.total <= 0xFF and 0 <= self.sequence <= 0xFF):
            raise ValueError(f"numbers that a header does not hold: {self}")

    @property
    def element(self) -> Element:
        """Its information element."""
        if self.wide:
            identifier, reference = ElementIdentifier.CONCATENATION_16_BIT, self.reference.to_bytes(2, "big")
        else:
            identifier, reference = ElementIdentifier.CONCATENATION_8_BIT, bytes((self.reference,))
        return Element(identifier, reference + bytes((self.total, self.sequence)))


@dataclass(frozen=True, slots=True)
class Ports:
    """Application ports.

    Raises:
        ValueError: a port that its field does not hold.
    """

    destination: int
    source: int
    wide: bool = True
    """Whether ports have 16 bits, as those of WAP need."""

    def __post_init__(self) -> None:
        longest = 0xFFFF if self.wide else 0xFF
        if not (0 <= self.destination <= longest and 0 <= self.source <= longest):
            raise ValueError(f"ports that a header does not hold: {self}")

    @property
    def element(self) -> Element:
        """Its information element."""
        size = 2 if self.wide else 1
        identifier = ElementIdentifier.PORTS_16_BIT if self.wide else ElementIdentifier.PORTS_8_BIT
        return Element(identifier, self.destination.to_bytes(size, "big") + self.source.to_bytes(size, "big"))


@dataclass(frozen=True, slots=True)
class UserDataHeader:
    """The elements of a header, in order."""

    elements: tuple[Element, ...]
    concatenation: Concatenation | None
    """What an element 00 or 08 says."""
    ports: Ports | None
    """What an element 04 or 05 says."""

    @classmethod
    def of(cls, *elements: Element | Concatenation | Ports) -> Self:
        """Make a header.

        Raises:
            EnvelopeError: its elements cannot stand beside each other, or are longer than a header may be.
        """
        plain = tuple(element if isinstance(element, Element) else element.element for element in elements)
        return cls._of(plain)

    @classmethod
    def parse(cls, octets: bytes) -> Self:
        """Read the octets behind the length octet, which they fill.

        Raises:
            EnvelopeError: an element is cut, has not its length, stands there twice or in both widths.
        """
        elements: list[Element] = []
        position = 0
        while position < len(octets):
            if len(octets) - position < 2:
                raise EnvelopeError(
                    SmsRule.HEADER, _NAME, "an element is cut", offset=position + 1, wanted="2 octets", found="1"
                )
            identifier, length = octets[position], octets[position + 1]
            value = octets[position + 2 : position + 2 + length]
            if len(value) != length:
                raise EnvelopeError(
                    SmsRule.HEADER,
                    _NAME,
                    f"element {identifier:02X} is cut",
                    offset=position + 1,
                    wanted=f"{length} octets",
                    found=str(len(value)),
                )
            elements.append(Element(identifier, value))
            position += 2 + length
        return cls._of(tuple(elements))

    @classmethod
    def _of(cls, elements: tuple[Element, ...]) -> Self:
        octets = sum(2 + len(element.value) for element in elements)
        if octets > LONGEST_HEADER:
            raise EnvelopeError(
                SmsRule.HEADER, _NAME, "too long", wanted=f"at most {LONGEST_HEADER} octets", found=str(octets)
            )
        known: dict[int, bytes] = {}
        for element in elements:
            if element.identifier in _PAIRS:
                _check_known(element, known)
                known[element.identifier] = element.value
        return cls(elements, _concatenation(known), _ports(known))

    @property
    def octets(self) -> bytes:
        """The header with its length octet, as it stands at the start of the user data."""
        body = b"".join(bytes((element.identifier, len(element.value))) + element.value for element in self.elements)
        return bytes((len(body),)) + body


def split_user_data(octets: bytes) -> tuple[UserDataHeader, int]:
    """Return the header that user data begin with, and where it ends.

    Raises:
        EnvelopeError: the header is longer than the data, or malformed.
    """
    end = 1 + octets[0] if octets else 1
    if end > len(octets):
        raise EnvelopeError(
            SmsRule.HEADER,
            _NAME,
            "longer than the user data",
            offset=0,
            wanted=f"{end} octets",
            found=str(len(octets)),
        )
    return UserDataHeader.parse(octets[1:end]), end


def _check_known(element: Element, known: dict[int, bytes]) -> None:
    identifier = element.identifier
    wanted = _LENGTHS[ElementIdentifier(identifier)]
    if len(element.value) != wanted:
        raise EnvelopeError(
            SmsRule.HEADER,
            _NAME,
            f"the length of element {identifier:02X}",
            wanted=f"{wanted} octets",
            found=str(len(element.value)),
        )
    # DEVIATION: 3GPP TS 23.040, 9.2.3.24 lets the last one win, which readers that take the first one do not do.
    if identifier in known:
        raise EnvelopeError(SmsRule.HEADER_TWICE, _NAME, f"element {identifier:02X} stands there twice")
    if _PAIRS[identifier] in known:
        low, high = sorted((identifier, _PAIRS[identifier]))
        raise EnvelopeError(SmsRule.HEADER_BOTH, _NAME, f"elements {low:02X} and {high:02X} exclude each other")


def _concatenation(known: dict[int, bytes]) -> Concatenation | None:
    value = known.get(ElementIdentifier.CONCATENATION_8_BIT)
    if value is not None:
        return Concatenation(value[0], value[1], value[2])
    value = known.get(ElementIdentifier.CONCATENATION_16_BIT)
    if value is not None:
        return Concatenation(value[0] << 8 | value[1], value[2], value[3], wide=True)
    return None


def _ports(known: dict[int, bytes]) -> Ports | None:
    value = known.get(ElementIdentifier.PORTS_16_BIT)
    if value is not None:
        return Ports(value[0] << 8 | value[1], value[2] << 8 | value[3])
    value = known.get(ElementIdentifier.PORTS_8_BIT)
    if value is not None:
        return Ports(value[0], value[1], wide=False)
    return None
