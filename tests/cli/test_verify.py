from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from smartcard_dm.limits import DEFAULT_LIMITS
from tests.cli.cards import ONE_TRY, PRIVATE_BOOTSTRAP, card_without_provisioning, changed_card
from tests.cli.running import CARD, COMMANDS, KEYS, SERVER_ID, SIGNED, check_layout, error_of, run, schema

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "name: EF.ICCID"


def flipped(folder: Path, place: int) -> Path:
    octets = bytearray(SIGNED.read_bytes())
    octets[place] ^= 0x01
    path = folder / "flipped.wbxml"
    path.write_bytes(bytes(octets))
    return path


def issued(folder: Path, *options: str | Path, server_id: str = SERVER_ID, commands: Path = COMMANDS) -> Path:
    path = folder / "issued.wbxml"
    assert run("issue", commands, "--server-id", server_id, "-o", path, *options).code == 0
    return path


def test_the_fixture_is_authorized() -> None:
    outcome = run("verify", SIGNED, "--card", CARD)
    assert outcome.code == 0
    assert outcome.stdout.startswith(f"AUTHORIZED  {SERVER_ID}\n")
    assert "Replace ./DMAcc/dms/Name" in outcome.stdout
    assert "Add ./Inbox" in outcome.stdout
    check_layout(outcome.stdout)


def test_a_message_is_read_from_standard_input() -> None:
    assert run("verify", "-", "--card", CARD, stdin=SIGNED.read_bytes()).code == 0


def test_each_step_is_shown_when_asked_for() -> None:
    outcome = run("verify", SIGNED, "--card", CARD, "--steps")
    numbers = [line.split()[0] for line in outcome.stdout.splitlines() if line[:2].strip().isdigit()]
    assert numbers == [str(number) for number in range(13)]
    check_layout(outcome.stdout)


def test_an_authorized_verdict_is_of_the_documented_form() -> None:
    outcome = run("verify", SIGNED, "--card", CARD, "--json")
    schema("verify").validate(outcome.json)
    assert outcome.code == 0
    assert outcome.json["verdict"] == "authorized"
    assert outcome.json["server_id"] == SERVER_ID
    assert outcome.json["considered"] == [outcome.json["account"]]
    assert outcome.json["signature"]["algorithm"] == "rsa-sha256"
    assert outcome.json["commands"] == 2


def test_a_changed_text_is_refused_at_the_digest(tmp_path: Path) -> None:
    outcome = run("verify", flipped(tmp_path, SIGNED.read_bytes().index(b"moved")), "--card", CARD)
    assert outcome.code == 1
    assert outcome.stdout.startswith("REFUSED  at step 8, digest\n")
    assert "OMA-TS-DM_Sessionless 5.5" in outcome.stdout
    assert "flipped.wbxml: refused at step 8, digest, by signature.digest [OMA-TS-DM_Sessionless 5.5]; " in outcome.line
    assert "get the message from its server again" in outcome.line
    check_layout(outcome.stdout)


@pytest.mark.parametrize("place", range(0, 1400, 37))
def test_a_flipped_bit_anywhere_is_refused_with_step_and_clause(tmp_path: Path, place: int) -> None:
    outcome = run("verify", flipped(tmp_path, place), "--card", CARD, "--json")
    schema("verify").validate(outcome.json)
    assert outcome.json["verdict"] == "refused"
    assert outcome.code == (4 if outcome.json["step"] <= 1 else 1)
    assert f"step {outcome.json['step']}, " in outcome.line
    assert outcome.json["clause"] in outcome.line


def test_a_refused_verdict_is_of_the_documented_form(tmp_path: Path) -> None:
    outcome = run("verify", flipped(tmp_path, SIGNED.read_bytes().index(b"moved")), "--card", CARD, "--json")
    schema("verify").validate(outcome.json)
    assert (outcome.code, outcome.json["step"], outcome.json["rule"]) == (1, 8, "signature.digest")
    assert outcome.json["account"] == "dms (DM bootstrap in 7F50/6431)"
    assert outcome.json["considered"] == ["dms (DM bootstrap in 7F50/6431)"]


@pytest.mark.parametrize("end", [0, 1, 5, 100, 700, -1])
def test_a_cut_message_is_malformed_input(tmp_path: Path, end: int) -> None:
    path = tmp_path / "cut.wbxml"
    path.write_bytes(SIGNED.read_bytes()[:end])
    outcome = run("verify", path, "--card", CARD, "--json")
    schema("verify").validate(outcome.json)
    assert (outcome.code, outcome.json["step"]) == (4, 1)


