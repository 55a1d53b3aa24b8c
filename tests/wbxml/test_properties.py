from __future__ import annotations

import random
from base64 import b64encode
from contextlib import suppress
from threading import Thread
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from smartcard_dm.errors import LimitExceededError, UnsupportedError, WbxmlError
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.wbxml import decoder, dump, encoder, events, from_xml, header, to_xml, tokens
from smartcard_dm.wbxml.frames import Memory
from tests.wbxml.samples import DOCUMENTS, PROV_HEADER, SYNCML_HEADER, c14n

OURS = (WbxmlError, LimitExceededError, UnsupportedError)

CHARACTERS = st.characters(codec="utf-8").filter(
    lambda c: c in "\t\n\r" or (ord(c) >= 0x20 and ord(c) not in {0xFFFE, 0xFFFF})
)
TEXT = st.text(st.one_of(st.sampled_from("ab<>&\"'\r\n\t ]\x7fü"), CHARACTERS), max_size=12)
NAMES = st.sampled_from(["x", "Signature", "ü-1", "_a.b", "Data", "xml-like"])
NAMESPACES = st.sampled_from(
    ["u:v", "http://www.w3.org/2000/09/xmldsig#", "urn:a:b", "http://a/?b=c;d=e#f", "http://example.com:80/it's/%20"]
)
SPECIAL = st.sampled_from(["Item", "Meta", "Data", "Format", "Node", "RTProperties", "Value", "bin", "b64", "Type"])


@st.composite
def _elements(draw: st.DrawFn, depth: int = 0) -> str:
    page = draw(st.integers(0, 3))
    if page == 3:
        name, namespace = draw(NAMES), draw(NAMESPACES)
        attributes = draw(st.dictionaries(NAMES, TEXT, max_size=3))
    else:
        names = sorted(token.decode() for token in tokens.TOKENS[page])
        name = draw(st.one_of(SPECIAL.filter(names.__contains__), st.sampled_from(names)))
        namespace, attributes = tokens.NAMESPACES[page].decode(), {}
    inner = draw(_contents(depth + 1)) if depth < 5 else ""
    shown = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    declared = f" xmlns={quoteattr(namespace)}"
    if not inner and draw(st.booleans()):
        return f"<{name}{shown}{declared}/>"
    return f"<{name}{declared}{shown}>{inner}</{name}>"


@st.composite
def _contents(draw: st.DrawFn, depth: int) -> str:
    pieces = draw(
        st.lists(
            st.one_of(
                TEXT.map(lambda text: escape(text, {"\r": "&#13;"})),
                TEXT.map(lambda text: f"<![CDATA[{text.replace(']]>', '')}]]>"),
                st.just("<!-- a comment -->"),
                st.just("bin"),
                st.binary(max_size=6).map(lambda octets: b64encode(octets).decode()),
                _elements(depth),
            ),
            max_size=4,
        )
    )
    return "".join(pieces)


FORMATS = st.sampled_from(["bin", "chr", "b64", "bi", "bin ", "xml"])


@st.composite
def _items(draw: st.DrawFn) -> str:
    """Data and values whose formats differ, which random elements alone would seldom meet."""
    fmt = f'<Meta><Format xmlns="syncml:metinf">{draw(FORMATS)}</Format></Meta>'
    item = fmt if draw(st.booleans()) else ""
    command = f'<Meta><Format xmlns="syncml:metinf">{draw(FORMATS)}</Format></Meta>' if draw(st.booleans()) else ""
    data = draw(st.one_of(_contents(4), st.binary(max_size=9).map(lambda octets: b64encode(octets).decode())))
    kind = draw(st.sampled_from(["bin", "b64", "chr"]))
    properties = f"<RTProperties><Format><{kind}/></Format></RTProperties>"
    node = f'<Node xmlns="syncml:dmddf1.2">{properties}<Value>{data}</Value></Node>'
    inner = data if draw(st.booleans()) else node
    return f'<Add xmlns="SYNCML:SYNCML1.2">{command}<Item>{item}<Data>{inner}</Data></Item></Add>'


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    """SyncML or DDF documents of any shape."""
    root = draw(st.sampled_from(['SyncML xmlns="SYNCML:SYNCML1.2"', 'MgmtTree xmlns="syncml:dmddf1.2"']))
    inner = "".join(draw(st.lists(st.one_of(_contents(1), _items()), max_size=3)))
    return f"<{root}>{inner}</{root.split()[0]}>".encode()


@settings(max_examples=300)
@given(documents(), st.sampled_from(["numeric", "literal"]))
def test_the_way_to_wbxml_and_back_keeps_the_canonical_form(xml: bytes, public_id: str) -> None:
    octets = from_xml(xml, public_id="literal" if public_id == "literal" else "numeric")
    canonical = c14n(xml)
    assert to_xml(octets) == canonical
    assert from_xml(canonical, public_id="literal" if public_id == "literal" else "numeric") == octets


@settings(max_examples=200)
@given(documents())
def test_quick_and_strict_readers_agree(xml: bytes) -> None:
    octets = from_xml(xml)
    told, language = decoder.open_document(octets, DEFAULT_LIMITS)
    source = events.Source(octets, told, language, DEFAULT_LIMITS)
    strict = decoder._strict(source, Memory(shelves=1, octets=1).start("alone"))
    assert to_xml(octets) == to_xml(octets) == strict
    assert "".join(line.text for line in dump(octets))


