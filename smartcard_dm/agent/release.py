"""For which accounts the agent gives away what it otherwise keeps inside, and the record of each time it did.

Guarantees: nothing is released that was not recorded first, on disk; a refusal is recorded too; a record holds who
asked, for what and when, never a secret. An empty list releases nothing. Leaves to its caller: asking.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from smartcard_dm.agent.peers import Peer
    from smartcard_dm.dm import ServerId
    from smartcard_dm.tree import DeviceTree

ALL: Final = "all"
"""The word of a command line that stands for every account."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """Accounts that something is allowed for."""

    server_ids: frozenset[str] = frozenset()
    everyone: bool = False

    @classmethod
    def named(cls, names: Iterable[str]) -> Allowed:
        """Return the list that a command line names; `all` stands for every account."""
        given = frozenset(names)
        return cls(given - {ALL}, ALL in given)

    def __bool__(self) -> bool:
        return self.everyone or bool(self.server_ids)

    def allows(self, server_id: ServerId) -> bool:
        """Whether an account is on the list."""
        return self.everyone or str(server_id) in self.server_ids


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks."""

    request_id: str
    """The request, as the log names it too."""
    peer: Peer | None = None
    """The process; None when it is this one."""


@dataclass(frozen=True, slots=True)
class Release:
    """One thing that was asked for."""

    action: str
    """`secret-released`, `secret-refused`, `basic-released` or `basic-refused`."""
    server_id: ServerId
    level: str
    caller: Caller
    generation: int
    card: str | None
    purpose: str | None = None


class ReleaseAudit(Protocol):
    """Where releases are recorded."""

    def record(self, at: datetime, release: Release) -> None:
        """Record one, and return when it will survive a loss of power.

        Raises:
            OSError, TreeError: it could not be recorded.
        """

    def close(self) -> None:
        """Let go of what it is written to."""


class AuditFile:
    """Releases as JSON Lines, each on disk before it takes effect.

    A file that was renamed or deleted meanwhile is made anew: what is recorded is always behind the name. A line that
    was cut, because the disk was full, costs no other one.

    Args:
        path: a regular file; it is made with mode 0600 when it is not there, and only ever appended to.

    Raises:
        OSError: it cannot be opened, or is none.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = _opened(path)
        self._lock = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def record(self, at: datetime, release: Release) -> None:
        """Append one line."""
        line = json.dumps({"at": at.isoformat(), **release_form(release)}, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            if not self._is_behind_its_name():
                renewed = _opened(self._path)
                os.close(self._file)
                self._file = renewed
            if _is_cut(self._file):
                line = b"\n" + line
            if os.write(self._file, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(self._file)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _is_behind_its_name(self) -> bool:
        held = os.fstat(self._file)
        try:
            there = self._path.stat(follow_symlinks=False)
        except FileNotFoundError:
            return False
        return (there.st_dev, there.st_ino) == (held.st_dev, held.st_ino)


def _opened(path: Path) -> int:
    # Not waiting for whoever may read a pipe; it is refused below, as nothing of it would be on disk.
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    file = os.open(path, flags, 0o600)
    try:
        _check(file)
        _keep_name(path)
    except BaseException:
        os.close(file)
        raise
    return file


def _check(file: int) -> None:
    if not stat.S_ISREG(os.fstat(file).st_mode):
        raise OSError(errno.EINVAL, "it is no regular file")


def _keep_name(path: Path) -> None:
    """Have the name of a new file on disk."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _is_cut(file: int) -> bool:
    """Whether the last line has no end."""
    size = os.fstat(file).st_size
    return size > 0 and os.pread(file, 1, size - 1) != b"\n"


class TreeAudit:
    """Releases as rows of a tree's audit."""

    def __init__(self, tree: DeviceTree) -> None:
        self._tree = tree

    def record(self, at: datetime, release: Release) -> None:
        """Add one row."""
        self._tree.note(at, "release", str(release.server_id), {"release": release_form(release)})

    def close(self) -> None:
        """Do nothing: the tree is closed by whoever opened it."""


def release_form(release: Release) -> dict[str, object]:
    """Return what is recorded of a release."""
    peer = release.caller.peer
    return {
        "action": release.action,
        "server_id": str(release.server_id),
        "level": release.level,
        "purpose": release.purpose,
        "request_id": release.caller.request_id,
        "pid": None if peer is None else peer.pid,
        "uid": None if peer is None else peer.uid,
        "gid": None if peer is None else peer.gid,
        "generation": release.generation,
        "card": release.card,
    }
