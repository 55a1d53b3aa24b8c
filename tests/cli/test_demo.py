from __future__ import annotations

import shlex
import stat
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.cli import demo
from tests.cli.running import check_layout, error_of, run, schema

if TYPE_CHECKING:
    from pathlib import Path


def test_the_demonstration_goes_the_whole_way() -> None:
    outcome = run("demo")
    assert outcome.code == 0
    positions = [outcome.stdout.index(f"{number}. ") for number in range(1, 9)]
    assert positions == sorted(positions)
    assert outcome.stdout.index("AUTHORIZED") < outcome.stdout.index("REFUSED  at step 8, digest")
    assert '"Example DM" -> "Example DM, on the new platform"' in outcome.stdout
    assert "refused at step 10, replay" in outcome.stdout
    check_layout(outcome.stdout)


def test_the_demonstration_is_of_the_documented_form(tmp_path: Path) -> None:
    outcome = run("demo", "--json")
    schema("demo").validate(outcome.json)
    assert outcome.json["authorized"]["verdict"] == "authorized"
    assert outcome.json["tampered"]["verdict"] == "refused"
    assert [row["status"] for row in outcome.json["applied"]["report"]] == [200]
    assert outcome.json["again"]["rule"] == "replay.seen"
    assert outcome.json["kept"] is None
    kept = run("demo", "--json", "--keep", tmp_path / "lab")
    schema("demo").validate(kept.json)
    assert kept.json["kept"] == str(tmp_path / "lab")


def test_each_command_it_says_to_go_on_with_runs(tmp_path: Path) -> None:
    folder = tmp_path / "a lab"
    lines = run("demo", "--keep", folder).stdout.splitlines()
    commands = [shlex.split(line) for line in lines if line.startswith("smartcard-dm ")]
    codes = {" ".join(words[1:3]): run(*words[1:]).code for words in commands}
    expected = {
        "card show": 0,
        "accounts --card": 0,
        f"verify {folder / 'message.wbxml'}": 0,
        f"verify {folder / 'tampered.wbxml'}": 1,
        "tree init": 0,
        f"apply {folder / 'message.wbxml'}": 0,
        "tree show": 0,
        "wbxml decode": 0,
        f"issue {folder / 'commands.xml'}": 0,
    }
    assert codes == expected
    mine = run("verify", folder / "mine.wbxml", "--card", f"profile:{folder / 'card.yaml'}")
    assert mine.code == 0


def test_the_key_it_keeps_is_for_its_owner_only(tmp_path: Path) -> None:
    run("demo", "--keep", tmp_path)
    assert stat.S_IMODE((tmp_path / "server-key.pem").stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "card.yaml",
        "commands.xml",
        "message.wbxml",
        "server-cert.pem",
        "server-key.pem",
        "tampered.wbxml",
    ]


@pytest.mark.parametrize("name", ["server-key.pem", "card.yaml", "message.wbxml"])
def test_nothing_that_was_there_is_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"mine")
    outcome = run("demo", "--keep", tmp_path, "--json")
    assert name in error_of(outcome)["message"]
    assert outcome.code == 2
    assert (tmp_path / name).read_bytes() == b"mine"


@pytest.mark.parametrize("place", ["file", "file/below", "a\0b"])
def test_a_folder_that_cannot_be_made_is_wrong_usage(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    outcome = run("demo", "--keep", f"{tmp_path}/{place}")
    assert outcome.code == 2
    assert "--keep" in outcome.line


def test_no_temporary_folder_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(demo, "TemporaryDirectory", none)
    assert "the temporary folder cannot be written" in run("demo").line
