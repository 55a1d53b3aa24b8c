"""Reading what commands and headers are made of: items, data, metadata, locations, credentials.

Guarantees: as in `message_read`. Leaves to its caller: where these parts may stand.
Spec: OMA-TS-DM_RepPro-V1_2_1, 5 (common use, data, metadata elements).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from smartcard_dm.dm.message import Credential, EncryptedContent, InlineTree, Item, Meta, TextData
from smartcard_dm.dm.namespaces import DDF_NS, METINF_NS, SYNCML_NS, XMLDSIG_NS, XMLENC_NS
from smartcard_dm.dm.xml_model import Model, at, flag, maybe, one, read_elements, read_filled, read_later, read_text
from smartcard_dm.dm.xml_walk import canonical_octets, clark, out_of_place, readable, wishes
from smartcard_dm.errors import UnsupportedError
from smartcard_dm.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.etree import _Element as LxmlElement

    from smartcard_dm.dm.message import ItemData
    from smartcard_dm.dm.xml_model import Reader
    from smartcard_dm.dm.xml_walk import Document, XmlElement

META_TEXTS: Final = {
    "Format": "format",
    "Type": "type",
    "Mark": "mark",
    "Version": "version",
    "NextNonce": "next_nonce",
    "EMI": "emi",
}
"""Elements of Meta that hold text, and the fields they fill."""
META_NUMBERS: Final = {"Size": "size", "MaxMsgSize": "max_msg_size", "MaxObjSize": "max_obj_size"}
"""Elements of Meta that hold a number of octets, and the fields they fill."""

_DECIMAL: Final = re.compile(r"[0-9]{1,10}")
_MET_INF: Final = clark(METINF_NS, "MetInf")
_SIGNATURE: Final = clark(XMLDSIG_NS, "Signature")
_EMBEDDED: Final[Mapping[object, type[InlineTree | EncryptedContent]]] = {
    clark(DDF_NS, "MgmtTree"): InlineTree,
    clark(XMLENC_NS, "EncryptedData"): EncryptedContent,
}


def sync(name: str) -> str:
    """Return the tag of an element of messages."""
    return clark(SYNCML_NS, name)


_LOCATION: Final = Model(one(sync("LocURI"), read_filled), maybe(sync("LocName"), read_text))
read_location: Final = _LOCATION.read
"""Read a Target or a Source; the values are LocURI and LocName or None."""


def read_meta(element: LxmlElement, document: Document) -> Meta:
    """Read a Meta; its elements may stand in any order, each once, bare or inside one MetInf.

    Raises:
        DmError: an element occurs twice, or a size is not a number.
        UnsupportedError: an element of the metadata DTD that device management does not use.
    """
    elements = read_elements(element, document)
    if elements and elements[0].tag == _MET_INF:
        _refuse_second(elements, document)
        elements = read_elements(elements[0], document)
    values: dict[str, Any] = {}  # text or number, by field of Meta; the table says which
    for child in elements:
        known = _META_FIELDS.get(child.tag)
        if known is None:
            raise _unknown_meta(at(child, document))
        name, read = known
        if name in values:
            raise at(child, document).fault("the element occurs twice", wanted="one")
        values[name] = read(child, document)
    return Meta(**values)


def _refuse_second(elements: list[LxmlElement], document: Document) -> None:
    if len(elements) > 1:
        raise out_of_place(at(elements[1], document), wishes(()))


def _unknown_meta(child: XmlElement) -> Exception:
    if child.tag.startswith(clark(METINF_NS, "")):
        return UnsupportedError(f"element {readable(child.tag)}", f"{child.structure} at {child.place}")
    return child.fault("not an element of metadata", wanted=f"namespace {METINF_NS}", found=readable(child.tag))


def _read_number(element: LxmlElement, document: Document) -> int:
    text = read_text(element, document)
    if not _DECIMAL.fullmatch(text):
        raise at(element, document).fault("not a number of octets", wanted="decimal", found=repr(text[:20]))
    return int(text)


_META_FIELDS: Final[Mapping[object, tuple[str, Reader]]] = {
    **{clark(METINF_NS, name): (field, read_text) for name, field in META_TEXTS.items()},
    **{clark(METINF_NS, name): (field, _read_number) for name, field in META_NUMBERS.items()},
}

_CREDENTIAL: Final = Model(maybe(sync("Meta"), read_meta), one(sync("Data"), read_text))


def read_credential(element: LxmlElement, document: Document) -> Credential:
    """Read a Cred.

    Raises:
        DmError: its Data is missing, or something else is there.
    """
    meta, data = _CREDENTIAL.read(element, document)
    return Credential(Secret(data.encode()), meta)


_ITEM: Final = Model(
    maybe(sync("Target"), read_location),
    maybe(sync("Source"), read_location),
    maybe(sync("Meta"), read_meta),
    maybe(sync("Data"), read_later),
    flag(sync("MoreData")),
)
_NO_LOCATION: Final = (None, None)


def read_item(element: LxmlElement, document: Document, place: str) -> Item:
    """Read an Item.

    Raises:
        DmError: an element is out of place, or Data holds something else than text, MgmtTree or EncryptedData.
        UnsupportedError: SourceParent or TargetParent is there, or Data holds a signature.
    """
    target, source, meta, data, more_data = _ITEM.read(element, document)
    target_uri, target_name = target or _NO_LOCATION
    source_uri, source_name = source or _NO_LOCATION
    content = None if data is None else _read_data(data, document)
    # By position: by name the call takes half as long again, and no value is made more often.
    return Item(target_uri, source_uri, meta, content, more_data, target_name, source_name, place)


def _read_data(element: LxmlElement, document: Document) -> ItemData:
    if len(element) == 0:
        return TextData(read_text(element, document))
    elements = read_elements(element, document)
    content = elements[0]
    if content.tag == _SIGNATURE:
        where = at(content, document)
        raise UnsupportedError("signed content inside Data", f"{where.structure} at {where.place}")
    _refuse_second(elements, document)
    embedded = _EMBEDDED.get(content.tag)
    if embedded is None:
        where = at(content, document)
        raise where.fault("unknown content of Data", wanted="text, MgmtTree", found=readable(where.tag))
    return embedded(canonical_octets(content))
