"""Both ends of a SIP push in one process, and the octets of requests by hand."""

from __future__ import annotations

import socket
import ssl
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import TYPE_CHECKING, Final

from smartcard_dm.limits import DEFAULT_LIMITS, Limits
from smartcard_dm.push.arrival import DM_WBXML
from smartcard_dm.push.listening import listen_tcp
from smartcard_dm.push.sip_reader import SipReader
from smartcard_dm.push.sip_server import SipListener, serve_sip
from smartcard_dm.push.sip_uri import parse_sip_uri

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from smartcard_dm.errors import EnvelopeError
    from smartcard_dm.push.arrival import Arrival
    from smartcard_dm.push.sip_message import SipResponse
    from smartcard_dm.push.sip_user_agent import Peer
    from smartcard_dm.trust.transport import TransportKind

DOCUMENT: Final = bytes(range(256)) * 4 + b"\r\n\r\nMESSAGE"
"""Every octet, and what a reader could take for the end of something."""
SERVER: Final = parse_sip_uri("sip:dms@example.com")
PATIENCE: Final = 20.0
"""Seconds after which something that has to happen counts as never happening."""


@dataclass
class Inlet:
    """Takes everything, or nothing, and remembers it."""

    room: bool = True
    arrivals: list[Arrival] = field(default_factory=list)
    refusals: list[EnvelopeError] = field(default_factory=list)
    changed: Event = field(default_factory=Event)

    def take(self, arrival: Arrival) -> bool:
        if self.room:
            self.arrivals.append(arrival)
        self.changed.set()
        return self.room

    def refuse(self, error: EnvelopeError, kind: TransportKind, source: str) -> None:
        assert kind.value == "sip"
        assert source
        self.refusals.append(error)
        self.changed.set()

    @property
    def rules(self) -> list[str]:
        """The rules of what was refused."""
        return [error.rule for error in self.refusals]

    def wait_for(self, fulfilled: Callable[[], bool]) -> None:
        """Wait until something holds."""
        for _ in range(int(PATIENCE / 0.05)):
            if fulfilled():
                return
            self.changed.wait(0.05)
            self.changed.clear()
        assert fulfilled(), (self.arrivals, self.refusals)


@dataclass
class Running:
    """A listener."""

    port: int
    inlet: Inlet
    tls: bool

    def connect(self, context: ssl.SSLContext | None = None) -> socket.socket:
        """Return a connection, over TLS where a context is given."""
        wire = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        return wire if context is None else context.wrap_socket(wire, server_hostname="127.0.0.1")

    def say(self, octets: bytes, context: ssl.SSLContext | None = None) -> list[SipResponse]:
        """Send octets, end the sending, and return all that is answered."""
        with self.connect(context) as wire:
            wire.sendall(octets)
            if context is None:
                wire.shutdown(socket.SHUT_WR)
            else:
                return [read_response(wire)]
            return responses(read_all(wire))


@contextmanager
def listening(
    tls: ssl.SSLContext | None = None, limits: Limits = DEFAULT_LIMITS, inlet: Inlet | None = None
) -> Iterator[Running]:
    """Give a listener that runs in a thread, and end it."""
    inlet = inlet or Inlet()
    stop, ready = Event(), Event()
    addresses: list[Peer] = []
    failed: list[BaseException] = []

    def tell(address: Peer) -> None:
        addresses.append(address)
        ready.set()

    def run() -> None:
        settings = SipListener(tls=tls, tag_key=b"a test", limits=limits)
        try:
            with listen_tcp("127.0.0.1", 0) as bound:
                serve_sip(settings, bound, inlet, stop, tell)
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
            failed.append(error)
            ready.set()

    thread = Thread(target=run, name="sip listener")
    thread.start()
    try:
        assert ready.wait(PATIENCE)
        assert not failed, failed
        yield Running(addresses[0].port, inlet, tls is not None)
    finally:
        stop.set()
        thread.join(PATIENCE)
        assert not thread.is_alive()
        assert not failed, failed


def request(
    method: str = "MESSAGE",
    body: bytes = DOCUMENT,
    *,
    more: str = "",
    branch: str = "z9hG4bK1",
    without: str = "",
    uri: str = "sip:device@127.0.0.1",
    **fields: str,
) -> bytes:
    """Return a request by hand, with fields changed, left out or added."""
    lines = {
        "Via": f"SIP/2.0/TCP 127.0.0.1:5060;branch={branch};rport",
        "Max-Forwards": "70",
        "From": "<sip:dms@example.com>;tag=a1",
        "To": "<sip:device@127.0.0.1>",
        "Call-ID": "c1@127.0.0.1",
        "CSeq": f"1 {method}",
        "Content-Type": DM_WBXML,
        "Content-Length": str(len(body)),
    }
    lines.update({name.replace("_", "-"): value for name, value in fields.items()})
    lines.pop(without, None)
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {uri} SIP/2.0\r\n{head}{more}\r\n".encode() + body


def responses(octets: bytes) -> list[SipResponse]:
    """Return the responses that octets are, and nothing but those."""
    reader = SipReader(DEFAULT_LIMITS)
    found = [event for event in reader.feed(octets) if type(event).__name__ == "SipResponse"]
    assert not reader.midway
    return found  # type: ignore[return-value] # as their name says


def read_response(wire: socket.socket) -> SipResponse:
    """Return the next response on a connection."""
    reader = SipReader(DEFAULT_LIMITS)
    while True:
        octets = wire.recv(65536)
        assert octets, "closed without an answer"
        for event in reader.feed(octets):
            assert type(event).__name__ == "SipResponse", event
            return event  # type: ignore[return-value] # same


def read_all(wire: socket.socket) -> bytes:
    """Return what comes until the other end closes."""
    octets = b""
    try:
        while more := wire.recv(65536):
            octets += more
    except (ConnectionResetError, ssl.SSLError):  # given up, not closed
        pass
    return octets
