"""The value of a PIN, which cannot be printed.

Guarantees: no `repr`, `str` or `format` of a `PinValue` holds its octets, and comparison takes constant time.
"""

from __future__ import annotations

import hmac
import re
from typing import Final, NoReturn, final

PIN_LENGTH: Final = 8
"""Octets of a PIN as it is presented. Spec: TS 102 221, 9.5.1."""

_DIGITS: Final = re.compile(r"[0-9]{4,8}")
_OCTETS: Final = re.compile(r"[0-9A-Fa-f]{16}")


@final
class PinValue:
    """Eight octets of a PIN, unblocking or administrative code; they leave only through `reveal`.

    Raises:
        ValueError: there are not eight octets; the text does not hold them.
    """

    __slots__ = ("_octets",)

    def __init__(self, octets: bytes) -> None:
        if len(octets) != PIN_LENGTH:
            raise ValueError(f"a PIN value has {PIN_LENGTH} octets, found {len(octets)}")
        self._octets = octets

    @classmethod
    def from_text(cls, text: str) -> PinValue:
        """Return the value of 4 to 8 decimal digits, filled up with FF, or of 16 hexadecimal digits.

        Raises:
            ValueError: the text is neither; the message does not hold the text.
        """
        if _DIGITS.fullmatch(text):
            return cls(text.encode("ascii").ljust(PIN_LENGTH, b"\xff"))
        if _OCTETS.fullmatch(text):
            return cls(bytes.fromhex(text))
        raise ValueError("wanted 4 to 8 decimal digits, or 16 hexadecimal digits")

    def matches(self, presented: bytes) -> bool:
        """Tell in constant time whether the eight octets presented are this value."""
        return hmac.compare_digest(self._octets, presented)

    def reveal(self) -> bytes:
        """Return the octets; for personalising another card from the same profile."""
        return self._octets

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PinValue):
            return NotImplemented
        return self.matches(other._octets)

    def __hash__(self) -> int:
        raise TypeError("a PinValue is not hashable: a dictionary key would be compared in variable time")

    def __repr__(self) -> str:
        return "PinValue(redacted)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a PinValue is not pickled: call reveal() where it has to leave")
