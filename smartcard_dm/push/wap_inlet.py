"""WAP pushes from short messages and datagrams to the receiver's inlet.

Guarantees: whatever comes ends as one call of the inlet, in a set that waits, or in a counter; nothing is raised. Ports
are looked at before a part is kept. May be called from several threads. Leaves to its caller: reading WSP
(`open_push`), a clock, and calling `expire` now and then.

Spec: WAP-259-WDP; OMA-TS-DM_Notification 6.3.1 (port 2948).
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Final

from smartcard_dm.errors import EnvelopeError, LimitExceededError
from smartcard_dm.push.sms_pdu import parse_pdu_line
from smartcard_dm.push.sms_rules import SmsRule
from smartcard_dm.push.sms_tpdu import Deliver, parse_tpdu, push_data
from smartcard_dm.trust.transport import TransportKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from smartcard_dm.limits import Limits
    from smartcard_dm.push.arrival import Arrival, Inlet
    from smartcard_dm.push.reassembly import Reassembler
    from smartcard_dm.push.udh import Ports

PUSH_PORT: Final = 2948
"""Connectionless push to a client."""
SESSION_PORT: Final = 9200
"""Connectionless WSP: some senders address pushes to it."""
WTLS_PORTS: Final = frozenset((2949, 9202, 9203))
"""The same under WTLS, which nothing here speaks."""
UNKNOWN_SENDER: Final = "unknown sender"


class WapReceiver:
    """Takes what a modem, a network or a UDP socket hands over.

    Args:
        inlet: where documents and refusals go.
        open_push: reads a WSP push and its SEC and MAC; raises `EnvelopeError` or `LimitExceededError`.
        reassembler: of this receiver alone.
        limits: message_octets, wsp_header_octets.
    """

    def __init__(
        self, inlet: Inlet, open_push: Callable[[bytes, str], Arrival], reassembler: Reassembler, limits: Limits
    ) -> None:
        self._inlet = inlet
        self._open_push = open_push
        self._reassembler = reassembler
        self._lock = Lock()
        # TID, PDU type and five octets of length stand before the headers.
        self._longest: Final = 7 + limits.wsp_header_octets + limits.message_octets

    def pdu_line(
        self, text: str, at: float, *, with_service_centre: bool = True, unknown: str = UNKNOWN_SENDER
    ) -> None:
        """Take one short message as a modem shows it.

        Args:
            text: hexadecimal.
            at: seconds of a clock that is not set, such as `time.monotonic`.
            with_service_centre: whether a service centre stands in front.
            unknown: what stands for the sender of a line that names none, such as where the line stands.
        """
        try:
            octets = parse_pdu_line(text, with_service_centre=with_service_centre).tpdu
        except EnvelopeError as error:
            self.refuse(error, unknown)
        else:
            self.tpdu(octets, at, unknown=unknown)

    def tpdu(self, octets: bytes, at: float, *, unknown: str = UNKNOWN_SENDER) -> None:
        """Take an SMS-DELIVER, or an SMS-SUBMIT as the network would deliver it, as if its destination had sent it.

        Args:
            octets: the TPDU.
            at: as for `pdu_line`.
            unknown: as for `pdu_line`.
        """
        source = unknown
        try:
            tpdu = parse_tpdu(octets)
            address = tpdu.originator if isinstance(tpdu, Deliver) else tpdu.destination
            source = str(address) or unknown
            part = push_data(tpdu)
            check_ports(part.header.ports if part.header else None)
            with self._lock:
                datagram = self._reassembler.add(part, address, at)
        except EnvelopeError as error:
            self.refuse(error, source)
        else:
            if datagram is not None:
                self.datagram(datagram.octets, source)
        self._tell_lost()

    def datagram(self, octets: bytes, source: str) -> None:
        """Take a WSP push, such as it comes over UDP.

        Args:
            octets: the whole datagram.
            source: its sender, for people.
        """
        try:
            self._check_length(octets)
            arrival = self._open_push(octets, source)
        except EnvelopeError as error:
            self.refuse(error, source)
        except LimitExceededError as error:
            detail = f"{error.structure}: {error.detail}"
            self.refuse(
                EnvelopeError(
                    SmsRule.DATAGRAM_SIZE,
                    "datagram",
                    detail,
                    offset=error.offset,
                    wanted=error.wanted,
                    found=error.found,
                ),
                source,
            )
        else:
            # One for which there is no room is counted by the inlet itself.
            self._inlet.take(arrival)

    def refuse(self, error: EnvelopeError, source: str) -> None:
        """Tell the inlet of what is no push."""
        self._inlet.refuse(error, TransportKind.WAP, source)

    def expire(self, at: float) -> None:
        """Drop parts that have waited too long, and tell the inlet of them.

        Args:
            at: as for `pdu_line`.
        """
        with self._lock:
            self._reassembler.expire(at)
        self._tell_lost()

    def end(self) -> None:
        """Tell the inlet of every set that is not whole; nothing comes any more."""
        with self._lock:
            self._reassembler.end()
        self._tell_lost()

    def _check_length(self, octets: bytes) -> None:
        if len(octets) > self._longest:
            raise EnvelopeError(
                SmsRule.DATAGRAM_SIZE,
                "datagram",
                "too long",
                wanted=f"at most {self._longest} octets",
                found=str(len(octets)),
            )

    def _tell_lost(self) -> None:
        with self._lock:
            lost = self._reassembler.take_lost()
        for error, originator in lost:
            self.refuse(error, str(originator) or UNKNOWN_SENDER)


def check_ports(ports: Ports | None) -> None:
    """Pass when a datagram is addressed to where pushes are listened for.

    Raises:
        EnvelopeError: no ports, ports of 8 bit, one of WTLS, or one of another application.
    """
    if ports is None:
        raise EnvelopeError(
            SmsRule.NO_PORTS, "user data header", "no ports: a message for people", wanted="destination 2948"
        )
    if not ports.wide:
        raise EnvelopeError(
            SmsRule.PORT_WIDTH,
            "user data header",
            "ports of 8 bit",
            wanted="destination 2948, in element 05",
            found=str(ports.destination),
        )
    if ports.destination in WTLS_PORTS:
        raise EnvelopeError(
            SmsRule.PORT_WTLS,
            "user data header",
            "a port of WTLS, which is not spoken here",
            wanted="destination 2948",
            found=str(ports.destination),
        )
    if ports.destination not in {PUSH_PORT, SESSION_PORT}:
        raise EnvelopeError(
            SmsRule.PORT,
            "user data header",
            "a port of another application",
            wanted="destination 2948 or 9200",
            found=str(ports.destination),
        )
