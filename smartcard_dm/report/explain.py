"""The receiver's view of a message, as JSON and as text for a terminal of 80 columns; what of it is encrypted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.padding import Padding
from rich.text import Text

from smartcard_dm.report.tables import columns, pairs
from smartcard_dm.server.confidential import Scope

if TYPE_CHECKING:
    from rich.console import RenderableType

    from smartcard_dm.report.forms import Form
    from smartcard_dm.server import ReceiverView
    from smartcard_dm.server.confidential import Encrypted

_LINE: Final = 16
"""Octets a line of the dump shows."""
_TOKEN_OCTETS: Final = 4
"""Octets of a token that its line shows."""
_MOST_INDENT: Final = 40


def explained_form(view: ReceiverView) -> Form:
    """Return the form of the receiver's view."""
    return {
        "hex": "".join(view.octets),
        "tokens": [
            {"offset": line.offset, "octets": "".join(line.octets), "depth": line.depth, "text": line.text}
            for line in view.tokens
        ],
        "xml": view.xml,
        "canonical": {"octets": view.signed_octets, "sha256": view.signed_sha256},
        "masked": view.masked,
    }


def explained_lines(view: ReceiverView) -> RenderableType:
    """Return the receiver's view as text: sizes and signed octets first, the octets last."""
    note = [Text("Secrets are hidden: [secret] in text, ** in octets.", style="dim")] if view.masked else []
    return Group(
        _head("Sizes"),
        size_lines(view),
        _head("Signed octets"),
        pairs(("length", f"{view.signed_octets} octets of canonical XML"), ("SHA-256", view.signed_sha256)),
        *note,
        _head("XML form, white space added"),
        *map(_xml_line, view.xml_lines),
        _head("Tokens"),
        columns(*_token_rows(view)),
        _head("Octets"),
        *(Text(line) for line in _dump(view)),
    )


def encrypted_line(done: Encrypted) -> str:
    """Return what was encrypted in a message, and to whom, in one clause."""
    to = {"certificate": "the device's certificate", "secret": "the account's shared secret"}[done.to]
    count = len(done.parts)
    what = {
        Scope.DATA: "the data of 1 item" if count == 1 else f"the data of {count} items",
        Scope.COMMANDS: "1 command" if count == 1 else f"{count} commands",
        Scope.BODY: "the body",
    }[done.scope]
    return f"encrypted to {to} with {done.cipher.identifier}: {what}"


def size_lines(view: ReceiverView) -> RenderableType:
    """Return what the message costs on each push."""
    sizes = view.sizes
    wap = (
        f"{sizes.wap} octets with SEC and MAC: {_messages(sizes.segments)} (16-bit reference: {sizes.segments_16_bit})"
    )
    if not sizes.fits_wap:
        wap += "; too many for one reference"
    sip = f"{sizes.message} octets and the headers"
    if not sizes.fits_sip:
        sip += "; too large for UDP"
    return pairs(
        ("WBXML", f"{sizes.message} octets"),
        ("WAP push", wap),
        ("HTTP push", f"{sizes.message} octets and the headers"),
        ("SIP push", sip),
    )


def _xml_line(line: str) -> RenderableType:
    """Return a line that keeps its indentation where it has to be broken."""
    text = line.lstrip(" ")
    return Padding(Text(text, overflow="fold"), (0, 0, 0, min(len(line) - len(text), _MOST_INDENT)))


def _messages(count: int) -> str:
    return "1 short message" if count == 1 else f"{count} short messages"


def _head(text: str) -> RenderableType:
    return Text(f"\n{text}", style="bold")


def _token_rows(view: ReceiverView) -> list[tuple[Text | str, ...]]:
    rows: list[tuple[Text | str, ...]] = []
    for line in view.tokens:
        octets = " ".join(line.octets[:_TOKEN_OCTETS]) + (" .." if len(line.octets) > _TOKEN_OCTETS else "")
        rows.append(
            (Text(f"{line.offset:06X}", style="dim"), octets, f"{' ' * min(line.depth, _MOST_INDENT)}{line.text}")
        )
    return rows


def _dump(view: ReceiverView) -> list[str]:
    lines = []
    for start in range(0, len(view.octets), _LINE):
        octets = " ".join(view.octets[start : start + _LINE])
        lines.append(f"{start:06X}  {octets:<47}  {view.characters[start : start + _LINE]}")
    return lines
