"""IMSI_M: the codes of CDMA, both ways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcard_dm.errors import ApduError
from smartcard_dm.iso7816 import decode_imsi_m, encode_imsi_m

# Country 310 is code 209; digits 11 and 12 "00" are code 99; S2 of "012" is 901, S1 of "3456789" is 234, 6, 678.
S1 = (234 << 14 | 6 << 10 | 678).to_bytes(3, "little")
CLASS_0 = b"\x00" + (901).to_bytes(2, "little") + S1 + bytes((99, 0x80)) + (209).to_bytes(2, "little")
CLASS_1 = b"\x01" + CLASS_0[1:7] + bytes((0x80 | 5,)) + CLASS_0[8:]


def test_the_worked_example_of_the_standard() -> None:
    assert decode_imsi_m(CLASS_0) == "310" + "00" + "0123456789"
    assert encode_imsi_m("310000123456789") == CLASS_0


def test_class_1_has_fewer_digits() -> None:
    assert decode_imsi_m(CLASS_1) == "310" + "123456789"
    assert encode_imsi_m("310123456789") == CLASS_1


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        (CLASS_0[:9], "wanted 10 octets, found 9"),
        (CLASS_0 + b"\x00", "wanted 10 octets, found 11"),
        (CLASS_0[:7] + b"\x00" + CLASS_0[8:], "never programmed"),
        (b"\x02" + CLASS_0[1:], "class"),
        (b"\xff" * 10, "class"),
        (CLASS_0[:6] + bytes((100,)) + CLASS_0[7:], "at offset 6 (0x6): digits"),
        (CLASS_0[:8] + (1000).to_bytes(2, "little"), "at offset 8 (0x8): digits"),
        (CLASS_0[:1] + (1000).to_bytes(2, "little") + CLASS_0[3:], "at offset 1 (0x1): digits"),
        (CLASS_0[:3] + bytes(3) + CLASS_0[6:], "thousands"),
        (CLASS_0[:3] + (11 << 10).to_bytes(3, "little") + CLASS_0[6:], "thousands"),
    ],
)
def test_other_octets_are_no_identity(octets: bytes, says: str) -> None:
    with pytest.raises(ApduError) as caught:
        decode_imsi_m(octets)
    assert says in str(caught.value)


@given(st.text("0123456789", min_size=7, max_size=15))
def test_digits_come_back(digits: str) -> None:
    assert decode_imsi_m(encode_imsi_m(digits)) == digits


@given(st.binary(min_size=10, max_size=10))
def test_any_octets_give_digits_or_one_error(octets: bytes) -> None:
    try:
        digits = decode_imsi_m(octets)
    except ApduError:
        return
    assert digits.isdigit()
    assert 7 <= len(digits) <= 15


@pytest.mark.parametrize("digits", ["", "310123", "3101234567890123", "31012345678901A", "٣١٠١٢٣٤٥٦٧٨٩٠١٢"])
def test_only_digits_are_written(digits: str) -> None:
    with pytest.raises(ValueError, match="7 to 15 decimal digits"):
        encode_imsi_m(digits)
