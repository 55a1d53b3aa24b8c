from __future__ import annotations

import gc
import sys
import tracemalloc
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcard_dm.errors import EnvelopeError, LimitExceededError
from smartcard_dm.limits import DEFAULT_LIMITS, Limits
from smartcard_dm.push.reassembly import Reassembler
from smartcard_dm.push.segmentation import segment, sms_deliver, sms_submit
from smartcard_dm.push.sms_address import Address
from smartcard_dm.push.sms_pdu import Pdu
from smartcard_dm.push.sms_rules import SmsRule
from smartcard_dm.push.sms_tpdu import Deliver, Tpdu
from smartcard_dm.push.sms_user_data import UserData
from smartcard_dm.push.udh import Element, Ports, UserDataHeader
from smartcard_dm.push.wap_inlet import WapReceiver
from smartcard_dm.trust.transport import TransportKind
from tests.push.hostile_sms import hostile_tpdus, text_message
from tests.push.sms_materials import CENTRE, NOON, SENDER, SUBSCRIBER, WSP_HEAD, delivers, submits
from tests.push.wap_materials import Kept, receiver

if TYPE_CHECKING:
    from smartcard_dm.push.arrival import Arrival

DOCUMENT: Final = bytes(range(256)) * 5


def test_lines_of_delivers_become_one_document() -> None:
    inlet = Kept()
    mine = receiver(inlet)
    for deliver in reversed(sms_deliver(segment(WSP_HEAD + DOCUMENT, 3), SENDER, NOON)):
        mine.pdu_line(Pdu(deliver.encode(), CENTRE).line() + "\r\n", 0)
    (arrival,) = inlet.arrivals
    assert (arrival.octets, arrival.source) == (DOCUMENT, "+491722270333")
    assert inlet.refused == []


def test_lines_of_submits_are_what_the_network_would_deliver() -> None:
    inlet = Kept()
    mine = receiver(inlet)
    for submit in sms_submit(segment(WSP_HEAD + DOCUMENT, 3, wide=True), SUBSCRIBER):
        mine.pdu_line(Pdu(submit.encode()).line(with_service_centre=False), 0, with_service_centre=False)
    (arrival,) = inlet.arrivals
    assert (arrival.octets, arrival.source) == (DOCUMENT, "+4915112345678")


def test_a_datagram_needs_no_short_message() -> None:
    inlet = Kept()
    receiver(inlet).datagram(WSP_HEAD + DOCUMENT, "127.0.0.1:9200")
    assert [arrival.source for arrival in inlet.arrivals] == ["127.0.0.1:9200"]


@pytest.mark.parametrize("destination", [2948, 9200])
def test_ports_that_are_listened_on(destination: int) -> None:
    inlet = Kept()
    ports = Ports(destination, 49999)
    receiver(inlet).tpdu(sms_deliver(segment(WSP_HEAD, 0, ports=ports), SENDER, NOON)[0].encode(), 0)
    assert len(inlet.arrivals) == 1


@pytest.mark.parametrize(
    ("header", "rule"),
    [
        (None, SmsRule.NO_PORTS),
        (UserDataHeader.of(Element(0x70, b"")), SmsRule.NO_PORTS),
        (UserDataHeader.of(Ports(240, 250, wide=False)), SmsRule.PORT_WIDTH),
        (UserDataHeader.of(Ports(2949, 9202)), SmsRule.PORT_WTLS),
        (UserDataHeader.of(Ports(9202, 9202)), SmsRule.PORT_WTLS),
        (UserDataHeader.of(Ports(9203, 9203)), SmsRule.PORT_WTLS),
        (UserDataHeader.of(Ports(9201, 9201)), SmsRule.PORT),
        (UserDataHeader.of(Ports(9200 + 1, 2948)), SmsRule.PORT),
        (UserDataHeader.of(Ports(5505, 2948)), SmsRule.PORT),
    ],
)
def test_other_ports_are_refused_before_anything_is_kept(header: UserDataHeader | None, rule: SmsRule) -> None:
    inlet = Kept()
    receiver(inlet).tpdu(Deliver(SENDER, NOON, UserData(WSP_HEAD, header)).encode(), 0)
    assert inlet.rules == [rule]
    assert [(kind, source) for _, kind, source in inlet.refused] == [(TransportKind.WAP, "+491722270333")]
    assert inlet.arrivals == []


