"""The shape of a sessionless message, before anything in it is believed (verification steps 2 and 3).

Guarantees: what is returned was found at its one place; nothing is searched for.

Spec: OMA-TS-DM_Sessionless 5.2; OMA-TS-DM_RepPro-V1_2_1 (SyncHdr); docs/signature-profile.md, 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from smartcard_dm.dm import parse_server_id
from smartcard_dm.errors import DmError, VerificationError
from smartcard_dm.rules import Rule
from smartcard_dm.trust.parts import cut_message
from smartcard_dm.xmlsec.document import SYNCML

if TYPE_CHECKING:
    from lxml import etree

    from smartcard_dm.dm import ServerId

_HEADER_PLACE: Final = "/SyncML/SyncHdr"
_META: Final = f"{{{SYNCML}}}Meta"
_EMI: Final = "{syncml:metinf}EMI"
_ENCODING: Final = "WBXML/"
_SOURCE_PLACE: Final = f"{_HEADER_PLACE}/Source/LocURI"


@dataclass(frozen=True, slots=True)
class MessageShape:
    """A message that has the right shape; nothing in it is believed yet."""

    header: etree._Element
    """SyncHdr."""
    signature: bytes
    """The one Signature, last child of SyncML, in canonical form."""
    octets: bytes
    """The canonical message without its Signature."""
    session_id: str
    """SyncHdr/SessionID."""
    msg_id: str
    """SyncHdr/MsgID."""


def check_shape(xml: bytes) -> MessageShape:
    """Return the parts of a message: SyncHdr, SyncBody, one Signature, versions 1.2 and DM/1.2 (step 2).

    Args:
        xml: the message as `wbxml.to_xml` writes it.

    Raises:
        VerificationError: a rule of step 2.
    """
    parts = cut_message(xml)
    for name, wanted in (("VerDTD", "1.2"), ("VerProto", "DM/1.2")):
        found = _only_text(parts.header, (name,), Rule.SHAPE_HEADER)
        if found != wanted:
            raise VerificationError(
                Rule.SHAPE_VERSION, f"wanted {wanted}, found {found!r}", place=f"{_HEADER_PLACE}/{name}"
            )
    session_id, msg_id = (_filled_text(parts.header, name) for name in ("SessionID", "MsgID"))
    return MessageShape(parts.header, parts.signature, parts.octets, session_id, msg_id)


def check_encoding(header: etree._Element, version: str) -> str:
    """Return how a message is encoded, if that is what it says itself (step 2).

    The XML form does not show the version octet, so a signature does not cover it; an issuer states the version in
    SyncHdr/Meta/EMI, which it does cover. A message that states nothing is taken as it came.

    Args:
        header: SyncHdr.
        version: of the WBXML document, such as "1.2".

    Raises:
        VerificationError: rule `shape.encoding`.
    """
    actual = f"{_ENCODING}{version}"
    for element in (emi for meta in header.iterchildren(_META) for emi in meta.iter(_EMI)):
        stated = element.text or ""
        if stated.startswith(_ENCODING) and stated != actual:
            raise VerificationError(
                Rule.SHAPE_ENCODING,
                f"the message says it is {stated}, found {actual}",
                place=f"{_HEADER_PLACE}/Meta/EMI",
            )
    return actual


def read_server_id(header: etree._Element) -> ServerId:
    """Return the ServerID a message claims: SyncHdr/Source/LocURI (step 3).

    Raises:
        VerificationError: rule `server-id.missing`.
    """
    text = _only_text(header, ("Source", "LocURI"), Rule.SERVER_ID_MISSING)
    try:
        return parse_server_id(text, place=_SOURCE_PLACE)
    except DmError as error:
        raise VerificationError(Rule.SERVER_ID_MISSING, error.detail, place=_SOURCE_PLACE) from error


def _filled_text(header: etree._Element, name: str) -> str:
    text = _only_text(header, (name,), Rule.SHAPE_HEADER)
    if not text:
        raise VerificationError(
            Rule.SHAPE_HEADER, f"wanted a {name}, found an empty one", place=f"{_HEADER_PLACE}/{name}"
        )
    return text


def _only_text(parent: etree._Element, names: tuple[str, ...], rule: Rule) -> str:
    """Return the text at a path of elements that must each be there once and hold nothing else."""
    place = _HEADER_PLACE
    element = parent
    for name in names:
        place = f"{place}/{name}"
        found = list(element.iterchildren(f"{{{SYNCML}}}{name}"))
        if len(found) != 1:
            raise VerificationError(rule, f"wanted exactly one {name}, found {len(found)}", place=place)
        element = found[0]
    if len(element):
        raise VerificationError(rule, "wanted text only, found an element", place=place)
    return element.text or ""
