"""Habits of cards met in the field."""

from __future__ import annotations

from tests.vendor_pcsc.cards import PKCS15, USIM, quirky


def test_a_card_without_select_by_aid() -> None:
    terminal = quirky("aid_select: not_supported")
    assert terminal.select_aid(USIM) == "6A86"
    assert terminal.select("7FF0", "6F07") == "9000"


def test_a_card_without_select_by_path() -> None:
    terminal = quirky("path_select: not_supported")
    assert terminal("00A4080C047F505031") == "6A86"
    assert terminal("00A4090C047F505031") == "6A86"
    assert terminal.select("7F50", "5031") == "9000"


def test_a_card_that_accepts_any_aid_stays_where_it_is() -> None:
    terminal = quirky('accept_any_aid: "true"')
    assert terminal.select_aid(PKCS15).endswith("9000")
    assert f"84{len(PKCS15) // 2:02X}{PKCS15}" in terminal.select_aid("A000000099")
    assert terminal.select("5031") == "9000"


def test_a_card_that_answers_no_fcp() -> None:
    terminal = quirky("fcp: none")
    assert terminal.select_aid(PKCS15) == "9000"
    assert terminal("00A4000402503100") == "9000"
    assert terminal("00B0000002") == "A7069000"
    assert terminal("80F2000000").startswith("62")


def test_a_card_that_refuses_p2_0c_with_an_aid() -> None:
    terminal = quirky("select_p2_0c_with_aid: refused")
    assert terminal.select_aid(USIM, "0C") == "6A86"
    assert terminal.select_aid(USIM, "04").endswith("9000")
    assert terminal.select("2FE2") == "6A82"
    assert terminal.select("3F00", "2FE2") == "9000"
