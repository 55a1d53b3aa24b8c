"""Tables without lines, the one form in which names and values are shown."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text


def pairs(*rows: tuple[str, str]) -> Table:
    """Return an indented table of names and values."""
    return columns(*((Text(f"  {name}", style="dim"), value) for name, value in rows))


def columns(*rows: tuple[Text | str, ...]) -> Table:
    """Return a table whose last column takes what room there is; the others keep their width."""
    table = Table.grid(padding=(0, 2))
    for number in range(max(map(len, rows), default=0)):
        last = number == len(rows[0]) - 1
        table.add_column(no_wrap=not last, overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in row))
    return table
