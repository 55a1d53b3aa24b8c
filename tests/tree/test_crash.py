"""A device that dies at any moment: its tree is exactly before or exactly after each message, and says so everywhere.

A killed process leaves what it gave to the system; a device without power leaves what it flushed, and by chance more.
Each kill has a name in the failure's text that says how to repeat it.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import closing
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from smartcard_dm.errors import VerificationError
from smartcard_dm.rules import Rule
from smartcard_dm.tree import DeviceTree
from tests.materials import NOW
from tests.tree.crash_worker import make, steps
from tests.tree.device import INFORMATION, push
from tests.tree.power import ROOT, Disk, Operation, can_trace, kill_at, record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

State = dict[str, list[tuple[object, ...]]]
"""Every row of every table."""

MODES: Final = ("statement", "operation", "call", "microsecond")
SYSTEM_CALLS: Final = {"pwrite64": "write", "fdatasync": "flush", "unlink": "remove"}
STEPS: Final = steps()
SEED: Final = 20260701
FEW: Final = 7
MANY: Final = pytest.param(50, marks=pytest.mark.slow, id="many")
traced = pytest.mark.skipif(not can_trace(), reason="strace is missing, or may not look at processes here")


class Worker:
    """A process that carries out the steps, in children that die."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.tree.crash_worker", "serve"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True)

    def ask(self, path: Path, what: str, mode: str, count: int = 0) -> tuple[list[str], int]:
        """Return what the child said, and how it ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {"file": str(path), "what": what, "mode": mode, "count": count}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return answer["said"], answer["status"]

    def close(self) -> None:
        self._process.communicate(timeout=60)


class Known(NamedTuple):
    """What is known of a run that nobody disturbs."""

    file: bytes
    """The tree before the first step."""
    states: list[State]
    """Before the first step, and after each."""
    messages: list[tuple[str, ...]]
    """The digests of all messages in effect at each of these moments."""
    born: State
    """A new tree before its card was read."""
    totals: dict[str, dict[str, int]]
    """How many moments to die there are, by what is done and mode."""


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with closing(Worker()) as started:
        yield started


@pytest.fixture(scope="module")
def known(worker: Worker, tmp_path_factory: pytest.TempPathFactory) -> Known:
    path = tmp_path_factory.mktemp("known") / "tree"
    make(str(path))
    file = path.read_bytes()
    states = [state_of(path)]
    messages: list[tuple[str, ...]] = [()]
    for number, step in enumerate(STEPS):
        with DeviceTree.open(str(path)) as tree:
            step.carry_out(tree, number)
        states.append(state_of(path))
        messages.append(digests(path))
    totals = {what: measure(worker, tmp_path_factory.mktemp(what) / "tree", file, what) for what in ("steps", "create")}
    born = path.with_name("born")
    DeviceTree.create(str(born), INFORMATION, at=NOW).close()
    return Known(file, states, messages, state_of(born), totals)


def measure(worker: Worker, path: Path, file: bytes, what: str) -> dict[str, int]:
    totals: dict[str, int] = {}
    for mode in ("none", "time"):
        path.unlink(missing_ok=True)
        if what == "steps":
            path.write_bytes(file)
        said, status = worker.ask(path, what, mode)
        assert status == 0
        counts = json.loads(said[-1])
        totals |= {name: count for name, count in counts.items() if (name == "microsecond") is (mode == "time")}
    return totals


def state_of(path: Path) -> State:
    with DeviceTree.open(str(path)) as tree, tree.reading():
        rows = tree._database.rows
        assert rows("PRAGMA integrity_check") == [("ok",)]
        names = [str(name) for (name,) in rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return {name: rows(f"SELECT * FROM {name}") for name in names}  # noqa: S608 - names of its own tables


def digests(path: Path) -> tuple[str, ...]:
    """Return the messages in effect; the audit and the memory must tell of the same ones."""
    with DeviceTree.open(str(path)) as tree, tree.reading():
        audited = tuple(row.digest or "" for row in tree.audit.rows() if row.action == "apply")
        remembered = {bytes(row[0]).hex() for row in tree._database.rows("SELECT digest FROM replay")}  # type: ignore[call-overload]
    assert remembered == set(audited)
    assert len(remembered) == len(audited)
    return audited


def moments(total: int, count: int, *seed: object) -> list[int]:
    """Return moments from 1 to the total, one by chance in each of as many equal parts."""
    chance = Random(":".join(map(str, (SEED, *seed))))  # noqa: S311 - nothing to guess
    return [1 + int((part + chance.random()) / count * total) for part in range(count)]


def want_before_or_after(path: Path, said: list[str], known: Known, how: str) -> tuple[int, bool]:
    """Return the number of steps in effect and whether death came inside one; each of them is whole and remembered."""
    begun = sum(word.startswith("b") for word in said)
    returned = sum(word.startswith("r") for word in said)
    found = state_of(path)
    matching = [number for number in range(returned, begun + 1) if found == known.states[number]]
    assert matching, f"{how}: neither the state after step {returned} nor after step {begun}"
    in_effect = matching[0]
    assert digests(path) == known.messages[in_effect], how
    return in_effect, begun > returned


def want_the_rest(path: Path, in_effect: int, known: Known, how: str) -> None:
    """Carry out every step again: messages in effect are refused, and all ends as if nothing had happened."""
    for number, step in enumerate(STEPS):
        with DeviceTree.open(str(path)) as tree:
            if number >= in_effect:
                step.carry_out(tree, number)
            elif step.octets is not None:
                with pytest.raises(VerificationError) as caught:
                    push(tree, step.octets)
                assert caught.value.rule is Rule.REPLAYED, how
    assert state_of(path) == known.states[-1], how


@pytest.mark.parametrize("kills", [FEW, MANY])
@pytest.mark.parametrize("mode", MODES)
def test_a_killed_process_leaves_the_tree_before_or_after(
    mode: str, kills: int, worker: Worker, known: Known, tmp_path: Path
) -> None:
    inside = 0
    for number, count in enumerate(moments(known.totals["steps"][mode], kills, mode)):
        how = f"killed at {mode} {count} of {known.totals['steps'][mode]}"
        path = tmp_path / str(number)
        path.write_bytes(known.file)
        said, status = worker.ask(path, "steps", mode, count)
        assert status == -signal.SIGKILL or mode == "microsecond", how
        in_effect, died_inside = want_before_or_after(path, said, known, how)
        want_the_rest(path, in_effect, known, how)
        inside += died_inside
    # Where a number of microseconds lands is not ours to say; statements, operations and calls are.
    assert mode == "microsecond" or inside >= kills // 2, "the kills do not land where they should"


@traced
@pytest.mark.parametrize("kills", [3, MANY])
@pytest.mark.parametrize("call", SYSTEM_CALLS)
def test_a_process_killed_between_two_writes_leaves_the_tree_before_or_after(
    call: str, kills: int, recordings: dict[str, Recording], known: Known, tmp_path: Path
) -> None:
    kind = SYSTEM_CALLS[call]
    total = sum(operation.kind == kind for operation in recordings["steps"].operations)
    for number in moments(total, min(kills, total), call):
        how = f"killed at {call} {number} of {total}"
        path = tmp_path / f"{call}-{number}"
        path.write_bytes(known.file)
        said, status = kill_at(call, number, "steps", path)
        assert status == -signal.SIGKILL, how
        in_effect, _ = want_before_or_after(path, said, known, how)
        want_the_rest(path, in_effect, known, how)


@pytest.mark.parametrize("kills", [FEW, MANY])
@pytest.mark.parametrize("mode", MODES)
def test_a_killed_process_leaves_a_whole_new_tree_or_none(
    mode: str, kills: int, worker: Worker, known: Known, tmp_path: Path
) -> None:
    made = 0
    for number, count in enumerate(moments(known.totals["create"][mode], kills, mode)):
        how = f"killed at {mode} {count} of {known.totals['create'][mode]}"
        folder = tmp_path / str(number)
        folder.mkdir()
        path = folder / "tree"
        worker.ask(path, "create", mode, count)
        made += want_whole_or_none(path, known, how)
    assert 0 < made < kills or kills == FEW, "the kills do not land where they should"


def want_whole_or_none(path: Path, known: Known, how: str) -> bool:
    """Tell whether the tree was made; if so it is whole, and if not it can be."""
    if path.exists():
        assert state_of(path) in (known.born, known.states[0]), how
        return True
    make(str(path))
    assert state_of(path) == known.states[0], how
    return False


class Recording(NamedTuple):
    """What one run did to its folder."""

    folder: Path
    files: dict[str, bytes]
    """What was there before."""
    operations: list[Operation]


@pytest.fixture(scope="module")
def recordings(known: Known, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Recording]:
    found: dict[str, Recording] = {}
    for what in ("steps", "create"):
        files = {"tree": known.file} if what == "steps" else {}
        folder = tmp_path_factory.mktemp("recorded")
        for name, octets in files.items():
            (folder / name).write_bytes(octets)
        found[what] = Recording(folder, files, record(what, folder / "tree"))
    return found


@traced
def test_the_record_of_a_run_gives_the_same_tree(
    recordings: dict[str, Recording], known: Known, tmp_path: Path
) -> None:
    for what, state in (("steps", known.states[-1]), ("create", known.states[0])):
        recording = recordings[what]
        disk = Disk(recording.folder, recording.files)
        for operation in recording.operations:
            disk.do(operation)
        (tmp_path / what).mkdir()
        disk.leave(tmp_path / what)
        assert state_of(tmp_path / what / "tree") == state


@traced
@pytest.mark.parametrize("losses", [15, pytest.param(400, marks=pytest.mark.slow, id="many")])
def test_a_device_without_power_keeps_every_message_that_took_effect(
    losses: int, recordings: dict[str, Recording], known: Known, tmp_path: Path
) -> None:
    recording = recordings["steps"]
    for folder, chance, said, how in crashes(recording, losses, tmp_path):
        in_effect, _ = want_before_or_after(folder / "tree", said, known, how)
        if chance.random() < 0.3:
            want_the_rest(folder / "tree", in_effect, known, how)


@traced
@pytest.mark.parametrize("losses", [20, pytest.param(200, marks=pytest.mark.slow, id="many")])
def test_a_device_without_power_has_a_whole_new_tree_or_none(
    losses: int, recordings: dict[str, Recording], known: Known, tmp_path: Path
) -> None:
    made = [
        want_whole_or_none(folder / "tree", known, how)
        for folder, _, _, how in crashes(recordings["create"], losses, tmp_path)
    ]
    assert {True, False} == set(made)


def crashes(recording: Recording, count: int, tmp_path: Path) -> Iterator[tuple[Path, Random, list[str], str]]:
    """Yield folders as losses of power leave them, with what the process had said by then.

    The moments are spread over the whole run; the one after each step returned is always among them.
    """
    operations = recording.operations
    disk = Disk(recording.folder, recording.files)
    said: list[str] = []
    done = 0
    returns = [
        at
        for at, operation in enumerate(operations, 1)
        if operation.kind == "say" and operation.octets.startswith(b"r")
    ]
    for number, moment in enumerate(sorted([*moments(len(operations), count, "power"), *returns])):
        for operation in operations[done:moment]:
            if operation.kind == "say":
                said += operation.octets.decode().split()
            else:
                disk.do(operation)
        done = moment
        folder = tmp_path / str(number)
        folder.mkdir()
        chance = Random(f"{SEED}:{count}:{number}")  # noqa: S311 - same
        disk.lose_power(folder, chance)
        yield (
            folder,
            chance,
            said,
            f"power lost after operation {moment} of {len(operations)}, loss {number}",
        )
