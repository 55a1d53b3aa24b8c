from __future__ import annotations

import pytest

from smartcard_dm.errors import LimitExceededError, UnsupportedError, WbxmlError
from smartcard_dm.wbxml import from_xml, parse_header, to_xml
from tests.wbxml.samples import DOCUMENTS, PROV_HEADER, SYNCML_HEADER, c14n, document

# Octets written by hand from the token tables, with the XML they mean.
VECTORS = {
    "smallest message": (SYNCML_HEADER + b"\x2d", '<SyncML xmlns="SYNCML:SYNCML1.2"></SyncML>'),
    "version 1.1": (b"\x01" + SYNCML_HEADER[1:] + b"\x2d", '<SyncML xmlns="SYNCML:SYNCML1.2"></SyncML>'),
    "version 1.3": (b"\x03" + SYNCML_HEADER[1:] + b"\x2d", '<SyncML xmlns="SYNCML:SYNCML1.2"></SyncML>'),
    "public identifier unknown": (bytes.fromhex("02 01 6A 00 2D"), '<SyncML xmlns="SYNCML:SYNCML1.2"></SyncML>'),
    "character set unknown": (bytes.fromhex("02 A4 01 00 00 2D"), '<SyncML xmlns="SYNCML:SYNCML1.2"></SyncML>'),
    "public identifier as text": (
        document("2D", b"x", b"-//SYNCML//DTD SyncML 1.2//EN", public_id="00 02"),
        '<SyncML xmlns="SYNCML:SYNCML1.2"></SyncML>',
    ),
    "switch to the page of the start": (
        SYNCML_HEADER + bytes.fromhex("00 00 2D"),
        '<SyncML xmlns="SYNCML:SYNCML1.2"></SyncML>',
    ),
    "strings of three kinds": (
        document("6D 4F 03 61 26 00 83 02 02 B1 4F 83 03 02 0D 01 01", b"x", b"tail"),
        '<SyncML xmlns="SYNCML:SYNCML1.2"><Data>a&amp;tail\u18cfail&#xD;</Data></SyncML>',
    ),
    "page 2 right behind page 1": (
        SYNCML_HEADER + bytes.fromhex("6D 5A 00 01 47 03 62 69 6E 00 01 00 02 20 01 01"),
        (
            '<SyncML xmlns="SYNCML:SYNCML1.2"><Meta><Format xmlns="syncml:metinf">bin</Format>'
            '<MgmtTree xmlns="syncml:dmddf1.2"></MgmtTree></Meta></SyncML>'
        ),
    ),
    "opaque text": (
        SYNCML_HEADER + bytes.fromhex("6D 4F C3 03 61 3C 62 01 01"),
        '<SyncML xmlns="SYNCML:SYNCML1.2"><Data>a&lt;b</Data></SyncML>',
    ),
    "opaque text with octet 03 in its length and strings around": (
        SYNCML_HEADER + bytes.fromhex("6D 4F 03 61 00 C3 03 62 63 64 03 65 00 01 01"),
        '<SyncML xmlns="SYNCML:SYNCML1.2"><Data>abcde</Data></SyncML>',
    ),
    "opaque octets in binary content": (
        SYNCML_HEADER + bytes.fromhex("6D 54 5A 00 01 47 03 62 69 6E 00 01 01 00 00 4F C3 05 03 00 FF 03 00 01 01 01"),
        (
            '<SyncML xmlns="SYNCML:SYNCML1.2"><Item><Meta><Format xmlns="syncml:metinf">bin</Format></Meta>'
            "<Data>AwD/AwA=</Data></Item></SyncML>"
        ),
    ),
    "format told in pieces": (
        document("6D 54 5A 00 01 47 83 00 02 69 03 6E 00 01 01 00 00 4F C3 01 FF 01 01 01", b"b"),
        (
            '<SyncML xmlns="SYNCML:SYNCML1.2"><Item><Meta><Format xmlns="syncml:metinf">bin</Format></Meta>'
            "<Data>/w==</Data></Item></SyncML>"
        ),
    ),
    "literals of four kinds": (
        document(
            "6D C4 00 04 02 83 08 01 44 0C 84 00 04 0E 03 22 09 0A 0D 26 3C 3E 00 01 04 00 01 01 01",
            b"x",
            b"xmlns",
            b"u:v",
            b"y",
            b"a",
        ),
        (
            '<SyncML xmlns="SYNCML:SYNCML1.2"><x xmlns="u:v"><y>'
            '<x a="&quot;&#x9;&#xA;&#xD;&amp;&lt;>"></x><x></x></y></x></SyncML>'
        ),
    ),
    "token inside a literal inside a token": (
        document("6D C4 00 04 02 83 08 01 45 04 0C 01 01 01", b"x", b"xmlns", b"u:v", b"y"),
        (
            '<SyncML xmlns="SYNCML:SYNCML1.2"><x xmlns="u:v"><Add xmlns="SYNCML:SYNCML1.2">'
            '<y xmlns="u:v"></y></Add></x></SyncML>'
        ),
    ),
    "literal reference of octet 03": (
        document("6D 84 03 04 05 83 0B 01 05 01", b"ab", b"x", b"xmlns", b"u:v"),
        '<SyncML xmlns="SYNCML:SYNCML1.2"><x xmlns="u:v"></x><Add></Add></SyncML>',
    ),
    "TNDS alone": (
        document("00 02 60 77 03 31 2E 32 00 01 01", b"-//OMA//DTD-DM-DDF 1.2//EN", public_id="00 00"),
        '<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD></MgmtTree>',
    ),
    "TNDS alone, unnamed": (
        bytes.fromhex("02 01 6A 00 00 02 20"),
        '<MgmtTree xmlns="syncml:dmddf1.2"></MgmtTree>',
    ),
    "TNDS value in opaque octets": (
        bytes.fromhex("02 01 6A 00 00 02 60 64 6F 5C 09 01 01 76 C3 02 00 FF 01 01 01"),
        (
            '<MgmtTree xmlns="syncml:dmddf1.2"><Node><RTProperties><Format><bin></bin></Format></RTProperties>'
            "<Value>AP8=</Value></Node></MgmtTree>"
        ),
    ),
    "provisioning, both attribute pages": (
        PROV_HEADER + bytes.fromhex("C5 46 01 C6 00 01 55 01 87 36 06 03 77 37 00 01 C7 33 06 91 92 01 01 01 01"),
        (
            '<wap-provisioningdoc version="1.0"><characteristic type="APPLICATION">'
            '<parm name="APPID" value="w7"></parm>'
            '<parm name="AAUTHTYPE" value="HTTP-BASIC"></parm></characteristic></wap-provisioningdoc>'
        ),
    ),
    "provisioning, tag page 1 and a value page": (
        PROV_HEADER + bytes.fromhex("45 00 01 C6 05 02 41 00 01 8D 00 00 85 01 03 0A 00 01 01"),
        '<wap-provisioningdoc><characteristic name="AAPPSRVIPV4">\n</characteristic></wap-provisioningdoc>',
    ),
}


