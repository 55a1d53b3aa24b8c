"""A YAML document in which every scalar is text and every value knows its place.

Guarantees: no tag constructs anything, a duplicate key is an error, and size, depth and number of values are
bounded before anything is built. No repr holds a value, and no error text holds one from below `pins`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

import yaml

from vendor_pcsc.errors import ProfileError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from enum import Enum

MAX_SOURCE_LENGTH: Final = 1 << 20
"""Octets of a profile's text: contents of many kilobytes belong into files beside it."""
MAX_DEPTH: Final = 32
"""Levels of nesting: a card has three or four directory levels, a content a few more."""
MAX_NODES: Final = 50_000
"""Values after aliases are followed, so that a few aliases cannot stand for millions of values."""

_TEXT_TAG: Final = "tag:yaml.org,2002:str"
_PLAIN_TAGS: Final = frozenset({_TEXT_TAG, "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"})
_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_INTEGER: Final = re.compile(r"[0-9]{1,6}")
_SHOWN_LENGTH: Final = 40

E = TypeVar("E", bound="Enum")


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the document: text, a list, or a mapping."""

    place: str
    """The way from the root, such as `files[3].content`."""
    line: int
    """Line of the source, from 1."""
    value: str | tuple[Node, ...] | dict[str, Node] = field(repr=False)

    @property
    def where(self) -> str:
        """Return place and line, as errors name them."""
        return f"{self.place} (line {self.line})"

    @property
    def shown(self) -> str:
        """Return the beginning of the text for an error; below `pins` nothing, since a PIN may stand misplaced."""
        return _shown(self.place, self.text())

    def error(self, detail: str) -> ProfileError:
        """Return the error that names this place."""
        return ProfileError(self.where, detail)

    def text(self) -> str:
        """Return the text; a list or a mapping is an error."""
        if isinstance(self.value, str):
            return self.value
        raise self.error(f"wanted text, found {self._kind()}")

    def entries(self) -> tuple[Node, ...]:
        """Return the values of the list; anything else is an error."""
        if isinstance(self.value, tuple):
            return self.value
        raise self.error(f"wanted a list, found {self._kind()}")

    def mapping(self) -> Mapping[str, Node]:
        """Return the mapping; anything else is an error."""
        if isinstance(self.value, dict):
            return self.value
        raise self.error(f"wanted a mapping, found {self._kind()}")

    def fields(self, required: Collection[str], optional: Collection[str] = ()) -> Mapping[str, Node]:
        """Return a mapping that has all required keys and no unknown one."""
        found = self.mapping()
        allowed = [*required, *optional]
        for key, node in found.items():
            if key not in allowed:
                where = f"{self.place} (line {node.line})"
                detail = f"unknown key {_shown(self.place, key)}; allowed here: {', '.join(allowed)}"
                raise ProfileError(where, detail)
        missing = [key for key in required if key not in found]
        if missing:
            raise self.error(f"missing: {', '.join(missing)}")
        return found

    def integer(self, low: int, high: int) -> int:
        """Return a decimal number from `low` to `high`."""
        if _INTEGER.fullmatch(self.text()) and low <= int(self.text()) <= high:
            return int(self.text())
        raise self.error(f"wanted a number from {low} to {high}, found {self.shown}")

    def boolean(self) -> bool:
        """Return the truth of `true` or `false`."""
        if self.text() in {"true", "false"}:
            return self.text() == "true"
        raise self.error(f"wanted true or false, found {self.shown}")

    def octets(self, low: int, high: int) -> bytes:
        """Return `low` to `high` octets written as pairs of hexadecimal digits."""
        text = self.text()
        if _HEX.fullmatch(text) and low <= len(text) // 2 <= high:
            return bytes.fromhex(text)
        count = str(low) if low == high else f"{low} to {high}"
        raise self.error(f"wanted {count} octets in hexadecimal digits, found {self.shown}")

    def choice(self, kind: type[E]) -> E:
        """Return the member of an enum whose value is this text."""
        for member in kind:
            if member.value == self.text():
                return member
        raise self.error(f"wanted one of {', '.join(str(m.value) for m in kind)}, found {self.shown}")

    def plain(self) -> object:
        """Return the value as text, lists and dictionaries."""
        if isinstance(self.value, str):
            return self.value
        if isinstance(self.value, tuple):
            return [node.plain() for node in self.value]
        return {key: node.plain() for key, node in self.value.items()}

    def _kind(self) -> str:
        return {str: "text", tuple: "a list", dict: "a mapping"}[type(self.value)]


def _shown(place: str, text: str) -> str:
    return "(not shown)" if place.startswith("pins.") else repr(text[:_SHOWN_LENGTH])


def parse_document(source: str | bytes) -> Node:
    """Return the one document of a YAML text.

    Raises:
        ProfileError: too large, not YAML, a duplicate key, a tag, or a key that is not text.
    """
    if len(source) > MAX_SOURCE_LENGTH:
        raise ProfileError("the whole text", f"wanted at most {MAX_SOURCE_LENGTH} octets, found {len(source)}")
    try:
        root = _compose(source)
    except yaml.MarkedYAMLError as error:
        # Only the bare problem: the full text of the error quotes the source, where PINs are.
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise ProfileError(f"line {line}", f"not YAML: {error.problem}") from None
    except (yaml.YAMLError, ValueError, OverflowError):
        raise ProfileError("the whole text", "not YAML: a character that may not stand there") from None
    if root is None:
        raise ProfileError("the whole text", "wanted a mapping, found nothing")
    return _Builder().build(root, "", 0)


class _Loader(yaml.BaseLoader):
    """A loader that stops at a bounded depth, since composing is recursive."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ProfileError(f"line {self.get_mark().line + 1}", f"wanted at most {MAX_DEPTH} levels of nesting")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _compose(source: str | bytes) -> yaml.Node | None:
    loader = _Loader(source)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


class _Builder:
    """Turns YAML nodes into `Node`, following aliases and counting."""

    def __init__(self) -> None:
        self._count = 0

    def build(self, source: yaml.Node, place: str, depth: int) -> Node:
        line = source.start_mark.line + 1
        where = f"{place or 'the root'} (line {line})"
        self._count += 1
        if self._count > MAX_NODES:
            raise ProfileError(where, f"wanted at most {MAX_NODES} values, aliases followed")
        if depth > MAX_DEPTH:  # an alias to what it stands in
            raise ProfileError(where, f"wanted at most {MAX_DEPTH} levels of nesting")
        if source.tag not in _PLAIN_TAGS:
            raise ProfileError(where, f"a tag is not allowed here, found {source.tag}")
        if isinstance(source, yaml.MappingNode):
            return Node(place or "the root", line, self._mapping(source, place, depth))
        if isinstance(source, yaml.SequenceNode):
            entries = tuple(self.build(node, f"{place}[{i}]", depth + 1) for i, node in enumerate(source.value))
            return Node(place or "the root", line, entries)
        return Node(place or "the root", line, str(source.value))

    def _mapping(self, source: yaml.MappingNode, place: str, depth: int) -> dict[str, Node]:
        result: dict[str, Node] = {}
        for key_node, value_node in source.value:
            where = f"{place or 'the root'} (line {key_node.start_mark.line + 1})"
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag != _TEXT_TAG:
                raise ProfileError(where, "wanted text as key")
            key = str(key_node.value)
            if key in result:
                detail = f"duplicate key {_shown(place, key)}, first on line {result[key].line}"
                raise ProfileError(where, detail)
            result[key] = self.build(value_node, f"{place}.{key}" if place else key, depth + 1)
        return result
