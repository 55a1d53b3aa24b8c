"""Who makes the messages of a batch: this process, several processes, threads, or a Dask cluster.

Guarantees: whatever does the work is a `concurrent.futures.Executor`, so the same code runs on each; a process that was
started here ends with the one that started it, however that ends. No key goes to another process: each loads its own.

Processes are started anew (`spawn`), never forked: a token's session, a lock and an open file stay where they are.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from smartcard_dm.errors import BatchError
from smartcard_dm.server.batch_recipe import forget_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True)
class Crew:
    """Who works."""

    executor: Executor
    jobs: int
    """How many work at one time."""
    name: str
    """What lines about it call it."""
    lost: tuple[type[BaseException], ...] = (BrokenExecutor, CancelledError)
    """What it raises when a worker is lost."""

    @property
    def in_flight(self) -> int:
        """How many chunks may be under way: enough that nobody waits, few enough that memory stays flat."""
        return 2 * self.jobs + 1


class InThisProcess(Executor):
    """Does each piece of work when it is submitted."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401 - as its base
        """Do it."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - as every executor does
            future.set_exception(error)
        return future


@contextmanager
def in_this_process() -> Iterator[Crew]:
    """Give a crew of this process alone."""
    yield Crew(InThisProcess(), 1, "this process")


@contextmanager
def threads(jobs: int) -> Iterator[Crew]:
    """Give a crew of threads, for a key that only this process can use."""
    with ThreadPoolExecutor(jobs) as executor:
        yield Crew(executor, jobs, "the threads")


@contextmanager
def processes(jobs: int) -> Iterator[Crew]:
    """Give a crew of processes on this machine."""
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(jobs, mp_context=context, initializer=_end_with_parent)
    try:
        yield Crew(executor, jobs, "the processes")
    finally:
        executor.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """End this process when the one that started it ends; a pool's process would wait for work for ever.

    Ctrl-C is for the one that started it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_wait_and_end, args=(parent.join,), daemon=True).start()


def _wait_and_end(wait: Callable[[], object]) -> None:
    wait()
    os._exit(1)


@contextmanager
def cluster(address: str, *, seconds: int = 10) -> Iterator[Crew]:
    """Give a crew of all workers of a Dask cluster; their keys are forgotten at the end.

    Args:
        address: of the scheduler, such as `tcp://scheduler:8786`.
        seconds: to wait for its answer.

    Raises:
        BatchError: Dask is not installed; no scheduler answers there, or it has no workers.
    """
    try:
        import distributed  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as error:
        raise BatchError("--scheduler", "Dask is not installed", "pip install smartcard-dm[dask]") from error
    try:
        client = distributed.Client(address, timeout=f"{seconds}s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise BatchError(address, "no Dask scheduler answers", "give the address it prints when it starts") from error
    try:
        jobs = sum(client.nthreads().values())
        if not jobs:
            raise BatchError(address, "the Dask cluster has no workers", "start some: dask worker SCHEDULER")
        executor = client.get_executor(pure=False)
        lost = (
            BrokenExecutor,
            CancelledError,
            OSError,
            distributed.KilledWorker,
            distributed.client.FutureCancelledError,
        )
        try:
            yield Crew(executor, jobs, f"the Dask cluster at {address}", lost)
        finally:
            executor.shutdown(wait=False)
            with suppress(OSError, TimeoutError):  # a cluster that is gone remembers nothing
                client.run(forget_keys)
    finally:
        client.close()
