from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.cli import verify_batch
from smartcard_dm.cli.card_access import CardAccess
from tests.cli.running import CARD, COMMANDS, KEYS, SERVER_ID, SIGNED, error_of, run, schema
from tests.materials import NOW
from tests.server.batches import write_csv

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    """Return a file of four lines: authorized, signed by a stranger, no message at all, authorized."""
    targets = write_csv(tmp_path / "t.csv", ("target",), [("a",), ("b",)])
    made = []
    for key in ("dms-rsa.pem", "stranger-rsa.pem"):
        place = tmp_path / f"{key}.jsonl"
        outcome = run("issue", COMMANDS, "--server-id", SERVER_ID, "--key", KEYS / key, "--batch", targets, "-o", place)
        assert outcome.code == 0
        made += place.read_bytes().splitlines(keepends=True)
    path = tmp_path / "messages.jsonl"
    path.write_bytes(made[0] + made[3] + b"{}\n" + made[1])
    return path


def test_each_message_has_its_line(lines: Path) -> None:
    outcome = run("verify", lines, "--batch", "--card", CARD)
    assert outcome.code == 1
    shown = outcome.stdout.splitlines()
    assert shown[0].startswith(f"AUTHORIZED {lines}, line 1 (a): authorized for {SERVER_ID}")
    assert shown[1].startswith(f"REFUSED {lines}, line 2 (b) at step 7 by signature.value: ")
    assert shown[2] == f"UNREADABLE {lines}, line 3: no line of JSON with a message"
    assert shown[3].startswith(f"AUTHORIZED {lines}, line 4 (b): ")
    assert shown[4] == "4 messages: 2 authorized, 1 refused, 1 unreadable"
    assert outcome.line == f"smartcard-dm: {lines}: 2 of 4 messages are not authorized; their lines say why"


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_json_is_json_lines_the_counts_last(lines: Path, jobs: str) -> None:
    outcome = run("verify", lines, "--batch", "--card", CARD, "--json", "--jobs", jobs)
    *forms, counts = [json.loads(line) for line in outcome.stdout.splitlines()]
    for form in forms:
        schema("verify-batch-line").validate(form)
    schema("verify-batch").validate(counts)
    assert [form["verdict"] for form in forms] == ["authorized", "refused", "unreadable", "authorized"]
    assert counts == {"authorized": 2, "refused": 1, "unreadable": 1}


def test_a_folder_and_the_code_it_leaves_with(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    shutil.copy(SIGNED, folder / "1.wbxml")
    assert run("verify", folder, "--batch", "--card", CARD).code == 0
    (folder / "2.wbxml").write_bytes(b"no message")
    outcome = run("verify", folder, "--batch", "--card", CARD)
    assert outcome.code == 4
    assert "REFUSED" in outcome.stdout.splitlines()[1]


def test_a_tree_judges_too(tmp_path: Path) -> None:
    tree, folder = tmp_path / "t.db", tmp_path / "m"
    folder.mkdir()
    shutil.copy(SIGNED, folder / "1.wbxml")
    assert run("tree", "init", tree).code == 0
    assert run("tree", "sync", "--tree", tree, "--card", CARD).code == 0
    assert run("verify", folder, "--batch", "--tree", tree).code == 0
    outcome = run("verify", folder, "--batch", "--tree", tree, "--jobs", "2")
    assert outcome.code == 2
    assert "a tree can be used by one process only" in outcome.line


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("-", "--batch", "--card", CARD), "give its name"),
        (("x", "--batch", "--steps", "--card", CARD), "--steps shows one message"),
        (("x", "--jobs", "2", "--card", CARD), "--jobs and --scheduler go with --batch"),
        (("x", "--batch"), "give exactly one of --card and --tree"),
    ],
)
def test_options_that_do_not_go_together(arguments: tuple[str, ...], text: str) -> None:
    outcome = run("verify", *arguments)
    assert outcome.code == 2
    assert text in outcome.line


def test_what_holds_no_messages_is_one_line(tmp_path: Path) -> None:
    error = error_of(run("verify", tmp_path, "--batch", "--card", CARD, "--json"))
    assert error["kind"] == "BatchError"
    assert "the folder holds no file whose name ends with .wbxml" in error["message"]


def test_a_card_in_a_reader_is_for_this_process_alone() -> None:
    def only_here(uri: str, *, pin_fd: int | None = None, prompt: bool = False) -> str | None:
        card = CardAccess(uri, None, pin_fd, prompt, use_last_try=False)
        return verify_batch._only_here(verify_batch.Judgement(card, None, "default", NOW))

    assert only_here("profile:a.yaml") is None
    assert only_here("replay:a") is None
    assert only_here("pcsc:") == "a card in a reader"
    assert only_here("profile:a.yaml", prompt=True) == "a PIN that is asked for once"
    assert only_here("profile:a.yaml", pin_fd=3) == "a PIN that is asked for once"
