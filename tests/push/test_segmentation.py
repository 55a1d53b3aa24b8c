from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcard_dm.errors import EnvelopeError
from smartcard_dm.push.segmentation import MOST_PARTS, PUSH_PORTS, segment, sms_deliver, sms_submit
from smartcard_dm.push.sms_coding import OCTETS_PLAIN
from smartcard_dm.push.sms_rules import SmsRule
from smartcard_dm.push.sms_time import RelativeValidity
from smartcard_dm.push.sms_tpdu import parse_tpdu
from smartcard_dm.server.push_size import WSP_HEADERS, PushSizes
from tests.push.sms_materials import NOON, SENDER, SUBSCRIBER


@given(datagram=st.binary(max_size=2000), reference=st.integers(0, 255), wide=st.booleans())
def test_parts_are_the_datagram(datagram: bytes, reference: int, *, wide: bool) -> None:
    parts = segment(datagram, reference, wide=wide)
    assert b"".join(part.data for part in parts) == datagram
    for at, part in enumerate(parts, 1):
        assert part.header is not None
        assert part.header.ports == PUSH_PORTS
        assert len(part.header.octets) + len(part.data) <= 140
        said = part.header.concatenation
        if len(parts) == 1:
            assert said is None
        else:
            assert said is not None
            assert (said.reference, said.total, said.sequence, said.wide) == (reference, len(parts), at, wide)


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize(
    "message", [0, 81, 82, 100, *range(200, 340, 7), 3000, 255 * 127 - WSP_HEADERS, 255 * 128 - WSP_HEADERS]
)
def test_the_number_of_parts_is_the_one_that_senders_are_told(message: int, *, wide: bool) -> None:
    sizes = PushSizes(message)
    wanted = sizes.segments_16_bit if wide else sizes.segments
    if wanted > MOST_PARTS:
        with pytest.raises(EnvelopeError):
            segment(bytes(sizes.wap), 1, wide=wide)
    else:
        assert len(segment(bytes(sizes.wap), 1, wide=wide)) == wanted


def test_the_first_header_of_the_field() -> None:
    first = segment(bytes(200), 0x2A)[0]
    assert first.header is not None
    assert first.header.octets == bytes.fromhex("0B 05 04 0B84 23F0 00 03 2A 02 01")
    assert len(first.data) == 128


@pytest.mark.parametrize(("wide", "most"), [(False, 32_640), (True, 32_385)])
def test_what_no_reference_holds_together_is_refused(*, wide: bool, most: int) -> None:
    assert len(segment(bytes(most), 1, wide=wide)) == 255
    with pytest.raises(EnvelopeError) as caught:
        segment(bytes(most + 1), 1, wide=wide)
    assert caught.value.rule == SmsRule.TOO_LONG
    assert str(most) in str(caught.value)


@pytest.mark.parametrize(("reference", "wide"), [(256, False), (-1, False), (65536, True)])
def test_a_reference_that_does_not_fit_is_the_callers_mistake(reference: int, *, wide: bool) -> None:
    with pytest.raises(ValueError, match="header"):
        segment(b"short", reference, wide=wide)


def test_messages_that_carry_parts() -> None:
    parts = segment(bytes(range(256)) * 2, 7)
    submits = sms_submit(
        parts, SUBSCRIBER, message_reference=254, validity=RelativeValidity(0), coding=OCTETS_PLAIN, status_report=True
    )
    assert [submit.reference for submit in submits] == [254, 255, 0, 1]
    assert {(submit.destination, submit.status_report, submit.coding) for submit in submits} == {
        (SUBSCRIBER, True, OCTETS_PLAIN)
    }
    delivers = sms_deliver(parts, SENDER, NOON)
    assert [deliver.more_messages for deliver in delivers] == [True, True, True, False]
    for tpdus in (submits, delivers):
        assert tuple(parse_tpdu(tpdu.encode()).user_data for tpdu in tpdus) == parts
    assert all(this.originator == that.originator for this, that in pairwise(delivers))
