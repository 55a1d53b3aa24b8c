"""Running a batch: targets in, messages out, in the order of the targets, in constant memory.

Guarantees: at most a bounded number of chunks is under way; what is settled is on disk, and a run that ends in any way
is gone on with by the next one. A target that cannot be served is recorded and the next one is served.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from smartcard_dm.errors import BatchError, DmError
from smartcard_dm.server.batch_recipe import Share, issue_chunk
from smartcard_dm.server.batch_records import Failed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from smartcard_dm.server.batch_crew import Crew
    from smartcard_dm.server.batch_output import Output
    from smartcard_dm.server.batch_recipe import Recipe
    from smartcard_dm.server.batch_records import Target

Work = TypeVar("Work")
Done = TypeVar("Done")

CHUNK: Final = 256
"""Targets that are handed over and settled at one time."""
CHUNK_OCTETS: Final = 1 << 20
"""Characters of their values, where these are long."""


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
    ledger = output.ledger
    resumed, failed_before = ledger.counts()
    remaining = iter(records)
    for record in remaining:
        if record.row > ledger.mark:
            remaining = _before(record, remaining)
            break
    settled(ledger.mark)
    read = 0

    def counted() -> Iterator[Target | Failed]:
        nonlocal read
        for record in remaining:
            read += 1
            yield record

    source = counted()
    start, stopped, failed = ledger.mark, None, 0
    work = ((recipe.fingerprint, recipe.packed, chunk) for chunk in _chunks(source))
    shares = in_order(crew, issue_chunk, work)
    for share in shares:
        results, stopped = share
        if stop_at_first:
            results, stopped = _until_failed(share)
        if results:
            done = output.settle(results)
            failed += sum(isinstance(each, Failed) for each in done)
            settled(ledger.mark)
            if stop_at_first and failed and stopped is None:
                stopped = _FIRST_FAILED
        if stopped is not None:
            shares.close()
            break
    left = 0
    if stopped is not None:
        for _ in source:
            pass
        left = read - (ledger.mark - start)
    return Summary(ledger.number, ledger.mark - start - failed, resumed, failed_before + failed, left, stopped)


_FIRST_FAILED: Final = "a target failed"


def _until_failed(share: Share) -> Share:
    for index, result in enumerate(share.results):
        if isinstance(result, Failed):
            return Share(share.results[: index + 1], _FIRST_FAILED)
    return share


def in_order(crew: Crew, work: Callable[..., Done], pieces: Iterable[tuple[object, ...]]) -> Iterator[Done]:
    """Yield what `work` makes of each piece, in the order of the pieces; a bounded number of them is under way.

    Raises:
        BatchError: a worker was lost.
        DmError: the pieces cannot be read any further; all that were are done first.
    """
    under_way: deque[object] = deque()
    source = iter(pieces)
    unread: DmError | None = None
    try:
        while True:
            while unread is None and len(under_way) < crew.in_flight:
                try:
                    piece = next(source, None)
                except DmError as error:
                    unread = error
                    break
                if piece is None:
                    break
                under_way.append(crew.executor.submit(work, *piece))
            if not under_way:
                break
            yield under_way.popleft().result()
        if unread is not None:
            raise unread
    except crew.lost as error:
        raise BatchError(
            crew.name, f"a worker was lost ({type(error).__name__})", "run this again to go on from there"
        ) from error
    finally:
        for future in under_way:
            future.cancel()


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


def _before(first: Target | Failed, others: Iterator[Target | Failed]) -> Iterator[Target | Failed]:
    yield first
    yield from others
