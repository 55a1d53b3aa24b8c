"""Trusted certificates and public keys of a card become anchors."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from smartcard_dm.credentials import read_credentials
from smartcard_dm.errors import CardReadError, KeyMaterialError, PinRequiredError, Pkcs15Error, UnsupportedError
from smartcard_dm.trust.anchors import AnchorKind, TrustAnchor
from tests.card.cards import ICCID, Change, inside, odf, session
from tests.materials import certificate_der, ec_private, ed25519_private, public_der, rsa_private

if TYPE_CHECKING:
    from smartcard_dm.trust.credentials import Credentials


def read(*changes: Change) -> Credentials:
    with session(*changes) as card:
        return read_credentials(card)


def certificates(*entries: str, files: tuple[str, ...] = ()) -> tuple[Change, ...]:
    """The card has trusted certificates."""
    listed = f"ef: 6440, access: public, content: {{cdf: [{', '.join(entries)}]}}"
    return inside(listed, *files), odf('{data_objects: "6430"}', '{trusted_certificates: "6440"}')


def keys(*entries: str, files: tuple[str, ...] = ()) -> tuple[Change, ...]:
    """The card has trusted public keys."""
    listed = f"ef: 6460, access: public, content: {{pukdf: [{', '.join(entries)}]}}"
    return inside(listed, *files), odf('{data_objects: "6430"}', '{trusted_public_keys: "6460"}')


def octets_file(file_id: str, octets: bytes, more: str = "") -> str:
    return f"ef: {file_id}, access: public, content: {{hex: {octets.hex() or 'FF'}}}{more}"


def only(found: Credentials) -> TrustAnchor:
    [anchor] = found.anchors
    return anchor


def certificate_that_ends_with_ff() -> bytes:
    for number in count():
        der = certificate_der(ec_private(), common_name=f"server {number}")
        if der[-1] == 0xFF:
            return der
    raise AssertionError


def test_credentials_hold_the_identity_the_accounts_and_the_anchors() -> None:
    found = read()
    assert found.identity is not None
    assert found.identity.iccid == ICCID
    assert [str(account.server_id) for account in found.accounts] == ["com.example.dms"]
    assert (found.anchors, found.warnings) == ((), ())


def test_a_trusted_certificate_becomes_an_anchor_with_all_its_names() -> None:
    der = certificate_der(ec_private(), common_name="cn", dns_names=("dns.example",), uris=("urn:x",))
    entry = '{label: com.example.dms, id: "01", path: "6441"}'
    anchor = only(read(*certificates(entry, files=(octets_file("6441", der),))))
    assert (anchor.kind, anchor.label, anchor.der) == (AnchorKind.CERTIFICATE, "com.example.dms", der)
    assert anchor.names == ("com.example.dms", "cn", "urn:x", "dns.example")
    assert str(anchor.origin) == "trusted certificate 'com.example.dms' in 7F50/6441"


def test_a_certificate_may_stand_in_the_directory() -> None:
    der = certificate_der(ec_private())
    anchor = only(read(*certificates(f'{{id: "0A0B", direct: {{hex: {der.hex()}}}}}')))
    assert (anchor.der, anchor.label) == (der, "")
    assert str(anchor.origin) == "trusted certificate '0a0b' in 7F50/6440"


@pytest.mark.parametrize("padding", ["FF", "00"])
def test_a_certificate_that_ends_with_ff_is_not_cut(padding: str) -> None:
    der = certificate_that_ends_with_ff()
    padded = octets_file("6441", der, f', size: 900, padding: "{padding}"')
    assert only(read(*certificates('{id: "01", path: "6441"}', files=(padded,)))).der == der


@pytest.mark.parametrize(("claimed", "ca"), [("true", None), ("false", True), ("true", True)])
def test_an_authority_is_flagged_whoever_says_so(claimed: str, ca: bool | None) -> None:  # noqa: FBT001 - a table
    der = certificate_der(ec_private(), ca=ca)
    entry = f'{{id: "01", authority: {claimed}, path: "6441"}}'
    assert only(read(*certificates(entry, files=(octets_file("6441", der),)))).kind is AnchorKind.AUTHORITY


@pytest.mark.parametrize("octets", [b"hello", b"\x30\x03\x02\x01\x00", b"\xff\xff", b"\x30\x82\x05", b"\x30\x80"])
def test_a_trusted_certificate_that_is_none_stops_the_reading_and_is_named(octets: bytes) -> None:
    entry = '{label: com.example.dms, id: "01", path: "6441"}'
    with pytest.raises(KeyMaterialError, match=r"trusted certificate 'com\.example\.dms' in 7F50/6441: not an X\.509"):
        read(*certificates(entry, files=(octets_file("6441", octets),)))


def test_a_certificate_without_an_end_of_file_is_named_where_its_path_is_wrong() -> None:
    entry = '{id: "01", path: "6441", index: "0", length: "9999"}'
    with pytest.raises(Pkcs15Error, match="part beyond the file"):
        read(*certificates(entry, files=(octets_file("6441", certificate_der(ec_private())),)))


def test_a_trusted_certificate_that_is_missing_could_not_be_read() -> None:
    with pytest.raises(CardReadError, match="the card names 7F50/6441 and has it not"):
        read(*certificates('{id: "01", path: "6441"}'))


def test_a_trusted_certificate_behind_a_pin_asks_for_it() -> None:
    private = octets_file("6441", certificate_der(ec_private())).replace("public", "private")
    with pytest.raises(PinRequiredError, match="7F50/6441"):
        read(*certificates('{id: "01", path: "6441"}', files=(private,)))


def test_a_certificate_of_another_kind_is_told_and_gives_no_anchor() -> None:
    wtls = "A3 0F 30 00 30 03 04 01 07 A1 06 30 04 30 02 04 00".replace("30 02 04 00", "A0 02 05 00")
    listed = f"ef: 6440, access: public, content: {{hex: {wtls}}}"
    change = inside(listed), odf('{data_objects: "6430"}', '{trusted_certificates: "6440"}')
    with session(*change) as card:
        first = read_credentials(card)
        assert first.anchors == ()
        assert first.warnings == ("trusted certificate '07' in 7F50/6440: certificates of kind WTLS give no anchor",)
        assert read_credentials(card) == first


def test_an_object_of_an_unknown_kind_is_told() -> None:
    listed = "ef: 6440, access: public, content: {hex: AF023000}"
    found = read(inside(listed), odf('{data_objects: "6430"}', '{trusted_certificates: "6440"}'))
    assert found.anchors == ()
    assert found.warnings == ("EF.CDF: object of kind AF skipped, entry 1 at offset 0",)


def test_a_certificate_on_a_network_is_not_fetched() -> None:
    url = "13 13" + b"https://example.com".hex()
    listed = f"ef: 6440, access: public, content: {{hex: 30 22 30 00 30 03 04 01 01 A1 19 30 17 {url} 05 00}}"
    with pytest.raises(UnsupportedError, match="objects on a network"):
        read(inside(listed), odf('{trusted_certificates: "6440"}'))


def test_trusted_certificates_alone_make_anchors_and_no_accounts() -> None:
    der = certificate_der(rsa_private())
    listed = f'ef: 6440, access: public, content: {{cdf: [{{id: "01", direct: {{hex: {der.hex()}}}}}]}}'
    found = read(inside(listed), odf('{trusted_certificates: "6440"}'))
    assert (found.accounts, only(found).der) == ((), der)


def test_certificates_that_the_card_only_holds_are_no_anchors() -> None:
    der = certificate_der(ec_private())
    listed = f'ef: 6440, access: public, content: {{cdf: [{{id: "01", direct: {{hex: {der.hex()}}}}}]}}'
    for kind in ("certificates", "useful_certificates", "public_keys"):
        assert read(inside(listed), odf(f'{{{kind}: "6440"}}')).anchors == ()


@pytest.mark.parametrize("where", ["direct", "file"])
def test_a_key_with_its_parameters_becomes_an_anchor(where: str) -> None:
    der = public_der(ec_private())
    entry = f"direct: {{hex: {der.hex()}}}" if where == "direct" else 'path: "6461"'
    padded = octets_file("6461", der, ', size: 120, padding: "00"')
    anchor = only(read(*keys(f'{{kind: ec, label: com.example.dms, id: "01", {entry}}}', files=(padded,))))
    assert (anchor.kind, anchor.names, anchor.der) == (AnchorKind.PUBLIC_KEY, ("com.example.dms",), der)
    assert anchor.origin.object == "trusted public key 'com.example.dms'"


def test_a_bare_rsa_key_becomes_an_anchor_in_the_common_form() -> None:
    key = rsa_private().public_key()
    bare = key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    anchor = only(read(*keys('{kind: rsa, id: "01", path: "6461"}', files=(octets_file("6461", bare),))))
    assert anchor.der == public_der(rsa_private())
    assert anchor.names == ()


def test_an_rsa_key_under_the_tag_of_the_standard_becomes_an_anchor() -> None:
    der = public_der(rsa_private())
    tagged = b"\xa1" + der[1:]
    anchor = only(read(*keys('{kind: rsa, id: "01", path: "6461"}', files=(octets_file("6461", tagged),))))
    assert anchor.der == der


def test_a_bare_point_is_told_and_gives_no_anchor() -> None:
    point = ec_private().public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    octets = bytes((0x04, len(point))) + point
    found = read(*keys('{kind: ec, label: k, id: "01", path: "6461"}', files=(octets_file("6461", octets),)))
    assert found.anchors == ()
    assert found.warnings == ("trusted public key 'k' in 7F50/6461: a key written as ECPoint gives no anchor",)


@pytest.mark.parametrize("octets", [b"hello", b"\x30\x80", b"\xff\xff", b"\x30\x00\x30\x00"])
@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_a_trusted_key_that_is_none_stops_the_reading_and_is_named(kind: str, octets: bytes) -> None:
    entry = f'{{kind: {kind}, label: k, id: "01", path: "6461"}}'
    with pytest.raises(KeyMaterialError, match=r"trusted public key 'k' in 7F50/6461: not a public key"):
        read(*keys(entry, files=(octets_file("6461", octets),)))


def test_anchors_come_in_the_order_of_the_card_certificates_first() -> None:
    first, second = (certificate_der(ec_private(), common_name=name) for name in ("first", "second"))
    key = public_der(ed25519_private())
    files = inside(
        f'ef: 6440, access: public, content: {{cdf: [{{id: "01", direct: {{hex: {first.hex()}}}}}]}}',
        f'ef: 6442, access: public, content: {{cdf: [{{id: "02", direct: {{hex: {second.hex()}}}}}]}}',
        f'ef: 6460, access: public, content: {{pukdf: [{{id: "03", direct: {{hex: {key.hex()}}}}}]}}',
    )
    order = '{trusted_public_keys: "6460"}', '{trusted_certificates: "6442"}', '{trusted_certificates: "6440"}'
    assert [anchor.der for anchor in read(files, odf(*order)).anchors] == [second, first, key]
