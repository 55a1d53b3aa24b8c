"""A disk without room: a clear error, the tree as it was, and the message applied once there is room again."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING, Final

import pytest

from smartcard_dm.errors import TreeAccessError, TreeError
from smartcard_dm.tree import DeviceTree
from tests.materials import NOW
from tests.tree.crash_worker import make
from tests.tree.device import ICCID, INFORMATION, account, card
from tests.tree.full_worker import KIB, MESSAGE, Outcome, attempt, look, no_file_larger_than
from tests.tree.power import ROOT, can_trace

if TYPE_CHECKING:
    from pathlib import Path

CLEAR: Final = (
    "no room is left on the device; make room and try again",
    "the file could not be read or written; look at the disk and its free space",
    "it cannot be opened; give a file and a folder that can be read and written",
)
SIZES: Final = [0, 1, 100, 4 * KIB, 16 * KIB, 32 * KIB - 1, 32 * KIB, *range(33 * KIB, 300 * KIB, 13 * KIB)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "tree"
    make(str(made))
    return made


def want_clear(outcomes: list[Outcome]) -> None:
    assert [outcome for outcome in outcomes if not outcome.whole] == []
    texts = {outcome.text for outcome in outcomes if not outcome.kind.endswith(("applied", "done"))}
    assert texts <= set(CLEAR)
    assert {outcome.kind.removeprefix("create ") for outcome in outcomes} >= {"applied", "TreeAccessError"}


@pytest.mark.parametrize("pages", [None, 2], ids=["at-commit", "before-commit"])
def test_a_file_that_may_not_grow_leaves_the_tree_as_it_was(pages: int | None, path: Path) -> None:
    file = path.read_bytes()
    outcomes = []
    for size in SIZES:
        path.write_bytes(file)
        outcomes.append(attempt(str(path), no_file_larger_than(size), pages=pages))
    want_clear(outcomes)
    assert sum(outcome.kind == "applied" for outcome in outcomes) < len(SIZES) * 3 / 4


def test_a_card_that_finds_no_room_changes_nothing(path: Path) -> None:
    file = path.read_bytes()
    other = card(*(account(f"com.example.{name}") for name in "abcdefgh"), iccid=ICCID[::-1])
    failed = 0
    for size in range(32 * KIB, 160 * KIB, 8 * KIB):
        path.write_bytes(file)
        before = look(str(path))
        try:
            with no_file_larger_than(size), DeviceTree.open(str(path)) as tree:
                tree.sync(other, at=NOW)
        except TreeAccessError as error:
            failed += 1
            assert f"{error.detail}; {error.advice}" in CLEAR  # noqa: PT017 - both ways are looked at
            assert look(str(path)) == before
        with DeviceTree.open(str(path)) as tree:
            tree.sync(other, at=NOW)
            assert len(tree.credentials().accounts) == 8
    assert 0 < failed < 16


def test_a_new_tree_without_room_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "tree"
    made = 0
    for size in range(0, 200 * KIB, 5 * KIB):
        try:
            with no_file_larger_than(size):
                DeviceTree.create(str(path), INFORMATION, at=NOW).close()
        except TreeError:
            if path.exists():  # it was made, and only opening it again found no room
                look(str(path))
        else:
            look(str(path))
            made += 1
        assert [each.name for each in tmp_path.iterdir()] in ([], ["tree"])
        path.unlink(missing_ok=True)
    assert 0 < made < 40


@cache
def can_mount() -> bool:
    command = ["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return os.getuid() == 0 and subprocess.run(command, check=False, capture_output=True).returncode == 0


@pytest.mark.skipif(not can_mount(), reason="no file system may be mounted here")
def test_a_full_file_system_leaves_the_tree_as_it_was(tmp_path: Path) -> None:
    script = 'mount -t tmpfs -o size=1m tmpfs "$0" && exec "$@"'
    worker = [sys.executable, "-m", "tests.tree.full_worker", "tmpfs", str(tmp_path)]
    command = ["unshare", "-m", "sh", "-c", script, str(tmp_path), *worker]
    done = subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    outcomes = [Outcome(**outcome) for outcome in json.loads(done.stdout)]
    want_clear(outcomes)
    assert {outcome.kind for outcome in outcomes} >= {"create TreeAccessError", "create done"}
    assert CLEAR[0] in {outcome.text for outcome in outcomes}


@pytest.mark.skipif(not can_trace(), reason="strace is missing, or may not look at processes here")
@pytest.mark.parametrize(
    ("call", "fault", "numbers"),
    [
        ("pwrite64", "ENOSPC", (1, 12)),
        ("pwrite64", "EDQUOT", (12,)),
        ("fdatasync", "EIO", (1, 2, 3)),
        ("fdatasync", "ENOSPC", (3,)),
    ],
)
def test_a_disk_that_fails_once_gives_a_clear_error(
    call: str, fault: str, numbers: tuple[int, ...], path: Path, tmp_path: Path
) -> None:
    octets = tmp_path / "message"
    octets.write_bytes(MESSAGE)
    file = path.read_bytes()
    failed = 0
    for number in numbers:
        path.write_bytes(file)
        before = look(str(path))
        injected = f"inject={call}:error={fault}:when={number}"
        trace = ["strace", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", injected]
        done = subprocess.run(
            [*trace, *apply_command(path, octets)], check=False, capture_output=True, cwd=ROOT, text=True
        )
        after = look(str(path))
        if done.returncode == 2:
            failed += 1
            assert done.stderr.count("\n") == 1
            assert any(done.stderr.rstrip().endswith(clear) for clear in CLEAR)
            assert after == before
        else:
            assert done.returncode == 0, done.stderr
            assert after != before
    assert failed


def apply_command(path: Path, octets: Path) -> list[str]:
    at = f"{NOW:%Y-%m-%dT%H:%M:%SZ}"
    return [sys.executable, "-m", "smartcard_dm", "apply", str(octets), "--tree", str(path), "--at", at]


def test_the_command_says_it_in_one_line_and_works_once_there_is_room(path: Path, tmp_path: Path) -> None:
    octets = tmp_path / "message"
    octets.write_bytes(MESSAGE)
    before = look(str(path))
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}

    def short() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (40 * KIB, resource.RLIM_INFINITY))

    def run(*, room: bool) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            apply_command(path, octets),
            check=False,
            capture_output=True,
            cwd=ROOT,
            text=True,
            env=environment,
            preexec_fn=None if room else short,
        )

    done = run(room=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert any(done.stderr.rstrip() == f"smartcard-dm: {path}: {clear}" for clear in CLEAR)
    assert look(str(path)) == before
    assert [run(room=True).returncode, run(room=True).returncode] == [0, 1]
