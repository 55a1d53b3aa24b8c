"""PC/SC readers and their events as text for a terminal of 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.text import Text

from smartcard_dm.report.tables import pairs
from vendor_pcsc.monitor import EventKind

if TYPE_CHECKING:
    from rich.console import RenderableType

    from vendor_pcsc.monitor import ReaderEvent
    from vendor_pcsc.readers import ReaderState

_WORDS: Final = {
    EventKind.READER_ADDED: "reader added",
    EventKind.READER_REMOVED: "reader removed",
    EventKind.CARD_INSERTED: "card inserted",
    EventKind.CARD_REMOVED: "card removed",
    EventKind.CARD_CHANGED: "card changed",
    EventKind.SERVICE_LOST: "PC/SC service lost: waiting for it",
    EventKind.SERVICE_BACK: "PC/SC service is back",
}


def reader_lines(readers: tuple[ReaderState, ...]) -> RenderableType:
    """Return readers with what is in them."""
    if not readers:
        return Text("no reader is attached")
    parts: list[RenderableType] = []
    for reader in readers:
        parts.append(Text(reader.name, style="bold"))
        rows = [("card", _card(reader))]
        rows += [("ATR", reader.atr.hex().upper())] if reader.atr else []
        rows += [("use", "by one program alone" if reader.exclusive else "by a program")] if reader.in_use else []
        parts.append(pairs(*rows))
    return Group(*parts)


def event_line(event: ReaderEvent) -> str:
    """Return an event on one line."""
    reader = f": {event.reader}" if event.reader else ""
    atr = f", ATR {event.atr.hex().upper()}" if event.atr else ""
    return f"{_WORDS[event.kind]}{reader}{atr}"


def _card(reader: ReaderState) -> str:
    if not reader.card_present:
        return "none"
    return "there, but it does not answer" if reader.mute else "present"
