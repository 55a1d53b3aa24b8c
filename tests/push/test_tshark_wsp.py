"""Wireshark agrees with every field of our pushes, and with every name in our tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from smartcard_dm.push.arrival import APPLICATION_ID, CP_WBXML, DM_WBXML
from smartcard_dm.push.sec_mac import MacKeys, SecMethod, compute_mac
from smartcard_dm.push.wap_push import compose_wap_push
from smartcard_dm.push.wsp import WspPush, build_wsp_push
from smartcard_dm.push.wsp_coding import encode_text
from smartcard_dm.push.wsp_content_type import ContentType, Parameter
from smartcard_dm.push.wsp_headers import HeaderField
from smartcard_dm.push.wsp_names import APPLICATION_IDS, CONTENT_TYPE, HEADER_FIELDS, MEDIA_TYPES, PARAMETERS
from tests.push.test_wsp import VECTORS
from tests.push.wsp_materials import IMSI, MESSAGE, USER_PIN
from tests.push.wsp_tshark import Seen, dissect

if TYPE_CHECKING:
    from pathlib import Path

KEYS = MacKeys.from_imsi(IMSI, user_pin=USER_PIN)
DOCUMENT = MESSAGE + bytes(300)
NEWER_MEDIA = (0x4E, 0x58)
NEWER_IDS = (0x10,)
"""Numbers of the registries that this Wireshark does not know."""


def composed(method: SecMethod, content_type: str) -> bytes:
    return compose_wap_push(DOCUMENT, content_type=content_type, method=method, keys=KEYS, transaction_id=0xA5)


@pytest.mark.parametrize("content_type", [DM_WBXML, CP_WBXML])
def test_pushes_with_sec_and_mac(content_type: str, tmp_path: Path) -> None:
    pushes = [composed(method, content_type) for method in SecMethod]
    for method, octets, seen in zip(SecMethod, pushes, dissect(pushes, tmp_path), strict=True):
        head = len(octets) - len(DOCUMENT)
        assert seen.shown("wsp.TID") == ["0xa5"]
        assert seen.lines("wsp.pdu_type") == ["PDU Type: Push (0x06)"]
        assert seen.shown("wsp.headers_length") == [str(head - 3)]
        assert seen.shown("wsp.header.content_type") == [content_type]
        assert seen.lines("wsp.parameter.sec") == [f"SEC: {method.name} (0x0{int(method)})"]
        has_mac = method is not SecMethod.USERPINMAC
        mac = [compute_mac(method, KEYS, DOCUMENT, content_type=content_type)] if has_mac else []
        assert seen.shown("wsp.parameter.mac") == mac
        assert seen.shown("wsp.header.x_wap_application_id") == ([APPLICATION_ID] if content_type == DM_WBXML else [])
        assert seen.body_at == head


def check(push: WspPush, octets: bytes, seen: Seen) -> None:
    """Compare what Wireshark saw with what we read."""
    content_type = push.content_type
    head = len(octets) - len(push.body)
    assert seen.shown("wsp.TID") == [f"0x{push.transaction_id:02x}"]
    assert seen.shown("wsp.pdu_type") == ["0x06"]
    assert seen.shown("wsp.headers_length") == [str(head - len(_headers_length(octets)) - 2)]
    assert seen.octets("wsp.headers_length") == [_headers_length(octets).hex()]
    assert seen.shown("wsp.header.content_type") == [content_type.media]
    assert seen.shown("wsp.parameter.sec") == ([] if content_type.sec is None else [f"0x{content_type.sec:02x}"])
    assert seen.shown("wsp.parameter.mac") == ([] if content_type.mac is None else [content_type.mac])
    assert seen.shown("wsp.parameter.charset") == ([] if content_type.charset is None else ["UTF-8"])
    _check_application(push, seen)
    pages = [field.page for field in push.headers if not isinstance(field.name, str)]
    changes = [page for before, page in zip([1, *pages], pages, strict=False) if page != before]
    assert seen.shown("wsp.code_page") == [str(page) for page in changes]
    names = [field.name for field in push.headers if isinstance(field.name, str)]
    assert seen.shown("wsp.header.name_string") == names
    assert seen.shown("wsp.header_text_value") == ["kept"] * len(names)


def _headers_length(octets: bytes) -> bytes:
    end = next(at for at in range(2, len(octets)) if octets[at] < 0x80)
    return octets[2 : end + 1]


def _check_application(push: WspPush, seen: Seen) -> None:
    known = push.application_id
    if known is not None and known.startswith("number "):
        # This Wireshark takes the length of a long integer for its value: its name is wrong, its octets are right.
        (field,) = push.headers
        assert seen.octets("wsp.header.x_wap_application_id") == [f"af{field.value.hex()}"]
    else:
        assert seen.shown("wsp.header.x_wap_application_id") == ([] if known is None else [known])


def test_vectors(tmp_path: Path) -> None:
    # Wireshark has tables for two code pages, and shows fields of others by their octets: those are ours alone.
    chosen = {name: vector for name, vector in VECTORS.items() if "code pages" not in name}
    seen = dissect([octets for octets, _ in chosen.values()], tmp_path)
    for (octets, push), found in zip(chosen.values(), seen, strict=True):
        check(push, octets, found)


def test_several_octets_of_length_and_text_forms(tmp_path: Path) -> None:
    parameters = (Parameter.sec(2), Parameter.mac("0" * 40), Parameter("x-vendor", b"x" * 90 + b"\0"))
    headers = (
        HeaderField("X-First", b"kept\0"),
        HeaderField.application_id(APPLICATION_ID),
        HeaderField(0x34, b"\x85"),
        HeaderField(0x30, b"http://push.example/a\0"),
        HeaderField("X-Second", b"kept\0"),
    )
    push = WspPush(7, ContentType(CP_WBXML, parameters, as_text=True), headers, DOCUMENT)
    octets = build_wsp_push(push)
    (seen,) = dissect([octets], tmp_path)
    check(push, octets, seen)
    assert len(_headers_length(octets)) == 2
    assert seen.lines("wsp.untype.text") == [f"x-vendor: {'x' * 90}"]
    assert seen.shown("wsp.header.push_flag.last") == ["1"]
    assert seen.shown("wsp.header.content_uri") == ["http://push.example/a"]
    assert seen.body_at == len(octets) - len(DOCUMENT)


def test_names_of_media_types(tmp_path: Path) -> None:
    pushes = [build_wsp_push(WspPush(1, ContentType(media), (), b"\0")) for media in MEDIA_TYPES.values()]
    found = [seen.shown("wsp.header.content_type") for seen in dissect(pushes, tmp_path)]
    unknown = "<Unknown media type identifier 0x{:02X}>"
    assert found == [
        [unknown.format(number) if number in NEWER_MEDIA else name] for number, name in MEDIA_TYPES.items()
    ]


def test_names_of_applications(tmp_path: Path) -> None:
    pushes = [
        build_wsp_push(WspPush(1, ContentType(DM_WBXML), (HeaderField.application_id(number),), b"\0"))
        for number in APPLICATION_IDS
    ]
    found = [seen.shown("wsp.header.x_wap_application_id") for seen in dissect(pushes, tmp_path)]
    unknown = "<Unknown WAP application identifier 0x{:02X}>"
    wanted = [unknown.format(number) if number in NEWER_IDS else name for number, name in APPLICATION_IDS.items()]
    assert found == [[name] for name in wanted]


def test_names_of_header_fields(tmp_path: Path) -> None:
    numbers = [number for number in HEADER_FIELDS if number != CONTENT_TYPE]
    pushes = [
        build_wsp_push(WspPush(1, ContentType(DM_WBXML), (HeaderField(number, encode_text("x")),), b"\0"))
        for number in numbers
    ]
    for number, seen in zip(numbers, dissect(pushes, tmp_path), strict=True):
        line = seen.lines("wsp.header.name_value")[-1].lower()
        assert f"header name: {HEADER_FIELDS[number]} ({number})".lower() in line


def test_names_of_parameters(tmp_path: Path) -> None:
    values = {0x00: b"\x0b", 0x01: b"\xea", 0x11: b"\x80", 0x12: b"AB\0"}
    pushes = [
        build_wsp_push(WspPush(1, ContentType(DM_WBXML, (Parameter(number, values[number]),)), (), b"\0"))
        for number in PARAMETERS
    ]
    for number, seen in zip(PARAMETERS, dissect(pushes, tmp_path), strict=True):
        (line,) = seen.lines("wsp.parameter.type")
        assert PARAMETERS[number].lower() in line.lower()
        assert f"({number})" in line


def test_a_changed_name_would_be_seen(tmp_path: Path) -> None:
    push = WspPush(1, ContentType(DM_WBXML), (HeaderField.application_id(5),), MESSAGE)
    (seen,) = dissect([build_wsp_push(push)], tmp_path)
    wrong = WspPush(1, ContentType(DM_WBXML), (HeaderField.application_id(7),), MESSAGE)
    with pytest.raises(AssertionError):
        check(wrong, build_wsp_push(push), seen)
