"""T=0: data that wait, lengths that are told, and GET RESPONSE in its place."""

from __future__ import annotations

import pytest

from tests.vendor_pcsc.cards import PIN1, USIM, Terminal, t0
from vendor_pcsc.errors import ProfileError

MF_FCP = Terminal()("00A40004023F0000")
MF_LENGTH = f"{len(MF_FCP) // 2 - 2:02X}"


@pytest.mark.parametrize("command", ["00A40004023F00", "00A40004023F0000", "00A40004023F00FF"])
def test_the_data_of_select_wait_whatever_its_le(command: str) -> None:
    terminal = t0()
    assert terminal(command) == f"61{MF_LENGTH}"
    assert terminal(f"00C00000{MF_LENGTH}") == MF_FCP


def test_a_select_without_answer_leaves_nothing_waiting() -> None:
    terminal = t0()
    assert terminal("00A4000C023F00") == "9000"
    assert terminal("00C0000000") == "6F00"


def test_get_response_is_told_the_length_and_the_data_wait_on() -> None:
    terminal = t0()
    terminal("00A40004023F00")
    assert terminal("00C0000000") == f"6C{MF_LENGTH}"
    assert terminal(f"00C00000{MF_LENGTH}") == MF_FCP
    assert terminal(f"00C00000{MF_LENGTH}") == "6F00"


def test_get_response_takes_a_part_and_is_told_the_rest() -> None:
    terminal = t0()
    terminal("00A40004023F00")
    rest = int(MF_LENGTH, 16) - 4
    assert terminal("00C0000004") == f"{MF_FCP[:8]}61{rest:02X}"
    assert terminal(f"00C00000{rest:02X}") == MF_FCP[8:]


def test_another_command_between_loses_the_data() -> None:
    terminal = t0()
    terminal("00A40004023F00")
    terminal("00200001")
    assert terminal(f"00C00000{MF_LENGTH}") == "6F00"


def test_another_channel_does_not_get_the_data() -> None:
    terminal = t0()
    assert terminal("0070000001") == "019000"
    terminal("00A40004023F00")
    assert terminal(f"01C00000{MF_LENGTH}") == "6F00"


def test_a_reset_loses_the_data() -> None:
    terminal = t0()
    terminal("00A40004023F00")
    terminal.card.reset()
    assert terminal(f"00C00000{MF_LENGTH}") == "6F00"


@pytest.mark.parametrize(
    ("command", "answer"), [("00C0010000", "6A86"), ("00C0000001AA", "6700"), ("80C0000001", "6D00")]
)
def test_get_response_in_a_wrong_form(command: str, answer: str) -> None:
    terminal = t0()
    terminal("00A40004023F00")
    assert terminal(command) == answer


def test_a_wrong_le_is_told_the_right_one() -> None:
    terminal = t0()
    terminal.select("2FE2")
    assert terminal("00B0000000") == "6C0A"
    assert terminal("00B00000") == "6C0A"
    assert terminal("00B000000A") == "988812010000400310F09000"
    assert terminal("00B0000002") == "98889000"
    assert terminal("00B0000803") == "6C02"
    assert terminal("00B0000002").endswith("9000")


def test_256_octets_are_read_with_le_00() -> None:
    terminal = t0()
    terminal.select("2F01")
    assert len(terminal("00B0000000")) == 2 * 258
    assert terminal("00B0020000") == "6C58"


@pytest.mark.parametrize("le", ["00", "03", "05"])
def test_a_record_is_read_with_its_length_only(le: str) -> None:
    terminal = t0()
    terminal.select("2F00")
    assert terminal(f"00B20002{le}") == "6C04"
    assert terminal("00B2000204") == "61024F009000"


def test_status_is_told_its_length() -> None:
    terminal = t0()
    assert terminal("80F2000000") == f"6C{MF_LENGTH}"
    assert terminal(f"80F20000{MF_LENGTH}") == MF_FCP


def test_a_channel_is_opened_only_with_the_right_le() -> None:
    terminal = t0()
    assert terminal("0070000000") == "6C01"
    assert terminal("00700000") == "6C01"
    assert terminal("0070000001") == "019000"
    assert terminal("0070800100") == "9000"


def test_a_warning_comes_first_and_its_data_wait() -> None:
    terminal = t0()
    assert terminal("00A40004022F02") == "6283"
    assert terminal("00C0000000") == "6C16"
    assert terminal("00C0000016").endswith("800200069000")


def test_verify_needs_no_get_response() -> None:
    terminal = t0()
    assert terminal("0020000100") == "63C3"
    assert terminal.verify("01", PIN1) == "9000"


def test_data_waiting_after_a_path_and_an_aid() -> None:
    terminal = t0()
    assert terminal("00A40804047FF06F07").startswith("61")
    assert terminal(f"00A4040410{USIM}").startswith("61")


@pytest.mark.parametrize("command", ["00A4000C00023F00", "00A4000400", "00A4000C"])
def test_extended_length_and_an_empty_select(command: str) -> None:
    answers = {"00A4000C00023F00": "6700", "00A4000400": f"6C{MF_LENGTH}", "00A4000C": "9000"}
    assert t0()(command) == answers[command]


def test_a_profile_cannot_have_extended_length_with_t0() -> None:
    with pytest.raises(ProfileError, match=r"extended_length .*protocol t1 only"):
        t0(("logical_channels: 4", "extended_length: true"))
