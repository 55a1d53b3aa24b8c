from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcard_dm.errors import EnvelopeError
from smartcard_dm.push.sms_rules import SmsRule
from smartcard_dm.push.udh import Concatenation, Element, Ports, UserDataHeader, split_user_data
from tests.push.sms_materials import headers


@pytest.mark.parametrize(
    ("octets", "concatenation", "ports"),
    [
        ("06 05 04 0B84 23F0", None, Ports(2948, 9200)),
        ("06 05 04 0B84 0B84", None, Ports(2948, 2948)),
        ("0B 05 04 0B84 23F0 00 03 2A 03 01", Concatenation(0x2A, 3, 1), Ports(2948, 9200)),
        ("0C 08 04 1234 02 02 05 04 0B84 23F0", Concatenation(0x1234, 2, 2, wide=True), Ports(2948, 9200)),
        ("04 04 02 F0 F1", None, Ports(0xF0, 0xF1, wide=False)),
        ("00", None, None),
    ],
)
def test_headers_of_the_field(octets: str, concatenation: Concatenation | None, ports: Ports | None) -> None:
    header, end = split_user_data(bytes.fromhex(octets) + b"data")
    assert end == len(bytes.fromhex(octets))
    assert (header.concatenation, header.ports) == (concatenation, ports)
    assert header.octets == bytes.fromhex(octets)


@pytest.mark.parametrize(
    ("octets", "rule"),
    [
        ("", SmsRule.HEADER),  # no length octet
        ("05 00 03 01 02", SmsRule.HEADER),  # longer than the data
        ("FF", SmsRule.HEADER),
        ("01 00", SmsRule.HEADER),  # no element length
        ("04 00 03 01 02", SmsRule.HEADER),  # an element longer than the header
        ("04 00 02 01 02", SmsRule.HEADER),  # concatenation of two octets
        ("06 00 04 01 02 01 00", SmsRule.HEADER),
        ("05 08 03 01 02 01", SmsRule.HEADER),
        ("05 04 03 01 02 03", SmsRule.HEADER),
        ("04 05 02 F0 F1", SmsRule.HEADER),
        ("0A 00 03 01 02 01 00 03 01 02 01", SmsRule.HEADER_TWICE),
        ("0C 05 04 0B84 23F0 05 04 0B84 23F0", SmsRule.HEADER_TWICE),
        ("0B 00 03 01 02 01 08 04 00 01 02 01", SmsRule.HEADER_BOTH),
        ("0A 05 04 0B84 23F0 04 02 F0 F1", SmsRule.HEADER_BOTH),
    ],
)
def test_a_malformed_header_is_refused(octets: str, rule: SmsRule) -> None:
    with pytest.raises(EnvelopeError) as caught:
        split_user_data(bytes.fromhex(octets))
    assert caught.value.rule == rule


def test_unknown_elements_stay_in_order_even_twice() -> None:
    octets = bytes.fromhex("0E 70 01 AA 05 04 0B84 23F0 24 00 70 01 AB")
    header, _ = split_user_data(octets)
    assert [element.identifier for element in header.elements] == [0x70, 0x05, 0x24, 0x70]
    assert header.octets == octets


@given(headers())
def test_what_is_written_is_read(header: UserDataHeader) -> None:
    assert split_user_data(header.octets) == (header, len(header.octets))


@given(st.binary(max_size=160))
def test_any_octets_are_a_header_or_an_error(octets: bytes) -> None:
    with contextlib.suppress(EnvelopeError):
        header, end = split_user_data(octets)
        assert header.octets == octets[:end]


@given(headers(), st.data())
def test_every_prefix_is_an_error(header: UserDataHeader, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(header.octets) - 1))
    with pytest.raises(EnvelopeError):
        split_user_data(header.octets[:cut])


def test_a_header_longer_than_a_message_is_not_made() -> None:
    with pytest.raises(EnvelopeError) as caught:
        UserDataHeader.of(Element(0x70, b"x" * 70), Element(0x71, b"x" * 70))
    assert caught.value.rule == SmsRule.HEADER


@pytest.mark.parametrize(
    "make",
    [
        lambda: Concatenation(256, 1, 1),
        lambda: Concatenation(0x10000, 1, 1, wide=True),
        lambda: Concatenation(1, 256, 1),
        lambda: Concatenation(1, 1, -1),
        lambda: Ports(2948, 9200, wide=False),
        lambda: Ports(65536, 1),
        lambda: Element(256, b""),
        lambda: Element(1, b"x" * 140),
    ],
)
def test_numbers_that_no_field_holds_are_the_callers_mistake(make: object) -> None:
    with pytest.raises(ValueError, match=r"hold|element"):
        make()  # type: ignore[operator]
