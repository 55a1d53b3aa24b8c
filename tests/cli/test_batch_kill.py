"""A batch killed half-way and run again: every target has exactly one message, and each is authorized.

The signatures are RSA-PSS, so a message made twice differs from the first: what was there when the process was killed
has to be there unchanged.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from smartcard_dm.errors import BatchError
from smartcard_dm.server.batch_messages import read_message_line, read_messages
from tests.cli.running import CARD, KEYS, SERVER_ID, environment, run
from tests.server.batches import COMMANDS, PLACES, write_csv

if TYPE_CHECKING:
    from collections.abc import Sequence

COUNT = 2000
_PROGRAM = (sys.executable, "-m", "smartcard_dm")


def command(folder: Path, place: Path, form: str, *more: str) -> list[str]:
    return [
        *_PROGRAM, "issue", str(folder / "commands.xml"), "--server-id", SERVER_ID, "--key", str(KEYS / "dms-rsa.pem"),
        "--algorithm", "rsa-pss-sha256", "--batch", str(folder / "targets.csv"), "-o", str(place),
        "--output-form", form, *more,
    ]  # fmt: skip


def prepare(folder: Path, count: int = COUNT) -> None:
    (folder / "commands.xml").write_bytes(COMMANDS)
    rows = ((f"IMEI:{number:015d}", "Name", f"name {number}") for number in range(count))
    write_csv(folder / "targets.csv", ("target", "node", "value"), rows)


def issued(place: Path, form: str) -> list[bytes]:
    """Return every message that is there, whoever knows of it: all a sender could have taken by now."""
    with suppress(BatchError, OSError):
        if form == "jsonl":
            lines = [read_message_line(line) for line in place.read_bytes().splitlines(keepends=True)]
            return [line.message for line in lines if line is not None]
        return [found.octets for found in read_messages(place) if found.octets is not None]
    return []


def count_issued(place: Path, form: str) -> int:
    if form == "jsonl":
        return place.read_bytes().count(b"\n") if place.exists() else 0
    if form == "files":
        return sum(1 for _ in place.glob("0*.wbxml"))
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{place}?mode=ro", uri=True)) as connection:
        return int(connection.execute("SELECT count(*) FROM message").fetchone()[0])
    return 0


def start(arguments: Sequence[str], stderr: Path | None = None) -> subprocess.Popen[bytes]:
    with (stderr or Path(os.devnull)).open("wb") as stream:
        return subprocess.Popen(
            arguments, env=environment(), stdout=subprocess.DEVNULL, stderr=stream, start_new_session=True
        )


def kill_at(process: subprocess.Popen[bytes], place: Path, form: str, messages: int, delay: float) -> None:
    """Kill the process, and not those it started, when so many messages are there and a moment has passed."""
    end = time.monotonic() + 60
    while process.poll() is None and count_issued(place, form) < messages:
        assert time.monotonic() < end
        time.sleep(0.001)
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.wait()


def of_group(group: int) -> list[str]:
    """Return the processes of a group that are alive."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, its_group = entry.read_text().rpartition(")")[2].split()[:3]
            if int(its_group) == group and state != "Z":
                found.append(entry.parent.name)
    return found


def check_whole(place: Path, form: str, before: list[bytes], count: int = COUNT) -> None:
    messages = issued(place, form)
    assert len(messages) == len(set(messages)) == count
    assert set(before) <= set(messages)
    # Not through `run`: among so many row numbers is one that is a PIN of the fixtures.
    verdicts = subprocess.run(
        [*_PROGRAM, "verify", str(place), "--batch", "--card", CARD, "--json"],
        env=environment(), capture_output=True, check=True,
    )  # fmt: skip
    *lines, counts = [json.loads(line) for line in verdicts.stdout.splitlines()]
    assert counts == {"authorized": count, "refused": 0, "unreadable": 0}
    if form != "files":  # a file says its target in its name only
        assert {line["target"] for line in lines} == {f"IMEI:{number:015d}" for number in range(count)}


@pytest.mark.parametrize("form", PLACES)
def test_a_batch_of_2000_killed_half_way_and_run_again_is_whole(tmp_path: Path, form: str) -> None:
    prepare(tmp_path)
    place = tmp_path / PLACES[form]
    process = start(command(tmp_path, place, form, "--jobs", "2"))
    kill_at(process, place, form, 700, 0.02)
    before = issued(place, form)
    assert process.returncode == -signal.SIGKILL
    assert 700 <= len(before) < COUNT
    end = time.monotonic() + 20
    while of_group(process.pid):
        assert time.monotonic() < end, "a process outlives the one that started it"
        time.sleep(0.05)
    outcome = run(*command(tmp_path, place, form, "--jobs", "1", "--json")[len(_PROGRAM) :])
    assert outcome.json["issued"] + outcome.json["resumed"] == COUNT
    assert outcome.json["failed"] == outcome.json["left"] == 0
    check_whole(place, form, before)


def kill_again_and_again(folder: Path, form: str, seed: int, kills: int, count: int) -> dict[str, Any]:
    choose = random.Random(seed)  # noqa: S311 - moments, no secrets
    place = folder / PLACES[form]
    seen: set[bytes] = set()
    for _ in range(kills):
        there = count_issued(place, form)
        if there == count:
            break
        jobs = choose.choice("12")
        process = start(command(folder, place, form, "--jobs", jobs))
        kill_at(process, place, form, there + choose.randrange(1 + (count - there) // 3), choose.random() * 0.05)
        now = set(issued(place, form))
        assert seen <= now
        seen = now
    outcome = run(*command(folder, place, form, "--json")[len(_PROGRAM) :])
    check_whole(place, form, list(seen), count)
    form_of_report: dict[str, Any] = outcome.json
    return form_of_report


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("form", PLACES)
def test_a_batch_killed_at_any_moments_is_whole_in_the_end(tmp_path: Path, form: str, seed: int) -> None:
    prepare(tmp_path, 4000)
    report = kill_again_and_again(tmp_path, form, seed, 6, 4000)
    assert report["failed"] == 0
    assert report["issued"] + report["resumed"] == 4000


def test_a_run_interrupted_says_nothing_and_is_gone_on_with(tmp_path: Path) -> None:
    prepare(tmp_path)
    place = tmp_path / "out.db"
    stderr = tmp_path / "stderr"
    process = start(command(tmp_path, place, "sqlite", "--jobs", "2"), stderr)
    end = time.monotonic() + 60
    while count_issued(place, "sqlite") < 300:
        assert time.monotonic() < end
        time.sleep(0.001)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait() == 130
    assert stderr.read_bytes() == b""
    before = issued(place, "sqlite")
    run(*command(tmp_path, place, "sqlite", "--jobs", "1")[len(_PROGRAM) :])
    check_whole(place, "sqlite", before)
