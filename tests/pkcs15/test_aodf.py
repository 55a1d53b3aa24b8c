"""EF(AODF): facts 35, 49 to 52."""

import pytest

from smartcard_dm.errors import LimitExceededError, Pkcs15Error
from smartcard_dm.pkcs15 import FilePath, PinFlag, PinType, parse_aodf, parse_dodf
from tests.pkcs15.vectors import entry, opaque

REQUIRED = "03020520 0A0101 020104 020108"


def pin(attributes: str = REQUIRED, common: str = "", ids: str = "040131") -> bytes:
    content = bytes.fromhex(attributes)
    return entry(0x30, common, ids, f"30{len(content):02X}" + attributes)


def test_fact_49_only_pins_are_read() -> None:
    found = parse_aodf(pin() + entry(0xA0) + entry(0xA1) + entry(0xA2) + entry(0xA3))
    assert [data.pin_id for data in found] == [b"1"]
    assert len(found.warnings) == 4


def test_facts_50_51_all_attributes() -> None:
    last = "180F" + b"20240101000000Z".hex()
    attributes = "0303 044C10 0A0101 020104 020108 020108 800101 0401FF" + last + "3006 0404 3F007F50" + "0500"
    (found,) = parse_aodf(pin(attributes, "0C0350494E 040132"))
    assert (found.label, found.auth_id, found.pin_id) == ("PIN", b"2", b"1")
    assert found.flags == {PinFlag.LOCAL, PinFlag.INITIALIZED, PinFlag.NEEDS_PADDING, PinFlag.EXCHANGE_REF_DATA}
    assert found.has(PinFlag.LOCAL)
    assert not found.has(PinFlag.SO_PIN)
    assert found.pin_type == PinType.ASCII_NUMERIC
    assert (found.min_length, found.stored_length, found.max_length) == (4, 8, 8)
    assert (found.reference, found.pad_char) == (1, 0xFF)
    assert found.path == FilePath(b"\x3f\x00\x7f\x50")
    assert found.last_change == "20240101000000Z"


def test_fact_50_optional_attributes() -> None:
    (found,) = parse_aodf(pin())
    assert (found.max_length, found.reference, found.pad_char, found.path, found.last_change) == (None, 0) + (None,) * 3
    (other,) = parse_aodf(pin(REQUIRED + "3002 0400", ids=""))
    assert (other.path, other.pin_id) == (None, None)
    (unknown,) = parse_aodf(pin("03020520 0A0109 020104 020108"))
    assert unknown.pin_type == 9


@pytest.mark.parametrize(
    ("reference", "value"),
    [("800181", 0x81), ("8001FF", 0xFF), ("800180", 0x80), ("80020081", 0x81), ("80017F", 0x7F), ("800200FF", 0xFF)],
)
def test_fact_52_a_negative_reference_is_one_octet(reference: str, value: int) -> None:
    (found,) = parse_aodf(pin(REQUIRED + reference))
    assert found.reference == value


@pytest.mark.parametrize(
    ("attributes", "detail"),
    [
        pytest.param(REQUIRED + "80020100", "pinReference", id="reference of 256"),
        pytest.param(REQUIRED + "8002FF7F", "pinReference", id="reference of -129"),
        pytest.param("03020520 0A0101 0201FF 020108", "minLength", id="negative length"),
        pytest.param("03020520 0A0101 020104 02020100", "storedLength", id="length of 256"),
        pytest.param("03020520 0A0101 020104", "missing", id="no stored length"),
        pytest.param("03020520 020101 020104 020108", "should have been", id="type as INTEGER"),
        pytest.param(REQUIRED + "0400", "padChar", id="empty padding"),
        pytest.param(REQUIRED + "0402FFFF", "padChar", id="padding of two octets"),
        pytest.param(REQUIRED + "3005 0403 3F007F", "two octets", id="odd path"),
    ],
)
def test_malformed_pins(attributes: str, detail: str) -> None:
    with pytest.raises(Pkcs15Error, match=detail) as caught:
        parse_aodf(pin(attributes))
    assert "typeAttributes" in str(caught.value.place)


def test_a_path_that_is_too_long() -> None:
    with pytest.raises(LimitExceededError):
        parse_aodf(pin(REQUIRED + "300C 040A" + "7F50" * 5))


def test_fact_35_a_private_object_names_its_pin() -> None:
    (data,) = parse_dodf(opaque("03020780 040131"))
    (found,) = parse_aodf(pin())
    assert data.private
    assert data.auth_id == found.pin_id


def test_facts_49_50_cut_at_every_octet() -> None:
    vector = pin()
    for cut in range(1, len(vector)):
        with pytest.raises(Pkcs15Error):
            parse_aodf(vector[:cut])
    assert len(parse_aodf(vector + bytes(5))) == 1
