"""How the program as a whole begins and ends.

Guarantees: every way out is an exit code and at most one line on stderr, whatever was raised; Ctrl-C and a reader that
closes the pipe end it without a word. Leaves to its caller: the commands.
"""

from __future__ import annotations

import os
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import click

from smartcard_dm.cli.exits import DONE, FAULT, INTERRUPTED, PIPE_CLOSED, USAGE, leave, leave_usage
from smartcard_dm.cli.usage import usage_error

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TRACEBACK_VARIABLE: Final = "SMARTCARD_DM_TRACEBACK"
_PACKAGE: Final = Path(__file__).parents[2]
_EXTRAS: Final = {"httptools": "http", "httpx": "http", "uvicorn": "http"}
"""Packages that come with an extra of this one, of those that a command's module imports at once."""


class CommandGroup(click.Group):
    """A group that shows its help on stderr, and leaves with "usage", when no command is named.

    Its commands are listed in the order of use, which is that of their definition.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of its commands."""
        return list(self.commands)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the group's own options."""
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help(), err=True)
            ctx.exit(USAGE)
        return super().parse_args(ctx, args)


class LazyGroup(CommandGroup):
    """A group whose commands are imported one at a time, when they are asked for.

    Its table says for each command the module that has it as `command`, and its line of help.
    """

    table: Mapping[str, tuple[str, str]] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the commands in the order of use."""
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command.

        Raises:
            click.UsageError: it needs a package that is not installed.
        """
        if cmd_name not in self.table:
            return None
        try:
            command = import_module(self.table[cmd_name][0]).command
        except ModuleNotFoundError as error:
            missing = (error.name or "").partition(".")[0]
            if missing not in _EXTRAS:
                raise
            extra = f"pip install 'smartcard-dm[{_EXTRAS[missing]}]'"
            raise usage_error(f"`{ctx.command_path} {cmd_name}` needs {missing}: {extra}") from error
        assert isinstance(command, click.Command)  # noqa: S101 - a table of a module of this room and its modules
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - same
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_text) for name, (_, help_text) in self.table.items()])


class Program(LazyGroup):
    """The outermost group: runs a command line and leaves with its exit code."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: FBT001, FBT002 - click's signature
        windows_expand_args: bool = True,  # noqa: FBT001, FBT002 - same
        **extra: object,
    ) -> NoReturn:
        """Run a command line and leave; there is no other mode."""
        del prog_name, standalone_mode, windows_expand_args
        arguments = sys.argv[1:] if args is None else list(args)
        as_json = "--json" in arguments
        name = self.name or ""
        try:
            self._main_shell_completion(dict(extra), name, complete_var)
            with self.make_context(name, arguments) as context:
                self.invoke(context)
        except click.exceptions.Exit as left:
            sys.exit(left.exit_code)
        except click.ClickException as error:
            leave_usage(error, as_json=as_json)
        except BrokenPipeError:
            _abandon()
            sys.exit(PIPE_CLOSED)
        except OSError as error:
            _abandon()
            place = error.filename or "standard output"
            leave("UsageError", f"{place}: {error.strerror}; use another", USAGE, as_json=False)
        except (KeyboardInterrupt, click.Abort):
            sys.exit(INTERRUPTED)
        except Exception as error:  # noqa: BLE001 - the last resort: one line instead of a traceback, and no verdict
            if os.environ.get(TRACEBACK_VARIABLE):
                traceback.print_exc()
            leave(type(error).__name__, _fault(error), FAULT, as_json=as_json)
        sys.exit(DONE)


def _fault(error: Exception) -> str:
    """Return where a fault of this program is; what the exception says is left out, as it may quote input."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = Path(last.filename)
    shown = place.relative_to(_PACKAGE) if place.is_relative_to(_PACKAGE) else place.name
    return (
        f"a fault of this program, not of its input: {type(error).__name__} at {shown}:{last.lineno}; "
        f"please report it ({TRACEBACK_VARIABLE}=1 shows the way there)"
    )


def _abandon() -> None:
    from smartcard_dm.cli.output import abandon_stdout  # noqa: PLC0415 - only on this way out

    abandon_stdout()