def test_a_message_that_is_too_large_is_malformed_input_and_read_no_further(tmp_path: Path) -> None:
    path = tmp_path / "large.wbxml"
    with path.open("wb") as stream:
        stream.truncate(1 << 32)
    outcome = run("verify", path, "--card", CARD, "--json")
    assert (outcome.code, outcome.json["step"], outcome.json["rule"]) == (4, 0, "message.too-large")
    assert str(DEFAULT_LIMITS.message_octets + 1) in outcome.json["detail"]


def test_xml_in_place_of_wbxml_is_malformed_input() -> None:
    outcome = run("verify", COMMANDS, "--card", CARD)
    assert outcome.code == 4
    assert "REFUSED  at step 1, decode" in outcome.stdout


def test_a_message_from_an_unknown_server_is_refused(tmp_path: Path) -> None:
    path = issued(tmp_path, "--key", KEYS / "stranger-rsa.pem", server_id="com.example.stranger")
    outcome = run("verify", path, "--card", CARD, "--json")
    schema("verify").validate(outcome.json)
    assert (outcome.code, outcome.json["step"], outcome.json["rule"]) == (1, 4, "account.unknown")
    assert outcome.json["account"] is None
    assert outcome.json["considered"] == []
    assert outcome.json["server_id"] == "com.example.stranger"


def test_a_server_of_the_card_cannot_sign_for_another(tmp_path: Path) -> None:
    path = issued(tmp_path, "--key", KEYS / "dms-rsa.pem", server_id="com.example.backup")
    outcome = run("verify", path, "--card", CARD)
    assert outcome.code == 1
    assert "signature.key-family" in outcome.line


def test_a_stranger_who_claims_a_known_server_is_refused(tmp_path: Path) -> None:
    path = issued(tmp_path, "--key", KEYS / "stranger-rsa.pem")
    outcome = run("verify", path, "--card", CARD)
    assert outcome.code == 1
    assert "REFUSED  at step 7, signature" in outcome.stdout
    assert "com.example.dms (claimed)" in outcome.stdout


def test_every_account_with_the_same_server_is_listed(tmp_path: Path) -> None:
    uri = changed_card(tmp_path, ("server_id: com.example.backup", f"server_id: {SERVER_ID}"))
    outcome = run("verify", SIGNED, "--card", uri, "--json")
    schema("verify").validate(outcome.json)
    assert (outcome.code, outcome.json["rule"]) == (1, "account.several")
    assert outcome.json["account"] is None
    assert len(outcome.json["considered"]) == 2
    text = run("verify", SIGNED, "--card", uri).stdout
    assert text.count("\n  account") == 2


@pytest.mark.parametrize("moment", ["1999-01-01T00:00:00Z", "2099-01-01T00:00:00Z"])
def test_outside_the_validity_of_its_only_certificate_a_message_is_refused(tmp_path: Path, moment: str) -> None:
    path = issued(tmp_path, "--key", KEYS / "backup-ec.pem", server_id="com.example.backup")
    assert run("verify", path, "--card", CARD, "--at", "2026-07-01T12:00:00Z").code == 0
    outcome = run("verify", path, "--card", CARD, "--at", moment, "--json")
    schema("verify").validate(outcome.json)
    assert (outcome.code, outcome.json["step"], outcome.json["rule"]) == (1, 5, "key.not-valid-now")
    assert "--at" in outcome.line


@pytest.mark.parametrize("moment", ["yesterday", "2026-07-01", "2026-07-01T12:00:00", "2026-13-01T12:00:00Z"])
def test_a_moment_that_is_none_is_wrong_usage(moment: str) -> None:
    outcome = run("verify", SIGNED, "--card", CARD, "--at", moment)
    assert outcome.code == 2
    assert "such as 2026-07-01T12:00:00Z" in outcome.line


def test_sha_1_is_authorized_by_the_legacy_policy_only(tmp_path: Path) -> None:
    legacy = ("--policy", "oma_1_2_legacy")
    path = issued(tmp_path, "--key", KEYS / "dms-rsa.pem", "--algorithm", "rsa-sha1", *legacy)
    outcome = run("verify", path, "--card", CARD)
    assert outcome.code == 1
    assert "signature.method" in outcome.line
    assert "--policy oma_1_2_legacy" in outcome.line
    assert run("verify", path, "--card", CARD, *legacy).code == 0


