"""What every `push` command over a connection shares: the message it reads, and how long it waits.

Guarantees: nothing empty or too large is pushed, and every wait has an end. Leaves to its caller: pushing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, TypeVar

import click

from smartcard_dm.errors import DmError, LimitExceededError
from smartcard_dm.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable

    from smartcard_dm.cli.inputs import InputFile

Decorated = TypeVar("Decorated", bound="Callable[..., object]")

_LONGEST_SECONDS: Final = 600


def _a_number(_context: click.Context, _parameter: click.Parameter, seconds: float) -> float:
    if math.isnan(seconds):  # no range sees it
        raise click.BadParameter("nan is no number of seconds")
    return seconds


def timeout_option(default: float) -> Callable[[Decorated], Decorated]:
    """Return the option --timeout.

    Args:
        default: seconds.
    """
    return click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True, max=_LONGEST_SECONDS),
        metavar="SECONDS",
        default=default,
        show_default=True,
        callback=_a_number,
        help="How long all of it may take.",
    )


def document_in(file: InputFile) -> bytes:
    """Return the document to push.

    Raises:
        DmError: the file is empty.
        LimitExceededError: it is larger than any push may be.
        InputError: it cannot be read.
    """
    most = DEFAULT_LIMITS.message_octets
    document = file.read(most)
    if not document:
        raise DmError("message", "it is empty", place=file.name)
    if len(document) > most:
        raise LimitExceededError("message", "message_octets", most, place=file.name)
    return document
