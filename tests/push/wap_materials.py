"""An inlet that keeps what it is given, and an opener that knows one form of push."""

from __future__ import annotations

from smartcard_dm.errors import EnvelopeError
from smartcard_dm.limits import DEFAULT_LIMITS, Limits
from smartcard_dm.push.arrival import DM_WBXML, Arrival
from smartcard_dm.push.reassembly import Reassembler
from smartcard_dm.push.wap_inlet import WapReceiver
from smartcard_dm.trust.transport import Transport, TransportKind
from tests.push.sms_materials import WSP_HEAD


class Kept:
    """An inlet."""

    def __init__(self, *, room: bool = True) -> None:
        self.arrivals: list[Arrival] = []
        self.refused: list[tuple[EnvelopeError, TransportKind, str]] = []
        self.room = room

    def take(self, arrival: Arrival) -> bool:
        self.arrivals.append(arrival)
        return self.room

    def refuse(self, error: EnvelopeError, kind: TransportKind, source: str) -> None:
        self.refused.append((error, kind, source))

    @property
    def rules(self) -> list[str]:
        return [error.rule for error, _, _ in self.refused]


def open_push(octets: bytes, source: str) -> Arrival:
    """Open a push with the shortest headers; what the real one does has tests of its own."""
    if not octets.startswith(WSP_HEAD):
        raise EnvelopeError("wsp.test", "WSP push", "not the one form of this test")
    return Arrival(octets[len(WSP_HEAD) :], DM_WBXML, Transport.proved(TransportKind.WAP, "a test"), source)


def receiver(inlet: Kept, limits: Limits = DEFAULT_LIMITS) -> WapReceiver:
    return WapReceiver(inlet, open_push, Reassembler(limits), limits)
