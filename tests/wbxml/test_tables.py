from __future__ import annotations

import pytest

from smartcard_dm.wbxml import from_xml, prov, to_xml, tokens
from tests.wbxml.samples import SYNCML_HEADER


def test_tables_have_the_counts_of_the_standards() -> None:
    assert [len(page) for page in tokens.PAGES] == [55, 18, 56]
    assert [len(page) for page in prov.TAGS] == [3, 2]
    assert [len(page) for page in prov.ATTRIBUTE_STARTS] == [81, 29]
    assert [len(page) for page in prov.ATTRIBUTE_VALUES] == [58, 9]


def test_tables_are_one_to_one() -> None:
    for page in (*tokens.PAGES, *prov.TAGS, *prov.ATTRIBUTE_VALUES):
        assert len(set(page.values())) == len(page)
    for starts in prov.ATTRIBUTE_STARTS:
        assert len(set(starts.values())) == len(starts)


@pytest.mark.parametrize(
    ("page", "token", "name"),
    [
        (0, 0x05, b"Add"),
        (0, 0x0F, b"Data"),
        (0, 0x2D, b"SyncML"),
        (0, 0x2F, b"TargetRef"),
        (0, 0x31, b"VerDTD"),
        (0, 0x3C, b"Correlator"),
        (1, 0x05, b"Anchor"),
        (1, 0x07, b"Format"),
        (1, 0x16, b"FieldLevel"),
        (2, 0x05, b"AccessType"),
        (2, 0x09, b"bin"),
        (2, 0x20, b"MgmtTree"),
        (2, 0x24, b"Node"),
        (2, 0x25, b"node"),
        (2, 0x36, b"Value"),
        (2, 0x38, b"VerNo"),
        (2, 0x3C, b"ZeroOrOne"),
    ],
)
def test_spot_tokens(page: int, token: int, name: bytes) -> None:
    assert tokens.PAGES[page][token] == name


def test_reserved_tokens_are_not_listed() -> None:
    assert 0x30 not in tokens.SYNCML
    assert 0x17 not in tokens.METINF  # FP, which one dissector lists from later work
    assert 0x4D not in prov.ATTRIBUTE_STARTS[0]
    assert not {0x80, 0x81, 0x82, 0x83} & set(prov.ATTRIBUTE_VALUES[1])


@pytest.mark.parametrize(
    ("page", "token", "start"),
    [
        (0, 0x07, (b"name", b"NAME")),
        (0, 0x1F, (b"name", b"PUSHENABLED")),
        (0, 0x3F, (b"name", b"PPGAUTH-TYPE")),
        (0, 0x46, (b"version", b"1.0")),
        (0, 0x4E, (b"name", b"AUTH-ENTITY")),
        (0, 0x5B, (b"type", b"ACCESS")),
        (1, 0x24, (b"name", b"SERVICE")),
        (1, 0x36, (b"name", b"APPID")),
        (1, 0x55, (b"type", b"APPLICATION")),
    ],
)
def test_spot_attribute_starts(page: int, token: int, start: tuple[bytes, bytes]) -> None:
    assert prov.ATTRIBUTE_STARTS[page][token] == start


@pytest.mark.parametrize(
    ("page", "token", "value"),
    [(0, 0x85, b"IPV4"), (0, 0xB6, b"TETRA-PACKET"), (0, 0xE1, b"HA"), (1, 0x8D, b"APPSRV"), (1, 0x91, b"HTTP-")],
)
def test_spot_attribute_values(page: int, token: int, value: bytes) -> None:
    assert prov.ATTRIBUTE_VALUES[page][token] == value


@pytest.mark.parametrize("page", [0, 1, 2])
def test_every_token_makes_the_way_to_xml_and_back(page: int) -> None:
    namespace = tokens.NAMESPACES[page]
    for token, name in tokens.PAGES[page].items():
        switch = bytes((0, page)) if page else b""
        octets = SYNCML_HEADER + b"\x6d" + switch + bytes((token,)) + b"\x01"
        declared = b' xmlns="%b"' % namespace if page else b""
        xml = b'<SyncML xmlns="SYNCML:SYNCML1.2"><%b%b></%b></SyncML>' % (name, declared, name)
        assert to_xml(octets) == xml
        assert from_xml(xml) == octets


def test_every_provisioning_start_and_value_is_written_with_its_token_and_read_back() -> None:
    for page, starts in enumerate(prov.ATTRIBUTE_STARTS):
        for token, (name, value) in starts.items():
            if not value:
                continue
            xml = b'<wap-provisioningdoc><parm %b="%b"></parm></wap-provisioningdoc>' % (name, value)
            octets = from_xml(xml)
            # What both pages have is written on page 0, where the writer stands.
            here = prov.START_TOKENS[0].get((name, value))
            assert octets[6:9] == bytes((0, page, token) if here is None else (here, 1, 1))
            assert to_xml(octets) == xml
    for value, token in prov.VALUE_TOKENS[0].items():
        xml = b'<wap-provisioningdoc><parm value="%b"></parm></wap-provisioningdoc>' % value
        assert from_xml(xml)[7] == token
        assert to_xml(from_xml(xml)) == xml
