"""WSP over UDP: the listener for pushes, and a sender.

Guarantees: one datagram is read at a time, of a bounded size, and so many in a second; others are dropped, which is
told once a second. Nothing is ever sent back. `serve` ends within a second of being asked. Leaves to its
caller: what a datagram holds, and who may reach the port: UDP proves no sender.

Spec: WAP-259-WDP, 6.3 (UDP); WAP-230-WSP, 8.
"""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Final, Protocol, Self

from smartcard_dm.errors import EnvelopeError, PushError
from smartcard_dm.push.rate import PushRate
from smartcard_dm.push.sms_rules import SmsRule

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from smartcard_dm.limits import Limits

LOOPBACK: Final = "127.0.0.1"
PUSH_PORT: Final = 2948
_LONGEST_UDP: Final = 65_535
_LOOK_EVERY: Final = 0.25
"""Seconds between looks at whether to stop."""


class DatagramTaker(Protocol):
    """Whoever takes datagrams, such as `WapReceiver`."""

    def datagram(self, octets: bytes, source: str) -> None:
        """Take one."""

    def refuse(self, error: EnvelopeError, source: str) -> None:
        """Be told of one that was not taken."""


class UdpListener:
    """A bound socket, and the loop that reads it.

    Args:
        taker: takes datagrams, in the thread of `serve`.
        limits: receive_per_second, message_octets, wsp_header_octets.
        host: address or name to listen on.
        port: 0 lets the kernel choose.
        clock: seconds of a clock that is not set.

    Raises:
        PushError: the address cannot be listened on.
    """

    def __init__(
        self,
        taker: DatagramTaker,
        limits: Limits,
        host: str = LOOPBACK,
        port: int = PUSH_PORT,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._taker = taker
        self._clock = clock
        self._longest = min(_LONGEST_UDP, 7 + limits.wsp_header_octets + limits.message_octets)
        self._per_second = limits.receive_per_second
        self._rate = PushRate(limits.receive_per_second)
        self._told: float | None = None
        self.dropped = 0
        """Datagrams over the rate."""
        try:
            family, kind, protocol, _, address = _resolve(host, port)
            self._socket = socket.socket(family, kind, protocol)
        except (OSError, OverflowError, ValueError) as error:
            raise _failed(host, port, error, "choose an address of this machine") from error
        try:
            self._socket.bind(address)
        except OSError as error:
            self._socket.close()
            raise _failed(host, port, error, "choose a free port of this machine, or 0 for any") from error
        self._socket.settimeout(_LOOK_EVERY)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that are listened on."""
        host, port = self._socket.getsockname()[:2]
        return str(host), int(port)

    def serve(self, stop: Event) -> None:
        """Hand datagrams on until asked to stop; run it in a thread of its own."""
        while not stop.is_set():
            try:
                octets, address = self._socket.recvfrom(self._longest + 1)
            except TimeoutError:
                continue
            except OSError:
                # An error of one datagram, such as an ICMP answer, is none of the socket; a closed one ends the loop.
                if self._socket.fileno() < 0:
                    return
                stop.wait(_LOOK_EVERY)
                continue
            self._hand_on(octets, shown_place(*address[:2]))

    def close(self) -> None:
        """Stop listening; may be called twice."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _hand_on(self, octets: bytes, source: str) -> None:
        now = self._clock()
        if not self._rate.take(now):
            self.dropped += 1
            if self._told is None or now - self._told >= 1:
                self._told = now
                self._taker.refuse(
                    EnvelopeError(
                        SmsRule.RATE,
                        "UDP",
                        "too many datagrams; some are dropped",
                        wanted=f"at most {self._per_second} in one second",
                    ),
                    source,
                )
        elif len(octets) > self._longest:
            self._taker.refuse(
                EnvelopeError(
                    SmsRule.DATAGRAM_SIZE, "UDP", "datagram too long", wanted=f"at most {self._longest} octets"
                ),
                source,
            )
        else:
            self._taker.datagram(octets, source)


def send_udp(octets: bytes, host: str, port: int = PUSH_PORT) -> None:
    """Send one datagram; nobody answers, so that it came is never known.

    Raises:
        PushError: it could not be sent: no such host, no way there, or more octets than UDP carries.
    """
    try:
        family, kind, protocol, _, address = _resolve(host, port)
        with socket.socket(family, kind, protocol) as sender:
            sender.sendto(octets, address)
    except (OSError, OverflowError, ValueError) as error:
        raise _failed(host, port, error, "check host and port; one datagram carries at most 65,507 octets") from error


def _resolve(host: str, port: int) -> tuple[int, int, int, str, tuple[object, ...]]:
    if not 0 <= port <= 0xFFFF:
        raise OverflowError("a port is 0 to 65,535")  # getaddrinfo takes the lowest 16 bits of any number
    return socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]


def shown_place(host: object, port: object) -> str:
    """Return a place for people: host and port, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"


def _failed(host: str, port: int, error: Exception, advice: str) -> PushError:
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return PushError(f"udp {shown_place(host, port)}", reason, advice)
