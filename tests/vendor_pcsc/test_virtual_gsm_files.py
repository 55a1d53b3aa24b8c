"""Class A0: reading and updating."""

from __future__ import annotations

import pytest

from tests.vendor_pcsc.gsm_cards import CHV1, CHV2, GsmTerminal


def selected(*file_ids: str) -> GsmTerminal:
    terminal = GsmTerminal()
    terminal.select(*file_ids)
    return terminal


def records() -> GsmTerminal:
    return selected("7F10", "6F3A")


def ring() -> GsmTerminal:
    return selected("7F10", "6F44")


def test_octets_are_read_from_an_offset() -> None:
    terminal = selected("2FE2")
    assert terminal("A0B000000A") == "988812010000400310F09000"
    assert terminal("A0B0000402") == "00009000"


def test_p3_00_reads_256_octets() -> None:
    terminal = selected("2F05")
    assert terminal("A0B0000000") == "0102030405" + 251 * "00" + "9000"
    assert len(terminal("A0B0000000")) == len(terminal("A0B00000")) == 2 * 258
    assert terminal("A0B0020000") == "6758"


def test_offsets_have_16_bits() -> None:
    terminal = GsmTerminal(("size: 600", "size: 32768"))
    terminal.select("2F05")
    assert terminal("A0B07FFF01") == "009000"
    assert terminal("A0B0800001") == "9402"
    assert terminal("A0B0FFFF01") == "9402"


def test_a_read_across_the_end_is_told_what_is_left() -> None:
    terminal = selected("2FE2")
    assert terminal("A0B0000803") == "6702"
    assert terminal("A0B0000B01") == "9402"


def test_octets_are_updated() -> None:
    terminal = selected("2F05")
    assert terminal("A0D6000103AAAAAA") == "9000"
    assert terminal("A0B0000005") == "01AAAAAA059000"
    assert terminal("A0D6025702AAAA") == "6701"
    assert terminal("A0D6025801AA") == "9402"


def test_an_absolute_read_leaves_the_pointer() -> None:
    terminal = records()
    assert terminal("A0B2000402") == "9402"
    assert terminal("A0B2020402") == "A2A29000"
    assert terminal("A0B2000202") == "A1A19000"
    assert terminal("A0B2000402") == "A1A19000"
    assert terminal("A0B2040402") == "9402"


def test_next_begins_with_the_first_and_ends_with_the_last() -> None:
    terminal = records()
    assert [terminal("A0B2000202") for _ in range(4)] == ["A1A19000", "A2A29000", "A3A39000", "9402"]
    assert terminal("A0B2000402") == "A3A39000"


def test_previous_begins_with_the_last_and_ends_with_the_first() -> None:
    terminal = records()
    assert [terminal("A0B2000302") for _ in range(4)] == ["A3A39000", "A2A29000", "A1A19000", "9402"]


@pytest.mark.parametrize("p1", ["00", "01", "FF"])
def test_p1_says_nothing_in_modes_next_and_previous(p1: str) -> None:
    assert records()(f"A0B2{p1}0202") == "A1A19000"
    assert records()(f"A0B2{p1}0302") == "A3A39000"


def test_a_cyclic_file_begins_at_its_newest_record_and_goes_round() -> None:
    terminal = ring()
    assert terminal("A0B2000402") == "C1C19000"
    assert [terminal("A0B2000202") for _ in range(3)] == ["C2C29000", "C3C39000", "C1C19000"]
    assert terminal("A0B2000302") == "C3C39000"


def test_a_wrong_record_length_is_told_the_right_one_and_moves_nothing() -> None:
    terminal = records()
    assert terminal("A0B2000203") == "6702"
    assert terminal("A0B2000200") == "6702"
    assert terminal("A0DC000203AAAAAA") == "6702"
    assert terminal("A0B2000202") == "A1A19000"


def test_records_are_updated_in_every_mode() -> None:
    terminal = records()
    assert terminal("A0DC020402B2B2") == "9000"
    assert terminal("A0DC000202B1B1") == "9000"
    assert terminal("A0DC000402B0B0") == "9000"
    assert [terminal(f"A0B20{n}0402")[:4] for n in (1, 2, 3)] == ["B0B0", "B2B2", "A3A3"]


def test_a_cyclic_file_takes_a_new_newest_record_only() -> None:
    terminal = ring()
    assert terminal("A0DC010402DDDD") == "6B00"
    assert terminal("A0DC000202DDDD") == "6B00"
    assert terminal("A0DC000302DDDD") == "9000"
    assert terminal("A0B2000402") == "DDDD9000"
    assert [terminal(f"A0B20{n}0402")[:4] for n in (1, 2, 3)] == ["DDDD", "C1C1", "C2C2"]


def test_each_access_level_opens_its_own_files_only() -> None:
    terminal = selected("7F10", "6F3B")
    assert terminal("A0B0000002") == "9804"
    terminal.verify(2, CHV2)
    assert terminal("A0B0000002") == "9804"
    assert terminal("A0D6000001CC") == "9000"
    terminal.verify(1, CHV1)
    assert terminal("A0B0000002") == "CCBB9000"


@pytest.mark.parametrize(
    ("file_id", "command", "answer"),
    [
        ("6F3C", "A0B0000001", "9804"),
        ("6F3C", "A0D6000001AA", "9804"),
        ("6F3F", "A0D6000001AA", "9804"),
        ("6F40", "A0B201041A", "9804"),
        ("6F40", f"A0DC01041A{26 * 'AA'}", "9804"),
        ("6F3D", "A0B0000001", "9810"),
        ("6F3E", "A0B0000001", "9402"),
        ("6F3A", "A0B0000001", "9408"),
        ("6F3A", "A0D6000001AA", "9408"),
        ("6F3B", "A0B2010401", "9408"),
        ("6F3B", "A0DC010401AA", "9408"),
    ],
)
def test_a_selected_file_answers(file_id: str, command: str, answer: str) -> None:
    assert selected("7F10", file_id)(command) == answer


def test_what_was_written_outlives_a_reset() -> None:
    terminal = selected("2F05")
    terminal("A0D6000001EE")
    terminal.card.reset()
    terminal.select("2F05")
    assert terminal("A0B0000001") == "EE9000"
