"""How strict a command that issues is: one set of options, and what they turn into."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import click

from smartcard_dm.cli.usage import usage_error
from smartcard_dm.server.push_size import MAX_SMS_PARTS, Push

if TYPE_CHECKING:
    from collections.abc import Callable

    from smartcard_dm.server import Finding, LintPolicy, PushSizes

Command = TypeVar("Command", bound="Callable[..., object]")


@dataclass(frozen=True, slots=True, kw_only=True)
class LintChoice:
    """What a command line says of lint."""

    strict: bool = False
    secrets: str = "warn"
    push: Push | None = None
    max_segments: int | None = None

    def policy(self) -> LintPolicy:
        """Return the policy, with the management objects that installed handlers know too.

        Raises:
            click.UsageError: the options do not go together, or an installed handler cannot be used.
        """
        from smartcard_dm.server import LintPolicy, SecretsPolicy  # noqa: PLC0415 - a third of the start of --help
        from smartcard_dm.tree import standard_register  # noqa: PLC0415 - same

        if self.max_segments is not None and self.push is not Push.WAP:
            raise usage_error("--max-segments goes with --push wap")
        try:
            objects = standard_register().handlers
        except ValueError as error:
            raise usage_error(f"{error}; remove or repair that distribution") from error
        return LintPolicy(strict=self.strict, secrets=SecretsPolicy(self.secrets), objects=objects)

    def size_findings(self, sizes: PushSizes, policy: LintPolicy) -> tuple[Finding, ...]:
        """Return what is wrong with the size of a message; nothing where no push was chosen."""
        from smartcard_dm.server import lint_size  # noqa: PLC0415 - a third of the start of --help

        if self.push is None:
            return ()
        return lint_size(sizes, self.push, policy, max_segments=self.max_segments or MAX_SMS_PARTS)


def lint_options(function: Command) -> Command:
    """Add --strict and what belongs to it; the command gets them as one `choice`."""

    @functools.wraps(function)
    def command(
        *arguments: object, strict: bool, secrets: str, push: str | None, max_segments: int | None, **others: object
    ) -> object:
        way = None if push is None else Push(push)
        choice = LintChoice(strict=strict, secrets=secrets, push=way, max_segments=max_segments)
        return function(*arguments, choice=choice, **others)

    options = (
        click.option("--strict", is_flag=True, help="Refuse what lint warns of."),
        click.option(
            "--secrets",
            type=click.Choice(["warn", "refuse"]),
            metavar="WHAT",
            default="warn",
            show_default=True,
            help="What is done about a secret outside encryption: warn or refuse.",
        ),
        click.option(
            "--push",
            type=click.Choice([each.value for each in Push]),
            metavar="WAY",
            help="Refuse a message too large for this push: wap, http or sip.",
        ),
        click.option(
            "--max-segments",
            type=click.IntRange(1, MAX_SMS_PARTS),
            metavar="N",
            help="Short messages allowed for one message, with --push wap.  [default: 255]",
        ),
    )
    decorated: Callable[..., object] = command
    for option in reversed(options):
        decorated = option(decorated)
    return decorated  # type: ignore[return-value] # the same command to click, whatever its arguments are
