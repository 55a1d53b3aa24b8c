"""Answers to SELECT in class A0 (facts 67 to 74)."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcard_dm.errors import ApduError
from smartcard_dm.iso7816 import ChvStatus, FileStructure, GsmAccess, GsmDirectory, GsmFile, parse_gsm_select

MF = bytes.fromhex("000000003F000100000000000981020C0400838A838A")
ICCID = bytes.fromhex("0000000A2FE204000CFFFF01020000")
MSISDN = bytes.fromhex("000000346F40040011FFFF0102011A")


def test_fact_74_mf() -> None:
    found = parse_gsm_select(MF)
    assert isinstance(found, GsmDirectory)
    assert (found.file_id, found.is_mf, found.free_memory) == (0x3F00, True, 0)
    assert (found.directories, found.files, found.codes) == (2, 12, 4)
    assert found.chv1_disabled
    assert (found.chv1, found.unblock1) == (ChvStatus(True, 3), ChvStatus(True, 10))
    assert (found.chv2, found.unblock2) == (ChvStatus(True, 3), ChvStatus(True, 10))


def test_fact_70_status_of_a_code() -> None:
    found = parse_gsm_select(MF[:13] + b"\x01" + MF[14:18] + bytes.fromhex("80030000"))
    assert isinstance(found, GsmDirectory)
    assert not found.chv1_disabled
    assert found.chv1 == ChvStatus(True, 0)
    assert found.unblock1 == ChvStatus(False, 3)


def test_fact_69_a_df_and_administrative_data_behind_it() -> None:
    found = parse_gsm_select(bytes.fromhex("0000 1000 7F20 02") + MF[7:] + bytes(11))
    assert isinstance(found, GsmDirectory)
    assert (found.file_id, found.is_mf, found.free_memory) == (0x7F20, False, 0x1000)


def test_facts_72_74_ef_iccid() -> None:
    found = parse_gsm_select(ICCID)
    assert isinstance(found, GsmFile)
    assert (found.file_id, found.size, found.structure) == (0x2FE2, 10, FileStructure.TRANSPARENT)
    assert found.read is GsmAccess.ALWAYS
    assert found.update is GsmAccess.ADM12
    assert found.update.is_administrative
    assert found.increase is GsmAccess.NEVER
    assert (found.rehabilitate, found.invalidate) == (GsmAccess.NEVER, GsmAccess.NEVER)
    assert (found.record_length, found.record_count) == (None, None)
    assert not found.invalidated
    assert not found.increase_allowed


def test_facts_72_74_ef_msisdn() -> None:
    found = parse_gsm_select(MSISDN)
    assert isinstance(found, GsmFile)
    assert found.structure is FileStructure.LINEAR_FIXED
    assert (found.record_length, found.record_count, found.size) == (26, 2, 52)
    assert (found.read, found.update) == (GsmAccess.CHV1, GsmAccess.CHV1)
    assert not found.read.is_administrative
    assert GsmAccess.NEVER.is_administrative is False


def test_fact_104_structure_3_is_cyclic_and_its_increase_bit_is_read() -> None:
    found = parse_gsm_select(bytes.fromhex("0000 0009 6F39 04 40 11 11 FF 00 02 03 03"))
    assert isinstance(found, GsmFile)
    assert found.structure is FileStructure.CYCLIC
    assert found.increase_allowed
    assert found.increase is GsmAccess.CHV1
    assert found.invalidated
    assert found.record_count == 3


def test_fact_73_fourteen_octets_suffice_for_a_transparent_file() -> None:
    found = parse_gsm_select(ICCID[:14])
    assert found == parse_gsm_select(ICCID)
    assert found == parse_gsm_select(ICCID + b"\x00\x00")
    for cut in range(14):
        with pytest.raises(ApduError, match="cut"):
            parse_gsm_select(ICCID[:cut])


def test_fact_74_cut_at_every_octet() -> None:
    for cut in range(len(MF)):
        with pytest.raises(ApduError):
            parse_gsm_select(MF[:cut])
    for cut in range(len(MSISDN)):
        with pytest.raises(ApduError):
            parse_gsm_select(MSISDN[:cut])
    assert parse_gsm_select(MF + b"\xaa") == parse_gsm_select(MF)
    assert parse_gsm_select(MSISDN + b"\xaa") == parse_gsm_select(MSISDN)


@pytest.mark.parametrize(
    ("octets", "detail"),
    [
        pytest.param("0000000A2FE205000CFFFF01020000", "type of file", id="type 05"),
        pytest.param("0000000A2FE200000CFFFF01020000", "type of file", id="type 00"),
        pytest.param("0000000A2FE204000CFFFF01020200", "structure of file", id="structure 02"),
        pytest.param("000000346F40040011FFFF01020100", "number of records", id="records of 0"),
        pytest.param("000000356F40040011FFFF0102011A", "number of records", id="half a record"),
    ],
)
def test_values_that_none_may_have(octets: str, detail: str) -> None:
    with pytest.raises(ApduError, match=detail):
        parse_gsm_select(bytes.fromhex(octets))


@given(st.binary(max_size=40), st.sampled_from([1, 2, 4]), st.sampled_from([0, 1, 3]))
def test_any_octets_give_a_value_or_our_error(octets: bytes, kind: int, structure: int) -> None:
    changed = bytearray(octets)
    if len(changed) > 13:
        changed[6], changed[13] = kind, structure
    for candidate in (octets, bytes(changed)):
        with contextlib.suppress(ApduError):
            parse_gsm_select(candidate)
