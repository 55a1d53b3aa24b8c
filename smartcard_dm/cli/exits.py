"""Exit codes, and the one place where an error becomes one line on stderr.

Guarantees: no traceback for any error of the library; 0 done, 1 refused, 2 usage, 3 card or reader, 4 malformed input.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NoReturn

import click

from smartcard_dm.errors import CardError, SmartcardDmError, VerificationError
from smartcard_dm.rules import Step

if TYPE_CHECKING:
    from collections.abc import Iterator

DONE: Final = 0
REFUSED: Final = 1
USAGE: Final = 2
CARD: Final = 3
MALFORMED: Final = 4


def exit_code(error: SmartcardDmError) -> int:
    """Return the exit code of an error: by culprit, the verdict's steps 0 and 1 counting as malformed input."""
    if isinstance(error, VerificationError):
        return MALFORMED if error.step <= Step.DECODE else REFUSED
    return CARD if isinstance(error, CardError) else MALFORMED


@contextmanager
def reported(*, as_json: bool) -> Iterator[None]:
    """Turn an error of the library into its line on stderr, its JSON form and its exit code."""
    try:
        yield
    except SmartcardDmError as error:
        fail(error, as_json=as_json)


def fail(error: SmartcardDmError, *, as_json: bool) -> NoReturn:
    """Print an error and leave with its exit code."""
    code = exit_code(error)
    if as_json:
        from smartcard_dm.cli.output import print_json  # noqa: PLC0415 - only on this way out
        from smartcard_dm.report.forms import error_form  # noqa: PLC0415 - same

        print_json(error_form(error, code))
    click.echo(f"smartcard-dm: {error}", err=True)
    sys.exit(code)
