"""Writing a TNDS object as XML.

Guarantees: the octets are in exclusive canonical form, and reading them gives an equal value.
Leaves to its caller: the embedding (see `embedding`).
Spec: OMA-TS-DM_TNDS-V1_2, 6.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from smartcard_dm.dm.formats import encode_base64
from smartcard_dm.dm.namespaces import DDF_NS, TNDS_VER_DTD
from smartcard_dm.dm.xml_walk import canonical_octets, clark

if TYPE_CHECKING:
    from lxml.etree import _Element as LxmlElement

    from smartcard_dm.dm.tnds import TndsDocument, TndsNode


def build_tnds(document: TndsDocument) -> bytes:
    """Return the XML form of a TNDS object; Format is always written.

    Raises:
        ValueError: a text has characters that XML cannot hold.
    """
    root = etree.Element(clark(DDF_NS, "MgmtTree"), nsmap={None: DDF_NS})
    _add(root, "VerDTD", TNDS_VER_DTD)
    _add_optional(root, "Man", document.man)
    _add_optional(root, "Mod", document.mod)
    for node in document.nodes:
        _add_node(root, node)
    return canonical_octets(root)


def _add(parent: LxmlElement, name: str, text: str | None = None) -> LxmlElement:
    child = etree.SubElement(parent, clark(DDF_NS, name))
    child.text = text
    return child


def _add_optional(parent: LxmlElement, name: str, text: str | None) -> None:
    if text is not None:
        _add(parent, name, text)


def _add_node(parent: LxmlElement, node: TndsNode) -> None:
    element = _add(parent, "Node")
    _add(element, "NodeName", node.name)
    _add_optional(element, "Path", str(node.path) if node.path is not None else None)
    if node.type is not None:
        properties = _add(element, "RTProperties")
        _add_optional(properties, "ACL", str(node.acl) if node.acl is not None else None)
        _add(_add(properties, "Format"), node.format.value)
        _add_optional(properties, "Title", node.title)
        _add_optional(properties, "TStamp", node.tstamp)
        _add(_add(properties, "Type"), node.type.kind.value, node.type.text)
        _add_optional(properties, "VerNo", str(node.verno) if node.verno is not None else None)
    for child in node.children:
        _add_node(element, child)
    if node.value is not None:
        text = encode_base64(node.value) if isinstance(node.value, bytes) else node.value
        _add(element, "Value", text)
