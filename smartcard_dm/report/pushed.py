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

    from smartcard_dm.push.pushed import Pushed
    from smartcard_dm.report.forms import Form


def pushed_form(pushed: Pushed) -> Form:
    """Return the form of the commands `push http` and `push sip`, and of `push wap` over UDP."""
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
