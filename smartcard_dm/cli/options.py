"""Options that several commands share, and what they turn into.

Guarantees: a secret comes from an environment variable named on the command line, never from an argument.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeVar

import click

from smartcard_dm.cli.usage import usage_error
from smartcard_dm.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from smartcard_dm.card.session import CardSession

Decorated = TypeVar("Decorated", bound="Callable[..., object]")

CARD_HELP: Final = "The card: profile:FILE.yaml is a virtual card that runs in this process."
_MOMENT: Final = "%Y-%m-%dT%H:%M:%SZ"


if TYPE_CHECKING:
    _MomentParam = click.ParamType[datetime]
    _TextParam = click.ParamType[str]
else:
    _MomentParam = _TextParam = click.ParamType  # older releases of click have no type argument


class MomentType(_MomentParam):
    """The type of an option that names a moment in UTC."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the moment, with its time zone."""
        try:
            return datetime.strptime(str(value), _MOMENT).replace(tzinfo=UTC)
        except ValueError:
            self.fail(f"{str(value)!r} is no moment in UTC such as 2026-07-01T12:00:00Z", param, ctx)


class TextType(_TextParam):
    """The type of an option whose text becomes part of a message."""

    name = "text"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text if a message can hold it."""
        text = str(value)
        if not text or not text.isprintable():
            self.fail(f"{text!r} is empty or holds a character that does not print", param, ctx)
        return text


MOMENT: Final = MomentType()
TEXT: Final = TextType()


def json_option(function: Decorated) -> Decorated:
    """Add --json."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text; errors too.")(
        function
    )


def card_option(function: Decorated) -> Decorated:
    """Add --card."""
    return click.option("--card", "card_uri", required=True, metavar="URI", help=CARD_HELP)(function)


def pin_options(function: Decorated) -> Decorated:
    """Add --pin-env and --use-last-try."""
    with_consent = click.option(
        "--use-last-try",
        is_flag=True,
        help="Present the PIN even when one try is left; a wrong one then blocks the card.",
    )(function)
    return click.option(
        "--pin-env",
        metavar="NAME",
        help="Environment variable that holds the PIN of the card; without it no PIN is ever sent.",
    )(with_consent)


def policy_option(function: Decorated) -> Decorated:
    """Add --policy."""
    return click.option(
        "--policy",
        "policy_name",
        type=click.Choice(["default", "oma_1_2_legacy"]),
        metavar="NAME",
        default="default",
        show_default=True,
        help="Which algorithms are good enough: default is SHA-2 only, oma_1_2_legacy adds SHA-1 for old servers.",
    )(function)


def wbxml_version_option(function: Decorated) -> Decorated:
    """Add --wbxml-version."""
    return click.option(
        "--wbxml-version",
        "version",
        type=click.Choice(["1.1", "1.2", "1.3"]),
        metavar="VERSION",
        default="1.2",
        show_default=True,
        help="WBXML version to write: 1.1, 1.2 or 1.3.",
    )(function)


def secret_from_environment(name: str | None, option: str) -> Secret | None:
    """Return the octets an environment variable holds.

    Raises:
        click.UsageError: the variable is not set or is empty.
    """
    if name is None:
        return None
    value = os.environ.get(name)
    if not value:
        raise usage_error(f"{option}: the environment variable {name} is not set or is empty; export it first")
    return Secret(os.fsencode(value))


def open_for(card_uri: str, pin_env: str | None, *, use_last_try: bool = False) -> CardSession:
    """Open the card a command line names.

    Raises:
        click.UsageError: the URI has no known form, or the PIN is none.
        CardConnectionError: what the URI names cannot be reached.
        SmartcardDmError: the card cannot be opened.
    """
    from smartcard_dm.card_uri import open_card  # noqa: PLC0415 - options are imported before a command is known
    from smartcard_dm.errors import CardConnectionError, DecodeError  # noqa: PLC0415 - same

    pin = secret_from_environment(pin_env, "--pin-env")
    try:
        return open_card(card_uri, pin=pin, use_last_try=use_last_try)
    except ValueError as error:
        raise usage_error(f"{'--card' if pin is None else '--card or --pin-env'}: {error}") from error
    except DecodeError as error:
        unreadable = _reason_unreadable(error)
        if unreadable is None or error.place != card_uri.partition(":")[2]:
            raise
        raise CardConnectionError(f"{error.structure} {error.place} cannot be read: {unreadable}") from error


def _reason_unreadable(error: BaseException | None) -> str | None:
    """Return what the system said when it would not give a file, if that is why; a file not there is no bad file."""
    while error is not None:
        if isinstance(error, OSError):
            return error.strerror
        error = error.__cause__
    return None
