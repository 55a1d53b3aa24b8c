"""WBXML to canonical XML.

Guarantees: `to_xml` returns the XML form of design D2 in canonical form, or raises; every error comes from the
strict reader in `events`, walking the document from its start, so it does not depend on the quick way below.

The quick way: between two inline strings stands a run of octets, and runs repeat. What a run turns into depends on
nothing but the state before it (open elements, code page, formats) and the string table, so it is learnt once from
the strict reader and remembered. Inline strings are split off by octets 0x03 and 0x00, which legal text never
holds, and are checked and escaped all at once. Whatever is out of the ordinary goes to the strict reader.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from smartcard_dm.errors import DecodeError, LimitExceededError
from smartcard_dm.limits import DEFAULT_LIMITS, Limits
from smartcard_dm.wbxml import prov_decoder
from smartcard_dm.wbxml.attributes import BODY
from smartcard_dm.wbxml.events import Kind, Source, events, require_end
from smartcard_dm.wbxml.frames import Memory, Role
from smartcard_dm.wbxml.header import Header, Language, language_of, parse_header, require_utf8
from smartcard_dm.wbxml.text import escape_text, is_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smartcard_dm.wbxml.frames import State

_SHELF = 1 << 20
"""Octets that documents of one type and string table may have remembered."""
_MEMORY = Memory(shelves=16, octets=_SHELF)
_SHARED_TABLE = 4096
"""Octets of a string table up to which what its document teaches is kept for the next one."""
_RUN = 256
_FRAGMENT = 4096
"""Octets of a run and of what it turns into, up to which they are remembered."""


def to_xml(octets: bytes, *, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Return the XML form of a WBXML document: SyncML 1.2, DM DDF 1.2 (TNDS) or PROV 1.0.

    The result is its own exclusive canonical form without comments: no XML declaration, UTF-8, no white space
    added. Elements of code pages 0, 1 and 2 are in the namespaces `SYNCML:SYNCML1.2`, `syncml:metinf` and
    `syncml:dmddf1.2`; literal elements are in that of their `xmlns` attribute or of the nearest literal element
    around them. PROV elements have no namespace. Strings, entities and string-table references become text.
    OPAQUE becomes text too (it must be UTF-8), except where the content is binary, which gives base64:

    - in `Data` where the Meta/Format of the element around it, else, in an Item, that of the command, is `bin`;
    - in `Value` of a TNDS node whose own RTProperties/Format holds `bin` or `b64` (an extension to design D2).

    Meta and RTProperties count where they stand before the content, as the DTDs order them.

    Args:
        octets: one document.
        limits: `message_octets`, `xml_octets`, `wbxml_depth` and `wbxml_string_table_octets` are held.

    Raises:
        WbxmlError: the document is malformed; `structure` and `offset` name the octet.
        LimitExceededError: a bound of `limits` is exceeded.
        UnsupportedError: well-formed, but of another document type, character set or WBXML version.

    Spec: WAP-192-WBXML, 5; OMA-TS-DM_RepPro-V1_2_1, 8; OMA-TS-DM_TND-V1_2_1, 9; OMA-WAP-TS-ProvCont-V1_1, 7.
    """
    header, language = open_document(octets, limits)
    if language is Language.PROV:
        return prov_decoder.to_xml(Source(octets, header, language, limits))
    source = Source(octets, header, language, limits)
    start = start_state(source)
    with suppress(DecodeError, _NotQuickError):
        return _quick(source, start)
    return _strict(source, start)


def open_document(octets: bytes, limits: Limits) -> tuple[Header, Language]:
    """Read the header of a document and refuse what this package does not handle.

    Raises:
        WbxmlError: the header is malformed.
        LimitExceededError: the document or its string table is larger than its bound.
        UnsupportedError: another document type, character set or WBXML version.
    """
    header = parse_header(octets, limits=limits)
    require_utf8(header)
    return header, language_of(header)


def start_state(source: Source) -> State:
    """Return the state before the body of a document."""
    table = source.header.string_table
    memory = _MEMORY if len(table) <= _SHARED_TABLE else Memory(shelves=1, octets=_SHELF)
    return memory.start(source.language, table, source.limits.wbxml_depth)


