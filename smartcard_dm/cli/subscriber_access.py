"""What a command line says of a subscriber: the IMSI, the PIN that a user was told, what a user enters.

Guarantees: each comes from an environment variable, a file descriptor or the terminal, never from an argument; an IMSI
identifies a person and is treated as the others are. Leaves to its caller: the card, which may have the IMSI.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import click

from smartcard_dm.cli.options import secret_from_environment
from smartcard_dm.cli.secret_sources import secret_from_descriptor, secret_from_prompt
from smartcard_dm.cli.usage import usage_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from smartcard_dm.secret import Secret

Command = TypeVar("Command", bound="Callable[..., object]")
METHODS: Final = ("NETWPIN", "USERPIN", "USERNETWPIN", "USERPINMAC")
"""Names of `SecMethod`, which is loaded when a command runs."""
IMSI_ADVICE: Final = "give its digits and nothing else in --imsi-env or --imsi-fd"
"""What to do about an IMSI that was given and is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriberAccess:
    """What a command line says of a subscriber; it may say nothing."""

    imsi_env: str | None = None
    imsi_fd: int | None = None
    user_pin_env: str | None = None
    user_pin_fd: int | None = None
    user_pin_prompt: bool = False
    user_entry_env: str | None = None
    user_entry_fd: int | None = None

    @property
    def has_imsi(self) -> bool:
        """Whether the IMSI is given."""
        return self.imsi_env is not None or self.imsi_fd is not None

    @property
    def has_user_pin(self) -> bool:
        """Whether the user's PIN is given."""
        return self.user_pin_env is not None or self.user_pin_fd is not None or self.user_pin_prompt

    @property
    def has_user_entry(self) -> bool:
        """Whether what the user enters is given."""
        return self.user_entry_env is not None or self.user_entry_fd is not None

    def check(self) -> None:
        """Refuse a command line that says one thing twice; nothing is read.

        Raises:
            click.UsageError: it does.
        """
        pins = (self.user_pin_env is not None, self.user_pin_fd is not None, self.user_pin_prompt)
        if self.imsi_env is not None and self.imsi_fd is not None:
            raise usage_error("give one of --imsi-env and --imsi-fd")
        if sum(pins) > 1:
            raise usage_error("give one of --user-pin-env, --user-pin-fd and --user-pin-prompt")
        if self.user_entry_env is not None and self.user_entry_fd is not None:
            raise usage_error("give one of --user-entry-env and --user-entry-fd")

    def imsi(self) -> Secret | None:
        """Return the IMSI, where one is given.

        Raises:
            click.UsageError: it cannot be read.
        """
        return _secret(self.imsi_env, self.imsi_fd, "imsi", "IMSI")

    def user_pin(self) -> Secret | None:
        """Return the user's PIN, where one is given.

        Raises:
            click.UsageError: it cannot be read.
        """
        if self.user_pin_prompt:
            return secret_from_prompt("--user-pin-prompt", "The user's PIN", "--user-pin-env or --user-pin-fd")
        return _secret(self.user_pin_env, self.user_pin_fd, "user-pin", "PIN")

    def user_entry(self) -> Secret | None:
        """Return what the user enters for USERPINMAC, where it is given.

        Raises:
            click.UsageError: it cannot be read.
        """
        return _secret(self.user_entry_env, self.user_entry_fd, "user-entry", "PIN and check digits")


def sender_options(function: Command) -> Command:
    """Add the IMSI and the user's PIN; the command gets them as one `subscriber`."""
    return _with_subscriber(function, entry=False)


def receiver_options(function: Command) -> Command:
    """Add the IMSI, the user's PIN and the user's entry; the command gets them as one `subscriber`."""
    return _with_subscriber(function, entry=True)


def _secret(variable: str | None, descriptor: int | None, option: str, what: str) -> Secret | None:
    if descriptor is not None:
        return secret_from_descriptor(descriptor, f"--{option}-fd", what)
    return secret_from_environment(variable, f"--{option}-env")


def _with_subscriber(function: Command, *, entry: bool) -> Command:
    @functools.wraps(function)
    def command(
        *arguments: object,
        imsi_env: str | None,
        imsi_fd: int | None,
        user_pin_env: str | None,
        user_pin_fd: int | None,
        user_pin_prompt: bool,
        user_entry_env: str | None = None,
        user_entry_fd: int | None = None,
        **others: object,
    ) -> object:
        subscriber = SubscriberAccess(
            imsi_env=imsi_env,
            imsi_fd=imsi_fd,
            user_pin_env=user_pin_env,
            user_pin_fd=user_pin_fd,
            user_pin_prompt=user_pin_prompt,
            user_entry_env=user_entry_env,
            user_entry_fd=user_entry_fd,
        )
        subscriber.check()
        return function(*arguments, subscriber=subscriber, **others)

    descriptor = click.IntRange(min=0)
    options = [
        click.option(
            "--imsi-env",
            metavar="NAME",
            help="Environment variable that holds the subscriber's IMSI.  [default: the card's]",
        ),
        click.option("--imsi-fd", metavar="N", type=descriptor, help="File descriptor to read the IMSI from."),
        click.option("--user-pin-env", metavar="NAME", help="Environment variable that holds the PIN the user knows."),
        click.option("--user-pin-fd", metavar="N", type=descriptor, help="File descriptor to read that PIN from."),
        click.option("--user-pin-prompt", is_flag=True, help="Ask for that PIN on the terminal."),
    ]
    if entry:
        options += [
            click.option(
                "--user-entry-env",
                metavar="NAME",
                help="Environment variable that holds what the user enters for USERPINMAC: PIN and check digits.",
            ),
            click.option("--user-entry-fd", metavar="N", type=descriptor, help="File descriptor to read that from."),
        ]
    decorated: Callable[..., object] = command
    for option in reversed(options):
        decorated = option(decorated)
    return decorated  # type: ignore[return-value] # the same command to click, whatever its arguments are
