"""Object identifiers: facts 1, 2, 4, 65."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcard_dm.pkcs15 import (
    CP_BOOTSTRAP,
    CP_CONFIG1,
    CP_CONFIG2,
    CP_OIDS,
    DM_BOOTSTRAP,
    LWM2M_BOOTSTRAP,
    OID_NAMES,
    decode_oid,
    encode_oid,
    read_oid,
)


@pytest.mark.parametrize(
    ("oid", "octets"),
    [
        (CP_BOOTSTRAP, "672B0501"),
        (CP_CONFIG1, "672B0502"),
        (CP_CONFIG2, "672B0503"),
        (DM_BOOTSTRAP, "672B0701"),
        (LWM2M_BOOTSTRAP, "672B0901"),
        ("1.2.840.114283.200.1.1", "2A864886FC6B81480101"),
        ("0.39", "27"),
        ("1.0", "28"),
        ("2.999", "8837"),
        ("2.25." + str(2**128 - 1), "69" + "83" + "FF" * 17 + "7F"),
    ],
)
def test_fact_1_identifiers(oid: str, octets: str) -> None:
    assert encode_oid(oid) == bytes.fromhex(octets)
    assert decode_oid(bytes.fromhex(octets)) == oid


def test_facts_1_24_names_and_order() -> None:
    assert CP_OIDS == (CP_BOOTSTRAP, CP_CONFIG1, CP_CONFIG2)
    assert OID_NAMES[DM_BOOTSTRAP] == "DM bootstrap"
    assert set(CP_OIDS) < set(OID_NAMES)
    assert len(OID_NAMES) == 5


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param("0604672B0901", (LWM2M_BOOTSTRAP, True), id="fact 65 twice"),
        pytest.param("672B0901", (LWM2M_BOOTSTRAP, False), id="fact 65 once"),
        pytest.param("0605672B0901", ("0.6.5.103.43.9.1", False), id="inner length that does not fit"),
        pytest.param("060167", ("2.23", True), id="the shortest inner one"),
        pytest.param("0601", ("0.6.1", False), id="too short for an inner one"),
        pytest.param("060180", (None, False), id="neither"),
        pytest.param("06028001", (None, False), id="inner one in a second spelling"),
        pytest.param("", (None, False), id="nothing"),
    ],
)
def test_facts_59_65_encoded_once_or_twice(content: str, expected: tuple[str | None, bool]) -> None:
    assert read_oid(bytes.fromhex(content)) == expected


@pytest.mark.parametrize(
    "text", ["", "1", "3.1", "0.40", "1.40", "1.2.", "1.-2", "a.b", "1.2.x", f"2.{2**128}", "\u0661.\u0662"]
)
def test_texts_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="object identifier"):
        encode_oid(text)


@given(st.binary(max_size=40))
def test_any_octets_are_one_identifier_or_none(content: bytes) -> None:
    text = decode_oid(content)
    assert text is None or encode_oid(text) == content
    read_oid(content)
