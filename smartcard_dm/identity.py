"""Who a card is and where on it something was found: two values every room may carry.

Guarantees: both are frozen and hold nothing secret; the ICCID is public by its access condition (ALW).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Generation(Enum):
    """What kind of subscriber card answered, found by probing, never by the ATR alone."""

    UICC = "uicc"
    """TS 102 221, class byte 0X."""
    UICC_2G = "uicc-2g"
    """A UICC activated with class byte A0."""
    SIM = "sim"
    """TS 51.011, class byte A0."""
    RUIM = "ruim"
    """C.S0023, class byte A0, DF CDMA present."""


@dataclass(frozen=True, slots=True)
class CardIdentity:
    """The card an answer came from.

    Spec: TS 102 221, 13.2 (EF.ICCID) and 6.3 (ATR).
    """

    iccid: str
    """Decimal digits of EF.ICCID; empty when the card has none."""
    generation: Generation
    """Found by probing."""
    atr: str
    """The answer to reset, upper-case hex."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where on the card an object stands."""

    object: str
    """What it is and how it was named, such as "DM bootstrap" or "trusted certificate 'dms'"."""
    path: str
    """Its file, as identifiers from the MF or the application, such as "7F50/6431"."""
    oid: str
    """The object identifier it was found by; empty when it was not found by one."""

    def __str__(self) -> str:
        return f"{self.object} in {self.path}"
