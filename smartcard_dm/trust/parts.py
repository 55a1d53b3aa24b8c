"""A message in XML form, cut into its header, its Signature and the octets that were signed (verification step 2).

Guarantees: the octets are the canonical message without its Signature, the ones whose digest was signed; the header and
the Signature come from the same document. What is not cut plainly is parsed and canonicalized, and refused by its rule.

The XML form that `wbxml.to_xml` writes is canonical, and in canonical XML `<` opens a tag, nothing else. So a message
of the usual shape is cut between its tags without a parser, and its octets are already what a canonicalization would
give. Were they ever not, the digest would differ and the message be refused: nothing else than these octets is read.

Spec: OMA-TS-DM_Sessionless 5.2; docs/signature-profile.md, 2 and 8; docs/decisions/0002-canonical-emission.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from smartcard_dm.errors import VerificationError
from smartcard_dm.rules import Rule
from smartcard_dm.xmlsec.algorithms import XMLDSIG
from smartcard_dm.xmlsec.document import SYNCML, canonical, parse_document
from smartcard_dm.xmlsec.signature_element import SIGNATURE

if TYPE_CHECKING:
    from lxml import etree

_ROOT: Final = f"{{{SYNCML}}}SyncML"
_WANTED: Final = [f"{{{SYNCML}}}SyncHdr", f"{{{SYNCML}}}SyncBody", SIGNATURE]
_XML_SPACE: Final = " \t\r\n"

_ROOT_START: Final = f'<SyncML xmlns="{SYNCML}">'.encode()
_HEADER_START: Final = b"<SyncHdr>"
_HEADER_END: Final = b"</SyncHdr>"
_BODY_START: Final = b"<SyncBody>"
_BODY_END: Final = b"</SyncBody>"
_SIGNATURE_START: Final = f'<Signature xmlns="{XMLDSIG}">'.encode()
_SIGNATURE_END: Final = b"</Signature>"
_ROOT_END: Final = b"</SyncML>"
_ONCE: Final = (b"<SyncML", b"<SyncHdr", _HEADER_END, b"<SyncBody", _BODY_END, b"<Signature ", _SIGNATURE_END)


@dataclass(frozen=True, slots=True)
class MessageParts:
    """The parts of a message whose root has the right children."""

    header: etree._Element
    """SyncHdr."""
    signature: bytes
    """The one Signature, last child of SyncML, in canonical form."""
    octets: bytes
    """The canonical message without its Signature."""


def cut_message(xml: bytes) -> MessageParts:
    """Return the parts of a message in canonical XML: SyncHdr, SyncBody and one Signature, in this order.

    Raises:
        VerificationError: a rule of step 2 about the root, its children, or the place of the Signature.
    """
    return _cut_plainly(xml) or _cut_as_tree(parse_document(xml))


def _cut_plainly(xml: bytes) -> MessageParts | None:
    """Cut between tags that each stand exactly once, with nothing but white space where the parts meet."""
    if any(xml.count(tag) != 1 for tag in _ONCE) or b"<Signature>" in xml:
        return None
    header = xml.find(_HEADER_START)
    header_end = xml.find(_HEADER_END) + len(_HEADER_END)
    body = xml.find(_BODY_START)
    body_end = xml.find(_BODY_END) + len(_BODY_END)
    signature = xml.find(_SIGNATURE_START)
    signature_end = xml.find(_SIGNATURE_END) + len(_SIGNATURE_END)
    starts = (header, body, signature, len(xml) - len(_ROOT_END))
    ends = (len(_ROOT_START), header_end, body_end, signature_end)
    if not (xml.startswith(_ROOT_START) and xml.endswith(_ROOT_END)):
        return None
    if any(start < end or xml[end:start].strip() for start, end in zip(starts, ends, strict=True)):
        return None
    header_xml = b"".join((f'<SyncHdr xmlns="{SYNCML}">'.encode(), xml[header + len(_HEADER_START) : header_end]))
    return MessageParts(
        header=parse_document(header_xml),
        signature=xml[signature:signature_end],
        octets=xml[:signature] + xml[signature_end:],
    )


def _cut_as_tree(root: etree._Element) -> MessageParts:
    if root.tag != _ROOT:
        raise VerificationError(Rule.SHAPE_ROOT, f"wanted the root SyncML, found {_local(root)}", place="/")
    _check_signatures(root)
    texts = [root.text, *(child.tail for child in root)]
    if [child.tag for child in root] != _WANTED or any(text and text.strip(_XML_SPACE) for text in texts):
        names = ", ".join(_local(child) for child in root)
        raise VerificationError(
            Rule.SHAPE_ORDER, f"wanted SyncHdr, SyncBody, Signature and no text, found {names}", place="/SyncML"
        )
    header, body, signature = root
    signature_octets = canonical(signature)
    # As the enveloped-signature transform does: the Signature goes, the white space behind it stays.
    body.tail = (body.tail or "") + (signature.tail or "")
    root.remove(signature)
    return MessageParts(header, signature_octets, canonical(root))


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


def _path(element: etree._Element) -> str:
    names = [_local(element)] + [_local(ancestor) for ancestor in element.iterancestors()]
    return "/" + "/".join(reversed(names))


def _local(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]
