"""A WSP push without a connection: transaction, content type, headers, document.

    TID (1 octet)   06 (Push)   HeadersLen (uintvar)   ContentType   Headers   Data

Guarantees: `parse_wsp_push(build_wsp_push(push)) == push` for every push there is; header fields nobody here knows keep
their octets; any octets give a push, `EnvelopeError` or `LimitExceededError`. Leaves to its caller: what is pushed, and
what proves who sent it.

Spec: WAP-230-WSP, 8.2.4.1; table 34.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar, Final

from smartcard_dm.errors import EnvelopeError, LimitExceededError
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.push.wsp_coding import WspReader, encode_uintvar
from smartcard_dm.push.wsp_content_type import encode_content_type, read_content_type
from smartcard_dm.push.wsp_headers import check_headers, encode_headers, read_application_id, read_headers
from smartcard_dm.push.wsp_names import APPLICATION_ID_FIELD
from smartcard_dm.push.wsp_rules import WspRule

if TYPE_CHECKING:
    from smartcard_dm.limits import Limits
    from smartcard_dm.push.wsp_content_type import ContentType
    from smartcard_dm.push.wsp_headers import HeaderField

STRUCTURE: Final = "WSP push"


class PduType(IntEnum):
    """The types of WSP that push; spec: WAP-230-WSP, table 34."""

    PUSH = 0x06
    CONFIRMED_PUSH = 0x07
    """Wants an answer, and there is a session only to give it in: refused."""


@dataclass(frozen=True, slots=True)
class WspPush:
    """A push.

    Raises:
        ValueError: no transaction identifier; header fields that contradict one another.
    """

    transaction_id: int
    """0 to 255; tells pushes apart, and nothing else where there is no connection."""
    content_type: ContentType
    headers: tuple[HeaderField, ...]
    """In the order they came."""
    body: bytes
    """The document; may be empty here."""

    pdu_type: ClassVar[PduType] = PduType.PUSH

    def __post_init__(self) -> None:
        if not 0 <= self.transaction_id <= 0xFF:
            raise ValueError(f"a transaction identifier is one octet, found {self.transaction_id}")
        try:
            check_headers(self.headers)
        except EnvelopeError as error:
            raise ValueError(str(error)) from error

    @property
    def application_id(self) -> str | None:
        """The URN of the application it is for, or its number in words; None where it does not say."""
        found = (field for field in self.headers if field.number == APPLICATION_ID_FIELD)
        return next((read_application_id(field) for field in found), None)


def parse_wsp_push(octets: bytes, limits: Limits = DEFAULT_LIMITS) -> WspPush:
    """Return the push that a datagram, or a set of short messages put together, holds.

    Raises:
        EnvelopeError: it is malformed, wants an answer, or is no push; a `WspRule` says which.
        LimitExceededError: its headers exceed `Limits.wsp_header_octets` or `Limits.wsp_headers`.
    """
    reader = WspReader(octets, structure=STRUCTURE)
    transaction_id = reader.octet()
    _require_push(reader)
    length = _headers_length(reader, limits)
    inner = reader.inside(length, STRUCTURE)
    content_type = read_content_type(inner, limits)
    headers = read_headers(inner, limits)
    return WspPush(transaction_id, content_type, headers, reader.rest())


def build_wsp_push(push: WspPush) -> bytes:
    """Return the octets of a push."""
    headers = encode_content_type(push.content_type) + encode_headers(push.headers)
    return bytes((push.transaction_id, push.pdu_type)) + encode_uintvar(len(headers)) + headers + push.body


def _require_push(reader: WspReader) -> None:
    start = reader.position
    found = reader.octet()
    if found == PduType.CONFIRMED_PUSH:
        detail = "a confirmed push belongs to a session, and there is none"
        reader.refuse(WspRule.CONFIRMED_PUSH, detail, offset=start, wanted="06", found="07")
    if found != PduType.PUSH:
        reader.refuse(WspRule.PDU_TYPE, "no push", offset=start, wanted="06", found=f"{found:02X}")


def _headers_length(reader: WspReader, limits: Limits) -> int:
    start = reader.position
    length = reader.uintvar()
    if length > limits.wsp_header_octets:
        found = f"{length} octets"
        raise LimitExceededError(STRUCTURE, "wsp_header_octets", limits.wsp_header_octets, offset=start, found=found)
    if not 1 <= length <= reader.remaining:
        wanted = f"1 to {reader.remaining} octets"
        detail = "the headers reach past the end, or have no content type"
        reader.refuse(WspRule.HEADERS_LENGTH, detail, offset=start, wanted=wanted, found=str(length))
    return length
