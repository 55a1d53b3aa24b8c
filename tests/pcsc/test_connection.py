"""A card behind vpcd, pcscd and pyscard: one connection."""

from __future__ import annotations

import sys
from statistics import median
from time import monotonic, perf_counter
from typing import TYPE_CHECKING

import pytest

from tests.pcsc.cards import (
    BOTH_ATR,
    ICCID,
    OPEN_CHANNEL,
    READ_ICCID,
    SELECT_ICCID,
    T0_ATR,
    T1_ATR,
    WatchedCard,
    t0_uicc,
    uicc,
)
from vendor_pcsc.connection import CardConnection
from vendor_pcsc.errors import CardRemovedError, ReaderError, TransmitError
from vendor_pcsc.pcsc_service import PcscContext
from vendor_pcsc.pyscard_bridge import PcscConnection, is_extended, offered_protocols, opens_channel, t0_command
from vendor_pcsc.readers import connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from vendor_pcsc.virtual.lab import PcscLab
    from vendor_pcsc.virtual.vpcd import Card

    Insert = Callable[[Card], PcscConnection]
    Open = Callable[..., PcscConnection]


@pytest.fixture
def connection(lab: PcscLab, standing_card: WatchedCard, opened: Open) -> PcscConnection:
    standing_card.commands.clear()
    connection = opened(lab.readers[-1])
    connection.reset()
    return connection


def test_it_is_a_card_connection(lab: PcscLab, connection: PcscConnection) -> None:
    assert isinstance(connection, CardConnection)
    assert connection.name == lab.readers[-1]
    assert connection.atr == T1_ATR
    assert connection.protocol == "T=1"
    assert repr(connection) == f"PcscConnection({lab.readers[-1]!r})"


def test_a_file_is_selected_and_read(connection: PcscConnection) -> None:
    assert connection.transmit(SELECT_ICCID) == b"\x90\x00"
    assert connection.transmit(READ_ICCID).hex().upper() == f"{ICCID}9000"


def test_commands_reach_a_t1_card_unchanged(connection: PcscConnection, standing_card: WatchedCard) -> None:
    commands = [bytes.fromhex(each) for each in ("00A40004", "00A40004023F0000", "00B000000A", "00B00000000400")]
    for command in commands:
        connection.transmit(command)
    assert standing_card.commands == commands


def test_channels_are_opened_used_and_closed(connection: PcscConnection) -> None:
    assert connection.transmit(OPEN_CHANNEL).hex() == "019000"
    assert connection.transmit(bytes.fromhex("01A4000C022FE2")) == b"\x90\x00"
    assert connection.transmit(bytes.fromhex("01B000000A")).hex().upper() == f"{ICCID}9000"
    assert connection.transmit(bytes.fromhex("00708001")) == b"\x90\x00"
    assert connection.transmit(bytes.fromhex("01B000000A")).hex() == "6881"


def test_a_reset_ends_selections_and_channels(connection: PcscConnection, standing_card: WatchedCard) -> None:
    connection.transmit(SELECT_ICCID)
    connection.transmit(OPEN_CHANNEL)
    resets = standing_card.resets
    assert connection.reset() == T1_ATR
    assert standing_card.resets == resets + 1
    assert connection.transmit(READ_ICCID).hex() == "6986"
    assert connection.transmit(bytes.fromhex("01B000000A")).hex() == "6881"


@pytest.mark.parametrize("apdu", ["", "04", "00A4", "00A400"])
def test_a_command_has_four_octets(connection: PcscConnection, standing_card: WatchedCard, apdu: str) -> None:
    resets = standing_card.resets
    with pytest.raises(TransmitError, match=f"at least 4 octets, this one {len(apdu) // 2}"):
        connection.transmit(bytes.fromhex(apdu))
    assert standing_card.commands == []
    assert standing_card.resets == resets


