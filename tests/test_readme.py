"""The README's Python example and its command lines run as they stand."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_python_example_runs() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    found = subprocess.run([sys.executable, "-c", example], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout == "com.example.dms ['Replace', 'Add']\n"


def test_the_command_lines_run(tmp_path: Path) -> None:
    blocks = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").replace(" message.wbxml", f" {tmp_path / 'message.wbxml'}")
    lines = lines.replace("t.db", str(tmp_path / "t.db"))
    commands = [shlex.split(line.removeprefix("$ ")) for line in lines.splitlines()]
    assert [command[:2] for command in commands] == [
        ["smartcard-dm", "accounts"],
        ["smartcard-dm", "issue"],
        ["smartcard-dm", "verify"],
        ["smartcard-dm", "tree"],
        ["smartcard-dm", "tree"],
        ["smartcard-dm", "apply"],
    ]
    outputs = [
        subprocess.run(
            [sys.executable, "-m", "smartcard_dm", *command[1:]], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        for command in commands
    ]
    assert "com.example.dms" in outputs[0]
    assert "AUTHORIZED" in outputs[2]
    assert '"status": 200' in outputs[5]
    again = subprocess.run(
        [sys.executable, "-m", "smartcard_dm", *commands[5][1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (again.returncode, '"step": 10' in again.stdout) == (1, True)


def test_the_pipe_of_a_push_runs(tmp_path: Path) -> None:
    (lines,) = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

    def run(script: str) -> subprocess.CompletedProcess[str]:
        script = script.replace("device.db", str(tmp_path / "device.db"))
        return subprocess.run(
            ["bash", "-c", script],
            cwd=ROOT,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )

    done = run(lines)
    assert (done.returncode, "1 received: 1 authorized, 0 refused" in done.stdout) == (0, True), done.stderr
    _, _, pipe = lines.partition("device.db\n")
    other = run(pipe.replace("IMSI=001010123456789", "IMSI=001010123456780"))
    assert (other.returncode, "step 9 by transport.wap.mac" in other.stdout) == (1, True), other.stderr
