"""Whether transport-specific security is employed: a message is pushed as short messages, and proved or refused.

Guarantees: nothing leaves this process; the network's key comes from the card's IMSI as on a device.
Spec: OMA-TS-DM_Sessionless 5.3, B.2 (DM-SM-S-005).
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.push.arrival import DM_WBXML
from smartcard_dm.push.mac_checker import MacChecker
from smartcard_dm.push.reassembly import Reassembler
from smartcard_dm.push.sec_mac import MacKeys, SecMethod
from smartcard_dm.push.segmentation import segment
from smartcard_dm.push.sms_address import Address, NumberingPlan, TypeOfNumber
from smartcard_dm.push.wap_push import compose_wap_push, open_wap_push
from smartcard_dm.push.wsp import build_wsp_push, parse_wsp_push
from smartcard_dm.push.wsp_content_type import ContentType
from smartcard_dm.rules import Rule
from smartcard_dm.secret import Secret
from smartcard_dm.server import MessageBuilder
from smartcard_dm.trust.policy import Policy
from smartcard_dm.trust.transport import Transport, TransportKind

if TYPE_CHECKING:
    from smartcard_dm.conformance.claims import Claims
    from smartcard_dm.conformance.lab import Lab
    from smartcard_dm.push.arrival import Arrival

_NAME: Final = "./DMAcc/one/Name"
_SERVER: Final = Address("12345", TypeOfNumber.ABBREVIATED, NumberingPlan.ISDN)


def transport_security(lab: Lab, claims: Claims) -> None:
    """S-005: a pushed message proves its sender, and one whose transport proves nothing is refused at step 9."""
    wap = Policy.default().over(TransportKind.WAP)
    message = lab.issued(MessageBuilder().replace(_NAME, "pushed"))
    arrival = _received(_pushed(message, lab.imsi), 1, lab)
    claims.same("a push in short messages is put together again", arrival.octets, message)
    other = _received(_pushed(message, Secret(b"001010999999999")), 2, lab).transport
    judge = partial(lab.apply, message, other, wap)
    claims.refused("a push for another subscriber is refused", judge, Rule.WAP_MAC_WRONG)
    bare = _received(_without_proof(_pushed(message, lab.imsi)), 3, lab).transport
    claims.refused("a push without SEC and MAC is refused", partial(lab.apply, message, bare, wap), Rule.WAP_NO_MAC)
    for kind, rule in ((TransportKind.HTTP, Rule.HTTP_NO_TLS), (TransportKind.SIP, Rule.SIP_NO_TLS)):
        open_door = Transport.unproved(kind, rule, "no TLS")
        judge = partial(lab.apply, message, open_door, Policy.default().over(kind))
        claims.refused(f"one over {kind.value} without TLS is refused", judge, rule)
    claims.equal("none of them left anything in the tree", lab.value(_NAME), "Server one")
    applied = lab.apply(message, arrival.transport, wap)
    claims.equal("the one that is proved is carried out", lab.value(_NAME), "pushed")
    claims.equal("what proved it stands in the verdict", applied.message.transport.evidence, arrival.transport.evidence)


def _pushed(message: bytes, imsi: Secret) -> bytes:
    """Return a message as the WAP push of a server that knows the subscriber's IMSI."""
    return compose_wap_push(message, method=SecMethod.NETWPIN, keys=MacKeys.from_imsi(imsi), transaction_id=1)


def _without_proof(push: bytes) -> bytes:
    """Return a push whose content type has neither SEC nor MAC."""
    found = parse_wsp_push(push, DEFAULT_LIMITS)
    return build_wsp_push(replace(found, content_type=ContentType(DM_WBXML)))


def _received(push: bytes, reference: int, lab: Lab) -> Arrival:
    """Return what a device makes of a push that comes in short messages, the last one first."""
    reassembler, checker = Reassembler(DEFAULT_LIMITS), MacChecker(MacKeys.from_imsi(lab.imsi))
    for part in reversed(segment(push, reference)):
        datagram = reassembler.add(part, _SERVER, at=0.0)
        if datagram is not None:
            return open_wap_push(datagram.octets, checker, str(datagram.originator))
    raise AssertionError("a push whose parts all came is not whole")
