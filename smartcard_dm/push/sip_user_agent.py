"""What a receiver of SIP pushes answers: the core of a user agent server, without a socket.

A MESSAGE that holds a document is answered 200 as soon as the inlet took it, and never later or otherwise for what is
in it: the verdict is not for the sender. 503 says that there was no room. Other methods, extensions and contents get
the answers of RFC 3261, 8.2; what is malformed gets 400 where enough of it can be read to answer at all.

Guarantees: every request gives at most one document, one refusal and one response; no answer has a body. Leaves to its
caller: the stream, the clock, and what proved the security of the connection.
Spec: RFC 3261, 8.2, 9.2, 11.2 and 17.2.3; RFC 3428, clause 7; OMA-TS-DM_Sessionless 5.3.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from smartcard_dm.errors import EnvelopeError
from smartcard_dm.push.arrival import CP_WBXML, DM_WBXML, Arrival
from smartcard_dm.push.rate import PushRate
from smartcard_dm.push.shown import shown
from smartcard_dm.push.sip_headers import (
    DM_APPLICATION,
    Core,
    applications_asked_for,
    read_core,
    read_media_type,
    read_tag,
    read_tokens,
    read_via,
    single,
    via_values,
)
from smartcard_dm.push.sip_message import SipHeader, SipRequest, SipResponse, build
from smartcard_dm.push.sip_rules import SipRule
from smartcard_dm.push.sip_transactions import Transactions
from smartcard_dm.trust.transport import Transport, TransportKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smartcard_dm.limits import Limits
    from smartcard_dm.push.arrival import Inlet
    from smartcard_dm.push.sip_reader import SipFault

ALLOW: Final = SipHeader("allow", "MESSAGE, OPTIONS, CANCEL, ACK")
ACCEPT: Final = SipHeader("accept", f"{DM_WBXML}, {CP_WBXML}")
ACCEPT_ENCODING: Final = SipHeader("accept-encoding", "identity")
RETRY_AFTER: Final = SipHeader("retry-after", "10")
TAG_OCTETS: Final = 8

_SCHEMES: Final = ("sip:", "sips:", "tel:")
_REASONS: Final = {
    200: "OK",
    400: "Bad Request",
    405: "Method Not Allowed",
    413: "Request Entity Too Large",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    503: "Service Unavailable",
    505: "Version Not Supported",
}
_STATUS: Final[Mapping[str, int]] = {
    SipRule.METHOD: 405,
    SipRule.URI: 416,
    SipRule.EXTENSION: 420,
    SipRule.DIALOG: 481,
    SipRule.CONTENT_TYPE: 415,
    SipRule.CONTENT_ENCODING: 415,
    SipRule.APPLICATION: 480,
}
"""What answers a refused request; 400 answers all others."""


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of a connection, as the socket says it."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class UserAgent:
    """Answers the requests of all connections of one listener.

    Args:
        inlet: where documents and refusals go.
        limits: `receive_per_second` and `sip_transactions` are held.
        tag_key: octets from which the tags of answers are made; nobody else knows them.
    """

    def __init__(self, inlet: Inlet, limits: Limits, tag_key: bytes) -> None:
        self._inlet = inlet
        self._tag_key = tag_key
        self._per_second = limits.receive_per_second
        self._rate = PushRate(self._per_second)
        self._notes = PushRate(1)
        self._transactions = Transactions(limits.sip_transactions)

    def answer(self, request: SipRequest, peer: Peer, transport: Transport, now: float) -> SipResponse | None:
        """Return the answer to a request, None where none may be given.

        Args:
            request: as it came.
            peer: where it came from.
            transport: what proved the security of the connection.
            now: seconds of a clock that never goes back.
        """
        if request.method == "ACK":  # of an INVITE that was answered 405
            return None
        try:
            core = read_core(request)
        except EnvelopeError as error:
            self.refuse(error, peer)
            return self._respond(request, peer, 400)
        if request.method == "CANCEL":
            return self._respond(request, peer, 200 if self._is_known(core, now) else 481)
        try:
            content_type = _check(request, core)
        except EnvelopeError as error:
            self.refuse(error, peer)
            return self._respond(request, peer, _STATUS.get(error.rule, 400), *_told(error, request))
        if content_type is None:
            return self._respond(request, peer, 200, ALLOW, ACCEPT, ACCEPT_ENCODING)
        return self._deliver(request, peer, core, content_type, _over(transport, core), now)

    def answer_fault(self, fault: SipFault, peer: Peer) -> SipResponse | None:
        """Return the last answer on a connection that cannot be read any more, None where there is nobody to answer."""
        self.refuse(fault.error, peer)
        if fault.heard is None or fault.heard.method == "ACK":
            return None
        return self._respond(fault.heard, peer, fault.status)

    def refuse(self, error: EnvelopeError, peer: Peer) -> None:
        """Have it noted that something came that holds no document."""
        self._inlet.refuse(error, TransportKind.SIP, str(peer))

    def _deliver(
        self, request: SipRequest, peer: Peer, core: Core, content_type: str, transport: Transport, now: float
    ) -> SipResponse | None:
        sent_by, branch = core.via.sent_by, core.via.branch
        # What came in the clear never keeps out the same octets that come proved.
        digest = hashlib.sha256(f"{transport}\n".encode() + build(request)).digest()
        if branch is not None and (said := self._transactions.answer(sent_by, branch, digest, now)) is not None:
            return said
        arrival = Arrival(request.body, content_type, transport, str(peer))
        if not self._is_within_rate(peer, now) or not self._inlet.take(arrival):
            return self._respond(request, peer, 503, RETRY_AFTER)
        response = self._respond(request, peer, 200)
        if branch is not None and response is not None:
            self._transactions.remember(sent_by, branch, digest, response, now)
        return response

    def _is_within_rate(self, peer: Peer, now: float) -> bool:
        if self._rate.take(now):
            return True
        if self._notes.take(now):  # noting each of them would only move the flood to whoever reads the notes
            wanted = f"at most {self._per_second} pushes a second"
            self.refuse(EnvelopeError(SipRule.RATE, "SIP request", "too many pushes", wanted=wanted), peer)
        return False

    def _is_known(self, core: Core, now: float) -> bool:
        return core.via.branch is not None and self._transactions.knows(core.via.sent_by, core.via.branch, now)

    def _respond(self, request: SipRequest, peer: Peer, status: int, *more: SipHeader) -> SipResponse | None:
        """Return a response that echoes what has to be echoed, None where that cannot be read."""
        try:
            hops = via_values(request)
            seen = read_via(hops[0]).seen_from(peer.host, peer.port).text()
            echoed = tuple(SipHeader(name, single(request, name)) for name in ("from", "to", "call-id", "cseq"))
        except EnvelopeError:
            return None
        headers = (*(SipHeader("via", hop) for hop in (seen, *hops[1:])), *self._tagged(request, echoed), *more)
        return SipResponse(status, _REASONS[status], headers)

    def _tagged(self, request: SipRequest, echoed: tuple[SipHeader, ...]) -> tuple[SipHeader, ...]:
        """Return the headers with a tag in To: the same one whenever the same request comes (RFC 3261 8.2.7)."""
        tag = hmac.digest(self._tag_key, build(request), "sha256")[:TAG_OCTETS].hex()
        return tuple(
            replace(header, value=f"{header.value};tag={tag}")
            if header.name == "to" and not _is_tagged(header.value)
            else header
            for header in echoed
        )


def _is_tagged(to: str) -> bool:
    try:
        return read_tag("To", to) is not None
    except EnvelopeError:
        return True  # echoed as it came: nobody knows where a tag would go


def _check(request: SipRequest, core: Core) -> str | None:
    """Return the media type of the pushed document, None for a request that only asks what is spoken here.

    Raises:
        EnvelopeError: the rule that is broken first, in the order of RFC 3261 8.2.
    """
    if request.method not in {"MESSAGE", "OPTIONS"}:
        raise EnvelopeError(SipRule.METHOD, "SIP request", "not a method of pushing", found=shown(request.method))
    if not request.uri.lower().startswith(_SCHEMES):
        raise EnvelopeError(SipRule.URI, "SIP request", "its address is no SIP address", found=shown(request.uri))
    if required := read_tokens(request, "require"):
        raise EnvelopeError(SipRule.EXTENSION, "SIP Require", "no extension is known here", found=shown(required[0]))
    if core.to_tag is not None:
        raise EnvelopeError(SipRule.DIALOG, "SIP To", "a dialog that was never opened here")
    if request.method == "OPTIONS":
        return None
    if any(DM_APPLICATION not in asked for asked in applications_asked_for(request)):
        raise EnvelopeError(SipRule.APPLICATION, "SIP Accept-Contact", "for another application", wanted=DM_APPLICATION)
    return _check_content(request)


def _check_content(request: SipRequest) -> str:
    for coding in read_tokens(request, "content-encoding"):
        if coding != "identity":
            raise EnvelopeError(SipRule.CONTENT_ENCODING, "SIP body", "it is packed", found=shown(coding))
    if not request.body:
        raise EnvelopeError(SipRule.NO_DOCUMENT, "SIP body", "it is empty")
    if not request.all("content-type"):
        raise EnvelopeError(SipRule.CONTENT_TYPE, "SIP body", "nothing says what it is", wanted=DM_WBXML)
    content_type = read_media_type(single(request, "content-type"))
    if content_type not in {DM_WBXML, CP_WBXML}:
        raise EnvelopeError(
            SipRule.CONTENT_TYPE, "SIP body", "not what is pushed here", wanted=DM_WBXML, found=shown(content_type)
        )
    return content_type


def _told(error: EnvelopeError, request: SipRequest) -> tuple[SipHeader, ...]:
    """Return the headers in which RFC 3261 has a refusal say what is spoken here."""
    match error.rule:
        case SipRule.METHOD:
            return (ALLOW,)
        case SipRule.EXTENSION:
            return (SipHeader("unsupported", ", ".join(read_tokens(request, "require"))),)
        case SipRule.CONTENT_TYPE:
            return (ACCEPT,)
        case SipRule.CONTENT_ENCODING:
            return (ACCEPT_ENCODING,)
        case _:
            return ()


def _over(transport: Transport, core: Core) -> Transport:
    """Return the record of a request: a connection proves the last hop and says nothing of those before it."""
    if core.hops == 1:
        return transport
    return replace(transport, evidence=f"{transport.evidence}; the last of {core.hops} hops")
