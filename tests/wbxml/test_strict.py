from __future__ import annotations

from typing import NamedTuple

import pytest

from smartcard_dm.errors import UnsupportedError, WbxmlError
from smartcard_dm.wbxml import to_xml
from tests.wbxml.samples import PROV_HEADER, SYNCML_HEADER, document


class Fault(NamedTuple):
    octets: bytes
    structure: str
    offset: int
    detail: str


def _body(hexadecimal: str, offset: int, detail: str) -> Fault:
    """A SyncML body without string table; the offset counts from the start of the body."""
    return Fault(SYNCML_HEADER + bytes.fromhex(hexadecimal), "WBXML body", 5 + offset, detail)


def _prov(hexadecimal: str, offset: int, detail: str) -> Fault:
    return Fault(PROV_HEADER + bytes.fromhex(hexadecimal), "WBXML body", 4 + offset, detail)


def _table(hexadecimal: str, *strings: bytes, offset: int, detail: str, structure: str = "WBXML body") -> Fault:
    octets = document(hexadecimal, *strings)
    return Fault(octets, structure, len(octets) - len(bytes.fromhex(hexadecimal)) + offset, detail)


def _header(hexadecimal: str, offset: int, detail: str, structure: str = "WBXML header") -> Fault:
    return Fault(bytes.fromhex(hexadecimal), structure, offset, detail)


