"""A client provisioning document as a value: characteristics that hold parms and characteristics.

Guarantees: the structure is strict, the vocabulary is open: types and names that nobody knows are kept, in their order.
No repr and no error shows the value of a parm, because any of them may be a password.
Leaves to its caller: what the characteristics mean (see `cp_accounts`), and reading the file.
Spec: OMA-WAP-TS-ProvCont-V1_1, 5 (document type); OMA-WAP-TS-ProvSC-V1_1 (content of the files on a card).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from lxml import etree

from smartcard_dm import wbxml
from smartcard_dm.dm.cp_place import step
from smartcard_dm.dm.xml import parse_xml
from smartcard_dm.dm.xml_walk import canonical_octets, readable
from smartcard_dm.errors import DmError, UnsupportedError
from smartcard_dm.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from lxml.etree import _Element as LxmlElement

DEFAULT_VERSION: Final = "1.0"
"""What a document without the attribute `version` has."""

_STRUCTURE: Final = "provisioning document"
_ROOT: Final = "wap-provisioningdoc"
_CHARACTERISTIC: Final = "characteristic"
_PARM: Final = "parm"
_VERSIONS: Final = frozenset({"1.0", "1.1"})
_NAMED_BY: Final = {_CHARACTERISTIC: "type", _PARM: "name"}
"""The attribute that tells what an element is; it has to be there."""
_PADDING: Final = b"\xff\x00"
_WBXML_VERSIONS: Final = frozenset({0x01, 0x02, 0x03})
_XML_START: Final = 0x3C
"""The character `<`."""
_XML_SPACE: Final = " \t\r\n"
_XML_TEXT: Final = re.compile(r"[\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]*")


def text_fault(text: str, *, empty: bool) -> str | None:
    """Say why a text cannot stand in a document, or return None.

    Args:
        text: a type, a name or a value.
        empty: whether it may be empty.
    """
    if not text and not empty:
        return "the text is empty"
    if not _XML_TEXT.fullmatch(text):
        return "the text has characters that XML cannot hold"
    return None


def _check(text: str, *, empty: bool) -> None:
    fault = text_fault(text, empty=empty)
    if fault is not None:
        raise ValueError(fault)


@dataclass(frozen=True, slots=True)
class Parm:
    """One parameter.

    Raises:
        ValueError: the name is empty, or a text has characters that XML cannot hold.
    """

    name: str
    """Case counts."""
    value: str | None = field(default=None, repr=False)
    """In clear, a password too; None for a parm that says something by being there, such as INIT."""

    def __post_init__(self) -> None:
        _check(self.name, empty=False)
        _check(self.value or "", empty=True)


@dataclass(frozen=True, slots=True)
class Characteristic:
    """A group of parameters.

    Raises:
        ValueError: the type is empty, or has characters that XML cannot hold.
    """

    type: str
    """Case counts."""
    parms: tuple[Parm, ...] = ()
    """In their order; one name may stand several times."""
    characteristics: tuple[Characteristic, ...] = ()
    """Those inside, in their order; how they and the parms were mixed is not kept, and means nothing."""

    def __post_init__(self) -> None:
        _check(self.type, empty=False)


@dataclass(frozen=True, slots=True)
class ProvisioningDocument:
    """A whole document.

    Raises:
        ValueError: the version is neither 1.0 nor 1.1.
    """

    version: str = DEFAULT_VERSION
    characteristics: tuple[Characteristic, ...] = ()

    def __post_init__(self) -> None:
        if self.version not in _VERSIONS:
            raise ValueError("the version of a provisioning document is 1.0 or 1.1")

    @property
    def empty(self) -> bool:
        """Whether it says nothing: a file of nothing but padding reads as such a document."""
        return not self.characteristics


def parse_provisioning_document(octets: bytes, *, limits: Limits = DEFAULT_LIMITS) -> ProvisioningDocument:
    """Read the content of a Bootstrap, Config1 or Config2 file.

    The first octet tells WBXML (01, 02, 03) from XML text (3C). FF and 00 at the end are padding: neither form of a
    document ends with them.

    Args:
        octets: the file, padding included.
        limits: bounds of both forms.

    Raises:
        DmError: neither form, or a malformed document; the characteristic or parm is named.
        LimitExceededError: too large or too deep.
        UnsupportedError: another version, or a WBXML document that is deliberately not handled.
        WbxmlError: the WBXML document is malformed.

    Spec: OMA-WAP-TS-ProvCont-V1_1, 5.
    """
    content = octets.rstrip(_PADDING)
    if not content:
        return ProvisioningDocument()
    if content[0] in _WBXML_VERSIONS:
        xml = wbxml.to_xml(content, limits=limits)
    elif content[0] == _XML_START:
        xml = content
    else:
        wanted = "01, 02 or 03 (WBXML), 3C (XML), or padding only"
        raise DmError(_STRUCTURE, "not a document", offset=0, wanted=wanted, found=f"{content[0]:02X}")
    root = parse_xml(xml, root=_ROOT, structure=_STRUCTURE, limits=limits).element
    attributes = _attributes(root, {"version"})
    version = attributes.get("version", DEFAULT_VERSION)
    if version not in _VERSIONS:
        raise UnsupportedError(f"provisioning document version {version[:20]!r}", "1.0 and 1.1 are read")
    return ProvisioningDocument(version, tuple(map(_characteristic, _inside(root, {_CHARACTERISTIC}))))


def build_provisioning_document(document: ProvisioningDocument) -> bytes:
    """Return the XML form of a document, in canonical form; `wbxml.from_xml` makes the WBXML form of it.

    The result holds the secrets in clear.

    Spec: OMA-WAP-TS-ProvCont-V1_1, 5.
    """
    root = etree.Element(_ROOT, {"version": document.version})
    for characteristic in document.characteristics:
        _add(root, characteristic)
    return canonical_octets(root)


def _add(parent: LxmlElement, characteristic: Characteristic) -> None:
    element = etree.SubElement(parent, _CHARACTERISTIC, {"type": characteristic.type})
    for parm in characteristic.parms:
        child = etree.SubElement(element, _PARM, {"name": parm.name})
        if parm.value is not None:
            child.set("value", parm.value)
    for below in characteristic.characteristics:
        _add(element, below)


def _characteristic(element: LxmlElement) -> Characteristic:
    type_ = _attributes(element, {"type"})["type"]
    parms: list[Parm] = []
    characteristics: list[Characteristic] = []
    for child in _inside(element, {_CHARACTERISTIC, _PARM}):
        if child.tag == _PARM:
            parms.append(_parm(child))
        else:
            characteristics.append(_characteristic(child))
    return Characteristic(type_, tuple(parms), tuple(characteristics))


def _parm(element: LxmlElement) -> Parm:
    attributes = _attributes(element, {"name", "value"})
    _inside(element, set())
    return Parm(attributes["name"], attributes.get("value"))


def _attributes(element: LxmlElement, known: set[str]) -> dict[str, str]:
    """Return the attributes of an element.

    Raises:
        DmError: one is not known, or the one that names the element is missing or empty.
    """
    attributes = {str(key): str(value) for key, value in element.attrib.items()}
    unknown = attributes.keys() - known
    if unknown:
        found = f"attribute {min(unknown)[:40]!r}"
        raise DmError(_STRUCTURE, "unknown attribute", place=_place(element), wanted=_listed(known), found=found)
    needed = _NAMED_BY.get(str(element.tag))
    if needed is not None and not attributes.get(needed):
        raise DmError(_STRUCTURE, f"the attribute {needed} is missing or empty", place=_place(element))
    return attributes


def _inside(element: LxmlElement, allowed: set[str]) -> list[LxmlElement]:
    """Return the elements inside; white space between them is ignored.

    Raises:
        DmError: text stands between them, or one has a name that is not allowed there.
    """
    children = element[:]
    for child in children:
        if child.tag not in allowed:
            wanted = _listed(allowed) or "nothing"
            found = readable(str(child.tag))
            raise DmError(_STRUCTURE, "an element out of place", place=_place(element), wanted=wanted, found=found)
    if any(text is not None and text.strip(_XML_SPACE) for text in (element.text, *(child.tail for child in children))):
        raise DmError(_STRUCTURE, "text stands where only elements belong", place=_place(element))
    return children


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))


def _place(element: LxmlElement) -> str:
    """Work out a place from the tree; this counts siblings, so it is for the one element that an error names."""
    found: list[str] = []
    parent = element.getparent()
    while parent is not None:
        kind = str(element.tag)
        name = element.get(_NAMED_BY[kind])
        twins = [each for each in parent if each.tag == kind and each.get(_NAMED_BY[kind]) == name]
        found.append(step(kind, name, twins.index(element) + 1, len(twins)))
        element, parent = parent, parent.getparent()
    return "/".join(reversed(found)) or _ROOT
