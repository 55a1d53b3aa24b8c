from __future__ import annotations

from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smartcard_dm import wbxml
from smartcard_dm.dm import (
    Characteristic,
    Parm,
    ProvisioningDocument,
    accounts_from_document,
    build_provisioning_document,
    parse_provisioning_document,
)
from smartcard_dm.errors import DecodeError, DmError, LimitExceededError, UnsupportedError, WbxmlError
from smartcard_dm.limits import Limits
from tests.dm import cp_samples as samples
from tests.dm.cp_samples import EVERYTHING, WBXML, WBXML_DOCUMENT, document, group

TEXTS: Final = st.text(
    st.characters(codec="utf-8", exclude_characters="\ufffe\uffff", min_codepoint=0x20) | st.sampled_from("\t\n\r"),
    max_size=12,
)
NAMES: Final = st.sampled_from(["APPLICATION", "NAME", "PORT", "TO-NAPID", "VENDORCONFIG"]) | TEXTS.filter(bool)
PARMS: Final = st.builds(Parm, NAMES, st.none() | TEXTS | st.sampled_from(["w7", "IPV4", "DIGEST", "APPSRV"]))
CHARACTERISTICS: Final[st.SearchStrategy[Characteristic]] = st.recursive(
    st.builds(Characteristic, NAMES, st.lists(PARMS, max_size=4).map(tuple)),
    lambda below: st.builds(
        Characteristic, NAMES, st.lists(PARMS, max_size=2).map(tuple), st.lists(below, max_size=3).map(tuple)
    ),
    max_leaves=6,
)
DOCUMENTS: Final = st.builds(
    ProvisioningDocument, st.sampled_from(["1.0", "1.1"]), st.lists(CHARACTERISTICS, max_size=3).map(tuple)
)


def xml(inside: str, *, root: str = '<wap-provisioningdoc version="1.0">') -> bytes:
    return f"{root}{inside}</wap-provisioningdoc>".encode()


def refusal(octets: bytes) -> DmError:
    with pytest.raises(DmError) as caught:
        parse_provisioning_document(octets)
    return caught.value


@pytest.mark.parametrize(
    "characteristic",
    EVERYTHING.characteristics,
    ids=[characteristic.type for characteristic in EVERYTHING.characteristics],
)
def test_each_characteristic_survives_both_forms(characteristic: Characteristic) -> None:
    one = document(characteristic)
    octets = build_provisioning_document(one)
    assert parse_provisioning_document(octets) == one
    assert parse_provisioning_document(wbxml.from_xml(octets)) == one


def test_the_whole_document_survives_both_forms() -> None:
    octets = build_provisioning_document(EVERYTHING)
    assert parse_provisioning_document(octets) == EVERYTHING
    assert parse_provisioning_document(wbxml.from_xml(octets)) == EVERYTHING
    assert not EVERYTHING.empty


def test_a_vector_on_both_code_pages() -> None:
    assert parse_provisioning_document(WBXML) == WBXML_DOCUMENT
    for version in (1, 2):
        assert parse_provisioning_document(bytes([version]) + WBXML[1:]) == WBXML_DOCUMENT


@pytest.mark.parametrize("octets", [WBXML, build_provisioning_document(EVERYTHING)], ids=["wbxml", "xml"])
def test_every_cut_is_an_error(octets: bytes) -> None:
    for length in range(1, len(octets)):
        with pytest.raises(DecodeError):
            parse_provisioning_document(octets[:length])


@pytest.mark.parametrize("octets", [WBXML, build_provisioning_document(WBXML_DOCUMENT)], ids=["wbxml", "xml"])
@pytest.mark.parametrize("padding", [b"\xff", b"\x00", b"\xff" * 300, b"\x00\xff\x00"])
def test_padding_is_cut_at_the_very_end_only(octets: bytes, padding: bytes) -> None:
    assert parse_provisioning_document(octets + padding) == WBXML_DOCUMENT
    for broken in (padding + octets, octets + padding + b"\x01"):
        with pytest.raises(DecodeError):
            parse_provisioning_document(broken)


def test_padding_inside_is_content() -> None:
    octets = WBXML.replace(b"\x03NAP1\0", b"\x03N\xc3\xbf\xc3\xbf1\0")
    found = parse_provisioning_document(octets + b"\xff\xff")
    assert found.characteristics[0].parms[0].value == "Nÿÿ1"


@pytest.mark.parametrize("octets", [b"", b"\xff", b"\x00" * 3, b"\xff\x00\xff"])
def test_a_file_of_padding_is_an_empty_document(octets: bytes) -> None:
    found = parse_provisioning_document(octets)
    assert found == ProvisioningDocument()
    assert found.empty


