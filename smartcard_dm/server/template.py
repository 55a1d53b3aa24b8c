"""A message with variables: compiled once, filled for each device.

The composed message is cut at its variables, so that filling it is a concatenation. A variable stands in text only:
markup is never parsed again, and a value is written as Canonical XML writes text, as often as the text around it is
nested (a TNDS object as text is escaped twice, one as WBXML is encoded again, octets stay Base64). What a value must
not change is held by place: the number of segments of a node URI, the servers that an ACL names, the octets of `bin`.

Guarantees: a template is a frozen value of texts that can be sent to another process; `fill` gives canonical XML, or
one error that names the variable and never a value. Leaves to its caller: lint of what was filled, signing, encoding.

Spec: Canonical XML 1.0, 2.3 (text nodes); docs/issuing.md (variables).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from smartcard_dm import wbxml
from smartcard_dm.dm import NodeUri, parse_server_id
from smartcard_dm.dm.formats import decode_base64, encode_base64
from smartcard_dm.dm.uri import segment_fault
from smartcard_dm.errors import DecodeError, DmError
from smartcard_dm.server.variables import Variable
from smartcard_dm.xmlsec import CanonicalXml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

STRUCTURE: Final = "template"
_XML_TEXT: Final = re.compile(r"[\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]*")


class Kind(Enum):
    """What the text around a variable is, and so what a value may be."""

    TEXT = "text"
    """Any text XML can hold."""
    NODE_NAME = "node name"
    """A node name, or a part of a node URI: never another segment."""
    ACL = "ACL"
    """A ServerID in an ACL: never another server or another command."""
    OCTETS = "octets"
    """Base64, where the Format is bin or b64."""


class Nesting(Enum):
    """How a document stands inside another one."""

    XML = "xml"
    """As text."""
    WBXML = "wbxml"
    """As Base64 of its WBXML form."""


@dataclass(frozen=True, slots=True)
class TextSlot:
    """A text with variables."""

    pieces: tuple[str | Variable, ...]
    kind: Kind
    place: str
    """XML path of the element that holds it."""


@dataclass(frozen=True, slots=True)
class DocumentSlot:
    """A document with variables inside a text."""

    document: Template
    nesting: Nesting
    place: str


Slot = TextSlot | DocumentSlot


@dataclass(frozen=True, slots=True)
class Template:
    """A composed message, cut at its variables; made by `compile_template`."""

    constants: tuple[bytes, ...]
    """Octets between the slots, one more than there are slots."""
    slots: tuple[Slot, ...]

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of its variables, each once, in the order in which they first stand."""
        return tuple(dict.fromkeys(_names(self)))

    def fill(self, values: Mapping[str, str]) -> CanonicalXml:
        """Return the message with a value for each variable, in canonical XML; values of no variable are passed over.

        Args:
            values: by the names of the variables.

        Raises:
            DmError: a variable has no value, or one that cannot stand in its place.
            WbxmlError: a TNDS object has no WBXML form with these values.
        """
        try:
            return CanonicalXml(_filled(self, values))
        except KeyError:
            missing = [name for name in self.variables if name not in values]
            raise DmError(STRUCTURE, "variables without a value", found=", ".join(missing)) from None


def _names(template: Template) -> Iterator[str]:
    for slot in template.slots:
        if isinstance(slot, DocumentSlot):
            yield from _names(slot.document)
        else:
            yield from (piece.name for piece in slot.pieces if isinstance(piece, Variable))


def _filled(template: Template, values: Mapping[str, str]) -> bytes:
    parts = [template.constants[0]]
    for slot, constant in zip(template.slots, template.constants[1:], strict=True):
        text = _text(slot, values) if isinstance(slot, TextSlot) else _document(slot, values)
        parts += (escaped(text), constant)
    return b"".join(parts)


def _document(slot: DocumentSlot, values: Mapping[str, str]) -> str:
    octets = _filled(slot.document, values)
    return octets.decode() if slot.nesting is Nesting.XML else encode_base64(wbxml.from_xml(octets))


def _text(slot: TextSlot, values: Mapping[str, str]) -> str:
    return "".join(
        piece if isinstance(piece, str) else _value(piece.name, values[piece.name], slot) for piece in slot.pieces
    )


def _value(name: str, value: str, slot: TextSlot) -> str:
    fault = _fault(value, slot)
    if fault is not None:
        raise DmError(STRUCTURE, f"the value of {name} cannot stand here: {fault}", place=slot.place)
    return value


def _fault(value: str, slot: TextSlot) -> str | None:
    """Say why a value cannot stand in a slot, or return None; the value is not shown: it may be a secret."""
    if not _XML_TEXT.fullmatch(value):
        return "it has characters that XML cannot hold"
    try:
        return _FAULTS[slot.kind](value, slot)
    except DecodeError as error:
        return error.detail


def _no_fault(_value: str, _slot: TextSlot) -> None:
    return None


def _name_fault(value: str, slot: TextSlot) -> str | None:
    if len(slot.pieces) == 1 and slot.place.endswith("LocURI"):
        NodeUri.parse(value)
        return None
    return segment_fault(value)


def _acl_fault(value: str, _slot: TextSlot) -> None:
    parse_server_id(value)


def _octets_fault(value: str, slot: TextSlot) -> None:
    decode_base64(value, structure=STRUCTURE, place=slot.place)


_FAULTS: Final = {
    Kind.TEXT: _no_fault,
    Kind.NODE_NAME: _name_fault,
    Kind.ACL: _acl_fault,
    Kind.OCTETS: _octets_fault,
}


def escaped(text: str) -> bytes:
    """Return a text as Canonical XML writes it."""
    if "&" in text or "<" in text or ">" in text or "\r" in text:
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#xD;")
    return text.encode()
