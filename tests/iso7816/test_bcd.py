"""ICCID and IMSI (fact 78)."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcard_dm.errors import ApduError
from smartcard_dm.iso7816 import decode_iccid, decode_imsi, encode_iccid, encode_imsi

ICCID = bytes.fromhex("988812010000400310F0")
IMSI = bytes.fromhex("082926101182547698")


def test_fact_78_iccid() -> None:
    assert decode_iccid(ICCID) == "8988211000000430010"
    assert encode_iccid("8988211000000430010") == ICCID
    for cut in range(len(ICCID)):
        with pytest.raises(ApduError, match="length"):
            decode_iccid(ICCID[:cut])
    with pytest.raises(ApduError, match="length"):
        decode_iccid(ICCID + b"\xff")


def test_imsi_with_an_odd_and_an_even_number_of_digits() -> None:
    assert decode_imsi(IMSI) == "262011128456789"
    assert encode_imsi("262011128456789") == IMSI
    assert encode_imsi("26201112845678") == bytes.fromhex("0821261011825476F8")
    assert decode_imsi(bytes.fromhex("0821261011825476F8")) == "26201112845678"
    assert decode_imsi(encode_imsi("00101")) == "00101"


@pytest.mark.parametrize(
    "octets",
    ["FF" * 10, "98881201F000400310F0", "98881201000040031AF0", "F0" + "00" * 9],
    ids=["erased", "F inside", "A", "F first"],
)
def test_iccids_that_are_none(octets: str) -> None:
    with pytest.raises(ApduError):
        decode_iccid(bytes.fromhex(octets))


@pytest.mark.parametrize(
    ("octets", "detail"),
    [
        ("FFFFFFFFFFFFFFFFFF", "length octet"),
        ("002926101182547698", "length octet"),
        ("092926101182547698", "length octet"),
        ("082126101182547698", "parity"),
        ("08292610118254769A", "digits"),
        ("01F9FFFFFFFFFFFFFF", "digits"),
        ("0829261011825476", "length"),
        ("08292610118254769800", "length"),
    ],
)
def test_imsis_that_are_none(octets: str, detail: str) -> None:
    with pytest.raises(ApduError, match=detail):
        decode_imsi(bytes.fromhex(octets))


@given(st.text("0123456789", min_size=1, max_size=20))
def test_digits_round_trip(digits: str) -> None:
    assert decode_iccid(encode_iccid(digits)) == digits
    if len(digits) <= 15:
        assert decode_imsi(encode_imsi(digits)) == digits


@given(st.binary(max_size=12) | st.binary(min_size=9, max_size=10))
def test_any_octets_give_digits_or_our_error(octets: bytes) -> None:
    for decode in (decode_iccid, decode_imsi):
        with contextlib.suppress(ApduError):
            assert decode(octets).isdigit()


@pytest.mark.parametrize("digits", ["", "1" * 21, "12a", "\u0661\u0662"])
def test_what_is_no_number_is_a_mistake_of_the_caller(digits: str) -> None:
    for encode in (encode_iccid, encode_imsi):
        with pytest.raises(ValueError, match="digits"):
            encode(digits)
