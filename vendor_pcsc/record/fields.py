"""The keys of one line, each read once and checked.

Guarantees: a value of the kind asked for, or `TranscriptError`; `done` finds keys nobody asked for.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias

from vendor_pcsc.errors import CardRemovedError, ReaderError, TransmitError
from vendor_pcsc.record.model import TranscriptError

if TYPE_CHECKING:
    from vendor_pcsc.errors import BridgeError

JsonValue: TypeAlias = "str | int | float | bool | list[JsonValue] | dict[str, JsonValue] | None"

ERRORS: Final[dict[str, type[BridgeError]]] = {
    kind.__name__: kind for kind in (CardRemovedError, ReaderError, TransmitError)
}
"""Errors that can stand in place of an answer."""
MOST_COUNT: Final = 2**53 - 1
"""Largest number that every JSON reader keeps exactly; microseconds of 285 years."""
MOST_MASKED: Final = 65_546
"""Octets of the longest command APDU, and more than those of the longest answer. Spec: ISO/IEC 7816-3, 12.1."""
_HEX: Final = re.compile(r"(?:[0-9A-F]{2})*")
_FILE: Final = re.compile(r"(?:[0-9A-F]+|\?)(?:/(?:[0-9A-F]+|\?))*")


class Fields:
    """One line's keys and values."""

    def __init__(self, line: int, values: dict[str, JsonValue]) -> None:
        self.line = line
        self._values = values
        self._asked: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def text(self, key: str, *, default: str | None = None) -> str:
        """Return a text.

        Raises:
            TranscriptError: there is none.
        """
        value = self._value(key, default)
        if not isinstance(value, str):
            raise TranscriptError(self.line, f"{key}: wanted text")
        return value

    def octets(self, key: str, *, default: bytes | None = None) -> bytes:
        """Return octets written in hexadecimal capitals.

        Raises:
            TranscriptError: there are none.
        """
        text = self.text(key, default=None if default is None else default.hex())
        if not _HEX.fullmatch(text):
            raise TranscriptError(self.line, f"{key}: wanted pairs of hexadecimal digits in capitals, without spaces")
        return bytes.fromhex(text)

    def number(self, key: str, *, default: int | None = None) -> int:
        """Return a whole number from 0 on.

        Raises:
            TranscriptError: there is none.
        """
        value = self._value(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST_COUNT:
            raise TranscriptError(self.line, f"{key}: wanted a whole number, 0 to {MOST_COUNT}")
        return value

    def optional_number(self, key: str) -> int | None:
        """Return a whole number from 0 on, or None when the key is not there.

        Raises:
            TranscriptError: there is something else.
        """
        self._asked.add(key)
        return self.number(key) if key in self else None

    def count(self, key: str) -> int:
        """Return a count of masked octets, 0 when the key is not there.

        Raises:
            TranscriptError: there is something else, or a 0 is written.
        """
        value = self.number(key, default=0)
        if key in self and not 1 <= value <= MOST_MASKED:
            raise TranscriptError(self.line, f"{key}: wanted 1 to {MOST_MASKED} octets")
        return value

    def error(self) -> str:
        """Return the name of an error of the bridge, or nothing.

        Raises:
            TranscriptError: there is something else.
        """
        name = self.text("error", default="")
        if "error" in self and name not in ERRORS:
            raise TranscriptError(self.line, f"error: wanted one of {', '.join(ERRORS)}")
        return name

    def file(self) -> str:
        """Return the path of a file, or nothing.

        Raises:
            TranscriptError: there is something else.
        """
        path = self.text("file", default="")
        if "file" in self and not _FILE.fullmatch(path):
            raise TranscriptError(self.line, "file: wanted identifiers in hexadecimal capitals, or ?, between slashes")
        return path

    def done(self) -> None:
        """Refuse keys that were not asked for.

        Raises:
            TranscriptError: there is one.
        """
        unknown = sorted(self._values.keys() - self._asked)
        if unknown:
            raise TranscriptError(self.line, f"unknown key {unknown[0][:40]!r}")

    def _value(self, key: str, default: JsonValue) -> JsonValue:
        self._asked.add(key)
        if key not in self._values and default is None:
            raise TranscriptError(self.line, f"no {key!r}")
        return self._values.get(key, default)