def _named() -> list[object]:
    written = [(name, octets) for name, (octets, _) in VECTORS.items()]
    written += [(f"written: {name}", from_xml(xml)) for name, xml in DOCUMENTS.items()]
    return [pytest.param(octets, id=name) for name, octets in written]


@pytest.mark.parametrize(
    ("octets", "xml"), [pytest.param(octets, xml, id=name) for name, (octets, xml) in VECTORS.items()]
)
def test_vector_is_read(octets: bytes, xml: str) -> None:
    assert to_xml(octets).decode() == xml
    assert c14n(xml.encode()).decode() == xml


@pytest.mark.parametrize("octets", _named())
def test_every_cut_is_malformed(octets: bytes) -> None:
    for length in range(len(octets)):
        with pytest.raises(WbxmlError) as caught:
            to_xml(octets[:length])
        assert caught.value.offset is not None
        assert caught.value.offset <= length


@pytest.mark.parametrize("octets", _named())
def test_octets_behind_the_root_are_malformed(octets: bytes) -> None:
    for tail in [bytes((octet,)) for octet in range(256)] + [b"\x03\x00", b"\x00\x02", b"\x03a\x00", b"\x01" * 9]:
        with pytest.raises(WbxmlError) as caught:
            to_xml(octets + tail)
        assert caught.value.offset is not None
        assert caught.value.offset >= len(octets)


@pytest.mark.parametrize("octets", _named())
def test_a_flipped_bit_gives_a_canonical_value_or_our_error(octets: bytes) -> None:
    for index in range(min(len(octets), 400)):
        for bit in range(8):
            flipped = bytearray(octets)
            flipped[index] ^= 1 << bit
            try:
                xml = to_xml(bytes(flipped))
            except (WbxmlError, LimitExceededError, UnsupportedError):
                continue
            assert xml == c14n(xml)


def test_header_is_told() -> None:
    header = parse_header(document("2D", b"x", b"-//OMA//DTD-DM-DDF 1.2//EN", public_id="00 02"))
    assert header.version == "1.2"
    assert header.public_id == "-//OMA//DTD-DM-DDF 1.2//EN"
    assert header.charset == 106
    assert header.string_table == b"x\0-//OMA//DTD-DM-DDF 1.2//EN\0"
    assert (header.table_offset, header.body_offset) == (5, 5 + 29)


def test_header_of_an_unhandled_type_is_told_all_the_same() -> None:
    header = parse_header(bytes.fromhex("03 04 04 00 05"))
    assert (header.version, header.public_id, header.charset) == ("1.3", 4, 4)
