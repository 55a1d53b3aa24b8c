"""`smartcard-dm agent`: a group whose commands are imported when they run.

Guarantees: what a server needs is not loaded to ask one. Leaves to its commands: everything else.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

import click

from smartcard_dm.cli.program import CommandGroup

_COMMANDS: Final = {
    "serve": ("smartcard_dm.cli.agent_serve", "Serve a card's accounts and verdicts on a Unix socket."),
    "get": ("smartcard_dm.cli.agent_get", "Answer one request from standard input, as credential helpers do."),
    "watch": ("smartcard_dm.cli.agent_watch", "Follow what happens to an agent's card and its accounts."),
}


class LazyGroup(CommandGroup):
    """A group with commands that are imported one at a time."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the commands in the order of use."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - same
        """Import one command."""
        if cmd_name not in _COMMANDS:
            return None
        found = import_module(_COMMANDS[cmd_name][0]).command
        assert isinstance(found, click.Command)  # noqa: S101 - a table of this file and its modules
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - same
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_text) for name, (_, help_text) in _COMMANDS.items()])


@click.group(name="agent", cls=LazyGroup)
def command() -> None:
    """A card's accounts and verdicts for other programs of this machine, for as long as the card is there."""
