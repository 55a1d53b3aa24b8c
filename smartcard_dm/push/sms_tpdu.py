"""SMS-DELIVER and SMS-SUBMIT: what the network hands to a phone, and what it is handed.

Guarantees: any octets give a `Deliver`, a `Submit` or `EnvelopeError`; encoding and reading give back the same value.
Bits that the standard leaves unused are written as zero and passed over, as it says. Leaves to its caller: whether it
is a push (`push_data`), and everything between phone and network.

Spec: 3GPP TS 23.040, 9.2.2.1, 9.2.2.2, 9.2.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from smartcard_dm.errors import EnvelopeError
from smartcard_dm.push.sms_address import Address, read_address
from smartcard_dm.push.sms_coding import OCTETS_CLASS_1, Alphabet, DataCoding
from smartcard_dm.push.sms_rules import SmsRule
from smartcard_dm.push.sms_time import (
    TIME_OCTETS,
    ValidityFormat,
    ValidityPeriod,
    encode_time,
    encode_validity,
    parse_time,
    parse_validity,
    validity_format,
)
from smartcard_dm.push.sms_user_data import UserData, parse_user_data

if TYPE_CHECKING:
    from datetime import datetime

LONGEST_TPDU: Final = 164
"""Octets: an SMS-SUBMIT with 20 digits, a validity period of 7 octets, and 140 octets of user data."""
_DELIVER: Final = 0
_SUBMIT: Final = 1
_HEADER_BIT: Final = 0x40
_REPLY_PATH_BIT: Final = 0x80
_NOT_FOR_APPLICATIONS: Final = {
    0x40: "short message type 0, which is dropped",
    0x7C: "ANSI-136 R-DATA",
    0x7D: "phone data download",
    0x7E: "phone depersonalization",
    0x7F: "(U)SIM data download",
}
"""Values of TP-PID whose content somebody else reads (3GPP TS 23.040, 9.2.3.9)."""


@dataclass(frozen=True, slots=True)
class Deliver:
    """SMS-DELIVER, from the service centre to a phone.

    Raises:
        ValueError: a value that its field does not hold.
    """

    originator: Address
    """TP-OA: who seems to have sent it; never proved."""
    time: datetime
    """TP-SCTS: when the service centre took it, in whole seconds, with its time zone."""
    user_data: UserData
    protocol: int = 0
    """TP-PID."""
    coding: DataCoding = OCTETS_CLASS_1
    """TP-DCS."""
    more_messages: bool = False
    """TP-MMS: whether more wait in the service centre; in the message the bit says that none do."""
    loop_prevention: bool = False
    """TP-LP: it was forwarded, or spawned, once."""
    status_report: bool = False
    """TP-SRI: whether the sender gets a status report."""
    reply_path: bool = False
    """TP-RP."""

    def __post_init__(self) -> None:
        if self.time.microsecond:
            raise ValueError("the time of a short message is in whole seconds")
        self.encode()

    def encode(self) -> bytes:
        """Return the TPDU."""
        first = (
            _DELIVER
            | (0 if self.more_messages else 0x04)
            | (0x08 if self.loop_prevention else 0)
            | (0x20 if self.status_report else 0)
            | (_HEADER_BIT if self.user_data.header else 0)
            | (_REPLY_PATH_BIT if self.reply_path else 0)
        )
        length, data = self.user_data.encode(self.coding)
        return b"".join(
            (
                bytes((first,)),
                self.originator.encode(),
                bytes((self.protocol, self.coding.octet)),
                encode_time(self.time),
                bytes((length,)),
                data,
            )
        )


@dataclass(frozen=True, slots=True)
class Submit:
    """SMS-SUBMIT, from a phone to the service centre.

    Raises:
        ValueError: a value that its field does not hold.
    """

    destination: Address
    """TP-DA."""
    user_data: UserData
    reference: int = 0
    """TP-MR, 0 to 255; a modem may put its own number there."""
    protocol: int = 0
    """TP-PID."""
    coding: DataCoding = OCTETS_CLASS_1
    """TP-DCS."""
    validity: ValidityPeriod | None = None
    """TP-VP, whose form is TP-VPF."""
    reject_duplicates: bool = False
    """TP-RD."""
    status_report: bool = False
    """TP-SRR: whether a status report is asked for."""
    reply_path: bool = False
    """TP-RP."""

    def __post_init__(self) -> None:
        self.encode()

    def encode(self) -> bytes:
        """Return the TPDU."""
        first = (
            _SUBMIT
            | (0x04 if self.reject_duplicates else 0)
            | validity_format(self.validity) << 3
            | (0x20 if self.status_report else 0)
            | (_HEADER_BIT if self.user_data.header else 0)
            | (_REPLY_PATH_BIT if self.reply_path else 0)
        )
        length, data = self.user_data.encode(self.coding)
        return b"".join(
            (
                bytes((first, self.reference)),
                self.destination.encode(),
                bytes((self.protocol, self.coding.octet)),
                encode_validity(self.validity),
                bytes((length,)),
                data,
            )
        )


Tpdu = Deliver | Submit


def parse_tpdu(octets: bytes) -> Tpdu:
    """Return the SMS-DELIVER or SMS-SUBMIT that octets are.

    Raises:
        EnvelopeError: another message type, a field that is malformed or cut, or octets behind the last one.
    """
    if not octets:
        raise _cut("TPDU", 1, 0)
    if len(octets) > LONGEST_TPDU:
        raise EnvelopeError(
            SmsRule.LENGTH, "TPDU", "too long", wanted=f"at most {LONGEST_TPDU} octets", found=str(len(octets))
        )
    kind = octets[0] & 3
    if kind == _DELIVER:
        return _deliver(octets)
    if kind == _SUBMIT:
        return _submit(octets)
    # DEVIATION: 3GPP TS 23.040, 9.2.3.1 has a phone read a reserved type (3) as SMS-DELIVER, for people to look at.
    raise EnvelopeError(
        SmsRule.MESSAGE_TYPE,
        "TPDU",
        "neither SMS-DELIVER nor SMS-SUBMIT",
        offset=0,
        wanted="00 or 01 in the lowest bits",
        found=f"{kind:02b}",
    )


def push_data(tpdu: Tpdu) -> UserData:
    """Return the user data of a message that may be a push.

    Raises:
        EnvelopeError: they are not uncompressed octets, or not for an application.
    """
    reader = _NOT_FOR_APPLICATIONS.get(tpdu.protocol)
    if reader is not None:
        found = f"{tpdu.protocol:02X}, {reader}"
        raise EnvelopeError(SmsRule.PROTOCOL, "TP-PID", "not for an application", wanted="00", found=found)
    if tpdu.coding.alphabet is not Alphabet.OCTETS or tpdu.coding.compressed:
        compressed = "compressed " if tpdu.coding.compressed else ""
        raise EnvelopeError(
            SmsRule.DATA_CODING,
            "TP-DCS",
            "a push is carried as octets",
            wanted="uncompressed 8-bit data, such as 04 or F5",
            found=f"{tpdu.coding.octet:02X}, {compressed}{tpdu.coding.alphabet.value}",
        )
    return tpdu.user_data


def _deliver(octets: bytes) -> Deliver:
    name = "SMS-DELIVER"
    first = octets[0]
    originator, at = read_address(octets, 1)
    data_at = at + 2 + TIME_OCTETS + 1
    if len(octets) < data_at:
        raise _cut(name, data_at, len(octets))
    coding = DataCoding(octets[at + 1])
    return Deliver(
        originator,
        parse_time(octets[at + 2 : at + 2 + TIME_OCTETS], at + 2),
        parse_user_data(octets[data_at:], octets[data_at - 1], coding, has_header=bool(first & _HEADER_BIT)),
        octets[at],
        coding,
        more_messages=not first & 0x04,
        loop_prevention=bool(first & 0x08),
        status_report=bool(first & 0x20),
        reply_path=bool(first & _REPLY_PATH_BIT),
    )


def _submit(octets: bytes) -> Submit:
    name = "SMS-SUBMIT"
    first = octets[0]
    form = ValidityFormat(first >> 3 & 3)
    if len(octets) < 2:
        raise _cut(name, 2, len(octets))
    destination, at = read_address(octets, 2)
    data_at = at + 2 + form.octets + 1
    if len(octets) < data_at:
        raise _cut(name, data_at, len(octets))
    coding = DataCoding(octets[at + 1])
    return Submit(
        destination,
        parse_user_data(octets[data_at:], octets[data_at - 1], coding, has_header=bool(first & _HEADER_BIT)),
        octets[1],
        octets[at],
        coding,
        parse_validity(octets[at + 2 : data_at - 1], form, at + 2),
        reject_duplicates=bool(first & 0x04),
        status_report=bool(first & 0x20),
        reply_path=bool(first & _REPLY_PATH_BIT),
    )


def _cut(name: str, wanted: int, found: int) -> EnvelopeError:
    return EnvelopeError(
        SmsRule.LENGTH, name, "cut", offset=found, wanted=f"at least {wanted} octets", found=str(found)
    )
