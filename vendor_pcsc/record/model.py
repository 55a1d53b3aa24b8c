"""What a transcript is made of: a header, then exchanges, resets and comments in the order they happened.

Guarantees: frozen values whose `repr` holds no content of a card. Leaves to its caller: what the octets mean.

::

    BridgeError
    └── TranscriptError    a transcript is malformed: line and reason
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias

from vendor_pcsc.errors import BridgeError

VERSION: Final = 1
"""Version of the line format."""
MOST_OCTETS: Final = 64 * 1024 * 1024
"""Octets of a whole transcript; some 100 000 reads of 256 octets."""
MOST_LINES: Final = 1_000_000
"""Lines of a transcript."""
MOST_LINE: Final = 400_000
"""Characters of one line: a command and an answer of extended length, 65 546 octets each, in hexadecimal."""


class TranscriptError(BridgeError):
    """A transcript is malformed: the line, counted from 1, and the reason; line 0 is the file as a whole."""

    def __init__(self, line: int, reason: str) -> None:
        self.line = line
        self.reason = reason
        super().__init__(f"transcript line {line}: {reason}" if line else f"transcript: {reason}")


class Redact(StrEnum):
    """Which content of files stays out of a transcript; PINs and authentication answers always do."""

    PINS = "pins"
    """Nothing more: the content of private files is kept. For cards made for tests."""
    PRIVATE = "private"
    """Content read after a PIN, unless the file is named as public."""
    ALL_CONTENT = "all-content"
    """All content, unless the file is named as public."""


_NOTES: Final = {
    Redact.PINS: (
        "PINs and answers of authentication are not here. THE CONTENT OF PRIVATE FILES IS HERE: "
        "keep this file as you keep the card and its PIN."
    ),
    Redact.PRIVATE: (
        "PINs, answers of authentication and what was read after a PIN are not here. The content of files that "
        "the card gives to anyone is here: numbers of the subscriber and, on a card with device management accounts, "
        "THE SECRETS OF THESE ACCOUNTS. Keep this file as you keep the card."
    ),
    Redact.ALL_CONTENT: (
        "PINs, answers of authentication and the content of files are not here. Names, sizes and access rules of "
        "files are here. A program that asks for content cannot be replayed from this file."
    ),
}


def note_for(redact: Redact, public: tuple[str, ...] = ()) -> str:
    """Return, for people, what a transcript holds and what it does not.

    Args:
        redact: what is left out.
        public: names of the files that were kept all the same.
    """
    return _NOTES[redact] + (f" Named as public, so here in any case: {', '.join(public)}." if public else "")


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of a transcript."""

    name: str
    """What a user called the connection."""
    atr: bytes
    """The answer to reset before the first exchange."""
    redact: Redact = Redact.PRIVATE
    """What was left out."""
    note: str = ""
    """What is in the file and what is not, for people."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One command and what came back."""

    command: bytes = field(repr=False)
    """The command APDU, or its beginning where the rest was masked."""
    command_masked: int = 0
    """Octets of the command after `command` that were not kept."""
    data: bytes = field(default=b"", repr=False)
    """Data of the answer; empty when they were masked."""
    data_masked: int = 0
    """Octets of data that were not kept: all or none."""
    sw: bytes = b""
    """SW1 SW2; empty when the answer was too short to have them, or there was none."""
    error: str = ""
    """Name of the bridge's error that came in place of an answer; empty when there was an answer."""
    at_us: int | None = None
    """Microseconds from the start of the recording to the command; None when times were not recorded."""
    file: str = ""
    """The file that was read, for people: identifiers from the MF or an AID on, `?` where not known."""

    @property
    def command_length(self) -> int:
        """Octets of the whole command."""
        return len(self.command) + self.command_masked

    @property
    def data_length(self) -> int:
        """Octets of the whole answer without its status word."""
        return len(self.data) + self.data_masked


@dataclass(frozen=True, slots=True)
class Reset:
    """The card was reset."""

    atr: bytes
    """The answer; empty when there was none."""
    error: str = ""
    """Name of the bridge's error that came in place of an answer."""
    at_us: int | None = None
    """Microseconds from the start of the recording; None when times were not recorded."""


@dataclass(frozen=True, slots=True)
class Comment:
    """A line for people."""

    text: str
    """Anything; replay and comparison pass over it."""


Item: TypeAlias = Exchange | Reset | Comment
"""What one line after the header says."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """A recording of one card; item n stands on line n + 2, n counted from 0."""

    header: Header
    """Who was recorded, and what was left out."""
    items: tuple[Item, ...] = ()
    """What happened, in order."""

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """The exchanges alone."""
        return tuple(item for item in self.items if isinstance(item, Exchange))


def line_of(index: int) -> int:
    """Return the line, counted from 1, on which the item with an index, counted from 0, stands."""
    return index + 2
