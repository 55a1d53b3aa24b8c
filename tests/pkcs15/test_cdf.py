"""EF(CDF): fact 53."""

import pytest

from smartcard_dm.errors import LimitExceededError, Pkcs15Error
from smartcard_dm.iso7816 import encode_tlv
from smartcard_dm.limits import Limits
from smartcard_dm.pkcs15 import (
    CertificateKind,
    CertificateObject,
    DirectValue,
    FilePath,
    IndirectPath,
    TrustedUsage,
    build_certificate_object,
    parse_cdf,
)
from tests.pkcs15.vectors import entry

PATH = "3004 0402 4404"


@pytest.mark.parametrize("kind", CertificateKind)
def test_fact_53_every_kind_of_certificate(kind: CertificateKind) -> None:
    (found,) = parse_cdf(entry(kind.value, attributes="040101", types="3006" + PATH))
    assert found.kind is kind
    assert found.id == b"\x01"
    assert found.value == IndirectPath(FilePath(b"\x44\x04"))
    assert (found.authority, found.implicit_trust, found.trusted_usage) == (False, False, None)
    assert (found.subject, found.issuer, found.serial) == (None, None, None)
    assert [kind.value for kind in CertificateKind] == [0x30, 0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5]


def test_fact_53_unknown_kinds_are_skipped() -> None:
    found = parse_cdf(entry(0xA6, attributes="040101", types="3006" + PATH))
    assert (len(found), len(found.warnings)) == (0, 1)


def test_fact_53_all_common_attributes() -> None:
    attributes = "040101 0101FF 3005 020101 0400 A002 0500 A10E 03020186 3008 0606 2B0601050507 A202 3000 8301FF 0500"
    (found,) = parse_cdf(entry(0x30, "0C0158", attributes, "3006" + PATH))
    assert found.authority
    assert found.implicit_trust
    assert found.label == "X"
    assert found.trusted_usage == TrustedUsage(frozenset({0, 5, 6}), ("1.3.6.1.5.5.7",))


def test_fact_53_a_false_boolean_is_false_and_any_other_octet_true() -> None:
    for octet, expected in (("00", False), ("01", True), ("FF", True)):
        (found,) = parse_cdf(entry(0x30, attributes="0400 0101" + octet, types="3006" + PATH))
        assert found.authority is expected
        assert found.id == b""


def test_fact_53_x509_attributes() -> None:
    name = "300D 310B 3009 0603550403 0C02 4341"
    types = encode_tlv(0x30, bytes.fromhex(PATH + name + "A00F" + name + "020200C8" + "0500")).hex()
    (found,) = parse_cdf(entry(0x30, attributes="040101", types=types))
    assert found.subject == found.issuer == bytes.fromhex(name)
    assert found.serial == 200


def test_a_certificate_in_the_directory_is_handed_on_unread() -> None:
    deep = b"\x05\x00"
    for _ in range(30):
        deep = encode_tlv(0x30, deep)
    (found,) = parse_cdf(build_certificate_object(CertificateObject(id=b"1", value=DirectValue(deep))))
    assert found.value == DirectValue(deep)


@pytest.mark.parametrize(
    ("attributes", "types", "detail"),
    [
        pytest.param("", "3006" + PATH, "iD", id="no identifier"),
        pytest.param("0101FF", "3006" + PATH, "should have been", id="another type first"),
        pytest.param("040101 0100", "3006" + PATH, "BOOLEAN", id="empty boolean"),
        pytest.param("040101 01020000", "3006" + PATH, "BOOLEAN", id="long boolean"),
        pytest.param("040101 A104 3002 0600", "3006" + PATH, "OBJECT IDENTIFIER", id="empty usage"),
        pytest.param("040101 A104 3002 0500", "3006" + PATH, "should have been", id="usage of another type"),
        pytest.param("040101 A103 300106", "3006" + PATH, "length is missing", id="cut usage"),
        pytest.param("040101", "3000", "missing", id="no value"),
        pytest.param("040101", "3002 0500", "not as declared", id="value of another type"),
        pytest.param("040101", "3009" + PATH + "020200", "value of tag 02 is cut", id="cut serial"),
        pytest.param("040101", "3008" + PATH + "0200", "INTEGER", id="empty serial"),
        pytest.param(
            "040101", "3008" + PATH + "A000", "explicit|not as declared|Insufficient", id="no issuer in its tag"
        ),
    ],
)
def test_malformed_certificates(attributes: str, types: str, detail: str) -> None:
    with pytest.raises(Pkcs15Error, match=detail) as caught:
        parse_cdf(entry(0x30, attributes=attributes, types=types), structure="EF.CDF 4404")
    assert caught.value.structure == "EF.CDF 4404"
    assert "asn1crypto" not in str(caught.value)
    assert caught.value.offset


def test_fact_53_cut_at_every_octet_and_padded() -> None:
    vector = entry(0x30, "0C0158", "040101 0101FF", "3006" + PATH)
    whole = parse_cdf(vector)
    for cut in range(1, len(vector)):
        with pytest.raises(Pkcs15Error):
            parse_cdf(vector[:cut])
    assert parse_cdf(vector + b"\xff\xff").objects == whole.objects
    assert len(parse_cdf(vector + b"\x00\x30").warnings) == 1
    with pytest.raises(LimitExceededError):
        parse_cdf(vector * 3, limits=Limits(directory_objects=2))


def test_only_x509_carries_a_subject() -> None:
    wrong = CertificateObject(kind=CertificateKind.PGP, id=b"1", value=DirectValue(b"\x05\x00"), serial=1)
    with pytest.raises(ValueError, match=r"X\.509"):
        build_certificate_object(wrong)


@pytest.mark.parametrize(
    ("attributes", "types"),
    [
        pytest.param("040101 8301FF 0101FF", "3006" + PATH, id="authority behind implicitTrust"),
        pytest.param("040101 8301FF 830100", "3006" + PATH, id="implicitTrust twice"),
        pytest.param("040101", "300B" + PATH + "020107 A000", id="issuer behind the serial number"),
    ],
)
def test_an_element_twice_or_out_of_order_is_no_extension(attributes: str, types: str) -> None:
    with pytest.raises(Pkcs15Error, match=r"twice or out of order|not as declared"):
        parse_cdf(entry(0x30, attributes=attributes, types=types))
