"""Times in short messages: when the service centre took one, and how long it keeps it.

Guarantees: any octets give a value or `EnvelopeError`; encoding and reading give back the same value. Leaves to its
caller: what time it is. Two digits of a year are read as 2000 to 2099.

Spec: 3GPP TS 23.040, 9.2.3.11 (time stamp), 9.2.3.12 (validity period).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import IntEnum
from typing import Final, Self

from smartcard_dm.errors import EnvelopeError
from smartcard_dm.push.sms_rules import SmsRule

TIME_OCTETS: Final = 7
_CENTURY: Final = 2000
_QUARTER: Final = timedelta(minutes=15)
_MOST_QUARTERS: Final = 79


def encode_time(moment: datetime) -> bytes:
    """Return the seven octets of a moment with its time zone; parts of a second are left out.

    Raises:
        ValueError: no time zone, one that is not in quarters of an hour below 20 hours, or no year of 2000 to 2099.
    """
    offset = moment.utcoffset()
    if offset is None:
        raise ValueError("a time of a short message has a time zone")
    quarters, rest = divmod(abs(offset), _QUARTER)
    if rest or quarters > _MOST_QUARTERS:
        raise ValueError(f"a time zone of a short message is in quarters of an hour, found {offset}")
    if not _CENTURY <= moment.year < _CENTURY + 100:
        raise ValueError(f"a year of a short message is 2000 to 2099, found {moment.year}")
    fields = (moment.year - _CENTURY, moment.month, moment.day, moment.hour, moment.minute, moment.second, quarters)
    octets = bytearray(map(_swapped, fields))
    if offset < timedelta(0):
        octets[6] |= 0x08
    return bytes(octets)


def parse_time(octets: bytes, offset: int = 0) -> datetime:
    """Return the moment that seven octets stand for, with its time zone.

    Args:
        octets: seven octets.
        offset: where they stand in the message, for the error.

    Raises:
        EnvelopeError: digits that are none, or a date and time that is none.
    """
    year, month, day, hour, minute, second = (_number(octet, offset + at) for at, octet in enumerate(octets[:6]))
    quarters = _number(octets[6] & 0xF7, offset + 6)
    zone = timezone(-quarters * _QUARTER if octets[6] & 0x08 else quarters * _QUARTER)
    try:
        return datetime(_CENTURY + year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        found = octets.hex().upper()
        raise EnvelopeError(
            SmsRule.TIME, "time", "no date and time", offset=offset, wanted="YY MM DD hh mm ss", found=found
        ) from None


@dataclass(frozen=True, slots=True)
class RelativeValidity:
    """So long after the service centre takes it, in the steps of one octet.

    Raises:
        ValueError: not one octet.
    """

    octet: int
    """0 to 255: five minutes to 63 weeks."""

    def __post_init__(self) -> None:
        if not 0 <= self.octet <= 0xFF:
            raise ValueError(f"a relative validity period is one octet, found {self.octet}")

    @classmethod
    def at_least(cls, duration: timedelta) -> Self:
        """Return the shortest one that is not shorter than `duration`.

        Raises:
            ValueError: longer than 63 weeks.
        """
        for octet in range(0x100):
            if _duration(octet) >= duration:
                return cls(octet)
        raise ValueError(f"a relative validity period is at most 63 weeks, found {duration}")

    @property
    def duration(self) -> timedelta:
        """How long it is."""
        return _duration(self.octet)


@dataclass(frozen=True, slots=True)
class AbsoluteValidity:
    """Until a moment.

    Raises:
        ValueError: a moment that a short message does not hold (see `encode_time`).
    """

    until: datetime

    def __post_init__(self) -> None:
        encode_time(self.until)
        if self.until.microsecond:
            raise ValueError("a validity period ends at a whole second")


class EnhancedForm(IntEnum):
    """How the enhanced format says its duration (3GPP TS 23.040, 9.2.3.12.3)."""

    NONE = 0
    RELATIVE = 1
    SECONDS = 2
    CLOCK = 3


@dataclass(frozen=True, slots=True)
class EnhancedValidity:
    """The enhanced format: a duration in one of its forms, or none, and whether to try once only.

    Raises:
        ValueError: a number that its form does not hold.
    """

    form: EnhancedForm
    number: int = 0
    """RELATIVE: the octet of a `RelativeValidity`; SECONDS: 1 to 255; CLOCK: seconds, below 100 hours; NONE: 0."""
    single_shot: bool = False
    """Whether the service centre tries to deliver it at most once."""

    def __post_init__(self) -> None:
        low, high = {
            EnhancedForm.NONE: (0, 0),
            EnhancedForm.RELATIVE: (0, 0xFF),
            EnhancedForm.SECONDS: (1, 0xFF),
            EnhancedForm.CLOCK: (0, 359_999),
        }[self.form]
        if not low <= self.number <= high:
            raise ValueError(f"a validity period of this form is {low} to {high}, found {self.number}")

    @property
    def duration(self) -> timedelta | None:
        """How long it is; None where it says nothing about that."""
        if self.form is EnhancedForm.NONE:
            return None
        return _duration(self.number) if self.form is EnhancedForm.RELATIVE else timedelta(seconds=self.number)


ValidityPeriod = RelativeValidity | AbsoluteValidity | EnhancedValidity


class ValidityFormat(IntEnum):
    """Bits 5 and 4 of the first octet of an SMS-SUBMIT (3GPP TS 23.040, 9.2.3.3)."""

    NONE = 0
    ENHANCED = 1
    RELATIVE = 2
    ABSOLUTE = 3

    @property
    def octets(self) -> int:
        """Octets of its field."""
        return (0, 7, 1, 7)[self]


def validity_format(validity: ValidityPeriod | None) -> ValidityFormat:
    """Return the format that a validity period is written in."""
    match validity:
        case None:
            return ValidityFormat.NONE
        case RelativeValidity():
            return ValidityFormat.RELATIVE
        case AbsoluteValidity():
            return ValidityFormat.ABSOLUTE
        case EnhancedValidity():
            return ValidityFormat.ENHANCED


def encode_validity(validity: ValidityPeriod | None) -> bytes:
    """Return the octets of a validity period; none where there is none."""
    match validity:
        case None:
            return b""
        case RelativeValidity(octet):
            return bytes((octet,))
        case AbsoluteValidity(until):
            return encode_time(until)
        case EnhancedValidity(form, number, single_shot):
            if form is EnhancedForm.CLOCK:
                minutes, seconds = divmod(number, 60)
                used = bytes(map(_swapped, (minutes // 60, minutes % 60, seconds)))
            else:
                used = b"" if form is EnhancedForm.NONE else bytes((number,))
            return (bytes((form | (0x40 if single_shot else 0),)) + used).ljust(7, b"\0")


def parse_validity(octets: bytes, form: ValidityFormat, offset: int = 0) -> ValidityPeriod | None:
    """Return the validity period of a field.

    Args:
        octets: the field, as long as its format says.
        form: its format.
        offset: where it stands in the message, for the error.

    Raises:
        EnvelopeError: a time that is none, a reserved form, or unused octets that are not zero.
    """
    match form:
        case ValidityFormat.NONE:
            return None
        case ValidityFormat.RELATIVE:
            return RelativeValidity(octets[0])
        case ValidityFormat.ABSOLUTE:
            return AbsoluteValidity(parse_time(octets, offset))
        case ValidityFormat.ENHANCED:
            return _enhanced(octets, offset)


def _enhanced(octets: bytes, offset: int) -> EnhancedValidity:
    indicator = octets[0]
    if indicator & 0xBF > EnhancedForm.CLOCK:
        raise _validity_error("functionality indicator", offset, wanted="00 to 03, 40 to 43", found=f"{indicator:02X}")
    form = EnhancedForm(indicator & 7)
    number = octets[1]
    used = {EnhancedForm.NONE: 1, EnhancedForm.CLOCK: 4}.get(form, 2)
    if form is EnhancedForm.NONE:
        number = 0
    elif form is EnhancedForm.CLOCK:
        hours, minutes, seconds = (_number(octet, offset + 1 + at) for at, octet in enumerate(octets[1:4]))
        if minutes > 59 or seconds > 59:
            raise _validity_error("no time", offset + 1, wanted="hh mm ss", found=octets[1:4].hex().upper())
        number = (hours * 60 + minutes) * 60 + seconds
    elif form is EnhancedForm.SECONDS and not number:
        raise _validity_error("a reserved value", offset + 1, wanted="01 to FF seconds", found="00")
    if any(octets[used:]):
        raise _validity_error("unused octets", offset + used, wanted="zeros", found=octets[used:].hex().upper())
    return EnhancedValidity(form, number, single_shot=bool(indicator & 0x40))


def _duration(octet: int) -> timedelta:
    if octet <= 143:
        return timedelta(minutes=5 * (octet + 1))
    if octet <= 167:
        return timedelta(hours=12, minutes=30 * (octet - 143))
    return timedelta(days=octet - 166) if octet <= 196 else timedelta(weeks=octet - 192)


def _swapped(number: int) -> int:
    tens, ones = divmod(number, 10)
    return ones << 4 | tens


def _number(octet: int, offset: int) -> int:
    tens, ones = octet & 0x0F, octet >> 4
    if tens > 9 or ones > 9:
        found = f"{octet:02X}"
        raise EnvelopeError(SmsRule.TIME, "time", "digits", offset=offset, wanted="nibbles 0 to 9", found=found)
    return tens * 10 + ones


def _validity_error(detail: str, offset: int, *, wanted: str, found: str) -> EnvelopeError:
    return EnvelopeError(SmsRule.VALIDITY, "validity period", detail, offset=offset, wanted=wanted, found=found)
