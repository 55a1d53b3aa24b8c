"""Who does the work of a batch: the options, and what they turn into.

Guarantees: what cannot be done in another process, such as asking for a PIN, is done in this one or refused.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

import click

from smartcard_dm.cli.usage import usage_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from smartcard_dm.server.batch_crew import Crew

Decorated = TypeVar("Decorated", bound="Callable[..., object]")

_WORTH_A_PROCESS: Final = 512
"""Targets below which starting another process costs more than it gains."""


def crew_options(function: Decorated) -> Decorated:
    """Add --jobs and --scheduler."""
    options = (
        click.option(
            "--jobs",
            type=click.IntRange(1, 1024),
            metavar="N",
            help="Processes that work at one time; 1 is this one alone.  [default: one for each processor]",
        ),
        click.option(
            "--scheduler",
            metavar="ADDRESS",
            help="Dask scheduler whose workers do the work, such as tcp://host:8786; each needs what this command "
            "names: key file, token, environment.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


@contextmanager
def crew_for(jobs: int | None, scheduler: str | None, work: int, only_here: str | None) -> Iterator[Crew]:
    """Give the crew of a command line.

    Args:
        jobs: as the option says.
        scheduler: as the option says.
        work: how many targets or messages there are, roughly.
        only_here: what can only be done in this process, in words; None where all can be done elsewhere.

    Raises:
        click.UsageError: the options do not go together.
        SmartcardDmError: there is no such cluster.
    """
    from smartcard_dm.server import batch_crew  # noqa: PLC0415 - options are imported before a command is known

    if scheduler is not None and jobs is not None:
        raise usage_error("give one of --jobs and --scheduler: a cluster has as many as it has")
    if only_here is not None and (scheduler is not None or (jobs or 1) > 1):
        raise usage_error(f"{only_here} can be used by one process only: leave --jobs and --scheduler out")
    if scheduler is not None:
        with batch_crew.cluster(scheduler) as crew:
            yield crew
        return
    if jobs is None:
        jobs = 1 if work < _WORTH_A_PROCESS else len(os.sched_getaffinity(0))
    with batch_crew.in_this_process() if jobs == 1 or only_here else batch_crew.processes(jobs) as crew:
        yield crew
