from __future__ import annotations

import socket
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.errors import PushError
from smartcard_dm.limits import DEFAULT_LIMITS, Limits
from smartcard_dm.push.sms_rules import SmsRule
from smartcard_dm.push.wap_udp import UdpListener, send_udp
from tests.push.sms_materials import WSP_HEAD
from tests.push.wap_materials import Kept, receiver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def listening(
    inlet: Kept, limits: Limits = DEFAULT_LIMITS, host: str = "127.0.0.1", clock: Callable[[], float] = monotonic
) -> Iterator[UdpListener]:
    stop = Event()
    with UdpListener(receiver(inlet, limits), limits, host, 0, clock=clock) as listener:
        thread = Thread(target=listener.serve, args=(stop,))
        thread.start()
        try:
            yield listener
        finally:
            stop.set()
            thread.join(5)
            assert not thread.is_alive()


def wait_for(condition: Callable[[], object]) -> None:
    end = monotonic() + 5
    while not condition():
        assert monotonic() < end, "nothing came"
        sleep(0.005)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_datagrams_come_through(host: str) -> None:
    inlet = Kept()
    with listening(inlet, host=host) as listener:
        send_udp(WSP_HEAD + b"document", *listener.address)
        send_udp(b"nonsense", *listener.address)
        wait_for(lambda: inlet.arrivals and inlet.refused)
    assert [arrival.octets for arrival in inlet.arrivals] == [b"document"]
    assert inlet.rules == ["wsp.test"]
    source = inlet.arrivals[0].source
    assert source.startswith("[::1]:" if host == "::1" else "127.0.0.1:")


def test_nothing_is_ever_answered() -> None:
    inlet = Kept()
    with listening(inlet) as listener, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.settimeout(0.3)
        for octets in (WSP_HEAD, b"", b"x" * 1000):
            sender.sendto(octets, listener.address)
        wait_for(lambda: len(inlet.refused) == 2)
        with pytest.raises(TimeoutError):
            sender.recvfrom(100)


def test_it_stops_within_a_second() -> None:
    stop = Event()
    with UdpListener(receiver(Kept()), DEFAULT_LIMITS, port=0) as listener:
        thread = Thread(target=listener.serve, args=(stop,))
        thread.start()
        sleep(0.05)
        begun = monotonic()
        stop.set()
        thread.join(5)
        assert monotonic() - begun < 1
        assert not thread.is_alive()


def test_it_stops_in_the_middle_of_a_flood() -> None:
    inlet = Kept()
    with listening(inlet, Limits(receive_per_second=50)) as listener:
        begun = monotonic()
        while monotonic() - begun < 0.3:
            send_udp(b"flood", *listener.address)
    assert monotonic() - begun < 1.5


def test_a_closed_listener_ends_its_loop() -> None:
    listener = UdpListener(receiver(Kept()), DEFAULT_LIMITS, port=0)
    thread = Thread(target=listener.serve, args=(Event(),))
    thread.start()
    listener.close()
    listener.close()
    thread.join(5)
    assert not thread.is_alive()


def test_an_error_of_one_datagram_is_none_of_the_socket() -> None:
    inlet = Kept()
    stop = Event()
    with UdpListener(receiver(inlet), DEFAULT_LIMITS, port=0) as listener, listener._socket as real:
        listener._socket = Faulty(real, stop)  # type: ignore[assignment] # the three methods that are used
        listener.serve(stop)
    assert [arrival.octets for arrival in inlet.arrivals] == [b"after"]


class Faulty:
    """A socket that fails, gives a datagram, and asks for the end."""

    def __init__(self, real: socket.socket, stop: Event) -> None:
        self.real = real
        self.stop = stop
        self.calls = 0

    def recvfrom(self, size: int) -> tuple[bytes, tuple[str, int]]:
        self.calls += 1
        if self.calls == 1:
            raise ConnectionRefusedError(size)
        self.stop.set()
        return WSP_HEAD + b"after", ("127.0.0.1", 9200)

    def fileno(self) -> int:
        return self.real.fileno()

    def close(self) -> None:
        self.real.close()


def test_over_the_rate_datagrams_are_dropped_and_that_is_told_once_a_second() -> None:
    inlet = Kept()
    now = [0.0]
    with listening(inlet, Limits(receive_per_second=10), clock=lambda: now[0]) as listener:
        for _ in range(30):
            send_udp(WSP_HEAD, *listener.address)
        wait_for(lambda: len(inlet.arrivals) + listener.dropped == 30)
        assert len(inlet.arrivals) == 10
        assert inlet.rules == [SmsRule.RATE]
        now[0] = 1.0
        for _ in range(30):
            send_udp(WSP_HEAD, *listener.address)
        wait_for(lambda: len(inlet.arrivals) + listener.dropped == 60)
        assert len(inlet.arrivals) == 20
        assert inlet.rules == [SmsRule.RATE, SmsRule.RATE]


def test_a_datagram_larger_than_a_push_is_cut_by_the_kernel_and_refused() -> None:
    inlet = Kept()
    with listening(inlet, Limits(message_octets=100, wsp_header_octets=50)) as listener:
        for size in (157, 158, 60_000):
            send_udp(WSP_HEAD.ljust(size, b"x"), *listener.address)
        wait_for(lambda: len(inlet.arrivals) + len(inlet.refused) == 3)
    assert len(inlet.arrivals) == 1
    assert inlet.rules == [SmsRule.DATAGRAM_SIZE] * 2


@pytest.mark.parametrize(
    ("host", "port"),
    [("192.0.2.1", 0), ("a\0b", 0), ("127.0.0.1", 70_000), ("a" * 70, 0), ("127.0.0.1", -1)],
)
def test_an_address_that_cannot_be_listened_on(host: str, port: int) -> None:
    with pytest.raises(PushError) as caught:
        UdpListener(receiver(Kept()), DEFAULT_LIMITS, host, port)
    assert caught.value.advice


def test_a_port_that_is_taken() -> None:
    mine = receiver(Kept())
    with UdpListener(mine, DEFAULT_LIMITS, port=0) as first, pytest.raises(PushError, match="in use"):
        UdpListener(mine, DEFAULT_LIMITS, *first.address)


def test_what_cannot_be_sent() -> None:
    with UdpListener(receiver(Kept()), DEFAULT_LIMITS, port=0) as listener:
        with pytest.raises(PushError, match="too long"):
            send_udp(bytes(65_508), *listener.address)
        with pytest.raises(PushError):
            send_udp(b"x", "a\0b", 2948)
        with pytest.raises(PushError):
            send_udp(b"x", "127.0.0.1", 70_000)
