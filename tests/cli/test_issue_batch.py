from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.cli import crews, issue_batch, progress
from smartcard_dm.server.batch_messages import read_messages
from smartcard_dm.server.batch_records import Problem
from tests.cli.running import CARD, KEYS, SERVER_ID, SHARED_SECRET, Outcome, error_of, run, schema
from tests.materials import ec_private, private_pem
from tests.server.batches import COMMANDS, PLACES, targets_file, write_csv

if TYPE_CHECKING:
    from pathlib import Path

RSA = ("--key", str(KEYS / "dms-rsa.pem"))


def lines_of(outcome: Outcome) -> list[str]:
    lines = outcome.stderr.splitlines()
    assert all(line.startswith("smartcard-dm: ") for line in lines)
    return [line.removeprefix("smartcard-dm: ") for line in lines]


def issue(folder: Path, targets: Path, *options: str | Path, commands: bytes = COMMANDS) -> tuple[str | Path, ...]:
    path = folder / "commands.xml"
    path.write_bytes(commands)
    return ("issue", path, "--server-id", SERVER_ID, "--batch", targets, *options)


@pytest.mark.parametrize("form", PLACES)
def test_every_target_gets_a_message_that_is_authorized(tmp_path: Path, form: str) -> None:
    place = tmp_path / PLACES[form]
    outcome = run(*issue(tmp_path, targets_file(tmp_path, 30), *RSA, "-o", place, "--json"))
    schema("issue-batch").validate(outcome.json)
    number = outcome.json.pop("batch")
    assert number.isdigit()
    assert outcome.json | {"batch": number} == {
        "output": str(place), "form": form, "batch": number, "server_id": SERVER_ID, "algorithm": "rsa-sha256",
        "issued": 30, "resumed": 0, "failed": 0, "left": 0, "stopped": None,
    }  # fmt: skip
    verdicts = run("verify", place, "--batch", "--card", CARD)
    assert verdicts.stdout.splitlines()[-1] == "30 messages: 30 authorized, 0 refused, 0 unreadable"


def test_its_report_is_a_sentence_and_says_what_was_there(tmp_path: Path) -> None:
    path, place = targets_file(tmp_path, 3), tmp_path / "out.db"
    first = run(*issue(tmp_path, path, *RSA, "-o", place))
    number = first.stdout.split("batch ")[1].strip()
    assert first.stdout == f"{place}: 3 messages from {SERVER_ID}, signed with rsa-sha256, batch {number}\n"
    again = run(*issue(tmp_path, path, *RSA, "-o", place))
    there = f"batch {number}, 3 were there already"
    assert again.stdout == f"{place}: 0 messages from {SERVER_ID}, signed with rsa-sha256, {there}\n"


def test_a_secret_stays_in_its_environment(tmp_path: Path) -> None:
    place = tmp_path / "out.db"
    env = {"DMS": SHARED_SECRET}
    arguments = issue(tmp_path, targets_file(tmp_path, 600), "--secret-env", "DMS", "-o", place, "--jobs", "2")
    assert run(*arguments, env=env).code == 0
    assert SHARED_SECRET.encode() not in place.read_bytes()
    assert len(list(read_messages(place))) == 600


def bad_targets(folder: Path) -> Path:
    path = folder / "targets.jsonl"
    lines = [
        '{"target": "one", "node": "n", "value": "hidden"}',
        '{"target": "two", "node": "n", "value": "hidden"',
        '{"target": "three", "node": "n/o", "value": "hidden"}',
        '{"target": "one", "node": "n", "value": "hidden"}',
        '{"target": "five", "node": "n"}',
        '{"target": "six", "node": "n", "value": "hidden", "colour": "hidden"}',
        '{"target": "seven", "node": "n", "value": "hidden"}',
    ]
    path.write_text("\n".join(lines))
    return path


def test_each_target_without_a_message_is_told_and_the_rest_is_done(tmp_path: Path) -> None:
    path, place, errors = bad_targets(tmp_path), tmp_path / "out.db", tmp_path / "errors.jsonl"
    outcome = run(*issue(tmp_path, path, *RSA, "-o", place, "--errors", errors, "--json"))
    assert outcome.code == 4
    schema("issue-batch").validate(outcome.json)
    assert (outcome.json["issued"], outcome.json["failed"]) == (2, 5)
    forms = [json.loads(line) for line in errors.read_text().splitlines()]
    for form in forms:
        schema("issue-batch-error").validate(form)
    assert [(form["row"], form["line"], form["target"], form["problem"]) for form in forms] == [
        (2, 2, None, Problem.LINE.value),
        (3, 3, "three", Problem.MESSAGE.value),
        (4, 4, "one", Problem.DUPLICATE.value),
        (5, 5, "five", Problem.VARIABLE.value),
        (6, 6, "six", Problem.COLUMN.value),
    ]
    lines = lines_of(outcome)
    assert lines[0] == (f"{path}, line 2: not JSON at character 48; correct the line and issue it in another batch")
    advice = "one message is enough, or issue the other in another batch"
    assert lines[2] == f"{path}, line 4 (one): row 1 is for the same target; {advice}"
    assert len(lines) == 5
    assert "hidden" not in outcome.stderr + outcome.stdout + errors.read_text()


