from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcard_dm.errors import EnvelopeError
from smartcard_dm.push import gsm7
from smartcard_dm.push.sms_address import Address, NumberingPlan, TypeOfNumber, read_address, read_service_centre
from smartcard_dm.push.sms_rules import SmsRule
from tests.push.sms_materials import GSM_TEXT, addresses


@pytest.mark.parametrize(
    ("octets", "text", "kind"),
    [
        ("0B 91 72 83 01 00 10 F5", "27381000015", TypeOfNumber.INTERNATIONAL),
        ("04 81 21 43", "1234", TypeOfNumber.UNKNOWN),
        ("00 80", "", TypeOfNumber.UNKNOWN),
    ],
)
def test_addresses_as_they_are_written(octets: str, text: str, kind: TypeOfNumber) -> None:
    wire = bytes.fromhex(octets)
    address, end = read_address(wire, 0)
    assert (end, address.type_of_number) == (len(wire), kind)
    assert address.encode() == wire
    assert address.text == text


def test_star_hash_and_letters_are_digits_too() -> None:
    address = Address("*#abc1", TypeOfNumber.UNKNOWN)
    assert address.encode() == bytes.fromhex("06 81 BA DC 1E")
    assert read_address(address.encode(), 0) == (address, 5)


def test_a_name_is_packed_septets() -> None:
    # 3GPP TS 23.040, 9.1.2.5: 8 characters are 56 bits, 14 semi-octets.
    name = Address("Operator", TypeOfNumber.ALPHANUMERIC, NumberingPlan.UNKNOWN)
    assert name.encode().hex() == "0ed0" + gsm7.pack(b"Operator").hex()
    assert read_address(name.encode(), 0)[0] == name
    assert Address.from_text("Operator") == name
    assert str(Address("a\nb", TypeOfNumber.ALPHANUMERIC)) == "a?b"


def test_a_name_whose_length_was_rounded_up_to_an_octet_is_read() -> None:
    # Four septets are 7 semi-octets; networks say 8.
    assert read_address(bytes.fromhex("08D0") + gsm7.pack(b"Test"), 0)[0].text == "Test"


@given(addresses)
def test_what_is_written_is_read(address: Address) -> None:
    assert read_address(b"x" + address.encode(), 1) == (address, 1 + len(address.encode()))


@given(st.binary(max_size=16))
def test_any_octets_are_an_address_or_an_error(octets: bytes) -> None:
    with contextlib.suppress(EnvelopeError):
        _, end = read_address(octets, 0)
        assert end <= len(octets)
    with contextlib.suppress(EnvelopeError):
        _, end = read_service_centre(octets)
        assert end <= len(octets)


@pytest.mark.parametrize(
    "octets",
    [
        "",
        "0B",
        "0B 91 72 83",  # cut
        "16 91" + "11" * 11,  # 22 digits
        "0B 11 72 83 01 00 10 F5",  # bit 8 of the type
        "0B 91 72 83 01 00 10 15",  # not filled
        "0C 91 72 83 01 00 10 F5",  # a filler counted as a digit
        "04 91 F2 43",  # a filler among digits
        "02 D0 1B",  # an escape at the end
        "04 D0 9B 20",  # an escape to nothing
    ],
)
def test_a_malformed_address_is_refused(octets: str) -> None:
    with pytest.raises(EnvelopeError) as caught:
        read_address(bytes.fromhex(octets), 0)
    assert caught.value.rule == SmsRule.ADDRESS


def test_service_centres() -> None:
    centre = Address("491710760000")
    assert centre.encode_service_centre() == bytes.fromhex("07 91 94 71 01 67 00 00")
    assert read_service_centre(centre.encode_service_centre() + b"tpdu") == (centre, 8)
    assert read_service_centre(b"\0tpdu") == (None, 1)
    odd = Address("49171", TypeOfNumber.UNKNOWN)
    assert read_service_centre(odd.encode_service_centre()) == (odd, 5)
    with pytest.raises(ValueError, match="digits"):
        Address("Name", TypeOfNumber.ALPHANUMERIC).encode_service_centre()


@pytest.mark.parametrize(
    "octets", ["", "01 91", "05 91 21", "0C 91" + "11" * 11, "03 D0 41 41", "03 91 F2 43", "02 11 21"]
)
def test_a_malformed_service_centre_is_refused(octets: str) -> None:
    with pytest.raises(EnvelopeError) as caught:
        read_service_centre(bytes.fromhex(octets))
    assert caught.value.rule == SmsRule.SERVICE_CENTRE


@pytest.mark.parametrize(
    ("text", "kind", "shown"),
    [
        ("+4915112345678", TypeOfNumber.INTERNATIONAL, "+4915112345678"),
        ("2948", TypeOfNumber.UNKNOWN, "2948"),
        ("*100#", TypeOfNumber.UNKNOWN, "*100#"),
        ("Operator", TypeOfNumber.ALPHANUMERIC, "Operator"),
    ],
)
def test_addresses_as_people_write_them(text: str, kind: TypeOfNumber, shown: str) -> None:
    address = Address.from_text(text)
    assert (address.type_of_number, str(address)) == (kind, shown)


@pytest.mark.parametrize("text", ["+" + "1" * 21, "a name that is long", "中文", "1" * 21])
def test_what_no_address_holds_is_the_callers_mistake(text: str) -> None:
    with pytest.raises(ValueError, match=r"address|alphabet"):
        Address.from_text(text)
    with pytest.raises(ValueError, match="four bits"):
        Address("1", numbering_plan=16)


@given(st.text(GSM_TEXT, max_size=40), st.integers(0, 6))
def test_septets_pack_and_unpack(text: str, fill: int) -> None:
    septets = gsm7.encode(text)
    packed = gsm7.pack(septets, fill)
    assert len(packed) == (7 * len(septets) + fill + 7) // 8
    assert gsm7.decode(gsm7.unpack(packed, len(septets), fill)) == text


def test_the_packing_of_the_standard() -> None:
    # 3GPP TS 23.038, 6.1.2.1: seven bits of the first character, one of the second above them.
    assert gsm7.pack(b"hellohello").hex().upper() == "E8329BFD4697D9EC37"
