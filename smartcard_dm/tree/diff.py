"""What changed between the beginning of a message and its end, node by node.

Guarantees: net effects only: what was added and removed again is not told; a renamed branch is told once; a value that
is a secret is told to have changed, never what it is. Leaves to its caller: printing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from smartcard_dm.tree.described import types_of
from smartcard_dm.tree.nodes import NodeRow, parent_of, uri_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from smartcard_dm.tree.described import Descriptions
    from smartcard_dm.tree.nodes import Nodes

MASK: Final = "(secret)"
"""What stands for a value that is not shown."""
_SECRET_NAMES: Final = ("secret", "password", "passwd", "passphrase", "pwd", "pin")


class ChangeKind(Enum):
    """What happened to a node."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    RENAMED = "renamed"


@dataclass(frozen=True, slots=True)
class NodeState:
    """What a difference tells of a node at one moment."""

    format: str
    value: str | bytes | None
    """`MASK` in the place of a secret; None for an interior node."""
    secret: bool
    acl: str
    type: str
    title: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """One node that is not as it was."""

    kind: ChangeKind
    uri: str
    before: NodeState | None
    """None for a node that is new."""
    after: NodeState | None
    """None for a node that is gone."""
    old_uri: str | None = None
    """For a renamed node, where it was."""


class Secrets:
    """Tells which leaves hold secrets: those nobody may Get, those described or called so, those nothing describes.

    The last are leaves in an object that has no such node: nobody said that they may be shown.
    """

    def __init__(self, nodes: Nodes, descriptions: Descriptions) -> None:
        self._nodes = nodes
        self._descriptions = descriptions
        self._types: dict[str, str] = {}
        self._lines: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
        """Names and Types on the way to a node that has leaves."""
        self._known: dict[str, bool] = {}

    def afresh(self) -> Secrets:
        """Return one that has learned nothing yet."""
        return Secrets(self._nodes, self._descriptions)

    def learn(self, rows: Iterable[NodeRow]) -> None:
        """Take in nodes that need not be asked for again."""
        for row in rows:
            self._types[row.path] = row.type if row.is_interior else ""

    def is_secret(self, row: NodeRow) -> bool:
        """Whether a node's value is never shown."""
        if row.is_interior or not row.path:
            return False
        found = self._known.get(row.path)
        if found is None:
            found = self._known[row.path] = self._find_out(row.path)
        return found

    def _find_out(self, path: str) -> bool:
        above, _, name = path.rpartition("/")
        names, types = self._line(above)
        known = self._descriptions.of((*names, name), (*types, ""))
        if known is None:
            return True
        return known.description.secret or name.lower().endswith(_SECRET_NAMES)

    def _line(self, path: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        if path not in self._lines:
            names = path.split("/") if path else []
            types = [self._type("/".join(names[:length])) for length in range(len(names) + 1)]
            self._lines[path] = (tuple(names), tuple(types))
        return self._lines[path]

    def _type(self, path: str) -> str:
        if path not in self._types:
            row = self._nodes.get(path)
            self._types[path] = types_of([row])[0] if row is not None else ""
        return self._types[path]


def difference(
    nodes: Nodes,
    before: Mapping[str, NodeRow | None],
    moves: Iterable[tuple[str, str | None]],
    secrets: Secrets,
) -> list[Change]:
    """Return what changed, in the order in which nodes were first touched, those that went first.

    Args:
        nodes: the tree as it is now.
        before: every node that was touched, as it was, None for one that was not there.
        moves: nodes that got another name, path before and after, and nodes that went, None after; in order.
        secrets: tells which values are not shown.
    """
    after = nodes.several(before)
    judges = secrets.afresh(), secrets.afresh()  # a node may have been of another kind before
    judges[0].learn(row for row in before.values() if row is not None)
    judges[1].learn(after.values())
    moved = _moves(before, after, moves)
    told = set(moved.values())
    changes: list[Change] = []
    for path, old in before.items():
        new = after.get(path)
        if path in moved:
            changes += _moved(path, moved, before, after, judges)
        elif path in told and old is not None:
            changes.append(_change(path, old, None, judges))  # another node has its place now
        elif path not in told and _state_differs(old, new):
            changes.append(_change(path, old, new, judges))
    return sorted(changes, key=lambda change: change.kind is not ChangeKind.REMOVED)


def _moves(
    before: Mapping[str, NodeRow | None], after: Mapping[str, NodeRow], moves: Iterable[tuple[str, str | None]]
) -> dict[str, str]:
    """Return every node that stands elsewhere now: its path before, its path now."""
    places: dict[str, str | None] = {path: path for path, row in before.items() if row is not None}
    steps = list(moves)
    if all(new is None for _, new in steps):
        return {}
    for old, new in steps:
        for path, place in places.items():
            if place is not None and (place == old or place.startswith(f"{old}/")):
                places[path] = None if new is None else new + place[len(old) :]
    return {
        path: place
        for path, place in places.items()
        if place is not None and place != path and path not in after and place in after
    }


def _moved(
    path: str,
    moved: Mapping[str, str],
    before: Mapping[str, NodeRow | None],
    after: Mapping[str, NodeRow],
    judges: tuple[Secrets, Secrets],
) -> list[Change]:
    old, new = before[path], after[moved[path]]
    if parent_of(path) in moved and not _state_differs(old, new._replace(path=path)):
        return []  # it went along with its parent
    change = _change(moved[path], old, new, judges)
    return [Change(ChangeKind.RENAMED, change.uri, change.before, change.after, uri_of(path))]


def _state_differs(old: NodeRow | None, new: NodeRow | None) -> bool:
    """Whether two rows differ in more than time stamp and version number."""
    if old is None or new is None:
        return old is not new
    return old._replace(tstamp=None, verno=0) != new._replace(tstamp=None, verno=0)


def _change(path: str, old: NodeRow | None, new: NodeRow | None, judges: tuple[Secrets, Secrets]) -> Change:
    kind = ChangeKind.ADDED if old is None else ChangeKind.REMOVED if new is None else ChangeKind.CHANGED
    pairs = zip((old, new), judges, strict=True)
    secret = any(row is not None and judge.is_secret(row) for row, judge in pairs)  # a secret stays one when renamed
    return Change(kind, uri_of(path), _state(old, secret=secret), _state(new, secret=secret))


def _state(row: NodeRow | None, *, secret: bool) -> NodeState | None:
    if row is None:
        return None
    secret = secret and not row.is_interior
    return NodeState(row.format, MASK if secret else row.value, secret, row.acl, row.type, row.title)
