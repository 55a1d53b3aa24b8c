"""Reading what commands and headers are made of: items, data, metadata, locations, credentials.

Guarantees: as in `message_read`. Leaves to its caller: where these parts may stand.
Spec: OMA-TS-DM_RepPro-V1_2_1, 5 (common use, data, metadata elements).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from smartcard_dm.dm.message import Credential, EncryptedContent, InlineTree, Item, Meta, TextData
from smartcard_dm.dm.namespaces import DDF_NS, METINF_NS, SYNCML_NS, XMLDSIG_NS, XMLENC_NS
from smartcard_dm.dm.xml_walk import clark, readable
from smartcard_dm.errors import UnsupportedError
from smartcard_dm.secret import Secret

if TYPE_CHECKING:
    from smartcard_dm.dm.message import ItemData
    from smartcard_dm.dm.xml_walk import Children, XmlElement

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

_TEXT_FIELDS: Final = {clark(METINF_NS, name): field for name, field in META_TEXTS.items()}
_NUMBER_FIELDS: Final = {clark(METINF_NS, name): field for name, field in META_NUMBERS.items()}
_DECIMAL: Final = re.compile(r"[0-9]{1,10}")


def _sync(name: str) -> str:
    return clark(SYNCML_NS, name)


def read_location(element: XmlElement) -> tuple[str, str | None]:
    """Read LocURI and LocName of a Target or a Source.

    Raises:
        DmError: LocURI is missing or empty, or something else is there.
        UnsupportedError: a Filter is there.
    """
    walk = element.children()
    uri = walk.required_text(_sync("LocURI"))
    name = walk.optional_text(_sync("LocName"))
    walk.end()
    return uri, name


def _optional_location(walk: Children, name: str) -> tuple[str | None, str | None]:
    element = walk.optional(_sync(name))
    return read_location(element) if element is not None else (None, None)


def read_optional_meta(walk: Children) -> Meta | None:
    """Read the next element when it is a Meta."""
    element = walk.optional(_sync("Meta"))
    return read_meta(element) if element is not None else None


def read_meta(element: XmlElement) -> Meta:
    """Read a Meta; its elements may stand in any order, each once, bare or inside one MetInf.

    Raises:
        DmError: an element occurs twice, or a size is not a number.
        UnsupportedError: an element of the metadata DTD that device management does not use.
    """
    walk = element.children()
    if (wrapper := walk.optional(clark(METINF_NS, "MetInf"))) is not None:
        walk.end()
        walk = wrapper.children()
    values: dict[str, Any] = {}  # text or number, by field of Meta; the two tables say which
    while walk.next_tag is not None:
        child = walk.take()
        field = _TEXT_FIELDS.get(child.tag) or _NUMBER_FIELDS.get(child.tag)
        if field is None:
            raise _unknown_meta(child)
        if field in values:
            raise child.fault("the element occurs twice", wanted="one")
        values[field] = child.text() if child.tag in _TEXT_FIELDS else _read_number(child)
    return Meta(**values)


def _unknown_meta(child: XmlElement) -> Exception:
    if child.tag.startswith(clark(METINF_NS, "")):
        return UnsupportedError(f"element {readable(child.tag)}", f"{child.structure} at {child.place}")
    return child.fault("not an element of metadata", wanted=f"namespace {METINF_NS}", found=readable(child.tag))


def _read_number(element: XmlElement) -> int:
    text = element.text()
    if not _DECIMAL.fullmatch(text):
        raise element.fault("not a number of octets", wanted="decimal", found=repr(text[:20]))
    return int(text)


def read_credential(element: XmlElement) -> Credential:
    """Read a Cred.

    Raises:
        DmError: its Data is missing, or something else is there.
    """
    walk = element.children()
    meta = read_optional_meta(walk)
    data = walk.required(_sync("Data")).text()
    walk.end()
    return Credential(Secret(data.encode()), meta)


def read_item(element: XmlElement) -> Item:
    """Read an Item.

    Raises:
        DmError: an element is out of place, or Data holds something else than text, MgmtTree or EncryptedData.
        UnsupportedError: SourceParent or TargetParent is there, or Data holds a signature.
    """
    walk = element.children()
    target, target_name = _optional_location(walk, "Target")
    source, source_name = _optional_location(walk, "Source")
    meta = read_optional_meta(walk)
    data = walk.optional(_sync("Data"))
    more_data = walk.flag(_sync("MoreData"))
    walk.end()
    return Item(
        target=target,
        source=source,
        meta=meta,
        data=_read_data(data) if data is not None else None,
        more_data=more_data,
        target_name=target_name,
        source_name=source_name,
        place=element.place,
    )


def _read_data(element: XmlElement) -> ItemData:
    if len(element.element) == 0:
        return TextData(element.text())
    walk = element.children()
    content = walk.take()
    if content.tag == clark(XMLDSIG_NS, "Signature"):
        raise UnsupportedError("signed content inside Data", f"{element.structure} at {content.place}")
    walk.end()
    if content.tag == clark(DDF_NS, "MgmtTree"):
        return InlineTree(content.canonical())
    if content.tag == clark(XMLENC_NS, "EncryptedData"):
        return EncryptedContent(content.canonical())
    raise content.fault("unknown content of Data", wanted="text, MgmtTree", found=readable(content.tag))
