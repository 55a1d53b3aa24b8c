"""The tables of a tree file.

A node is found by its path: its names joined by `/`, the root being the empty path. All below a node stand between
`path/` and `path0`, since `0` follows `/` in ASCII and paths are compared by octets: a sub-tree is one range.

Guarantees: constants only. `LAYOUT` grows with every change of a table, and `UPGRADES` says how an older one follows.
Spec: OMA-TS-DM_TND-V1_2_1, 7.7 (properties); design decisions D6 and D7.
"""

from __future__ import annotations

from typing import Final

APPLICATION_ID: Final = 0x53444D54
"""ASCII `SDMT`, in the header of the file."""
LAYOUT: Final = 2

NOT_APPLIED: Final = "action IN ('refuse', 'read')"
"""Rows of the audit that are about what was pushed and not applied: the only ones that are ever dropped."""

_REPLAY_COUNT: Final = """
    CREATE TABLE replay_count (
        server_id TEXT PRIMARY KEY,
        messages INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """
"""How many messages of each server are remembered: counting them would take longer with each that is."""

TABLES: Final = (
    # One row for each node. `value` is TEXT for text formats, BLOB for bin and b64, NULL for node and null.
    # `acl` is the canonical text; empty is "no value". `type` is a MIME type, or an object's identifier.
    """
    CREATE TABLE node (
        id INTEGER PRIMARY KEY,
        path TEXT NOT NULL UNIQUE,
        parent TEXT,
        format TEXT NOT NULL,
        value ANY,
        acl TEXT NOT NULL DEFAULT '',
        title TEXT,
        tstamp TEXT,
        type TEXT NOT NULL DEFAULT '',
        verno INTEGER NOT NULL DEFAULT 0
    ) STRICT
    """,
    "CREATE INDEX node_parent ON node (parent)",
    "CREATE INDEX node_object ON node (type) WHERE format = 'node' AND type <> ''",
    # No message may make a second account for one ServerID: each one that is written is looked for.
    "CREATE INDEX node_server_id ON node (value) WHERE path GLOB '*/ServerID'",
    # Device description files the tree was made with, as they were given.
    "CREATE TABLE description (id INTEGER PRIMARY KEY, xml BLOB NOT NULL) STRICT",
    # What came from a card: one row for each object in the tree, found again by its key on that card.
    """
    CREATE TABLE provided (
        card TEXT NOT NULL,
        key TEXT NOT NULL,
        path TEXT NOT NULL,
        digest BLOB NOT NULL,
        server_id TEXT,
        object TEXT NOT NULL,
        place TEXT NOT NULL,
        oid TEXT NOT NULL,
        PRIMARY KEY (card, key)
    ) STRICT
    """,
    # Trusted certificates and public keys of the card.
    """
    CREATE TABLE anchor (
        card TEXT NOT NULL,
        position INTEGER NOT NULL,
        kind TEXT NOT NULL,
        der BLOB NOT NULL,
        label TEXT NOT NULL,
        object TEXT NOT NULL,
        place TEXT NOT NULL,
        oid TEXT NOT NULL,
        PRIMARY KEY (card, position)
    ) STRICT
    """,
    # Every message that took effect, and the highest numbers of each server, which are never forgotten.
    """
    CREATE TABLE replay (
        server_id TEXT NOT NULL,
        digest BLOB NOT NULL,
        session_id TEXT NOT NULL,
        msg_id TEXT NOT NULL,
        at TEXT NOT NULL,
        PRIMARY KEY (server_id, digest)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX replay_age ON replay (server_id, at)",
    """
    CREATE TABLE replay_mark (
        server_id TEXT PRIMARY KEY,
        session_id INTEGER NOT NULL,
        msg_id INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    _REPLAY_COUNT,
    # What was done to the tree, by whom and when; JSON without secrets.
    """
    CREATE TABLE audit (
        id INTEGER PRIMARY KEY,
        at TEXT NOT NULL,
        action TEXT NOT NULL,
        subject TEXT NOT NULL,
        digest BLOB,
        session_id TEXT,
        msg_id TEXT,
        form TEXT NOT NULL
    ) STRICT
    """,
    # Finds the oldest of them; a tree without this index does the same, slower.
    f"CREATE INDEX audit_not_applied ON audit (id) WHERE {NOT_APPLIED}",
    # Counts the changes of accounts and anchors: a verifier made from an older count is made anew.
    "CREATE TABLE state (id INTEGER PRIMARY KEY CHECK (id = 1), credentials INTEGER NOT NULL) STRICT",
    "INSERT INTO state VALUES (1, 0)",
)

UPGRADES: Final = {
    1: (_REPLAY_COUNT, "INSERT INTO replay_count SELECT server_id, count(*) FROM replay GROUP BY server_id"),
}
"""What makes the next layout of one; a file is upgraded when it is opened, in one transaction."""
