"""Cutting a composed message at its variables.

Guarantees: `compile_template(octets).fill({})` gives a document without variables back octet for octet, `$${` apart;
a variable that would stand in markup, or where no value could be checked, is refused. Leaves to its caller: composing.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

from smartcard_dm import wbxml
from smartcard_dm.dm.formats import NodeFormat, decode_base64
from smartcard_dm.dm.namespaces import DDF_NS, METINF_NS, MIME_TNDS_WBXML, MIME_TNDS_XML, SYNCML_NS
from smartcard_dm.errors import DecodeError, DmError, UnsupportedError
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.server.markup import canonical, local_name, parse_markup
from smartcard_dm.server.template import STRUCTURE, DocumentSlot, Kind, Nesting, Slot, Template, TextSlot
from smartcard_dm.server.variables import Variable, pieces, sole_variable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml import etree

    from smartcard_dm.limits import Limits

_BINARY: Final = frozenset(each.value for each in NodeFormat if each.is_binary)
_LOC_URI: Final = f"{{{SYNCML_NS}}}LocURI"
_DATA: Final = f"{{{SYNCML_NS}}}Data"
_ITEM: Final = f"{{{SYNCML_NS}}}Item"
_META: Final = f"{{{SYNCML_NS}}}Meta"
_NAMES: Final = frozenset({f"{{{DDF_NS}}}NodeName", f"{{{DDF_NS}}}Path"})
_ACL: Final = f"{{{DDF_NS}}}ACL"
_VALUE: Final = f"{{{DDF_NS}}}Value"
_SIGN: Final = "$"
_ACL_PROPERTY: Final = "?prop=ACL"


def compile_template(xml: bytes, *, limits: Limits = DEFAULT_LIMITS) -> Template:
    """Return the template of a composed message.

    Args:
        xml: a message in canonical XML, as `compose` gives it; its texts hold `${name}` where variables are.
        limits: bounds of a TNDS object embedded as WBXML.

    Raises:
        DmError: `${` without a name and `}`, or a variable where none may stand.
    """
    return _compiled(xml, limits, "")


def _compiled(xml: bytes, limits: Limits, above: str) -> Template:
    root = parse_markup(xml)
    mark = f"@{hashlib.sha256(xml).hexdigest()[:24]}:"
    slots: list[Slot] = []
    for element in root.iter():
        slot = _slot(element, limits, above)
        if slot is not None:
            element.text = f"{mark}{len(slots)}@"
            slots.append(slot)
    octets = canonical(root)
    cut = re.split(re.escape(mark).encode() + b"([0-9]+)@", octets)
    if [int(number) for number in cut[1::2]] != list(range(len(slots))):
        raise AssertionError("a variable stands outside text")
    return Template(tuple(cut[::2]), tuple(slots))


def _slot(element: etree._Element, limits: Limits, above: str) -> Slot | None:
    """Return what the text of an element becomes; None when it is the same in every message."""
    text = element.text
    if not text or len(element):
        return None
    if element.tag == _DATA:
        nested = _nested(element, text, limits, above)
        if nested is not None or _type(element) in {MIME_TNDS_XML, MIME_TNDS_WBXML}:
            return nested
    place = f"{above}{_place(element)}"
    if _format(element) in _BINARY:
        return _octets_slot(text, place)
    if _SIGN not in text:
        return None
    found = pieces(text, structure=STRUCTURE, place=place)
    return None if found == (text,) else TextSlot(found, _kind(element), place)


def _octets_slot(text: str, place: str) -> Slot | None:
    """Return the slot of a binary value: one variable, written as it is or as Base64 of itself."""
    if not sole_variable(text):
        if "${" in text:
            raise DmError(STRUCTURE, "octets are one variable or none", place=place)
        try:
            text = decode_base64(text, structure=STRUCTURE, place=place).decode()
        except (DecodeError, UnicodeDecodeError):
            return None
    if not sole_variable(text):
        return None
    return TextSlot((Variable(text[2:-1]),), Kind.OCTETS, place)


def _nested(data: etree._Element, text: str, limits: Limits, above: str) -> Slot | None:
    """Return the slot of a TNDS object in Data; None when it is none, or has no variables."""
    type_ = _type(data)
    if type_ not in {MIME_TNDS_XML, MIME_TNDS_WBXML}:
        return None
    nesting = Nesting.XML if type_ == MIME_TNDS_XML else Nesting.WBXML
    place = f"{above}{_place(data)}"
    if nesting is Nesting.XML and _SIGN not in text:
        return None
    try:
        if nesting is Nesting.XML:
            octets = text.encode()
        else:
            octets = wbxml.to_xml(decode_base64(text, structure=STRUCTURE, place=place), limits=limits)
        document = _compiled(octets, limits, place)
    except DmError as error:
        if error.structure == STRUCTURE:
            raise
        return None  # broken, which lint says better
    except (DecodeError, UnsupportedError):
        return None
    return DocumentSlot(document, nesting, place) if document.slots else None


def _kind(element: etree._Element) -> Kind:
    if element.tag in _NAMES:
        return Kind.NODE_NAME
    if element.tag == _ACL:
        return Kind.ACL
    item = element.getparent()
    if element.tag == _LOC_URI and item is not None and item.getparent() is not None:
        # A location of an item addresses nodes; those of the header name a device and a server.
        above = item.getparent()
        return Kind.NODE_NAME if above is not None and above.tag == _ITEM else Kind.TEXT
    if element.tag == _DATA and item is not None:
        target = item.find(f"{{{SYNCML_NS}}}Target/{_LOC_URI}")
        if target is not None and (target.text or "").endswith(_ACL_PROPERTY):
            return Kind.ACL
    return Kind.TEXT


def _format(element: etree._Element) -> str:
    """Return the Format in force for a text that is a value; empty for any other."""
    if element.tag == _DATA:
        return _metadata(element, "Format")
    node = element.getparent()
    if element.tag != _VALUE or node is None:
        return ""
    format_ = node.find(f"{{{DDF_NS}}}RTProperties/{{{DDF_NS}}}Format")
    return "" if format_ is None or not len(format_) else local_name(format_[0])


def _type(data: etree._Element) -> str:
    return _metadata(data, "Type").lower()


def _metadata(data: etree._Element, name: str) -> str:
    """Return a text of the Meta in force: the item's own, else its command's."""
    for owner in _owners(data):
        found = owner.find(f"{_META}//{{{METINF_NS}}}{name}")
        if found is not None:
            return found.text or ""
    return ""


def _owners(data: etree._Element) -> Iterator[etree._Element]:
    item = data.getparent()
    if item is not None and item.tag == _ITEM:
        yield item
        command = item.getparent()
        if command is not None:
            yield command


def _place(element: etree._Element) -> str:
    """Return an XML path; indices only where a name repeats."""
    steps: list[str] = []
    here: etree._Element | None = element
    while here is not None:
        above = here.getparent()
        same = [] if above is None else above.findall(str(here.tag))
        steps.append(local_name(here) + (f"[{same.index(here) + 1}]" if len(same) > 1 else ""))
        here = above
    return "/" + "/".join(reversed(steps))
