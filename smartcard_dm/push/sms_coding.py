"""The data coding scheme of a short message: alphabet, compression, class.

Guarantees: every octet has one meaning; reserved ones have that of the standard, the default alphabet. Leaves to its
caller: message waiting indications and automatic deletion, which say nothing about how data are read.

Spec: 3GPP TS 23.038, 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Alphabet(Enum):
    """What user data are."""

    GSM_7_BIT = "GSM 7-bit"
    OCTETS = "8-bit data"
    UCS2 = "UCS2"


_ALPHABETS: Final = (Alphabet.GSM_7_BIT, Alphabet.OCTETS, Alphabet.UCS2, Alphabet.GSM_7_BIT)


@dataclass(frozen=True, slots=True)
class DataCoding:
    """TP-DCS.

    Raises:
        ValueError: not one octet.
    """

    octet: int

    def __post_init__(self) -> None:
        if not 0 <= self.octet <= 0xFF:
            raise ValueError(f"a data coding scheme is one octet, found {self.octet}")

    @property
    def alphabet(self) -> Alphabet:
        """What user data are, compressed or not."""
        if self.octet < 0x80:
            return _ALPHABETS[self.octet >> 2 & 3]
        if self.octet >= 0xF0:
            return Alphabet.OCTETS if self.octet & 0x04 else Alphabet.GSM_7_BIT
        return Alphabet.UCS2 if self.octet >= 0xE0 else Alphabet.GSM_7_BIT

    @property
    def compressed(self) -> bool:
        """Whether user data are compressed (3GPP TS 23.042)."""
        return self.octet < 0x80 and bool(self.octet & 0x20)

    @property
    def message_class(self) -> int | None:
        """0 to 3 where it says one: 0 is shown at once, 1 for the phone, 2 for the SIM, 3 for what is attached."""
        classed = self.octet & 0x10 if self.octet < 0x80 else self.octet >= 0xF0
        return self.octet & 3 if classed else None

    @property
    def counts_septets(self) -> bool:
        """Whether the length of user data is in septets, not octets."""
        return self.alphabet is Alphabet.GSM_7_BIT and not self.compressed


OCTETS_PLAIN: Final = DataCoding(0x04)
"""8-bit data without a class."""
OCTETS_CLASS_1: Final = DataCoding(0xF5)
"""8-bit data for the phone: what WAP pushes are mostly sent with."""
