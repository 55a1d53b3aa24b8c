"""What tests of short messages share: strategies of values, and a push."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from hypothesis import strategies as st

from smartcard_dm.push import gsm7
from smartcard_dm.push.sms_address import Address, TypeOfNumber
from smartcard_dm.push.sms_coding import Alphabet, DataCoding
from smartcard_dm.push.sms_time import AbsoluteValidity, EnhancedForm, EnhancedValidity, RelativeValidity
from smartcard_dm.push.sms_tpdu import Deliver, Submit
from smartcard_dm.push.sms_user_data import UserData
from smartcard_dm.push.udh import Concatenation, Element, Ports, UserDataHeader

SUBSCRIBER: Final = Address("4915112345678")
CENTRE: Final = Address("491710760000")
SENDER: Final = Address.from_text("+491722270333")
NOON: Final = datetime(2026, 3, 1, 12, 0, 0, tzinfo=timezone(timedelta(hours=1)))
WSP_HEAD: Final = bytes.fromhex("010603C2AF87")
"""TID, Push, three octets of headers: application/vnd.syncml.dm+wbxml, x-wap-application:syncml.dm."""
GSM_TEXT: Final = gsm7._DEFAULT.replace("\x1b", "") + "".join(gsm7._EXTENSION.values())

concatenations = st.builds(
    Concatenation, st.integers(0, 0xFF), st.integers(0, 0xFF), st.integers(0, 0xFF), st.just(value=False)
) | st.builds(Concatenation, st.integers(0, 0xFFFF), st.integers(0, 0xFF), st.integers(0, 0xFF), st.just(value=True))
ports = st.builds(Ports, st.integers(0, 0xFF), st.integers(0, 0xFF), st.just(value=False)) | st.builds(
    Ports, st.integers(0, 0xFFFF), st.integers(0, 0xFFFF), st.just(value=True)
)
unknown_elements = st.builds(
    Element, st.integers(0, 0xFF).filter(lambda number: number not in {0, 4, 5, 8}), st.binary(max_size=6)
)


@st.composite
def headers(draw: st.DrawFn) -> UserDataHeader:
    parts: list[Element | Concatenation | Ports] = [*draw(st.lists(unknown_elements, max_size=3))]
    if draw(st.booleans()):
        parts.insert(draw(st.integers(0, len(parts))), draw(concatenations))
    if draw(st.booleans()):
        parts.insert(draw(st.integers(0, len(parts))), draw(ports))
    return UserDataHeader.of(*parts)


addresses = st.builds(
    Address,
    st.text("0123456789*#abc", max_size=20),
    st.sampled_from([kind for kind in TypeOfNumber if kind is not TypeOfNumber.ALPHANUMERIC]),
    st.integers(0, 15),
) | st.builds(
    Address,
    st.text(GSM_TEXT, max_size=11).filter(lambda text: len(gsm7.encode(text)) <= 11),
    st.just(TypeOfNumber.ALPHANUMERIC),
    st.integers(0, 15),
)
codings = st.builds(DataCoding, st.integers(0, 0xFF))
zones = st.integers(-79, 79).map(lambda quarters: timezone(timedelta(minutes=15 * quarters)))
moments = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31), timezones=zones | st.just(UTC)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0)
)
relative = st.builds(RelativeValidity, st.integers(0, 0xFF))
enhanced = (
    st.builds(EnhancedValidity, st.just(EnhancedForm.NONE), st.just(0), st.booleans())
    | st.builds(EnhancedValidity, st.just(EnhancedForm.RELATIVE), st.integers(0, 0xFF), st.booleans())
    | st.builds(EnhancedValidity, st.just(EnhancedForm.SECONDS), st.integers(1, 0xFF), st.booleans())
    | st.builds(EnhancedValidity, st.just(EnhancedForm.CLOCK), st.integers(0, 359_999), st.booleans())
)
validities = st.none() | relative | st.builds(AbsoluteValidity, moments) | enhanced


@st.composite
def user_data(draw: st.DrawFn, coding: DataCoding) -> UserData:
    header = draw(st.none() | headers())
    taken = len(header.octets) if header else 0
    if coding.counts_septets:
        data = draw(st.lists(st.integers(0, 0x7F), max_size=160 - (8 * taken + 6) // 7).map(bytes))
    else:
        data = draw(st.binary(max_size=140 - taken))
    return UserData(data, header)


@st.composite
def delivers(draw: st.DrawFn) -> Deliver:
    coding = draw(codings)
    flags = [draw(st.booleans()) for _ in range(4)]
    return Deliver(
        draw(addresses), draw(moments), draw(user_data(coding)), draw(st.integers(0, 0xFF)), coding, *flags
    )  # fmt: skip


@st.composite
def submits(draw: st.DrawFn) -> Submit:
    coding = draw(codings)
    flags = [draw(st.booleans()) for _ in range(3)]
    return Submit(
        draw(addresses),
        draw(user_data(coding)),
        draw(st.integers(0, 0xFF)),
        draw(st.integers(0, 0xFF)),
        coding,
        draw(validities),
        *flags,
    )


def is_octets(coding: DataCoding) -> bool:
    return coding.alphabet is Alphabet.OCTETS and not coding.compressed
