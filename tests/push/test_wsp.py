"""WSP pushes: vectors composed by hand, both ways; what is refused, and by which rule."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcard_dm.errors import EnvelopeError, LimitExceededError
from smartcard_dm.limits import Limits
from smartcard_dm.push.arrival import APPLICATION_ID, CP_WBXML, DM_WBXML
from smartcard_dm.push.wsp import WspPush, build_wsp_push, parse_wsp_push
from smartcard_dm.push.wsp_coding import (
    WspReader,
    encode_integer,
    encode_text,
    encode_token,
    encode_uintvar,
    encode_value_length,
)
from smartcard_dm.push.wsp_content_type import ContentType, Parameter
from smartcard_dm.push.wsp_headers import HeaderField
from smartcard_dm.push.wsp_rules import WspRule
from tests.push.wsp_materials import CP_VECTOR, DM_VECTOR, MAC_TEXT, MESSAGE, hand, pushes

PROVED = (Parameter.sec(0), Parameter.mac(MAC_TEXT))
DM_PUSH = WspPush(1, ContentType(DM_WBXML, PROVED), (HeaderField.application_id(7),), MESSAGE)

VECTORS = {
    "DM with SEC and MAC": (DM_VECTOR, DM_PUSH),
    "CP as Kannel composes it": (
        CP_VECTOR,
        WspPush(1, ContentType(CP_WBXML, (Parameter.sec(1), Parameter.mac(MAC_TEXT))), (), MESSAGE),
    ),
    "DM without security": (
        hand("00 06 03 C2 AF 87 0200"),
        WspPush(0, ContentType(DM_WBXML), (HeaderField.application_id(7),), b"\x02\x00"),
    ),
    "DM notification": (
        hand("FF 06 03 C4 AF 87 00"),
        WspPush(255, ContentType("application/vnd.syncml.notification"), (HeaderField.application_id(7),), b"\x00"),
    ),
    "media type as text": (
        hand("01 06 20 'application/vnd.syncml.dm+wbxml' 00"),
        WspPush(1, ContentType(DM_WBXML, as_text=True), (), b""),
    ),
    "media type without a number": (
        hand("01 06 24 'application/vnd.syncml.dmtnds+wbxml' 00 AA"),
        WspPush(1, ContentType("application/vnd.syncml.dmtnds+wbxml"), (), b"\xaa"),
    ),
    "general form with text and a character set": (
        hand("01 06 24 1F22 'application/vnd.syncml.dm+wbxml' 00 81 EA"),
        WspPush(1, ContentType(DM_WBXML, (Parameter(1, b"\xea"),), as_text=True), (), b""),
    ),
    "application identifier as text": (
        hand("01 06 1E C2 AF 'x-wap-application:syncml.dm' 00"),
        WspPush(1, ContentType(DM_WBXML), (HeaderField.application_id(APPLICATION_ID),), b""),
    ),
    "application identifier of two octets": (
        hand("01 06 05 C2 AF 02 9002"),
        WspPush(1, ContentType(DM_WBXML), (HeaderField.application_id(0x9002),), b""),
    ),
    "unknown fields, in their order": (
        hand("01 06 16 C2 B4 83 D0 03 010203 'X-Note' 00 'kept' 00 AF 87"),
        WspPush(
            1,
            ContentType(DM_WBXML),
            (
                HeaderField(0x34, b"\x83"),
                HeaderField(0x50, b"\x03\x01\x02\x03"),
                HeaderField("X-Note", b"kept\0"),
                HeaderField.application_id(7),
            ),
            b"",
        ),
    ),
    "code pages, by both octets and back": (
        hand("01 06 0C C2 02 AF 87 7F 40 85 01 80 01 AF 87"),
        WspPush(
            1,
            ContentType(DM_WBXML),
            (
                HeaderField(0x2F, b"\x87", 2),
                HeaderField(0x05, b"\x01\x80", 0x40),
                HeaderField.application_id(7),
            ),
            b"",
        ),
    ),
    "a body of any octets": (hand("01 06 01 C2 00 FF 06"), WspPush(1, ContentType(DM_WBXML), (), b"\x00\xff\x06")),
}


@pytest.mark.parametrize("name", VECTORS)
def test_vectors_are_read_and_written(name: str) -> None:
    octets, push = VECTORS[name]
    assert parse_wsp_push(octets) == push
    assert build_wsp_push(push) == octets


def test_second_spellings_that_the_grammar_allows_are_read_and_not_written() -> None:
    wanted = WspPush(1, ContentType(DM_WBXML, (Parameter(1, b"\xea"),)), (), b"")
    once = hand("01 06 04 03 C2 81 EA")
    assert build_wsp_push(wanted) == once
    for octets in (once, hand("01 06 05 1F03 C2 81 EA")):
        assert parse_wsp_push(octets) == wanted
    assert parse_wsp_push(hand("01 06 02 01 C2")) == WspPush(1, ContentType(DM_WBXML), (), b"")
    upper = hand("01 06 20 'APPLICATION/vnd.syncml.dm+WBXML' 00")
    assert parse_wsp_push(upper).content_type == ContentType(DM_WBXML, as_text=True)


REFUSED = {
    "nothing": ("", WspRule.CUT),
    "only a transaction": ("01", WspRule.CUT),
    "no length": ("01 06", WspRule.CUT),
    "a confirmed push": ("01 07 03 C2 AF 87", WspRule.CONFIRMED_PUSH),
    "a reply": ("01 04 20 01 C2", WspRule.PDU_TYPE),
    "no transaction, as in a session": ("06 03 C2 AF 87", WspRule.PDU_TYPE),
    "no headers": ("01 06 00 C2", WspRule.HEADERS_LENGTH),
    "headers past the end": ("01 06 04 C2 AF 87", WspRule.HEADERS_LENGTH),
    "a length that begins with nothing": ("01 06 80 03 C2 AF 87", WspRule.UINTVAR),
    "a length without end": ("01 06 81 81 81 81 81 81", WspRule.UINTVAR),
    "a length of 33 bits": ("01 06 9F FF FF FF 7F C2", WspRule.UINTVAR),
    "a length that is cut": ("01 06 81", WspRule.CUT),
    "text without end": ("01 06 03 'app' 00", WspRule.TEXT),
    "no media type": ("01 06 04 'app' 00", WspRule.MEDIA_TYPE),
    "a media type with parameters in its text": ("01 06 09 'a/b;c=d' 00 00", WspRule.MEDIA_TYPE),
    "a number of no media type": ("01 06 01 FF", WspRule.MEDIA_TYPE),
    "a longer number of no media type": ("01 06 04 03 02 0302", WspRule.MEDIA_TYPE),
    "an empty content type": ("01 06 01 00", WspRule.CUT),
    "a content type past the headers": ("01 06 03 05 C2 81 EA", WspRule.VALUE_LENGTH),
    "no name of a parameter": ("01 06 04 03 C2 01 EA", WspRule.PARAMETER),
    "a parameter without value": ("01 06 03 02 C2 91", WspRule.CUT),
    "the value of a parameter past the content type": ("01 06 05 04 C2 88 05 01", WspRule.VALUE_LENGTH),
    "SEC twice": ("01 06 06 05 C2 91 80 91 81", WspRule.PARAMETER_TWICE),
    "SEC twice, once by name": ("01 06 09 08 C2 91 80 'sec' 00 81", WspRule.PARAMETER_TWICE),
    "MAC twice": ("01 06 08 07 C2 92 'A' 00 92 'B' 00", WspRule.PARAMETER_TWICE),
    "Charset twice": ("01 06 06 05 C2 81 EA 81 EA", WspRule.PARAMETER_TWICE),
    "SEC without value": ("01 06 04 03 C2 91 00", WspRule.PARAMETER),
    "MAC as a number": ("01 06 04 03 C2 92 80", WspRule.PARAMETER),
    "MAC as octets": ("01 06 06 05 C2 92 02 4142", WspRule.PARAMETER),
    "SEC behind zeros": ("01 06 06 05 C2 91 02 0001", WspRule.INTEGER),
    "SEC with more than a number": ("01 06 07 06 C2 91 1F02 0101", WspRule.INTEGER),
    "a name with a blank": ("01 06 07 06 C2 'a b' 00 81", WspRule.TEXT),
    "MAC with a control character": ("01 06 06 05 C2 92 '4' 0A 00", WspRule.TEXT),
    "MAC that is no UTF-8": ("01 06 06 05 C2 92 '4' FF 00", WspRule.TEXT),
    "MAC with a quote octet for nothing": ("01 06 06 05 C2 92 7F '4' 00", WspRule.TEXT),
    "two application identifiers": ("01 06 05 C2 AF 87 AF 87", WspRule.HEADER_TWICE),
    "two application identifiers, one by name": (
        "01 06 1A C2 AF 87 'X-WAP-Application-Id' 00 ' ' 00",
        WspRule.HEADER_TWICE,
    ),
    "a second content type": ("01 06 03 C2 91 B6", WspRule.HEADER_TWICE),
    "an application identifier of no kind": ("01 06 03 C2 AF 00", WspRule.INTEGER),
    "an application identifier behind zeros": ("01 06 05 C2 AF 02 0007", WspRule.INTEGER),
    "an application identifier in two octets that fits into one": ("01 06 04 C2 AF 01 07", WspRule.INTEGER),
    "a media type in two octets that fits into one": ("01 06 03 02 01 42", WspRule.INTEGER),
    "an application identifier behind a quote octet": ("01 06 05 C2 AF 1F01 07", WspRule.INTEGER),
    "a field without value": ("01 06 02 C2 AF", WspRule.CUT),
    "a field past the headers": ("01 06 04 C2 B4 05 83", WspRule.VALUE_LENGTH),
    "a named field with a number": ("01 06 05 C2 'X' 00 87 00", WspRule.HEADER),
    "a named field with a value that has a length": ("01 06 06 C2 'X' 00 01 41 00", WspRule.HEADER),
    "a named field without end": ("01 06 04 C2 'X' 00 'Y'", WspRule.TEXT),
    "no such code page": ("01 06 05 C2 7F 00 AF 87", WspRule.CODE_PAGE),
    "no such code page, by the short cut": ("01 06 04 C2 00 AF 87", WspRule.CODE_PAGE),
    "a code page for nothing": ("01 06 02 C2 02", WspRule.CODE_PAGE),
    "two code pages in a row": ("01 06 05 C2 02 03 AF 87", WspRule.CODE_PAGE),
    "half a change of the code page": ("01 06 02 C2 7F", WspRule.CUT),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    octets, rule = REFUSED[name]
    with pytest.raises(EnvelopeError) as caught:
        parse_wsp_push(hand(octets))
    assert caught.value.rule == rule.value, str(caught.value)
    assert "WSP" in str(caught.value) or "X-Wap" in str(caught.value)


def test_every_rule_of_reading_is_held() -> None:
    of_opening = {WspRule.CONTENT_TYPE, WspRule.APPLICATION_ID, WspRule.NO_DOCUMENT}
    assert {rule for _, rule in REFUSED.values()} == set(WspRule) - of_opening
    assert all(rule.startswith("wsp.") and rule.stops and rule.clause for rule in WspRule)


@pytest.mark.parametrize(
    ("octets", "limits", "name"),
    [
        (hand("01 06 A001 C2"), Limits(), "wsp_header_octets"),
        (DM_VECTOR, Limits(wsp_header_octets=48), "wsp_header_octets"),
        (hand("01 06 07 C2 B4 80 B4 80 B4 80"), Limits(wsp_headers=2), "wsp_headers"),
        (hand("01 06 08 07 C2 88 80 88 80 88 80"), Limits(wsp_headers=2), "wsp_headers"),
    ],
)
def test_bounds(octets: bytes, limits: Limits, name: str) -> None:
    with pytest.raises(LimitExceededError) as caught:
        parse_wsp_push(octets, limits)
    assert caught.value.limit == name


def test_bounds_are_not_met_too_early() -> None:
    assert parse_wsp_push(DM_VECTOR, Limits(wsp_header_octets=49, wsp_headers=2)) == DM_PUSH


@pytest.mark.parametrize("name", VECTORS)
def test_every_prefix_ends_with_one_error_until_the_headers_are_whole(name: str) -> None:
    octets, push = VECTORS[name]
    whole = len(octets) - len(push.body)
    for length in range(whole):
        with pytest.raises(EnvelopeError) as caught:
            parse_wsp_push(octets[:length])
        assert caught.value.rule in set(WspRule)
    assert parse_wsp_push(octets[:whole]).body == b""


@given(pushes())
def test_any_push_comes_back(push: WspPush) -> None:
    octets = build_wsp_push(push)
    assert parse_wsp_push(octets) == push
    assert build_wsp_push(parse_wsp_push(octets)) == octets


def attempt(octets: bytes) -> None:
    """A push that reads comes back as itself when it is written; anything else is one of two errors."""
    try:
        push = parse_wsp_push(octets)
    except LimitExceededError:
        return
    except EnvelopeError as error:
        rule = error.rule
    else:
        assert parse_wsp_push(build_wsp_push(push)) == push
        _ = (push.application_id, push.content_type.sec, push.content_type.mac, push.content_type.charset)
        return
    assert rule in set(WspRule)


@given(st.binary(max_size=120))
def test_any_octets(octets: bytes) -> None:
    attempt(octets)
    attempt(b"\x01\x06" + octets)
    attempt(b"\x01\x06" + encode_uintvar(len(octets)) + octets)
    attempt(b"\x01\x06" + encode_uintvar(len(octets) + 1) + b"\xc2" + octets)
    attempt(b"\x01\x06" + encode_uintvar(len(octets) + 2) + bytes((len(octets) % 31 + 1, 0xC2)) + octets)


@given(pushes(), st.integers(0, 400), st.integers(0, 255))
def test_any_push_with_an_octet_changed(push: WspPush, at: int, octet: int) -> None:
    octets = bytearray(build_wsp_push(push))
    octets[at % len(octets)] = octet
    attempt(bytes(octets))


def test_what_fields_and_parameters_are_called() -> None:
    labels = [field.label for field in parse_wsp_push(VECTORS["unknown fields, in their order"][0]).headers]
    assert labels == ["Push-Flag", "field 0x50", "X-Note", "X-Wap-Application-Id"]
    assert HeaderField(0x2F, b"\x87", 2).label == "field 0x2F of code page 2"


def test_which_application_a_push_is_for() -> None:
    found = {name: push.application_id for name, (_, push) in VECTORS.items()}
    assert found["DM with SEC and MAC"] == APPLICATION_ID
    assert found["application identifier as text"] == APPLICATION_ID
    assert found["application identifier of two octets"] == "number 0x9002"
    assert found["CP as Kannel composes it"] is None
    assert found["code pages, by both octets and back"] == APPLICATION_ID
    by_name = WspPush(1, ContentType(DM_WBXML), (HeaderField("x-wap-application-ID", b"urn:x\0"),), b"")
    assert by_name.application_id == "urn:x"


def test_what_a_content_type_says() -> None:
    content_type = ContentType(DM_WBXML, PROVED)
    assert (content_type.sec, content_type.mac, content_type.charset) == (0, MAC_TEXT, None)
    by_name = ContentType(DM_WBXML, (Parameter("SEC", b"NETWORKID\0"), Parameter("mac", b'"' + b"AB\0")))
    assert (by_name.sec, by_name.mac) == ("NETWORKID", "AB")
    assert ContentType(DM_WBXML, (Parameter(1, b"\xea"),)).charset == 106
    assert ContentType(DM_WBXML, (Parameter(1, b"utf-8\0"),)).charset == "utf-8"


def test_values_that_no_push_has() -> None:
    wrong = (
        lambda: WspPush(256, ContentType(DM_WBXML), (), b""),
        lambda: WspPush(-1, ContentType(DM_WBXML), (), b""),
        lambda: WspPush(1, ContentType(DM_WBXML), (HeaderField.application_id(7),) * 2, b""),
        lambda: WspPush(1, ContentType(DM_WBXML), (HeaderField(0x11, b"\xb6"),), b""),
        lambda: ContentType("Application/Xml"),
        lambda: ContentType("application"),
        lambda: ContentType("a/b/c"),
        lambda: ContentType("a/b", as_text=True),
        lambda: ContentType("a/b", (Parameter.sec(1), Parameter.sec(2))),
        lambda: ContentType("a/b", (Parameter(0x12, b"\x80"),)),
        lambda: Parameter("a b", b"\x80"),
        lambda: Parameter(128, b"\x80"),
        lambda: Parameter(0x11, b""),
        lambda: Parameter(0x11, b"\x80\x80"),
        lambda: Parameter(0x11, b"text"),
        lambda: HeaderField("", b"\0"),
        lambda: HeaderField(128, b"\x80"),
        lambda: HeaderField(1, b"\x80", 0),
        lambda: HeaderField(1, b"\x80", 256),
        lambda: HeaderField("X", b"x\0", 2),
        lambda: HeaderField("X", b"\x80"),
        lambda: HeaderField(1, b"\x80\x80"),
        lambda: encode_uintvar(-1),
        lambda: encode_uintvar(2**32),
        lambda: encode_integer(-1),
        lambda: encode_integer(2**240),
        lambda: encode_text("a\nb"),
        lambda: encode_token("a/b"),
    )
    for make in wrong:
        with pytest.raises(ValueError, match=r"\w"):
            make()


@pytest.mark.parametrize(
    ("number", "octets"),
    [(0, "00"), (127, "7F"), (128, "8100"), (0x2000, "C000"), (0xFFFF, "83FF7F"), (0xFFFF_FFFF, "8FFFFFFF7F")],
)
def test_uintvar(number: int, octets: str) -> None:
    assert encode_uintvar(number) == bytes.fromhex(octets)
    assert WspReader(bytes.fromhex(octets)).uintvar() == number


@pytest.mark.parametrize(
    ("length", "octets"), [(0, "00"), (30, "1E"), (31, "1F1F"), (45, "1F2D"), (127, "1F7F"), (128, "1F8100")]
)
def test_value_length(length: int, octets: str) -> None:
    assert encode_value_length(length) == bytes.fromhex(octets)
    assert WspReader(bytes.fromhex(octets)).value_length() == length


def test_a_value_length_is_never_text() -> None:
    with pytest.raises(EnvelopeError) as caught:
        WspReader(b"\x20").value_length()
    assert caught.value.rule == WspRule.VALUE_LENGTH


@pytest.mark.parametrize(
    ("number", "octets"), [(0, "80"), (127, "FF"), (128, "0180"), (0x302, "020302"), (2**240 - 1, "1E" + "FF" * 30)]
)
def test_integer(number: int, octets: str) -> None:
    assert encode_integer(number) == bytes.fromhex(octets)
    assert WspReader(bytes.fromhex(octets)).integer() == number


@pytest.mark.parametrize(("text", "octets"), [("", "00"), ("ab", "616200"), ("é", "7FC3A900"), ("aé", "61C3A900")])
def test_text(text: str, octets: str) -> None:
    assert encode_text(text) == bytes.fromhex(octets)
    assert WspReader(bytes.fromhex(octets)).text() == text


def test_text_that_lacks_its_quote_octet() -> None:
    with pytest.raises(EnvelopeError) as caught:
        WspReader(b"\xc3\xa9\0").text()
    assert caught.value.rule == WspRule.TEXT


def test_errors_tell_the_octet() -> None:
    with pytest.raises(EnvelopeError) as caught:
        parse_wsp_push(hand("01 06 08 07 C2 91 80 91 80 92 81"))
    assert (caught.value.rule, caught.value.structure) == ("wsp.parameter-twice", "WSP content type")
    with pytest.raises(EnvelopeError) as caught:
        parse_wsp_push(hand("01 06 04 C2 B4 05 83"))
    assert caught.value.offset == 5
    assert "wanted at most 1 octets" in str(caught.value)
