"""The clients in C and in shell: built without a warning, run against a live agent."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.cli.running import CARD, COMMANDS, ROOT, SIGNED
from tests.client.agents import http, problem, says, scripted
from tests.client.live import running_agent, socket_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EXAMPLES = ROOT / "examples"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("built") / "agent_client"
    strict = ("-std=c11", "-Wall", "-Wextra", "-Werror", "-O2", "-fsanitize=address,undefined")
    done = subprocess.run(
        ["gcc", *strict, "-o", program, EXAMPLES / "agent_client.c"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return program


@pytest.fixture(params=["c", "sh"])
def program(request: pytest.FixtureRequest, built: Path) -> Path:
    return built if request.param == "c" else EXAMPLES / "agent_client.sh"


@pytest.fixture(scope="module")
def socket() -> Iterator[Path]:
    with socket_folder() as sockets, running_agent(sockets / "agent.sock", CARD):
        yield sockets / "agent.sock"


def ask(program: Path, *arguments: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, *arguments], capture_output=True, text=True, check=False, timeout=60, env=dict(os.environ)
    )


def test_it_lists_the_accounts(program: Path, socket: Path) -> None:
    done = ask(program, socket)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "com.example.dms\ncom.example.backup\n"


def test_it_verifies_a_message(program: Path, socket: Path) -> None:
    done = ask(program, socket, SIGNED)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("authorized: authorized for com.example.dms: ")
    refused = ask(program, socket, COMMANDS)
    assert refused.returncode == 1
    assert refused.stdout.startswith("refused: WBXML header")


def test_it_says_what_is_wrong(program: Path, tmp_path: Path) -> None:
    assert ask(program).returncode == 2
    nobody = ask(program, tmp_path / "nobody")
    assert (nobody.returncode, nobody.stdout) == (3, "")
    assert nobody.stderr
    for answer in (problem("card-absent", 409), b"", http(b"{}", octets=100)):
        with scripted(tmp_path / "a", says(answer)):
            done = ask(program, tmp_path / "a")
        assert (done.returncode, done.stdout) == (3, "")
        assert done.stderr
    with scripted(tmp_path / "a", says(problem("card-absent", 409))):
        assert "a detail" in ask(program, tmp_path / "a").stderr