FAULTS = {
    # header
    "no octets": _header("", 0, "empty"),
    "XML instead": Fault(b"<SyncML/>", "WBXML header", 0, "looks like XML"),
    "unknown version": _header("04 A4 01 6A 00 2D", 0, "version"),
    "integer in a long form": _header("02 80 01 6A 00 2D", 1, "shortest form"),
    "integer of six octets": _header("02 81 80 80 80 80 00 6A 00 2D", 1, "5 octets"),
    "integer beyond 32 bits": _header("02 90 80 80 80 00 6A 00 2D", 1, "too large"),
    "table without end": _header("02 01 6A 02 61 61 2D", 5, "no end", "WBXML string table"),
    "table longer than the document": _header("02 01 6A 0A 61 00 2D", 7, "ends inside", "WBXML string table"),
    "public identifier outside the table": _header("02 00 02 6A 02 61 00 2D", 2, "outside", "WBXML string table"),
    "public identifier not UTF-8": _header("02 00 00 6A 02 FF 00 2D", 5, "UTF-8", "WBXML string table"),
    # tags
    "reserved tag of page 0": _body("6D 30 01", 1, "no such tag on code page 0"),
    "reserved tag of page 1": _body("6D 00 01 17 01", 3, "no such tag on code page 1"),
    "reserved tag of page 2": _body("6D 00 02 3D 01", 3, "no such tag on code page 2"),
    "attributes on a token": _body("6D 85 01 01", 1, "attributes on Add"),
    "attributes on the root": _body("ED 01 01", 0, "attributes on SyncML"),
    "another root": _body("45 01", 0, "root element"),
    "MgmtTree named SyncML": _body("00 02 20", 2, "root element"),
    "SyncML named DDF": Fault(
        document("2D", b"-//OMA//DTD-DM-DDF 1.2//EN", public_id="00 00"),
        "WBXML body",
        32,
        "root element",
    ),
    "literal root": _table("84 00 04 02 83 08 01", b"x", b"xmlns", b"u:v", offset=0, detail="root element"),
    "two roots": _body("2D 2D", 1, "after the root"),
    "END too many": _body("6D 01 01", 2, "without an open element"),
    "END first": _body("01", 0, "without an open element"),
    "END missing": _body("6D 45 01", 3, "inside /SyncML"),
    "no body": _body("", 0, "before its root"),
    # pages
    "unknown page": _body("6D 00 03 45 01", 2, "unknown code page"),
    "page of experiments": _body("6D 00 FF 45 01", 2, "unknown code page"),
    "switch before END": _body("6D 00 00 01", 3, "before END"),
    "switch before a string": _body("6D 00 00 03 61 00 01", 3, "before STR_I"),
    "switch before an empty string": _body("6D 00 00 03 00 01", 3, "before STR_I"),
    "switch before an entity": _body("6D 00 00 02 41 01", 3, "before ENTITY"),
    "switch before opaque data": _body("6D 00 00 C3 01 61 01", 3, "before OPAQUE"),
    "two switches in a row": _body("6D 00 01 00 00 05 01", 3, "two page switches"),
    "two switches before the root": _body("00 00 00 00 2D", 2, "two page switches"),
    "switch behind the root": _body("2D 00 00", 1, "after the root"),
    "switch cut": _body("6D 00", 2, "inside a page switch"),
    # text
    "string before the root": _body("03 61 00 2D", 0, "outside the root"),
    "empty string before the root": _body("03 00 2D", 0, "outside the root"),
    "empty string behind the root": _body("6D 05 01 03 00", 3, "outside the root"),
    "opaque behind the root": _body("2D C3 00", 1, "outside the root"),
    "string without end": _body("6D 03 61", 3, "no end"),
    "not UTF-8": _body("6D 03 61 FF 00 01", 3, "UTF-8"),
    "overlong UTF-8": _body("6D 03 C0 AF 00 01", 2, "UTF-8"),
    "surrogate": _body("6D 03 ED A0 80 00 01", 2, "UTF-8"),
    "character cut in two strings": _body("6D 03 C3 00 03 A9 00 01", 2, "UTF-8"),
    "character cut in a string and opaque data": _body("6D 03 C3 00 C3 01 A9 01", 2, "UTF-8"),
    "control character": _body("6D 03 61 08 00 01", 3, "XML does not allow"),
    "octet 03 in a string": _body("6D 03 61 03 62 00 01", 3, "XML does not allow"),
    "octet 01 in a string": _body("6D 03 01 00 01", 2, "XML does not allow"),
    "U+FFFE": _body("6D 03 EF BF BE 00 01", 2, "XML does not allow"),
    "U+FFFF in opaque text": _body("6D C3 04 61 EF BF BF 01", 4, "XML does not allow"),
    "NUL in opaque text": _body("6D C3 02 61 00 01", 4, "XML does not allow"),
    "opaque text not UTF-8": _body("6D C3 01 FF 01", 3, "UTF-8"),
    "opaque data cut": _body("6D C3 05 61", 4, "inside opaque"),
    "opaque data of 4 GiB": _body("6D C3 8F FF FF FF 7F 61", 8, "inside opaque"),
    "entity of NUL": _body("6D 02 00 01", 1, "entity"),
    "entity of a surrogate": _body("6D 02 83 B0 00 01", 1, "entity"),
    "entity of U+FFFE": _body("6D 02 83 FF 7E 01", 1, "entity"),
    "entity beyond Unicode": _body("6D 02 C4 80 00 01", 1, "entity"),
    "entity in a long form": _body("6D 02 80 41 01", 2, "shortest form"),
    "reference without table": _body("6D 83 00 01", 1, "outside the string table")._replace(
        structure="WBXML string table"
    ),
    "reference behind the table": _table(
        "6D 83 02 01", b"a", offset=1, detail="outside", structure="WBXML string table"
    ),
    "table string not UTF-8": _table(
        "6D 83 00 01", b"a\xff", offset=-2, detail="UTF-8", structure="WBXML string table"
    ),
    "reference into the middle of a character": _table(
        "6D 83 01 01", "ü".encode(), offset=-2, detail="UTF-8", structure="WBXML string table"
    ),
    "table string with a control character": _table(
        "6D 83 00 01", b"\x01", offset=-2, detail="XML does not allow", structure="WBXML string table"
    ),
    # other global tokens
    "processing instruction first": _body("43 04 00 01 2D", 0, "PI"),
    "processing instruction inside": _body("6D 43 04 00 01 01", 1, "PI"),
    **{
        f"extension {token:02X}": _body(f"6D {token:02X} 61 00 01", 1, "EXT")
        for token in (0x40, 0x41, 0x42, 0x80, 0x81, 0x82, 0xC0, 0xC1, 0xC2)
    },
    # literals
    "literal without namespace": _table("6D 04 00 01", b"x", offset=1, detail="no namespace"),
    "literal with an empty namespace": _table(
        "6D 84 00 04 02 01 01", b"x", b"xmlns", offset=1, detail="cannot be used"
    ),
    "literal in a namespace with a page": _table(
        "6D 84 00 04 04 83 0A 01 01", b"Add", b"xmlns", b"SYNCML:SYNCML1.2", offset=1, detail="cannot be used"
    ),
    "literal with a relative namespace": _table(
        "6D 84 00 04 02 83 08 01 01", b"x", b"xmlns", b"../a", offset=1, detail="cannot be used"
    ),
    "literal in the namespace of xml": _table(
        "6D 84 00 04 02 83 08 01 01",
        b"x",
        b"xmlns",
        b"http://www.w3.org/XML/1998/namespace",
        offset=1,
        detail="cannot be used",
    ),
    "literal with a prefix": _table("6D 04 00 01", b"ds:x", offset=2, detail="name without prefix"),
    "literal that is no name": _table("6D 04 00 01", b"1x", offset=2, detail="name without prefix"),
    "literal with an empty name": _table("6D 04 00 01", b"", offset=2, detail="name without prefix"),
    "literal name cut": _body("6D 04", 2, "inside an integer"),
    "attribute with a prefix": _table(
        "6D 84 00 04 02 83 08 04 0C 01 01", b"x", b"xmlns", b"u:v", b"xml:lang", offset=8, detail="without prefix"
    ),
    "attribute twice": _table(
        "6D 84 00 04 02 83 08 04 0C 04 0C 01 01", b"x", b"xmlns", b"u:v", b"a", offset=9, detail="stands twice"
    ),
    "namespace twice": _table(
        "6D 84 00 04 02 83 08 04 02 01 01", b"x", b"xmlns", b"u:v", offset=7, detail="stands twice"
    ),
    "attribute list empty": _table("6D 84 00 01 01", b"x", offset=3, detail="empty"),
    "attribute value first": _table("6D 84 00 83 00 01 01", b"x", offset=3, detail="unexpected octet"),
    "attribute token": _table("6D 84 00 04 00 05 01 01", b"x", offset=5, detail="unexpected octet"),
    "attribute value token": _table("6D 84 00 04 00 85 01 01", b"x", offset=5, detail="unexpected octet"),
    "attribute value opaque": _table("6D 84 00 04 00 C3 00 01 01", b"x", offset=5, detail="unexpected octet"),
    "attribute page switch": _table("6D 84 00 00 00 04 00 01 01", b"x", offset=3, detail="unexpected octet"),
    "attribute list cut": _table("6D 84 00 04 00", b"x", offset=5, detail="inside an attribute list"),
    # PROV
    "PROV: another root": _prov("06", 0, "another root"),
    "PROV: two roots": _prov("05 05", 1, "after the root"),
    "PROV: END too many": _prov("45 01 01", 2, "without an open element"),
    "PROV: END missing": _prov("45 06", 2, "before its root element does"),
    "PROV: reserved tag": _prov("45 08 01", 1, "no such tag on code page 0"),
    "PROV: root tag on page 1": _prov("45 00 01 05 01", 3, "no such tag on code page 1"),
    "PROV: unknown page": _prov("45 00 02 06 01", 2, "unknown code page"),
    "PROV: switch before END": _prov("45 00 01 01", 3, "before END"),
    "PROV: switch before a string": _prov("45 00 01 03 61 00 01", 3, "before STR_I"),
    "PROV: two switches in a row": _prov("45 00 01 00 00 06 01", 3, "two page switches"),
    "PROV: switch behind the root": _prov("05 00 01", 1, "after the root"),
    "PROV: switch cut": _prov("45 00", 2, "inside a page switch"),
    "PROV: string behind the root": _prov("05 03 61 00", 1, "outside the root"),
    "PROV: opaque data": _prov("45 C3 01 61 01", 1, "not used by PROV"),
    "PROV: literal": _prov("45 04 00 01", 1, "not used by PROV"),
    "PROV: processing instruction": _prov("43 04 00 01 05", 0, "not used by PROV"),
    "PROV: attribute list empty": _prov("85 01", 1, "unexpected octet"),
    "PROV: attribute twice": _prov("85 05 07 01", 2, "stands twice"),
    "PROV: reserved attribute": _prov("85 4D 01", 1, "unexpected octet"),
    "PROV: attribute of the other page": _prov("85 00 01 08 01", 3, "unexpected octet"),
    "PROV: value first": _prov("85 85 01", 1, "unexpected octet"),
    "PROV: string first": _prov("85 03 61 00 01", 1, "unexpected octet"),
    "PROV: reserved value": _prov("85 06 B5 BB 01", 3, "unexpected octet"),
    "PROV: value 80 of the first edition": _prov("85 00 01 06 80 01", 4, "unexpected octet"),
    "PROV: value 83 of the first edition": Fault(
        PROV_HEADER + bytes.fromhex("85 00 01 06 83 01"), "WBXML string table", 8, "outside the string table"
    ),
    "PROV: two attribute switches in a row": _prov("85 05 00 01 00 00 06 01", 4, "two page switches"),
    "PROV: attribute switch before END": _prov("85 05 00 01 01", 4, "unexpected octet"),
    "PROV: attribute switch before a string": _prov("85 05 00 01 03 61 00 01", 4, "unexpected octet"),
    "PROV: attribute list cut": _prov("85 05", 2, "inside an attribute list"),
    "PROV: opaque attribute value": _prov("85 05 C3 01 61 01", 2, "unexpected octet"),
}


