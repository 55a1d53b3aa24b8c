"""Kannel carries pushes end to end: cut here and cut there, in and out, as short messages and over UDP."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Final

import pytest

from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.push.arrival import CP_WBXML, DM_WBXML, Arrival
from smartcard_dm.push.mac_checker import MacChecker
from smartcard_dm.push.reassembly import Reassembler
from smartcard_dm.push.sec_mac import MacKeys, SecMethod
from smartcard_dm.push.segmentation import PUSH_PORTS, segment, sms_deliver
from smartcard_dm.push.sms_address import Address
from smartcard_dm.push.sms_pdu import Pdu
from smartcard_dm.push.sms_tpdu import Deliver
from smartcard_dm.push.sms_user_data import UserData
from smartcard_dm.push.udh import UserDataHeader, split_user_data
from smartcard_dm.push.wap_inlet import WapReceiver
from smartcard_dm.push.wap_push import compose_wap_push, open_wap_push
from smartcard_dm.push.wap_udp import UdpListener
from smartcard_dm.push.wsp import parse_wsp_push
from smartcard_dm.rules import Rule
from smartcard_dm.secret import Secret
from smartcard_dm.trust.transport import Transport, TransportKind
from tests.push.kannel import FROM, TO, Kannel, own_loopback, wait_for
from tests.push.sms_materials import NOON, WSP_HEAD
from tests.push.wap_materials import Kept, receiver

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MESSAGE: Final = Path("fixtures/messages/signed.wbxml").read_bytes()
EVERY_OCTET: Final = bytes(range(256)) * 3
PUSH_HEADERS: Final = {"Content-Type": DM_WBXML, "X-Wap-Application-Id": "x-wap-application:syncml.dm"}


@contextmanager
def kannel(folder: Path, *, combine: bool = False, wap: bool = False) -> Iterator[Kannel]:
    with Kannel(folder, combine=combine, wap=wap) as running:
        yield running


def take_all(parts: Iterable[UserData]) -> list[Arrival]:
    """Give messages to a receiver as a network would, and as a modem would show them."""
    inlet = Kept()
    mine = receiver(inlet)
    for part in parts:
        mine.pdu_line(Pdu(Deliver(Address(FROM), NOON, part).encode(), Address(TO)).line(), 0)
    assert inlet.refused == []
    return inlet.arrivals


def open_any(octets: bytes, source: str) -> Arrival:
    """Open a push as Kannel's gateway makes it, whose security is not the point here."""
    push = parse_wsp_push(octets)
    return Arrival(push.body, DM_WBXML, Transport.proved(TransportKind.WAP, "a test"), source)


@pytest.mark.parametrize("wide", [False, True])
def test_parts_that_we_cut_arrive_as_they_were(tmp_path: Path, *, wide: bool) -> None:
    parts = segment(WSP_HEAD + MESSAGE, 0x1234 if wide else 0x12, wide=wide)
    with kannel(tmp_path) as running:
        for part in parts:
            assert part.header is not None
            running.send(part.header.octets, part.data)
        received = running.received(len(parts))
    assert sorted(received, key=str) == sorted(parts, key=str)
    assert [arrival.octets for arrival in take_all(received)] == [MESSAGE]


def test_what_kannel_cuts_we_put_together(tmp_path: Path) -> None:
    with kannel(tmp_path) as running:
        for document in (EVERY_OCTET, MESSAGE):
            running.send(UserDataHeader.of(PUSH_PORTS).octets, WSP_HEAD + document)
        received = running.received(
            len(segment(WSP_HEAD + EVERY_OCTET, 0)) + len(segment(WSP_HEAD + MESSAGE, 0)),
        )
    assert all(part.header and part.header.concatenation and part.header.ports == PUSH_PORTS for part in received)
    assert [arrival.octets for arrival in take_all(received)] == [EVERY_OCTET, MESSAGE]


def test_what_we_send_to_kannel_in_parts_it_hands_on_part_by_part(tmp_path: Path) -> None:
    parts = segment(WSP_HEAD + EVERY_OCTET, 7)
    with kannel(tmp_path) as running:
        for part in parts:
            assert part.header is not None
            running.say(part.header.octets, part.data)
        wait_for(lambda: len(running.posted) == len(parts), "the posting of parts")
        posted = [UserData(each.body, split_user_data(each.header)[0]) for each in running.posted]
        assert {each.sender for each in running.posted} == {FROM}
    assert sorted(posted, key=str) == sorted(parts, key=str)
    assert [arrival.octets for arrival in take_all(posted)] == [EVERY_OCTET]


def test_what_we_cut_kannel_puts_together(tmp_path: Path) -> None:
    parts = segment(WSP_HEAD + EVERY_OCTET, 7)
    with kannel(tmp_path, combine=True) as running:
        for part in (*parts[1:], parts[0]):
            assert part.header is not None
            running.say(part.header.octets, part.data)
        wait_for(lambda: running.posted, "the posting of a message")
        (posted,) = running.posted
    assert posted.body == WSP_HEAD + EVERY_OCTET


