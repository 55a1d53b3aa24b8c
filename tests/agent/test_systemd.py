"""Socket activation and notices of state, with real sockets and a real process."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from smartcard_dm.agent.systemd import ActivationError, activated_socket, notify
from tests.agent.serving import ROOT, USIM, connected
from tests.processes import killed_after

if TYPE_CHECKING:
    from collections.abc import Iterator

UNITS: Final = ROOT / "docs" / "systemd"
WAIT_SECONDS: Final = 30.0
AGENT: Final = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.executable, [sys.executable, "-m", "smartcard_dm", "agent", "serve", *sys.argv[2:]])
"""


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as made:
        made.bind(str(tmp_path / "passed.sock"))
        made.listen()
        yield made


def passed(kind: socket.socket | int | None, *names: str) -> str:
    """Return what a fresh process finds when a descriptor is passed to it as a service manager does."""
    code = """
import os, sys
given = int(sys.argv[1])
if given >= 0:
    os.dup2(given, 3)
os.environ.update(each.split("=", 1) for each in sys.argv[2:])
if os.environ.get("LISTEN_PID") == "self":
    os.environ["LISTEN_PID"] = str(os.getpid())
from smartcard_dm.agent.systemd import ActivationError, activated_socket
try:
    found = activated_socket(os.environ)
except ActivationError as error:
    print("refused:", error)
else:
    print("none" if found is None else f"taken {found.getsockname()} {found.get_inheritable()}")
print("left", sorted(name for name in os.environ if name.startswith("LISTEN")))
"""
    number = -1 if kind is None else kind if isinstance(kind, int) else kind.fileno()
    done = subprocess.run(
        [sys.executable, "-c", code, str(number), *names],
        pass_fds=() if number < 0 else (number,),
        capture_output=True,
        text=True,
        check=True,
        timeout=WAIT_SECONDS,
        cwd=ROOT,
    )
    return done.stdout


def test_a_socket_that_was_passed_is_taken(listening: socket.socket) -> None:
    found = passed(listening, "LISTEN_PID=self", "LISTEN_FDS=1", "LISTEN_FDNAMES=agent")
    assert found == f"taken {listening.getsockname()} False\nleft []\n"


def test_a_socket_for_another_process_is_not_taken(listening: socket.socket) -> None:
    assert passed(listening, "LISTEN_PID=1", "LISTEN_FDS=1") == "none\nleft []\n"
    assert passed(listening, "LISTEN_FDS=1") == "none\nleft []\n"
    assert passed(listening) == "none\nleft []\n"


@pytest.mark.parametrize("count", ["0", "2", "x", ""])
def test_one_socket_is_wanted(listening: socket.socket, count: str) -> None:
    assert "wanted 1 socket" in passed(listening, "LISTEN_PID=self", f"LISTEN_FDS={count}")


def test_what_is_no_listening_unix_socket_is_refused(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as idle:
        assert "wanted a listening socket" in passed(idle, "LISTEN_PID=self", "LISTEN_FDS=1")
    with socket.socket(socket.AF_INET) as internet:
        assert "wanted a Unix stream socket, found AF_INET" in passed(internet, "LISTEN_PID=self", "LISTEN_FDS=1")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams:
        assert "wanted a Unix stream socket" in passed(datagrams, "LISTEN_PID=self", "LISTEN_FDS=1")
    with (tmp_path / "file").open("wb") as file:
        assert "wanted a socket" in passed(file.fileno(), "LISTEN_PID=self", "LISTEN_FDS=1")
    assert "wanted a socket" in passed(None, "LISTEN_PID=self", "LISTEN_FDS=1")


@pytest.mark.parametrize("abstract", [False, True])
def test_a_notice_arrives(tmp_path: Path, *, abstract: bool) -> None:
    name = f"@agent-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + name[1:] if abstract else name)
        manager.settimeout(WAIT_SECONDS)
        assert notify({"NOTIFY_SOCKET": name}, "READY=1", "STATUS=two\nlines")
        assert manager.recv(1000) == b"READY=1\nSTATUS=two lines"


def test_nobody_to_notify_is_no_fault(tmp_path: Path) -> None:
    for name in ({}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "relative"}, {"NOTIFY_SOCKET": str(tmp_path / "gone")}):
        assert not notify(name, "READY=1")


def test_an_environment_without_activation() -> None:
    assert activated_socket({}) is None
    assert issubclass(ActivationError, ValueError)


def test_the_agent_runs_under_a_service_manager(listening: socket.socket, tmp_path: Path) -> None:
    """Started with a socket, it says that it is ready, serves on it, says that it ends, and leaves the socket there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(WAIT_SECONDS)
        environment = {
            **os.environ,
            "LISTEN_FDS": "1",
            "NOTIFY_SOCKET": str(tmp_path / "notify"),
            "PYTHONPATH": str(ROOT),
        }
        with (
            subprocess.Popen(
                [sys.executable, "-c", AGENT, str(listening.fileno()), "--card", USIM],
                pass_fds=(listening.fileno(),),
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            ) as agent,
            killed_after(agent),
        ):
            notices = [manager.recv(1000)]
            while b"READY=1" not in notices[-1]:
                notices.append(manager.recv(1000))
            assert notices[-1] == b"READY=1\nSTATUS=card present, 2 accounts"
            with connected(Path(listening.getsockname()), WAIT_SECONDS) as client:
                client.sendall(b"GET /v1/card HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                assert client.recv(20).startswith(b"HTTP/1.1 200 ")
            agent.send_signal(signal.SIGTERM)
            while b"STOPPING=1" not in notices[-1]:
                notices.append(manager.recv(1000))
            out, err = agent.communicate(timeout=WAIT_SECONDS)
            assert agent.returncode == 0, err
            assert out.decode().startswith("listening on the socket that was passed")
    assert Path(listening.getsockname()).is_socket()


def test_the_units_are_good() -> None:
    program = shutil.which("systemd-analyze")
    assert program is not None, "install the Debian package systemd"
    done = subprocess.run(
        [
            program,
            "verify",
            "--man=no",
            str(UNITS / "smartcard-dm-agent.socket"),
            str(UNITS / "smartcard-dm-agent.service"),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    wrong = [line for line in (done.stdout + done.stderr).splitlines() if "smartcard-dm-agent" in line]
    # The program need not be installed where the tests run.
    assert [line for line in wrong if "is not executable" not in line] == []
