from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from smartcard_dm.errors import EnvelopeError
from smartcard_dm.push import gsm7
from smartcard_dm.push.sms_address import Address, TypeOfNumber
from smartcard_dm.push.sms_coding import OCTETS_PLAIN, Alphabet, DataCoding
from smartcard_dm.push.sms_pdu import LONGEST_LINE, Pdu, parse_pdu_line
from smartcard_dm.push.sms_rules import SmsRule
from smartcard_dm.push.sms_time import RelativeValidity
from smartcard_dm.push.sms_tpdu import LONGEST_TPDU, Deliver, Submit, Tpdu, parse_tpdu, push_data
from smartcard_dm.push.sms_user_data import UserData, parse_user_data
from smartcard_dm.push.udh import Element, Ports, UserDataHeader
from tests.push.sms_materials import CENTRE, NOON, SENDER, SUBSCRIBER, WSP_HEAD, delivers, is_octets, submits

# A text in the 7-bit alphabet, from 27381000015, as it stands in many introductions to PDU mode.
HELLO = "07917283010010F5040BC87238880900F10000993092516195800AE8329BFD4697D9EC37"


def test_a_text_that_everybody_shows() -> None:
    pdu = parse_pdu_line(HELLO)
    assert pdu.service_centre == Address("27381000015")
    tpdu = parse_tpdu(pdu.tpdu)
    assert isinstance(tpdu, Deliver)
    assert tpdu.originator == Address("27838890001", TypeOfNumber.SUBSCRIBER, 8)
    assert tpdu.time.isoformat() == "2099-03-29T15:16:59+02:00"
    assert gsm7.decode(tpdu.user_data.data) == "hellohello"
    assert not tpdu.more_messages
    assert pdu.line() == HELLO
    assert tpdu.encode() == pdu.tpdu
    with pytest.raises(EnvelopeError) as caught:
        push_data(tpdu)
    assert caught.value.rule == SmsRule.DATA_CODING


def test_a_submit_octet_by_octet() -> None:
    header = UserDataHeader.of(Ports(2948, 9200))
    submit = Submit(
        SUBSCRIBER, UserData(WSP_HEAD, header), 0x2A, validity=RelativeValidity(167), coding=OCTETS_PLAIN,
        status_report=True,
    )  # fmt: skip
    wanted = "71 2A 0D 91 94 51 11 32 54 76 F8 00 04 A7 0D 06 05 04 0B84 23F0 01 06 03 C2 AF 87"
    assert submit.encode() == bytes.fromhex(wanted)
    assert push_data(submit).data == WSP_HEAD


def test_a_deliver_octet_by_octet() -> None:
    header = UserDataHeader.of(Ports(2948, 9200))
    deliver = Deliver(SENDER, NOON, UserData(WSP_HEAD, header))
    wanted = "44 0C 91 94 71 22 72 30 33 00 F5 62 30 10 21 00 00 40 0D 06 05 04 0B84 23F0 01 06 03 C2 AF 87"
    assert deliver.encode() == bytes.fromhex(wanted)
    assert replace(deliver, more_messages=True, loop_prevention=True, status_report=True, reply_path=True).encode()[
        0
    ] == int("11101000", 2)


@given(delivers() | submits())
def test_what_is_written_is_read(tpdu: Tpdu) -> None:
    octets = tpdu.encode()
    assert len(octets) <= LONGEST_TPDU
    assert parse_tpdu(octets) == tpdu


@given(delivers() | submits(), st.data())
def test_cut_and_lengthened_messages_are_refused(tpdu: Tpdu, data: st.DataObject) -> None:
    octets = tpdu.encode()
    for wrong in (octets[: data.draw(st.integers(0, len(octets) - 1))], octets + b"\0"):
        with pytest.raises(EnvelopeError):
            parse_tpdu(wrong)


