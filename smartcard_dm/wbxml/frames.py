"""Where a reader stands in a SyncML or DDF document: open elements, code page, formats heard so far.

Guarantees: frames and states never change once made, so what follows from one of them is a pure function and may
be remembered; the memory that remembering takes is bounded by a `Shelf`, after which values are made and dropped.
Both directions use this module, so the decoder and the encoder agree on which content is binary.
"""

from __future__ import annotations

from enum import IntEnum
from threading import Lock

from smartcard_dm.wbxml.tokens import DDF_NAMESPACE, METINF_NAMESPACE, SYNCML_NAMESPACE

_BIN = b"bin"
_OTHER = b"\0"
_FORMAT = 8
"""Octets of the longest text that is worth remembering where a format is told."""
_BINARY_FORMATS = frozenset({b"bin", b"b64"})


class Role(IntEnum):
    """What an open element means for the format of content."""

    DOCUMENT = 0
    """No element is open yet."""
    CLOSED = 1
    """The root element has ended."""
    PLAIN = 2
    ITEM = 3
    NODE = 4
    DATA = 5
    VALUE = 6
    META = 7
    """`Meta`: carries the format of its parent (RepPro) to the element it stands in."""
    RTPROPERTIES = 8
    """`RTProperties`: carries the format of its `Node`."""
    FORMAT = 9
    """`Format` of MetInf in `Meta`: its text is the format."""
    DDF_FORMAT = 10
    """`Format` in `RTProperties`: its child element is the format."""
    METINF = 11
    """`MetInf` directly in `Meta`: a wrapper that MetInf allows around what Meta holds."""


_ROLES = {
    (SYNCML_NAMESPACE, b"Item"): Role.ITEM,
    (SYNCML_NAMESPACE, b"Data"): Role.DATA,
    (SYNCML_NAMESPACE, b"Meta"): Role.META,
    (METINF_NAMESPACE, b"MetInf"): Role.METINF,
    (METINF_NAMESPACE, b"Format"): Role.FORMAT,
    (DDF_NAMESPACE, b"Node"): Role.NODE,
    (DDF_NAMESPACE, b"Value"): Role.VALUE,
    (DDF_NAMESPACE, b"RTProperties"): Role.RTPROPERTIES,
    (DDF_NAMESPACE, b"Format"): Role.DDF_FORMAT,
}
_PARENTS = {
    Role.METINF: {Role.META},
    Role.FORMAT: {Role.META, Role.METINF},
    Role.DDF_FORMAT: {Role.RTPROPERTIES},
    Role.RTPROPERTIES: {Role.NODE},
    Role.VALUE: {Role.NODE},
}
_CARRIERS = frozenset({Role.META, Role.METINF, Role.RTPROPERTIES})


def _role(parent: Role, namespace: bytes, name: bytes) -> Role:
    role = _ROLES.get((namespace, name), Role.PLAIN)
    wanted = _PARENTS.get(role)
    fits = parent in wanted if wanted is not None else parent < Role.META
    return role if fits else Role.PLAIN


class Shelf:
    """A bound on what one tree of frames may remember, in octets."""

    __slots__ = ("left",)

    ENTRY = 400
    """Octets one remembered entry costs besides its strings, rounded up."""

    def __init__(self, octets: int) -> None:
        self.left = octets

    def take(self, octets: int) -> bool:
        """Reserve room for an entry with so many octets of strings; False when the shelf is full."""
        if self.left <= 0:
            return False
        self.left -= octets + self.ENTRY
        return True