@pytest.mark.parametrize("fault", [pytest.param(fault, id=name) for name, fault in FAULTS.items()])
def test_fault_is_named_with_its_place(fault: Fault) -> None:
    with pytest.raises(WbxmlError, match=fault.detail) as caught:
        to_xml(fault.octets)
    assert (caught.value.structure, caught.value.offset) == (fault.structure, fault.offset)


@pytest.mark.parametrize(
    ("octets", "feature"),
    [
        pytest.param("00 A4 01 2D", "WBXML 1.0", id="WBXML 1.0"),
        pytest.param("02 A4 01 04 00 2D", "character set", id="ISO-8859-1"),
        pytest.param("02 A4 01 87 67 00 2D", "character set", id="UTF-16"),
        pytest.param("02 9F 53 6A 00 2D", "document type", id="SyncML 1.1"),
        pytest.param("02 A4 04 6A 00 2D", "document type", id="landmarks"),
        pytest.param("02 00 00 6A 04 46 4F 4F 00 2D", "FOO", id="another text"),
    ],
)
def test_well_formed_but_not_handled(octets: str, feature: str) -> None:
    with pytest.raises(UnsupportedError, match=feature):
        to_xml(bytes.fromhex(octets))


def test_public_identifier_is_case_sensitive() -> None:
    with pytest.raises(UnsupportedError):
        to_xml(document("2D", b"-//SyncML//DTD SyncML 1.2//EN", public_id="00 00"))


def test_the_first_fault_is_told_whatever_was_decoded_before() -> None:
    octets = SYNCML_HEADER + bytes.fromhex("6D 4F 03 08 00 01 4F 03 61 00 01 30 01")
    for _ in range(3):
        with pytest.raises(WbxmlError, match="XML does not allow"):
            to_xml(octets)
        to_xml(SYNCML_HEADER + bytes.fromhex("6D 4F 03 62 00 01 4F 03 61 00 01 01"))
