"""What the Java Card runtime lets through and what it does not, as the applet's README states it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.jcardsim.pairs import PROFILES, Pair
from tests.vendor_pcsc.cards import ADM1, PKCS15, profile
from vendor_pcsc.errors import CardRemovedError, ProfileError
from vendor_pcsc.virtual import FaultyCard, VirtualConnection
from vendor_pcsc.virtual.jcardsim import MAX_FILE, JCardSimCard, personalisation

if TYPE_CHECKING:
    from pathlib import Path

LARGE = "- {ef: 2F07, access: fixed}"
FAULT = "description: a card for tests"


def both(pair: Pair, apdu: bytes) -> tuple[str, str]:
    """Return what the in-process card and the applet answer."""
    return pair.python.process(apdu).hex().upper(), pair.java.process(apdu).hex().upper()


@pytest.fixture
def t1(cards: dict[str, JCardSimCard]) -> Pair:
    return Pair(cards["t1"])


@pytest.fixture
def extended(cards: dict[str, JCardSimCard]) -> Pair:
    return Pair(cards["t1-extended"])


# What is let through.


def test_class_a0_reaches_the_applet(cards: dict[str, JCardSimCard]) -> None:
    pair = Pair(cards["sim"])
    assert pair("A0A40000022FE2") == "9F0F"
    assert pair("A0B000000A") == "988812010000400310F09000"
    assert Pair(cards["t1"])("A0A40000022FE2") == "6E00"


def test_channels_are_the_applets_own(t1: Pair) -> None:
    assert t1("0070000001") == "019000"
    assert t1(f"01A4040C0C{PKCS15}00")[-4:] == "9000"
    assert t1("01A4000C025031") == "9000"
    assert t1("00A4000C025031") == "6A82"
    t1.reset()
    assert t1("01B0000000") == "6881"


@pytest.mark.parametrize("aid", ["F05343444D4653", "F05343", "F0"])
def test_the_applets_own_aid_is_not_on_the_card(t1: Pair, aid: str) -> None:
    t1(f"00A404040C{PKCS15}00")
    assert t1(f"00A40404{len(aid) // 2:02X}{aid}00") == "6A82"
    assert t1("80F2000100") == f"840C{PKCS15}9000"


def test_nothing_can_be_personalised_on_a_sealed_card(t1: Pair) -> None:
    for command in personalisation(PROFILES["t1"]):
        assert t1(command.hex()) == "6D00"


# What is not.


def test_a_file_is_not_longer_than_a_java_card_array() -> None:
    longest = profile((LARGE, f"- {{ef: 2F07, access: fixed, size: {MAX_FILE}}}"))
    assert list(personalisation(longest))
    too_long = profile((LARGE, f"- {{ef: 2F07, access: fixed, size: {MAX_FILE + 1}}}"))
    with pytest.raises(ProfileError, match="at files, EF 2F07: a Java Card file has at most 32767 octets, found 32768"):
        list(personalisation(too_long))


def test_255_octets_of_data_and_an_le_do_not_fit_the_buffer_of_a_short_apdu(t1: Pair) -> None:
    t1("00A4000C022F01")
    t1(f"0020000A08{ADM1}")
    most = bytes.fromhex("00D60000FE") + bytes(254) + b"\x00"
    assert both(t1, most) == ("9000", "9000")
    more = bytes.fromhex("00D60000FF") + b"\x55" * 255
    assert both(t1, more + b"\x00") == ("9000", "6F00")
    assert t1.java.process(bytes.fromhex("00B0000001")).hex() == "009000"
    assert both(t1, more) == ("9000", "9000")


def test_an_extended_command_with_data_has_an_le_of_0000_or_none_all_the_same(extended: Pair) -> None:
    select = bytes.fromhex("00A400040000022F01")
    assert both(extended, select)[0] == "9000"
    fcp = both(extended, select + b"\x00\x00")
    assert fcp[0] == fcp[1] == extended.java.process(select).hex().upper()


def test_extended_data_end_at_32767_octets(extended: Pair) -> None:
    update = bytes.fromhex("00D60000008000") + bytes(0x8000)
    assert both(extended, update) == ("6986", "6700")


def test_extended_reads_are_whole(extended: Pair) -> None:
    extended("00A4000C022F01")
    assert len(extended("00B00000000000")) == 2 * (600 + 2)
    assert extended("00B000000000FF")[-4:] == "9000"
    assert extended("00B0000000FFFF")[-4:] == "6282"


def test_octets_that_are_no_apdu_do_not_reach_the_applet(cards: dict[str, JCardSimCard]) -> None:
    broken = bytes.fromhex("00A40004052F00")
    sim = Pair(cards["sim"])
    assert both(sim, broken) == ("6E00", "6700")
    t0 = Pair(cards["t0"])
    t0("00A40004022F01")
    assert both(t0, broken) == ("6700", "6700")
    waiting = both(t0, bytes.fromhex("00C0000000"))
    assert waiting == ("6F00", "6C19")
    either = Pair(cards["uicc-2g"])
    assert both(either, bytes.fromhex("A0A40000053F00")) == ("6700", "6700")
    assert both(either, bytes.fromhex("00A4000C022FE2")) == ("6E00", "9000")


def test_octets_longer_than_any_apdu_are_answered_6700(t1: Pair) -> None:
    assert both(t1, bytes(0x20000)) == ("6700", "6700")


# What is no matter of the runtime.


def test_faults_are_put_before_the_card(jar: Path) -> None:
    select = bytes.fromhex("00A4000C022FE2")
    with JCardSimCard(profile((FAULT, "faults: {remove_at: 2}")), jar=jar) as card:
        connection = VirtualConnection(FaultyCard(card))
        assert connection.transmit(select) == b"\x90\x00"
        with pytest.raises(CardRemovedError):
            connection.transmit(select)