def test_a_closed_connection_is_told_apart(connection: PcscConnection) -> None:
    connection.close()
    connection.close()
    with pytest.raises(TransmitError, match="the connection is closed"):
        connection.transmit(SELECT_ICCID)
    with pytest.raises(TransmitError, match="the connection is closed"):
        connection.reset()
    with pytest.raises(TransmitError, match="the connection is closed"), connection.transaction():
        pass


def test_a_connection_closed_in_its_transaction_leaves_the_card_free(
    lab: PcscLab, connection: PcscConnection, opened: Open
) -> None:
    with connection.transaction():
        connection.close()
    other = opened(lab.readers[-1])
    with other.transaction():
        assert other.transmit(SELECT_ICCID) == b"\x90\x00"


def test_the_median_round_trip_is_printed(connection: PcscConnection, capsys: pytest.CaptureFixture[str]) -> None:
    connection.transmit(SELECT_ICCID)
    seconds = []
    for _ in range(300):
        before = perf_counter()
        connection.transmit(READ_ICCID)
        seconds.append(perf_counter() - before)
    with capsys.disabled():
        sys.stdout.write(f"\nAPDU through pcscd and vpcd: median {median(seconds) * 1000:.3f} ms\n")


# T=0 -----------------------------------------------------------------------------------------------------------------


def test_t0_is_preferred_where_it_is_offered(inserted: Insert) -> None:
    assert inserted(t0_uicc(BOTH_ATR)).protocol == "T=0"


def test_the_protocol_of_a_card_in_use_is_taken_over(lab: PcscLab, opened: Open) -> None:
    reader = lab.put(t0_uicc(BOTH_ATR))
    with PcscContext() as context:
        constant = context.service.constant
        context.connect(reader, constant("SCARD_SHARE_SHARED"), [constant("SCARD_PROTOCOL_T1")])
        assert opened(reader).protocol == "T=1"


def test_t0_commands_have_t0_form_and_answers_come_up_unchanged(inserted: Insert) -> None:
    card = WatchedCard(t0_uicc())
    connection = inserted(card)
    assert connection.protocol == "T=0"
    assert connection.atr.hex().upper() == T0_ATR
    more = connection.transmit(bytes.fromhex("00A40004022FE200"))
    assert more[0] == 0x61
    fcp = connection.transmit(b"\x00\xc0\x00\x00" + more[1:])
    assert (fcp[0], fcp[-2:]) == (0x62, b"\x90\x00")
    assert connection.transmit(bytes.fromhex("00B0000000")).hex() == "6c0a"
    assert connection.transmit(READ_ICCID).hex().upper() == f"{ICCID}9000"
    connection.transmit(bytes.fromhex("00708001"))
    assert [each.hex() for each in card.commands] == [
        "00a40004022fe2",
        f"00c00000{more[1]:02x}",
        "00b0000000",
        "00b000000a",
        "0070800100",
    ]


def test_t0_has_no_extended_lengths(inserted: Insert) -> None:
    card = WatchedCard(t0_uicc())
    assert inserted(card).transmit(bytes.fromhex("00B00000000400")).hex() == "6700"
    assert card.commands == []


@pytest.mark.parametrize(
    ("atr", "wanted"),
    [
        (T1_ATR.hex(), (1,)),
        (T0_ATR, (0,)),
        (BOTH_ATR, (0, 1)),
        ("3B80818080", (0, 1)),  # T=1 named first
        ("3B808101", (1,)),
        ("3B00", (0,)),
        ("3B3F9500", (0,)),
        ("3B80", (0,)),
        ("3B", (0,)),
        ("", (0,)),
    ],
)
def test_protocols_are_read_from_the_atr(atr: str, wanted: tuple[int, ...]) -> None:
    assert offered_protocols(bytes.fromhex(atr)) == wanted


