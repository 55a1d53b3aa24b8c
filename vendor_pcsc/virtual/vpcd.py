"""The card's side of Debian's `vsmartcard-vpcd`: any card object in a virtual reader of pcscd.

::

    pcscd <-> libifdvpcd.so (listens on a port) <-> serve(card)

Each frame is a length of two octets, most significant first, and that many octets. A frame of one octet from the
reader is a control: 0 power off, 1 power on, 2 reset, 4 get ATR (answered by a frame); other frames are commands
(answered by a frame). Source: frankmorgner/vsmartcard, src/vpcd/vpcd.c.

Guarantees: connects to loopback addresses only, unless told; answers leave in one write; every exit closes the
connection, which takes the card out of the reader. Leaves to its caller: threads and signals.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from enum import StrEnum
from ipaddress import ip_address
from time import monotonic
from typing import TYPE_CHECKING, Final, Protocol

from vendor_pcsc.errors import CardRemovedError, ReaderError

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

VPCD_HOST: Final = "127.0.0.1"
VPCD_PORT: Final = 35963
"""Port of the first virtual reader; the second one listens on the next. Source: Debian, /etc/reader.conf.d/vpcd."""

SLICE_SECONDS: Final = 0.1
"""Seconds of silence from the reader until `stop` is looked at."""

RETRY_SECONDS: Final = 0.1
"""Seconds between two attempts to reach the reader."""

DIAL_SECONDS: Final = 2.0
"""Seconds one attempt to reach the reader may take."""

MAX_FRAME: Final = 0xFFFF
"""Octets of the longest frame; its length has two octets."""

_POWER_OFF: Final = b"\x00"
_POWER_ON: Final = b"\x01"
_RESET: Final = b"\x02"
_GET_ATR: Final = b"\x04"
_TOO_LONG: Final = b"\x67\x00"
"""Status word "wrong length", in place of an answer that no frame can hold."""


class Card(Protocol):
    """What can be put into a virtual reader; `vendor_pcsc.virtual.VirtualCard` is one.

    A card whose methods raise `CardRemovedError` is pulled out at that moment.
    """

    def process(self, apdu: bytes) -> bytes:
        """Return the response APDU to a command APDU."""

    def reset(self) -> bytes:
        """Reset the card and return its ATR."""


class VpcdEvent(StrEnum):
    """What a server tells about its reader; the values are stable names."""

    INSERTED = "inserted"
    """The reader took the card."""
    POWERED = "powered"
    """The reader powered the card up."""
    RESET = "reset"
    """The reader reset the card."""
    LOST = "lost"
    """The reader is gone; it is looked for again."""


def serve(
    card: Card,
    host: str = VPCD_HOST,
    port: int = VPCD_PORT,
    *,
    stop: Event,
    allow_remote: bool = False,
    wait_seconds: float | None = None,
    dial: Callable[[], socket.socket] | None = None,
    on_event: Callable[[VpcdEvent], None] = lambda _: None,
) -> None:
    """Put a card into a virtual reader until `stop` is set, or the card raises `CardRemovedError`.

    Looks for the reader again whenever it goes away, as pcscd does when it is restarted. `stop` is noticed within
    a fraction of a second.

    Args:
        card: what answers; called from this thread only.
        host: where the reader listens; a loopback address.
        port: its TCP port.
        stop: set it to take the card out.
        allow_remote: whether `host` may be another machine: commands and PINs then cross a network in the clear.
        wait_seconds: seconds to wait for the reader the first time; None waits as long as it takes.
        dial: opens the connection in place of host and port; raises OSError when there is no reader.
        on_event: is told what the reader does.

    Raises:
        ReaderError: the address is not a loopback one, or the reader did not appear in time.
    """
    if dial is None:
        if not (allow_remote or _is_loopback(host)):
            raise ReaderError(f"virtual reader at {host}: only loopback addresses, unless remote ones are allowed")
        dial = lambda: socket.create_connection((host, port), timeout=DIAL_SECONDS)
    deadline = None if wait_seconds is None else monotonic() + wait_seconds
    while not stop.is_set():
        try:
            connection = dial()
        except OSError as error:
            if deadline is not None and monotonic() >= deadline:
                raise ReaderError(
                    f"no virtual reader at {host}, port {port}: is pcscd running, with vsmartcard-vpcd installed?"
                ) from error
            stop.wait(RETRY_SECONDS)
            continue
        with connection:
            slot = _Slot(card, connection, on_event)
            try:
                slot.run(stop)
            except CardRemovedError:
                return
            except OSError:
                # The reader is gone in the middle of a frame.
                pass
        if slot.inserted:
            deadline = None
            if not stop.is_set():
                on_event(VpcdEvent.LOST)
        stop.wait(RETRY_SECONDS)


class _Slot:
    """One connection to a reader."""

    def __init__(self, card: Card, connection: socket.socket, on_event: Callable[[VpcdEvent], None]) -> None:
        self.inserted = False
        self._card = card
        self._connection = connection
        self._on_event = on_event
        self._received = bytearray()
        self._atr = card.reset()
        connection.settimeout(SLICE_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def run(self, stop: Event) -> None:
        """Answer frames until `stop` is set or the reader closes the connection."""
        while not stop.is_set():
            frame = self._frame()
            if frame is not None:
                self._take(frame)
                continue
            self._quick_ack()
            try:
                received = self._connection.recv(MAX_FRAME)
            except TimeoutError:
                continue
            # The reader writes the length and the octets apart, and holds the second write back until the first is
            # acknowledged: 40 ms, unless at once. The kernel forgets the wish, so it is repeated at every receive.
            self._quick_ack()
            if not received:
                return
            self._received += received

    def _quick_ack(self) -> None:
        # Linux only, like the packaged driver; slower without.
        with suppress(AttributeError):
            self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    def _frame(self) -> bytes | None:
        if len(self._received) < 2:
            return None
        end = 2 + int.from_bytes(self._received[:2])
        if len(self._received) < end:
            return None
        frame = bytes(self._received[2:end])
        del self._received[:end]
        return frame

    def _take(self, frame: bytes) -> None:
        if not self.inserted:
            self.inserted = True
            self._on_event(VpcdEvent.INSERTED)
        if len(frame) > 1:
            answer = self._card.process(frame)
            self._send(answer if len(answer) <= MAX_FRAME else _TOO_LONG)
        elif frame == _GET_ATR:
            self._send(self._atr)
        elif frame in {_POWER_ON, _RESET}:
            self._atr = self._card.reset()
            self._on_event(VpcdEvent.POWERED if frame == _POWER_ON else VpcdEvent.RESET)
        # Power off needs nothing: what a card keeps without power is what it keeps over a reset.

    def _send(self, octets: bytes) -> None:
        self._connection.sendall(len(octets).to_bytes(2) + octets)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
