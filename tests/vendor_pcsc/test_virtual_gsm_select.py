"""Class A0: what SELECT reaches, and how its answer is fetched."""

from __future__ import annotations

import pytest

from tests.vendor_pcsc.gsm_cards import APPLICATIONS, MF_LENGTH, UICC_2G, USIM, GsmTerminal

REACHED = [
    ("a child of the MF", ["2FE2"]),
    ("a directory in the MF", ["7F20"]),
    ("the MF from itself", ["3F00"]),
    ("a child of a directory", ["7F10", "6F3A"]),
    ("a directory two levels down", ["7F10", "5F50"]),
    ("a directory from its own EF", ["7F10", "6F3A", "7F10"]),
    ("the directory itself", ["7F10", "7F10"]),
    ("the parent", ["7F10", "5F50", "7F10"]),
    ("a directory with the same parent", ["7F10", "7F20"]),
    ("the MF from two levels down", ["7F10", "5F50", "3F00"]),
]
NOT_REACHED = [
    ("a grandchild", ["5F50"]),
    ("an EF of the parent", ["7F10", "2FE2"]),
    ("an EF of a directory with the same parent", ["7F10", "6F07"]),
    ("a directory beside the parent", ["7F10", "5F50", "7F20"]),
    ("the current application", ["7FFF"]),
    ("EF(ARR) of the MF", ["2F06"]),
    ("EF(ARR) of a directory", ["7F10", "6F06"]),
]


@pytest.mark.parametrize("file_ids", [c[1] for c in REACHED], ids=[c[0] for c in REACHED])
def test_select_reaches(file_ids: list[str]) -> None:
    terminal = GsmTerminal()
    assert terminal.told(*file_ids)[8:12] == file_ids[-1]


@pytest.mark.parametrize("file_ids", [c[1] for c in NOT_REACHED], ids=[c[0] for c in NOT_REACHED])
def test_select_does_not_reach(file_ids: list[str]) -> None:
    assert GsmTerminal().select(*file_ids) == "9404"


def test_a_refused_select_changes_nothing() -> None:
    terminal = GsmTerminal()
    terminal.select("2FE2")
    assert terminal.select("6FFF") == "9404"
    assert terminal("A0B0000001") == "989000"


def test_selecting_a_directory_leaves_no_ef() -> None:
    terminal = GsmTerminal()
    terminal.select("2FE2", "3F00")
    assert terminal("A0B0000001") == "9400"


def test_an_application_is_reached_by_its_identifier_only() -> None:
    terminal = GsmTerminal(UICC_2G, APPLICATIONS)
    assert terminal("A0A4040010" + USIM) == "6B00"
    assert terminal.told("7F50")[8:14] == "7F5002"
    assert terminal.select("5031") == "9F0F"
    assert terminal("A0B0000003") == "A706309000"


def test_the_answer_waits_with_its_length_whatever_le_says() -> None:
    terminal = GsmTerminal()
    assert terminal("A0A40000027F2000") == "9F16"
    assert terminal("A0A40000022FE2") == "9404"
    assert terminal("A0A40000023F00") == "9F16"
    assert terminal("A0A40000022FE2FF") == "9F0F"


def test_get_response_may_ask_for_less_and_the_rest_is_lost() -> None:
    terminal = GsmTerminal()
    terminal.select("2FE2")
    assert terminal("A0C0000006") == "0000000A2FE29000"
    assert terminal("A0C0000009") == "6F00"


def test_get_response_with_too_large_a_length_is_told_the_right_one_and_the_data_wait() -> None:
    terminal = GsmTerminal()
    terminal.select("2FE2")
    assert terminal("A0C0000010") == "670F"
    assert terminal("A0C00000") == "670F"
    assert terminal("A0C000000F").startswith("0000000A2FE2")


@pytest.mark.parametrize("between", ["A0F2000016", "A0A40000026FFF", "A0010000", "00A4000C023F00", "A0"])
def test_get_response_comes_right_after_its_command(between: str) -> None:
    terminal = GsmTerminal()
    terminal.select("2FE2")
    terminal(between)
    assert terminal("A0C000000F") == "6F00"


def test_get_response_fetches_once() -> None:
    terminal = GsmTerminal()
    terminal.told("2FE2")
    assert terminal("A0C000000F") == "6F00"


def test_get_response_may_be_the_first_command_and_tells_about_the_mf() -> None:
    terminal = GsmTerminal()
    first = terminal(f"A0C00000{MF_LENGTH}")
    terminal.card.reset()
    assert first == terminal.told("3F00") + "9000"
    assert terminal(f"A0C00000{MF_LENGTH}") == "6F00"


def test_after_a_reset_it_tells_about_the_mf_again() -> None:
    terminal = GsmTerminal()
    terminal.select("2FE2")
    terminal.card.reset()
    assert terminal(f"A0C00000{MF_LENGTH}")[8:12] == "3F00"


def test_status_tells_about_the_current_directory_whole_or_in_part() -> None:
    terminal = GsmTerminal()
    telecom = terminal.told("7F10")
    terminal.select("6F3A")
    assert terminal(f"A0F20000{MF_LENGTH}") == telecom + "9000"
    assert terminal("A0F2000006") == telecom[:12] + "9000"
    assert terminal("A0F2000017") == "6716"
    assert terminal("A0F20000") == "6716"
    assert terminal("A0B2010402") == "A1A19000"