@pytest.mark.parametrize("octets", [b"\x04\x0b\x6a\x00\x05", b"\x30\x03\x02\x01\x07", b"w7", b"\xff<a/>"])
def test_neither_form_is_refused(octets: bytes) -> None:
    error = refusal(octets)
    assert (error.offset, error.found) == (0, f"{octets[0]:02X}")


def test_trailing_octets_that_are_no_padding_are_refused() -> None:
    with pytest.raises(WbxmlError):
        parse_provisioning_document(WBXML + b"\x01")
    assert "not well-formed" in str(refusal(xml("") + b"x"))


def test_white_space_between_elements_means_nothing() -> None:
    octets = xml('\n <characteristic type="A">\r\n\t<parm name="B" value="c">\n</parm>\n</characteristic>\n')
    assert parse_provisioning_document(octets + b"\n") == document(group("A", {"B": "c"}))


def test_parms_may_stand_behind_characteristics() -> None:
    octets = xml('<characteristic type="A"><characteristic type="B"/><parm name="C"/></characteristic>')
    assert parse_provisioning_document(octets) == document(group("A", {"C": None}, group("B")))


def test_an_empty_value_is_not_a_missing_one() -> None:
    octets = xml('<characteristic type="A"><parm name="B" value=""/><parm name="C"/></characteristic>')
    assert parse_provisioning_document(octets) == document(group("A", {"B": "", "C": None}))


@pytest.mark.parametrize(("attribute", "version"), [("", "1.0"), (' version="1.0"', "1.0"), (' version="1.1"', "1.1")])
def test_versions(attribute: str, version: str) -> None:
    octets = xml("", root=f"<wap-provisioningdoc{attribute}>")
    found = parse_provisioning_document(octets)
    assert found.version == version
    assert parse_provisioning_document(build_provisioning_document(found)) == found
    assert parse_provisioning_document(wbxml.from_xml(octets)) == found


@pytest.mark.parametrize("version", ["", "1", "1.2", "2.0"])
def test_other_versions_are_not_supported(version: str) -> None:
    with pytest.raises(UnsupportedError, match="provisioning document version"):
        parse_provisioning_document(xml("", root=f'<wap-provisioningdoc version="{version}">'))
    with pytest.raises(ValueError, match="version"):
        ProvisioningDocument(version)


@pytest.mark.parametrize(
    ("inside", "place", "detail"),
    [
        ("text", "wap-provisioningdoc", "text stands"),
        ('<parm name="A"/>', "wap-provisioningdoc", "out of place"),
        ("<other/>", "wap-provisioningdoc", "out of place"),
        ('<characteristic type="A"/>text', "wap-provisioningdoc", "text stands"),
        ("<characteristic/>", "characteristic[?]", "type is missing"),
        ('<characteristic type=""/>', "characteristic[]", "type is missing"),
        ('<characteristic type="A" name="B"/>', "characteristic[A]", "unknown attribute"),
        ('<characteristic type="A">text</characteristic>', "characteristic[A]", "text stands"),
        ('<characteristic type="A"><other/></characteristic>', "characteristic[A]", "out of place"),
        ('<characteristic type="A"><parm/></characteristic>', "characteristic[A]/parm[?]", "name is missing"),
        (
            '<characteristic type="A"><parm name="" value="b"/></characteristic>',
            "characteristic[A]/parm[]",
            "name is missing",
        ),
        (
            '<characteristic type="A"><parm name="B" datatype="integer"/></characteristic>',
            "characteristic[A]/parm[B]",
            "unknown attribute",
        ),
        (
            '<characteristic type="A"><parm name="B">text</parm></characteristic>',
            "characteristic[A]/parm[B]",
            "text stands",
        ),
        (
            '<characteristic type="A"><parm name="B"><parm name="C"/></parm></characteristic>',
            "characteristic[A]/parm[B]",
            "out of place",
        ),
        (
            '<characteristic type="A"/><characteristic type="A"><parm name="C"/><parm name="C" d=""/></characteristic>',
            "characteristic[A][2]/parm[C][2]",
            "unknown attribute",
        ),
    ],
)
def test_structure_is_strict_and_errors_name_the_place(inside: str, place: str, detail: str) -> None:
    error = refusal(xml(inside))
    assert error.place == place
    assert detail in error.detail


