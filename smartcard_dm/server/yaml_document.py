"""A YAML document in which every scalar is text and every value knows its line; JSON is YAML too.

Guarantees: no tag constructs anything, a duplicate key is an error, and depth and number of values are bounded before
anything is built. No repr and no error text holds a value: it may be a secret.
Leaves to its caller: which keys there are, and the size of the text.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import yaml

from smartcard_dm.errors import DmError
from smartcard_dm.server.markup import STRUCTURE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

MAX_DEPTH: Final = 64
"""Levels of nesting: a command needs five, a TNDS node two for each of its segments."""
MAX_NODES: Final = 200_000
"""Values after aliases are followed, so that a few aliases cannot stand for millions of values."""

_TEXT_TAG: Final = "tag:yaml.org,2002:str"
_PLAIN_TAGS: Final = frozenset({_TEXT_TAG, "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"})
_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[([0-9]+)\]")


@dataclass(frozen=True, slots=True)
class YamlNode:
    """A value of the document: text, a list, or a mapping."""

    path: str
    """The way from the root, such as `commands[3].add`; empty for the root."""
    line: int
    """Line of the source, from 1."""
    value: str | tuple[YamlNode, ...] | dict[str, YamlNode] = field(repr=False)

    @property
    def place(self) -> str:
        """Line and path, as errors name them."""
        return f"line {self.line}, {self.path}" if self.path else f"line {self.line}"

    def fault(self, detail: str, *, wanted: str | None = None, found: str | None = None) -> DmError:
        """Make the error that names this place."""
        return DmError(STRUCTURE, detail, place=self.place, wanted=wanted, found=found)

    def text(self) -> str:
        """Return the text; a list or a mapping is an error."""
        if isinstance(self.value, str):
            return self.value
        raise self.fault("not text", wanted="text", found=self._kind())

    def entries(self) -> tuple[YamlNode, ...]:
        """Return the values of the list; anything else is an error."""
        if isinstance(self.value, tuple):
            return self.value
        raise self.fault("not a list", wanted="a list", found=self._kind())

    def one_or_more(self) -> tuple[YamlNode, ...]:
        """Return the values of the list, or the one value that stands in its place."""
        return self.value if isinstance(self.value, tuple) else (self,)

    def mapping(self) -> Mapping[str, YamlNode]:
        """Return the mapping; anything else is an error."""
        if isinstance(self.value, dict):
            return self.value
        raise self.fault("not a mapping", wanted="a mapping", found=self._kind())

    def fields(self, allowed: Collection[str], *, required: Collection[str] = ()) -> Mapping[str, YamlNode]:
        """Return a mapping that has all required keys and no unknown one."""
        found = self.mapping()
        for key, node in found.items():
            if key not in allowed:
                raise node.fault("unknown key", wanted=", ".join(allowed), found=repr(key[:40]))
        for key in required:
            if key not in found:
                raise self.fault("a key is missing", wanted=key)
        return found

    @property
    def is_mapping(self) -> bool:
        """Whether this is a mapping."""
        return isinstance(self.value, dict)

    @property
    def is_text(self) -> bool:
        """Whether this is text."""
        return isinstance(self.value, str)

    def plain(self) -> object:
        """Return the value as text, lists and dictionaries."""
        if isinstance(self.value, str):
            return self.value
        if isinstance(self.value, tuple):
            return [node.plain() for node in self.value]
        return {key: node.plain() for key, node in self.value.items()}

    @contextmanager
    def located(self) -> Iterator[None]:
        """Give the errors of a reader of `plain()`, whose places begin with `path`, the line of what they name."""
        try:
            yield
        except DmError as error:
            if error.place is None or not error.place.startswith(self.path):
                raise
            line = self._line_of(error.place.removeprefix(self.path))
            place = f"line {line}, {error.place}"
            raise DmError(STRUCTURE, error.detail, place=place, wanted=error.wanted, found=error.found) from None

    def _line_of(self, steps: str) -> int:
        found = self
        for key, index in _STEP.findall(steps):
            value = found.value
            if isinstance(value, dict) and key in value:
                found = value[key]
            elif isinstance(value, tuple) and index and int(index) < len(value):
                found = value[int(index)]
            else:
                break
        return found.line

    def _kind(self) -> str:
        return {str: "text", tuple: "a list", dict: "a mapping"}[type(self.value)]


def parse_yaml(source: bytes) -> YamlNode:
    """Return the one document of a YAML text.

    Raises:
        DmError: not YAML, too deep, too many values, a duplicate key, a tag, or a key that is not text.
    """
    try:
        root = _compose(source)
    except yaml.MarkedYAMLError as error:
        # Only the bare problem: the full text of the error quotes the source, where secrets may be.
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise DmError(STRUCTURE, f"not YAML: {error.problem}", place=f"line {line}") from None
    except (yaml.YAMLError, ValueError, OverflowError):
        raise DmError(STRUCTURE, "not YAML: a character that may not stand there") from None
    if root is None:
        raise DmError(STRUCTURE, "there is nothing in it", wanted="XML, or YAML with commands")
    return _Builder().build(root, "", 0)


class _Loader(yaml.BaseLoader):
    """A loader that stops at a bounded depth, since composing is recursive."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            place = f"line {self.get_mark().line + 1}"
            raise DmError(STRUCTURE, "too many levels of nesting", place=place, wanted=f"at most {MAX_DEPTH}")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _compose(source: bytes) -> yaml.Node | None:
    loader = _Loader(source)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


class _Builder:
    """Turns YAML nodes into `YamlNode`, following aliases and counting."""

    def __init__(self) -> None:
        self._count = 0

    def build(self, source: yaml.Node, path: str, depth: int) -> YamlNode:
        here = YamlNode(path, source.start_mark.line + 1, "")
        self._count += 1
        if self._count > MAX_NODES:
            raise here.fault("too many values, aliases followed", wanted=f"at most {MAX_NODES}")
        if depth > MAX_DEPTH:  # an alias to what it stands in
            raise here.fault("too many levels of nesting", wanted=f"at most {MAX_DEPTH}")
        if source.tag not in _PLAIN_TAGS:
            raise here.fault("a tag is not allowed", found=repr(source.tag[:40]))
        if isinstance(source, yaml.MappingNode):
            return YamlNode(path, here.line, self._mapping(source, here, depth))
        if isinstance(source, yaml.SequenceNode):
            entries = tuple(self.build(node, f"{path}[{i}]", depth + 1) for i, node in enumerate(source.value))
            return YamlNode(path, here.line, entries)
        return YamlNode(path, here.line, str(source.value))

    def _mapping(self, source: yaml.MappingNode, here: YamlNode, depth: int) -> dict[str, YamlNode]:
        result: dict[str, YamlNode] = {}
        for key_node, value_node in source.value:
            there = YamlNode(here.path, key_node.start_mark.line + 1, "")
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag != _TEXT_TAG:
                raise there.fault("a key is text")
            key = str(key_node.value)
            if key in result:
                raise there.fault("a key stands twice", found=f"{key[:40]!r}, first on line {result[key].line}")
            result[key] = self.build(value_node, f"{here.path}.{key}" if here.path else key, depth + 1)
        return result
