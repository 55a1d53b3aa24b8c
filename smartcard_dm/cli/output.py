"""Printing: JSON as one document, text through one console.

Guarantees: JSON is UTF-8, sorted as its form is, and ends with a newline; text wraps at the terminal's width and has
colour only on a terminal (NO_COLOR is respected).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console


def print_json(form: object) -> None:
    """Print one JSON document on stdout."""
    click.echo(json.dumps(form, indent=2, ensure_ascii=False))


def console() -> Console:
    """Return the console for text on stdout."""
    from rich.console import Console as RichConsole  # noqa: PLC0415 - a third of the start time of a command

    return RichConsole(highlight=False, emoji=False, markup=False, soft_wrap=False)
