"""The static conformance requirements as a table.

Guarantees: one row for each item of the document, in its order, nothing else.
Spec: OMA-TS-DM_Sessionless, B.1 and B.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Side(Enum):
    """Who has to fulfil a requirement."""

    CLIENT = "client"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One item of the static conformance requirements; all of them are mandatory."""

    item: str
    """Its name in the document."""
    side: Side
    function: str
    """What is required."""
    section: str
    """The section of the document it rests on."""


_CLIENT: Final = (
    ("001", "support for sessionless management", "5.2"),
    ("002", "support for embedded WBXML-encoded TNDS objects", "5.5"),
    ("003", "support for the Inbox", "5.5"),
    ("004", "the ServerID in SyncHdr/Source/LocURI matches the ServerID in only one DMAcc", "5.5"),
    ("005", "the ServerID in SyncHdr/Source/LocURI is used for all ACL decisions", "5.5"),
)
_SERVER: Final = (
    ("001", "support for sessionless management", "5.2"),
    ("002", "the DM message is encoded into WBXML", "5.2"),
    ("003", "the ServerID is written in SyncHdr/Source/LocURI", "5.2"),
    ("004", "the entire sessionless message is XML-signed", "5.2"),
    ("005", "transport-specific security is employed", "5.3"),
    ("006", "ACL properties of new objects are included with the TNDS data", "5.4"),
)
REQUIREMENTS: Final = (
    *(Requirement(f"DM-SM-C-{number}-M", Side.CLIENT, text, section) for number, text, section in _CLIENT),
    *(Requirement(f"DM-SM-S-{number}-M", Side.SERVER, text, section) for number, text, section in _SERVER),
)
