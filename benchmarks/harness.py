"""A small harness for comparisons: contestants take turns, so that what slows the machine slows all of them.

Wall clock, medians over rounds. Only the ratios of one run count: other machines and other minutes give other times.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

NOTE = "Wall clock, medians of interleaved rounds in one process; only the ratios of one run count."


@dataclass(frozen=True, slots=True)
class Row:
    """One contestant of one comparison."""

    comparison: str
    """What is measured, with the size of the input."""

    contestant: str
    """Who was measured."""

    seconds: float
    """Median time of one call."""

    ratio: float
    """Its time divided by that of the reference, which is the first contestant of the comparison."""

    octets: int
    """Size of the input."""

    aim: float | None = None
    """The largest ratio that the budget allows; None where there is no budget."""

    @property
    def microseconds_per_kilobyte(self) -> float:
        """Time per 1000 octets of input."""
        return self.seconds * 1e6 / (self.octets / 1000)


def compare(
    comparison: str,
    octets: int,
    contestants: Mapping[str, Callable[[], object]],
    *,
    aims: Mapping[str, float] | None = None,
    rounds: int = 31,
    budget: float = 4.0,
) -> list[Row]:
    """Measure contestants against the first one of them.

    Args:
        comparison: what is measured.
        octets: size of the input.
        contestants: calls by name; the first is the reference.
        aims: the largest ratio aimed at, by name.
        rounds: times each contestant has its turn.
        budget: seconds that the comparison may take, roughly.

    Returns:
        One row for each contestant, in order.
    """
    repeats: dict[str, int] = {}
    for name, call in contestants.items():
        call()
        started = perf_counter()
        call()
        once = max(perf_counter() - started, 1e-7)
        repeats[name] = max(1, int(budget / (rounds * len(contestants) * once)))
    times: dict[str, list[float]] = {name: [] for name in contestants}
    collecting = gc.isenabled()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, call in contestants.items():
                count = repeats[name]
                started = perf_counter()
                for _ in range(count):
                    call()
                times[name].append((perf_counter() - started) / count)
            gc.collect()
    finally:
        if collecting:
            gc.enable()
    medians = {name: median(values) for name, values in times.items()}
    reference = next(iter(medians.values()))
    return [
        Row(comparison, name, seconds, seconds / reference, octets, (aims or {}).get(name))
        for name, seconds in medians.items()
    ]


def table(rows: Sequence[Row]) -> str:
    """Return rows as a Markdown table."""
    lines = ["| comparison | contestant | time | per kB | ratio | aim |", "|---|---|---:|---:|---:|---:|"]
    for row in rows:
        aim = "" if row.aim is None else f"{row.aim:.2f}"
        lines.append(
            f"| {row.comparison} | {row.contestant} | {row.seconds * 1e6:,.1f} us "
            f"| {row.microseconds_per_kilobyte:.2f} us | {row.ratio:.2f} | {aim} |"
        )
    return "\n".join(lines)


def report(title: str, rows: Sequence[Row]) -> None:
    """Print rows with their title and what they mean."""
    print(f"## {title}\n\n{NOTE}\n\n{table(rows)}\n")
