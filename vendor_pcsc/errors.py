"""What can go wrong between this machine and a card.

::

    BridgeError
    ├── ReaderError        no such reader, reader busy, service not running
    ├── CardRemovedError   the card left, or lost power, while in use
    ├── TransmitError      the exchange failed; nothing is known about the card's content
    └── ProfileError       the profile of a virtual card is wrong

Guarantees: exceptions of reader libraries never pass this bridge. No error holds the data field of a command.
"""

from __future__ import annotations


class BridgeError(Exception):
    """Base of the bridge's errors; never raised itself."""


class ReaderError(BridgeError):
    """The reader is unknown, busy, or its service is not running."""


class CardRemovedError(BridgeError):
    """The card left the reader, or was reset by somebody else, while in use."""


class TransmitError(BridgeError):
    """One exchange with the card failed."""


class ProfileError(BridgeError):
    """The profile of a virtual card is wrong: place, what was wanted and what was found."""

    def __init__(self, place: str, detail: str) -> None:
        self.place = place
        self.detail = detail
        super().__init__(f"card profile at {place}: {detail}")