@given(st.binary(max_size=200))
def test_any_octets_are_a_message_or_an_error(octets: bytes) -> None:
    with contextlib.suppress(EnvelopeError):
        tpdu = parse_tpdu(octets)
        assert parse_tpdu(tpdu.encode()) == tpdu


@given(delivers() | submits(), st.data())
def test_a_changed_octet_gives_a_message_or_an_error(tpdu: Tpdu, data: st.DataObject) -> None:
    octets = bytearray(tpdu.encode())
    octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(EnvelopeError):
        again = parse_tpdu(bytes(octets))
        assert parse_tpdu(again.encode()) == again


@given(delivers())
def test_only_octets_for_an_application_are_a_push(deliver: Deliver) -> None:
    assume(deliver.protocol < 0x40)
    if is_octets(deliver.coding):
        assert push_data(deliver) is deliver.user_data
    else:
        with pytest.raises(EnvelopeError) as caught:
            push_data(deliver)
        assert caught.value.rule == SmsRule.DATA_CODING


@pytest.mark.parametrize("protocol", [0x40, 0x7C, 0x7D, 0x7E, 0x7F])
def test_what_is_for_the_sim_or_the_phone_is_no_push(protocol: int) -> None:
    with pytest.raises(EnvelopeError) as caught:
        push_data(Deliver(SENDER, NOON, UserData(b"x"), protocol))
    assert caught.value.rule == SmsRule.PROTOCOL


@pytest.mark.parametrize(
    ("octets", "rule"),
    [
        ("", SmsRule.LENGTH),
        ("02 00", SmsRule.MESSAGE_TYPE),
        ("03 00", SmsRule.MESSAGE_TYPE),
        ("01", SmsRule.LENGTH),
        ("00 00 80 00 04 62301021000040", SmsRule.LENGTH),  # no length of user data
        ("01 00 00 80 00 04", SmsRule.LENGTH),
        ("01 00 00 80 00 04 02 41", SmsRule.LENGTH),
        ("01 00 00 80 00 04 01 41 42", SmsRule.LENGTH),
        ("01 00 00 80 00 04 8D" + "41" * 141, SmsRule.LENGTH),
        ("01 00 00 80 00 00 A1" + "41" * 141, SmsRule.LENGTH),
        ("01 00 00 80 00 00 09" + "41" * 7, SmsRule.LENGTH),  # nine septets are eight octets
        ("41 00 00 80 00 04 01 05", SmsRule.HEADER),
        ("41 00 00 80 00 04 00", SmsRule.HEADER),
        ("41 00 00 80 00 00 02 01 00", SmsRule.HEADER),
        ("01 00 00 80 00 04" + "00" * 200, SmsRule.LENGTH),
        ("09 00 00 80 00 04 04000000000000 00", SmsRule.VALIDITY),
        ("00 00 80 00 04 00000000000000 00", SmsRule.TIME),
        ("00 0B 91", SmsRule.ADDRESS),
    ],
)
def test_a_malformed_message_is_refused(octets: str, rule: SmsRule) -> None:
    with pytest.raises(EnvelopeError) as caught:
        parse_tpdu(bytes.fromhex(octets))
    assert caught.value.rule == rule


@pytest.mark.parametrize(
    ("octet", "alphabet", "compressed", "message_class"),
    [
        (0x00, Alphabet.GSM_7_BIT, False, None),
        (0x04, Alphabet.OCTETS, False, None),
        (0x08, Alphabet.UCS2, False, None),
        (0x0C, Alphabet.GSM_7_BIT, False, None),  # reserved
        (0x15, Alphabet.OCTETS, False, 1),
        (0x24, Alphabet.OCTETS, True, None),
        (0x44, Alphabet.OCTETS, False, None),  # automatic deletion
        (0x80, Alphabet.GSM_7_BIT, False, None),  # reserved
        (0xC0, Alphabet.GSM_7_BIT, False, None),
        (0xD4, Alphabet.GSM_7_BIT, False, None),
        (0xE0, Alphabet.UCS2, False, None),
        (0xF1, Alphabet.GSM_7_BIT, False, 1),
        (0xF5, Alphabet.OCTETS, False, 1),
        (0xF6, Alphabet.OCTETS, False, 2),
    ],
)
def test_data_codings(octet: int, alphabet: Alphabet, *, compressed: bool, message_class: int | None) -> None:
    coding = DataCoding(octet)
    assert (coding.alphabet, coding.compressed, coding.message_class) == (alphabet, compressed, message_class)


