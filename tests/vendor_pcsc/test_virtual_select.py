"""SELECT: what is reached from where, and which application a part of an AID means."""

from __future__ import annotations

import pytest

from tests.vendor_pcsc.cards import PKCS15, SECOND, USIM, USIM_PREFIX, Terminal


@pytest.mark.parametrize(
    ("start", "target", "answer"),
    [
        (["3F00"], "7F10", "9000"),
        (["3F00"], "2FE2", "9000"),
        (["3F00"], "7FF0", "9000"),
        (["3F00"], "5F50", "6A82"),
        (["7F10"], "6F3A", "9000"),
        (["7F10"], "5F50", "9000"),
        (["7F10"], "7F10", "9000"),
        (["7F10"], "7F11", "9000"),
        (["7F10"], "3F00", "9000"),
        (["7F10"], "2FE2", "6A82"),
        (["7F10", "5F50"], "7F10", "9000"),
        (["7F10", "5F50"], "3F00", "9000"),
        (["7F10", "5F50"], "7F11", "6A82"),
        (["7F10", "5F50"], "6F3A", "6A82"),
        (["7F10", "6F3A"], "5F50", "9000"),
        (["7F50"], "5031", "9000"),
    ],
)
def test_an_identifier_reaches_child_parent_sibling_itself_and_mf(start: list[str], target: str, answer: str) -> None:
    terminal = Terminal()
    assert terminal.select(*start) == "9000"
    assert terminal.select(target) == answer


def test_an_empty_data_field_selects_the_mf() -> None:
    terminal = Terminal()
    terminal.select("7F10")
    assert terminal("00A4000400") == terminal("00A40004023F0000")


def test_a_child_directory_is_selected() -> None:
    terminal = Terminal()
    assert terminal("00A4010C027F10") == "9000"
    assert terminal("00A4010C027F11") == "6A82"


def test_the_parent_is_selected() -> None:
    terminal = Terminal()
    terminal.select("7F10", "5F50")
    assert terminal("00A4030C") == "9000"
    assert terminal.select("6F3A") == "9000"


def test_a_path_from_the_mf() -> None:
    terminal = Terminal()
    terminal.select("7F11")
    assert terminal("00A4080C067F105F504F01") == "9000"
    assert terminal("00B0000000") == "646565709000"


def test_a_path_from_the_current_directory() -> None:
    terminal = Terminal()
    terminal.select("7F10")
    assert terminal("00A4090C045F504F01") == "9000"
    assert terminal("00A4090C045F504F01") == "6A82"


def test_7fff_is_the_active_application_also_from_elsewhere() -> None:
    terminal = Terminal()
    terminal.select_aid(PKCS15)
    terminal.select("3F00")
    assert terminal("00A4080C047FFF5031") == "9000"
    terminal.select("3F00")
    assert terminal.select("7FFF", "5031") == "9000"


def test_a_directory_selected_by_its_identifier_is_no_active_application() -> None:
    terminal = Terminal()
    assert terminal.select("7FF0") == "9000"
    assert terminal.select("7FFF") == "6A82"


@pytest.mark.parametrize(
    ("name", "occurrences", "found"),
    [
        (USIM, ["04"], USIM),
        (SECOND, ["04"], SECOND),
        (USIM_PREFIX, ["04"], USIM),
        (USIM_PREFIX, ["05"], SECOND),
        (USIM_PREFIX, ["06"], USIM),
        (USIM_PREFIX, ["07"], SECOND),
        (USIM_PREFIX, ["04", "06"], SECOND),
        (USIM_PREFIX, ["05", "07"], USIM),
        (USIM_PREFIX, ["04", "06", "06"], None),
        (USIM_PREFIX, ["05", "07", "07"], None),
        (USIM, ["04", "06"], None),
        ("A0", ["05"], PKCS15),
        (USIM + "00", ["04"], "6700"),
        (PKCS15 + "00", ["04"], None),
        (PKCS15[:-2] + "36", ["04"], None),
    ],
)
def test_a_part_of_an_aid_means_its_occurrence(name: str, occurrences: list[str], found: str | None) -> None:
    terminal = Terminal()
    answer = [terminal.select_aid(name, p2) for p2 in occurrences][-1]
    if found is None:
        assert answer == "6A82"
    elif found == "6700":
        assert answer == found
    else:
        assert f"84{len(found) // 2:02X}{found}" in answer
        assert answer.endswith("9000")


def test_next_begins_at_the_first_when_another_application_is_active() -> None:
    terminal = Terminal()
    terminal.select_aid(PKCS15)
    assert f"8410{USIM}" in terminal.select_aid(USIM_PREFIX, "06")


def test_fci_is_answered_with_the_fcp() -> None:
    terminal = Terminal()
    assert terminal.select_aid(USIM, "00") == terminal.select_aid(USIM, "04")


def test_no_answer_is_given_when_none_is_wanted_or_le_is_missing() -> None:
    terminal = Terminal()
    assert terminal.select_aid(USIM, "0C") == "9000"
    assert terminal(f"00A4040410{USIM}") == "9000"


def test_an_le_too_small_for_the_fcp_selects_nothing() -> None:
    terminal = Terminal()
    length = len(terminal.select_aid(USIM)) // 2 - 2
    terminal.select("3F00")
    terminal.select_aid(PKCS15)
    assert terminal(f"00A4040410{USIM}01") == f"6C{length:02X}"
    assert terminal.select("5031") == "9000"


def test_a_termination_ends_the_active_application() -> None:
    terminal = Terminal()
    assert terminal.select_aid(USIM, "44") == "6A82"
    terminal.select_aid(USIM)
    assert terminal.select_aid(PKCS15, "44") == "6A82"
    assert terminal.select_aid(USIM, "44") == "9000"
    assert terminal.select("7FFF") == "6A82"
    assert terminal.select("2FE2") == "9000"
