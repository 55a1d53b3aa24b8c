"""The walks of docs/architecture.md: every stop exists, and is really met, once, in this order."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs.marked import read_part

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/architecture.md").read_text("utf-8")
CARD = "profile:fixtures/cards/usim.yaml"
WALKS = {
    "walk accounts": ["accounts", "--card", CARD],
    "walk verify": ["verify", "fixtures/messages/signed.wbxml", "--card", CARD],
}
Stop = tuple[str, str]


def stops(walk: str) -> list[Stop]:
    rows = re.findall(r"^\| `([^`]+\.py)` \| `([^`]+)` \|", read_part(PAGE, walk), re.MULTILINE)
    assert len(rows) == read_part(PAGE, walk).count("\n") - 1, "a row without file and function"
    return rows


def functions(path: Path) -> set[str]:
    found: set[str] = set()

    def visit(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                found.add(prefix + child.name)
                visit(child, f"{prefix}{child.name}.")

    visit(ast.parse(path.read_text("utf-8")), "")
    return found


def first_calls(arguments: list[str]) -> list[Stop]:
    """Return the functions a command line calls, in the order of their first call, in a process without memory."""
    command = [sys.executable, str(Path(__file__).with_name("calls.py")), *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [(file, function) for file, function in json.loads(done.stdout.splitlines()[-1])]


@pytest.mark.parametrize("walk", WALKS)
def test_every_stop_exists_and_stands_once(walk: str) -> None:
    rows = stops(walk)
    assert len(set(rows)) == len(rows)
    for file, function in rows:
        assert function in functions(ROOT / file), f"{file} has no {function}"


def test_no_stop_of_the_second_walk_was_met_in_the_first() -> None:
    assert not set(stops("walk accounts")) & set(stops("walk verify"))


@pytest.mark.parametrize("walk", WALKS)
def test_the_stops_are_met_in_this_order(walk: str) -> None:
    met = first_calls(WALKS[walk])
    rows = stops(walk)
    assert [row for row in rows if row not in met] == []
    assert rows == sorted(rows, key=met.index)


def test_every_room_of_the_floors_table_exists() -> None:
    table = PAGE.partition("## Floors")[2].partition("\n\nF0 to F3")[0]
    rooms = [re.findall(r"`([^`]+)`", line.split("|")[2]) for line in table.splitlines() if line.startswith("| ")][1:]
    named = [room for row in rooms for room in row if "/" in room]
    assert named
    assert [room for room in named if not (ROOT / room).exists()] == []
    folders = {path.name for path in (ROOT / "smartcard_dm").iterdir() if (path / "__init__.py").exists()}
    written = {room.split("/")[1] for room in named if room.startswith("smartcard_dm/")} | {"report"}
    assert folders <= written