def test_a_broken_line_37000_is_one_line_and_the_rest_is_done(tmp_path: Path) -> None:
    rows = [f"t{number},n,v" for number in range(2, 37_101)]
    rows[36_998] = 't37000,n,"v'
    path = tmp_path / "targets.csv"
    path.write_text("\n".join(["target,node,value", *rows]))
    env = {"DMS": SHARED_SECRET}
    place = tmp_path / "out.db"
    outcome = run(*issue(tmp_path, path, "--secret-env", "DMS", "-o", place), env=env)
    assert outcome.code == 4
    assert outcome.line == (
        f"smartcard-dm: {path}, line 37000: a quote is opened and not closed; "
        "correct the line and issue it in another batch"
    )
    assert f"{place}: 37098 messages" in outcome.stdout


def test_many_targets_without_a_message_are_summed_up(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "t.csv", ("target", "node", "value"), [(f"t{number}", "a/b", "v") for number in range(50)]
    )
    outcome = run(*issue(tmp_path, path, *RSA, "-o", tmp_path / "out.db"))
    assert outcome.code == 4
    assert len(lines_of(outcome)) == issue_batch._SHOWN + 1
    assert lines_of(outcome)[-1] == f"{path}: 50 targets have no message; --errors FILE lists all"


def test_it_stops_where_that_is_wanted(tmp_path: Path) -> None:
    outcome = run(
        *issue(tmp_path, bad_targets(tmp_path), *RSA, "-o", tmp_path / "o.db", "--on-error", "stop", "--json")
    )
    assert outcome.code == 4
    assert (outcome.json["issued"], outcome.json["failed"], outcome.json["left"]) == (1, 1, 5)
    assert lines_of(outcome)[1].endswith("stopped there, 5 targets are left; run this again to go on")


