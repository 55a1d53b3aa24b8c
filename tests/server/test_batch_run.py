"""Running a batch: bounded, in order, ended by a key that stops and by nothing a target says."""

from __future__ import annotations

import os
import time
import tracemalloc
from threading import Lock
from typing import TYPE_CHECKING, Any

import pytest

from smartcard_dm.errors import BatchError, DmError, KeyMaterialError
from smartcard_dm.server import batch_run
from smartcard_dm.server.batch_crew import Crew, InThisProcess, in_this_process, processes, threads
from smartcard_dm.server.batch_messages import read_messages
from smartcard_dm.server.batch_output import open_output
from smartcard_dm.server.batch_recipe import forget_keys, remember
from smartcard_dm.server.batch_records import Failed, Problem, Target
from smartcard_dm.server.batch_run import FIRST_FAILED, in_order, run_batch
from smartcard_dm.server.batch_targets import open_targets
from smartcard_dm.xmlsec import SecretSigningKey
from tests.materials import SHARED_SECRET
from tests.server.batches import PLACES, recipe_for, run_here, targets_file, write_csv

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from smartcard_dm.xmlsec import SignatureAlgorithm


def test_work_is_done_in_order_and_bounded() -> None:
    under_way = most = 0
    lock = Lock()

    def work(number: int) -> int:
        nonlocal under_way
        time.sleep(0.002 * (number % 3))
        with lock:
            under_way -= 1
        return number

    def pieces() -> Iterator[tuple[int]]:
        nonlocal under_way, most
        for number in range(60):
            with lock:
                under_way += 1
                most = max(most, under_way)
            yield (number,)

    with threads(3) as crew:
        assert list(in_order(crew, work, pieces())) == list(range(60))
        assert most <= crew.in_flight + 1


def test_what_was_read_is_done_before_it_is_told_that_no_more_can_be() -> None:
    def pieces() -> Iterator[tuple[int]]:
        yield (1,)
        yield (2,)
        raise DmError("targets file", "cut")

    with in_this_process() as crew:
        done = in_order(crew, lambda number: number, pieces())
        assert [next(done), next(done)] == [1, 2]
        with pytest.raises(DmError, match="cut"):
            next(done)


def test_a_worker_that_is_lost_is_told_with_its_remedy() -> None:
    with (
        processes(1) as crew,
        pytest.raises(BatchError, match=r"the processes: a worker was lost \(BrokenProcessPool\)") as caught,
    ):
        list(in_order(crew, os._exit, [(1,)]))
    assert caught.value.advice == "run this again to go on from there"


