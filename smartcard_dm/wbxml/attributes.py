"""The attributes of one element while they are read.

Guarantees: no name stands twice, and names and values together stay below `Limits.xml_octets` at every moment: a
reference of two octets can stand for a string as long as the string table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smartcard_dm.errors import LimitExceededError, WbxmlError
from smartcard_dm.wbxml.text import shown

if TYPE_CHECKING:
    from smartcard_dm.limits import Limits

BODY = "WBXML body"
"""What errors call everything behind the header."""


class AttributeList:
    """Names with the pieces of their values, bounded."""

    def __init__(self, limits: Limits) -> None:
        self._bound = limits.xml_octets
        self._size = 0
        self._pieces: dict[bytes, list[bytes]] = {}
        self._last: list[bytes] | None = None

    @property
    def empty(self) -> bool:
        """Whether no attribute was begun yet."""
        return self._last is None

    def begin(self, name: bytes, value: bytes, pos: int) -> None:
        """Take the name of the next attribute, and the start of its value."""
        if name in self._pieces:
            raise WbxmlError(BODY, f"attribute {shown(name)} stands twice", offset=pos)
        self._last = self._pieces[name] = []
        self._grow(len(name), pos)
        self.add(value, pos)

    def add(self, piece: bytes, pos: int) -> None:
        """Take a piece of the value of the last attribute."""
        if self._last is None:
            raise AssertionError("no attribute was begun")
        self._grow(len(piece), pos)
        self._last.append(piece)

    def joined(self) -> dict[bytes, bytes]:
        """Return the attributes with their values."""
        return {name: b"".join(pieces) for name, pieces in self._pieces.items()}

    def _grow(self, octets: int, pos: int) -> None:
        self._size += octets
        if self._size > self._bound:
            raise LimitExceededError(BODY, "xml_octets", self._bound, offset=pos)
