"""PROV 1.0 documents to canonical XML.

Guarantees: strict, like `events`: an octet that the grammar or the token tables do not allow is an error with its
offset. Literal names and opaque data are not part of the document type and are refused.
Spec: WAP-192-WBXML, 5.8; OMA-WAP-TS-ProvCont-V1_1, 7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smartcard_dm.errors import LimitExceededError, WbxmlError
from smartcard_dm.wbxml.attributes import BODY, AttributeList
from smartcard_dm.wbxml.events import STRINGS, Event, Kind, Source, string
from smartcard_dm.wbxml.frames import Frame, Role, Shelf
from smartcard_dm.wbxml.prov import ATTRIBUTE_STARTS, ATTRIBUTE_VALUES, ROOT, TAGS
from smartcard_dm.wbxml.text import escape_text, start_tag
from smartcard_dm.wbxml.tokens import GLOBALS, HAS_ATTRIBUTES, HAS_CONTENT, Global

if TYPE_CHECKING:
    from collections.abc import Iterator


def to_xml(source: Source) -> bytes:
    """Return the canonical XML form of a PROV document whose header was read.

    Raises:
        WbxmlError: the document is malformed.
        LimitExceededError: `xml_octets` or `wbxml_depth` is exceeded.
    """
    bound = source.limits.xml_octets
    parts: list[bytes] = []
    size = 0
    for event in prov_events(source):
        size += len(event.xml)
        if size > bound:
            raise LimitExceededError(BODY, "xml_octets", bound, offset=event.start)
        parts.append(event.xml)
    return b"".join(parts)


def prov_events(source: Source) -> Iterator[Event]:
    """Read a PROV body, one event for each tag with its attributes, END, string, entity or page switch.

    Raises:
        WbxmlError: an octet that is not allowed where it stands, or the document ends too early.
        LimitExceededError: more elements are open than `Limits.wbxml_depth`, or an attribute list is larger than
            `Limits.xml_octets`.

    Spec: WAP-192-WBXML, 5.8.
    """
    reader = _Reader(source)
    while reader.pos < len(source.octets):
        yield reader.read()
    reader.finish()


class _Reader:
    """The place in a PROV body: position, open elements, and the page of each code space."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._octets = source.octets
        self.pos = source.header.body_offset
        self._state = Frame(None, b"", b"", b"", Role.DOCUMENT, Shelf(0)).state(0)
        self._attribute_page = 0

    def read(self) -> Event:
        """Read one token with its operands."""
        token = self._octets[self.pos]
        if token == Global.END:
            event = self._end()
        elif token == Global.SWITCH_PAGE:
            event = self._switch()
        elif token in GLOBALS:
            event = self._text()
        else:
            event = self._tag()
        self.pos, self._state = event.end, event.state
        return event

    def finish(self) -> None:
        """Refuse a document that ends before its root element does."""
        if self._state.frame.role is not Role.CLOSED:
            raise WbxmlError(BODY, "the document ends before its root element does", offset=len(self._octets))

    def _end(self) -> Event:
        frame = self._state.frame
        if self._state.pending:
            raise WbxmlError(BODY, "a page switch stands before END", offset=self.pos, wanted="a tag", found="01")
        if not frame.depth:
            raise WbxmlError(BODY, "END without an open element", offset=self.pos, found="01")
        after = frame.close().state(self._state.page)
        return Event(Kind.END, self.pos, self.pos + 1, b"</" + frame.name + b">", after)

    def _switch(self) -> Event:
        if self._state.pending:
            raise WbxmlError(BODY, "two page switches in a row", offset=self.pos, wanted="a tag", found="00")
        if self._state.frame.role is Role.CLOSED:
            raise WbxmlError(BODY, "octets after the root element", offset=self.pos, found="00")
        page = self._page(self.pos)
        return Event(Kind.SWITCH_PAGE, self.pos, self.pos + 2, b"", self._state.frame.state(page, pending=True))

    def _page(self, pos: int) -> int:
        if pos + 1 >= len(self._octets):
            raise WbxmlError(BODY, "the document ends inside a page switch", offset=pos + 1, wanted="a page")
        page = self._octets[pos + 1]
        if page >= len(TAGS):
            raise WbxmlError(BODY, "unknown code page", offset=pos + 1, wanted="00 or 01", found=f"{page:02X}")
        return page

    def _text(self) -> Event:
        token = Global(self._octets[self.pos])
        if token not in STRINGS:
            raise WbxmlError(BODY, f"{token.name} is not used by PROV", offset=self.pos, found=f"{token:02X}")
        if self._state.pending:
            raise WbxmlError(
                BODY, f"a page switch stands before {token.name}", offset=self.pos, wanted="a tag", found=f"{token:02X}"
            )
        if not self._state.takes_text:
            raise WbxmlError(BODY, f"{token.name} outside the root element", offset=self.pos, found=f"{token:02X}")
        text, end = string(self._source, self.pos)
        return Event(Kind[token.name], self.pos, end, escape_text(text), self._state)

    def _tag(self) -> Event:
        start, frame, page = self.pos, self._state.frame, self._state.page
        token = self._octets[start]
        name = TAGS[page].get(token & 0x3F)
        if name is None:
            raise WbxmlError(BODY, f"no such tag on code page {page}", offset=start, found=f"{token:02X}")
        if frame.role is Role.CLOSED:
            raise WbxmlError(BODY, "octets after the root element", offset=start, found=f"{token:02X}")
        if frame.role is Role.DOCUMENT and name != ROOT:
            raise WbxmlError(BODY, "another root element", offset=start, wanted=ROOT.decode(), found=name.decode())
        if frame.depth >= self._source.limits.wbxml_depth:
            raise LimitExceededError(BODY, "wbxml_depth", self._source.limits.wbxml_depth, offset=start)
        attributes, end = self._attributes(start + 1) if token & HAS_ATTRIBUTES else ({}, start + 1)
        opened = frame.open(name, b"", b"")
        xml = start_tag(name, b"", b"", attributes)
        if token & HAS_CONTENT:
            return Event(Kind.TAG, start, end, xml, opened.state(page))
        return Event(Kind.TAG, start, end, xml + b"</" + name + b">", opened.close().state(page))

    def _attributes(self, pos: int) -> tuple[dict[bytes, bytes], int]:
        octets = self._octets
        attributes = AttributeList(self._source.limits)
        switched = False
        while pos < len(octets):
            token = octets[pos]
            if token == Global.SWITCH_PAGE:
                if switched:
                    raise WbxmlError(BODY, "two page switches in a row", offset=pos, found="00")
                self._attribute_page = self._page(pos)
                pos += 2
                switched = True
                continue
            if token == Global.END and not switched and not attributes.empty:
                return attributes.joined(), pos + 1
            pos = self._attribute_token(pos, attributes, switched=switched)
            switched = False
        raise WbxmlError(BODY, "the document ends inside an attribute list", offset=len(octets))

    def _attribute_token(self, pos: int, attributes: AttributeList, *, switched: bool) -> int:
        token = self._octets[pos]
        start = ATTRIBUTE_STARTS[self._attribute_page].get(token)
        if start is not None:
            attributes.begin(*start, pos)
            return pos + 1
        value = ATTRIBUTE_VALUES[self._attribute_page].get(token)
        if value is not None and not attributes.empty:
            attributes.add(value, pos)
            return pos + 1
        if token in STRINGS and not attributes.empty and not switched:
            piece, end = string(self._source, pos)
            attributes.add(piece, pos)
            return end
        raise WbxmlError(
            BODY,
            f"unexpected octet in an attribute list on code page {self._attribute_page}",
            offset=pos,
            wanted="an attribute token" if switched else "an attribute token, a string, an entity or END",
            found=f"{token:02X}",
        )
