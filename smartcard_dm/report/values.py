"""Values of nodes as text on one line.

Guarantees: every character prints; a long value is cut, and then its size is told; a secret is `(secret)`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from smartcard_dm.tree.nodes import NodeRow

SECRET: Final = "(secret)"  # noqa: S105 - what stands for one
_LONGEST: Final = 56
"""Characters of a text that is shown."""
_LONGEST_OCTETS: Final = 12
"""Octets of a value that are shown."""
_QUOTED: Final = frozenset({"chr", "xml", "b64"})


def shown_value(format_: str, value: str | bytes | None, *, secret: bool) -> str:
    """Return a value of a Format as text; empty for an interior node."""
    if secret:
        return SECRET
    if value is None:
        return "null" if format_ == "null" else ""
    if isinstance(value, bytes):
        more = "…" if len(value) > _LONGEST_OCTETS else ""
        return f"{value[:_LONGEST_OCTETS].hex(' ')}{more} ({len(value)} octets)"
    if format_ not in _QUOTED and len(value) <= _LONGEST:
        return value
    return quoted(value)


def quoted(text: str) -> str:
    """Return a text in quotes, cut when it is long."""
    if len(text) <= _LONGEST:
        return _quoted(text)
    return f"{_quoted(text[:_LONGEST])}… ({len(text.encode())} octets)"


def shown_acl(text: str) -> str:
    """Return an ACL so that a line can break between its entries."""
    return text.replace("&", " & ")


def row_value(row: NodeRow, *, secret: bool) -> str:
    """Return the value of a node as text."""
    return shown_value(row.format, row.value, secret=secret)


def _quoted(text: str) -> str:
    written = json.dumps(text, ensure_ascii=False)
    return "".join(mark if mark.isprintable() else mark.encode("unicode_escape").decode("ascii") for mark in written)