@pytest.mark.parametrize(
    ("file", "reason"), [("no-such-file.wbxml", "No such file"), (".", "Is a directory"), ("a\0b", "null byte")]
)
def test_a_file_that_cannot_be_read_is_wrong_usage(file: str, reason: str) -> None:
    outcome = run("verify", file, "--card", CARD, "--json")
    assert reason in error_of(outcome)["message"]
    assert outcome.code == 2


def test_a_card_without_provisioning_data_is_a_card_error(tmp_path: Path) -> None:
    outcome = run("verify", SIGNED, "--card", card_without_provisioning(tmp_path), "--json")
    assert error_of(outcome)["kind"] == "CardNotFoundError"
    assert outcome.code == 3


def test_a_profile_that_is_not_there_is_a_card_error(tmp_path: Path) -> None:
    outcome = run("verify", SIGNED, "--card", f"profile:{tmp_path / 'none.yaml'}", "--json")
    assert "No such file" in error_of(outcome)["message"]
    assert outcome.code == 3


def test_a_directory_in_place_of_a_profile_is_a_card_error(tmp_path: Path) -> None:
    outcome = run("accounts", "--card", f"profile:{tmp_path}")
    assert outcome.code == 3
    assert "Is a directory" in outcome.line


def test_a_profile_that_is_wrong_is_malformed_input(tmp_path: Path) -> None:
    outcome = run("verify", SIGNED, "--card", changed_card(tmp_path, (HEADER, "nom: EF.ICCID")), "--json")
    error = error_of(outcome)
    assert error["kind"] == "DecodeError"
    assert "files[0]" in error["message"]
    assert "changed.yaml" in error["message"]
    assert outcome.code == 4


def test_a_profile_that_names_a_file_that_is_not_there_is_malformed_input(tmp_path: Path) -> None:
    uri = changed_card(tmp_path, ("dms-rsa-cert.pem", "none.pem"))
    assert run("accounts", "--card", uri).code == 4


@pytest.mark.parametrize("uri", ["", "profile:", "fixtures/cards/usim.yaml", "ftp:card"])
def test_a_card_uri_of_no_known_form_is_wrong_usage(uri: str) -> None:
    outcome = run("verify", SIGNED, "--card", uri, "--json")
    assert "profile:FILE.yaml" in error_of(outcome)["message"]
    assert outcome.code == 2


def test_accounts_behind_a_pin_need_it(tmp_path: Path) -> None:
    uri = changed_card(tmp_path, PRIVATE_BOOTSTRAP)
    outcome = run("verify", SIGNED, "--card", uri, "--json")
    assert error_of(outcome)["exit_code"] == 3
    assert "--pin-env NAME" in outcome.line
    assert run("verify", SIGNED, "--card", uri, "--pin-env", "CARD_PIN", env={"CARD_PIN": "1234"}).code == 0


def test_a_wrong_pin_is_a_card_error_that_says_how_many_tries_are_left(tmp_path: Path) -> None:
    uri = changed_card(tmp_path, PRIVATE_BOOTSTRAP)
    outcome = run("verify", SIGNED, "--card", uri, "--pin-env", "CARD_PIN", env={"CARD_PIN": "9471"})
    assert outcome.code == 3
    assert "2 tries left" in outcome.line
    assert "9471" not in outcome.line


def test_the_last_try_is_used_with_consent_only(tmp_path: Path) -> None:
    options = ("--card", changed_card(tmp_path, PRIVATE_BOOTSTRAP, ONE_TRY), "--pin-env", "CARD_PIN")
    outcome = run("verify", SIGNED, *options, env={"CARD_PIN": "1234"})
    assert outcome.code == 3
    assert "--use-last-try" in outcome.line
    assert run("verify", SIGNED, *options, "--use-last-try", env={"CARD_PIN": "1234"}).code == 0


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_holds_no_pin_is_wrong_usage(value: str | None) -> None:
    outcome = run("verify", SIGNED, "--card", CARD, "--pin-env", "CARD_PIN", env={"CARD_PIN": value})
    assert outcome.code == 2
    assert "CARD_PIN is not set or is empty" in outcome.line


@pytest.mark.parametrize("value", ["123", "123456789", "four", "12 4"])
def test_a_pin_that_is_none_is_wrong_usage_and_not_repeated(value: str) -> None:
    outcome = run("verify", SIGNED, "--card", CARD, "--pin-env", "CARD_PIN", env={"CARD_PIN": value})
    assert outcome.code == 2
    assert value not in outcome.line.removeprefix("smartcard-dm").replace("four to eight", "")
