"""`issue` looks a message over before it signs it, and shows what its receiver sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from smartcard_dm import wbxml
from tests.cli.running import CARD, KEYS, ROOT, SERVER_ID, check_layout, error_of, run, schema
from tests.server.lint_cases import CASES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.running import Outcome

RSA = ("--key", str(KEYS / "dms-rsa.pem"))
FINE = "commands: [{replace: {./DMAcc/dms/Name: New name}}]"
WARNED = "commands: [{add: ./Inbox, embedding: inline, object: {nap: {id: internet}}}]"
SECRET = "commands: [{replace: {./DMAcc/dms/AppAuth/1/AAuthSecret: do-not-print}}]"
WRONG = "commands: [{add: ./Inbox, value: x}, {exec: ./A}]"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "commands.yaml"


def issue(source: Path, text: str, *options: str | Path) -> Outcome:
    source.write_text(text)
    outcome = run("issue", source, "--server-id", SERVER_ID, *options)
    assert "do-not-print" not in outcome.stdout + outcome.stderr
    return outcome


def test_yaml_becomes_a_message_that_the_card_authorizes(source: Path, tmp_path: Path) -> None:
    message = tmp_path / "message.wbxml"
    fixture = (ROOT / "fixtures" / "messages" / "commands.yaml").read_text()
    outcome = issue(source, fixture, *RSA, "-o", message, "--strict")
    assert outcome.stdout.count("\n") == 1
    assert run("verify", message, "--card", CARD, "--json").json["verdict"] == "authorized"


def test_files_are_found_beside_the_commands(source: Path, tmp_path: Path) -> None:
    (tmp_path / "name.txt").write_text("Grün")
    message = tmp_path / "message.wbxml"
    issue(source, "commands: [{replace: ./A, value: {file: name.txt}}]", *RSA, "-o", message)
    assert "<Data>Grün</Data>" in wbxml.to_xml(message.read_bytes()).decode()
    outcome = issue(source, "commands: [{replace: ./A, value: {file: none.txt}}]", *RSA, "-o", message)
    assert outcome.code == 2
    assert "none.txt" in outcome.line


def test_errors_are_refused_before_anything_is_signed_or_read(source: Path, tmp_path: Path) -> None:
    options = ("--key", tmp_path / "no such key.pem", "-o", tmp_path / "message.wbxml")
    outcome = issue(source, WRONG, *options)
    assert outcome.code == 4
    assert "lint.inbox-use at ./Inbox" in outcome.line
    assert "1 error, 1 warning" in outcome.line
    assert outcome.stdout.index("ERROR  lint.inbox-use") < outcome.stdout.index("WARNING  lint.optional-command")
    check_layout(outcome.stdout.partition("\n")[2])
    assert list(tmp_path.iterdir()) == [source]


def test_a_refusal_has_its_json_form(source: Path, tmp_path: Path) -> None:
    outcome = issue(source, WRONG, *RSA, "-o", tmp_path / "message.wbxml", "--json")
    schema("issue-lint").validate(outcome.json)
    assert (outcome.code, outcome.json["errors"], outcome.json["warnings"]) == (4, 1, 1)
    assert [finding["id"] for finding in outcome.json["lint"]] == ["lint.optional-command", "lint.inbox-use"]


def test_nothing_is_said_where_the_message_would_go(source: Path) -> None:
    outcome = issue(source, WRONG, *RSA, "-o", "-")
    assert (outcome.code, outcome.stdout) == (4, "")
    outcome = issue(source, WARNED, *RSA, "-o", "-")
    assert (outcome.code, outcome.octets[0]) == (0, 2)


def test_warnings_are_told_and_the_message_is_written(source: Path, tmp_path: Path) -> None:
    message = tmp_path / "message.wbxml"
    outcome = issue(source, WARNED, *RSA, "-o", message)
    assert "WARNING  lint.acl-missing" in outcome.stdout
    assert "OMA-TS-DM_Sessionless 5.4" in outcome.stdout
    assert message.exists()
    form = issue(source, WARNED, *RSA, "-o", message, "--json").json
    schema("issue").validate(form)
    assert [(finding["id"], finding["severity"]) for finding in form["lint"]] == [("lint.acl-missing", "warning")]
    assert form["lint"][0]["node"] == "./Inbox/internet"


@pytest.mark.parametrize(
    ("text", "options", "code"),
    [
        (WARNED, (), 0),
        (WARNED, ("--strict",), 4),
        (FINE, ("--strict",), 0),
        (SECRET, (), 0),
        (SECRET, ("--secrets", "warn"), 0),
        (SECRET, ("--secrets", "refuse"), 4),
        (FINE, ("--push", "wap"), 0),
        (FINE, ("--push", "wap", "--max-segments", "1"), 4),
        (FINE, ("--push", "http"), 0),
        (FINE, ("--push", "sip"), 0),
        (FINE, ("--max-segments", "3"), 2),
        (FINE, ("--push", "http", "--max-segments", "3"), 2),
        (FINE, ("--push", "wap", "--max-segments", "256"), 2),
        (FINE, ("--push", "pigeon"), 2),
    ],
)
@pytest.mark.parametrize("only", [True, False])
def test_how_strict_is_chosen(
    source: Path, tmp_path: Path, text: str, options: tuple[str, ...], code: int, *, only: bool
) -> None:
    message = tmp_path / "message.wbxml"
    given = ("--lint-only",) if only else (*RSA, "-o", message)
    assert issue(source, text, *options, *given).code == code
    assert message.exists() == (code == 0 and not only)


def test_an_oversized_message_is_not_written(source: Path, tmp_path: Path) -> None:
    text = FINE.replace("New name", "x" * 33_000)
    message = tmp_path / "message.wbxml"
    outcome = issue(source, text, *RSA, "-o", message, "--push", "wap", "--json")
    assert outcome.json["lint"][0]["id"] == "lint.oversize"
    assert outcome.json["sizes"]["signed"] is True
    assert outcome.json["sizes"]["wap"]["segments"] > 255
    assert not message.exists()


def test_lint_alone_needs_neither_key_nor_output(source: Path) -> None:
    outcome = issue(source, FINE, "--lint-only")
    assert outcome.stdout == f"{source}: nothing found\n"
    outcome = issue(source, WARNED, "--lint-only", "--json")
    schema("issue-lint").validate(outcome.json)
    assert (outcome.json["errors"], outcome.json["warnings"]) == (0, 1)
    assert outcome.json["sizes"]["signed"] is False


@pytest.mark.parametrize(
    "options", [("--lint-only", "--explain"), ("-o", "-", "--explain", *RSA), RSA, ("-o", "message.wbxml")]
)
def test_options_that_do_not_go_together_are_wrong_usage(source: Path, options: tuple[str, ...]) -> None:
    assert issue(source, FINE, *options).code == 2


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule.identifier}: {case.name}")
def test_every_finding_fits_a_terminal_and_its_schema(source: Path, case: object) -> None:
    body = f"<SyncBody>{case.body}</SyncBody>"  # type: ignore[attr-defined] # a case
    outcome = issue(source, body, "--lint-only")
    check_layout(outcome.stdout.partition("\n")[2])
    schema("issue-lint").validate(issue(source, body, "--lint-only", "--json").json)


@pytest.mark.parametrize("text", ["commands: [", "commands: [{get: ./A}]", "commands: [{replace: {./A: '${x}'}}]"])
def test_a_source_that_makes_no_message_is_malformed_input(source: Path, tmp_path: Path, text: str) -> None:
    outcome = issue(source, text, *RSA, "-o", tmp_path / "message.wbxml", "--json")
    assert str(source) in error_of(outcome)["message"]
    assert outcome.code == 4
    assert "x" not in text or "variables without a value" in outcome.line or "get" in text or "[" in text


def test_the_receivers_view_as_text(source: Path, tmp_path: Path) -> None:
    message = tmp_path / "message.wbxml"
    outcome = issue(source, SECRET, *RSA, "-o", message, "--explain")
    text = outcome.stdout.partition("\n")[2]
    check_layout(text)
    for word in ("Sizes", "Signed octets", "XML form", "Tokens", "Octets", "[secret]", "<Source>", "STR_I [secret]"):
        assert word in text
    assert text.rstrip().splitlines()[-1].startswith(f"{(message.stat().st_size - 1) // 16 * 16:06X}  ")


def test_the_receivers_view_as_json(source: Path, tmp_path: Path) -> None:
    message = tmp_path / "message.wbxml"
    form = issue(source, FINE, *RSA, "-o", message, "--explain", "--json").json
    schema("issue").validate(form)
    assert bytes.fromhex(form["explain"]["hex"]) == message.read_bytes()
    assert form["explain"]["xml"].encode() == wbxml.to_xml(message.read_bytes())
    assert form["explain"]["masked"] is False
    masked = issue(source, SECRET, *RSA, "-o", message, "--explain", "--json").json
    schema("issue").validate(masked)
    assert masked["explain"]["masked"] is True
    assert b"do-not-print".hex() not in masked["explain"]["hex"]
