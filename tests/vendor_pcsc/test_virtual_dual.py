"""A UICC that can be a SIM: the first command decides, and the two share files and PINs."""

from __future__ import annotations

import pytest

from tests.vendor_pcsc.gsm_cards import ALWAYS_2G, APPLICATIONS, CHV1, NEW, UICC_2G, USIM, WRONG, GsmTerminal

T1 = ("protocol: t0", "protocol: t1")


def dual(*changes: tuple[str, str]) -> GsmTerminal:
    return GsmTerminal(UICC_2G, *changes)


@pytest.mark.parametrize(
    "first", ["A0A40000023F00", "A0C0000016", "A0A40000026FFF", "A0010000", "A0F2000000", "A0A40000FF"]
)
def test_class_a0_makes_a_sim_of_it_whatever_the_answer(first: str) -> None:
    terminal = dual()
    terminal(first)
    assert terminal("00A4000C023F00") == "6E00"
    assert terminal("80F2000C00") == "6E00"
    assert terminal.select("2FE2") == "9F0F"


@pytest.mark.parametrize("first", ["00A4000C023F00", "80F2000C", "00010000", "01A4000C023F00", "00A40000FF"])
def test_a_class_of_a_uicc_makes_a_uicc_of_it_whatever_the_answer(first: str) -> None:
    terminal = dual()
    terminal(first)
    assert terminal("A0A40000023F00") == "6E00"
    assert terminal("A0C0000016") == "6E00"
    assert terminal("00A4000C022FE2") == "9000"


@pytest.mark.parametrize(
    ("first", "answer"), [("", "6700"), ("A0A400", "6700"), ("10A4000C023F00", "6E00"), ("0CA4000C023F00", "6882")]
)
def test_what_is_of_neither_kind_decides_nothing(first: str, answer: str) -> None:
    for then in ("A0A40000023F00", "00A40004023F00"):
        terminal = dual()
        assert terminal(first) == answer
        assert terminal(then) != "6E00"


def test_after_a_reset_the_next_command_decides_again() -> None:
    terminal = dual()
    assert terminal.select("3F00") == "9F16"
    terminal.card.reset()
    assert terminal("00A4000C022FE2") == "9000"
    assert terminal.select("3F00") == "6E00"
    terminal.card.reset()
    assert terminal("A0C0000016")[8:12] == "3F00"


def test_activated_as_a_sim_it_refuses_the_classes_of_a_uicc() -> None:
    terminal = GsmTerminal(ALWAYS_2G)
    for _ in range(2):
        assert terminal("00A4000C023F00") == "6E00"
        assert terminal("80F2000C") == "6E00"
        assert terminal.select("2FE2") == "9F0F"
        terminal.card.reset()


def test_as_a_uicc_it_has_its_applications() -> None:
    terminal = dual(APPLICATIONS, T1)
    assert terminal(f"00A4040410{USIM}00").endswith("9000")
    assert terminal("0070000001") == "019000"


def test_as_a_sim_it_fetches_even_where_the_uicc_has_t1() -> None:
    terminal = dual(T1)
    assert terminal.told("2FE2") == "0000000A2FE204000FFFFF01020000"


def test_files_are_the_same_in_both() -> None:
    terminal = dual(T1)
    terminal.select("2F05")
    terminal("A0D6000001EE")
    terminal.card.reset()
    terminal("00A4000C022F05")
    assert terminal("00B0000001") == "EE9000"


def test_pins_and_their_attempts_are_the_same_in_both() -> None:
    terminal = dual()
    terminal.verify(1, WRONG)
    terminal.card.reset()
    assert terminal("0020000100") == "63C2"
    assert terminal(f"0024000110{CHV1}{NEW}") == "9000"
    terminal.card.reset()
    assert terminal.verify(1, NEW) == "9000"


def test_what_was_verified_in_one_is_not_verified_in_the_other() -> None:
    terminal = dual()
    terminal.verify(1, CHV1)
    terminal.card.reset()
    terminal("00A4000C027F20")
    terminal("00A4000C026F07")
    assert terminal("00B0000009") == "6982"
