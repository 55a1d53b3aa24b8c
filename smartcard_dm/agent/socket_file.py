"""The agent's socket in the file system: where it stands, whose it is, and that there is one agent behind it.

Guarantees: the folder is ours alone (0700), the socket too (0600) from the moment it exists; what belongs to somebody
else, or is open to others, is refused and left as it is; a lock that ends with its process tells a live agent from a
dead one, so that two that start at one time never take each other's socket. What was made is removed at the end.
Leaves to its caller: listening.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

LONGEST_PATH: Final = 107
"""Octets of a Unix socket's path. Source: Linux, unix(7)."""
BACKLOG: Final = 512
"""Connections the kernel holds until the agent takes them; it cuts this to net.core.somaxconn."""

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_PROBE_SECONDS: Final = 2.0


class SocketFileError(Exception):
    """A socket that cannot be made; its text names the path, what is wrong with it and what to do."""


class SocketFile:
    """One listening socket and its file; a context manager.

    Args:
        path: where it is to stand. A folder that is missing is made, its parents are not.

    Raises:
        SocketFileError: it cannot be made there, or an agent listens there already.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if len(os.fsencode(path)) > LONGEST_PATH:
            raise SocketFileError(f"{path}: longer than {LONGEST_PATH} octets; give a shorter path with --socket")
        self._made: tuple[int, int] | None = None
        try:
            _own_folder(path.parent)
            self._lock = _locked(path)
        except OSError as error:
            raise SocketFileError(f"{path}: {error.strerror}; give another path with --socket") from error
        try:
            _clear(path)
            self.socket = self._bound()
        except BaseException as error:
            os.close(self._lock)
            if isinstance(error, OSError):
                raise SocketFileError(f"{path}: {error.strerror}; give another path with --socket") from error
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the file, if it is still the one that was made, and let the next agent in."""
        self.socket.close()
        if self._made is None:
            return
        with suppress(OSError):
            if _identity(self.path) == self._made:
                self.path.unlink()
        # The lock's file stays: removing it would let two agents lock two files of one name.
        self._made = None
        os.close(self._lock)

    def _bound(self) -> socket.socket:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            # The mode of the socket before bind is what its file gets, whatever the umask; nobody can be quicker.
            os.fchmod(made.fileno(), 0o600)
            made.bind(str(self.path))
            self.path.chmod(0o600)
            self._made = _identity(self.path)
            made.listen(BACKLOG)
            made.setblocking(False)
        except BaseException:
            made.close()
            raise
        return made


def _own_folder(folder: Path) -> None:
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.stat(follow_symlinks=False)
    if not stat.S_ISDIR(found.st_mode):
        raise SocketFileError(f"{folder}: wanted a folder, found something else; give another path with --socket")
    if found.st_uid != os.geteuid():
        raise SocketFileError(
            f"{folder}: wanted a folder of uid {os.geteuid()}, found one of uid {found.st_uid}; "
            "give a path in a folder of your own with --socket"
        )
    if found.st_mode & _OTHERS:
        raise SocketFileError(
            f"{folder}: wanted mode 0700, found {stat.S_IMODE(found.st_mode):04o}; "
            "chmod 0700, or give a path in a new folder with --socket"
        )


def _locked(path: Path) -> int:
    """Return the descriptor of the lock; it is held until that is closed.

    Raises:
        SocketFileError: another agent holds it.
        OSError: its file cannot be made.
    """
    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        if error.errno in {errno.EWOULDBLOCK, errno.EACCES}:
            raise _occupied(path) from error
        raise
    return lock


def _clear(path: Path) -> None:
    """Take away what a dead agent left.

    Raises:
        SocketFileError: it is no socket, somebody else's, open to others, or somebody listens behind it.
    """
    try:
        found = path.stat(follow_symlinks=False)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise SocketFileError(f"{path}: something else than a socket is there; give another path with --socket")
    if found.st_uid != os.geteuid():
        raise SocketFileError(f"{path}: a socket of uid {found.st_uid} is there; give another path with --socket")
    if found.st_mode & _OTHERS:
        raise SocketFileError(
            f"{path}: a socket open to others is there (mode {stat.S_IMODE(found.st_mode):04o}), "
            "which no agent made; remove it, or give another path with --socket"
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_PROBE_SECONDS)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except FileNotFoundError:
            return
        except OSError as error:
            raise _occupied(path) from error
    raise _occupied(path)


def _occupied(path: Path) -> SocketFileError:
    return SocketFileError(f"{path}: an agent listens there already; end it, or give another path with --socket")


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat(follow_symlinks=False)
    return found.st_dev, found.st_ino
