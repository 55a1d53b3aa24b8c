"""Which card a command works on, and the PIN for it: one set of options for every command that opens a card.

Guarantees: a PIN comes from a prompt, an environment variable or a file descriptor named on the command line, never
from an argument; without one of them no PIN is ever presented. Leaves to its caller: closing the card.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import click

from smartcard_dm.cli.options import CARD_HELP, secret_from_environment
from smartcard_dm.cli.secret_sources import secret_from_descriptor, secret_from_prompt
from smartcard_dm.cli.usage import usage_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from smartcard_dm.card.session import CardSession
    from smartcard_dm.secret import Secret
    from vendor_pcsc.connection import CardConnection

Command = TypeVar("Command", bound="Callable[..., object]")


@dataclass(frozen=True, slots=True)
class CardAccess:
    """What a command line says of the card."""

    uri: str
    pin_env: str | None
    pin_fd: int | None
    pin_prompt: bool
    use_last_try: bool

    def open(self, wrap: Callable[[CardConnection], CardConnection] | None = None) -> CardSession:
        """Open the card.

        Args:
            wrap: gets the connection and returns the one to use, such as a recorder around it.

        Raises:
            click.UsageError: the URI has no known form, or the PIN is none.
            SmartcardDmError: the card cannot be opened.
        """
        from smartcard_dm.card_uri import open_card  # noqa: PLC0415 - options are imported before a command is known

        pin = self._pin()
        try:
            return open_card(self.uri, pin=pin, use_last_try=self.use_last_try, wrap=wrap)
        except ValueError as error:
            raise usage_error(f"{'--card' if pin is None else '--card or the PIN'}: {error}") from error

    def _pin(self) -> Secret | None:
        given = [self.pin_env is not None, self.pin_fd is not None, self.pin_prompt]
        if sum(given) > 1:
            raise usage_error("give one of --pin-env, --pin-fd and --pin-prompt")
        if self.pin_fd is not None:
            return secret_from_descriptor(self.pin_fd, "--pin-fd", "PIN")
        if self.pin_prompt:
            return secret_from_prompt("--pin-prompt", "PIN", "--pin-env or --pin-fd")
        return secret_from_environment(self.pin_env, "--pin-env")


def card_options(function: Command) -> Command:
    """Add --card and the PIN options; the command gets them as one `access`."""
    return _with_card(function, required=True)


def optional_card_options(function: Command) -> Command:
    """Add --card and the PIN options to a command that can do without a card; `access` is then None."""
    return _with_card(function, required=False)


def _with_card(function: Command, *, required: bool) -> Command:
    @functools.wraps(function)
    def command(
        *arguments: object,
        card_uri: str | None,
        pin_env: str | None,
        pin_fd: int | None,
        pin_prompt: bool,
        use_last_try: bool,
        **others: object,
    ) -> object:
        if card_uri is not None:
            access = CardAccess(card_uri, pin_env, pin_fd, pin_prompt, use_last_try)
            return function(*arguments, access=access, **others)
        if pin_env is not None or pin_fd is not None or pin_prompt or use_last_try:
            raise usage_error("the PIN options go with --card")
        return function(*arguments, access=None, **others)

    options = (
        click.option("--card", "card_uri", required=required, metavar="URI", help=CARD_HELP),
        click.option(
            "--pin-env",
            metavar="NAME",
            help="Environment variable that holds the PIN; without a PIN none is ever sent.",
        ),
        click.option("--pin-fd", metavar="N", type=click.IntRange(min=0), help="File descriptor to read the PIN from."),
        click.option("--pin-prompt", is_flag=True, help="Ask for the PIN on the terminal."),
        click.option(
            "--use-last-try",
            is_flag=True,
            help="Present the PIN even when one try is left; a wrong one then blocks the card.",
        ),
    )
    decorated: Callable[..., object] = command
    for option in reversed(options):
        decorated = option(decorated)
    return decorated  # type: ignore[return-value] # the same command to click, whatever its arguments are