def test_a_key_that_stops_signing_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from smartcard_dm.errors import KeyMaterialError  # noqa: PLC0415 - one use
    from smartcard_dm.xmlsec import PrivateSigningKey  # noqa: PLC0415 - same

    real, left = PrivateSigningKey.sign, iter(range(5))

    def sign(self: PrivateSigningKey, *arguments: object) -> bytes:
        if next(left, None) is None:
            raise KeyMaterialError("the token was removed")
        return real(self, *arguments)  # type: ignore[arg-type] # as they came

    path, place = targets_file(tmp_path, 9), tmp_path / "out.db"
    with monkeypatch.context() as patched:
        patched.setattr(PrivateSigningKey, "sign", sign)
        outcome = run(*issue(tmp_path, path, *RSA, "-o", place, "--json"))
    assert outcome.code == 4
    assert (outcome.json["issued"], outcome.json["left"], outcome.json["stopped"]) == (5, 4, "the token was removed")
    assert outcome.line == (
        f"smartcard-dm: {RSA[1]}: stopped signing, 4 targets are left: the token was removed; "
        "put it right and run this again to go on"
    )
    again = run(*issue(tmp_path, path, *RSA, "-o", place, "--json"))
    assert (again.code, again.json["issued"], again.json["resumed"]) == (0, 4, 5)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("-o", "-"), "a batch goes to a folder, a file of JSON Lines or an outbox: give -o PLACE"),
        (("-o", "x", "--jobs", "2", "--scheduler", "tcp://x"), "give one of --jobs and --scheduler"),
        (("-o", "x", "--explain"), "--lint-only and --explain show one message: leave --batch out"),
        (("-o", "x", "--jobs", "0"), "--jobs"),
    ],
)
def test_options_that_do_not_go_together(
    tmp_path: Path, options: tuple[str, ...], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smartcard_dm.cli.issue.stdout_is_terminal", lambda: False)
    outcome = run(*issue(tmp_path, targets_file(tmp_path, 3), *RSA, *options))
    assert outcome.code == 2
    assert text in outcome.line


@pytest.mark.parametrize(
    "option", [("--errors", "e"), ("--jobs", "2"), ("--output-form", "jsonl"), ("--on-error", "stop")]
)
def test_what_makes_a_batch_wants_one(tmp_path: Path, option: tuple[str, str]) -> None:
    outcome = run("issue", "c.xml", "--server-id", SERVER_ID, *RSA, "-o", tmp_path / "m", *option)
    assert outcome.code == 2
    assert "go with --batch" in outcome.line


def test_a_key_from_standard_input_is_for_this_process_alone(tmp_path: Path) -> None:
    key = private_pem(ec_private())
    path = targets_file(tmp_path, 3)
    outcome = run(*issue(tmp_path, path, "--key", "-", "-o", tmp_path / "a.db", "--jobs", "2"), stdin=key)
    assert outcome.code == 2
    assert "a key from standard input can be used by one process only" in outcome.line
    assert run(*issue(tmp_path, path, "--key", "-", "-o", tmp_path / "a.db"), stdin=key).code == 0


def test_another_batch_is_one_line_and_changes_nothing(tmp_path: Path) -> None:
    path, place = targets_file(tmp_path, 3), tmp_path / "out.db"
    run(*issue(tmp_path, path, *RSA, "-o", place))
    before = place.read_bytes()
    error = error_of(run(*issue(tmp_path, path, *RSA, "--key-name", "k", "-o", place, "--json")))
    assert (error["kind"], error["exit_code"]) == ("BatchError", 2)
    assert error["message"] == (
        f"{place}: it is the output of another batch, which had another KeyName; "
        "give another output, or run that batch again as it was"
    )
    assert place.read_bytes() == before


def test_targets_that_cannot_be_read_are_one_line(tmp_path: Path) -> None:
    outcome = run(*issue(tmp_path, tmp_path / "no.csv", *RSA, "-o", tmp_path / "o.db"))
    assert outcome.code == 2
    assert "cannot be read: No such file or directory; give a file that can be read" in outcome.line
    path = write_csv(tmp_path / "t.csv", ("target", "node", "vlaue"), [])
    outcome = run(*issue(tmp_path, path, *RSA, "-o", tmp_path / "o.db"))
    assert outcome.code == 4
    assert f"{path}: targets file at header row: a column is no variable of the template" in outcome.line
    assert not (tmp_path / "o.db").exists()


def test_a_message_no_client_could_use_is_never_issued(tmp_path: Path) -> None:
    commands = b"<SyncBody><Get><Item><Target><LocURI>./DevInfo/${node}</LocURI></Target></Item></Get></SyncBody>"
    path = write_csv(tmp_path / "t.csv", ("target", "node"), [("a", "b")])
    outcome = run(*issue(tmp_path, path, *RSA, "-o", tmp_path / "o.db", commands=commands))
    assert outcome.code == 4
    assert "lint." in outcome.stdout + outcome.stderr
    assert not (tmp_path / "o.db").exists()


def test_errors_that_cannot_be_written_are_told(tmp_path: Path) -> None:
    errors = tmp_path / "no" / "errors"
    outcome = run(*issue(tmp_path, targets_file(tmp_path, 3), *RSA, "-o", tmp_path / "o.db", "--errors", errors))
    assert outcome.code == 2
    assert "give another --errors FILE" in outcome.line


def test_the_form_is_told_by_the_name(tmp_path: Path) -> None:
    path = targets_file(tmp_path, 2)
    for name, form in (("a.ndjson", "jsonl"), ("b.sqlite3", "sqlite"), ("c", "files"), ("d.wbxml", "files")):
        outcome = run(*issue(tmp_path, path, *RSA, "-o", tmp_path / name, "--json"))
        assert outcome.json["form"] == form
    line = json.loads((tmp_path / "a.ndjson").read_text().splitlines()[0])
    schema("issue-batch-message").validate(line)


def test_the_outbox_is_a_table(tmp_path: Path) -> None:
    place = tmp_path / "out.db"
    run(*issue(tmp_path, targets_file(tmp_path, 2), *RSA, "-o", place))
    with closing(sqlite3.connect(place)) as connection:
        rows = connection.execute("SELECT row, line, target, status, problem FROM message").fetchall()
    assert rows == [
        (1, 2, "IMEI:000000000000000", "issued", None),
        (2, 3, "IMEI:000000000000001", "issued", None),
    ]


def test_a_bar_is_shown_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with progress.progress_bar("messages", 10) as done:
        done(5)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    with progress.progress_bar("messages", 10) as done:
        for count in range(4):
            done(count)
            time.sleep(0.12)
    shown = capsys.readouterr().err
    assert "messages" in shown
    assert "/s" in shown


def test_few_targets_are_done_by_this_process() -> None:
    with crews.crew_for(None, None, 10, None) as crew:
        assert crew.name == "this process"
    with crews.crew_for(None, None, 100_000, "a key from standard input") as crew:
        assert crew.jobs == 1