@pytest.mark.parametrize(
    ("apdu", "wanted"),
    [
        ("00A40004", "00A4000400"),
        ("00B000000A", "00B000000A"),
        ("00A40004022FE2", "00A40004022FE2"),
        ("00A40004022FE200", "00A40004022FE2"),
        ("00A40004022FE2FFFF", "00A40004022FE2FFFF"),
    ],
)
def test_t0_form(apdu: str, wanted: str) -> None:
    assert t0_command(bytes.fromhex(apdu)).hex().upper() == wanted


@pytest.mark.parametrize(
    ("apdu", "extended"),
    [("00A40004", False), ("00B0000000", False), ("00A40004022FE2", False), ("00B00000000400", True)],
)
def test_extended_lengths_are_seen(apdu: str, extended: bool) -> None:  # noqa: FBT001 - the table's second column
    assert is_extended(bytes.fromhex(apdu)) is extended


@pytest.mark.parametrize(
    ("apdu", "opens"),
    [("0070000001", True), ("0170000001", True), ("00708001", False), ("8070000001", False), ("00A40004", False)],
)
def test_opening_a_channel_is_seen(apdu: str, opens: bool) -> None:  # noqa: FBT001 - the table's second column
    assert opens_channel(bytes.fromhex(apdu)) is opens


# Cards that leave ----------------------------------------------------------------------------------------------------


def test_a_card_pulled_during_a_command_is_told_as_such(lab: PcscLab, opened: Open) -> None:
    def pull(_: bytes) -> None:
        raise CardRemovedError("pulled")

    reader = lab.put(WatchedCard(uicc(), pull))
    connection = opened(reader)
    with pytest.raises(CardRemovedError, match=f"{reader}: the card was removed"), connection.transaction():
        connection.transmit(SELECT_ICCID)
    with pytest.raises(CardRemovedError):
        connection.transmit(SELECT_ICCID)
    with pytest.raises(CardRemovedError), connection.transaction():
        pass
    lab.remove()
    again = opened(lab.put(uicc()))
    assert again.transmit(SELECT_ICCID) == b"\x90\x00"


def test_a_card_pulled_between_commands_is_told_as_such(lab: PcscLab, inserted: Insert) -> None:
    connection = inserted(uicc())
    lab.remove()
    with pytest.raises(CardRemovedError):
        connection.transmit(SELECT_ICCID)
    with pytest.raises(CardRemovedError):
        connection.reset()
    connection.close()


def test_another_card_is_never_read_through_an_old_connection(lab: PcscLab, inserted: Insert, opened: Open) -> None:
    old = inserted(uicc())
    old.transmit(SELECT_ICCID)
    lab.remove()
    reader = lab.put(uicc("8988211000000430028"))
    with pytest.raises(CardRemovedError):
        old.transmit(READ_ICCID)
    new = opened(reader)
    new.transmit(SELECT_ICCID)
    assert new.transmit(READ_ICCID).hex() != f"{ICCID.lower()}9000"


def test_an_empty_reader_has_no_card_to_connect_to(lab: PcscLab) -> None:
    before = monotonic()
    with pytest.raises(CardRemovedError, match="no card in the reader: insert one"):
        connect(lab.readers[0])
    assert monotonic() - before < 1


def test_an_unknown_reader_is_told_as_such(lab: PcscLab) -> None:
    assert lab.readers
    with pytest.raises(ReaderError, match="Nowhere 00 00: no such reader"):
        PcscConnection("Nowhere 00 00")
    with pytest.raises(ReaderError, match=r"'Nowhere' is not attached; there are: Virtual PCD 00 00 \(empty\)"):
        connect("Nowhere")


def test_a_card_is_powered_anew_when_it_was_powered_down(lab: PcscLab, opened: Open) -> None:
    card = WatchedCard(uicc())
    reader = lab.put(card)
    first = opened(reader, exclusive=True)
    first.transmit(SELECT_ICCID)
    resets = card.resets
    first.close()
    second = opened(reader)
    assert card.resets > resets
    assert second.transmit(READ_ICCID).hex() == "6986"
