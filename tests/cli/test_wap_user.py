"""What people do wrong with `push wap` and `receive wap`, and what modems say: each is told where it stands."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from smartcard_dm.push.segmentation import segment, sms_deliver
from smartcard_dm.push.sms_address import Address, TypeOfNumber
from smartcard_dm.push.sms_pdu import Pdu, parse_pdu_line
from smartcard_dm.push.sms_tpdu import Submit, parse_tpdu
from tests.cli.running import CARD, SIGNED, run
from tests.cli.test_push_wap import ENV, ON_CARD, program, pushed, received
from tests.cli.trees import provisioned
from tests.materials import NOW

if TYPE_CHECKING:
    from pathlib import Path

PUSH = (SIGNED, "--pdu", "--imsi-env", "IMSI")


def refusals(stdin: bytes, *arguments: str | Path) -> list[dict[str, Any]]:
    lines = received(*ON_CARD, *arguments, stdin=stdin)
    return [line for line in lines if line["verdict"] == "refused"]


def test_a_file_waits_for_room_whatever_its_lines_are(tmp_path: Path) -> None:
    too_long = b"A" * 500 + b"\n"
    none = b"zz\n"
    first_parts = [
        Pdu(sms_deliver(segment(b"x" * 300, 0), Address.from_text(f"+49{number}"), NOW)[0].encode()).line()
        for number in range(70)
    ]
    stdin = too_long * 200 + none * 150 + "\n".join(first_parts).encode() + b"\n"
    outcome = program("receive", "wap", "--tree", provisioned(tmp_path), "--imsi-env", "IMSI", "--json", stdin=stdin)
    end = json.loads(outcome.stdout.splitlines()[-1])
    assert (end["received"], end["not_taken"]) == (200 + 150 + 70, 0)


def test_a_line_that_is_no_message_is_named_by_its_number(tmp_path: Path) -> None:
    good = pushed(SIGNED, "--imsi-env", "IMSI")
    stdin = b"\nhello\n" + good + b"A" * 5000 + b"\n004\n0011\n"
    expected = [2, 3 + good.count(b"\n"), 4 + good.count(b"\n"), 5 + good.count(b"\n")]
    found = refusals(stdin)
    assert [line["source"] for line in found] == [f"line {number} of standard input" for number in expected]
    file = tmp_path / "pdus.txt"
    file.write_bytes(stdin)
    assert refusals(b"", file)[0]["source"] == f"line 2 of {file}"


@pytest.mark.parametrize(
    ("line", "expected"),
    [("00 41", "no hexadecimal (found ' ')"), ("$ hello", "no hexadecimal (found '$')"), ("00411", "found 5")],
)
def test_a_line_is_told_what_is_wrong_with_it(line: str, expected: str) -> None:
    (refused,) = refusals(line.encode() + b"\n")
    assert expected in refused["detail"]


def test_what_a_modem_says_around_messages_is_passed_over() -> None:
    said = (
        b"\r\nAT+CMGL=4\r\r\n+CMGL: 1,1,,159\r\nat+cmgr=1\r\nERROR\r\n+CMS ERROR: 500\r\nRING\r\nNO CARRIER\r\nok\r\n"
    )
    lines = received(*ON_CARD, stdin=said + pushed(SIGNED, "--imsi-env", "IMSI").replace(b"\n", b"\r\n") + said)
    assert [line["verdict"] for line in lines] == ["authorized"]


@pytest.mark.parametrize("number", ["0171 12345", "DM server", "", "+", "+49 171 12"])
def test_a_modem_is_given_a_number(number: str) -> None:
    outcome = run("push", "wap", *PUSH, "--to", number, env=ENV)
    assert outcome.code == 2
    assert "--to" in outcome.line


@pytest.mark.parametrize("name", ["", "+", "+49 171 12"])
def test_a_sender_has_a_number_or_a_name(name: str) -> None:
    outcome = run("push", "wap", *PUSH, "--from", name, env=ENV)
    assert outcome.code == 2
    assert "--from" in outcome.line


def test_short_numbers_and_codes_are_numbers() -> None:
    for number in ("2948", "*100#", "01711234567"):
        submit = parse_tpdu(
            parse_pdu_line(pushed(SIGNED, "--imsi-env", "IMSI", "--to", number).decode().split()[0]).tpdu
        )
        assert isinstance(submit, Submit)
        assert submit.destination == Address(number, TypeOfNumber.UNKNOWN)


@pytest.mark.parametrize("command", [("push", *PUSH), ("receive", *ON_CARD, "--imsi-env", "IMSI")])
def test_an_imsi_that_is_none_is_met_with_advice_about_it(command: tuple[str | Path, ...]) -> None:
    outcome = run(command[0], "wap", *command[1:], env={**ENV, "IMSI": "0010x"})
    assert outcome.code == 4
    assert outcome.stdout == ""
    assert "an IMSI is 1 to 15 decimal digits" in outcome.line
    assert "give" in outcome.line
    assert "certificates" not in outcome.line


def test_a_pin_that_is_too_short_for_check_digits_is_a_usage_error() -> None:
    outcome = run(
        "push", "wap", SIGNED, "--pdu", "--sec", "USERPINMAC", "--user-pin-env", "P", env={**ENV, "P": "1234"}
    )
    assert outcome.code == 2
    assert "5 to 20" in outcome.line


@pytest.mark.parametrize("name", ["/no/such/file", "."])
def test_a_file_that_cannot_be_read_is_told_before_the_card_is_opened(name: str) -> None:
    outcome = run("receive", "wap", name, "--card", f"{CARD}.none", env=ENV)
    assert outcome.code == 2
    assert f"{name} cannot be read" in outcome.line


def test_a_place_of_ipv6_is_shown_in_brackets() -> None:
    outcome = program("push", "wap", SIGNED, "--udp", "[::1]:1", "--imsi-env", "IMSI")
    assert "[::1]:1;" in outcome.stdout
    outcome = program("push", "wap", SIGNED, "--udp", "[::1]:0", "--imsi-env", "IMSI")
    assert (outcome.code, "udp [::1]:0: " in outcome.stderr) == (1, True)
