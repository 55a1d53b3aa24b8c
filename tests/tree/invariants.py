"""What holds for every tree, whatever was sent to it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from smartcard_dm.dm import parse_acl
from smartcard_dm.limits import DEFAULT_LIMITS
from tests.tree.device import DEV_ID, value

if TYPE_CHECKING:
    from smartcard_dm.tree import DeviceTree
    from smartcard_dm.tree.nodes import NodeRow

TEXTS = {"chr", "xml", "int", "bool", "float", "date", "time"}
OCTETS = {"bin", "b64"}


def check_tree(tree: DeviceTree) -> None:
    """Fail when something does not hold that always holds."""
    rows = {row.path: row for row in tree.nodes.below("")}
    assert rows[""].acl, "the root has an ACL"
    for row in rows.values():
        _check_place(rows, row)
        _check_value(row)
        assert str(parse_acl(row.acl)) == row.acl
        assert row.title is None or len(row.title.encode()) <= 255
        assert 0 <= row.verno <= 0xFFFF
        assert row.tstamp is not None
        datetime.strptime(row.tstamp, "%Y%m%dT%H%M%SZ")  # noqa: DTZ007 - only its form is looked at
    _check_own_nodes(tree, rows)


def _check_place(rows: dict[str, NodeRow], row: NodeRow) -> None:
    if not row.path:
        return
    above, _, name = row.path.rpartition("/")
    assert rows[above].format == "node", f"{row.path} stands below an interior node"
    assert name not in {"", ".", ".."}
    assert not any(character < " " or character in "?\x7f" for character in name)
    assert row.path.count("/") < DEFAULT_LIMITS.node_uri_segments
    assert len(f"./{row.path}".encode()) <= DEFAULT_LIMITS.node_uri_octets


def _check_value(row: NodeRow) -> None:
    if row.format in TEXTS:
        assert isinstance(row.value, str)
    elif row.format in OCTETS:
        assert isinstance(row.value, bytes)
    else:
        assert row.format in {"node", "null"}
        assert row.value is None
    if row.format == "int":
        assert -(2**31) <= int(str(row.value)) < 2**31
    if row.format == "bool":
        assert row.value in {"true", "false"}
    if row.format == "float":
        float(str(row.value))


def _check_own_nodes(tree: DeviceTree, rows: dict[str, NodeRow]) -> None:
    """Hold what no server can change, and what is noted beside the nodes."""
    assert value(tree, "./DevInfo/DevId") == DEV_ID
    assert {"DevInfo", "DevDetail", "Inbox", "DMAcc", "NAP", "PX"} <= set(rows)
    assert not any(path.startswith("Inbox/") for path in rows)
    stored = tree._database.rows("SELECT path, parent FROM node")
    assert all(parent == (str(path).rpartition("/")[0] if path else None) for path, parent in stored)
    assert {row.path for row in tree.provenance.rows()} <= set(rows)
    server_ids = [account.server_id for account in tree.credentials().accounts]
    assert len(server_ids) == len(set(server_ids))
