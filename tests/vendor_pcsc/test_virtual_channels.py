"""Logical channels are opened, kept apart and closed."""

from __future__ import annotations

from tests.vendor_pcsc.cards import PIN1, PKCS15, USIM, Terminal

MANY = ("logical_channels: 4", "logical_channels: 20")


def test_the_card_gives_the_lowest_free_channel_until_none_is_left() -> None:
    terminal = Terminal()
    assert [terminal("0070000001") for _ in range(4)] == ["019000", "029000", "039000", "6881"]
    assert terminal("00708002") == "9000"
    assert terminal("0070000001") == "029000"


def test_a_card_with_one_channel_opens_none() -> None:
    assert Terminal(("logical_channels: 4", "logical_channels: 1"))("0070000001") == "6881"


def test_a_channel_is_opened_by_its_number() -> None:
    terminal = Terminal()
    assert terminal("00700003") == "9000"
    assert terminal("00700003") == "6881"
    assert terminal("00700004") == "6881"
    assert terminal.select("2FE2", cla="03") == "9000"


def test_channels_from_4_to_19_have_their_own_class() -> None:
    terminal = Terminal(MANY)
    for channel in range(1, 20):
        assert terminal("0070000001") == f"{channel:02X}9000"
    assert terminal("0070000001") == "6881"
    assert terminal.select("2FE2", cla="4F") == "9000"
    assert terminal("4FB0000001") == "989000"
    assert terminal("CFF2000C") == "9000"
    assert terminal("40B0000001") == "6986"


def test_each_channel_has_its_own_selection() -> None:
    terminal = Terminal()
    terminal("0070000001")
    terminal.select_aid(USIM)
    terminal.select_aid(PKCS15, cla="01")
    assert terminal.select("5031", cla="01") == "9000"
    assert terminal.select("6F07") == "9000"
    assert terminal("01B0000002") == "A7069000"
    assert terminal("00B0000002") == "6982"


def test_each_channel_has_its_own_record_pointer() -> None:
    terminal = Terminal()
    terminal("0070000001")
    terminal.select("2F00")
    terminal.select("2F00", cla="01")
    assert terminal("00B2000204") == "61024F009000"
    assert terminal("01B2000204") == "61024F009000"
    assert terminal("00B2000204") == "74776FFF9000"


def test_a_channel_from_the_basic_one_begins_at_the_mf() -> None:
    terminal = Terminal()
    terminal.select("7F10")
    terminal("0070000001")
    assert terminal.select("2FE2", cla="01") == "9000"


def test_a_channel_from_another_one_takes_its_directory_over() -> None:
    terminal = Terminal()
    terminal("0070000001")
    terminal.select_aid(PKCS15, cla="01")
    terminal.select("5031", cla="01")
    assert terminal("0170000001") == "029000"
    assert terminal("02B0000002") == "6986"
    assert terminal.select("7FFF", "5031", cla="02") == "9000"


def test_a_channel_closes_itself() -> None:
    terminal = Terminal()
    terminal("0070000001")
    assert terminal("01708000") == "9000"
    assert terminal.select("3F00", cla="01") == "6881"


def test_a_closed_channel_opens_with_nothing_left_of_it() -> None:
    terminal = Terminal()
    terminal("0070000001")
    terminal.select_aid(PKCS15, cla="01")
    terminal("00708001")
    terminal("0070000001")
    assert terminal.select("7FFF", cla="01") == "6A82"


def test_a_pin_is_verified_on_all_channels() -> None:
    terminal = Terminal()
    terminal("0070000001")
    assert terminal.verify("01", PIN1) == "9000"
    terminal.select("2F03", cla="01")
    assert terminal("01B0000006") == "7365637265749000"


def test_a_reset_closes_all_channels_and_selects_the_mf() -> None:
    terminal = Terminal()
    terminal("0070000001")
    terminal.select("7F10")
    terminal.card.reset()
    assert terminal.select("3F00", cla="01") == "6881"
    assert terminal.select("2FE2") == "9000"
