"""Addresses in the management tree.

Guarantees: a `NodeUri` is always well-formed and within the bounds it was parsed under; two equal ones address one
node where names are case-sensitive. Leaves to its caller: whether the node exists.
Spec: OMA-TS-DM_TND-V1_2_1, 5 (URI), 7.3 (property addressing).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from smartcard_dm.errors import DmError, LimitExceededError, UnsupportedError
from smartcard_dm.limits import DEFAULT_LIMITS, Limits

_STRUCTURE: Final = "node URI"
_PLAIN: Final = re.compile(r"[^\x00-\x1f\x7f/?\ud800-\udfff]+")
"""A name without anything that a segment cannot have; `.` and `..` are left to be looked at."""


def segment_fault(name: str) -> str | None:
    """Say what is wrong with a node name, or None when it can be a segment of a URI."""
    if not name:
        return "a segment is empty"
    if name in {".", ".."}:
        return "'.' and '..' are no node names"
    if _PLAIN.fullmatch(name) is not None:
        return None
    if "/" in name or "?" in name:
        return "a node name has no '/' and no '?'"
    return "a node name has no control characters"


@dataclass(frozen=True, slots=True)
class NodeUri:
    """The address of one node, relative to the root `.`; the root has no segments.

    Raises:
        ValueError: a segment cannot be a node name.
    """

    segments: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for segment in self.segments:
            fault = segment_fault(segment)
            if fault is not None:
                raise ValueError(f"node URI: {fault}")

    @classmethod
    def parse(cls, text: str, *, limits: Limits = DEFAULT_LIMITS, place: str | None = None) -> NodeUri:
        """Read `.`, `./a/b` or `a/b`.

        Raises:
            DmError: empty, absolute, with `..`, an empty segment, a trailing `/`, a query or control characters.
            LimitExceededError: longer than `node_uri_octets` or `node_uri_segments`.
        """
        size = len(text.encode("utf-8", "surrogatepass"))
        if size > limits.node_uri_octets:
            found = f"{size} octets"
            raise LimitExceededError(_STRUCTURE, "node_uri_octets", limits.node_uri_octets, place=place, found=found)
        if text == ".":
            return cls()
        segments = tuple(text.removeprefix("./").split("/"))
        if len(segments) > limits.node_uri_segments:
            found = f"{len(segments)} segments"
            maximum = limits.node_uri_segments
            raise LimitExceededError(_STRUCTURE, "node_uri_segments", maximum, place=place, found=found)
        for segment in segments:
            fault = segment_fault(segment)
            if fault is not None:
                raise DmError(_STRUCTURE, fault, place=place, wanted="a URI such as './a/b'", found=repr(text[:80]))
        return cls(segments)

    @property
    def is_root(self) -> bool:
        """Whether this is the root `.`."""
        return not self.segments

    @property
    def name(self) -> str:
        """The last segment; empty for the root."""
        return self.segments[-1] if self.segments else ""

    @property
    def parent(self) -> NodeUri:
        """The node above.

        Raises:
            ValueError: the root has none.
        """
        if not self.segments:
            raise ValueError("the root has no parent")
        return NodeUri(self.segments[:-1])

    def child(self, name: str) -> NodeUri:
        """Return the address of a child.

        Raises:
            ValueError: `name` cannot be a node name.
        """
        return NodeUri((*self.segments, name))

    def join(self, relative: NodeUri) -> NodeUri:
        """Return the address that `relative` has when it is seen from here."""
        return NodeUri(self.segments + relative.segments)

    def is_below(self, other: NodeUri) -> bool:
        """Whether this node is a descendant of `other`; no node is below itself."""
        depth = len(other.segments)
        return len(self.segments) > depth and self.segments[:depth] == other.segments

    def __str__(self) -> str:
        return "/".join((".", *self.segments))


@dataclass(frozen=True, slots=True)
class PropertyUri:
    """The address of one property of one node, such as `./a?prop=ACL`; the property may be an unknown one."""

    node: NodeUri
    property: str

    def __str__(self) -> str:
        return f"{self.node}?prop={self.property}"


def parse_target(text: str, *, limits: Limits = DEFAULT_LIMITS, place: str | None = None) -> NodeUri | PropertyUri:
    """Read the target of a command: a node, or with `?prop=` a property of it.

    Raises:
        DmError: the URI or its query is malformed.
        LimitExceededError: the URI is too long or too deep.
        UnsupportedError: the query is `?list=`, which is of no use without a response.
    """
    address, mark, query = text.partition("?")
    node = NodeUri.parse(address, limits=limits, place=place)
    if not mark:
        return node
    key, _, value = query.partition("=")
    if key == "list":
        raise UnsupportedError("URI query ?list", f"{_STRUCTURE} at {place}" if place else "")
    if key != "prop" or not (value.isascii() and value.isalnum()):
        raise DmError(_STRUCTURE, "the query is malformed", place=place, wanted="?prop=NAME", found=repr(query[:40]))
    return PropertyUri(node, value)


INBOX_URI: Final = NodeUri(("Inbox",))
"""The reserved place for objects whose final place the device chooses."""
