"""Documents for a receiver, judges that do as they are told, and receivers around them."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING

from smartcard_dm.dm import Characteristic, Parm, ProvisioningDocument, build_provisioning_document
from smartcard_dm.errors import EnvelopeError
from smartcard_dm.limits import Limits
from smartcard_dm.push.arrival import CP_WBXML, DM_WBXML, Arrival
from smartcard_dm.receive.audit import Audits
from smartcard_dm.receive.judges import unjudged_outcome
from smartcard_dm.receive.outcome import Outcome, Verdict
from smartcard_dm.receive.receiver import Receiver
from smartcard_dm.trust.transport import Transport, TransportKind
from smartcard_dm.wbxml import from_xml
from tests.materials import NOW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from smartcard_dm.receive.audit import Audit

PROVED = Transport.proved(TransportKind.WAP, "SEC NETWPIN")
_SOURCES = count(1)
SECONDS = 20.0
"""A wait that a test never reaches."""


def arrival(octets: bytes = b"document", *, transport: Transport = PROVED, source: str | None = None) -> Arrival:
    """Return a DM message as a listener hands it on."""
    return Arrival(octets, DM_WBXML, transport, source or f"+49{next(_SOURCES)}")


def provisioning(octets: bytes, *, transport: Transport = PROVED) -> Arrival:
    """Return a client provisioning document as a listener hands it on."""
    return Arrival(octets, CP_WBXML, transport, "+49171")


def provisioning_octets(server_id: str) -> bytes:
    """Return a client provisioning document with an account and an access point, as WBXML."""
    application = Characteristic(
        "APPLICATION",
        (Parm("APPID", "w7"), Parm("PROVIDER-ID", server_id)),
        (
            Characteristic("APPADDR", (Parm("ADDR", "https://dms.example.com/dm"),)),
            Characteristic(
                "APPAUTH",
                (Parm("AAUTHLEVEL", "CLIENT"), Parm("AAUTHTYPE", "HMAC"), Parm("AAUTHSECRET", "never shown")),
            ),
        ),
    )
    point = Characteristic("NAPDEF", (Parm("NAPID", "internet"), Parm("NAME", "Internet")))
    return from_xml(build_provisioning_document(ProvisioningDocument("1.0", (application, point))))


def envelope(detail: str = "a part without a place") -> EnvelopeError:
    """Return what a listener says of an envelope."""
    return EnvelopeError("sms.part-number", "concatenated short message", detail)


class Told:
    """Judges as it is told, and can be held."""

    def __init__(self, *, held: bool = False) -> None:
        self.judged: list[bytes] = []
        self.raising: dict[bytes, Exception] = {}
        self.at_work = threading.Event()
        self._go = threading.Event()
        if not held:
            self._go.set()

    def release(self) -> None:
        """Let it judge."""
        self._go.set()

    def judge(self, arrival: Arrival, at: datetime) -> Outcome:
        """Authorize, or raise what was asked for."""
        self.at_work.set()
        assert self._go.wait(SECONDS)
        self.judged.append(arrival.octets)
        if arrival.octets in self.raising:
            raise self.raising[arrival.octets]
        return unjudged_outcome(arrival, at, Verdict.AUTHORIZED, "as told")


class Rows:
    """An audit in memory."""

    def __init__(self, group: int = 1) -> None:
        self.group = group
        self.noted: list[Outcome] = []
        self.settled = 0
        self.raising: dict[int, Exception] = {}

    def note(self, outcome: Outcome) -> None:
        """Take note."""
        if len(self.noted) in self.raising:
            raise self.raising[len(self.noted)]
        self.noted.append(outcome)

    def settle(self) -> None:
        """Count what is on the disk."""
        self.settled = len(self.noted)


@contextmanager
def receiving(
    judge: Told,
    audit: Audit | None = None,
    *,
    places: int = 256,
    tell: Callable[[Outcome], None] | None = None,
    on_end: Callable[[], None] | None = None,
    at_most: int | None = None,
) -> Iterator[tuple[Receiver, list[Outcome]]]:
    """Give a receiver at work and what it tells; it is drained at the end."""
    told: list[Outcome] = []
    receiver = Receiver(
        judge,
        audit or Audits(()),
        tell or told.append,
        lambda: NOW,
        on_end=on_end,
        at_most=at_most,
        limits=Limits(receive_waiting=places),
    )
    with receiver:
        try:
            yield receiver, told
        finally:
            judge.release()
