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
from smartcard_dm.xmlsec.document import SYNCML
from smartcard_dm.xmlsec.signature_element import SIGNATURE

if TYPE_CHECKING:
    from lxml import etree

    from smartcard_dm.dm import ServerId

_ROOT: Final = f"{{{SYNCML}}}SyncML"
_HEADER: Final = f"{{{SYNCML}}}SyncHdr"
_BODY: Final = f"{{{SYNCML}}}SyncBody"
_WANTED: Final = [_HEADER, _BODY, SIGNATURE]
_HEADER_PLACE: Final = "/SyncML/SyncHdr"
_META: Final = f"{{{SYNCML}}}Meta"
_EMI: Final = (f"{_META}/{{syncml:metinf}}EMI", f"{_META}/{{syncml:metinf}}MetInf/{{syncml:metinf}}EMI")
_XML_SPACE: Final = " \t\r\n"
_ENCODING: Final = "WBXML/"
_SOURCE_PLACE: Final = f"{_HEADER_PLACE}/Source/LocURI"


@dataclass(frozen=True, slots=True)
class MessageShape:
    """The parts of a message that has the right shape."""

    header: etree._Element
    """SyncHdr."""
    signature: etree._Element
    """The one Signature, last child of SyncML."""
    session_id: str
    """SyncHdr/SessionID."""
    msg_id: str
    """SyncHdr/MsgID."""


def check_shape(root: etree._Element) -> MessageShape:
    """Return the parts of a message: SyncHdr, SyncBody, one Signature, versions 1.2 and DM/1.2 (step 2).

    Raises:
        VerificationError: a rule of step 2.
    """
    if root.tag != _ROOT:
        raise VerificationError(Rule.SHAPE_ROOT, f"wanted the root SyncML, found {_local(root)}", place="/")
    _check_signatures(root)
    tags = [child.tag for child in root]
    texts = [root.text, *(child.tail for child in root)]
    if tags != _WANTED or any(text and text.strip(_XML_SPACE) for text in texts):
        names = ", ".join(_local(child) for child in root)
        raise VerificationError(
            Rule.SHAPE_ORDER, f"wanted SyncHdr, SyncBody, Signature and no text, found {names}", place="/SyncML"
        )
    header = root[0]
    for name, wanted in (("VerDTD", "1.2"), ("VerProto", "DM/1.2")):
        found = _only_text(header, (name,), Rule.SHAPE_HEADER)
        if found != wanted:
            raise VerificationError(
                Rule.SHAPE_VERSION, f"wanted {wanted}, found {found!r}", place=f"{_HEADER_PLACE}/{name}"
            )
    session_id, msg_id = (_filled_text(header, name) for name in ("SessionID", "MsgID"))
    return MessageShape(header, root[2], session_id, msg_id)


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
    found = f"{_ENCODING}{version}"
    for element in (found for path in _EMI for found in header.iterfind(path)):
        stated = element.text or ""
        if stated.startswith(_ENCODING) and stated != found:
            raise VerificationError(
                Rule.SHAPE_ENCODING,
                f"the message says it is {stated}, found {found}",
                place=f"{_HEADER_PLACE}/Meta/EMI",
            )
    return found


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


def _check_signatures(root: etree._Element) -> None:
    signatures = list(root.iter(SIGNATURE))
    if not signatures:
        raise VerificationError(
            Rule.SIGNATURE_MISSING, "wanted an XML signature on the entire message, found none", place="/SyncML"
        )
    if len(signatures) > 1:
        raise VerificationError(
            Rule.SIGNATURE_SEVERAL, f"wanted exactly one Signature, found {len(signatures)}", place="/SyncML"
        )
    if signatures[0].getparent() is not root or signatures[0].getnext() is not None:
        raise VerificationError(
            Rule.SIGNATURE_PLACE,
            "wanted the Signature as last child of SyncML, found it elsewhere",
            place=_path(signatures[0]),
        )


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
        found = element.findall(f"{{{SYNCML}}}{name}")
        if len(found) != 1:
            raise VerificationError(rule, f"wanted exactly one {name}, found {len(found)}", place=place)
        element = found[0]
    if len(element):
        raise VerificationError(rule, "wanted text only, found an element", place=place)
    return element.text or ""


def _path(element: etree._Element) -> str:
    names = [_local(element)] + [_local(ancestor) for ancestor in element.iterancestors()]
    return "/" + "/".join(reversed(names))


def _local(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]
