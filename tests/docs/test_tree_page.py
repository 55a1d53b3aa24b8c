"""The command lines and the Python example of docs/tree.md run as they stand."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tree.md").read_text(encoding="utf-8")


def test_the_command_lines_run(tmp_path: Path) -> None:
    [console] = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    outputs: dict[str, str] = {}
    for line in console.splitlines():
        words = shlex.split(line.removeprefix("$ smartcard-dm "))
        arguments = [str(tmp_path / word) if word in {"t.db", "nap.xml"} else word for word in words]
        done = subprocess.run(
            [sys.executable, "-m", "smartcard_dm", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
        )
        outputs[" ".join(words[:3])] = done.stdout
    assert outputs["tree get ./DMAcc/dms/Name"] == "Example DM, moved to the new platform\n"
    assert outputs["tree audit --tree"].count("apply") == 1
    assert len(outputs) == 8


def test_the_python_example_runs() -> None:
    [example] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    done = subprocess.run([sys.executable, "-c", example], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[('./DMAcc/dms/Name', 200), ('./Inbox', 200)] 6\n"