def test_a_text_is_refused_with_its_sender() -> None:
    inlet = Kept()
    receiver(inlet).tpdu(text_message(), 0)
    assert inlet.rules == [SmsRule.DATA_CODING]
    assert inlet.refused[0][2] == "+491722270333"


def test_what_wsp_refuses_is_told() -> None:
    inlet = Kept()
    mine = receiver(inlet)
    mine.datagram(b"\0", "x")
    mine.tpdu(sms_deliver(segment(b"\0", 0), SENDER, NOON)[0].encode(), 0)
    assert inlet.rules == ["wsp.test", "wsp.test"]


def test_a_bound_of_wsp_is_told_as_a_rule() -> None:
    inlet = Kept()

    def too_large(octets: bytes, source: str) -> Arrival:
        raise LimitExceededError("WSP headers", "wsp_headers", 64, found=f"{len(octets)}, {source}")

    WapReceiver(inlet, too_large, Reassembler(DEFAULT_LIMITS), DEFAULT_LIMITS).datagram(b"x", "y")
    assert inlet.rules == [SmsRule.DATAGRAM_SIZE]
    assert "WSP headers" in str(inlet.refused[0][0])


def test_a_datagram_larger_than_a_push_is_refused() -> None:
    inlet = Kept()
    mine = receiver(inlet, Limits(message_octets=100, wsp_header_octets=50))
    mine.datagram(WSP_HEAD + bytes(157 - len(WSP_HEAD)), "x")
    mine.datagram(WSP_HEAD + bytes(158 - len(WSP_HEAD)), "x")
    assert len(inlet.arrivals) == 1
    assert inlet.rules == [SmsRule.DATAGRAM_SIZE]


def test_an_inlet_without_room_is_not_asked_twice() -> None:
    inlet = Kept(room=False)
    mine = receiver(inlet)
    mine.datagram(WSP_HEAD, "x")
    assert len(inlet.arrivals) == 1
    assert inlet.refused == []


@pytest.mark.parametrize("line", ["", "no hexadecimal", "00" * 500, "0591", "00ZZ"])
def test_a_line_that_is_none_is_refused_without_a_sender(line: str) -> None:
    inlet = Kept()
    receiver(inlet).pdu_line(line, 0)
    assert len(inlet.refused) == 1
    assert inlet.refused[0][2] == "unknown sender"


def test_an_address_of_no_digits_has_a_name_for_people() -> None:
    inlet = Kept()
    mine = receiver(inlet)
    mine.tpdu(bytes.fromhex("4400800004623010210000400D0605040B8423F0") + WSP_HEAD, 0)
    assert [arrival.source for arrival in inlet.arrivals] == ["unknown sender"]


def test_sets_that_waited_too_long_are_told() -> None:
    inlet = Kept()
    mine = receiver(inlet)
    mine.tpdu(sms_deliver(segment(WSP_HEAD + DOCUMENT, 3), SENDER, NOON)[0].encode(), 0)
    mine.expire(DEFAULT_LIMITS.push_set_seconds - 1)
    assert inlet.refused == []
    mine.expire(DEFAULT_LIMITS.push_set_seconds)
    assert inlet.rules == [SmsRule.SET_EXPIRED]
    assert inlet.refused[0][2] == "+491722270333"


def test_sets_that_are_not_whole_when_nothing_comes_any_more_are_told() -> None:
    inlet = Kept()
    mine = receiver(inlet)
    pieces = sms_deliver(segment(WSP_HEAD + DOCUMENT, 3), SENDER, NOON)
    mine.tpdu(pieces[0].encode(), 0)
    mine.tpdu(sms_deliver(segment(WSP_HEAD + DOCUMENT, 4), SUBSCRIBER, NOON)[0].encode(), 0)
    mine.end()
    mine.end()
    assert inlet.rules == [SmsRule.SET_INCOMPLETE] * 2
    assert [source for _, _, source in inlet.refused] == ["+491722270333", "+4915112345678"]


