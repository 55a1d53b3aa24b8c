"""XML documents as the two security profiles see them: parsed hardened, written canonically.

Guarantees: no DTD, entity, processing instruction, network or file access takes part; what is written is exclusive
canonical XML without comments. Spec: Exclusive XML Canonicalization 1.0; docs/signature-profile.md, 4.
"""

from __future__ import annotations

from typing import Final

from lxml import etree

from smartcard_dm.errors import WbxmlError

SYNCML: Final = "SYNCML:SYNCML1.2"
# One parser for all: making one costs as much as parsing a small message, and lxml serialises its use by threads.
_PARSER: Final = etree.XMLParser(
    resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, collect_ids=False
)


class CanonicalXml(bytes):
    """A message in exclusive canonical form, unsigned, by the word of who made it: `compose`, a builder or a template.

    It spares the signer to parse what was written a moment ago. Octets from anywhere else are never wrapped in it: what
    is signed without being canonical is refused by every verifier.
    """

    __slots__ = ()


def parse_document(xml: bytes) -> etree._Element:
    """Return the root of `xml`; octets written by `wbxml.to_xml` always parse.

    Raises:
        WbxmlError: not well-formed, or with a DOCTYPE, comment or processing instruction.
    """
    try:
        root = etree.fromstring(xml, _PARSER)
    except etree.XMLSyntaxError as error:
        raise WbxmlError("XML form of a message", f"not well-formed: {error.msg}") from error
    if root.getroottree().docinfo.doctype:
        raise WbxmlError("XML form of a message", "a DOCTYPE is never part of a message")
    extra = [*root.itersiblings(preceding=True), *root.itersiblings()]
    extra += root.iter(etree.Comment, etree.ProcessingInstruction, etree.Entity)
    if extra:
        raise WbxmlError("XML form of a message", "a comment, processing instruction or entity is never part of it")
    return root


def canonical(element: etree._Element) -> bytes:
    """Return `element` as exclusive canonical XML without comments, its tail left out.

    Raises:
        WbxmlError: it has no canonical form, because a namespace name is a relative URI.
    """
    try:
        return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)
    except etree.C14NError as error:
        raise WbxmlError("XML form of a message", "no canonical form: a namespace name is a relative URI") from error
