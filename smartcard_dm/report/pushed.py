"""What a push came to, as text and as a JSON form.

Guarantees: as in `forms`. Leaves to its caller: printing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from smartcard_dm.report.tables import pairs

if TYPE_CHECKING:
    from rich.console import RenderableType

    from smartcard_dm.push.pushed import Pushed, WapPushed
    from smartcard_dm.report.forms import Form


def pushed_form(pushed: Pushed) -> Form:
    """Return the form of the commands `push http` and `push sip`."""
    return {
        "transport": pushed.kind.value,
        "to": pushed.to,
        "octets": pushed.octets,
        "evidence": pushed.evidence,
        "status": pushed.status,
    }


def pushed_lines(pushed: Pushed) -> RenderableType:
    """Return what became of a push; nobody knows yet what the device makes of it."""
    head = Text("PUSHED", style="bold").append(f"  {pushed.octets} octets to {pushed.to}", style="not bold default")
    return Group(head, pairs(("security", pushed.evidence), ("answer", pushed.status)))


def wap_pushed_form(pushed: WapPushed) -> Form:
    """Return the form of the command `push wap`."""
    return {
        "transport": "wap",
        "sec": pushed.method.name,
        "content_type": pushed.content_type,
        "octets": pushed.octets,
        "push_octets": pushed.push_octets,
        "to": pushed.to,
        "file": pushed.file,
        "pdus": [{"pdu": each.line(), "length": each.length} for each in pushed.pdus],
        "check_digits": pushed.check_digits,
    }


def wap_pushed_lines(pushed: WapPushed) -> RenderableType:
    """Return what became of a document that is one datagram."""
    sent = pushed.file is None
    where = f"to {pushed.to}; nobody answers" if sent else f"in {pushed.file}"
    head = Text("PUSHED" if sent else "WRITTEN", style="bold")
    head.append(f"  {pushed.push_octets} octets {where}", style="not bold default")
    return Group(head, pairs(("security", pushed.method.name), ("document", f"{pushed.octets} octets")))
