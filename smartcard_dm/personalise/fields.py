"""Reading one mapping of a profile: every key is taken by name, or refused by name.

Guarantees: every fault is a ValueError that names the key, as generators of card content report theirs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from enum import Enum

Member = TypeVar("Member", bound="Enum")
_MOST_DIGITS: Final = 9
"""Digits of a number; everything on a card fits 16 bits."""


class Fields:
    """The keys of one mapping; call `end` when all were taken.

    Raises:
        ValueError: the value is no mapping.
    """

    def __init__(self, value: object) -> None:
        if not isinstance(value, dict):
            raise ValueError("wanted a mapping")  # noqa: TRY004 - a generator reports a wrong value by ValueError
        self._rest: dict[str, object] = dict(value)

    def __contains__(self, key: str) -> bool:
        return key in self._rest

    def value(self, key: str) -> object:
        """Take whatever stands under a key that has to be there."""
        if key not in self._rest:
            raise ValueError(f"the key {key!r} is missing")
        return self._rest.pop(key)

    def text(self, key: str) -> str:
        """Take a text that has to be there."""
        value = self.value(key)
        if not isinstance(value, str):
            raise ValueError(f"{key}: wanted text")  # noqa: TRY004 - same
        return value

    def optional_text(self, key: str) -> str | None:
        """Take a text, or None."""
        return self.text(key) if key in self else None

    def text_or(self, key: str, default: str) -> str:
        """Take a text; absent is the default."""
        return self.text(key) if key in self else default

    def octets(self, key: str) -> bytes:
        """Take hexadecimal digits that have to be there."""
        text = self.text(key)
        try:
            return bytes.fromhex(text)
        except ValueError:
            raise ValueError(f"{key}: wanted pairs of hexadecimal digits") from None

    def optional_octets(self, key: str) -> bytes | None:
        """Take hexadecimal digits, or None."""
        return self.octets(key) if key in self else None

    def number(self, key: str) -> int | None:
        """Take a decimal number, or None."""
        text = self.optional_text(key)
        if text is None:
            return None
        if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
            raise ValueError(f"{key}: wanted a decimal number")
        return int(text)

    def number_or(self, key: str, default: int) -> int:
        """Take a decimal number; absent is the default."""
        found = self.number(key)
        return default if found is None else found

    def flag(self, key: str) -> bool:
        """Take `true` or `false`; absent is false."""
        text = self.text_or(key, "false")
        if text not in {"true", "false"}:
            raise ValueError(f"{key}: wanted true or false")
        return text == "true"

    def member(self, key: str, kind: type[Member], default: Member) -> Member:
        """Take the lower-case name of a member of an enum."""
        text = self.optional_text(key)
        if text is None:
            return default
        names = {member.name.lower().replace("_", "-"): member for member in kind}
        if text not in names:
            raise ValueError(f"{key}: wanted one of {', '.join(names)}")
        return names[text]

    def rest(self) -> dict[str, object]:
        """Take all that nobody took."""
        rest, self._rest = self._rest, {}
        return rest

    def end(self) -> None:
        """Refuse what nobody took."""
        if self._rest:
            raise ValueError(f"unknown key {next(iter(self._rest))!r}")


def each(value: object, make: Callable[[Fields], bytes]) -> bytes:
    """Return the octets that `make` gives for every mapping of a list, one after another."""
    if not isinstance(value, list):
        raise ValueError("wanted a list of mappings")  # noqa: TRY004 - same
    octets = b""
    for number, entry in enumerate(value):
        try:
            fields = Fields(entry)
            octets += make(fields)
            fields.end()
        except ValueError as error:
            raise ValueError(f"entry {number}: {error}") from error
    return octets
