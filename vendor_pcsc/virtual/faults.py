"""What can go wrong between a terminal and a card, one small class each.

::

    terminal -> delay -> reader gone -> card pulled -> card swapped -> wrong status -> channel refused
             -> storm of 61 -> storm of 6C -> short reads -> card

Guarantees: a fault keeps no state, so that any of them can be put before any card. Leaves to `faulty_card`: counting
APDUs, and that what is gone stays gone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from vendor_pcsc.errors import CardRemovedError, ReaderError
from vendor_pcsc.virtual.status import SW, bytes_waiting, right_length

if TYPE_CHECKING:
    from vendor_pcsc.virtual.model import Faults, Profile

Send: TypeAlias = Callable[[bytes], bytes]
"""Hands a command on and returns the response."""

_MANAGE_CHANNEL: Final = 0x70
_READ_BINARY: Final = 0xB0
_GET_RESPONSE: Final = 0xC0
_OPEN: Final = 0x00


class Fault(Protocol):
    """One thing that goes wrong."""

    def answer(self, number: int, apdu: bytes, send: Send) -> bytes:
        """Return the response to APDU `number`, counted from 1, or raise what the reader would."""


class CardSwappedError(CardRemovedError):
    """The card was pulled, and another one is in its place; `FaultyCard` hands on a plain CardRemovedError."""

    def __init__(self, successor: Profile) -> None:
        self.successor = successor
        super().__init__("the card was removed")


@dataclass(frozen=True, slots=True)
class Delay:
    """Each answer comes late."""

    seconds: float
    sleep: Callable[[float], None]

    def answer(self, number: int, apdu: bytes, send: Send) -> bytes:  # noqa: ARG002 - the faults' interface
        """Wait, then hand on."""
        self.sleep(self.seconds)
        return send(apdu)


@dataclass(frozen=True, slots=True)
class ReaderGone:
    """The reader is unplugged, or its service ends."""

    at: int

    def answer(self, number: int, apdu: bytes, send: Send) -> bytes:
        """Raise ReaderError in place of one answer."""
        if number == self.at:
            raise ReaderError("the reader is gone")
        return send(apdu)


@dataclass(frozen=True, slots=True)
class CardPulled:
    """The card is taken out."""

    at: int

    def answer(self, number: int, apdu: bytes, send: Send) -> bytes:
        """Raise CardRemovedError in place of one answer."""
        if number == self.at:
            raise CardRemovedError("the card was removed")
        return send(apdu)


@dataclass(frozen=True, slots=True)
class CardSwapped:
    """The card is taken out and another one put in."""

    at: int
    successor: Profile

    def answer(self, number: int, apdu: bytes, send: Send) -> bytes:
        """Raise CardSwappedError in place of one answer."""
        if number == self.at:
            raise CardSwappedError(self.successor)
        return send(apdu)


@dataclass(frozen=True, slots=True)
class WrongAnswer:
    """One command is answered with a status word of its own and does not reach the card."""

    at: int
    sw: int

    def answer(self, number: int, apdu: bytes, send: Send) -> bytes:
        """Answer the status word."""
        return self.sw.to_bytes(2) if number == self.at else send(apdu)


@dataclass(frozen=True, slots=True)
class ChannelRefused:
    """A reader or card that opens no logical channel."""

    def answer(self, number: int, apdu: bytes, send: Send) -> bytes:  # noqa: ARG002 - the faults' interface
        """Answer 6881 to MANAGE CHANNEL open; to a card of class A0 it is unknown anyway."""
        if len(apdu) >= 4 and not apdu[0] & 0x80 and apdu[1:3] == bytes([_MANAGE_CHANNEL, _OPEN]):
            return SW.CHANNEL_NOT_SUPPORTED.to_bytes(2)
        return send(apdu)


@dataclass(frozen=True, slots=True)
class Storm61:
    """There is always one octet more to fetch, without end."""

    since: int

    def answer(self, number: int, apdu: bytes, send: Send) -> bytes:
        """Answer 6101, with the octet it spoke of when that is asked for."""
        if number < self.since:
            return send(apdu)
        octet = b"\x00" if apdu[1:2] == bytes([_GET_RESPONSE]) else b""
        return octet + bytes_waiting(1).to_bytes(2)


@dataclass(frozen=True, slots=True)
class Storm6C:
    """Le is always wrong, without end."""

    since: int

    def answer(self, number: int, apdu: bytes, send: Send) -> bytes:
        """Answer 6Cxx, never with the Le that was asked for."""
        if number < self.since:
            return send(apdu)
        return right_length(apdu[-1] + 1 if apdu else 1).to_bytes(2)


@dataclass(frozen=True, slots=True)
class ShortReads:
    """READ BINARY gives fewer octets than asked for, and says that all is well."""

    most: int

    def answer(self, number: int, apdu: bytes, send: Send) -> bytes:  # noqa: ARG002 - the faults' interface
        """Cut the data of READ BINARY."""
        response = send(apdu)
        if apdu[1:2] != bytes([_READ_BINARY]):
            return response
        return response[:-2][: self.most] + response[-2:]


def make_faults(faults: Faults, sleep: Callable[[float], None]) -> tuple[Fault, ...]:
    """Return the faults of a profile, the one nearest to the terminal first."""
    found: list[Fault] = []
    if faults.delay_ms:
        found.append(Delay(faults.delay_ms / 1000, sleep))
    if faults.reader_gone_at is not None:
        found.append(ReaderGone(faults.reader_gone_at))
    if faults.remove_at is not None:
        found.append(CardPulled(faults.remove_at))
    if faults.swap_at is not None:
        found.append(CardSwapped(faults.swap_at.apdu, faults.swap_at.profile))
    if faults.wrong_sw_at is not None:
        found.append(WrongAnswer(faults.wrong_sw_at.apdu, faults.wrong_sw_at.sw))
    if faults.channel_refused:
        found.append(ChannelRefused())
    if faults.storm_61 is not None:
        found.append(Storm61(faults.storm_61))
    if faults.storm_6c is not None:
        found.append(Storm6C(faults.storm_6c))
    if faults.short_reads is not None:
        found.append(ShortReads(faults.short_reads))
    return tuple(found)
