"""Any XML document to its canonical form, with a parser that reaches for nothing outside the document.

Guarantees: no DTD, no entities, no network, no size beyond libxml2's own bounds, UTF-8 only, and no namespace
prefixes (whose declarations Exclusive C14N could multiply). Every error of lxml ends here.
"""

from __future__ import annotations

from lxml import etree

from smartcard_dm.errors import UnsupportedError, WbxmlError

_XML = "XML document"
_PARSER = etree.XMLParser(
    resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False
)
_ENCODINGS = frozenset({"UTF-8", "UTF8", "US-ASCII", "ASCII"})


def parse(xml: bytes) -> etree._Element:
    """Parse an XML document and return its root element.

    Raises:
        WbxmlError: not well-formed, or with a document type declaration, a processing instruction or a prefix.
        UnsupportedError: not in UTF-8.
    """
    try:
        text = xml.decode()
    except UnicodeDecodeError as error:
        raise WbxmlError(_XML, "not valid UTF-8", offset=error.start) from error
    if "\0" in text:
        raise WbxmlError(_XML, "a NUL octet: not XML in UTF-8", offset=xml.index(b"\0"))
    try:
        root = etree.fromstring(xml, _PARSER)
    except (etree.LxmlError, ValueError) as error:
        raise WbxmlError(_XML, f"not well-formed: {error}") from error
    document = root.getroottree().docinfo
    if document.encoding is not None and document.encoding.upper() not in _ENCODINGS:
        raise UnsupportedError("XML in a character set other than UTF-8", document.encoding)
    if document.doctype or document.internalDTD is not None:
        raise WbxmlError(_XML, "a document type declaration", wanted="none: remove the DOCTYPE")
    if b"xmlns:" in xml:
        _refuse_prefixes(root)
    return root


def canonicalise(root: etree._Element) -> bytes:
    """Return the exclusive canonical form of a whole document, comments dropped.

    Raises:
        WbxmlError: it has none (a relative namespace name), or it holds a processing instruction.

    Spec: Exclusive XML Canonicalization 1.0.
    """
    try:
        canonical: bytes = etree.tostring(root.getroottree(), method="c14n", exclusive=True, with_comments=False)
    except (etree.LxmlError, ValueError) as error:
        raise WbxmlError(_XML, f"no canonical form: {error}") from error
    if b"<?" in canonical:
        raise WbxmlError(_XML, "a processing instruction", wanted="none: it has no WBXML form")
    return canonical


def _refuse_prefixes(root: etree._Element) -> None:
    for element in root.iter(etree.Element):
        if element.prefix is not None or any("}" in str(name) for name in element.attrib):
            raise WbxmlError(
                _XML,
                f"{element.tag!s} or one of its attributes has a prefix, which has no WBXML form here",
                wanted="the namespace declared as default with xmlns=, and names without prefix",
            )
