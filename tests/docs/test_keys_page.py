"""The command lines and the Python example of docs/keys.md run as they stand, and its options are the command's."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from smartcard_dm.cli.issue import command
from smartcard_dm.tokens.uri import TOKEN_ATTRIBUTES
from tests.cli.running import COMMANDS, SERVER_ID
from tests.tokens.lab import SO_PIN, TOKEN_PIN

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "keys.md").read_text(encoding="utf-8")
PRELUDE = f"""
import os
from pathlib import Path
from smartcard_dm.dm import parse_server_id
from smartcard_dm.server import issue
pin, commands = os.environb[b"PIN"], Path({str(COMMANDS)!r}).read_bytes()
server_id = parse_server_id({SERVER_ID!r})
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Give the environment of an operator with a SoftHSM of his own."""
    (tmp_path / "tokens").mkdir()
    configuration = tmp_path / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {tmp_path / 'tokens'}\nlog.level = ERROR\n")
    secrets = {"SOFTHSM2_CONF": str(configuration), "SO_PIN": SO_PIN, "PIN": TOKEN_PIN}
    return {**os.environ, **secrets, "PYTHONPATH": str(ROOT), "PYTHON": sys.executable}


def test_what_the_page_shows_runs(tmp_path: Path, environment: dict[str, str]) -> None:
    (lines,) = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    script = re.sub(r"^\$ ", "", lines, flags=re.MULTILINE).replace("message.wbxml", str(tmp_path / "message.wbxml"))
    script = 'smartcard_dm() { "$PYTHON" -m smartcard_dm "$@"; }\n' + script.replace("smartcard-dm ", "smartcard_dm ")
    done = subprocess.run(
        ["sh", "-eu", "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "message.wbxml").exists()
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    subprocess.run([sys.executable, "-c", PRELUDE + example], cwd=ROOT, env=environment, check=True)


def test_the_options_and_attributes_of_the_page_are_those_there_are() -> None:
    options = {name for parameter in command.params for name in parameter.opts if name.startswith("--")}
    assert set(re.findall(r"`(--[a-z-]+)", PAGE)) <= options
    of_keys = {name for name in options if re.match("--(key|pin|secret|use)", name)} - {
        "--key-name",
        "--key-transport",
        "--secrets",
    }
    assert [name for name in sorted(of_keys) if f"`{name}" not in PAGE] == []
    wanted = (*TOKEN_ATTRIBUTES, "object", "id", "type", "module-path", "module-name", "pin-source")
    assert [name for name in wanted if f"`{name}`" not in PAGE] == []
