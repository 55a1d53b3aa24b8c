"""PC/SC readers: which there are, and a connection to the card in one of them.

Guarantees: listing connects to no card and powers none up. Only `vendor_pcsc.errors.BridgeError` is raised.
Leaves to `vendor_pcsc.monitor`: telling when something changes.
"""

from __future__ import annotations

from dataclasses import dataclass

from vendor_pcsc.errors import ReaderError
from vendor_pcsc.pcsc_service import PcscContext
from vendor_pcsc.pyscard_bridge import PcscConnection


@dataclass(frozen=True, slots=True)
class ReaderState:
    """One reader and what is in it."""

    name: str
    """The name the PC/SC service gives it."""

    card_present: bool
    """Whether there is a card, be it mute."""

    atr: bytes
    """The card's answer to reset; empty without a card, or when the card does not answer."""

    in_use: bool
    """Whether a program is connected to the card."""

    exclusive: bool
    """Whether that program has the card for itself."""

    mute: bool
    """Whether the card does not answer: turned round, dirty or broken."""


def list_readers() -> tuple[ReaderState, ...]:
    """Return all readers in the service's order, empty when none is attached.

    Raises:
        ReaderError: pyscard is not installed, or the service is not running.
    """
    with PcscContext() as context:
        names = context.readers()
        if not names:
            return ()
        flag = context.service.constant
        found = context.states((name, flag("SCARD_STATE_UNAWARE")) for name in names) or ()
        return tuple(
            ReaderState(
                name=state.name,
                card_present=bool(state.flags & flag("SCARD_STATE_PRESENT")),
                atr=state.atr,
                in_use=bool(state.flags & (flag("SCARD_STATE_INUSE") | flag("SCARD_STATE_EXCLUSIVE"))),
                exclusive=bool(state.flags & flag("SCARD_STATE_EXCLUSIVE")),
                mute=bool(state.flags & flag("SCARD_STATE_MUTE")),
            )
            for state in found
        )


def choose_reader(name: str | None, readers: tuple[ReaderState, ...]) -> str:
    """Return the whole name of the reader that is meant.

    None means the only reader or, where there are several, the only one with a card. A name may be a part that fits
    one reader only; upper and lower case are equal then. A whole name always means that reader.

    Raises:
        ReaderError: no reader fits, or several do; the text lists what there is.
    """
    if not readers:
        raise ReaderError("no reader is attached: plug one in (smartcard-dm readers --watch shows when it is seen)")
    if name is None:
        fitting = readers if len(readers) == 1 else tuple(each for each in readers if each.card_present)
        wanted = "the only reader, or the only one with a card,"
    else:
        exact = tuple(each for each in readers if each.name == name)
        fitting = exact or tuple(each for each in readers if name.casefold() in each.name.casefold())
        wanted = f"reader {name!r}"
    if len(fitting) == 1:
        return fitting[0].name
    there = "; ".join(f"{each.name} ({'card' if each.card_present else 'empty'})" for each in fitting or readers)
    if name is None:
        raise ReaderError(f"{wanted} is not one of these: {there}; insert one card, or name the reader")
    fits = f"fits {len(fitting)} readers" if fitting else "is not attached; there are"
    raise ReaderError(f"{wanted} {fits}: {there}")


def connect(name: str | None = None, *, exclusive: bool = False, wait_seconds: float = 0.0) -> PcscConnection:
    """Connect to the card in a reader; see `choose_reader` for what `name` means.

    Args:
        name: a reader's name or a unique part of it; None for the only one.
        exclusive: whether no other program may use the reader meanwhile.
        wait_seconds: seconds to wait, each time, while another program holds the reader; 0 tries once.

    Raises:
        ReaderError: pyscard is missing, the service is not running, the reader is unknown, ambiguous or busy.
        CardRemovedError: there is no card in the reader.
        TransmitError: the card does not answer.
    """
    return PcscConnection(choose_reader(name, list_readers()), exclusive=exclusive, wait_seconds=wait_seconds)
