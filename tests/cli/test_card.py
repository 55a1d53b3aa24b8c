from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.cards import PRIVATE_BOOTSTRAP, card_without_provisioning, changed_card
from tests.cli.running import CARD, check_layout, error_of, run, schema

if TYPE_CHECKING:
    from pathlib import Path

PIN = {"CARD_PIN": "1234"}
ICCID = "8988211000000430010"


def test_accounts_are_listed_with_their_origin() -> None:
    outcome = run("accounts", "--card", CARD)
    assert outcome.code == 0
    assert f"card {ICCID} (uicc), 2 DM accounts" in outcome.stdout
    assert "origin   DM bootstrap in 7F50/6431, OID 2.23.43.7.1" in outcome.stdout
    assert "SRVCRED HMAC as com.example.dms (secret held)" in outcome.stdout
    assert "SRVCRED X509 as com.example.backup (certificate held)" in outcome.stdout
    assert "https://dms.example.com/dm, port 443" in outcome.stdout
    check_layout(outcome.stdout)


def test_accounts_are_of_the_documented_form() -> None:
    outcome = run("accounts", "--card", CARD, "--json")
    schema("accounts").validate(outcome.json)
    assert [account["server_id"] for account in outcome.json["accounts"]] == ["com.example.dms", "com.example.backup"]
    assert outcome.json["card"]["iccid"] == ICCID
    assert outcome.json["apdus"] > 0


def test_warnings_are_shown(tmp_path: Path) -> None:
    uri = changed_card(tmp_path, ('{kind: oid, oid: 2.23.43.7.1, label: DM bootstrap, path: "6431"}',) * 2)
    plain = run("accounts", "--card", uri, "--json")
    schema("accounts").validate(plain.json)


def test_a_card_without_provisioning_data_says_so(tmp_path: Path) -> None:
    uri = card_without_provisioning(tmp_path)
    outcome = run("accounts", "--card", uri, "--json")
    assert outcome.code == 3
    assert "card show" in error_of(outcome)["message"]
    shown = run("card", "show", "--card", uri)
    assert shown.code == 0
    assert "provisioning application" in shown.stdout
    check_layout(shown.stdout)
    schema("card-show").validate(run("card", "show", "--card", uri, "--json").json)


def test_a_card_is_shown_as_a_tree() -> None:
    outcome = run("card", "show", "--card", CARD)
    assert outcome.code == 0
    for piece in (ICCID, "EF.DIR 2F00", "read: always; update: PIN 0A", "listed in 7F50/6430", "OID 2.23.43.7.1"):
        assert piece in outcome.stdout
    assert "give the PIN (--pin-env NAME)" in outcome.stdout
    check_layout(outcome.stdout)


def test_a_card_is_of_the_documented_form() -> None:
    outcome = run("card", "show", "--card", CARD, "--json")
    schema("card-show").validate(outcome.json)
    assert outcome.json["card"]["generation"] == "uicc"
    assert {item["kind"] for item in outcome.json["objects"]} >= {"data object", "trusted certificate"}


def test_a_shown_card_tells_where_each_account_came_from() -> None:
    listed = run("accounts", "--card", CARD, "--json").json["accounts"]
    outcome = run("card", "show", "--card", CARD)
    for account in listed:
        assert f"{account['server_id']}, from {account['origin']['object']} in {account['origin']['path']}" in (
            outcome.stdout
        )
    shown = run("card", "show", "--card", CARD, "--json").json["accounts"]
    assert shown == [{key: account[key] for key in ("server_id", "name", "origin")} for account in listed]


def test_with_the_pin_more_is_shown() -> None:
    outcome = run("card", "show", "--card", CARD, "--pin-env", "CARD_PIN", env=PIN)
    assert "001010123456789" in outcome.stdout
    schema("card-show").validate(run("card", "show", "--card", CARD, "--json", "--pin-env", "CARD_PIN", env=PIN).json)


def test_private_objects_are_marked(tmp_path: Path) -> None:
    uri = changed_card(
        tmp_path, ('label: DM bootstrap, path: "6431"', 'label: DM bootstrap, path: "6431", private: true')
    )
    outcome = run("card", "show", "--card", uri)
    assert outcome.code == 0
    assert "private: behind a PIN" in outcome.stdout


def test_a_wrong_pin_does_not_stop_the_tree(tmp_path: Path) -> None:
    uri = changed_card(tmp_path, PRIVATE_BOOTSTRAP)
    outcome = run("card", "show", "--card", uri, "--pin-env", "CARD_PIN", env={"CARD_PIN": "9471"})
    assert outcome.code == 0
    assert "9471" not in outcome.stdout
    assert "PIN 01 is wrong, 2 tries left" in outcome.stdout
    assert "no account was read: PIN 01 was wrong before and is not sent twice" in outcome.stdout


@pytest.mark.parametrize("command", [("accounts",), ("card", "show")])
def test_text_of_a_card_cannot_steer_the_terminal(tmp_path: Path, command: tuple[str, ...]) -> None:
    uri = changed_card(
        tmp_path,
        ("name: Example DM\n", 'name: "Evil \\u009b31m\\u202Emd.elpmaxe"\n'),
        ("label: PKCS-15", 'label: "Evil \\u009b2J"'),
    )
    outcome = run(*command, "--card", uri)
    assert outcome.code == 0
    assert "\\x9b" in outcome.stdout
    assert "\x9b" not in outcome.stdout
    schema(command[0] if command == ("accounts",) else "card-show").validate(
        run(*command, "--card", uri, "--json").json
    )


def test_a_narrow_terminal_is_not_exceeded() -> None:
    check_layout(run("accounts", "--card", CARD, width=50).stdout, width=50)
    check_layout(run("card", "show", "--card", CARD, width=50).stdout, width=50)
