"""The nodes of the tree, as rows: finding, adding, changing, removing, and what they were before.

Guarantees: every change is noted with what the node was at the beginning, so that a difference can be told at the end
(`touched`); a line of ancestors is one query; nothing here asks who may do it.
Leaves to its caller: transactions, access rights, and whether a change makes sense.

Spec: OMA-TS-DM_TND-V1_2_1, 5 to 7.
"""

from __future__ import annotations

import json
from functools import cache
from types import NoneType
from typing import TYPE_CHECKING, Final, NamedTuple

from smartcard_dm.dm import NodeFormat, NodeUri
from smartcard_dm.dm.uri import segment_fault

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smartcard_dm.tree.database import Database

_SELECT: Final = "SELECT path, format, value, acl, title, tstamp, type, verno FROM node"
_CHUNK: Final = 500
"""Paths asked for in one query; SQLite allows 999 values in its oldest releases."""
_VERNO_MASK: Final = 0xFFFF
_NODE: Final = NodeFormat.NODE.value
_VALUES: Final[dict[object, type]] = {
    each.value: bytes if each.is_binary else NoneType if each in {NodeFormat.NODE, NodeFormat.NULL} else str
    for each in NodeFormat
}
"""What the value of each Format is."""
_SHAPES: Final = frozenset(
    (str, str, value, str, title, tstamp, str, int)
    for value in _VALUES.values()
    for title in (str, NoneType)
    for tstamp in (str, NoneType)
)
"""The types of the columns."""


class NodeRow(NamedTuple):
    """One node as it is stored."""

    path: str
    """Names joined by `/`; empty for the root."""
    format: str
    value: str | bytes | None = None
    acl: str = ""
    """Canonical text; empty when the node inherits."""
    title: str | None = None
    tstamp: str | None = None
    type: str = ""
    verno: int = 0

    def __repr__(self) -> str:
        return f"NodeRow({self.path!r}, {self.format}, acl={self.acl!r}, type={self.type!r})"  # the value may be secret

    @property
    def is_interior(self) -> bool:
        """Whether the node may have children."""
        return self.format == _NODE

    @property
    def name(self) -> str:
        """The last name of the path; empty for the root."""
        return self.path.rpartition("/")[2]

    @property
    def size(self) -> int | None:
        """Octets of a leaf's value; None for an interior node."""
        if self.is_interior:
            return None
        return len(self.value.encode() if isinstance(self.value, str) else self.value or b"")


class Lineage(NamedTuple):
    """A place in the tree: the nodes from the root towards it, as far as they are there."""

    uri: NodeUri
    rows: tuple[NodeRow, ...]
    """From the root down, without a gap; at least the root."""

    @property
    def node(self) -> NodeRow | None:
        """The node itself; None when it is not there."""
        return self.rows[-1] if len(self.rows) == len(self.uri.segments) + 1 else None

    @property
    def nearest(self) -> NodeRow:
        """The node, or the nearest ancestor that is there."""
        return self.rows[-1]

    @property
    def missing(self) -> tuple[str, ...]:
        """The names from the nearest node on down to the place itself."""
        return self.uri.segments[len(self.rows) - 1 :]

    def above(self) -> Lineage:
        """Return the line of the parent."""
        return Lineage(self.uri.parent, self.rows[: len(self.uri.segments)])


def path_of(uri: NodeUri) -> str:
    """Return the path under which a node is stored."""
    return "/".join(uri.segments)


def uri_of(path: str) -> str:
    """Return the URI of a stored node as reports print it."""
    return f"./{path}" if path else "."


def parent_of(path: str) -> str | None:
    """Return the path of the node above; None for the root."""
    return path.rpartition("/")[0] if path else None


