"""docs/agent.md against a live agent: each recipe runs and its answer has the shape shown; each table is complete."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.agent.events import EventType
from smartcard_dm.agent.problems import ProblemCode
from smartcard_dm.client.answers import error_kind
from smartcard_dm.client.calls import AUTHENTICATIONS
from tests.cli.running import ROOT, SERVER_ID, schema
from tests.cli.trees import new_tree
from tests.client.live import running_agent, socket_folder
from tests.docs.shapes import recipes, shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.docs.shapes import Recipe

PAGE = (ROOT / "docs" / "agent.md").read_text(encoding="utf-8")
USIM = "profile:fixtures/cards/usim.yaml"
CALLS = {"/v1/card", "/v1/accounts", "/v1/account", "/v1/verify", "/v1/apply", "/v1/authenticate", "/v1/secret",
         "/v1/events", "/metrics"}  # fmt: skip


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("page")
    options = ("--tree", new_tree(folder), "--allow-secret-release", SERVER_ID, "--audit", folder / "audit.jsonl")
    with socket_folder() as sockets, running_agent(sockets / "a", USIM, *options):
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        yield {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "AGENT": str(sockets / "a")}


def run(command: str, environment: dict[str, str]) -> str:
    return subprocess.run(
        ["/bin/sh", "-c", command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60
    ).stdout


@pytest.mark.parametrize("recipe", recipes(PAGE), ids=lambda recipe: recipe.command[-60:])
def test_a_recipe_gives_what_is_shown(recipe: Recipe, environment: dict[str, str]) -> None:
    output = run(recipe.command, environment)
    if recipe.kind == "json":
        assert shape(json.loads(output)) == shape(json.loads(recipe.shown))
        return
    if recipe.kind == "":
        assert output.startswith("# HELP smartcard_dm_agent_requests_total ")
        return
    for ours, shown in zip(sse(output), sse(recipe.shown), strict=True):
        assert (ours["event"], shape(json.loads(ours["data"]))) == (shown["event"], shape(json.loads(shown["data"])))


def sse(text: str) -> list[dict[str, str]]:
    blocks = [block.splitlines() for block in text.strip().split("\n\n")]
    events = [dict(line.split(": ", 1) for line in block if not line.startswith(":")) for block in blocks]
    return [event for event in events if "event" in event]


def test_every_call_has_its_recipe() -> None:
    document = json.loads((ROOT / "docs/openapi/agent-v1.json").read_text("utf-8"))
    assert set(document["paths"]) - {"/v1/openapi.json"} == CALLS
    shown = {path for path in CALLS if any(re.search(rf"agent{path}(['?]|$)", each.command) for each in recipes(PAGE))}
    assert shown == CALLS


def rows(title: str) -> list[list[str]]:
    section = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return [
        [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line.startswith("| `")
    ]


def test_every_problem_has_its_row() -> None:
    expected = [
        (each.code, str(int(each.status)), each.title, error_kind(each.code, each.status).__name__)
        for each in ProblemCode
    ]
    found = [tuple(row) for row in rows("Problems") if len(row) == 4]
    assert found == expected


def test_every_event_has_its_row() -> None:
    table = PAGE.partition("| event | what happened")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `([a-z-]+)`", table, re.MULTILINE) == [*(each.value for each in EventType), "gap"]


def test_every_metric_has_its_row(environment: dict[str, str]) -> None:
    said = run('curl -sS --unix-socket "$AGENT" http://agent/metrics', environment)
    told = {name for name in re.findall(r"^# TYPE (\w+) ", said, re.MULTILINE) if not name.endswith("_created")}
    assert {row[0] for row in rows("Metrics and logs")} == told


def test_the_operations_of_the_helper_are_those_of_its_schema() -> None:
    variants = schema("agent-get-request").schema["oneOf"]  # type: ignore[index] # a document of JSON objects
    told = {row[0]: re.findall(r"`(\w+)`", f"`{row[1]}`") for row in rows("One question: the helper")}
    assert told == {
        each["properties"]["operation"]["const"]: [
            name for name in each["properties"] if name not in {"version", "operation"}
        ]
        for each in variants
    }
    assert all(f"`{kind}`" in PAGE for kind in AUTHENTICATIONS)


def test_the_python_example_runs(environment: dict[str, str]) -> None:
    [example] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    # Nothing happens at a virtual card: the example is told to begin at the first event instead.
    assert "after=accounts.provenance.event_id" in example
    code = example.replace("after=accounts.provenance.event_id", 'after="x-0"')
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "True com.example.dms\ngap None\n"
