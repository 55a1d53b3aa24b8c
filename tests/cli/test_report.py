"""What the reports print of values that the fixtures do not have."""

from __future__ import annotations

import pytest

from smartcard_dm import errors
from smartcard_dm.card.survey import Survey, SurveyedDirectory, SurveyedFile, SurveyedObject
from smartcard_dm.cli.output import print_text
from smartcard_dm.dm import parse_message
from smartcard_dm.errors import VerificationError
from smartcard_dm.identity import CardIdentity, Generation
from smartcard_dm.report import remedies
from smartcard_dm.report.card import card_lines
from smartcard_dm.report.remedies import remedy
from smartcard_dm.report.tables import columns
from smartcard_dm.report.verdicts import command_lines, refused_lines
from smartcard_dm.rules import Rule
from tests.materials import MESSAGE

BODY = b"<SyncBody>"


def with_commands(commands: str) -> bytes:
    begin, end = MESSAGE.index(BODY) + len(BODY), MESSAGE.index(b"<Final>")
    return MESSAGE[:begin] + commands.encode() + MESSAGE[end:]


def delete(number: int) -> str:
    target = f"<Target><LocURI>./{number}</LocURI></Target>"
    return f"<Delete><CmdID>{number}</CmdID><Item>{target}</Item></Delete>"


@pytest.mark.parametrize("rule", Rule, ids=lambda rule: rule.identifier)
def test_each_rule_has_a_remedy(rule: Rule) -> None:
    assert rule in remedies._BY_RULE
    text = remedy(VerificationError(rule, "detail"))
    assert not text.endswith(".")


def test_each_kind_of_error_has_a_remedy() -> None:
    for error in (
        errors.CardError("x"),
        errors.CardConnectionError("x"),
        errors.PinBlockedError("x"),
        errors.KeyMaterialError("x"),
        errors.UnsupportedError("x"),
        errors.DecodeError("x", "y"),
    ):
        assert remedy(error)


def test_many_commands_are_summed_up() -> None:
    message = parse_message(with_commands("".join(delete(number) for number in range(1, 12))))
    lines = list(command_lines(message))
    assert lines[0] == "Delete ./1"
    assert lines[8:] == ["and 3 more"]


def test_commands_inside_a_group_are_listed_behind_it() -> None:
    message = parse_message(with_commands(f"<Atomic><CmdID>9</CmdID>{delete(1)}</Atomic>"))
    assert list(command_lines(message)) == ["Atomic", "Delete ./1"]


def test_a_refusal_without_place_server_or_requirement_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    print_text(refused_lines(VerificationError(Rule.MESSAGE_TOO_LARGE, "too large")))
    assert capsys.readouterr().out.splitlines() == [
        "REFUSED  at step 0, bounds",
        "  why     too large",
        "  rule    message.too-large",
        "  clause  profile: Limits.message_octets",
        "  remedy  have the server send less in one message",
    ]


def test_a_card_that_says_little_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    unknown = SurveyedFile("EF.X", "7F10/6F01", None, "", ())
    item = SurveyedObject("trusted certificate", "own", "6440", "6440", private=True)
    survey = Survey(
        CardIdentity("", Generation.UICC, "3B00"), (SurveyedDirectory("MF", (unknown,)),), "none", (item,), ("odd",)
    )
    print_text(card_lines(survey, (), ("odd", "also odd")))
    out = capsys.readouterr().out
    assert out.startswith("card (no ICCID)\n")
    assert "EF.X 7F10/6F01\n" in out
    assert "trusted certificate own\n" in out
    assert "accounts" not in out
    assert out.endswith("warning: odd\nwarning: also odd\n")


def test_a_table_without_rows_is_empty(capsys: pytest.CaptureFixture[str]) -> None:
    print_text(columns())
    assert capsys.readouterr().out.strip() == ""
