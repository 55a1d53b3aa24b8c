from __future__ import annotations

from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.errors import LimitExceededError, WbxmlError
from smartcard_dm.limits import DEFAULT_LIMITS, Limits
from smartcard_dm.wbxml import dump, from_xml, to_xml
from smartcard_dm.wbxml.integers import write_integer
from tests.wbxml.samples import PROV_HEADER, SYNCML_HEADER, TNDS, add, message

if TYPE_CHECKING:
    from collections.abc import Callable

LITTLE = Limits(message_octets=4000, xml_octets=4000, wbxml_depth=8, wbxml_string_table_octets=600, nested_documents=2)
SECONDS = 10.0
"""Far above what a bounded run takes on a slow machine, far below what an unbounded one would."""


def _with_table(table: bytes, body: bytes, public_id: bytes = b"\xa4\x01") -> bytes:
    return b"\x02" + public_id + b"\x6a" + write_integer(len(table)) + table + body


def _literal(values: int) -> bytes:
    return b"\x6d\x84\x00\x04\x02" + b"\x83\x00" * values + b"\x01\x01"


_LONG = b"x" * 60_000 + b"\0"

HOSTILE: dict[str, tuple[Callable[[], bytes], Limits, str]] = {
    "elements in elements": (lambda: SYNCML_HEADER + b"\x6d" + b"\x4f" * 900_000, DEFAULT_LIMITS, "wbxml_depth"),
    "PROV elements in elements": (lambda: PROV_HEADER + b"\x45" * 900_000, DEFAULT_LIMITS, "wbxml_depth"),
    "one element too deep": (
        lambda: SYNCML_HEADER + b"\x6d" + b"\x4f" * 7 + b"\x0f" + b"\x01" * 8,
        LITTLE,
        "wbxml_depth",
    ),
    "long strings by reference": (
        lambda: _with_table(_LONG, b"\x6d" + b"\x83\x00" * 400_000 + b"\x01"),
        DEFAULT_LIMITS,
        "xml_octets",
    ),
    "long strings by reference, with texts between": (
        lambda: _with_table(_LONG, b"\x6d" + b"\x83\x00\x03a\x00" * 150_000 + b"\x01"),
        DEFAULT_LIMITS,
        "xml_octets",
    ),
    "middling strings by reference, which are remembered": (
        lambda: _with_table(b"y" * 3000 + b"\0", b"\x6d" + b"\x83\x00\x03a\x00" * 150_000 + b"\x01"),
        DEFAULT_LIMITS,
        "xml_octets",
    ),
    "long names by reference": (
        lambda: _with_table(
            _LONG + b"xmlns\0u:v\0",
            b"\x6d\xc4\x00\x04"
            + write_integer(60_001)
            + b"\x83"
            + write_integer(60_007)
            + b"\x01"
            + b"\x04\x00" * 400_000,
        ),
        DEFAULT_LIMITS,
        "xml_octets",
    ),
    "one attribute of long strings": (
        lambda: _with_table(_LONG, b"\x6d\x84\x00\x04\x00" + b"\x83\x00" * 400_000 + b"\x01\x01"),
        DEFAULT_LIMITS,
        "xml_octets",
    ),
    "PROV attribute of long strings": (
        lambda: _with_table(_LONG, b"\xc5\x05" + b"\x83\x00" * 400_000 + b"\x01\x01", b"\x0b"),
        DEFAULT_LIMITS,
        "xml_octets",
    ),
    "PROV text of long strings": (
        lambda: _with_table(_LONG, b"\x45" + b"\x83\x00" * 400_000 + b"\x01", b"\x0b"),
        DEFAULT_LIMITS,
        "xml_octets",
    ),
    "names that share their octets": (
        lambda: _with_table(
            _LONG, b"\x6d\x84\x00" + b"".join(b"\x04" + write_integer(n) for n in range(59_000)) + b"\x01\x01"
        ),
        DEFAULT_LIMITS,
        "xml_octets",
    ),
    "message": (lambda: SYNCML_HEADER + b"\x6d" + b"\x05" * 5000 + b"\x01", LITTLE, "message_octets"),
    "string table": (lambda: _with_table(b"x" * 600 + b"\0", b"\x2d"), LITTLE, "wbxml_string_table_octets"),
    "string table of 4 GiB": (
        lambda: bytes.fromhex("02 A4 01 6A 8F FF FF FF 7F 61"),
        DEFAULT_LIMITS,
        "wbxml_string_table_octets",
    ),
    "XML": (lambda: SYNCML_HEADER + b"\x6d" + b"\x05" * 400 + b"\x01", LITTLE, "xml_octets"),
    "XML of escapes": (lambda: SYNCML_HEADER + b"\x6d\x03" + b"&" * 900 + b"\x00\x01", LITTLE, "xml_octets"),
    "XML of base64": (
        lambda: (
            SYNCML_HEADER
            + bytes.fromhex("6D 54 5A 00 01 47 03 62 69 6E 00 01 01 00 00 4F C3 9D 3C")
            + bytes(3772)
            + b"\x01\x01\x01"
        ),
        LITTLE,
        "xml_octets",
    ),
}


