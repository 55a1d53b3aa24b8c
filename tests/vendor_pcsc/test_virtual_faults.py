"""What goes wrong on purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.vendor_pcsc.cards import ATR, PROFILE, Terminal, profile
from tests.vendor_pcsc.gsm_cards import GsmTerminal, gsm_profile
from vendor_pcsc.connection import CardConnection
from vendor_pcsc.errors import BridgeError, CardRemovedError, ProfileError, ReaderError
from vendor_pcsc.virtual import FaultyCard, VirtualCard, VirtualConnection, connect, insert_card, load_profile
from vendor_pcsc.virtual.faults import CardPulled, ShortReads, WrongAnswer

if TYPE_CHECKING:
    from pathlib import Path

ANCHOR = "description: a card for tests"
SELECT = bytes.fromhex("00A4000C022FE2")
READ = bytes.fromhex("00B000000A")
ICCID = "988812010000400310f09000"


def faulty(text: str) -> VirtualConnection:
    return connect(profile((ANCHOR, f"faults: {{{text}}}")))


def told(connection: CardConnection, apdu: str) -> str:
    return connection.transmit(bytes.fromhex(apdu)).hex().upper()


def outcome(connection: CardConnection, apdu: bytes = SELECT) -> str:
    try:
        return connection.transmit(apdu).hex()
    except BridgeError as error:
        return type(error).__name__


def test_a_profile_without_faults_is_a_plain_card() -> None:
    assert isinstance(insert_card(profile()), VirtualCard)
    assert isinstance(insert_card(profile((ANCHOR, "faults: {}"))), VirtualCard)
    connection: CardConnection = connect(profile())
    assert connection.name == "profile small"
    assert connection.atr.hex().upper() == ATR


def test_a_card_with_faults_is_a_card() -> None:
    card = insert_card(profile((ANCHOR, "faults: {delay_ms: 1}")))
    assert isinstance(card, FaultyCard)
    assert repr(card) == "FaultyCard('small')"
    assert isinstance(VirtualConnection(card), CardConnection)
    assert card.process(SELECT) == b"\x90\x00"


def test_a_pulled_card_stays_away() -> None:
    connection = faulty("remove_at: 2")
    assert outcome(connection) == "9000"
    for _ in range(2):
        with pytest.raises(CardRemovedError, match="the card was removed"):
            connection.transmit(READ)
    with pytest.raises(CardRemovedError):
        connection.reset()
    connection.close()


def test_apdus_are_counted_over_resets_and_connections() -> None:
    card = insert_card(profile((ANCHOR, "faults: {remove_at: 3}")))
    first, second = VirtualConnection(card), VirtualConnection(card)
    assert outcome(first) == outcome(second) == "9000"
    first.reset()
    assert outcome(first) == "CardRemovedError"
    assert outcome(second) == "CardRemovedError"
    with pytest.raises(CardRemovedError):
        VirtualConnection(card)


def test_a_reader_that_went_stays_away() -> None:
    connection = faulty("reader_gone_at: 1")
    for _ in range(2):
        with pytest.raises(ReaderError, match="the reader is gone"):
            connection.transmit(SELECT)
    with pytest.raises(ReaderError):
        connection.reset()


def test_each_answer_comes_late() -> None:
    waits: list[float] = []
    card = FaultyCard(VirtualCard(profile((ANCHOR, "faults: {delay_ms: 250}"))), sleep=waits.append)
    for apdu in (SELECT, READ):
        card.process(apdu)
    assert waits == [0.25, 0.25]


def test_a_storm_of_61_never_ends_and_its_data_grow() -> None:
    connection = faulty("storm_61: 2")
    assert outcome(connection) == "9000"
    assert told(connection, "00B000000A") == "6101"
    assert [told(connection, "00C0000001") for _ in range(50)] == ["006101"] * 50
    assert told(connection, "") == "6101"


def test_a_storm_of_6c_never_tells_the_le_that_was_asked_for() -> None:
    connection = faulty("storm_6c: 2")
    assert outcome(connection) == "9000"
    length = "00"
    for _ in range(300):
        answer = told(connection, f"00B00000{length}")
        assert answer[:2] == "6C"
        assert answer[2:] != length
        length = answer[2:]
    assert told(connection, "") == "6C01"


def test_short_reads_say_that_all_is_well() -> None:
    connection = faulty("short_reads: 4")
    assert outcome(connection) == "9000"
    assert told(connection, "00B000000A") == "988812019000"
    assert told(connection, "00B0000406") == "000040039000"
    assert told(connection, "00B0000802") == "10F09000"
    assert told(connection, "00B0001002") == "6B00"
    assert told(connection, "00A40004022FE200").startswith("62")


def test_short_reads_of_class_a0() -> None:
    card = FaultyCard(VirtualCard(gsm_profile()), [ShortReads(3)])
    connection = VirtualConnection(card)
    assert told(connection, "A0A40000022FE2") == "9F0F"
    assert len(told(connection, "A0C000000F")) == 2 * 17
    assert told(connection, "A0B000000A") == "9888129000"


def test_one_command_does_not_reach_the_card() -> None:
    connection = faulty("wrong_sw_at: {apdu: 2, sw: 6F00}")
    assert outcome(connection) == "9000"
    assert told(connection, "00A4000C023F00") == "6F00"
    assert outcome(connection, READ) == ICCID


def test_no_channel_is_opened() -> None:
    connection = faulty("channel_refused: true")
    assert told(connection, "0070000001") == "6881"
    assert told(connection, "00700001") == "6881"
    assert told(connection, "00708001") == "6881"
    assert outcome(connection) == "9000"
    assert Terminal()("0070000001") == "019000"
    assert GsmTerminal()("A070000001") == "6D00"
    assert told(faulty("channel_refused: false"), "0070000001") == "019000"


def test_a_sim_has_no_channel_to_refuse() -> None:
    connection = connect(gsm_profile(("generation: sim", "generation: sim\nfaults: {channel_refused: true}")))
    assert told(connection, "A070000001") == "6D00"


def swapping(tmp_path: Path, other: str) -> Path:
    (tmp_path / "cards").mkdir()
    (tmp_path / "other.yaml").write_text(other, encoding="utf-8")
    path = tmp_path / "cards" / "card.yaml"
    fault = f"faults: {{swap_at: {{apdu: 2, profile: ../other.yaml}}, short_reads: 2}}\n{ANCHOR}"
    path.write_text(PROFILE.replace(ANCHOR, fault), encoding="utf-8")
    return path


def test_another_card_is_there_after_the_next_reset(tmp_path: Path) -> None:
    other = PROFILE.replace("name: small", "name: other").replace("8988211000000430010", "8988211000000430028")
    path = swapping(tmp_path, other.replace(ATR, "3B00"))
    card = insert_card(load_profile(path))
    connection = VirtualConnection(card)
    assert outcome(connection) == "9000"
    assert outcome(connection, READ) == "CardRemovedError"
    assert outcome(connection, READ) == "CardRemovedError"
    assert card.profile.name == "small"
    assert connection.reset() == connection.atr == b"\x3b\x00"
    assert (card.profile.name, connection.name) == ("other", "profile small")
    assert outcome(connection, READ) == "6986"
    assert outcome(connection) == "9000"
    assert told(connection, "00B0000802") == "20F89000"
    assert told(connection, "00B000000A") == "98889000", "the other faults go on"
    assert connection.reset() == b"\x3b\x00"


def test_a_new_connection_finds_the_other_card(tmp_path: Path) -> None:
    card = insert_card(load_profile(swapping(tmp_path, PROFILE.replace("name: small", "name: other"))))
    connection = VirtualConnection(card)
    for _ in range(3):
        outcome(connection)
    assert VirtualConnection(card).name == "profile other"


def test_a_card_that_is_swapped_in_has_no_faults(tmp_path: Path) -> None:
    path = swapping(tmp_path, PROFILE.replace(ANCHOR, "faults: {delay_ms: 1}"))
    with pytest.raises(ProfileError, match=r"faults\.swap_at\.profile .*: faults .*: a card that is swapped in"):
        load_profile(path)


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("remove: 1", "unknown key 'remove'; allowed here: delay_ms, reader_gone_at"),
        ("remove_at: 0", "from 1 to 999999, found '0'"),
        ("delay_ms: 60001", "from 0 to 60000"),
        ("short_reads: 0", "from 1 to 65536"),
        ("storm_61: x", "from 1 to 999999"),
        ("channel_refused: yes", "wanted true or false"),
        ("wrong_sw_at: {apdu: 1}", "missing: sw"),
        ("wrong_sw_at: {apdu: 1, sw: 6F}", "wanted 2 octets"),
        ("swap_at: {apdu: 1, profile: none.yaml}", "none.yaml: the file cannot be read"),
        ("swap_at: {apdu: 1, profile: /none.yaml}", "found an absolute one"),
        ('swap_at: {apdu: 1, profile: ""}', "the file cannot be read"),
    ],
)
def test_a_wrong_fault_is_refused_at_its_place(text: str, detail: str) -> None:
    with pytest.raises(ProfileError, match=r"faults") as caught:
        profile((ANCHOR, f"faults: {{{text}}}"))
    assert detail in caught.value.detail


def test_faults_are_put_before_any_card_in_the_order_given() -> None:
    card = FaultyCard(VirtualCard(profile()), [WrongAnswer(1, 0x6F00), CardPulled(1), CardPulled(2)])
    assert card.process(SELECT) == b"\x6f\x00"
    with pytest.raises(CardRemovedError):
        card.process(SELECT)


def test_all_faults_at_once_go_in_their_order(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(PROFILE, encoding="utf-8")
    text = PROFILE.replace(
        ANCHOR,
        "faults:\n  delay_ms: 0\n  wrong_sw_at: {apdu: 1, sw: 6400}\n  channel_refused: true\n  short_reads: 1\n"
        "  storm_6c: 5\n  storm_61: 7\n  swap_at: {apdu: 8, profile: other.yaml}\n  remove_at: 9\n  reader_gone_at: 10",
    )
    connection = connect(load_profile(text, base=tmp_path))
    assert outcome(connection) == "6400"
    assert outcome(connection, bytes.fromhex("0070000001")) == "6881"
    assert outcome(connection) == "9000"
    assert outcome(connection, READ) == "989000"
    assert outcome(connection, READ) == outcome(connection, READ) == "6c0b"
    assert outcome(connection, READ) == "6101"
    assert outcome(connection) == "CardRemovedError"
    connection.reset()
    assert outcome(connection) == "CardRemovedError"
