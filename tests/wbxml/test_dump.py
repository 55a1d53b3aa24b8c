from __future__ import annotations

import pytest

from smartcard_dm.errors import UnsupportedError, WbxmlError
from smartcard_dm.limits import Limits
from smartcard_dm.wbxml import dump, from_xml
from tests.wbxml.samples import DOCUMENTS, NESTED_TNDS, SYNCML_HEADER, TNDS, add, document, message


def test_lines_are_readable() -> None:
    octets = document("6D 5A 00 01 47 83 00 01 01 00 00 4F 02 41 C3 02 61 62 01 01", b"chr")
    assert [(line.offset, line.depth, line.text) for line in dump(octets)] == [
        (
            0,
            0,
            "WBXML 1.2, public identifier 0x1201 (SyncML 1.2), character set 106, string table of 4 octets",
        ),
        (5, 0, "string 0: chr"),
        (9, 0, 'TAG <SyncML xmlns="SYNCML:SYNCML1.2">'),
        (10, 1, "TAG <Meta>"),
        (11, 2, "SWITCH_PAGE 1"),
        (13, 2, 'TAG <Format xmlns="syncml:metinf">'),
        (14, 3, "STR_T chr"),
        (16, 2, "END </Format>"),
        (17, 1, "END </Meta>"),
        (18, 1, "SWITCH_PAGE 0"),
        (20, 1, "TAG <Data>"),
        (21, 2, "ENTITY A"),
        (23, 2, "OPAQUE of 2 octets: 6162"),
        (27, 1, "END </Data>"),
        (28, 0, "END </SyncML>"),
    ]


@pytest.mark.parametrize("xml", [pytest.param(xml, id=name) for name, xml in DOCUMENTS.items()])
def test_lines_cover_the_document_in_order(xml: bytes) -> None:
    octets = from_xml(xml)
    end = 0
    for line in dump(octets):
        assert octets[line.offset : line.offset + len(line.octets)] == line.octets
        if line.offset >= end:  # not inside the opaque data of a line before
            assert line.offset == end
            end += len(line.octets)
    assert end == len(octets)


def test_nested_document_is_dumped_below_its_token() -> None:
    octets = from_xml(NESTED_TNDS)
    lines = list(dump(octets))
    inner = [line for line in lines if "DM DDF 1.2" in line.text]
    assert len(inner) == 1
    opaque = next(line for line in lines if line.text.startswith("OPAQUE"))
    assert inner[0].depth == opaque.depth + 1
    assert inner[0].offset == octets.index(from_xml(TNDS))
    assert any("com.example.dms" in line.text and line.offset > inner[0].offset for line in lines)


def test_nesting_is_bounded() -> None:
    octets = from_xml(NESTED_TNDS)
    assert not any("DM DDF" in line.text for line in dump(octets, limits=Limits(nested_documents=1)))


def test_opaque_data_that_are_no_document_are_hex() -> None:
    lines = list(dump(from_xml(message(add("AAECAwQ=", fmt="bin")))))
    assert [line.text for line in lines if "OPAQUE" in line.text] == ["OPAQUE of 5 octets: 0001020304"]


def test_long_texts_are_shown_short() -> None:
    lines = list(dump(from_xml(message(add("y" * 1000)))))
    assert max(len(line.text) for line in lines) < 300


def test_malformed_document_gives_the_lines_before_the_fault() -> None:
    lines = dump(SYNCML_HEADER + b"\x6d\x45\x30")
    assert [next(lines).text[:10] for _ in range(3)] == ["WBXML 1.2,", "TAG <SyncM", "TAG <Add>"]
    with pytest.raises(WbxmlError) as caught:
        next(lines)
    assert caught.value.offset == 7
    with pytest.raises(UnsupportedError):
        next(dump(b"\x00\x01\x00\x2d"))
