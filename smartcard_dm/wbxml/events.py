"""The grammar of a SyncML or DDF body, one event for each token: the only reader that knows what is allowed.

Guarantees: strict. An octet that the grammar, the token tables or the rules of design D2 do not allow is an
error with its offset; what is accepted has one canonical XML form. Leaves to its caller: that the document is
complete when the events end (`require_end`), and the size of what the events add up to.
Spec: WAP-192-WBXML, 5.8; OMA-TS-DM_RepPro-V1_2_1, 8.
"""

from __future__ import annotations

from base64 import b64encode
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from smartcard_dm.errors import LimitExceededError, WbxmlError
from smartcard_dm.wbxml.attributes import BODY, AttributeList
from smartcard_dm.wbxml.frames import Role, State
from smartcard_dm.wbxml.header import Header, Language
from smartcard_dm.wbxml.integers import read_integer
from smartcard_dm.wbxml.text import checked_text, escape_text, is_name, is_namespace, is_xml_character, shown, start_tag
from smartcard_dm.wbxml.tokens import (
    DDF_NAMESPACE,
    GLOBALS,
    HAS_ATTRIBUTES,
    HAS_CONTENT,
    NAMESPACES,
    PAGES,
    SYNCML_NAMESPACE,
    Global,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smartcard_dm.limits import Limits

_ROOTS = {
    Language.SYNCML: {(SYNCML_NAMESPACE, b"SyncML")},
    Language.DDF: {(DDF_NAMESPACE, b"MgmtTree")},
    Language.SYNCML_OR_DDF: {(SYNCML_NAMESPACE, b"SyncML"), (DDF_NAMESPACE, b"MgmtTree")},
}


STRINGS = frozenset({Global.STR_I, Global.STR_T, Global.ENTITY})
"""Tokens that stand for text wherever text may stand."""


class Kind(Enum):
    """What an event is."""

    SWITCH_PAGE = "SWITCH_PAGE"
    TAG = "TAG"
    LITERAL = "LITERAL"
    END = "END"
    STR_I = "STR_I"
    STR_T = "STR_T"
    ENTITY = "ENTITY"
    OPAQUE = "OPAQUE"


class Event(NamedTuple):
    """One token with its operands."""

    kind: Kind
    start: int
    """Offset of the token."""
    end: int
    """Offset behind its last operand."""
    xml: bytes
    """What it adds to the XML form."""
    state: State
    """Where the reader stands behind it."""


class Source(NamedTuple):
    """A document whose header was read."""

    octets: bytes
    header: Header
    language: Language
    limits: Limits
    """`wbxml_depth` and `xml_octets` are held here."""


def events(source: Source, pos: int, state: State) -> Iterator[Event]:
    """Read tokens from an offset to the end of the document.

    Args:
        source: the document.
        pos: offset of a token.
        state: where the reader stands before that token.

    Yields:
        One event for each token.

    Raises:
        WbxmlError: an octet that is not allowed where it stands.
        LimitExceededError: more elements are open than `Limits.wbxml_depth`, or an attribute list is larger than
            `Limits.xml_octets`.

    Spec: WAP-192-WBXML, 5.8.
    """
    octets = source.octets
    while pos < len(octets):
        token = octets[pos]
        if token == Global.END:
            event = _end(pos, state)
        elif token not in GLOBALS:
            event = _tag(source, pos, state)
        elif token == Global.SWITCH_PAGE:
            event = _switch(octets, pos, state)
        elif token & 0x3F == Global.LITERAL:
            event = _literal(source, pos, state)
        else:
            event = _text(source, pos, state)
        yield event
        pos, state = event.end, event.state


def require_end(source: Source, state: State) -> None:
    """Refuse a document that ends before its root element does.

    Raises:
        WbxmlError: an element is open, or there is none.
    """
    if state.frame.role is not Role.CLOSED:
        where = "before its root element" if state.frame.role is Role.DOCUMENT else f"inside {state.frame.path()}"
        raise WbxmlError(BODY, f"the document ends {where}", offset=len(source.octets))


def _end(pos: int, state: State) -> Event:
    frame = state.frame
    if state.pending:
        raise WbxmlError(BODY, "a page switch stands before END", offset=pos, wanted="a tag", found="01")
    if not frame.depth:
        raise WbxmlError(BODY, "END without an open element", offset=pos, found="01")
    return Event(Kind.END, pos, pos + 1, b"</" + frame.name + b">", frame.close().state(state.page))


def _switch(octets: bytes, pos: int, state: State) -> Event:
    if state.frame.role is Role.CLOSED:
        raise WbxmlError(BODY, "octets after the root element", offset=pos, found="00")
    if state.pending:
        raise WbxmlError(BODY, "two page switches in a row", offset=pos, wanted="a tag", found="00")
    if pos + 1 >= len(octets):
        raise WbxmlError(BODY, "the document ends inside a page switch", offset=pos + 1, wanted="a page")
    page = octets[pos + 1]
    if page >= len(PAGES):
        raise WbxmlError(BODY, "unknown code page", offset=pos + 1, wanted="00, 01 or 02", found=f"{page:02X}")
    return Event(Kind.SWITCH_PAGE, pos, pos + 2, b"", state.frame.state(page, pending=True))


def _tag(source: Source, pos: int, state: State) -> Event:
    token = source.octets[pos]
    name = PAGES[state.page].get(token & 0x3F)
    if name is None:
        raise WbxmlError(BODY, f"no such tag on code page {state.page}", offset=pos, found=f"{token:02X}")
    if token & HAS_ATTRIBUTES:
        raise WbxmlError(BODY, f"attributes on {name.decode()}, which has none", offset=pos, found=f"{token:02X}")
    namespace = NAMESPACES[state.page]
    literal = state.frame.literal_namespace
    return _element(source, Kind.TAG, (pos, pos + 1), state, (name, namespace, literal, {}))


def _element(
    source: Source,
    kind: Kind,
    span: tuple[int, int],
    state: State,
    what: tuple[bytes, bytes, bytes, dict[bytes, bytes]],
) -> Event:
    start, end = span
    name, namespace, literal, attributes = what
    frame = state.frame
    if frame.role is Role.CLOSED:
        raise WbxmlError(BODY, "octets after the root element", offset=start, found=f"{source.octets[start]:02X}")
    if frame.role is Role.DOCUMENT and (namespace, name) not in _ROOTS[source.language]:
        raise WbxmlError(
            BODY,
            f"the root element of {source.language.value} is another one",
            offset=start,
            wanted=" or ".join(sorted(root.decode() for _, root in _ROOTS[source.language])),
            found=shown(name),
        )
    if frame.depth >= source.limits.wbxml_depth:
        raise LimitExceededError(BODY, "wbxml_depth", source.limits.wbxml_depth, offset=start)
    opened = frame.open(name, namespace, literal)
    xml = start_tag(name, namespace, frame.namespace, attributes)
    if source.octets[start] & HAS_CONTENT:
        return Event(kind, start, end, xml, opened.state(state.page))
    return Event(kind, start, end, xml + b"</" + name + b">", opened.close().state(state.page))


def _literal(source: Source, pos: int, state: State) -> Event:
    octets = source.octets
    name, end = _name(source, pos + 1)
    attributes: dict[bytes, bytes] = {}
    if octets[pos] & HAS_ATTRIBUTES:
        attributes, end = _attributes(source, end)
    namespace = attributes.pop(b"xmlns", None)
    if namespace is None:
        namespace = state.frame.literal_namespace
        if not namespace:
            raise WbxmlError(
                BODY,
                f"the literal element {shown(name)} has no namespace",
                offset=pos,
                wanted="an xmlns attribute on it or on a literal element around it",
            )
    elif namespace in NAMESPACES or not is_namespace(namespace):
        raise WbxmlError(
            BODY,
            f"the namespace of the literal element {shown(name)} cannot be used",
            offset=pos,
            wanted="a plain absolute URI, not that of a code page",
            found=shown(namespace),
        )
    return _element(source, Kind.LITERAL, (pos, end), state, (name, namespace, namespace, attributes))


def _name(source: Source, pos: int) -> tuple[bytes, int]:
    index, end = read_integer(source.octets, pos, BODY)
    name = source.header.string(index, pos)
    if not is_name(name):
        raise WbxmlError(BODY, "a literal is not an XML name without prefix", offset=pos, found=shown(name))
    return name, end


def _attributes(source: Source, pos: int) -> tuple[dict[bytes, bytes], int]:
    """Read an attribute list with its END; SyncML has no attribute tokens, so each name is a literal."""
    octets = source.octets
    attributes = AttributeList(source.limits)
    while pos < len(octets):
        start, token = pos, octets[pos]
        if token == Global.END:
            if attributes.empty:
                raise WbxmlError(BODY, "an attribute list is empty", offset=pos, found="01")
            return attributes.joined(), pos + 1
        if token == Global.LITERAL:
            name, pos = _name(source, pos + 1)
            attributes.begin(name, b"", start)
        elif token in STRINGS and not attributes.empty:
            piece, pos = string(source, pos)
            attributes.add(piece, start)
        else:
            raise WbxmlError(
                BODY,
                "unexpected octet in an attribute list",
                offset=pos,
                wanted="a literal name, a string, an entity or END",
                found=f"{token:02X}",
            )
    raise WbxmlError(BODY, "the document ends inside an attribute list", offset=len(octets))


def string(source: Source, pos: int) -> tuple[bytes, int]:
    """Read STR_I, STR_T or ENTITY and return its text and the position behind it.

    Raises:
        WbxmlError: it is cut short, points outside the string table, or is not legal XML text.

    Spec: WAP-192-WBXML, 5.8.4.1 and 5.8.4.4.
    """
    octets = source.octets
    token = octets[pos]
    if token == Global.STR_I:
        end = octets.find(b"\0", pos + 1)
        if end < 0:
            raise WbxmlError(BODY, "a string has no end", offset=len(octets), wanted="00")
        return checked_text(octets[pos + 1 : end], BODY, pos + 1), end + 1
    value, end = read_integer(octets, pos + 1, BODY)
    if token == Global.STR_T:
        return source.header.string(value, pos), end
    if not is_xml_character(value):
        raise WbxmlError(BODY, "an entity is not a character that XML allows", offset=pos, found=f"U+{value:04X}")
    return chr(value).encode(), end


def _text(source: Source, pos: int, state: State) -> Event:
    token = source.octets[pos]
    name = GLOBALS[token]
    if name not in Kind.__members__:
        raise WbxmlError(BODY, f"{name} is not used by OMA DM", offset=pos, found=f"{token:02X}")
    if state.pending:
        raise WbxmlError(BODY, f"a page switch stands before {name}", offset=pos, wanted="a tag", found=f"{token:02X}")
    if not state.takes_text:
        raise WbxmlError(BODY, f"{name} outside the root element", offset=pos, found=f"{token:02X}")
    if token == Global.OPAQUE:
        text, end = _opaque(source, pos, state)
    else:
        text, end = string(source, pos)
    return Event(Kind[name], pos, end, escape_text(text), state.hear(text))


def _opaque(source: Source, pos: int, state: State) -> tuple[bytes, int]:
    content = opaque_content(source.octets, pos)
    octets = source.octets[content]
    if state.binary:
        return b64encode(octets), content.stop
    return checked_text(octets, BODY, content.start), content.stop


def opaque_content(octets: bytes, pos: int) -> slice:
    """Return where the content of the OPAQUE token at `pos` stands.

    Raises:
        WbxmlError: the document ends inside it.

    Spec: WAP-192-WBXML, 5.8.4.6.
    """
    length, start = read_integer(octets, pos + 1, BODY)
    if length > len(octets) - start:
        raise WbxmlError(
            BODY,
            "the document ends inside opaque data",
            offset=len(octets),
            wanted=f"{length} octets",
            found=str(len(octets) - start),
        )
    return slice(start, start + length)
