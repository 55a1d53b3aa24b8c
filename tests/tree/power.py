"""A disk that loses power: what a process wrote, as strace saw it, and the files that may be left after any moment.

What was not flushed (fsync, fdatasync) may be on the disk or not, each write for itself, and a write may be torn
between two sectors. A new, removed or linked name is there for certain only after its folder was flushed; names change
in order.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

ROOT: Final = Path(__file__).parents[2]
SECTOR: Final = 512
_KINDS: Final = {"ftruncate": "truncate", "fsync": "flush", "fdatasync": "flush", "unlink": "remove"}
_CALLS: Final = ",".join((*_KINDS, "pwrite64", "write", "openat", "link", "unlinkat", "linkat", "rename"))
_LINE: Final = re.compile(rb"(\w+)\((.*)\) += (-?\d+)(?:<.*>)?$")
_STRING: Final = re.compile(rb'[<"]((?:\\x[0-9a-f]{2})*)[>"]')


class Operation(NamedTuple):
    """One thing that was done to a disk, or that the process said."""

    kind: str
    """`write`, `truncate`, `flush`, `create`, `remove`, `link`, `say`."""
    path: str
    octets: bytes = b""
    at: int = 0
    """Where a write begins, how long a file became."""
    other: str = ""
    """The new name of a link."""


def can_trace() -> bool:
    """Whether strace is there, and may look at processes."""
    if shutil.which("strace") is None:
        return False
    return (
        subprocess.run(["strace", "-qq", "-e", "trace=none", "true"], check=False, capture_output=True).returncode == 0
    )


def worker(what: str, path: Path) -> list[str]:
    """Return the command that carries out all steps in one process."""
    return [sys.executable, "-m", "tests.tree.crash_worker", "once", what, str(path)]


def kill_at(call: str, number: int, what: str, path: Path) -> tuple[list[str], int]:
    """Kill a worker at its n-th call of a kind; return what it had said, and how it ended."""
    injected = f"inject={call}:signal=SIGKILL:when={number}"
    command = ["strace", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", injected, *worker(what, path)]
    done = subprocess.run(command, check=False, capture_output=True, cwd=ROOT, text=True)
    return done.stdout.split(), done.returncode


def record(what: str, path: Path) -> list[Operation]:
    """Run a worker to its end and return what it did to the files of its folder, and said."""
    log = path.parent.with_name(f"{path.parent.name}.strace")
    command = ["strace", "-qq", "-xx", "-y", "-s", "1000000", "-o", str(log), "-e", f"trace={_CALLS}"]
    subprocess.run([*command, *worker(what, path)], check=True, capture_output=True, cwd=ROOT)
    folder = str(path.parent)
    found: list[Operation] = []
    for line in log.read_bytes().splitlines():
        operation = _operation(line)
        if operation is not None and (operation.kind == "say" or operation.path.startswith(folder)):
            found.append(operation)
    return found


def _operation(line: bytes) -> Operation | None:
    match = _LINE.match(line)
    if match is None or match[3].startswith(b"-"):
        return None
    call, arguments = match[1].decode(), match[2]
    strings = [bytes.fromhex(text.replace(rb"\x", b"").decode()) for text in _STRING.findall(arguments)]
    numbers = [int(number) for number in re.findall(rb", (\d+)(?=,|$)", arguments)]
    if call == "write":
        return Operation("say", "", strings[1]) if arguments.startswith(b"1<") else None
    if call == "openat":
        return Operation("create", strings[1].decode()) if b"O_CREAT" in arguments else None
    if call == "pwrite64":
        return Operation("write", strings[0].decode(), strings[1][: int(match[3])], numbers[-1])
    if call == "link":
        return Operation("link", strings[0].decode(), other=strings[1].decode())
    return Operation(_KINDS[call], strings[0].decode(), at=numbers[-1] if call == "ftruncate" else 0)


@dataclass
class _Content:
    """The content of a file, whatever its names are."""

    flushed: bytearray = field(default_factory=bytearray)
    waiting: list[Operation] = field(default_factory=list)

    def flush(self) -> None:
        for operation in self.waiting:
            _do(self.flushed, operation)
        self.waiting.clear()

    def left(self, chance: Random) -> bytes:
        """Return what may be left of it: some of what waits, and of one write perhaps a few sectors."""
        octets = bytearray(self.flushed)
        share = chance.choice((0.0, 0.1, 0.5, 0.9, 1.0))
        for operation in self.waiting:
            if chance.random() >= share:
                continue
            if operation.kind == "write" and chance.random() < 0.2:
                for start in range(0, len(operation.octets), SECTOR):
                    if chance.random() < 0.5:
                        part = operation.octets[start : start + SECTOR]
                        _do(octets, operation._replace(octets=part, at=operation.at + start))
            else:
                _do(octets, operation)
        return bytes(octets)


def _do(octets: bytearray, operation: Operation) -> None:
    if operation.kind == "truncate":
        del octets[operation.at :]
        octets.extend(bytes(operation.at - len(octets)))
        return
    octets.extend(bytes(max(0, operation.at - len(octets))))
    octets[operation.at : operation.at + len(operation.octets)] = operation.octets


class Disk:
    """The files of one folder, while operations are done to them one after the other."""

    def __init__(self, folder: Path, files: Mapping[str, bytes]) -> None:
        self._folder = str(folder)
        self._now = {str(folder / name): _Content(bytearray(octets)) for name, octets in files.items()}
        self._flushed = dict(self._now)
        self._waiting: list[tuple[str, _Content | None]] = []
        """Names that changed since the folder was flushed, in order."""

    def do(self, operation: Operation) -> None:
        """Do one operation."""
        path = operation.path
        match operation.kind:
            case "create":
                if path not in self._now:
                    self._name(path, _Content())
            case "remove":
                self._name(path, None)
            case "link":
                self._name(operation.other, self._now[path])
            case "flush" if path == self._folder:
                self._flushed = dict(self._now)
                self._waiting.clear()
            case "flush":
                self._now[path].flush()
            case "write" | "truncate":
                self._now[path].waiting.append(operation)

    def _name(self, path: str, content: _Content | None) -> None:
        self._waiting.append((path, content))
        if content is None:
            del self._now[path]
        else:
            self._now[path] = content

    def lose_power(self, folder: Path, chance: Random) -> None:
        """Write into a folder what may be left if power goes now; SQLite's shared memory never is."""
        names = dict(self._flushed)
        for path, content in self._waiting[: chance.randint(0, len(self._waiting))]:
            if content is None:
                names.pop(path, None)
            else:
                names[path] = content
        for path, content in names.items():
            if not path.endswith("-shm"):
                (folder / Path(path).name).write_bytes(content.left(chance))

    def leave(self, folder: Path) -> None:
        """Write into a folder what is there while the power stays."""
        for path, content in self._now.items():
            octets = bytearray(content.flushed)
            for operation in content.waiting:
                _do(octets, operation)
            if not path.endswith("-shm"):
                (folder / Path(path).name).write_bytes(octets)
