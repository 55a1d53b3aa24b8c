from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcard_dm.errors import EnvelopeError
from smartcard_dm.push.sms_rules import SmsRule
from smartcard_dm.push.sms_time import (
    AbsoluteValidity,
    EnhancedForm,
    EnhancedValidity,
    RelativeValidity,
    ValidityFormat,
    ValidityPeriod,
    encode_time,
    encode_validity,
    parse_time,
    parse_validity,
    validity_format,
)
from tests.push.sms_materials import moments, validities


@pytest.mark.parametrize(
    ("octets", "moment"),
    [
        ("99309251619580", datetime(2099, 3, 29, 15, 16, 59, tzinfo=timezone(timedelta(hours=2)))),
        ("62118180801200", datetime(2026, 11, 18, 8, 8, 21, tzinfo=UTC)),
        ("62118180801249", datetime(2026, 11, 18, 8, 8, 21, tzinfo=timezone(timedelta(hours=-3, minutes=-30)))),
        # The last: 14 quarters of an hour, swapped, the sign in the bit above the tens.
    ],
)
def test_times_as_they_are_written(octets: str, moment: datetime) -> None:
    assert parse_time(bytes.fromhex(octets)) == moment
    assert encode_time(moment) == bytes.fromhex(octets)
    assert parse_time(bytes.fromhex(octets)).utcoffset() == moment.utcoffset()


@given(moments)
def test_what_is_written_is_read(moment: datetime) -> None:
    assert parse_time(encode_time(moment)) == moment
    assert parse_time(encode_time(moment)).utcoffset() == moment.utcoffset()


@pytest.mark.parametrize(
    "octets",
    ["00000000000000", "62118180801A00", "62118182801200", "623181808012F0", "62111380801200", "FFFFFFFFFFFFFF"],
)
def test_no_time_is_refused(octets: str) -> None:
    with pytest.raises(EnvelopeError) as caught:
        parse_time(bytes.fromhex(octets), 7)
    assert caught.value.rule == SmsRule.TIME
    assert caught.value.offset is not None
    assert 7 <= caught.value.offset < 14


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 1, 1),  # noqa: DTZ001 - no time zone is the point
        datetime(1999, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 1, tzinfo=timezone(timedelta(minutes=20))),
        datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=20))),
    ],
)
def test_a_moment_that_no_message_holds_is_the_callers_mistake(moment: datetime) -> None:
    with pytest.raises(ValueError, match="short message"):
        encode_time(moment)


@pytest.mark.parametrize(
    ("octet", "duration"),
    [
        (0, timedelta(minutes=5)),
        (143, timedelta(hours=12)),
        (144, timedelta(hours=12, minutes=30)),
        (167, timedelta(days=1)),
        (168, timedelta(days=2)),
        (196, timedelta(days=30)),
        (197, timedelta(weeks=5)),
        (255, timedelta(weeks=63)),
    ],
)
def test_the_steps_of_a_relative_period(octet: int, duration: timedelta) -> None:
    assert RelativeValidity(octet).duration == duration
    assert RelativeValidity.at_least(duration) == RelativeValidity(octet)
    assert RelativeValidity.at_least(duration - timedelta(seconds=1)) == RelativeValidity(octet)


def test_periods_longer_than_any_are_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="63 weeks"):
        RelativeValidity.at_least(timedelta(weeks=63, seconds=1))
    with pytest.raises(ValueError, match="one octet"):
        RelativeValidity(256)
    with pytest.raises(ValueError, match="whole second"):
        AbsoluteValidity(datetime(2026, 1, 1, microsecond=1, tzinfo=UTC))
    with pytest.raises(ValueError, match="1 to 255"):
        EnhancedValidity(EnhancedForm.SECONDS, 0)


@given(validities)
def test_every_period_is_read_as_it_was_written(validity: ValidityPeriod | None) -> None:
    octets = encode_validity(validity)
    assert len(octets) == validity_format(validity).octets
    assert parse_validity(octets, validity_format(validity)) == validity


@pytest.mark.parametrize(
    ("octets", "validity"),
    [
        ("01A70000000000", EnhancedValidity(EnhancedForm.RELATIVE, 167)),
        ("420A0000000000", EnhancedValidity(EnhancedForm.SECONDS, 10, single_shot=True)),
        ("03104254000000", EnhancedValidity(EnhancedForm.CLOCK, 1 * 3600 + 24 * 60 + 45)),
        ("40000000000000", EnhancedValidity(EnhancedForm.NONE, 0, single_shot=True)),
    ],
)
def test_enhanced_periods_as_they_are_written(octets: str, validity: EnhancedValidity) -> None:
    assert parse_validity(bytes.fromhex(octets), ValidityFormat.ENHANCED) == validity
    assert encode_validity(validity) == bytes.fromhex(octets)


def test_how_long_an_enhanced_period_is() -> None:
    assert EnhancedValidity(EnhancedForm.NONE).duration is None
    assert EnhancedValidity(EnhancedForm.RELATIVE, 0).duration == timedelta(minutes=5)
    assert EnhancedValidity(EnhancedForm.SECONDS, 7).duration == timedelta(seconds=7)


@pytest.mark.parametrize(
    ("octets", "rule"),
    [
        ("81A70000000000", SmsRule.VALIDITY),  # an extension
        ("04000000000000", SmsRule.VALIDITY),  # a reserved form
        ("09000000000000", SmsRule.VALIDITY),  # reserved bits
        ("02000000000000", SmsRule.VALIDITY),  # 0 seconds
        ("03100654000000", SmsRule.VALIDITY),  # 60 minutes
        ("031042540000FF", SmsRule.VALIDITY),  # unused octets
        ("01A700000000A0", SmsRule.VALIDITY),
        ("00010000000000", SmsRule.VALIDITY),
        ("03A04254000000", SmsRule.TIME),
    ],
)
def test_an_unknown_enhanced_period_is_refused(octets: str, rule: SmsRule) -> None:
    with pytest.raises(EnvelopeError) as caught:
        parse_validity(bytes.fromhex(octets), ValidityFormat.ENHANCED)
    assert caught.value.rule == rule


@given(st.binary(min_size=7, max_size=7), st.sampled_from(ValidityFormat))
def test_any_octets_are_a_period_or_an_error(octets: bytes, form: ValidityFormat) -> None:
    field = octets[: form.octets]
    with contextlib.suppress(EnvelopeError):
        validity = parse_validity(field, form)
        assert parse_validity(encode_validity(validity), form) == validity