def _strict(source: Source, state: State) -> bytes:
    bound = source.limits.xml_octets
    parts: list[bytes] = []
    size = 0
    for event in events(source, source.header.body_offset, state):
        size += len(event.xml)
        if size > bound:
            raise LimitExceededError(BODY, "xml_octets", bound, offset=event.start)
        parts.append(event.xml)
        state = event.state
    require_end(source, state)
    return b"".join(parts)


class _NotQuickError(Exception):
    """The quick way does not apply; the strict reader decides. Never leaves this module."""


class _Teacher:
    """Learns runs from the strict reader, and knows where in the document each piece stands."""

    def __init__(self, source: Source, pieces: list[bytes]) -> None:
        self._source = source
        self._pieces = pieces
        self._bound = source.limits.xml_octets
        self._measured = 0
        self._offset = source.header.body_offset - 1  # of pieces[_measured]; pieces[0] was given a NUL in front
        self._skipped = 0
        self.loose = 0
        """Octets of fragments that were not remembered."""

    def learn(self, taken: int, feed: Iterator[bytes], text: bytes, state: State) -> tuple[bytes, State]:
        """Read the run behind a string and return what it turns into and the state behind it.

        Args:
            taken: strings taken so far; with those skipped, the index of the piece.
            feed: the pieces that follow; those that belong to this run (an integer or opaque data may hold 0x03)
                are taken from it.
            text: the string.
            state: the state behind the string.
        """
        index = taken + self._skipped
        self._offset += sum(map(len, self._pieces[self._measured : index])) + index - self._measured
        self._measured = index
        piece = self._pieces[index]
        if len(piece) == len(text) or (index and not state.takes_text):
            raise _NotQuickError
        start = self._offset + len(text) + 1
        end = self._offset + len(piece)
        fragment, after, stop = self._read(start, state)
        if end == stop and start < end <= start + _RUN and len(fragment) <= _FRAGMENT:
            run = piece[len(text) + 1 :]
            if state.frame.shelf.take(len(run) + len(fragment)):
                state.runs[run] = (fragment, after)
            return fragment, after
        while end < stop:
            end += 1 + len(next(feed))
            self._skipped += 1
        self.loose += len(fragment)
        if self.loose > self._bound:
            raise _NotQuickError
        return fragment, after

    def _read(self, pos: int, state: State) -> tuple[bytes, State, int]:
        parts: list[bytes] = []
        size = 0
        for event in events(self._source, pos, state):
            if event.kind is Kind.STR_I:
                return b"".join(parts), state, event.start
            size += len(event.xml)
            if size > self._bound:
                raise _NotQuickError
            parts.append(event.xml)
            state = event.state
        return b"".join(parts), state, len(self._source.octets)


def _quick(source: Source, state: State) -> bytes:
    """Decode by remembered runs; raises whenever anything is not plain sailing."""
    pieces = source.octets[source.header.body_offset :].split(b"\x03")
    if not pieces[0]:
        raise _NotQuickError
    # Every piece is now an inline string, its NUL, and the run behind it; the first string is made up.
    pieces[0] = b"\0" + pieces[0]
    bound = source.limits.xml_octets
    teacher = _Teacher(source, pieces)
    texts: list[bytes] = []
    fragments: list[bytes] = []
    feed = iter(pieces)
    for piece in feed:
        text, _, run = piece.partition(b"\0")
        if state.special:
            state = state.hear(text)
        try:
            fragment, state = state.runs[run]
        except KeyError:
            fragment, state = teacher.learn(len(texts), feed, text, state)
        texts.append(text)
        fragments.append(fragment)
    if state.frame.role is not Role.CLOSED:
        raise _NotQuickError
    texts = _escaped(texts)
    # Fragments are shared, so nothing has grown yet; adding up is left out where even the longest ones would fit.
    size = sum(map(len, texts)) + teacher.loose
    if size + _FRAGMENT * len(fragments) > bound and size + sum(map(len, fragments)) > bound:
        raise _NotQuickError
    parts = [b""] * (2 * len(texts))
    parts[::2] = texts
    parts[1::2] = fragments
    return b"".join(parts)


def _escaped(texts: list[bytes]) -> list[bytes]:
    """Check and escape strings all at once; NUL between them keeps each a string of its own."""
    blob = b"\0".join(texts)
    if not is_text(blob):
        raise _NotQuickError
    escaped = escape_text(blob)
    return texts if len(escaped) == len(blob) else escaped.split(b"\0")
