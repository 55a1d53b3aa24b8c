"""The agent's socket in the file system: made for its user alone, taken over from the dead, never from the living."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.agent.socket_file import LONGEST_PATH, SocketFile, SocketFileError
from tests.processes import killed_after

if TYPE_CHECKING:
    from pathlib import Path

OWNER_AND_END = """
import os, sys
from pathlib import Path
from smartcard_dm.agent.socket_file import SocketFile
SocketFile(Path(sys.argv[1]))
print("made", flush=True)
os._exit(0) if sys.argv[2] == "die" else sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "agent.sock"


def connects(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def test_folder_and_socket_are_for_one_user(path: Path) -> None:
    before = os.umask(0)
    try:
        with SocketFile(path) as made:
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert connects(path)
            assert not made.socket.get_inheritable()
    finally:
        os.umask(before)
    assert not path.exists()
    assert not connects(path)


def test_a_live_agent_is_left_alone(path: Path) -> None:
    with SocketFile(path):
        with pytest.raises(SocketFileError, match="listens there already"):
            SocketFile(path)
        assert connects(path)


def test_another_program_that_listens_there_is_left_alone(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        path.chmod(0o600)
        other.listen()
        with pytest.raises(SocketFileError, match="listens there already"):
            SocketFile(path)
        assert connects(path)


def test_what_a_dead_agent_left_is_replaced(path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", OWNER_AND_END, str(path), "die"], check=True, capture_output=True)
    assert done.stdout == b"made\n"
    assert path.is_socket()
    assert not connects(path)
    with SocketFile(path):
        assert connects(path)


def test_an_agent_in_another_process_is_left_alone(path: Path) -> None:
    with (
        subprocess.Popen(
            [sys.executable, "-c", OWNER_AND_END, str(path), "stay"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as other,
        killed_after(other),
    ):
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == b"made\n"
        with pytest.raises(SocketFileError, match="listens there already"):
            SocketFile(path)
        other.stdin.close()
        other.wait(20)


@pytest.mark.parametrize("mode", [0o750, 0o705, 0o777, 0o710])
def test_a_folder_that_is_open_is_refused(path: Path, mode: int) -> None:
    path.parent.mkdir()
    path.parent.chmod(mode)
    with pytest.raises(SocketFileError, match=f"wanted mode 0700, found {mode:04o}"):
        SocketFile(path)
    assert list(path.parent.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder of another user; see test_peers.py")
def test_what_belongs_to_somebody_else_is_refused(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
    os.chown(path, 65534, 65534)
    with pytest.raises(SocketFileError, match="uid 65534"):
        SocketFile(path)
    assert path.exists()
    os.chown(path.parent, 65534, 65534)
    with pytest.raises(SocketFileError, match="found one of uid 65534"):
        SocketFile(path)


def test_a_socket_that_is_open_is_refused(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
    path.chmod(0o666)
    with pytest.raises(SocketFileError, match="open to others"):
        SocketFile(path)


def test_something_else_is_not_removed(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    path.write_text("precious")
    with pytest.raises(SocketFileError, match="something else than a socket"):
        SocketFile(path)
    assert path.read_text() == "precious"


def test_a_link_is_not_followed(path: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir(mode=0o700)
    path.parent.symlink_to(tmp_path / "other")
    with pytest.raises(SocketFileError, match="found something else"):
        SocketFile(path)


def test_a_socket_that_was_replaced_is_not_removed(path: Path) -> None:
    with SocketFile(path):
        path.unlink()
        path.write_text("of somebody else")
    assert path.read_text() == "of somebody else"


def test_where_no_socket_can_be(tmp_path: Path) -> None:
    with pytest.raises(SocketFileError, match="No such file"):
        SocketFile(tmp_path / "a" / "b" / "agent.sock")
    with pytest.raises(SocketFileError, match=f"longer than {LONGEST_PATH} octets"):
        SocketFile(tmp_path / (LONGEST_PATH * "a") / "agent.sock")