def test_a_fault_of_the_work_is_not_hidden() -> None:
    with in_this_process() as crew, pytest.raises(ZeroDivisionError):
        list(in_order(crew, lambda number: 1 // number, [(0,)]))


@pytest.mark.parametrize("form", PLACES)
def test_processes_and_threads_make_what_one_process_makes(tmp_path: Path, form: str) -> None:
    path = targets_file(tmp_path, 700)
    recipe = recipe_for(path)
    made = []
    for name, crew_of in (("here", in_this_process()), ("two", processes(2)), ("threads", threads(2))):
        place = tmp_path / f"{name}{PLACES[form]}"
        with open_output(place, form, recipe.parts, recipe.number) as output, crew_of as crew:
            summary = run_batch(recipe, open_targets(path).read(), output, crew)
        assert (summary.issued, summary.failed) == (700, 0)
        made.append([found.octets for found in read_messages(place)])
    assert made[0] == made[1] == made[2]
    assert len(set(made[0])) == 700


class RemovedKey(SecretSigningKey):
    """A key on a token that somebody takes away."""

    __slots__ = ()
    left = 100

    def sign(self, algorithm: SignatureAlgorithm, octets: bytes) -> bytes:
        if type(self).left <= 0:
            raise KeyMaterialError("the token was removed")
        type(self).left -= 1
        return super().sign(algorithm, octets)


@pytest.mark.parametrize("form", PLACES)
def test_a_token_removed_in_the_middle_leaves_what_is_issued_and_is_gone_on_with(tmp_path: Path, form: str) -> None:
    path, place = targets_file(tmp_path, 900), tmp_path / PLACES[form]
    recipe = recipe_for(path)
    RemovedKey.left = 600
    remember(recipe, RemovedKey(SHARED_SECRET))
    summary = run_here(path, place, form, recipe=recipe)
    assert (summary.issued, summary.failed, summary.left) == (600, 0, 300)
    assert summary.stopped == "the token was removed"
    before = [found.octets for found in read_messages(place)]
    assert len(before) == 600
    forget_keys()
    summary = run_here(path, place, form, recipe=recipe)
    assert (summary.issued, summary.resumed, summary.stopped) == (300, 600, None)
    after = [found.octets for found in read_messages(place)]
    assert after[:600] == before
    assert len(set(after)) == 900


def test_a_key_that_cannot_be_loaded_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = targets_file(tmp_path, 3)
    recipe = recipe_for(path)
    forget_keys()

    def load(_: object) -> None:
        raise KeyMaterialError("there is no such token")

    monkeypatch.setattr(type(recipe.key), "load", load)
    summary = run_here(path, tmp_path / "out.db", "sqlite", recipe=recipe)
    assert (summary.issued, summary.left, summary.stopped) == (0, 3, "there is no such token")


def bad_file(folder: Path) -> Path:
    rows = [(f"t{number}", "a/b" if number == 300 else "n", "v") for number in range(600)]
    return write_csv(folder / "bad.csv", ("target", "node", "value"), rows)


def test_a_target_that_fails_does_not_end_it(tmp_path: Path) -> None:
    summary = run_here(bad_file(tmp_path), tmp_path / "out.db", "sqlite")
    assert (summary.issued, summary.failed, summary.left, summary.stopped) == (599, 1, 0, None)


def test_it_stops_at_the_first_that_fails_where_that_is_wanted(tmp_path: Path) -> None:
    path, place = bad_file(tmp_path), tmp_path / "out.db"
    summary = run_here(path, place, "sqlite", stop_at_first=True)
    assert (summary.issued, summary.failed, summary.left, summary.stopped) == (300, 1, 299, FIRST_FAILED)
    summary = run_here(path, place, "sqlite", stop_at_first=True)
    assert (summary.issued, summary.resumed, summary.failed, summary.left) == (299, 300, 1, 0)


def test_it_tells_how_far_it_is(tmp_path: Path) -> None:
    path = targets_file(tmp_path, 600)
    recipe = recipe_for(path)
    told: list[int] = []
    with open_output(tmp_path / "o.db", "sqlite", recipe.parts, "1") as output, in_this_process() as crew:
        run_batch(recipe, open_targets(path).read(), output, crew, settled=told.append)
    assert told == [0, 256, 512, 600]


def test_long_values_make_short_chunks() -> None:
    targets = [Target(row, row, {"value": "x" * 300_000}) for row in range(1, 10)]
    assert [len(chunk) for chunk in batch_run._chunks(targets)] == [4, 4, 1]
    failed: list[Target | Failed] = [Failed(row, row, None, Problem.LINE, "") for row in range(600)]
    assert [len(chunk) for chunk in batch_run._chunks(failed)] == [256, 256, 88]


def test_work_in_this_process_is_a_future_like_any_other() -> None:
    future: Future[Any] = InThisProcess().submit(pow, 2, 3)
    assert (future.done(), future.result()) == (True, 8)
    assert Crew(InThisProcess(), 4, "x").in_flight == 9


def test_memory_does_not_grow_with_the_targets(tmp_path: Path) -> None:
    path = targets_file(tmp_path, 6000)
    recipe = recipe_for(path)
    held: list[int] = []
    with open_output(tmp_path / "o.db", "sqlite", recipe.parts, "1") as output, in_this_process() as crew:
        tracemalloc.start()
        run_batch(
            recipe,
            open_targets(path).read(),
            output,
            crew,
            settled=lambda _: held.append(tracemalloc.get_traced_memory()[0]),
        )
        tracemalloc.stop()
    assert len(held) == 25
    assert max(held[-6:]) < 1.1 * max(held[4:10])
