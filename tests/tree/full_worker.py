"""Disks without room, and files nobody may write: what becomes of a message there, told as JSON or as a value.

tmpfs FOLDER     in a small tmpfs that is mounted there: leave less and less room
denied FOLDER    as a user who owns nothing: files and folders that may not be read or written
"""

from __future__ import annotations

import json
import os
import resource
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from smartcard_dm.errors import TreeError, VerificationError
from smartcard_dm.rules import Rule
from smartcard_dm.tree import DeviceTree
from tests.materials import NOW
from tests.tree.crash_worker import make, steps
from tests.tree.device import INFORMATION, push, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

MESSAGE: Final = steps()[0].octets or b""
NOBODY: Final = 65534
KIB: Final = 1024


class Outcome(NamedTuple):
    """What became of one message where room was short."""

    kind: str
    """`applied`, or the class of the error."""
    text: str
    """Of the error."""
    whole: bool
    """Whether the tree was exactly before or exactly after, and the message applied once in all."""


@contextmanager
def no_file_larger_than(octets: int) -> Iterator[None]:
    """Let no file of this process grow beyond so many octets; a write that would fails, the signal being ignored."""
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, former[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)


def look(path: str) -> list[tuple[object, ...]]:
    """Return what is in a tree, its audit and its memory included."""
    with DeviceTree.open(path) as tree, tree.reading():
        if tree._database.rows("PRAGMA integrity_check") != [("ok",)]:
            raise AssertionError("the file is damaged")
        digests = tree._database.rows("SELECT digest FROM replay")
        return [*snapshot(tree), *digests, *((row.action, row.digest) for row in tree.audit.rows())]


def attempt(path: str, short: AbstractContextManager[None], *, pages: int | None = None) -> Outcome:
    """Apply a message while room is short, and again when there is room.

    Args:
        path: a tree in which the message is not in effect.
        short: while it is open, room is short.
        pages: of SQLite's cache; a small one makes it write before the transaction ends.
    """
    before = look(path)
    try:
        with short, DeviceTree.open(path) as tree:
            if pages is not None:
                tree._database.execute(f"PRAGMA cache_size = {pages}")
            push(tree, MESSAGE)
        kind, text = "applied", ""
    except TreeError as error:
        kind, text = type(error).__name__, f"{error.detail}; {error.advice}"
    after = look(path)
    whole = (after == before) is (kind != "applied")
    with DeviceTree.open(path) as tree:
        try:
            push(tree, MESSAGE)
            whole &= kind != "applied"
        except VerificationError as error:
            whole &= kind == "applied" and error.rule is Rule.REPLAYED
    final = look(path)
    return Outcome(kind, text, whole and (final == after if kind == "applied" else final != before))


@contextmanager
def _room(folder: Path, left: int) -> Iterator[None]:
    """Fill a file system up to so many octets."""
    ballast = folder / "ballast"
    free = os.statvfs(folder)
    with ballast.open("wb") as file:
        file.write(bytes(max(0, free.f_bavail * free.f_frsize - left)))
    try:
        yield
    finally:
        ballast.unlink()


def tmpfs(folder: Path) -> list[Outcome]:
    """Leave less and less room in a file system that is small."""
    path = folder / "tree"
    make(str(path))
    file = path.read_bytes()
    found = []
    for pages in range(0, 120, 4):
        path.write_bytes(file)
        found.append(attempt(str(path), _room(folder, pages * 4 * KIB)))
    for pages in range(0, 64, 4):
        with _room(folder, pages * 4 * KIB):
            kind, text = _outcome(lambda: DeviceTree.create(str(folder / "new"), INFORMATION, at=NOW).close())
        is_there = (folder / "new").exists()
        whole = is_there is (kind == "done") and (not is_there or bool(look(str(folder / "new"))))
        (folder / "new").unlink(missing_ok=True)
        found.append(Outcome(f"create {kind}", text, whole and {each.name for each in folder.iterdir()} == {"tree"}))
    return found


def _outcome(call: Callable[[], object]) -> tuple[str, str]:
    try:
        call()
    except TreeError as error:
        return type(error).__name__, f"{error.detail}; {error.advice}"
    return "done", ""


def denied(folder: Path) -> dict[str, tuple[str, str]]:
    """Use files and folders that may not be used."""
    make(str(folder / "tree"))
    file = (folder / "tree").read_bytes()
    for name, file_mode, folder_mode in (
        ("file-read-only", 0o400, 0o700),
        ("folder-read-only", 0o600, 0o500),
        ("both-read-only", 0o400, 0o500),
        ("file-closed", 0o000, 0o700),
        ("folder-closed", 0o600, 0o000),
    ):
        (folder / name).mkdir()
        (folder / name / "tree").write_bytes(file)
        (folder / name / "tree").chmod(file_mode)
        for made in (folder / name / "tree", folder / name):
            os.chown(made, NOBODY, NOBODY)
        (folder / name).chmod(folder_mode)
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    found = {}
    for name in ("file-read-only", "folder-read-only", "both-read-only", "file-closed", "folder-closed"):
        found[f"apply {name}"] = _outcome(lambda name=name: _apply(folder / name / "tree"))  # type: ignore[misc]
        if name.startswith("folder"):
            new = str(folder / name / "new")
            found[f"create {name}"] = _outcome(lambda new=new: DeviceTree.create(new, INFORMATION, at=NOW))  # type: ignore[misc]
    return found


def _apply(path: Path) -> None:
    with DeviceTree.open(str(path)) as tree:
        push(tree, MESSAGE)


if __name__ == "__main__":
    if sys.argv[1] == "tmpfs":
        json.dump([outcome._asdict() for outcome in tmpfs(Path(sys.argv[2]))], sys.stdout)
    else:
        json.dump(denied(Path(sys.argv[2])), sys.stdout)
