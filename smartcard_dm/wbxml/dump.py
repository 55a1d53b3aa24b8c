"""A readable dump of the tokens of a WBXML document, nested documents included.

Guarantees: the lines cover the document in order, each with its offset in the outermost document; a malformed
document gives the lines before the fault, then the error `to_xml` would raise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from smartcard_dm.errors import DecodeError, LimitExceededError, UnsupportedError
from smartcard_dm.limits import DEFAULT_LIMITS, Limits
from smartcard_dm.wbxml.attributes import BODY
from smartcard_dm.wbxml.decoder import open_document, start_state
from smartcard_dm.wbxml.events import Event, Kind, Source, events, opaque_content, require_end
from smartcard_dm.wbxml.header import Header, Language
from smartcard_dm.wbxml.prov_decoder import prov_events
from smartcard_dm.wbxml.tokens import HAS_CONTENT

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHOWN = 200
"""Octets of a text or of opaque data that a line shows."""


class DumpLine(NamedTuple):
    """One token, or one part of the header."""

    offset: int
    """Where it starts, in octets from the start of the outermost document."""

    octets: bytes
    """The octets it is made of."""

    depth: int
    """Elements open around it; a nested document counts from the element that holds it."""

    text: str
    """What it is, readable, at most a few hundred characters."""


def dump(octets: bytes, *, limits: Limits = DEFAULT_LIMITS) -> Iterator[DumpLine]:
    """Yield one line for each part of the header and each token of a WBXML document.

    Opaque data that is itself a well-formed WBXML document of a type this package reads is dumped below its
    token, down to `limits.nested_documents` documents inside one another; other opaque data is shown in hex.

    Args:
        octets: one document.
        limits: `message_octets`, `xml_octets`, `wbxml_depth` and `wbxml_string_table_octets` are held.

    Yields:
        Lines in the order of the octets.

    Raises:
        WbxmlError: the document is malformed; raised behind the lines before the fault.
        LimitExceededError: a bound of `limits` is exceeded.
        UnsupportedError: another document type, character set or WBXML version.

    Spec: WAP-192-WBXML, 5.
    """
    return _document(octets, 0, 0, limits.nested_documents, limits)


def _document(octets: bytes, base: int, depth: int, nesting: int, limits: Limits) -> Iterator[DumpLine]:
    header, language = open_document(octets, limits)
    yield from _header(octets, header, language, base, depth)
    source = Source(octets, header, language, limits)
    shown = 0
    for event in _events(source):
        shown += len(event.xml)
        if shown > limits.xml_octets:
            raise LimitExceededError(BODY, "xml_octets", limits.xml_octets, offset=event.start)
        if event.kind is Kind.END:
            depth -= 1
        yield DumpLine(base + event.start, octets[event.start : event.end], depth, _text(octets, event))
        if event.kind is Kind.OPAQUE:
            yield from _nested(octets, event, base, depth + 1, nesting, limits)
        elif event.kind in {Kind.TAG, Kind.LITERAL} and octets[event.start] & HAS_CONTENT:
            depth += 1


def _events(source: Source) -> Iterator[Event]:
    if source.language is Language.PROV:
        yield from prov_events(source)
        return
    state = start_state(source)
    for event in events(source, source.header.body_offset, state):
        state = event.state
        yield event
    require_end(source, state)


def _header(octets: bytes, header: Header, language: Language, base: int, depth: int) -> Iterator[DumpLine]:
    front = octets[: header.table_offset]
    public_id = header.public_id if isinstance(header.public_id, str) else f"0x{header.public_id:X}"
    yield DumpLine(
        base,
        front,
        depth,
        f"WBXML {header.version}, public identifier {public_id} ({language.value}), character set {header.charset}, "
        f"string table of {len(header.string_table)} octets",
    )
    offset = header.table_offset
    for entry in header.string_table.split(b"\0")[:-1]:
        index = offset - header.table_offset
        yield DumpLine(base + offset, entry + b"\0", depth, f"string {index}: {_shown(entry)}")
        offset += len(entry) + 1


def _text(octets: bytes, event: Event) -> str:
    if event.kind is Kind.SWITCH_PAGE:
        return f"SWITCH_PAGE {octets[event.end - 1]}"
    if event.kind is Kind.OPAQUE:
        content = opaque_content(octets, event.start)
        return f"OPAQUE of {content.stop - content.start} octets: {octets[content][:_SHOWN].hex()}"
    return f"{event.kind.value} {_shown(event.xml)}"


def _shown(octets: bytes) -> str:
    text = octets[:_SHOWN].decode(errors="replace")
    return text if len(octets) <= _SHOWN else f"{text}..."


def _nested(octets: bytes, event: Event, base: int, depth: int, nesting: int, limits: Limits) -> Iterator[DumpLine]:
    if nesting <= 1:
        return
    content = opaque_content(octets, event.start)
    try:
        lines = list(_document(octets[content], base + content.start, depth, nesting - 1, limits))
    except (DecodeError, UnsupportedError):
        return
    yield from lines