@pytest.mark.parametrize(("make", "limits", "limit"), [pytest.param(*case, id=name) for name, case in HOSTILE.items()])
def test_hostile_size_is_stopped_in_time(make: Callable[[], bytes], limits: Limits, limit: str) -> None:
    octets = make()
    for reader in (to_xml, lambda octets, *, limits: list(dump(octets, limits=limits))):
        started = perf_counter()
        with pytest.raises(LimitExceededError) as caught:
            reader(octets, limits=limits)
        assert caught.value.limit == limit
        assert perf_counter() - started < SECONDS


def test_long_attribute_of_many_pieces_is_linear() -> None:
    octets = _with_table(
        b"x\0xmlns\0u:v\0", _literal(0)[:5] + b"\x83\x08" + b"\x04\x00" + b"\x03a\x00" * 300_000 + b"\x01\x01"
    )
    started = perf_counter()
    assert len(to_xml(octets)) > 300_000
    assert perf_counter() - started < SECONDS


def test_bounds_are_inclusive() -> None:
    octets = SYNCML_HEADER + b"\x6d" + b"\x4f" * 6 + b"\x0f" + b"\x01" * 7
    xml = to_xml(octets, limits=LITTLE)
    exact = replace(LITTLE, xml_octets=len(xml), message_octets=len(octets))
    assert to_xml(octets, limits=exact) == xml
    with pytest.raises(LimitExceededError):
        to_xml(octets, limits=replace(exact, xml_octets=len(xml) - 1))
    with pytest.raises(LimitExceededError):
        to_xml(octets, limits=replace(exact, message_octets=len(octets) - 1))


def test_depth_remembered_under_one_limit_does_not_leak_into_another() -> None:
    octets = SYNCML_HEADER + b"\x6d" + b"\x4f" * 7 + b"\x0f" + b"\x01" * 8
    for _ in range(2):
        to_xml(octets)
        with pytest.raises(LimitExceededError):
            to_xml(octets, limits=LITTLE)


@pytest.mark.parametrize(
    ("xml", "limits", "limit"),
    [
        pytest.param(message(add("x" * 4000)), LITTLE, "xml_octets", id="XML"),
        pytest.param(message(add("x" * 900)), replace(LITTLE, message_octets=900), "message_octets", id="message"),
        pytest.param(
            message(add(">" * 3900)), replace(LITTLE, xml_octets=6000), "xml_octets", id="XML that grows canonical"
        ),
        pytest.param(TNDS, replace(LITTLE, wbxml_depth=4), "wbxml_depth", id="depth"),
        pytest.param(
            TNDS.replace(b"<Value>", b"<!-- c --><Value>"),
            replace(LITTLE, wbxml_depth=4),
            "wbxml_depth",
            id="depth, parsed",
        ),
        pytest.param(
            b"<wap-provisioningdoc>" + b"<characteristic>" * 9 + b"</characteristic>" * 9 + b"</wap-provisioningdoc>",
            LITTLE,
            "wbxml_depth",
            id="depth of PROV",
        ),
        pytest.param(
            message('<x xmlns="u:v" a="' + "y" * 700 + '"></x>'), LITTLE, "wbxml_string_table_octets", id="string table"
        ),
    ],
)
def test_encoder_holds_its_bounds(xml: bytes, limits: Limits, limit: str) -> None:
    with pytest.raises(LimitExceededError) as caught:
        from_xml(xml, limits=limits)
    assert caught.value.limit == limit


@pytest.mark.parametrize(
    "xml",
    [
        pytest.param(
            '<!DOCTYPE SyncML [<!ENTITY a "aaaaaaaaaa">'
            + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
            + ']><SyncML xmlns="SYNCML:SYNCML1.2">&j;</SyncML>',
            id="entities in entities",
        ),
        pytest.param(
            f'<SyncML xmlns="SYNCML:SYNCML1.2" xmlns:p="u:{"v" * 100_000}">{"<p:a/>" * 100_000}</SyncML>',
            id="prefix that canonical form would repeat",
        ),
        pytest.param(
            f'<!-- c --><SyncML xmlns="SYNCML:SYNCML1.2">{"<Data>" * 100_000}', id="elements in elements, parsed"
        ),
    ],
)
def test_hostile_xml_is_stopped_in_time(xml: str) -> None:
    started = perf_counter()
    with pytest.raises(WbxmlError):
        from_xml(xml.encode())
    assert perf_counter() - started < SECONDS
