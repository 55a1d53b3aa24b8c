"""One file or object of a card, as a dump of its octets and as JSON; what may hold secrets is only described."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from smartcard_dm.card.named import NamedContent
    from smartcard_dm.report.forms import Form

_LINE: Final = 16


def named_lines(content: NamedContent) -> Iterator[RenderableType]:
    """Return what was read: where it stands, what it says, and its octets."""
    size = sum(map(len, content.parts))
    records = f" in {len(content.parts)} records" if len(content.parts) > 1 else ""
    yield Text.assemble((content.name, "bold cyan"), f"  {content.kind}, {content.place}, {size} octets{records}")
    if content.meaning:
        yield Text(f"  {content.meaning}", style="green")
    if content.secret:
        yield Text(f"  SHA-256 {_digest(content)}")
        yield Text("  It may hold secrets of accounts and is not shown; -o FILE writes it.", style="yellow")
        return
    for number, part in enumerate(content.parts, 1):
        if len(content.parts) > 1:
            yield Text(f"  record {number}", style="dim")
        for start in range(0, len(part), _LINE):
            row = part[start : start + _LINE]
            text = "".join(chr(octet) if 0x20 <= octet < 0x7F else "." for octet in row)
            yield Text(f"  {start:04X}  {row.hex(' '):<{3 * _LINE}} {text}")


def named_form(content: NamedContent, file: str | None) -> Form:
    """Return what was read as JSON.

    Args:
        content: what was read.
        file: where its octets were written.
    """
    return {
        "name": content.name,
        "kind": content.kind,
        "place": content.place,
        "octets": sum(map(len, content.parts)),
        "sha256": _digest(content),
        "meaning": content.meaning,
        "secret": content.secret,
        "parts": None if content.secret else [part.hex().upper() for part in content.parts],
        "file": file,
    }


def _digest(content: NamedContent) -> str:
    return hashlib.sha256(b"".join(content.parts)).hexdigest()