def test_a_push_proved_by_an_imsi_is_still_proved_behind_kannel(tmp_path: Path) -> None:
    keys = MacKeys.from_imsi(Secret(b"262011234567890"))
    push = compose_wap_push(MESSAGE, method=SecMethod.NETWPIN, keys=keys, transaction_id=9)
    with kannel(tmp_path) as running:
        running.send(UserDataHeader.of(PUSH_PORTS).octets, push)
        received = running.received(len(segment(push, 0)))
    arrival = opened(received, MacChecker(keys))
    assert (arrival.octets, arrival.content_type) == (MESSAGE, DM_WBXML)
    assert arrival.transport.secured
    another = MacChecker(MacKeys.from_imsi(Secret(b"262011234567891")))
    assert opened(received, another).transport.rule is Rule.WAP_MAC_WRONG


def test_settings_that_kannel_proves_with_a_pin_are_proved_here(tmp_path: Path) -> None:
    document = (
        '<?xml version="1.0"?><!DOCTYPE wap-provisioningdoc PUBLIC "-//WAPFORUM//DTD PROV 1.0//EN"'
        ' "http://www.wapforum.org/DTD/prov.dtd"><wap-provisioningdoc version="1.1"><characteristic'
        ' type="APPLICATION"><parm name="APPID" value="w7"/></characteristic></wap-provisioningdoc>'
    )
    with kannel(tmp_path) as running:
        running.send_settings(document, "userpin", "1234")
        (first,) = running.received(1)
        # The right MAC of a PIN, said to be that of a network: Kannel takes its key as it is given.
        running.send_settings(document, "netwpin", "1234")
        second = running.received(2)[1]
    keys = MacKeys.from_imsi(Secret(b"262011234567890"), user_pin=Secret(b"1234"))
    arrival = opened([first], MacChecker(keys))
    assert arrival.content_type == CP_WBXML
    assert arrival.transport.secured
    assert arrival.octets.startswith(b"\x03\x0b")  # WBXML 1.3, PROV 1.0
    assert opened([first], MacChecker(MacKeys(user_pin=Secret(b"1235")))).transport.rule is Rule.WAP_MAC_WRONG
    assert opened([second], MacChecker(keys)).transport.rule is Rule.WAP_MAC_WRONG


def opened(parts: Iterable[UserData], checker: MacChecker) -> Arrival:
    """Give messages to a receiver that checks SEC and MAC."""
    inlet = Kept()
    mine = WapReceiver(
        inlet,
        lambda octets, source: open_wap_push(octets, checker, source, DEFAULT_LIMITS),
        Reassembler(DEFAULT_LIMITS),
        DEFAULT_LIMITS,
    )
    for part in parts:
        mine.tpdu(Deliver(Address(FROM), NOON, part).encode(), 0)
    assert inlet.refused == []
    (arrival,) = inlet.arrivals
    return arrival


def test_the_gateway_of_kannel_pushes_in_short_messages(tmp_path: Path) -> None:
    inlet = Kept()
    mine = WapReceiver(inlet, open_any, Reassembler(DEFAULT_LIMITS), DEFAULT_LIMITS)
    with kannel(tmp_path, wap=True) as running:
        # Its gateway sends ten short messages at most, and drops the rest of a longer push: this one needs seven.
        running.push(f"+{TO}/TYPE=PLMN", "SMS", EVERY_OCTET, PUSH_HEADERS)
        (first, *_) = running.received(1)
        assert first.header is not None
        assert first.header.concatenation is not None
        received = running.received(first.header.concatenation.total)
    for deliver in sms_deliver(tuple(received), Address(FROM), NOON):
        mine.tpdu(deliver.encode(), 0)
    assert inlet.refused == []
    assert [arrival.octets for arrival in inlet.arrivals] == [EVERY_OCTET]


def test_the_gateway_of_kannel_pushes_over_udp(tmp_path: Path) -> None:
    inlet = Kept()
    mine = WapReceiver(inlet, open_any, Reassembler(DEFAULT_LIMITS), DEFAULT_LIMITS)
    stop = Event()
    with kannel(tmp_path, wap=True) as running, UdpListener(mine, DEFAULT_LIMITS, own_loopback(2)) as listener:
        thread = Thread(target=listener.serve, args=(stop,))
        thread.start()
        try:
            running.push(f"{own_loopback(2)}/TYPE=IPv4", "CSD", MESSAGE, PUSH_HEADERS)
            wait_for(lambda: inlet.arrivals or inlet.refused, "a datagram")
        finally:
            stop.set()
            thread.join(5)
    assert inlet.refused == []
    assert [arrival.octets for arrival in inlet.arrivals] == [MESSAGE]
    assert inlet.arrivals[0].source == f"{own_loopback(1)}:9200"
