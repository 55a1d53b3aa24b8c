"""The examples of docs/issuing.md and docs/lint.md run as they stand, and the table of rules is that of the code."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from docs import lint_table
from docs.marked import read_part
from smartcard_dm.dm import ServerId
from smartcard_dm.server import Header, LintPolicy, LintRule, compile_source, lint

ROOT = Path(__file__).parents[2]
ISSUING = (ROOT / "docs" / "issuing.md").read_text("utf-8")
LINT = (ROOT / "docs" / "lint.md").read_text("utf-8")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.DOTALL | re.MULTILINE)


def run(*arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("page", [ISSUING, LINT], ids=["issuing", "lint"])
def test_the_command_lines_run(page: str, tmp_path: Path) -> None:
    console, *_ = blocks(page, "console")
    for line in console.splitlines():
        words = shlex.split(line.removeprefix("$ smartcard-dm "))
        output = run(
            "-m", "smartcard_dm", *(str(tmp_path / word) if word == "message.wbxml" else word for word in words)
        )
        assert "WARNING" not in output


def test_the_way_of_an_encrypted_message_runs(tmp_path: Path) -> None:
    _, console = blocks(ISSUING, "console")
    script = re.sub(r"^\$ ", "", console, flags=re.MULTILINE)
    for name in ("message.wbxml", "device.pem", "device.crt"):
        script = script.replace(f" {name}", f' "$FOLDER"/{name}')
    script = 'smartcard_dm() { "$PYTHON" -m smartcard_dm "$@"; }\n' + script.replace("smartcard-dm ", "smartcard_dm ")
    environment = {**os.environ, "FOLDER": str(tmp_path), "PYTHON": sys.executable}
    done = subprocess.run(
        ["sh", "-eu", "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "2 opened: aes256-gcm" in done.stdout
    assert "AUTHORIZED" in done.stdout


@pytest.mark.parametrize("source", blocks(ISSUING, "yaml"))
def test_the_short_forms_break_no_rule(source: str) -> None:
    server = ServerId("com.example.dms")
    message = compile_source(source.encode(), server, Header()).fill({})
    assert lint(message, server, LintPolicy(strict=True)) == ()


def test_the_python_examples_run() -> None:
    outputs = [run("-c", example) for example in blocks(ISSUING, "python")]
    assert outputs == ["", "('number', 'imei', 'owner')\n474\n473\n"]
    [example] = blocks(LINT, "python")
    assert run("-c", example) == "error lint.acl-missing ./Inbox/internet\n"


def test_the_table_of_rules_is_that_of_the_code() -> None:
    assert lint_table.render() == read_part(lint_table.DOCUMENT.read_text("utf-8"), lint_table.PART)
    assert list(lint_table.TOLD) == [rule.identifier for rule in LintRule]
