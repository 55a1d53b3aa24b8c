"""What is known about single reader models, as a table: reader name pattern -> adjustment, with its source.

Guarantees: a quirk is a row here and nowhere else; the bridge reads the adjustment and knows no reader by name.
A row needs a source that others can read. Leaves to `vendor_pcsc.pyscard_bridge`: obeying the adjustment.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What a connection through one reader must not try; the default is no restriction."""

    logical_channels: bool = True
    """False: opening a logical channel is answered 6881 by the bridge, so that the basic channel is used."""

    extended_length: bool = True
    """False: a command with extended lengths is answered 6700 by the bridge, so that short ones are used."""


@dataclass(frozen=True, slots=True)
class Quirk:
    """One row of the table."""

    pattern: str
    """Reader name; `*` and `?` stand for any octets, upper and lower case are equal."""

    adjustment: Adjustment
    """What to do about it."""

    source: str
    """Where the behaviour was reported or can be read."""


NO_ADJUSTMENT: Final = Adjustment()

QUIRKS: Final = (
    Quirk(
        "Generic EMV Smartcard Reader*",
        Adjustment(logical_channels=False),
        "iebb/NekokoLPA2 issue 31: a channel opens, then SELECT on channel 1 answers 6881; the basic channel works",
    ),
    Quirk(
        "*CardMan 3821*",
        Adjustment(extended_length=False),
        "LudovicRousseau/CCID readers/CardMan3821.txt: short APDU level exchange, messages of at most 271 octets; "
        "OpenSC/OpenSC issue 802",
    ),
)
"""All rows; the first that fits counts."""


def adjustment_for(reader: str) -> Adjustment:
    """Return the adjustment of the first row whose pattern fits the reader's name, or `NO_ADJUSTMENT`."""
    name = reader.casefold()
    return next((row.adjustment for row in QUIRKS if fnmatchcase(name, row.pattern.casefold())), NO_ADJUSTMENT)
