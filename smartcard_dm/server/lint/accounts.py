"""Rules on the accounts that a message makes: afterwards each server still has exactly one.

Spec: OMA-TS-DM_Sessionless 5.5 (the ServerID matches only one DMAcc).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smartcard_dm.dm import CommandKind, NodeUri, TextData
from smartcard_dm.dm.namespaces import DMACC_VERSIONS
from smartcard_dm.server.lint.rules import LintRule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smartcard_dm.dm import TndsNode
    from smartcard_dm.server.lint.finding import Finding
    from smartcard_dm.server.lint.view import Entry, View

_SERVER_ID: Final = "ServerID"
_HOLDER: Final = "DMAcc"


def check_accounts(view: View) -> Iterator[Finding]:
    """Look at every account, whether it comes whole or node by node."""
    seen: dict[tuple[str, tuple[int, ...]], str] = {}
    for entry in view.entries:
        yield from _leaf(view, entry)
        for top in entry.placed():
            for placed in top.walk():
                server_id = _server_id(placed.node)
                if server_id is None:
                    continue
                uri = str(placed.uri)
                if server_id == str(view.server_id) and entry.kind is CommandKind.ADD:
                    detail = "a second account of the issuing server"
                    yield view.policy.finding(LintRule.OWN_ACCOUNT, entry.data_place, detail, uri)
                key = (server_id, DMACC_VERSIONS[placed.node.mo_id or ""])
                if key in seen:
                    detail = f"{seen[key]} has the same ServerID"
                    yield view.policy.finding(LintRule.ACCOUNT_TWICE, entry.data_place, detail, uri)
                seen.setdefault(key, uri)


def _server_id(node: TndsNode) -> str | None:
    """Return the ServerID of an account; None for any other node."""
    if node.mo_id not in DMACC_VERSIONS:
        return None
    found = next((child.value for child in node.children if child.name == _SERVER_ID), None)
    return found if isinstance(found, str) else None


def _leaf(view: View, entry: Entry) -> Iterator[Finding]:
    target, data = entry.target, entry.item.data
    if entry.kind is not CommandKind.ADD or not isinstance(target, NodeUri) or not isinstance(data, TextData):
        return
    if target.name == _SERVER_ID and _HOLDER in target.segments and data.text == str(view.server_id):
        detail = "a second account of the issuing server"
        yield view.policy.finding(LintRule.OWN_ACCOUNT, entry.data_place, detail, entry.node)
