"""One mapping of a readable source, such as a card profile or an operator's commands.

Guarantees: every scalar is text, every key is taken once by name or refused by name, and errors name the key, never a
value that may be a secret. Leaves to its caller: which keys there are, and reading the file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from smartcard_dm.dm.formats import decode_base64
from smartcard_dm.dm.uri import segment_fault
from smartcard_dm.errors import DmError

if TYPE_CHECKING:
    from enum import Enum

_XML_TEXT: Final = re.compile(r"[\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]*")

E = TypeVar("E", bound="Enum")


class MappingSource:
    """One mapping: each key is taken once by name, or refused by name."""

    def __init__(self, mapping: object, place: str, structure: str) -> None:
        self._place = place
        self._structure = structure
        if not isinstance(mapping, Mapping):
            raise DmError(structure, "not a mapping", place=place, found=type(mapping).__name__)
        self._rest: dict[object, object] = dict(mapping)

    def fault(self, detail: str, key: str, *, wanted: str | None = None, found: str | None = None) -> DmError:
        """Make the error that names a key of this mapping."""
        return DmError(self._structure, detail, place=f"{self._place}.{key}", wanted=wanted, found=found)

    def optional(self, key: str) -> str | None:
        """Take a text; None when there is no such key."""
        return self._text(key, self._rest.pop(key)) if key in self._rest else None

    def required(self, key: str) -> str:
        """Take a text that has to be there."""
        text = self.optional(key)
        if text is None:
            raise self.fault("the key is missing", key)
        return text

    def node_name(self, default: str) -> str:
        """Take the name of the node."""
        name = self.optional("node_name")
        fault = segment_fault(name) if name is not None else None
        if fault is not None:
            raise self.fault(fault, "node_name")
        return name or default

    def texts(self, key: str) -> tuple[str, ...]:
        """Take a list of texts; empty when there is no such key."""
        return tuple(self._text(f"{key}[{index}]", value) for index, value in enumerate(self._list(key)))

    def entries(self, key: str) -> list[MappingSource]:
        """Take a list of mappings; empty when there is no such key."""
        return [
            MappingSource(value, f"{self._place}.{key}[{index}]", self._structure)
            for index, value in enumerate(self._list(key))
        ]

    def entry(self, key: str) -> MappingSource | None:
        """Take a mapping; None when there is no such key."""
        if key not in self._rest:
            return None
        return MappingSource(self._rest.pop(key), f"{self._place}.{key}", self._structure)

    def choice(self, key: str, kind: type[E], text: str) -> E:
        """Return the member of `kind` that the text stands for."""
        for member in kind:
            if member.value == text:
                return member
        wanted = ", ".join(str(member.value) for member in kind)
        raise self.fault("unknown value", key, wanted=wanted, found=repr(text[:40]))

    def octets(self, key: str, text: str) -> bytes:
        """Return the octets of a Base64 text."""
        return decode_base64(text, structure=self._structure, place=f"{self._place}.{key}")

    def end(self) -> None:
        """Check that every key was taken."""
        for key in self._rest:
            raise self.fault("unknown key", str(key)[:40])

    def _list(self, key: str) -> Sequence[object]:
        value = self._rest.pop(key, ())
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise self.fault("not a list", key, found=type(value).__name__)
        return value

    def _text(self, key: str, value: object) -> str:
        if not isinstance(value, str):
            raise self.fault("not text", key, wanted="str", found=type(value).__name__)
        if not _XML_TEXT.fullmatch(value):
            raise self.fault("the text has characters that XML cannot hold", key)
        return value
