"""The options of `issue` that make it a batch."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import click

from smartcard_dm.cli.crews import crew_options
from smartcard_dm.cli.usage import usage_error

if TYPE_CHECKING:
    from collections.abc import Callable

Command = TypeVar("Command", bound="Callable[..., object]")


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """What a command line says of a batch."""

    targets: str
    """The file of targets."""
    form: str | None
    """files, jsonl or sqlite; None where the name of the output says."""
    jobs: int | None
    scheduler: str | None
    stop_at_first: bool
    errors: str | None
    """The file that lists the targets without a message."""


def batch_options(function: Command) -> Command:
    """Add --batch and what belongs to it; the command gets them as one `batch`, which is None without --batch."""

    @functools.wraps(function)
    def command(
        *arguments: object,
        batch_file: str | None,
        output_form: str | None,
        jobs: int | None,
        scheduler: str | None,
        on_error: str | None,
        errors: str | None,
        **others: object,
    ) -> object:
        if batch_file is not None:
            batch = BatchOptions(batch_file, output_form, jobs, scheduler, on_error == "stop", errors)
            return function(*arguments, batch=batch, **others)
        if any(given is not None for given in (output_form, jobs, scheduler, on_error, errors)):
            raise usage_error("--output-form, --jobs, --scheduler, --on-error and --errors go with --batch")
        return function(*arguments, batch=None, **others)

    options = (
        click.option(
            "--batch",
            "batch_file",
            metavar="TARGETS",
            help="A message for each target of a file: .csv with a header row, .jsonl, or .parquet. The columns are "
            "the variables ${name} of COMMANDS; target, session_id and msg_id fill the header.",
        ),
        click.option(
            "--output-form",
            type=click.Choice(["files", "jsonl", "sqlite"]),
            metavar="FORM",
            help="How a batch is kept: files in a folder, jsonl or sqlite.  [default: by the end of the output's name]",
        ),
        crew_options,
        click.option(
            "--on-error",
            type=click.Choice(["continue", "stop"]),
            metavar="WHAT",
            help="When a target gets no message: continue with the next one, or stop.  [default: continue]",
        ),
        click.option(
            "--errors", metavar="FILE", help="List the targets of a batch that get no message, as JSON Lines."
        ),
    )
    decorated: Callable[..., object] = command
    for option in reversed(options):
        decorated = option(decorated)
    return decorated  # type: ignore[return-value] # the same command to click, whatever its arguments are
