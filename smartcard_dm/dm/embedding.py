"""The three ways in which an item carries a TNDS object.

Guarantees: the three give equal values for one object; a Type that contradicts the content is refused.
Leaves to its caller: what the object is for.
Spec: OMA-TS-DM_TNDS-V1_2, 6.1.3 and its MIME registrations; OMA-TS-DM_TND-V1_2_1, 8.1 (code page 2).
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from smartcard_dm import wbxml
from smartcard_dm.dm.formats import decode_base64, encode_base64
from smartcard_dm.dm.message import InlineTree, Item, Meta, TextData
from smartcard_dm.dm.namespaces import MIME_TNDS_WBXML, MIME_TNDS_XML
from smartcard_dm.dm.tnds_read import parse_tnds
from smartcard_dm.dm.tnds_write import build_tnds
from smartcard_dm.errors import DmError
from smartcard_dm.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from smartcard_dm.dm.tnds import TndsDocument

_STRUCTURE: Final = "TNDS embedding"
_TYPES: Final = frozenset({MIME_TNDS_XML, MIME_TNDS_WBXML})


class Embedding(Enum):
    """How a TNDS object stands in an item."""

    XML = "xml"
    """The XML document as text: Format xml, Type `...dmtnds+xml`."""
    WBXML = "wbxml"
    """A whole WBXML document as octets: Format bin, Type `...dmtnds+wbxml`."""
    INLINE = "inline"
    """Elements of code page 2 inside Data: Format xml, Type `...dmtnds+xml`."""


def is_tnds(item: Item, effective_meta: Meta) -> bool:
    """Whether the item carries, or says that it carries, a TNDS object."""
    return isinstance(item.data, InlineTree) or (effective_meta.type or "").lower() in _TYPES


def extract_tnds(item: Item, effective_meta: Meta, *, limits: Limits = DEFAULT_LIMITS) -> TndsDocument:
    """Read the TNDS object of an item.

    In-line elements are accepted under either TNDS type and under Format xml or none: no document says which type
    goes with them, and a WBXML library in wide use rewrites one type text into the other.
    A WBXML document is accepted under Format bin, and under b64 as its other spelling.

    Args:
        item: the item.
        effective_meta: metadata in force, see `Item.effective_meta`.
        limits: bounds of both forms.

    Raises:
        DmError: no data, Type, Format and content contradict each other, or the object is malformed.
        LimitExceededError: too large or too deep.
        UnsupportedError: a version or elements that are deliberately not handled.
        WbxmlError: the embedded WBXML document is malformed.
    """
    kind = (effective_meta.type or "").lower()
    format_ = effective_meta.format
    place = f"{item.place}/Data"
    target = item.target or "."
    if kind not in _TYPES:
        wanted, found = f"Type {MIME_TNDS_XML} or {MIME_TNDS_WBXML}", f"Type {kind[:64]!r}"
        raise DmError(_STRUCTURE, "the Type is not one of a TNDS object", place=place, wanted=wanted, found=found)
    if isinstance(item.data, InlineTree):
        _want_format(format_, {"xml", None}, "in-line elements", place)
        return parse_tnds(item.data.octets, limits=limits, place=target)
    if not isinstance(item.data, TextData):
        raise DmError(_STRUCTURE, "the item carries no TNDS object", place=place, wanted="text or MgmtTree")
    if kind == MIME_TNDS_XML:
        _want_format(format_, {"xml"}, MIME_TNDS_XML, place)
        return parse_tnds(item.data.text.strip(" \t\r\n").encode(), limits=limits, place=target)
    _want_format(format_, {"bin", "b64"}, MIME_TNDS_WBXML, place)
    octets = decode_base64(item.data.text, structure=_STRUCTURE, place=place)
    return parse_tnds(wbxml.to_xml(octets, limits=limits), limits=limits, place=target)


def embed_tnds(document: TndsDocument, target: str, embedding: Embedding) -> Item:
    """Return an item that carries a TNDS object, with Format and Type in its own Meta.

    Raises:
        ValueError: a text has characters that XML cannot hold.
        WbxmlError: the object has no WBXML form.
    """
    octets = build_tnds(document)
    as_xml = Meta(format="xml", type=MIME_TNDS_XML)
    if embedding is Embedding.XML:
        return Item(target=target, meta=as_xml, data=TextData(octets.decode()))
    if embedding is Embedding.INLINE:
        return Item(target=target, meta=as_xml, data=InlineTree(octets))
    as_wbxml = Meta(format="bin", type=MIME_TNDS_WBXML)
    return Item(target=target, meta=as_wbxml, data=TextData(encode_base64(wbxml.from_xml(octets))))


def _want_format(found: str | None, wanted: set[str | None] | set[str], content: str, place: str) -> None:
    if found not in wanted:
        names = " or ".join(sorted(name for name in wanted if name is not None))
        detail = f"the Format contradicts {content}"
        raise DmError(_STRUCTURE, detail, place=place, wanted=names, found=repr(found)[:40])
