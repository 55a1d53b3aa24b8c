"""`agent get`: the same answers from an agent and from a card, secrets by policy only, errors as JSON."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.cards import PRIVATE_BOOTSTRAP, changed_card
from tests.cli.running import CARD, ROOT, SERVER_ID, SIGNED, environment, run, run_process, schema
from tests.client.agents import problem, says, scripted
from tests.client.live import running_agent, socket_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.running import Outcome

BACKUP = "com.example.backup"
PASSWORD = b"a device password"
BASIC = ("{level: CLCRED, type: DIGEST,", "{level: CLCRED, type: BASIC,")


@pytest.fixture(scope="module")
def socket() -> Iterator[Path]:
    with socket_folder() as sockets, running_agent(sockets / "agent.sock", CARD):
        yield sockets / "agent.sock"


def request(operation: str, **members: object) -> bytes:
    form = {"version": 1, "operation": operation, **members}
    schema("agent-get-request").validate(form)
    return json.dumps(form).encode()


def get(octets: bytes, *options: str | Path) -> Outcome:
    outcome = run("agent", "get", *options, stdin=octets)
    schema("agent-get").validate(outcome.json)
    return outcome


def error(outcome: Outcome) -> dict[str, Any]:
    found: dict[str, Any] = outcome.json["error"]
    assert outcome.json["answer"] is None
    assert outcome.code == found["exit_code"]
    assert outcome.line.startswith(f"smartcard-dm: {found['message']}")
    return found


MESSAGE = base64.b64encode(SIGNED.read_bytes()).decode()
REQUESTS = {
    "list": request("list"),
    "get": request("get", server_id=SERVER_ID),
    "verify": request("verify", message=MESSAGE, transport="local"),
    "authenticate": request("authenticate", server_id=SERVER_ID, type="md5", nonce="bm9uY2U="),
}


@pytest.mark.parametrize("operation", REQUESTS)
def test_an_agent_and_a_card_give_the_same_answer(socket: Path, operation: str) -> None:
    by_agent = get(REQUESTS[operation], "--socket", socket)
    by_card = get(REQUESTS[operation], "--card", CARD)
    assert (by_agent.code, by_card.code) == (0, 0)
    first, second = ({**each.json["answer"], "provenance": None} for each in (by_agent, by_card))
    assert first == second
    provenance = by_card.json["answer"]["provenance"]
    assert (provenance["state"], provenance["cache"], provenance["origin"]) == ("present", "no-store", CARD)


def test_the_socket_is_found_in_the_environment(socket: Path) -> None:
    outcome = run_process("agent", "get", stdin=REQUESTS["list"], env={"SMARTCARD_DM_AGENT_SOCKET": str(socket)})
    assert [each["server_id"] for each in outcome.json["answer"]["accounts"]] == [SERVER_ID, BACKUP]


def test_the_socket_is_found_in_the_runtime_folder(tmp_path: Path) -> None:
    outcome = run_process("agent", "get", stdin=REQUESTS["list"], env={"XDG_RUNTIME_DIR": str(tmp_path)})
    assert (outcome.code, error(outcome)["code"]) == (3, "unreachable")
    assert f"{tmp_path}/smartcard-dm/agent.sock" in outcome.line


@pytest.mark.parametrize("mode", ["agent", "card"])
def test_a_refused_message_is_an_answer_with_exit_code_1(socket: Path, mode: str) -> None:
    options: tuple[str | Path, ...] = ("--socket", socket) if mode == "agent" else ("--card", CARD)
    outcome = get(request("verify", message=MESSAGE, transport="wap"), *options)
    assert outcome.code == 1
    assert outcome.json["answer"]["verdict"]["step"] == 9
    assert outcome.line.startswith("smartcard-dm: refused: ")


REFUSED = {
    "account-unknown": request("get", server_id="nobody"),
    "auth-unavailable": request("authenticate", server_id=SERVER_ID, type="hmac", body="", nonce=""),
    "nonce-missing": request("authenticate", server_id=BACKUP, type="md5"),
    "basic-denied": request("authenticate", server_id=SERVER_ID, type="basic"),
    "secret-denied": request("secret", server_id=SERVER_ID, purpose="a test"),
    "request-invalid": request("get", server_id="a" * 1000),
}


@pytest.mark.parametrize("code", REFUSED)
def test_both_ways_have_the_same_problems(socket: Path, tmp_path: Path, code: str) -> None:
    card = changed_card(tmp_path)
    for options in (("--socket", socket), ("--card", card)):
        outcome = get(REFUSED[code], *options)
        if code in {"nonce-missing", "request-invalid"} and options[0] == "--card":
            assert error(outcome)["code"] in {code, "auth-unavailable", "account-unknown"}
        else:
            assert error(outcome)["code"] in {code, "auth-unavailable"}
        assert outcome.code == 1


NO_REQUEST = {
    "nothing": b"",
    "no JSON": b"{",
    "no UTF-8": b"\xff",
    "deep": b"[" * 100_000,
    "a list": b"[]",
    "no version": b'{"operation": "list"}',
    "true as version": b'{"version": true, "operation": "list"}',
    "a later version": b'{"version": 2, "operation": "list"}',
    "no operation": b'{"version": 1}',
    "another operation": b'{"version": 1, "operation": "erase"}',
    "too little": b'{"version": 1, "operation": "get"}',
    "too much": b'{"version": 1, "operation": "list", "server_id": "a"}',
    "a number": b'{"version": 1, "operation": "get", "server_id": 1}',
    "an escape": b'{"version": 1, "operation": "get", "server_id": "\\u001b[31m"}',
    "no base64": b'{"version": 1, "operation": "verify", "message": "*", "transport": "local"}',
    "another transport": b'{"version": 1, "operation": "verify", "message": "", "transport": "pigeon"}',
    "no flag": b'{"version": 1, "operation": "verify", "message": "", "transport": "local", "secured": 1}',
    "a long evidence": json.dumps(
        {"version": 1, "operation": "verify", "message": "", "transport": "local", "evidence": "a" * 257}
    ).encode(),
    "another type": b'{"version": 1, "operation": "authenticate", "server_id": "a", "type": "digest"}',
    "no body": b'{"version": 1, "operation": "authenticate", "server_id": "a", "type": "hmac"}',
    "another level": b'{"version": 1, "operation": "authenticate", "server_id": "a", "type": "md5", "level": "X"}',
    "too large": b" " * (2 * 1024 * 1024 + 1),
}


@pytest.mark.parametrize("octets", NO_REQUEST.values(), ids=NO_REQUEST)
def test_what_is_no_request(octets: bytes) -> None:
    outcome = get(octets, "--card", CARD)
    assert (outcome.code, error(outcome)["code"]) == (1, "request-invalid")


def test_a_card_behind_a_pin(tmp_path: Path) -> None:
    card = changed_card(tmp_path, PRIVATE_BOOTSTRAP)
    outcome = get(REQUESTS["list"], "--card", card)
    assert (outcome.code, error(outcome)["code"]) == (3, "card-locked")
    with_pin = run("agent", "get", "--card", card, "--pin-env", "P", stdin=REQUESTS["list"], env={"P": "1234"})
    assert with_pin.code == 0
    wrong = run("agent", "get", "--card", card, "--pin-env", "P", stdin=REQUESTS["list"], env={"P": "9999"})
    assert (wrong.code, error(wrong)["code"]) == (3, "card-locked")


def test_a_card_that_cannot_be_read(tmp_path: Path) -> None:
    card = changed_card(tmp_path, ("protocol: t1", "protocol: t1\nfaults: {wrong_sw_at: {apdu: 8, sw: 6F00}}"))
    outcome = get(REQUESTS["list"], "--card", card)
    assert (outcome.code, error(outcome)["code"]) == (3, "card-unreadable")


WRONG = [
    ("--socket", "/a", "--card", CARD),
    ("--allow-basic", "all"),
    ("--audit", "/a"),
    ("--card", CARD, "--allow-secret-release", "all"),
    ("--card", CARD, "--pin-prompt"),
    ("--card", CARD, "--allow-basic", "all", "--audit", "/nowhere/audit"),
    ("--card", "frobnicate"),
    ("--timeout", "0"),
]


@pytest.mark.parametrize("options", WRONG, ids=" ".join)
def test_a_wrong_command_line(options: tuple[str, ...]) -> None:
    outcome = run("agent", "get", *options, stdin=REQUESTS["list"])
    assert (outcome.code, outcome.stdout) == (2, "")
    assert outcome.line


def released(uri: str, octets: bytes, *options: str | Path) -> subprocess.CompletedProcess[bytes]:
    """Run the program where a secret may be on its standard output, and only there."""
    command = [sys.executable, "-m", "smartcard_dm", "agent", "get", "--card", uri, *map(str, options)]
    done = subprocess.run(command, input=octets, env=environment(), cwd=ROOT, capture_output=True, check=False)
    assert PASSWORD not in done.stderr
    return done


def test_a_secret_is_printed_where_the_command_line_allows_it_and_noted_first(tmp_path: Path) -> None:
    audit = tmp_path / "audit"
    options = ("--allow-secret-release", SERVER_ID, "--audit", audit)
    done = released(CARD, request("secret", server_id=SERVER_ID, purpose="a test bench"), *options)
    answer = json.loads(done.stdout)
    schema("agent-get").validate(answer)
    assert done.returncode == 0
    assert [base64.b64decode(each["secret"]) for each in answer["answer"]["secrets"]] == [PASSWORD]
    refused = released(CARD, request("secret", server_id=BACKUP), *options)
    assert json.loads(refused.stdout)["error"]["code"] == "secret-denied"
    lines = [json.loads(line) for line in audit.read_text().splitlines()]
    assert [(each["action"], each["server_id"], each["purpose"]) for each in lines] == [
        ("secret-released", SERVER_ID, "a test bench"),
        ("secret-refused", BACKUP, None),
    ]
    assert audit.stat().st_mode & 0o777 == 0o600
    assert PASSWORD not in audit.read_bytes()
    assert base64.b64encode(PASSWORD) not in audit.read_bytes()


def test_basic_is_given_where_the_command_line_allows_it(tmp_path: Path) -> None:
    card = changed_card(tmp_path, BASIC)
    octets = request("authenticate", server_id=SERVER_ID, type="basic")
    denied = released(card, octets)
    assert json.loads(denied.stdout)["error"]["code"] == "basic-denied"
    done = released(card, octets, "--allow-basic", SERVER_ID, "--audit", tmp_path / "audit")
    value = json.loads(done.stdout)["answer"]["authentication"]["value"]
    assert base64.b64decode(value) == b"device-0001:" + PASSWORD
    assert json.loads((tmp_path / "audit").read_text())["action"] == "basic-released"


def test_a_policy_of_secrets_alone_does_not_give_basic(tmp_path: Path) -> None:
    card = changed_card(tmp_path, BASIC)
    octets = request("authenticate", server_id=SERVER_ID, type="basic")
    done = released(card, octets, "--allow-secret-release", "all", "--audit", tmp_path / "audit")
    assert json.loads(done.stdout)["error"]["code"] == "basic-denied"


def test_problems_of_an_agent_keep_their_code(tmp_path: Path) -> None:
    for code, status, left_with in (("card-removed", 410, 3), ("busy", 429, 3), ("later", 400, 1)):
        with scripted(tmp_path / "a.sock", says(problem(code, status))):
            outcome = get(REQUESTS["list"], "--socket", tmp_path / "a.sock")
        assert (outcome.code, error(outcome)["code"], error(outcome)["remedy"]) == (left_with, code, "a remedy")
    with scripted(tmp_path / "a.sock", says(b"nonsense\r\n\r\n")):
        outcome = get(REQUESTS["list"], "--socket", tmp_path / "a.sock")
    assert (outcome.code, error(outcome)["code"]) == (4, "protocol")
