"""EF(PuKDF): fact 54."""

import pytest

from smartcard_dm.errors import Pkcs15Error
from smartcard_dm.pkcs15 import (
    DirectValue,
    FilePath,
    IndirectPath,
    KeyForm,
    KeyUsage,
    PublicKeyKind,
    PublicKeyObject,
    TrustedUsage,
    build_public_key_object,
    parse_pukdf,
    read_key_octets,
)
from tests.pkcs15.vectors import entry

PATH = "3004 0402 4404"


@pytest.mark.parametrize("kind", PublicKeyKind)
def test_fact_54_every_kind_of_key(kind: PublicKeyKind) -> None:
    (found,) = parse_pukdf(entry(kind.value, "0C0158", "040101 03020102", "3006" + PATH))
    assert found.kind is kind
    assert found.usage == {KeyUsage.VERIFY}
    assert found.native
    assert (found.key_reference, found.modulus_length, found.subject, found.trusted_usage) == (None, None, None, None)
    assert found.value == IndirectPath(FilePath(b"\x44\x04"))
    assert [kind.value for kind in PublicKeyKind] == [0x30, 0xA0, 0xA1, 0xA2, 0xA3]


def test_fact_54_all_attributes() -> None:
    dates = "180F" + b"20240101000000Z".hex() + "800D" + b"202501010000Z".hex()
    attributes = "040101 0303060240 010100 03020480 020103" + dates
    found = parse_pukdf(entry(0x30, "", attributes, "300A" + PATH + "02020800", below="3008 3000 A004 03020780"))
    (key,) = found
    assert key.usage == {KeyUsage.VERIFY, KeyUsage.NON_REPUDIATION}
    assert not key.native
    assert (key.key_reference, key.modulus_length) == (3, 2048)
    assert key.subject == b"\x30\x00"
    assert key.trusted_usage == TrustedUsage(frozenset({0}), ())


@pytest.mark.parametrize("date", ["2024", "20240101000000X", "2024010100000", "\uff12\uff10\uff12\uff14"])
def test_fact_54_dates_that_are_none(date: str) -> None:
    raw = date.encode()
    with pytest.raises(Pkcs15Error, match="GeneralizedTime"):
        parse_pukdf(entry(0x30, "", "040101 03020102 18" + f"{len(raw):02X}" + raw.hex(), "3006" + PATH))


def test_fact_54_cut_at_every_octet_and_unknown_kind() -> None:
    vector = entry(0xA0, "0C0158", "040101 03020102", "3006" + PATH)
    for cut in range(1, len(vector)):
        with pytest.raises(Pkcs15Error):
            parse_pukdf(vector[:cut])
    assert len(parse_pukdf(vector + b"\xff").objects) == 1
    assert len(parse_pukdf(entry(0xA4)).warnings) == 1


@pytest.mark.parametrize(
    ("kind", "octets", "form", "encoding"),
    [
        (PublicKeyKind.RSA, "3003020105", KeyForm.RSA, "3003020105"),
        (PublicKeyKind.RSA, "A103020105FFFF", KeyForm.SPKI, "3003020105"),
        (PublicKeyKind.EC, "300302010500", KeyForm.SPKI, "3003020105"),
        (PublicKeyKind.DSA, "3003020105", KeyForm.SPKI, "3003020105"),
        (PublicKeyKind.EC, "0403040102", KeyForm.EC_POINT, "040102"),
        (PublicKeyKind.EC, "A1020500", KeyForm.OTHER, "A1020500"),
        (PublicKeyKind.DSA, "020105", KeyForm.OTHER, "020105"),
    ],
)
def test_forms_of_a_public_key(kind: PublicKeyKind, octets: str, form: KeyForm, encoding: str) -> None:
    assert read_key_octets(kind, bytes.fromhex(octets)) == (form, bytes.fromhex(encoding))


@pytest.mark.parametrize("octets", ["", "FFFF", "30", "30000500", "3000FF01"])
def test_octets_that_are_no_key(octets: str) -> None:
    with pytest.raises(Pkcs15Error, match="public key"):
        read_key_octets(PublicKeyKind.RSA, bytes.fromhex(octets))


def test_only_rsa_carries_a_modulus_length() -> None:
    wrong = PublicKeyObject(
        kind=PublicKeyKind.EC, id=b"1", usage=frozenset(), value=DirectValue(b"\x05\x00"), modulus_length=1
    )
    with pytest.raises(ValueError, match="modulus"):
        build_public_key_object(wrong)
