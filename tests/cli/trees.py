"""Trees for the command line: made, provisioned, and messages for them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from smartcard_dm.dm import ServerId
from smartcard_dm.server import Header, issue
from smartcard_dm.xmlsec import PrivateSigningKey
from tests.cli.running import CARD, KEYS, SERVER_ID, run, schema

if TYPE_CHECKING:
    from pathlib import Path

DEV_ID = "IMEI:490154203237518"


def new_tree(folder: Path, *options: str) -> Path:
    """Return the file of a tree without accounts."""
    path = folder / "t.db"
    assert run("tree", "init", path, "--dev-id", DEV_ID, *options).code == 0
    return path


def provisioned(folder: Path, card: str = CARD) -> Path:
    """Return the file of a tree that holds the accounts of the fixture's card."""
    path = new_tree(folder)
    assert run("tree", "sync", "--card", card, "--tree", path).code == 0
    return path


def message(folder: Path, commands: str, *options: str, name: str = "message", session_id: str | None = None) -> Path:
    """Return the file of a message of the fixture's server; `commands` is what stands in SyncBody.

    Without options the library makes it: the command `issue` refuses what a device has to refuse.
    """
    source, path = folder / f"{name}.xml", folder / f"{name}.wbxml"
    body = f"<SyncBody>{commands}</SyncBody>"
    if not options:
        signer = PrivateSigningKey.from_pem((KEYS / "dms-rsa.pem").read_bytes())
        header = Header(session_id, default_session_id=str(time.time_ns() // 1_000_000))
        path.write_bytes(issue(body.encode(), ServerId(SERVER_ID), signer, header=header))
        return path
    source.write_text(body)
    session = () if session_id is None else ("--session-id", session_id)
    key = ("--server-id", SERVER_ID, "--key", KEYS / "dms-rsa.pem")
    assert run("issue", source, *key, "-o", path, *session, *options).code == 0
    return path


def item(kind: str, target: str, data: str | None = None, *, format_: str = "chr", type_: str = "text/plain") -> str:
    """Return a command with one item."""
    meta = f"<Meta><Format>{format_}</Format><Type>{type_}</Type></Meta>" if data is not None else ""
    content = f"<Data>{data}</Data>" if data is not None else ""
    return f"<{kind}><Item><Target><LocURI>{target}</LocURI></Target>{meta}{content}</Item></{kind}>"


def shown(tree: Path, *arguments: str) -> list[dict[str, Any]]:
    """Return the nodes of a tree, by the form of `tree show`."""
    outcome = run("tree", "show", *arguments, "--tree", tree, "--json")
    schema("tree-show").validate(outcome.json)
    nodes: list[dict[str, Any]] = outcome.json["nodes"]
    return nodes


def value_of(tree: Path, uri: str) -> Any:  # noqa: ANN401 - what the form holds
    """Return the value of a node."""
    return run("tree", "get", uri, "--tree", tree, "--json").json["value"]


def audit(tree: Path, *arguments: str) -> list[dict[str, Any]]:
    """Return the rows of the audit."""
    outcome = run("tree", "audit", "--tree", tree, "--json", *arguments)
    schema("tree-audit").validate(outcome.json)
    rows: list[dict[str, Any]] = outcome.json["rows"]
    return rows