@pytest.mark.parametrize(
    "octets",
    [
        b"<other/>",
        b'<wap-provisioningdoc xmlns="urn:x"/>',
        b'<!DOCTYPE wap-provisioningdoc><wap-provisioningdoc version="1.0"/>',
        b"<wap-provisioningdoc><!-- a --></wap-provisioningdoc>",
        b'<wap-provisioningdoc other="1"/>',
        b'<wap-provisioningdoc><characteristic type="A" type="B"/></wap-provisioningdoc>',
        wbxml.from_xml(b'<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD></MgmtTree>'),
    ],
)
def test_other_documents_are_refused(octets: bytes) -> None:
    refusal(octets)


def test_places_stay_short_and_printable() -> None:
    error = refusal(xml(f'<characteristic type="{"A" * 5000}&#10;"/><characteristic type="B&#10;" name=""/>'))
    assert error.place == r"characteristic['B\n']"
    error = refusal(xml(f'<characteristic type="{"A" * 5000}" name=""/>'))
    assert error.place == f"characteristic[{'A' * 40}]"


def test_bounds_are_those_of_limits() -> None:
    deep = group("A", None, group("B", {"C": "d"}))
    octets = build_provisioning_document(document(deep))
    assert parse_provisioning_document(octets, limits=Limits(wbxml_depth=4)) == document(deep)
    for form in (octets, wbxml.from_xml(octets)):
        with pytest.raises(LimitExceededError):
            parse_provisioning_document(form, limits=Limits(wbxml_depth=3))
        with pytest.raises(LimitExceededError):
            parse_provisioning_document(form, limits=Limits(xml_octets=20))


@pytest.mark.parametrize("text", ["\0", "a\x0b", "\ud800", "\ufffe"])
def test_values_hold_what_xml_can_hold(text: str) -> None:
    for make in (lambda: Parm(text), lambda: Parm("A", text), lambda: Characteristic(text)):
        with pytest.raises(ValueError, match="XML cannot hold"):
            make()


def test_names_are_not_empty() -> None:
    for make in (lambda: Parm(""), lambda: Characteristic("")):
        with pytest.raises(ValueError, match="empty"):
            make()


def test_no_repr_shows_a_value() -> None:
    for name in ("AAUTHSECRET", "PXAUTH-PW", "AUTHSECRET", "BASAUTH-PW", "PROXY-PW", "AAUTHDATA", "NAME"):
        parm = Parm(name, "the-value")
        assert repr(parm) == f"Parm(name={name!r})"
        assert "the-value" not in f"{parm} {document(Characteristic('A', (parm,)))}"
    for secret in (*samples.SECRETS, samples.NONCE_TEXT):
        assert secret not in repr(EVERYTHING)


def test_no_error_shows_a_value() -> None:
    secret = samples.SECRETS[0]
    for inside in (
        f'<characteristic type="A"><parm name="B" value="{secret}" other="{secret}">x</parm></characteristic>',
        f'<characteristic type="A"><parm name="B" value="{secret}">{secret}</parm></characteristic>',
        f'<characteristic type="A"><parm value="{secret}"/></characteristic>',
        f'<characteristic type="A"><parm name="B" value="{secret}"></characteristic>',
        f'<characteristic type="A"><parm name="B" value="{secret}&unknown;"/></characteristic>',
    ):
        assert secret not in str(refusal(xml(inside)))


@given(DOCUMENTS)
def test_any_document_survives_both_forms(value: ProvisioningDocument) -> None:
    octets = build_provisioning_document(value)
    assert parse_provisioning_document(octets) == value
    assert parse_provisioning_document(wbxml.from_xml(octets)) == value


def value_or_refusal(octets: bytes) -> None:
    try:
        accounts_from_document(parse_provisioning_document(octets), origin_place="7F50/6431")
    except (DecodeError, UnsupportedError):
        return


@given(st.binary() | st.binary().map(b"\x03\x0b\x6a\x00\xc5\x46\x01".__add__) | st.binary().map(b"<".__add__))
@example(b"\x03")
def test_any_octets_give_a_value_or_one_of_our_errors(octets: bytes) -> None:
    value_or_refusal(octets)


@given(
    st.sampled_from([WBXML, build_provisioning_document(EVERYTHING)]),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4),
)
def test_changed_octets_give_a_value_or_one_of_our_errors(octets: bytes, changes: list[tuple[int, int]]) -> None:
    changed = bytearray(octets)
    for position, octet in changes:
        changed[position % len(changed)] = octet
    value_or_refusal(bytes(changed))


@given(DOCUMENTS)
def test_any_document_gives_accounts_or_one_of_our_errors(value: ProvisioningDocument) -> None:
    value_or_refusal(build_provisioning_document(value))
