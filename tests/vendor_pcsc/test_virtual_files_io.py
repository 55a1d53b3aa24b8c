"""Reading and updating transparent, linear fixed and cyclic files."""

from __future__ import annotations

import pytest

from tests.vendor_pcsc.cards import ADM1, PIN1, Terminal


def test_octets_are_read_from_an_offset() -> None:
    terminal = Terminal()
    terminal.select("2F01")
    assert terminal("00B0000203") == "0304059000"
    assert terminal("00B0025701") == "009000"
    assert terminal("00B0025801") == "6B00"
    assert terminal("00B07FFF01") == "6B00"


def test_le_00_reads_all_there_is_up_to_256() -> None:
    terminal = Terminal()
    terminal.select("2F01")
    assert len(terminal("00B0000000")) == 2 * 258
    terminal.select("2FE2")
    assert terminal("00B0000000") == "988812010000400310F09000"


def test_an_le_beyond_the_end_gives_what_is_there_with_a_warning() -> None:
    terminal = Terminal()
    terminal.select("2FE2")
    assert terminal("00B000080A") == "10F06282"


def test_a_short_identifier_selects_the_file_too() -> None:
    terminal = Terminal()
    assert terminal("00B0820801") == "109000"
    assert terminal("00B0000001") == "989000"


def test_a_file_without_tag_88_is_found_by_the_low_bits_of_its_identifier() -> None:
    assert Terminal()("00B0870001") == "6B00"


def test_a_file_with_tag_88_goes_before_one_that_implies_the_same_number() -> None:
    terminal = Terminal()
    assert terminal("00B0830002") == "01029000"
    terminal.select("7F10", "5F50")
    assert terminal("00B0810004") == "646565709000"


def test_a_file_whose_tag_88_is_empty_has_no_short_identifier() -> None:
    assert Terminal()("00B0850001") == "6A82"


def test_an_extended_le_reads_a_file_at_once() -> None:
    terminal = Terminal(("protocol: t1", "protocol: t1\nextended_length: true"))
    assert terminal("00A4000C0000022F01") == "9000"
    assert len(terminal("00B00000000258")) == 2 * 602
    assert terminal("00B00000000000").endswith("9000")
    assert terminal("00B00000000259").endswith("6282")
    assert terminal("00A400040000022F010000").startswith("62")
    assert terminal("00A4000400000000022F01") == "6700"
    assert terminal("00B0000000000000") == "6700"


def test_absolute_mode_reads_a_record_and_moves_no_pointer() -> None:
    terminal = Terminal()
    terminal.select("2F00")
    assert terminal("00B2020400") == "74776FFF9000"
    assert terminal("00B2000400") == "6A83"
    assert terminal("00B2000200") == "61024F009000"
    assert terminal("00B2000404") == "61024F009000"


def test_next_and_previous_go_from_end_to_end() -> None:
    terminal = Terminal()
    terminal.select("2F00")
    assert [terminal("00B2000204")[:8] for _ in range(4)] == ["61024F00", "74776FFF", "FFFFFFFF", "6A83"]
    assert [terminal("00B2000304")[:8] for _ in range(3)] == ["74776FFF", "61024F00", "6A83"]


def test_previous_begins_at_the_last_record() -> None:
    terminal = Terminal()
    terminal.select("2F00")
    assert terminal("00B2000304") == "FFFFFFFF9000"


def test_selecting_a_file_again_forgets_the_pointer() -> None:
    terminal = Terminal()
    terminal.select("2F00")
    terminal("00B2000204")
    terminal.select("2F00")
    assert terminal("00B2000204") == "61024F009000"


@pytest.mark.parametrize(("le", "answer"), [("03", "6C04"), ("05", "74776FFF6282"), ("04", "74776FFF9000")])
def test_a_record_is_read_whole(le: str, answer: str) -> None:
    assert Terminal()(f"00B202F4{le}") == answer


def test_a_wrong_le_moves_no_pointer() -> None:
    terminal = Terminal()
    terminal.select("2F00")
    assert terminal("00B2000201") == "6C04"
    assert terminal("00B2000204") == "61024F009000"


def test_a_record_file_by_short_identifier_becomes_current() -> None:
    terminal = Terminal()
    assert terminal("00B201F404") == "61024F009000"
    assert terminal("00B2020404") == "74776FFF9000"


def test_a_cyclic_file_begins_at_its_newest_record_and_goes_round() -> None:
    terminal = Terminal()
    terminal.select("2F08")
    assert terminal("00B2000402") == "C1C19000"
    assert [terminal("00B2000202")[:4] for _ in range(3)] == ["C2C2", "C3C3", "C1C1"]
    assert terminal("00B2000302") == "C3C39000"


def test_an_update_of_a_cyclic_file_replaces_the_oldest_record() -> None:
    terminal = Terminal()
    terminal.verify("0A", ADM1)
    terminal.select("2F08")
    assert terminal("00DC010402AAAA") == "6A86"
    assert terminal("00DC000302AAAA") == "9000"
    assert [terminal(f"00B20{n}0402")[:4] for n in (1, 2, 3)] == ["AAAA", "C1C1", "C2C2"]


def test_octets_are_updated_and_stay_over_a_reset() -> None:
    terminal = Terminal()
    terminal.verify("0A", ADM1)
    assert terminal("00D6830102AABB") == "9000"
    assert terminal("00D6000301CC") == "9000"
    terminal.card.reset()
    assert terminal("00B0830005") == "01AABBCC059000"


def test_a_record_is_updated_whole() -> None:
    terminal = Terminal()
    terminal.verify("01", PIN1)
    terminal.select("2F09")
    assert terminal("00DC010401BB") == "6700"
    assert terminal("00DC010402BBBB") == "9000"
    assert terminal("00B2010402") == "BBBB9000"


def test_next_updates_move_the_pointer() -> None:
    terminal = Terminal()
    terminal.verify("0A", ADM1)
    terminal.select("2F00")
    assert terminal("00DC00020411111111") == "9000"
    assert terminal("00DC00020422222222") == "9000"
    assert terminal("00B2000404") == "222222229000"


def test_every_ef_arr_shows_the_access_rules() -> None:
    terminal = Terminal()
    terminal.select("2F06")
    assert terminal("00B2010400") == "800101" + "9000" + "800102" + "9700" + "FF" * 12 + "9000"
    private = "800101" + "A406830101950108" + "800102" + "A406830101950108"
    assert terminal("00B2030400") == private + "9000"
    assert terminal("00B2060400") == "6A83"
    terminal.select("7F10", "6F06")
    assert terminal("00B2030400") == private + "9000"
    assert terminal("00B086000A") == "6981"


def test_a_rule_for_ef_arr_is_added_when_the_profile_has_none() -> None:
    terminal = Terminal(("fixed: {read: always, update: never}", "fixed: {read: always, update: always}"))
    terminal.select("2F06")
    assert terminal("00B2060400").startswith("800101" + "9000" + "800102" + "9700" + "FF")
