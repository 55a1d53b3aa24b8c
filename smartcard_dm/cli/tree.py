"""`smartcard-dm tree init | show | get | export | audit | sync`."""

from __future__ import annotations

import click

from smartcard_dm.cli.program import CommandGroup
from smartcard_dm.cli.tree_export import export
from smartcard_dm.cli.tree_init import init
from smartcard_dm.cli.tree_look import audit, get, show
from smartcard_dm.cli.tree_sync import sync


@click.group(cls=CommandGroup)
def command() -> None:
    """Make, provision and look at a device's management tree: one file, DB."""


for each in (init, sync, show, get, export, audit):
    command.add_command(each)