class Frame:
    """One open element in its place, with the format that its parts have told so far."""

    __slots__ = (
        "_changed",
        "_states",
        "children",
        "depth",
        "literal_namespace",
        "name",
        "namespace",
        "note",
        "parent",
        "role",
        "shelf",
    )

    def __init__(
        self, parent: Frame | None, name: bytes, namespace: bytes, literal: bytes, role: Role, shelf: Shelf
    ) -> None:
        self.parent = parent
        self.name = name
        self.namespace = namespace
        self.literal_namespace = literal
        """Namespace of the nearest literal element from here upwards; empty where there is none."""
        self.role = role
        self.shelf = shelf
        self.depth: int = 0 if parent is None else parent.depth + 1
        self.note: bytes | None = b"" if role is Role.FORMAT else None
        """What is known of the format: text heard so far (FORMAT), else bin, other, or nothing yet."""
        self.children: dict[tuple[bytes, bytes, bytes], Frame] = {}
        self._changed: dict[bytes, Frame] = {}
        self._states: dict[tuple[int, bool], State] = {}

    def state(self, page: int, *, pending: bool = False) -> State:
        """Return the state of standing in this frame on a code page; `pending` after a SWITCH_PAGE."""
        found = self._states.get((page, pending))
        if found is None:
            found = State(self, page, pending=pending)
            if self.shelf.take(0):
                found = self._states.setdefault((page, pending), found)
        return found

    def open(self, name: bytes, namespace: bytes, literal: bytes) -> Frame:
        """Return the frame of a child element; `literal` is its `literal_namespace`."""
        parent = self
        if self.role is Role.FORMAT:
            parent = self.noted(_OTHER)
        elif self.role is Role.DDF_FORMAT:
            parent = self.noted(_BIN if namespace == DDF_NAMESPACE and name in _BINARY_FORMATS else _OTHER)
        key = (name, namespace, literal)
        found = parent.children.get(key)
        if found is None:
            found = Frame(parent, name, namespace, literal, _role(parent.role, namespace, name), self.shelf)
            if self.shelf.take(len(name) + len(namespace) + len(literal)):
                found = parent.children.setdefault(key, found)
        return found

    def close(self) -> Frame:
        """Return the parent as it stands once this element has ended."""
        parent = self.parent
        if parent is None:
            raise AssertionError("no element is open")
        if self.role in {Role.FORMAT, Role.DDF_FORMAT}:
            return parent.noted(_BIN if self.note == _BIN else _OTHER)
        if self.role in _CARRIERS and self.note is not None:
            return parent.noted(self.note)
        if parent.role is Role.DOCUMENT:
            return parent.turned(Role.CLOSED)
        return parent

    def hear(self, text: bytes) -> Frame:
        """Return this frame once a piece of its text was read."""
        if self.role is not Role.FORMAT or self.note is None:
            return self
        heard = self.note + text
        return self.noted(heard if _BIN.startswith(heard) else _OTHER)

    @property
    def binary(self) -> bool:
        """Whether content here is octets, shown as base64.

        `Data`: the Meta/Format of the element it stands in, else, inside an Item, that of the command, is `bin`.
        `Value` of a TNDS node: the Format of its own node's RTProperties is `bin` or `b64`.
        """
        owner = self.parent
        if owner is None or self.role not in {Role.DATA, Role.VALUE}:
            return False
        if owner.note is None and owner.role is Role.ITEM and owner.parent is not None:
            owner = owner.parent
        return owner.note == _BIN

    def path(self) -> str:
        """Return the path of the open elements, as errors show it."""
        names: list[bytes] = []
        frame: Frame | None = self
        while frame is not None and frame.depth:
            names.append(frame.name)
            frame = frame.parent
        return "/" + "/".join(name.decode() for name in reversed(names))

    def noted(self, note: bytes) -> Frame:
        """Return this frame with another note."""
        if note == self.note:
            return self
        found = self._changed.get(note)
        if found is None:
            found = self._copy(self.role)
            found.note = note
            if self.shelf.take(0):
                found = self._changed.setdefault(note, found)
        return found

    def turned(self, role: Role) -> Frame:
        """Return this frame in another role."""
        found = self._copy(role)
        return self._changed.setdefault(b"", found) if self.shelf.take(0) else found

    def _copy(self, role: Role) -> Frame:
        return Frame(self.parent, self.name, self.namespace, self.literal_namespace, role, self.shelf)


class State:
    """A frame and the current code page: all that the meaning of the next octets depends on."""

    __slots__ = ("_heard", "binary", "frame", "literal_runs", "page", "pending", "runs", "special", "takes_text")

    def __init__(self, frame: Frame, page: int, *, pending: bool) -> None:
        self.frame = frame
        self.page = page
        self.pending = pending
        """A SWITCH_PAGE was read and the tag it is for was not."""
        self.takes_text = frame.role > Role.CLOSED and not pending
        self.binary = frame.binary
        self.special = self.binary or frame.role is Role.FORMAT
        """Text here is not only copied: it is binary, or says a format."""
        self._heard: dict[bytes, State] = {}
        self.runs: dict[bytes, tuple[bytes, State]] = {}
        """What is known to follow: a run of octets, what it turns into, the state behind it."""
        self.literal_runs: dict[tuple[bytes, bytes], tuple[bytes, State, bytes]] = {}
        """The same for runs that use the string table: run and table before it, and the table behind it as well."""

    def hear(self, text: bytes) -> State:
        """Return the state once a piece of text was read here."""
        found = self._heard.get(text)
        if found is None:
            frame = self.frame.hear(text)
            found = self if frame is self.frame else frame.state(self.page)
            if len(text) <= _FORMAT and frame.shelf.take(len(text)):
                self._heard[text] = found
        return found


class Memory:
    """Starts of documents by what they depend on, each with its own bounded shelf of remembered frames.

    A full shelf is dropped at the next document, and so is the oldest when there are too many: what earlier
    documents held can make a later one slower, never different.
    """

    def __init__(self, *, shelves: int, octets: int) -> None:
        self._shelves = shelves
        self._octets = octets
        self._starts: dict[tuple[object, ...], State] = {}
        self._lock = Lock()

    def start(self, *key: object) -> State:
        """Return the state before the first octet of a body that depends on `key`."""
        found = self._starts.get(key)
        if found is not None and found.frame.shelf.left > 0:
            return found
        found = Frame(None, b"", b"", b"", Role.DOCUMENT, Shelf(self._octets)).state(0)
        with self._lock:
            self._starts.pop(key, None)
            while len(self._starts) >= self._shelves:
                del self._starts[next(iter(self._starts))]
            self._starts[key] = found
        return found
