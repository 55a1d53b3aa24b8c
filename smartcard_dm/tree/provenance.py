"""What in the tree came from a card: which object, from which card, as it was written there; and the card's anchors.

Guarantees: what a message renames is followed, what it removes is forgotten.
Leaves to its caller: transactions; which objects there should be (see `reconcile`).

Spec: OMA-TS-DM_Bootstrap-V1_2_1, 5.3.5.1 and 5.4.6 (objects of a card that left).
"""

from __future__ import annotations

from types import NoneType
from typing import TYPE_CHECKING, Final, NamedTuple

from smartcard_dm.dm import Origin
from smartcard_dm.errors import KeyMaterialError
from smartcard_dm.trust.anchors import AnchorKind, TrustAnchor

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smartcard_dm.tree.database import Database
    from smartcard_dm.tree.journal import Journal

_COLUMNS: Final = "card, key, path, digest, server_id, object, place, oid"
_TYPES: Final = (str, str, str, bytes, (str, NoneType), str, str, str)
_ANCHOR_TYPES: Final = (str, bytes, str, str, str, str)


class ProvidedRow(NamedTuple):
    """One object that came from a card."""

    card: str
    key: str
    """Tells it from the card's other objects, whatever it is called."""
    path: str
    """Where it is in the tree."""
    digest: bytes
    """SHA-256 of what the card holds of it."""
    server_id: str | None
    object: str
    place: str
    oid: str

    @property
    def origin(self) -> Origin:
        """Where on the card it was found."""
        return Origin(self.object, self.place, self.oid)


class Provenance:
    """The objects and anchors of one tree that came from cards."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rows(self) -> list[ProvidedRow]:
        """Return every object that came from a card, in the order of their keys."""
        sql = f"SELECT {_COLUMNS} FROM provided ORDER BY card, key"  # noqa: S608 - constants
        found = self._database.typed_rows("provided", _TYPES, sql)
        return [ProvidedRow(*row) for row in found]  # type: ignore[arg-type] # their types were looked at

    def origins(self) -> dict[str, Origin]:
        """Return, by path, where each object was found."""
        return {row.path: row.origin for row in self.rows()}

    def keep(self, row: ProvidedRow) -> None:
        """Note an object, in the place of an older note of it."""
        self._database.execute(f"INSERT OR REPLACE INTO provided ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?)", row)  # noqa: S608

    def forget(self, row: ProvidedRow) -> None:
        """Forget that an object came from a card."""
        self._database.execute("DELETE FROM provided WHERE card = ? AND key = ?", (row.card, row.key))

    def follow(self, journal: Journal) -> None:
        """Take in what a message renamed and removed."""
        for before, after in journal.moves:
            branch = (before, f"{before}/", f"{before}0")
            if after is None:
                self._database.execute("DELETE FROM provided WHERE path = ? OR (path > ? AND path < ?)", branch)
                continue
            self._database.execute(
                "UPDATE provided SET path = ? || substr(path, ?) WHERE path = ? OR (path > ? AND path < ?)",
                (after, len(before) + 1, *branch),
            )

    def anchors(self) -> tuple[TrustAnchor, ...]:
        """Return the trusted certificates and public keys that came from cards."""
        sql = "SELECT kind, der, label, object, place, oid FROM anchor ORDER BY card, position"
        found = self._database.typed_rows("anchor", _ANCHOR_TYPES, sql)
        try:
            return tuple(_anchor(*row) for row in found)  # type: ignore[arg-type] # same
        except (ValueError, KeyMaterialError) as error:  # ValueError: no kind of anchor
            raise self._database.damaged("anchor") from error

    def put_anchors(self, card: str, anchors: Iterable[TrustAnchor]) -> bool:
        """Make these the only anchors; tell whether that changed anything."""
        before = self._database.rows("SELECT card, position, kind, der, label, object, place, oid FROM anchor")
        after = [
            (card, at, each.kind.value, each.der, each.label, each.origin.object, each.origin.path, each.origin.oid)
            for at, each in enumerate(anchors)
        ]
        if sorted(before, key=str) == sorted(after, key=str):
            return False
        self._database.execute("DELETE FROM anchor")
        self._database.execute_many("INSERT INTO anchor VALUES (?,?,?,?,?,?,?,?)", after)
        return True


def _anchor(kind: str, der: bytes, label: str, object_: str, place: str, oid: str) -> TrustAnchor:
    origin = Origin(object_, place, oid)
    known = AnchorKind(kind)
    if known is AnchorKind.PUBLIC_KEY:
        return TrustAnchor.from_public_key(der, label=label, origin=origin)
    return TrustAnchor.from_certificate(der, label=label, authority=known is AnchorKind.AUTHORITY, origin=origin)
