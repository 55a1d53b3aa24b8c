"""Exit codes, and the one place where an error becomes one line on stderr.

Guarantees: no traceback for any error of the library or of the command line; 0 done, 1 refused, 2 usage, 3 card or
reader, 4 malformed input. A line names the thing, the place and the remedy, and holds no control character.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NoReturn

import click

from smartcard_dm.errors import (
    AgentError,
    AgentPolicyError,
    AgentProtocolError,
    AgentRequestError,
    AuditError,
    BatchError,
    CardError,
    PushError,
    SmartcardDmError,
    TreeAccessError,
    VerificationError,
)
from smartcard_dm.rules import Step

if TYPE_CHECKING:
    from collections.abc import Iterator

DONE: Final = 0
REFUSED: Final = 1
USAGE: Final = 2
CARD: Final = 3
MALFORMED: Final = 4
FAULT: Final = 70
"""A fault of this program (EX_SOFTWARE of sysexits): never taken for a verdict."""
INTERRUPTED: Final = 130
"""What a shell reports for a program ended by SIGINT."""
PIPE_CLOSED: Final = 141
"""What a shell reports for a program ended by SIGPIPE."""


def exit_code(error: SmartcardDmError) -> int:
    """Return the exit code of an error: by culprit, the verdict's steps 0 and 1 counting as malformed input.

    A tree file or an output that cannot be opened, made or written is a wrong command line, as any other file is. A
    push that nobody took over was refused. An agent stands for the card behind it: one that cannot be asked is a card
    that cannot be read.
    """
    if isinstance(error, VerificationError):
        return MALFORMED if error.step <= Step.DECODE else REFUSED
    if isinstance(error, PushError):
        return REFUSED
    if isinstance(error, TreeAccessError | BatchError | AuditError):
        return USAGE
    if isinstance(error, AgentPolicyError | AgentRequestError):
        return REFUSED
    if isinstance(error, AgentError):
        return MALFORMED if isinstance(error, AgentProtocolError) else CARD
    return CARD if isinstance(error, CardError) else MALFORMED


@contextmanager
def reported(
    *,
    as_json: bool,
    thing: str | None = None,
    advice: str | None = None,
    passed: type[SmartcardDmError] | tuple[()] = (),
) -> Iterator[None]:
    """Turn an error of the library into its line on stderr, its JSON form and its exit code.

    Args:
        as_json: whether the JSON form is printed on stdout.
        thing: the file or the card that is being worked on; opens the line.
        advice: the remedy, where the command knows better than the error's kind.
        passed: a kind of error that goes on to the command, such as a verdict.
    """
    try:
        yield
    except passed:
        raise
    except SmartcardDmError as error:
        fail(error, as_json=as_json, thing=thing, advice=advice)


def fail(error: SmartcardDmError, *, as_json: bool, thing: str | None = None, advice: str | None = None) -> NoReturn:
    """Print an error and leave with its exit code."""
    from smartcard_dm.report.remedies import remedy  # noqa: PLC0415 - only on this way out

    text = f"{error}; {advice or remedy(error)}"
    if thing is not None and thing not in text:
        text = f"{thing}: {text}"
    leave(type(error).__name__, text, exit_code(error), as_json=as_json)


def leave_usage(error: click.ClickException, *, as_json: bool) -> NoReturn:
    """Print what click found wrong with a command line, on one line, and leave."""
    text = " ".join(error.format_message().split()).rstrip(".")
    if text[1:2].islower():
        text = text[0].lower() + text[1:]
    context = getattr(error, "ctx", None)
    command = context.command_path if isinstance(context, click.Context) else "smartcard-dm"
    text += f" (see {command} --help)"
    leave("UsageError", text, USAGE, as_json=as_json)


def leave(kind: str, text: str, code: int, *, as_json: bool) -> NoReturn:
    """Print an error of a kind as one line on stderr, and as JSON on stdout where asked for; leave with its code."""
    from smartcard_dm.cli.output import one_line, print_json, print_problem  # noqa: PLC0415 - only on this way out

    text = one_line(text)
    if as_json:
        from smartcard_dm.report.forms import error_form  # noqa: PLC0415 - same

        print_json(error_form(kind, text, code))
    print_problem(text)
    sys.exit(code)
