"""Answers to reset, strictly, and what the historical bytes hint at (fact 101)."""

from functools import reduce
from operator import xor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcard_dm.errors import ApduError
from smartcard_dm.iso7816 import InterfaceBytes, parse_atr


def checked(octets: str) -> bytes:
    data = bytes.fromhex(octets)
    return data + bytes((reduce(xor, data[1:]),))


UICC = checked("3B 9F 95 80 1F C7 80 31 E0 73 FE 21 13 57 12 29 11 02 01 00 42")


def test_fact_101_a_uicc() -> None:
    atr = parse_atr(UICC)
    assert atr.octets == UICC
    assert atr.protocols == (0,)
    assert atr.interface == (
        InterfaceBytes(0x95, None, None, 0x80),
        InterfaceBytes(None, None, None, 0x1F),
        InterfaceBytes(0xC7, None, None, None),
    )
    assert atr.is_uicc_hint
    assert not atr.inverse_convention
    service = atr.service_data
    assert service is not None
    assert service.selects_by_full_aid
    assert service.selects_by_partial_aid
    assert service.has_ef_dir
    able = atr.capabilities
    assert able is not None
    assert able.octets == bytes.fromhex("FE2113")
    assert able.selects_by_full_df_name
    assert able.selects_by_path
    assert able.selects_by_file_id
    assert able.short_file_ids
    assert able.card_chooses_channel
    assert able.logical_channels == 4
    assert not able.extended_length
    assert not able.command_chaining


def test_fact_101_a_cut_or_longer_one_is_refused_at_every_octet() -> None:
    for cut in range(len(UICC)):
        with pytest.raises(ApduError):
            parse_atr(UICC[:cut])
    with pytest.raises(ApduError, match="after the end"):
        parse_atr(UICC + b"\x00")


@pytest.mark.parametrize("at", range(1, len(UICC)))
def test_the_check_byte_finds_one_changed_bit_in_the_historical_bytes(at: int) -> None:
    changed = bytearray(UICC)
    changed[at] ^= 0x01
    with pytest.raises(ApduError):
        parse_atr(bytes(changed))


def test_t0_alone_has_no_check_byte() -> None:
    atr = parse_atr(bytes.fromhex("3B020A0B"))
    assert atr.protocols == (0,)
    assert atr.historical == b"\x0a\x0b"
    assert not atr.is_uicc_hint
    assert atr.capabilities is None
    assert atr.service_data is None
    assert parse_atr(bytes.fromhex("3F00")).inverse_convention


def test_t0_and_t1_in_the_order_offered() -> None:
    assert parse_atr(checked("3B 80 80 01")).protocols == (0, 1)
    assert parse_atr(checked("3B 80 01")).protocols == (1,)
    assert parse_atr(checked("3B 80 81 81 31 20 45")).protocols == (1,)


@pytest.mark.parametrize(
    ("octets", "detail"),
    [
        pytest.param("", "TS is missing", id="nothing"),
        pytest.param("3A00", "TS is unknown", id="TS"),
        pytest.param("3B", "T0 is missing", id="no T0"),
        pytest.param("3B10", "TA1 is missing", id="no TA1"),
        pytest.param("3B8080", "TD2 is missing", id="no TD2"),
        pytest.param("3B0201", "historical bytes are cut", id="historical bytes"),
        pytest.param("3B8001", "TCK is missing", id="no TCK"),
        pytest.param("3B800100", "TCK is wrong", id="TCK"),
        pytest.param("3B800F", "T=15", id="T=15 first"),
        pytest.param("3B" + "00" * 33, "too long", id="34 octets"),
        pytest.param("3BF0" + "000000F0" * 7 + "000000", "missing", id="interface bytes without end"),
    ],
)
def test_answers_that_are_none(octets: str, detail: str) -> None:
    with pytest.raises(ApduError, match=detail):
        parse_atr(bytes.fromhex(octets))


@pytest.mark.parametrize(
    ("historical", "able", "channels", "extended"),
    [
        pytest.param("80 73 FE 21 C0", "FE21C0", 1, True, id="extended length, no channels"),
        pytest.param("80 73 FE 21 5F", "FE215F", 8, True, id="eight channels or more"),
        pytest.param("80 71 FE", "FE", 1, False, id="first octet only"),
        pytest.param("00 73 FE 21 13 05 90 00", "FE2113", 4, False, id="category 00 with status octets"),
        pytest.param("80 45 01 02 03 04 05 73 FE 21 13", "FE2113", 4, False, id="behind another object"),
        pytest.param("00 73 FE 21 13", None, 0, False, id="category 00: the status octets are no list"),
        pytest.param("80 73 FE 21", None, 0, False, id="cut object"),
        pytest.param("80 70", None, 0, False, id="empty object"),
        pytest.param("80 31", None, 0, False, id="cut service data"),
        pytest.param("10 73 FE 21 13", None, 0, False, id="other category"),
        pytest.param("80", None, 0, False, id="category alone"),
    ],
)
def test_historical_bytes(historical: str, able: str | None, channels: int, extended: bool) -> None:  # noqa: FBT001  (a table column)
    raw = bytes.fromhex(historical)
    found = parse_atr(bytes((0x3B, len(raw))) + raw).capabilities
    if able is None:
        assert found is None
        return
    assert found is not None
    assert found.octets == bytes.fromhex(able)
    assert (found.logical_channels, found.extended_length) == (channels, extended)


@given(st.binary(max_size=40).map(lambda rest: b"\x3b" + rest) | st.binary(max_size=40))
def test_any_octets_give_an_answer_or_our_error(octets: bytes) -> None:
    try:
        atr = parse_atr(octets)
    except ApduError:
        return
    assert atr.protocols
    assert atr.is_uicc_hint in {True, False}
    assert atr.capabilities is None or 1 <= atr.capabilities.logical_channels <= 8
    assert atr.service_data is None or 0 <= atr.service_data.octet <= 255
