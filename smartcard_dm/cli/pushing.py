"""What the `push` commands share: the document they read, and how long those over a connection wait.

Guarantees: nothing empty or too large is pushed, nothing of another kind unless it is asked for, and every wait has an
end. Leaves to its caller: pushing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, TypeVar

import click

from smartcard_dm.errors import DmError, LimitExceededError
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.wbxml.header import Language, language_of, parse_header

if TYPE_CHECKING:
    from collections.abc import Callable

    from smartcard_dm.cli.inputs import InputFile

DOCUMENT_ADVICE: Final = {
    "dm": "give a message as `issue` makes it, or --as-is",
    "cp": "give a client provisioning document in WBXML, or --as-is",
}
"""What to do about a document that is not what it is to be."""

Decorated = TypeVar("Decorated", bound="Callable[..., object]")

_LONGEST_SECONDS: Final = 600
_LANGUAGES: Final = {
    "dm": frozenset({Language.SYNCML, Language.SYNCML_OR_DDF}),
    "cp": frozenset({Language.PROV}),
}


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


def as_is_option(function: Decorated) -> Decorated:
    """Add --as-is."""
    return click.option(
        "--as-is", is_flag=True, help="Push FILE whatever is in it, to see what a receiver makes of that."
    )(function)


def document_in(file: InputFile, *, content: str = "dm", as_is: bool) -> bytes:
    """Return the document to push.

    Args:
        file: holds it.
        content: what it is to be, `dm` or `cp`; its header says so.
        as_is: whether anything that is not empty and not too large will do.

    Raises:
        DmError: the file is empty, or a document of another kind.
        WbxmlError, UnsupportedError: it is no WBXML document, or of a kind that nothing here reads.
        LimitExceededError: it is larger than any push may be.
        click.UsageError: it cannot be read.
    """
    most = DEFAULT_LIMITS.message_octets
    document = file.read(most)
    if not document:
        raise DmError("message", "it is empty", place=file.name)
    if len(document) > most:
        raise LimitExceededError("message", "message_octets", most, place=file.name)
    if not as_is:
        found = language_of(parse_header(document))
        if found not in _LANGUAGES[content]:
            wanted = " or ".join(sorted(language.value for language in _LANGUAGES[content]))
            raise DmError("document", "it is of another kind", place=file.name, wanted=wanted, found=found.value)
    return document
