"""Who may talk to the agent, with a real second user.

As root, the second user is a process that gives its rights away. Anybody else runs the same tests as root of a user
namespace that has a range of users (`unshare --map-auto`, Debian package uidmap): there they are as real.
"""

from __future__ import annotations

import grp
import json
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from smartcard_dm.agent.peers import AllowedPeers, Peer, allowed_peers, peer_of
from tests.agent.moved import MovedSource
from tests.agent.serving import ROOT, USIM, ServedAgent

if TYPE_CHECKING:
    from collections.abc import Iterator

IS_ROOT: Final = os.geteuid() == 0
OTHER_UID: Final = 65534
OTHER_GID: Final = 65534
SCRIPT: Final = Path(__file__).parent / "second_user.py"

as_root = pytest.mark.skipif(not IS_ROOT, reason="runs inside test_the_second_user_in_a_namespace")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user may enter: pytest's own is for one user."""
    made = Path(tempfile.mkdtemp(prefix="agent-peers-", dir="/tmp"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def open_socket(folder: Path) -> socket.socket:
    """Return a listening socket that every user may connect to, as a service manager might pass one."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.bind(str(folder / "open.sock"))
    (folder / "open.sock").chmod(0o666)
    made.listen()
    made.setblocking(False)
    return made


def ask_as(uid: int, gid: int, path: Path, *groups: int) -> dict[str, Any]:
    script = path.parent / "second_user.py"
    shutil.copyfile(SCRIPT, script)
    script.chmod(0o644)
    done = subprocess.run(
        [
            "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable,
            "-I",
            str(script),
            str(uid),
            str(gid),
            str(path),
            *([",".join(map(str, groups))] if groups else []),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd="/",
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["uid"] == uid
    return found


@as_root
def test_another_user_is_refused_before_anything_is_read(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="smartcard_dm.agent")
    with ServedAgent(MovedSource(USIM), folder, listening=open_socket(folder)) as agent:
        found = ask_as(OTHER_UID, OTHER_GID, folder / "open.sock")
        assert found["connect"] is None
        assert found["answer"] == ""
        agent.counts("connections_closed_total", 1, reason="peer")
        assert agent.metrics.registry.get_sample_value("smartcard_dm_agent_requests_total") is None
        own = ask_as(os.geteuid(), os.getegid(), folder / "open.sock")
        assert own["answer"].startswith("HTTP/1.1 200 ")
    refused = [record for record in caplog.records if record.getMessage() == "peer-refused"]
    assert [record.__dict__["smartcard_dm_fields"]["uid"] for record in refused] == [OTHER_UID]


@as_root
@pytest.mark.parametrize(
    "allowed",
    [
        AllowedPeers(frozenset({0, OTHER_UID})),
        AllowedPeers(frozenset({0}), frozenset({OTHER_GID})),
    ],
)
def test_a_user_or_group_on_the_list_is_listened_to(folder: Path, allowed: AllowedPeers) -> None:
    with ServedAgent(MovedSource(USIM), folder, listening=open_socket(folder), allowed=allowed):
        assert ask_as(OTHER_UID, OTHER_GID, folder / "open.sock")["answer"].startswith("HTTP/1.1 200 ")


@as_root
def test_a_member_of_a_group_on_the_list_is_listened_to(folder: Path) -> None:
    allowed = AllowedPeers(frozenset({0}), frozenset({OTHER_GID}))
    with ServedAgent(MovedSource(USIM), folder, listening=open_socket(folder), allowed=allowed):
        member = ask_as(OTHER_UID, 1, folder / "open.sock", 2, OTHER_GID)
        assert member["answer"].startswith("HTTP/1.1 200 ")
        assert ask_as(OTHER_UID, 1, folder / "open.sock", 2, 3)["answer"] == ""


@as_root
def test_another_user_does_not_even_reach_the_agents_own_socket(folder: Path) -> None:
    with ServedAgent(MovedSource(USIM), folder) as agent:
        (folder / "run").chmod(0o755)  # the folder's mode alone is not what it rests on
        shutil.copyfile(SCRIPT, folder / "second_user.py")
        assert ask_as(OTHER_UID, OTHER_GID, agent.path)["connect"] == "PermissionError"


if not IS_ROOT:  # root has a second user without a namespace

    def test_the_second_user_in_a_namespace() -> None:
        command = ["unshare", "--user", "--map-auto", "--map-root-user", sys.executable, "-m", "pytest", "-q", "-x"]
        done = subprocess.run(
            [*command, "-p", "no:cacheprovider", str(Path(__file__))],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        assert "skipped" not in done.stdout.splitlines()[-1]


# The list ------------------------------------------------------------------------------------------------------------


def test_a_list_names_numbers_and_names() -> None:
    own, group = pwd.getpwuid(0).pw_name, grp.getgrgid(0).gr_name
    assert allowed_peers(["7", own], ["9", group], 5) == AllowedPeers(frozenset({0, 5, 7}), frozenset({0, 9}))
    assert allowed_peers([], [], 5) == AllowedPeers(frozenset({5}))


@pytest.mark.parametrize("name", ["nobody-of-this-name", "", "-1", "4294967295", "1.0", "\u0663"])
def test_a_list_names_who_exists(name: str) -> None:
    with pytest.raises(ValueError, match="user"):
        allowed_peers([name], [], 0)
    with pytest.raises(ValueError, match="group"):
        allowed_peers([], [name], 0)


def test_nobody_is_on_an_empty_list() -> None:
    nobody = AllowedPeers(frozenset())
    assert not nobody.allows(Peer(1, 0, 0))
    assert not nobody.allows(None)
    assert not AllowedPeers(frozenset({0})).allows(None)


def test_the_kernel_says_who_is_there() -> None:
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with left, right:
        assert peer_of(left) == Peer(os.getpid(), os.geteuid(), os.getegid(), frozenset(os.getgroups()))
    with socket.socket(socket.AF_INET) as other:
        assert peer_of(other) is None
    with socket.socket(socket.AF_UNIX) as alone:
        assert peer_of(alone) is None
