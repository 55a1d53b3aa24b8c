"""`agent watch`: events as they come, over restarts, in 80 columns, until a signal."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.personalise import GENERATORS
from tests.cli.running import CARD, ROOT, check_layout, error_of, run, schema
from tests.client.agents import EPOCH, STREAM, event, says, scripted, sse
from tests.client.live import SECONDS, running_agent, socket_folder
from vendor_pcsc.virtual import VirtualCard, load_profile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vendor_pcsc.virtual.lab import PcscLab

ICCID = "8988211000000430010"
SERVERS = ["com.example.dms", "com.example.backup"]


@contextmanager
def watching(socket: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "smartcard_dm", "agent", "watch", "--socket", str(socket), *options]
    with subprocess.Popen(
        command, cwd=ROOT, env=dict(os.environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def next_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_what_was_missed_is_told() -> None:
    with socket_folder() as sockets, running_agent(sockets / "a", CARD):
        with watching(sockets / "a", "--after", "x-0", "--count", "1") as gap:
            text, errors = gap.communicate(timeout=SECONDS)
        epoch = re.findall(r" (\w+)-\d+ gap\n", text)[0]
        outcome = run("agent", "watch", "--socket", sockets / "a", "--after", f"{epoch}-0", "--count", "3")
    assert (gap.returncode, errors) == (0, "")
    assert text.splitlines()[1:] == ["  reason unknown-epoch"]
    check_layout(outcome.stdout)
    kinds = [(line.split()[2], line.split()[3]) for line in outcome.stdout.splitlines() if line[0] != " "]
    assert kinds == [("card-inserted", ICCID), *(("account-added", each) for each in SERVERS)]


def test_json_lines_keep_to_their_schema(tmp_path: Path) -> None:
    told = event(9, "account-changed", subject="com.example.dms", data={"changed": ["auth", "name"]})
    with scripted(tmp_path / "a", says(STREAM + sse(told, event(10)))):
        arguments = ("agent", "watch", "--socket", tmp_path / "a", "--after", f"{EPOCH}-8", "--count")
        outcome = run(*arguments, "2", "--json")
        text = run(*arguments, "1")
    lines = [json.loads(line) for line in outcome.stdout.splitlines()]
    for each in lines:
        schema("agent-event").validate(each)
    assert lines[0] == {name: value for name, value in told.items() if name != "provenance"}
    assert text.stdout == f"2026-01-01T00:00:00Z {EPOCH}-9 account-changed com.example.dms\n  changed auth, name\n"


def test_it_begins_with_what_is_there() -> None:
    with socket_folder() as sockets, running_agent(sockets / "a", CARD):
        with watching(sockets / "a") as text:
            head, more = next_line(text), next_line(text)
            text.send_signal(signal.SIGINT)
            assert text.communicate(timeout=SECONDS) == ("", "")
        with watching(sockets / "a", "--json") as lines:
            form = json.loads(next_line(lines))
            lines.send_signal(signal.SIGTERM)
            assert lines.communicate(timeout=SECONDS) == ("", "")
    check_layout(head + more)
    schema("agent-event").validate(form)
    assert head == f"{form['at']} {form['id']} now {ICCID}\n"
    assert more == f"  state present; accounts {', '.join(SERVERS)}\n"
    assert form["id"].endswith("-3")
    assert (form["kind"], form["subject"]) == ("now", ICCID)
    assert form["data"] == {"state": "present", "accounts": SERVERS}


def test_it_begins_with_an_absent_card(lab: PcscLab) -> None:
    with (
        socket_folder() as sockets,
        running_agent(sockets / "a", f"pcsc:{lab.readers[0]}"),
        watching(sockets / "a", "--json", "--count", "1") as process,
    ):
        first = json.loads(next_line(process))
        lab.put(usim())
        second = json.loads(next_line(process))
        assert process.wait(SECONDS) == 0
    schema("agent-event").validate(first)
    assert (first["kind"], first["subject"], first["data"]["state"]) == ("now", None, "absent")
    assert first["data"]["reason"]
    assert (second["kind"], second["subject"]) == ("card-inserted", ICCID)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_goes_on_over_a_restart_and_ends_at_a_signal(number: signal.Signals) -> None:
    with socket_folder() as sockets, ExitStack() as stack:
        with running_agent(sockets / "a", CARD):
            process = stack.enter_context(watching(sockets / "a", "--after", "x-0"))
            first, _ = next_line(process), next_line(process)
        with running_agent(sockets / "a", CARD):
            second, _ = next_line(process), next_line(process)
            process.send_signal(number)
            assert process.communicate(timeout=SECONDS) == ("", "")
    assert process.returncode == 0
    assert [line.split()[2] for line in (first, second)] == ["gap", "gap"]
    assert first.split()[1] != second.split()[1]


def test_no_agent_is_one_line(tmp_path: Path) -> None:
    assert run("agent", "watch", "--socket", tmp_path / "a").code == 3
    found = error_of(run("agent", "watch", "--socket", tmp_path / "a", "--json"))
    assert found["kind"] == "AgentUnreachableError"


@pytest.mark.parametrize("after", ["", "a" * 65, "a\nb", "ä"])
def test_an_id_that_is_none(after: str) -> None:
    assert run("agent", "watch", "--after", after).code == 2


def usim() -> VirtualCard:
    return VirtualCard(load_profile(ROOT / "fixtures/cards/usim.yaml", generators=GENERATORS))


def test_a_card_that_leaves_its_reader(lab: PcscLab) -> None:
    reader = lab.put(usim())
    with socket_folder() as sockets:
        socket = sockets / "a"
        with running_agent(socket, f"pcsc:{reader}"), watching(socket, "--json", "--after", "x-0") as process:
            assert json.loads(next_line(process))["kind"] == "gap"
            request = b'{"version": 1, "operation": "list"}'
            assert run("agent", "get", "--socket", socket, stdin=request).code == 0
            lab.remove()
            left = [json.loads(next_line(process)) for _ in range(3)]
            refused = run("agent", "get", "--socket", socket, stdin=request)
            lab.put(usim())
            came = [json.loads(next_line(process)) for _ in range(3)]
            process.send_signal(signal.SIGTERM)
            assert process.wait(SECONDS) == 0
    gone = [("account-removed", each) for each in SERVERS]
    assert [(each["kind"], each["subject"]) for each in left] == [("card-removed", ICCID), *gone]
    assert (refused.code, refused.json["error"]["code"]) == (3, "card-absent")
    back = [("account-added", each) for each in SERVERS]
    assert [(each["kind"], each["subject"]) for each in came] == [("card-inserted", ICCID), *back]
    assert came[0]["generation"] > left[0]["generation"]
