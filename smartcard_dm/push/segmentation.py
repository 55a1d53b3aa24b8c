"""One datagram as short messages: ports, parts, and the messages that carry them.

Guarantees: every part fits, says the same ports and set, and all parts together are the datagram; a datagram that fits
in one message has no concatenation. Leaves to its caller: numbers, times and references, which are arguments. A
reference must differ from those of other messages to the same device that may still be under way.

Spec: 3GPP TS 23.040, 9.2.3.24.1, 9.2.3.24.4, 9.2.3.24.8; WAP-259-WDP, 6.5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smartcard_dm.errors import EnvelopeError
from smartcard_dm.push.sms_coding import OCTETS_CLASS_1, DataCoding
from smartcard_dm.push.sms_rules import SmsRule
from smartcard_dm.push.sms_tpdu import Deliver, Submit
from smartcard_dm.push.sms_user_data import USER_DATA_OCTETS, UserData
from smartcard_dm.push.udh import Concatenation, Ports, UserDataHeader

if TYPE_CHECKING:
    from datetime import datetime

    from smartcard_dm.push.sms_address import Address
    from smartcard_dm.push.sms_time import ValidityPeriod

MOST_PARTS: Final = 255
PUSH_PORTS: Final = Ports(destination=2948, source=9200)
"""Connectionless push, from a gateway."""


def segment(datagram: bytes, reference: int, *, wide: bool = False, ports: Ports = PUSH_PORTS) -> tuple[UserData, ...]:
    """Return the user data that carry a datagram, in order.

    Args:
        datagram: what goes to the port, such as a WSP push.
        reference: of the set, 0 to 255, or to 65,535 where it is wide; not used for one message alone.
        wide: whether the reference has 16 bits, which fewer sets are mistaken for each other by.
        ports: where it goes and comes from.

    Raises:
        EnvelopeError: more than 255 short messages.
        ValueError: a reference that does not fit.
    """
    Concatenation(reference, 1, 1, wide=wide)
    alone = UserDataHeader.of(ports)
    if len(alone.octets) + len(datagram) <= USER_DATA_OCTETS:
        return (UserData(datagram, alone),)
    room = USER_DATA_OCTETS - len(UserDataHeader.of(ports, Concatenation(reference, 1, 1, wide=wide)).octets)
    total = -(-len(datagram) // room)
    if total > MOST_PARTS:
        raise EnvelopeError(
            SmsRule.TOO_LONG,
            "datagram",
            f"needs {total} short messages",
            wanted=f"at most {MOST_PARTS}, {MOST_PARTS * room} octets",
            found=f"{len(datagram)} octets",
        )
    return tuple(
        UserData(
            datagram[at * room : (at + 1) * room],
            UserDataHeader.of(ports, Concatenation(reference, total, at + 1, wide=wide)),
        )
        for at in range(total)
    )


def sms_submit(
    parts: tuple[UserData, ...],
    destination: Address,
    *,
    message_reference: int = 0,
    validity: ValidityPeriod | None = None,
    coding: DataCoding = OCTETS_CLASS_1,
    status_report: bool = False,
) -> tuple[Submit, ...]:
    """Return what a modem is given to send parts.

    Args:
        parts: of `segment`.
        destination: the subscriber's number.
        message_reference: TP-MR of the first one; the others count on from it, modulo 256.
        validity: how long the service centre keeps each.
        coding: one of 8-bit data.
        status_report: whether a report is asked for, of each.

    Raises:
        ValueError: a value that its field does not hold.
    """
    return tuple(
        Submit(
            destination,
            part,
            (message_reference + at) % 0x100,
            coding=coding,
            validity=validity,
            status_report=status_report,
        )
        for at, part in enumerate(parts)
    )


def sms_deliver(
    parts: tuple[UserData, ...], originator: Address, time: datetime, *, coding: DataCoding = OCTETS_CLASS_1
) -> tuple[Deliver, ...]:
    """Return what a phone is handed of parts: those before the last one say that more wait.

    Args:
        parts: of `segment`.
        originator: who is to be shown as their sender.
        time: when the service centre took them, in whole seconds, with a time zone.
        coding: one of 8-bit data.

    Raises:
        ValueError: a value that its field does not hold.
    """
    return tuple(
        Deliver(originator, time, part, coding=coding, more_messages=at + 1 < len(parts))
        for at, part in enumerate(parts)
    )
