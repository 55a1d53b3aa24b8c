"""EF.ARR (fact 88)."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcard_dm.errors import LimitExceededError, TlvError
from smartcard_dm.iso7816 import (
    AccessMode,
    AccessRule,
    AllOf,
    Always,
    AnyOf,
    Never,
    Pin,
    Unknown,
    encode_tlv,
    parse_access_rules,
)

PIN1 = "A406830101950108"
RECORD = bytes.fromhex("8001019000800102" + PIN1 + "8401329700")


def test_fact_88_the_published_example() -> None:
    rules = parse_access_rules(bytes.fromhex("80010190008001029700FFFFFF"))
    assert rules == (AccessRule(AccessMode.READ, b"", Always()), AccessRule(AccessMode.UPDATE, b"", Never()))
    assert [str(rule) for rule in rules] == ["read: always", "update: never"]


def test_fact_88_pin_and_instruction() -> None:
    rules = parse_access_rules(RECORD)
    assert [str(rule) for rule in rules] == ["read: always", "update: PIN 01", "INS 32: never"]
    assert rules[1].condition == Pin(1)
    assert rules[2].instructions == b"\x32"


def test_or_and_templates_and_conditions_in_a_row() -> None:
    pin2 = "A406830181950108"
    either = parse_access_rules(bytes.fromhex("800113" + "A010" + PIN1 + pin2))
    assert either == (AccessRule(AccessMode(0x13), b"", AnyOf((Pin(1), Pin(0x81)))),)
    assert str(either[0]) == "read, update, activate: (PIN 01 or PIN 81)"
    both = parse_access_rules(bytes.fromhex("800101" + "AF10" + PIN1 + pin2))
    assert both[0].condition == AllOf((Pin(1), Pin(0x81)))
    assert str(both[0].condition) == "(PIN 01 and PIN 81)"
    row = parse_access_rules(bytes.fromhex("800101" + PIN1 + pin2))
    assert row[0].condition == AnyOf((Pin(1), Pin(0x81)))


def test_modes_in_a_row_share_the_condition() -> None:
    (rule,) = parse_access_rules(bytes.fromhex("8001018401B08101AA9000"))
    assert rule == AccessRule(AccessMode.READ, b"\xb0", Always())
    (other,) = parse_access_rules(bytes.fromhex("9C01009700"))
    assert str(other) == "other commands: never"


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param("9E01FF", id="security condition byte"),
        pytest.param("900100", id="always with content"),
        pytest.param("A000", id="empty or"),
        pytest.param("A700", id="not"),
        pytest.param("A403830101", id="usage absent"),
        pytest.param("A406830101950180", id="other usage"),
        pytest.param("A403950108", id="no reference"),
        pytest.param("A40483020101", id="long reference"),
        pytest.param("A409830101950108800101", id="another object"),
    ],
)
def test_what_is_not_understood_is_kept_and_not_open(condition: str) -> None:
    (rule,) = parse_access_rules(bytes.fromhex("800101" + condition))
    if condition == "A403830101":
        assert rule.condition == Pin(1)
        return
    assert rule.condition == Unknown(bytes.fromhex(condition))
    assert "unknown condition" in str(rule)


@pytest.mark.parametrize(
    "record",
    ["9000", "800101", "8001019000800102", "80029000", "80009000", "800101A00290", "800101A4028301", "8001019001"],
)
def test_malformed_records(record: str) -> None:
    with pytest.raises(TlvError):
        parse_access_rules(bytes.fromhex(record))


def test_fact_88_cut_at_every_octet() -> None:
    whole = parse_access_rules(RECORD)
    for cut in range(len(RECORD)):
        # After each condition the record may end: one rule fewer.
        if cut in {0, 5, 16}:
            assert parse_access_rules(RECORD[:cut]) == whole[: {0: 0, 5: 1, 16: 2}[cut]]
        else:
            with pytest.raises(TlvError):
                parse_access_rules(RECORD[:cut])
    for rest in (b"\xff\xff", b"\x00", b"\xff\x80"):
        assert parse_access_rules(RECORD + rest) == whole
    with pytest.raises(TlvError):
        parse_access_rules(RECORD + b"\x80\x01\x01")


def test_conditions_nest_within_a_bound() -> None:
    nested = bytes.fromhex("9000")
    for _ in range(7):
        nested = encode_tlv(0xA0, nested)
    assert parse_access_rules(b"\x80\x01\x01" + nested)
    with pytest.raises(LimitExceededError, match="tlv_depth"):
        parse_access_rules(b"\x80\x01\x01" + encode_tlv(0xAF, nested))


@given(st.binary(max_size=40).map(lambda rest: b"\x80\x01\x01" + rest) | st.binary(max_size=40))
def test_any_octets_give_rules_or_our_errors(octets: bytes) -> None:
    with contextlib.suppress(TlvError, LimitExceededError):
        assert all(str(rule) for rule in parse_access_rules(octets))
