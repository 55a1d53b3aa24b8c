"""Running a batch: targets in, messages out, in the order of the targets, in constant memory.

Guarantees: at most a bounded number of chunks is under way; what is settled is on disk, and a run that ends in any way
is gone on with by the next one. A target that cannot be served is recorded and the next one is served.
"""

from __future__ import annotations

from collections import deque
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from smartcard_dm.errors import BatchError, DmError
from smartcard_dm.server.batch_recipe import issue_chunk
from smartcard_dm.server.batch_records import Failed

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from concurrent.futures import Future

    from smartcard_dm.server.batch_crew import Crew
    from smartcard_dm.server.batch_output import Output
    from smartcard_dm.server.batch_recipe import Recipe
    from smartcard_dm.server.batch_records import Result, Target

Done = TypeVar("Done")

CHUNK: Final = 256
"""Targets that are handed over and settled at one time."""
CHUNK_OCTETS: Final = 1 << 20
"""Characters of their values, where these are long."""
FIRST_FAILED: Final = "the first target that failed ends it"


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run did."""

    number: str
    """The batch's own."""
    issued: int
    """Messages of this run."""
    resumed: int
    """Messages that were there already."""
    failed: int
    """Targets that get none, in all runs of the batch."""
    left: int
    """Targets that were not tried, because the run stopped."""
    stopped: str | None
    """Why it stopped."""


def run_batch(
    recipe: Recipe,
    records: Iterable[Target | Failed],
    output: Output,
    crew: Crew,
    *,
    stop_at_first: bool = False,
    settled: Callable[[int], object] = lambda _: None,
) -> Summary:
    """Issue a message for each target, from where the output stands.

    Args:
        recipe: how messages are made; its number is that of the output.
        records: every target from the first one.
        output: where messages go.
        crew: who makes them.
        stop_at_first: whether the first target that fails ends the run.
        settled: is told the last row settled, again and again.

    Raises:
        BatchError: the output cannot be written, or a worker was lost; what is settled stays.
        DmError: the targets cannot be read any further; what is settled stays.
    """
    start = output.ledger.mark
    resumed, failed = output.ledger.counts()
    reading = _Reading(records, start)
    settled(start)
    stopped = _settle_all(recipe, reading, output, crew, stop_at_first=stop_at_first, settled=settled)
    left = 0 if stopped is None else reading.count() - output.ledger.mark
    issued, failed = output.ledger.counts()
    return Summary(output.ledger.number, issued - resumed, resumed, failed, left, stopped)


def _settle_all(
    recipe: Recipe,
    reading: _Reading,
    output: Output,
    crew: Crew,
    *,
    stop_at_first: bool,
    settled: Callable[[int], object],
) -> str | None:
    """Settle one chunk after another; return why it stopped before the end, or None."""
    work = ((recipe.fingerprint, recipe.packed, chunk) for chunk in _chunks(reading))
    with closing(in_order(crew, issue_chunk, work)) as shares:
        for results, key_stopped in shares:
            done = output.settle(_until_failed(results) if stop_at_first else results)
            settled(output.ledger.mark)
            if stop_at_first and any(isinstance(each, Failed) for each in done):
                return FIRST_FAILED
            if key_stopped is not None:
                return key_stopped
    return None


def _until_failed(results: list[Result]) -> list[Result]:
    """Return the results up to the first that failed; one that only turns out as a duplicate later is not told here."""
    first = next((index for index, each in enumerate(results) if isinstance(each, Failed)), len(results))
    return results[: first + 1]


class _Reading:
    """Targets behind those that are settled, counted as they are read."""

    def __init__(self, records: Iterable[Target | Failed], mark: int) -> None:
        self._records = iter(records)
        self._mark = mark
        self._last = mark

    def __iter__(self) -> Iterator[Target | Failed]:
        for record in self._records:
            self._last = record.row
            if record.row > self._mark:
                yield record

    def count(self) -> int:
        """Read on to the end; return how many targets there are."""
        for _ in self:
            pass
        return self._last


def in_order(crew: Crew, work: Callable[..., Done], pieces: Iterable[tuple[object, ...]]) -> Generator[Done]:
    """Yield what `work` makes of each piece, in the order of the pieces; a bounded number of them is under way.

    Raises:
        BatchError: a worker was lost.
        DmError: the pieces cannot be read any further; all that were are done first.
    """
    under_way: deque[Future[Done]] = deque()
    source = iter(pieces)
    unread: DmError | None = None
    more = True
    try:
        while more or under_way:
            while more and len(under_way) < crew.in_flight:
                try:
                    piece = next(source, None)
                except DmError as error:
                    piece, unread = None, error
                more = piece is not None
                if piece is not None:
                    under_way.append(crew.executor.submit(work, *piece))
            if under_way:
                yield under_way.popleft().result()
    except crew.lost as error:
        raise BatchError(
            crew.name, f"a worker was lost ({type(error).__name__})", "run this again to go on from there"
        ) from error
    finally:
        for future in under_way:
            future.cancel()
    if unread is not None:
        raise unread


def _chunks(records: Iterable[Target | Failed]) -> Iterator[list[Target | Failed]]:
    chunk: list[Target | Failed] = []
    octets = 0
    for record in records:
        chunk.append(record)
        if not isinstance(record, Failed):
            octets += sum(map(len, record.values.values()))
        if len(chunk) >= CHUNK or octets >= CHUNK_OCTETS:
            yield chunk
            chunk, octets = [], 0
    if chunk:
        yield chunk
