"""Cards for readers: the small card of the virtual tests, watched, and its T=0 sister."""

from __future__ import annotations

from functools import reduce
from operator import xor
from typing import TYPE_CHECKING

from tests.vendor_pcsc.cards import ATR, profile
from vendor_pcsc.virtual import VirtualCard

if TYPE_CHECKING:
    from collections.abc import Callable

SELECT_ICCID = bytes.fromhex("00A4000C022FE2")
READ_ICCID = bytes.fromhex("00B000000A")
ICCID = "988812010000400310F0"
OPEN_CHANNEL = bytes.fromhex("0070000001")
T1_ATR = bytes.fromhex(ATR)


def with_check(octets: str) -> str:
    """Return an ATR, given without its check octet, with it."""
    atr = bytes.fromhex(octets)
    return (atr + bytes((reduce(xor, atr[1:]),))).hex().upper()


T0_ATR = with_check("3B9F96801FC78031E073FE2113444D4C4142303031")
BOTH_ATR = with_check("3B9F9680811FC78031E073FE2113444D4C4142303031")


def uicc(iccid: str = "8988211000000430010") -> VirtualCard:
    return VirtualCard(profile(('iccid: "8988211000000430010"', f'iccid: "{iccid}"')))


def t0_uicc(atr: str = T0_ATR) -> VirtualCard:
    return VirtualCard(profile((f"atr: {ATR}", f"atr: {atr}"), ("protocol: t1", "protocol: t0")))


class WatchedCard:
    """A card that notes what reaches it, and may be told what to do before it answers."""

    def __init__(self, card: VirtualCard, before: Callable[[bytes], None] = lambda _: None) -> None:
        self.card = card
        self.before = before
        self.commands: list[bytes] = []
        self.resets = 0

    def process(self, apdu: bytes) -> bytes:
        self.commands.append(apdu)
        self.before(apdu)
        return self.card.process(apdu)

    def reset(self) -> bytes:
        self.resets += 1
        return self.card.reset()
