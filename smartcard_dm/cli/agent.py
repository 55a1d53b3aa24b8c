"""`smartcard-dm agent serve | get | watch`: a command's module is imported only when it runs.

Guarantees: `agent get` for a running agent needs no web server, and `agent serve` no client.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

import click

from smartcard_dm.cli.program import CommandGroup

_COMMANDS: Final = {
    "serve": ("smartcard_dm.cli.agent_serve", "Keep a card for other programs, over a Unix socket."),
    "get": ("smartcard_dm.cli.agent_get", "Answer one JSON request on standard input, with an agent or without."),
    "watch": ("smartcard_dm.cli.agent_watch", "Print what happens at an agent's card."),
}


class AgentGroup(CommandGroup):
    """The group with commands that are imported one at a time."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the commands in the order of use."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - same
        """Import one command."""
        if cmd_name not in _COMMANDS:
            return None
        found = import_module(_COMMANDS[cmd_name][0]).command
        assert isinstance(found, click.Command)  # noqa: S101 - a table of this file and its modules
        found.name = cmd_name
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - same
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_text) for name, (_, help_text) in _COMMANDS.items()])


@click.group(cls=AgentGroup)
def command() -> None:
    """Keep a card for other programs, and ask whoever keeps it."""