@given(st.binary(max_size=200) | delivers().map(Deliver.encode) | submits().map(lambda submit: submit.encode()))
def test_whatever_comes_ends_in_the_inlet_or_waits(octets: bytes) -> None:
    inlet = Kept()
    mine = receiver(inlet)
    mine.tpdu(octets, 0)
    mine.datagram(octets, "x")
    waiting, _ = mine._reassembler.waiting
    assert len(inlet.arrivals) + len(inlet.refused) + waiting == 2


@given(st.text(max_size=60))
def test_whatever_line_comes_is_refused_or_taken(line: str) -> None:
    inlet = Kept()
    receiver(inlet).pdu_line(line, 0)
    assert len(inlet.arrivals) + len(inlet.refused) == 1


@given(st.lists(delivers() | submits(), max_size=20))
def test_refusals_name_rules_of_the_table(tpdus: list[Tpdu]) -> None:
    inlet = Kept()
    mine = receiver(inlet)
    for tpdu in tpdus:
        mine.tpdu(tpdu.encode(), 0)
    assert set(inlet.rules) <= {*SmsRule, "wsp.test"}


class Counted(Kept):
    """Counts, and keeps nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def take(self, arrival: Arrival) -> bool:
        self.calls += bool(arrival)
        return True

    def refuse(self, error: EnvelopeError, kind: TransportKind, source: str) -> None:
        self.calls += bool(str(error) and kind and source)


def flood(number: int) -> None:
    """Send so many hostile messages, and an honest push in pieces among them; nothing is left behind for each."""
    inlet = Counted()
    received: list[bytes] = []
    reassembler = Reassembler(DEFAULT_LIMITS)
    mine = WapReceiver(inlet, lambda octets, source: honest(octets, source, received), reassembler, DEFAULT_LIMITS)
    pieces = [sms.encode() for sms in sms_deliver(segment(DOCUMENT, 77), SENDER, NOON)]
    blocks: dict[int, int] = {}
    for at, octets in enumerate(hostile_tpdus(number, seed=26)):
        mine.tpdu(octets, at / 1000)
        if at > number // 2 and at % 50 == 0 and pieces:
            mine.tpdu(pieces.pop(), at / 1000)
        if at in {number // 10, number // 2, number - 1}:
            gc.collect()
            blocks[at] = sys.getallocatedblocks()
    # 500 originators take turns: while they open fewer sets than there is room for, the honest one keeps its place.
    assert received == [DOCUMENT]
    assert reassembler.waiting[0] <= DEFAULT_LIMITS.push_sets
    assert reassembler.waiting[1] <= DEFAULT_LIMITS.push_set_octets
    assert inlet.calls > number // 4
    first, *others = blocks.values()
    assert all(abs(count - first) < 5_000 for count in others), f"live blocks of memory: {blocks}"


def honest(octets: bytes, source: str, received: list[bytes]) -> Arrival:
    if octets == DOCUMENT:
        received.append(octets)
    raise EnvelopeError("wsp.test", "WSP push", source)


def test_a_hundred_thousand_hostile_messages_in_flat_memory() -> None:
    flood(100_000)


def test_octets_that_wait_stay_within_twice_their_bound() -> None:
    inlet = Counted()
    mine = receiver(inlet)
    messages = list(hostile_tpdus(10_000, seed=27))
    mine.tpdu(messages[0], 0)
    tracemalloc.start()
    try:
        for octets in messages:
            mine.tpdu(octets, 0)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * DEFAULT_LIMITS.push_set_octets


def test_bombs_of_255_parts_stay_within_twice_their_bound() -> None:
    mine = receiver(Counted())
    bombs = [
        submit.encode()
        for number in range(40)
        for submit in sms_submit(segment(bytes(32_640), number), Address(str(number)))[:-1]
    ]
    tracemalloc.start()
    try:
        for octets in bombs:
            mine.tpdu(octets, 0)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    sets, octets_ = mine._reassembler.waiting
    assert sets == DEFAULT_LIMITS.push_set_octets // (254 * 128)
    assert octets_ <= DEFAULT_LIMITS.push_set_octets
    assert peak < 3 * DEFAULT_LIMITS.push_set_octets


@pytest.mark.slow
def test_a_million_hostile_messages_in_flat_memory() -> None:
    flood(1_000_000)
