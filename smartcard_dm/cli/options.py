"""Options that several commands share, and what they turn into.

Guarantees: a secret comes from an environment variable named on the command line, never from an argument.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, TypeVar

import click

from smartcard_dm.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from smartcard_dm.card.session import CardSession

Decorated = TypeVar("Decorated", bound="Callable[..., object]")

CARD_HELP: Final = "The card: profile:FILE.yaml, a virtual card that runs in this process."


def json_option(function: Decorated) -> Decorated:
    """Add --json."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")(function)


def card_option(function: Decorated) -> Decorated:
    """Add --card."""
    return click.option("--card", "card_uri", required=True, metavar="URI", help=CARD_HELP)(function)


def pin_options(function: Decorated) -> Decorated:
    """Add --pin-env and --use-last-try."""
    with_consent = click.option("--use-last-try", is_flag=True, help="Consent to use the last try of the PIN.")(
        function
    )
    return click.option(
        "--pin-env", metavar="NAME", help="Environment variable that holds the PIN; without it no PIN is ever sent."
    )(with_consent)


def policy_option(function: Decorated) -> Decorated:
    """Add --policy."""
    return click.option(
        "--policy",
        "policy_name",
        type=click.Choice(["default", "oma_1_2_legacy"]),
        default="default",
        show_default=True,
        help="Which algorithms are accepted; oma_1_2_legacy adds SHA-1.",
    )(function)


def secret_from_environment(name: str | None, option: str) -> Secret | None:
    """Return the secret an environment variable holds.

    Raises:
        click.UsageError: the variable is not set or is empty.
    """
    if name is None:
        return None
    value = os.environ.get(name)
    if not value:
        raise click.UsageError(f"{option}: the environment variable {name} is not set or is empty")
    return Secret(value.encode())


def open_for(card_uri: str, pin_env: str | None, *, use_last_try: bool = False) -> CardSession:
    """Open the card a command line names.

    Raises:
        click.UsageError: the URI has no known form, or the PIN is none.
        SmartcardDmError: the card cannot be opened.
    """
    from smartcard_dm.card_uri import open_card  # noqa: PLC0415 - options are imported before a command is known

    pin = secret_from_environment(pin_env, "--pin-env")
    try:
        return open_card(card_uri, pin=pin, use_last_try=use_last_try)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
