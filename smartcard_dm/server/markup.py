"""XML that an operator wrote: parsed hardened, put into the namespaces of a message.

Guarantees: no DTD, entity or processing instruction takes part; text is kept as it stands, white space between elements
is dropped. Leaves to its caller: what the elements mean.
Spec: OMA-TS-DM_RepPro-V1_2_1, 5; OMA-SyncML-MetaInfo-V1_2, 5; OMA-TS-DM_TNDS-V1_2, 6.2.
"""

from __future__ import annotations

from typing import Final

from lxml import etree

from smartcard_dm.dm.namespaces import DDF_NS, METINF_NS
from smartcard_dm.errors import DmError

STRUCTURE: Final = "commands to issue"
XML_SPACE: Final = " \t\r\n"


def parse_markup(octets: bytes) -> etree._Element:
    """Return the root of a document.

    Raises:
        DmError: not well-formed, or with a DOCTYPE, a processing instruction or an entity.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True
    )
    try:
        root = etree.fromstring(octets, parser)
    except etree.XMLSyntaxError as error:
        raise DmError(STRUCTURE, f"not well-formed: {error.msg}") from error
    if root.getroottree().docinfo.doctype:
        raise DmError(STRUCTURE, "a DOCTYPE is never part of a message")
    if any(True for _ in root.iter(etree.ProcessingInstruction, etree.Entity)):
        raise DmError(STRUCTURE, "a processing instruction or entity is never part of a message")
    return root


def in_namespaces(source: etree._Element, inherited: str) -> etree._Element:
    """Return a copy in explicit namespaces, without white space between elements.

    Raises:
        DmError: text stands between elements.
    """
    local = local_name(source)
    namespace = etree.QName(source).namespace or (DDF_NS if local == "MgmtTree" else inherited)
    copy = etree.Element(f"{{{namespace}}}{local}", nsmap={None: namespace})
    for key, value in source.attrib.items():
        copy.set(key, value)
    elements = source[:]
    if elements:
        texts = [source.text, *(child.tail for child in elements)]
        if any(text and text.strip(XML_SPACE) for text in texts):
            raise DmError(STRUCTURE, "text stands between elements", place=local)
    else:
        copy.text = source.text
    for child in elements:
        copy.append(in_namespaces(child, METINF_NS if local == "Meta" else namespace))
    return copy


def canonical(element: etree._Element) -> bytes:
    """Return the exclusive canonical form of an element."""
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)


def local_name(element: etree._Element) -> str:
    """Return the name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]
