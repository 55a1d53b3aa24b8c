"""XML to WBXML.

Guarantees: lossless. `to_xml(from_xml(x))` is the exclusive canonical form of `x` for every `x` that is accepted;
what would be lost (attributes on tokens, prefixes, processing instructions) is refused.

The quick way: markup between two texts repeats, so what a run of tags turns into is learnt once from `markup` and
remembered with the state before it, and with the string table before it where it holds literals. XML that is plain
enough (angle brackets that alternate, no references but those of Canonical XML) is read as it stands; all other XML is
parsed and canonicalised first, and errors come from there.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import TYPE_CHECKING, Literal

from smartcard_dm.errors import DecodeError, LimitExceededError, WbxmlError
from smartcard_dm.limits import DEFAULT_LIMITS, Limits
from smartcard_dm.wbxml.canonical import canonicalise, parse
from smartcard_dm.wbxml.frames import Memory, Role
from smartcard_dm.wbxml.header import VERSIONS, Language, public_text, write_header
from smartcard_dm.wbxml.integers import write_integer
from smartcard_dm.wbxml.markup import SEPARATOR, XML, Markup, StringTable
from smartcard_dm.wbxml.prov import ROOT as PROV_ROOT
from smartcard_dm.wbxml.prov_encoder import ProvEncoder
from smartcard_dm.wbxml.text import is_text
from smartcard_dm.wbxml.tokens import Global

if TYPE_CHECKING:
    from smartcard_dm.wbxml.frames import State

_MEMORY = Memory(shelves=4, octets=2 << 20)
_RUN = 512
"""Octets of a run of tags up to which it is remembered."""
_LITERAL_RUN = 2048
"""The same for a run with literals: a Signature up to its DigestValue is one of 900 octets."""

_DECLARATION = re.compile(
    rb"""<\?xml version=(["'])1\.0\1(?: encoding=(["'])(?i:utf-8)\2)?(?: standalone=(["'])(?:yes|no)\3)?\?>"""
)
_SPACE = b" \t\r\n"
_NOT_ANGLES = bytes(octet for octet in range(256) if octet not in b"<>")
_REFERENCES = ((b"&lt;", b"<"), (b"&gt;", b">"), (b"&#xD;", b"\r"), (b"&amp;", b"&"))
_TAG = re.compile(rb'<[^">]*(?:"[^"]*"[^">]*)*>')


def from_xml(
    xml: bytes,
    version: str = "1.2",
    *,
    public_id: Literal["numeric", "literal"] = "numeric",
    limits: Limits = DEFAULT_LIMITS,
) -> bytes:
    """Return the WBXML form of a SyncML, MgmtTree (TNDS) or wap-provisioningdoc document.

    Elements are told apart by namespace, as `to_xml` shows them; those of other namespaces become literals. Names
    and attribute values of literals go to the string table, once each, in the order of first use; text is inline.
    Where content is binary (see `to_xml`) and the text is base64 in its one canonical spelling, it becomes OPAQUE.
    Comments are dropped; all white space is kept.

    Args:
        xml: the document in UTF-8.
        version: "1.1", "1.2" or "1.3".
        public_id: how the document type is named. A MgmtTree document is always named by text: it has no number.
        limits: `xml_octets`, `message_octets`, `wbxml_depth` and `wbxml_string_table_octets` are held.

    Raises:
        ValueError: `version` or `public_id` is none of those named.
        WbxmlError: not well-formed XML, or XML that has no WBXML form; `place` names the element.
        LimitExceededError: a bound of `limits` is exceeded.
        UnsupportedError: XML in another character set than UTF-8.

    Spec: WAP-192-WBXML, 5; OMA-TS-DM_RepPro-V1_2_1, 8; OMA-TS-DM_TND-V1_2_1, 9; OMA-WAP-TS-ProvCont-V1_1, 7.
    """
    if version not in VERSIONS:
        raise ValueError(f"version must be one of {', '.join(VERSIONS)}, found {version!r}")
    if public_id not in {"numeric", "literal"}:
        raise ValueError(f"public_id must be 'numeric' or 'literal', found {public_id!r}")
    if len(xml) > limits.xml_octets:
        raise LimitExceededError("XML document", "xml_octets", limits.xml_octets, found=str(len(xml)))
    literal = public_id == "literal"
    document = _encode_as_it_stands(xml, version, limits, literal=literal)
    if document is None:
        document = _encode_any(xml, version, limits, literal=literal)
    if len(document) > limits.message_octets:
        raise LimitExceededError("WBXML document", "message_octets", limits.message_octets, found=str(len(document)))
    return document


class _NotPlainError(Exception):
    """The XML has to be parsed and canonicalised first. Never leaves this module."""


def _encode_as_it_stands(xml: bytes, version: str, limits: Limits, *, literal: bool) -> bytes | None:
    plain = _DECLARATION.sub(b"", xml, count=1) if xml[:5] == b"<?xml" else xml
    try:
        return _encode(plain, version, limits, literal=literal)
    except (DecodeError, _NotPlainError):
        return None


def _encode_any(xml: bytes, version: str, limits: Limits, *, literal: bool) -> bytes:
    root = parse(xml)
    canonical = canonicalise(root)
    if len(canonical) > limits.xml_octets:
        raise LimitExceededError("canonical XML", "xml_octets", limits.xml_octets, found=str(len(canonical)))
    if root.tag == PROV_ROOT.decode():
        # Parsed again without the comments, so that text on both sides of one is a single text.
        body = ProvEncoder(limits.wbxml_depth).body(parse(canonical))
        table = _table(Language.PROV, limits, literal=literal)
        return write_header(version, Language.PROV, table.octets, literal=literal) + body
    if not _alternates(canonical):
        # Only an attribute value can hold `>` in canonical form.
        canonical = _TAG.sub(lambda tag: b"<" + tag[0][1:-1].replace(b">", b"&gt;") + b">", canonical)
    try:
        return _encode(canonical, version, limits, literal=literal)
    except _NotPlainError as error:
        # Versions of libxml2 differ in the namespace names they let pass, and in how they write odd ones.
        raise WbxmlError(XML, "no WBXML form") from error


def _table(language: Language, limits: Limits, *, literal: bool) -> StringTable:
    table = StringTable(limits.wbxml_string_table_octets)
    text = public_text(language, literal=literal)
    if text is not None:
        table.index(text.encode())
    return table


def _alternates(xml: bytes) -> bool:
    angles = xml.translate(None, _NOT_ANGLES)
    return angles == b"<>" * (len(angles) // 2)


def _encode(xml: bytes, version: str, limits: Limits, *, literal: bool) -> bytes:
    """Encode XML of which every `<` opens a tag and every `>` closes one; raises where anything is not plain."""
    xml = xml.strip(_SPACE)
    if SEPARATOR in xml or b"\0" in xml or xml[:1] != b"<" or xml[-1:] != b">" or not _alternates(xml):
        raise _NotPlainError
    parts = xml.replace(b"><", SEPARATOR).replace(b">", b"<").split(b"<")
    # parts: nothing, run, text, run, ..., run, nothing
    runs = parts[1::2]
    texts = parts[:-1:2]
    language = Language.DDF if runs[0].startswith(b"MgmtTree") else Language.SYNCML
    table = _table(language, limits, literal=literal)
    markup = Markup(table, limits.wbxml_depth)
    state = _MEMORY.start(limits.wbxml_depth)
    fragments: list[bytes] = []
    binary: list[int] = []
    for text, run in zip(texts, runs, strict=True):
        if state.special:
            if state.binary:
                binary.append(len(fragments))
            state = state.hear(text)
        try:
            fragment, state = state.runs[run]
        except KeyError:
            fragment, state = _learn(markup, run, state)
        fragments.append(fragment)
    if state.frame.role is not Role.CLOSED:
        raise WbxmlError(XML, "the document is not complete", place=state.frame.path())
    texts = _unescaped(texts)
    for index in binary:
        texts[index] = _binary(texts[index])
    parts = [b""] * (2 * len(runs))
    parts[::2] = texts
    parts[1::2] = fragments
    return write_header(version, language, table.octets, literal=literal) + b"".join(parts)


def _learn(markup: Markup, run: bytes, state: State) -> tuple[bytes, State]:
    """Return what a run turns into, with the frame of the text before it and of that behind it."""
    table = markup.table
    known = state.literal_runs.get((run, table.octets)) if state.literal_runs else None
    if known is not None and table.replace(known[2]):
        return known[:2]
    table_before = table.octets
    tokens, after = markup.tokens(run, state)
    # STR_I and NUL around a text belong to the runs beside it, except where the text may turn out as OPAQUE.
    before = b"\0" if state.frame.depth and not state.binary else b""
    behind = b"\x03" if after.frame.role is not Role.CLOSED and not after.binary else b""
    fragment = before + tokens + behind
    shelf = state.frame.shelf
    if markup.literal:
        room = len(run) + len(fragment) + len(table_before) + len(table.octets)
        if len(run) <= _LITERAL_RUN and shelf.take(room):
            state.literal_runs[run, table_before] = (fragment, after, table.octets)
    elif len(run) <= _RUN and shelf.take(len(run) + len(fragment)):
        state.runs[run] = (fragment, after)
    return fragment, after


def _unescaped(texts: list[bytes]) -> list[bytes]:
    """Check texts all at once and replace the references of Canonical XML; NUL keeps them apart."""
    blob = b"\0".join(texts)
    if b"\r" in blob or not is_text(blob):
        raise _NotPlainError
    references = blob.count(b"&")
    if not references:
        return texts
    for reference, character in _REFERENCES:
        replaced = blob.replace(reference, character)
        references -= (len(blob) - len(replaced)) // (len(reference) - 1)
        blob = replaced
    if references:
        raise _NotPlainError
    return blob.split(b"\0")


def _binary(text: bytes) -> bytes:
    """Return a text of binary content as OPAQUE where its base64 can be restored exactly, else as a string."""
    try:
        octets = b64decode(text, validate=True)
    except (Base64Error, ValueError):
        octets = b""
    if b64encode(octets) == text:
        return bytes((Global.OPAQUE,)) + write_integer(len(octets)) + octets
    return bytes((Global.STR_I,)) + text + b"\0"
