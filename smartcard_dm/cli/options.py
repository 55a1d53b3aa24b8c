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

Decorated = TypeVar("Decorated", bound="Callable[..., object]")

CARD_HELP: Final = "The card: pcsc: or pcsc:READER, profile:FILE.yaml (virtual), or replay:FILE (a transcript)."
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


def tree_option(*, required: bool = True) -> Callable[[Decorated], Decorated]:
    """Add --tree."""
    return click.option(
        "--tree", "tree_file", required=required, metavar="DB", help="The device's tree, made by `tree init`."
    )


def verification_options(function: Decorated) -> Decorated:
    """Add --policy, --transport, --at and --steps: what a message is judged by, and how much is told."""
    options = (
        policy_option,
        click.option(
            "--transport",
            type=click.Choice(["local"]),
            metavar="KIND",
            default="local",
            show_default=True,
            help="How the message came; local: you hand it over and answer for the way it came.",
        ),
        click.option(
            "--at",
            type=MOMENT,
            metavar="TIME",
            help="The moment to verify for, in UTC, such as 2026-07-01T12:00:00Z.  [default: now]",
        ),
        click.option("--steps", is_flag=True, help="Show what each step of the verification established."),
    )
    for option in reversed(options):
        function = option(function)
    return function


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