class Nodes:
    """The nodes of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.touched: dict[str, NodeRow | None] = {}
        """What each node that was changed was before, None for one that was not there; in order of the first change."""

    def begin(self) -> None:
        """Forget what was noted of earlier changes."""
        self.touched = {}

    def line(self, uri: NodeUri) -> Lineage:
        """Return a place with the nodes that are there on the way to it."""
        segments = uri.segments
        paths = ["/".join(segments[:length]) for length in range(len(segments) + 1)]
        rows: dict[str, NodeRow] = {}
        for start in range(0, len(paths), _CHUNK):
            chunk = paths[start : start + _CHUNK]
            rows |= {row.path: row for row in self._query(_by_paths(len(chunk)), chunk)}
        if "" not in rows:
            raise self._database.damaged("node")
        found: list[NodeRow] = []
        for path in paths:
            if path not in rows:
                break
            found.append(rows[path])
        return Lineage(uri, tuple(found))

    def get(self, path: str) -> NodeRow | None:
        """Return one node; None when it is not there."""
        return next(iter(self._query(_by_paths(1), (path,))), None)

    def several(self, paths: Iterable[str]) -> dict[str, NodeRow]:
        """Return those of these nodes that are there."""
        where = "path IN (SELECT value FROM json_each(?))"  # one query, however many they are
        rows = self._query(f"WHERE {where}", (json.dumps(list(paths)),))
        return {row.path: row for row in rows}

    def children(self, path: str) -> list[NodeRow]:
        """Return the nodes directly below, in the order in which they were added."""
        return self._query("WHERE parent = ? ORDER BY id", (path,))

    def below(self, path: str) -> list[NodeRow]:
        """Return a node and all below it, in the order in which they were added; no node comes before its parent.

        Raises:
            TreeFormatError: the node, which somebody found, is not there, or one below it has no parent.
        """
        if path:
            where = "path = ? OR (path > ? AND path < ?)"
            rows = self._query(f"WHERE {where} ORDER BY id", (path, f"{path}/", f"{path}0"))
        else:
            rows = self._query("ORDER BY id")
        known = {parent_of(path)}
        for row in rows:
            if parent_of(row.path) not in known:
                raise self._database.damaged("node")
            known.add(row.path)
        if not rows:
            raise self._database.damaged("node")
        return rows

    def objects(self, identifiers: Iterable[str]) -> list[NodeRow]:
        """Return the nodes at which objects with these identifiers begin, in the order in which they were added."""
        wanted = sorted(identifiers)
        marks = ",".join("?" * len(wanted))
        where = f"format = 'node' AND type <> '' AND type IN ({marks})"
        return self._query(f"WHERE {where} ORDER BY id", wanted)

    def with_acl(self) -> list[NodeRow]:
        """Return the nodes that have an ACL of their own."""
        return self._query("WHERE acl <> '' ORDER BY id")

    def server_ids(self, value: str) -> list[NodeRow]:
        """Return the leaves called ServerID that have this value, wherever they are; an index finds them."""
        where = "path GLOB '*/ServerID' AND value = ?"
        return self._query(f"WHERE {where} ORDER BY id", (value,))

    def count(self) -> int:
        """Return how many nodes there are, the root included."""
        ((count,),) = self._database.rows("SELECT count(*) FROM node")
        assert isinstance(count, int)  # noqa: S101 - what count() gives
        return count

    def add(self, rows: Iterable[NodeRow]) -> None:
        """Add nodes, parents before children; none of them is there yet."""
        new = list(rows)
        for row in new:
            self.touched.setdefault(row.path, None)
        marks = (
            "INSERT INTO node (path, format, value, acl, title, tstamp, type, verno, parent) VALUES (?,?,?,?,?,?,?,?,?)"
        )
        self._database.execute_many(marks, ((*row, parent_of(row.path)) for row in new))

    def change(self, before: NodeRow, after: NodeRow, tstamp: str) -> NodeRow:
        """Change a node in its place; its time stamp and version number follow."""
        self.touched.setdefault(before.path, before)
        stored = after._replace(tstamp=tstamp, verno=(before.verno + 1) & _VERNO_MASK)
        self._database.execute(
            "UPDATE node SET format = ?, value = ?, acl = ?, title = ?, tstamp = ?, type = ?, verno = ? WHERE path = ?",
            (*stored[1:], stored.path),
        )
        return stored

    def remove(self, path: str) -> list[NodeRow]:
        """Remove a node and all below it; return what was removed."""
        gone = self.below(path)
        for row in gone:
            self.touched.setdefault(row.path, row)
        self._database.execute(
            "DELETE FROM node WHERE path = ? OR (path > ? AND path < ?)", (path, f"{path}/", f"{path}0")
        )
        return gone

    def rename(self, path: str, name: str) -> str:
        """Give a node another name; return its new path. No sibling has the name."""
        above = parent_of(path)
        new = f"{above}/{name}" if above else name
        moved = self.below(path)
        for row in moved:
            self.touched.setdefault(row.path, row)
        for row in moved:
            self.touched.setdefault(new + row.path[len(path) :], None)
        start = len(path) + 1
        # Octets and characters differ: substr counts characters, as len does.
        self._database.execute(
            "UPDATE node SET path = ? || substr(path, ?), parent = CASE WHEN path = ? THEN parent "
            "ELSE ? || substr(parent, ?) END WHERE path = ? OR (path > ? AND path < ?)",
            (new, start, path, new, start, path, f"{path}/", f"{path}0"),
        )
        return new

    def _query(self, which: str, values: Iterable[object] = ()) -> list[NodeRow]:
        rows = self._database.rows(f"{_SELECT} {which}", tuple(values))
        if not all(map(_is_sound, rows)):
            raise self._database.damaged("node")
        return list(map(NodeRow._make, rows))


def _is_sound(row: tuple[object, ...]) -> bool:
    """Whether this program may have written a row; its ACL is looked at where it is read."""
    if tuple(map(type, row)) not in _SHAPES or type(row[2]) is not _VALUES.get(row[1]):
        return False
    path = row[0]
    return not path or segment_fault(str(path).rpartition("/")[2]) is None


@cache
def _by_paths(count: int) -> str:
    return f"WHERE path IN ({','.join('?' * count)})"
