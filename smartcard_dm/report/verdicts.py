"""Verdicts as text for a terminal of 80 columns, readable without colour too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from smartcard_dm.report.forms import step_name

if TYPE_CHECKING:
    from rich.console import RenderableType

    from smartcard_dm.errors import VerificationError
    from smartcard_dm.trust.verified import VerifiedMessage


def authorized_lines(message: VerifiedMessage, *, steps: bool = False) -> RenderableType:
    """Return the verdict on a message that was authorized; `steps` puts every step passed before it."""
    head = Text("AUTHORIZED", style="bold green").append(f"  {message.server_id}", style="not bold default")
    table = pairs(
        ("account", message.account_name),
        ("signature", f"{message.signature.algorithm.identifier}, by {message.signature.key_origin}"),
        ("transport", f"{message.transport.kind.value}: {message.transport.evidence}"),
        ("commands", str(message.command_count)),
    )
    return Group(*([step_table(message)] if steps else []), head, table)


def refused_lines(error: VerificationError) -> RenderableType:
    """Return the verdict on a message that was refused."""
    head = Text("REFUSED", style="bold red").append(
        f"  at step {int(error.step)}, {step_name(error.step)}", style="not bold default"
    )
    rows = [("rule", error.rule.identifier), ("clause", error.clause)]
    rows += [("requirement", error.rule.scr)] if error.rule.scr else []
    rows += [("place", error.place)] if error.place else []
    rows += [("server", error.server_id)] if error.server_id else []
    rows += [("account", "; ".join(error.accounts))] if error.accounts else []
    return Group(head, pairs(*rows, ("detail", error.detail)))


def step_table(message: VerifiedMessage) -> Table:
    """Return the steps a message passed, with what each established."""
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right")
    table.add_column()
    table.add_column(overflow="fold")
    for passed in message.steps:
        table.add_row(Text(str(int(passed.step)), style="green"), step_name(passed.step), passed.established)
    return table


def pairs(*rows: tuple[str, str]) -> Table:
    """Return an indented two-column table of names and values."""
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(Text(f"  {name}", style="dim"), value)
    return table