@settings(max_examples=200)
@given(documents(), st.data())
def test_xml_read_as_it_stands_is_xml_that_a_parser_reads_alike(xml: bytes, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(xml)))
    junk = data.draw(
        st.sampled_from([b"<", b">", b'"', b"/", b" ", b"&", b";", b"=", b"\x01", b"><", b"</Add>", b"<Add>", b"a"])
    )
    spoiled = xml[:index] + junk + xml[index + data.draw(st.integers(0, 2)) :]
    try:
        plain = encoder._encode(spoiled, "1.2", DEFAULT_LIMITS, literal=False)
    except (*OURS, encoder._NotPlainError):
        with suppress(*OURS):
            assert to_xml(from_xml(spoiled)) == c14n(spoiled)
        return
    assert plain == encoder._encode_any(spoiled, "1.2", DEFAULT_LIMITS, literal=False)


BODIES = st.lists(
    st.one_of(
        st.binary(max_size=6),
        st.sampled_from(
            [bytes.fromhex(h) for h in ("6D", "6B", "45", "4F", "54", "5A", "00 00", "00 01", "00 02", "01", "01 01")]
            + [bytes.fromhex(h) for h in ("47 03 62 69 6E 00 01", "03 61 00", "02 41", "83 00", "C3 02 61 62", "04 02")]
            + [bytes.fromhex(h) for h in ("C4 00 04 02 83 08 01", "84 00 04 02 83 08 01", "C5", "86", "05 03 78 00 01")]
        ),
    ),
    max_size=14,
).map(b"".join)


@settings(max_examples=1500)
@given(st.sampled_from([SYNCML_HEADER, PROV_HEADER, bytes.fromhex("02 01 6A 0C 78 00") + b"xmlns\0u:v\0"]), BODIES)
@example(SYNCML_HEADER, bytes.fromhex("03 78 00 6D 01"))
def test_any_octets_give_a_canonical_value_or_our_error(front: bytes, body: bytes) -> None:
    octets = front + body
    xml, error = _outcome(octets)
    if xml is None:
        with pytest.raises(OURS) as caught:
            list(dump(octets))
        assert repr(caught.value) == error
        return
    assert xml == c14n(xml)
    assert to_xml(from_xml(xml)) == xml
    assert b"".join(line.octets for line in dump(octets)) == octets


def _outcome(octets: bytes) -> tuple[bytes | None, str]:
    try:
        return to_xml(octets), ""
    except OURS as error:
        return None, repr(error)


@given(st.binary(max_size=40))
def test_random_octets_give_a_value_or_our_error(octets: bytes) -> None:
    for reader in (to_xml, from_xml, header.parse_header, lambda octets: list(dump(octets))):
        with suppress(*OURS):
            reader(octets)


@settings(max_examples=40)
@given(st.lists(st.one_of(BODIES.map(SYNCML_HEADER.__add__), documents().map(from_xml)), max_size=12), st.randoms())
def test_the_order_of_documents_does_not_matter(octets: list[bytes], shuffle: random.Random) -> None:
    first = {document: _outcome(document) for document in octets}
    shuffle.shuffle(octets)
    assert {document: _outcome(document) for document in octets} == first
    decoder._MEMORY._starts.clear()
    assert {document: _outcome(document) for document in octets} == first


def test_what_is_remembered_stays_within_its_bounds() -> None:
    state = decoder.start_state(_source(SYNCML_HEADER + b"\x2d"))
    for number in range(3000):
        run = f"{number:012b}".replace("0", "05").replace("1", "06")
        to_xml(SYNCML_HEADER + b"\x6d\x03a\x00" + bytes.fromhex(run) + b"\x4f\x03b\x00\x01\x01")
    assert state.frame.shelf.left < 0
    fresh = decoder.start_state(_source(SYNCML_HEADER + b"\x2d"))
    assert fresh.frame.shelf is not state.frame.shelf
    for number in range(40):
        to_xml(b"\x02\xa4\x01\x6a\x05" + b"%04d" % number + b"\0\x2d")
    assert len(decoder._MEMORY._starts) <= 16


def test_a_full_shelf_still_decodes() -> None:
    octets = from_xml(DOCUMENTS["signed with literals"])
    source = _source(octets)
    for room in range(1, 6000, 397):
        state = Memory(shelves=1, octets=room).start("alone")
        assert decoder._quick(source, state) == DOCUMENTS["signed with literals"]
        assert decoder._quick(source, state) == DOCUMENTS["signed with literals"]


def test_threads_share_what_is_remembered() -> None:
    documents = {xml: from_xml(xml) for xml in DOCUMENTS.values()}
    wrong: list[bytes] = []

    def work(seed: int) -> None:
        order = random.Random(seed)  # noqa: S311 - an order of work, not a secret
        for _ in range(60):
            xml = order.choice(list(documents))
            if to_xml(documents[xml]) != xml or from_xml(xml) != documents[xml]:
                wrong.append(xml)

    decoder._MEMORY._starts.clear()
    encoder._MEMORY._starts.clear()
    threads = [Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def _source(octets: bytes) -> events.Source:
    told, language = decoder.open_document(octets, DEFAULT_LIMITS)
    return events.Source(octets, told, language, DEFAULT_LIMITS)