def test_septets_stand_behind_the_fill_bits_of_their_header() -> None:
    # Six octets of header are 48 bits; one bit fills the seventh septet.
    header = UserDataHeader.of(Element(0x00, b"\x01\x02\x01"))
    length, octets = UserData(b"\x41\x42", header).encode(DataCoding(0))
    assert length == 9
    assert octets[6:] == gsm7.pack(b"\x41\x42", 1)
    assert parse_user_data(octets, length, DataCoding(0), has_header=True) == UserData(b"\x41\x42", header)


def test_a_header_that_ends_behind_the_last_septet_is_refused() -> None:
    octets = UserDataHeader.of(Element(0x70, b"\x01")).octets  # 4 octets: five septets
    with pytest.raises(EnvelopeError) as caught:
        parse_user_data(octets, 4, DataCoding(0), has_header=True)
    assert caught.value.rule == SmsRule.HEADER


@pytest.mark.parametrize(
    "make",
    [
        lambda: Deliver(SENDER, datetime(2026, 1, 1, microsecond=5, tzinfo=UTC), UserData(b"")),
        lambda: Deliver(SENDER, NOON, UserData(b"x" * 141)),
        lambda: Deliver(SENDER, NOON, UserData(b"x"), 256),
        lambda: Deliver(SENDER, NOON, UserData(b"\x80"), coding=DataCoding(0)),
        lambda: Deliver(SENDER, NOON, UserData(b"x" * 161), coding=DataCoding(0)),
        lambda: Submit(SENDER, UserData(b"x"), 256),
        lambda: DataCoding(256),
    ],
)
def test_values_that_no_field_holds_are_the_callers_mistake(make: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        make()  # type: ignore[operator]


@given(tpdu=st.binary(max_size=LONGEST_TPDU), centre=st.none() | st.just(CENTRE), upper=st.booleans())
def test_lines_are_read_as_they_were_written(tpdu: bytes, centre: Address | None, *, upper: bool) -> None:
    pdu = Pdu(tpdu, centre)
    line = pdu.line()
    assert parse_pdu_line(f" {line if upper else line.lower()}\r\n") == pdu
    assert pdu.length == len(tpdu)
    if tpdu:
        assert parse_pdu_line(pdu.line(with_service_centre=False), with_service_centre=False) == Pdu(tpdu)


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("", SmsRule.PDU_LINE),
        ("\n", SmsRule.PDU_LINE),
        ("0", SmsRule.PDU_LINE),
        ("00 41", SmsRule.PDU_LINE),
        ("+CMT: ,23", SmsRule.PDU_LINE),
        ("00٠٠", SmsRule.PDU_LINE),  # digits of another alphabet  # noqa: RUF001
        ("00" * (LONGEST_LINE // 2 + 1), SmsRule.PDU_LINE),
        ("05910000", SmsRule.SERVICE_CENTRE),
    ],
)
def test_a_line_that_is_none_is_refused(line: str, rule: SmsRule) -> None:
    with pytest.raises(EnvelopeError) as caught:
        parse_pdu_line(line)
    assert caught.value.rule == rule


@given(st.text(max_size=400))
def test_any_text_is_a_line_or_an_error(text: str) -> None:
    with contextlib.suppress(EnvelopeError):
        assert parse_pdu_line(text).line() == text.strip().upper()
