"""One sentence for all parsers: any octets give a value or our errors; and what is built is read back."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import smartcard_dm.pkcs15 as room
from smartcard_dm.errors import LimitExceededError, Pkcs15Error
from smartcard_dm.iso7816 import encode_tlv
from smartcard_dm.pkcs15 import (
    AccessControlRule,
    AndCondition,
    AuthIdCondition,
    CertificateKind,
    CertificateObject,
    DataObject,
    DataObjectKind,
    DirectoryKind,
    DirectValue,
    FilePath,
    IndirectPath,
    IndirectUrl,
    InPlaceObjects,
    NotCondition,
    OrCondition,
    PinObject,
    ProtectedValue,
    PublicKeyKind,
    PublicKeyObject,
    TokenInfo,
    TrustedUsage,
    build_certificate_object,
    build_data_object,
    build_file,
    build_odf,
    build_pin_object,
    build_public_key_object,
    build_token_info,
    parse_aodf,
    parse_cdf,
    parse_dodf,
    parse_odf,
    parse_pukdf,
    parse_token_info,
)
from tests.pkcs15.vectors import DODF_VECTORS, ODF_LWM2M

PARSERS: list[Callable[[bytes], object]] = [
    parse_odf,
    parse_dodf,
    parse_cdf,
    parse_pukdf,
    parse_aodf,
    parse_token_info,
]

PATHS = st.builds(
    lambda ids, span: FilePath(b"".join(part.to_bytes(2, "big") for part in ids), *span),
    st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=4),
    st.just((None, None)) | st.tuples(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF)),
)
VALUES = st.one_of(
    st.builds(IndirectPath, PATHS),
    st.builds(IndirectUrl, st.text("abc:/.", max_size=10)),
    st.builds(DirectValue, st.binary(max_size=20)),
    st.builds(ProtectedValue, st.booleans(), st.binary(max_size=20)),
)
CONDITIONS = st.recursive(
    st.builds(AuthIdCondition, st.binary(max_size=4)),
    lambda inner: st.one_of(
        st.builds(NotCondition, inner),
        st.builds(AndCondition, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(OrCondition, st.lists(inner, min_size=1, max_size=3).map(tuple)),
    ),
    max_leaves=5,
)
RULES = st.lists(st.builds(AccessControlRule, st.booleans(), st.booleans(), st.booleans(), CONDITIONS), max_size=2).map(
    tuple
)
TEXT = st.none() | st.text(max_size=10)
COMMON = {
    "label": TEXT,
    "private": st.booleans(),
    "modifiable": st.booleans(),
    "auth_id": st.none() | st.binary(max_size=4),
    "user_consent": st.none() | st.integers(0, 100),
    "access_rules": RULES,
}
OIDS = st.sampled_from(["2.23.43.7.1", "2.23.43.5.1", "1.2.840.114283.200.1.1", "0.9.2342"])
USAGES = st.none() | st.builds(TrustedUsage, st.frozensets(st.integers(0, 8)), st.lists(OIDS, max_size=2).map(tuple))
OPAQUE_OBJECTS = st.builds(
    DataObject,
    kind=st.sampled_from([DataObjectKind.OPAQUE, DataObjectKind.EXTERNAL]),
    value=VALUES,
    application_name=TEXT,
    application_oid=st.none() | OIDS,
    **COMMON,
)
OID_OBJECTS = st.builds(
    DataObject,
    kind=st.just(DataObjectKind.OID),
    value=VALUES,
    application_name=TEXT,
    application_oid=st.none() | OIDS,
    object_oid=OIDS,
    oid_twice_encoded=st.booleans(),
    **COMMON,
)
NAMES = st.none() | st.just(bytes.fromhex("300D310B300906035504030C024341"))
CERTIFICATES = st.builds(
    CertificateObject,
    id=st.binary(max_size=4),
    authority=st.booleans(),
    trusted_usage=USAGES,
    implicit_trust=st.booleans(),
    value=VALUES,
    subject=NAMES,
    issuer=NAMES,
    serial=st.none() | st.integers(-(2**160), 2**160),
    **COMMON,
)
KEYS = st.builds(
    PublicKeyObject,
    kind=st.just(PublicKeyKind.RSA),
    id=st.binary(max_size=4),
    usage=st.frozensets(st.integers(0, 12)),
    native=st.booleans(),
    key_reference=st.none() | st.integers(0, 255),
    modulus_length=st.none() | st.integers(0, 8192),
    value=VALUES,
    subject=NAMES,
    trusted_usage=USAGES,
    **COMMON,
)
PINS = st.builds(
    PinObject,
    pin_id=st.none() | st.binary(max_size=4),
    flags=st.frozensets(st.integers(0, 11)),
    pin_type=st.integers(0, 4),
    min_length=st.integers(0, 255),
    stored_length=st.integers(0, 255),
    max_length=st.none() | st.integers(0, 255),
    reference=st.integers(0, 255),
    pad_char=st.none() | st.integers(0, 255),
    path=st.none() | PATHS,
    last_change=st.none() | st.just("20240101000000Z"),
    **COMMON,
)
TOKENS = st.builds(
    TokenInfo,
    version=st.integers(0, 1),
    serial_number=st.none() | st.binary(max_size=8),
    manufacturer=TEXT,
    label=TEXT,
    flags=st.frozensets(st.integers(0, 3)),
    issuer_id=TEXT,
    holder_id=TEXT,
    last_update=st.none() | st.just("20240101000000Z"),
    preferred_language=st.none() | st.just("en"),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(OPAQUE_OBJECTS | OID_OBJECTS, max_size=3), st.sampled_from([0x00, 0xFF]))
def test_data_objects_round_trip(objects: list[DataObject], fill: int) -> None:
    octets = build_file(map(build_data_object, objects), size=4000, fill=fill)
    assert len(octets) == 4000
    found = parse_dodf(octets)
    for built, read in zip(objects, found, strict=True):
        twice = built.oid_twice_encoded and (built.object_oid or built.application_oid) is not None
        assert read.oid_twice_encoded is twice
        assert read == built
    assert found.warnings == ()


@settings(max_examples=40, deadline=None)
@given(CERTIFICATES)
def test_certificates_round_trip(certificate: CertificateObject) -> None:
    assert parse_cdf(build_certificate_object(certificate)).objects == (certificate,)


@settings(max_examples=40, deadline=None)
@given(KEYS)
def test_public_keys_round_trip(key: PublicKeyObject) -> None:
    assert parse_pukdf(build_public_key_object(key)).objects == (key,)


@settings(max_examples=40, deadline=None)
@given(PINS)
def test_pins_round_trip(pin: PinObject) -> None:
    assert parse_aodf(build_pin_object(pin)).objects == (pin,)


@settings(deadline=None)
@given(TOKENS)
def test_token_info_round_trips(token: TokenInfo) -> None:
    assert parse_token_info(build_token_info(token)) == token


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([kind for kind in DirectoryKind if kind is not DirectoryKind.DATA_OBJECTS]),
            PATHS | st.builds(InPlaceObjects, st.lists(st.just(b"\x30\x00"), max_size=2).map(tuple)),
        ),
        max_size=9,
    )
)
def test_odf_round_trips(entries: list[tuple[DirectoryKind, FilePath | InPlaceObjects]]) -> None:
    assert [(entry.kind, entry.reference) for entry in parse_odf(build_odf(entries, size=512)).entries] == entries


@pytest.mark.parametrize("kind", [kind for kind in CertificateKind if kind is not CertificateKind.X509])
def test_other_certificates_round_trip(kind: CertificateKind) -> None:
    certificate = CertificateObject(kind=kind, id=b"1", value=DirectValue(b"\x30\x00"))
    assert parse_cdf(build_certificate_object(certificate)).objects == (certificate,)


@pytest.mark.parametrize("kind", [kind for kind in PublicKeyKind if kind is not PublicKeyKind.RSA])
def test_other_keys_round_trip(kind: PublicKeyKind) -> None:
    key = PublicKeyObject(kind=kind, id=b"1", usage=frozenset({6}), value=DirectValue(b"\x30\x00"))
    assert parse_pukdf(build_public_key_object(key)).objects == (key,)


def test_an_identifier_belongs_to_an_oid_object_only() -> None:
    for kind, oid in ((DataObjectKind.OPAQUE, "1.2.3"), (DataObjectKind.OID, None)):
        with pytest.raises(ValueError, match="oidDO"):
            build_data_object(DataObject(kind=kind, object_oid=oid, value=DirectValue(b"")))


def attempt(octets: bytes) -> None:
    for parse in PARSERS:
        with contextlib.suppress(Pkcs15Error, LimitExceededError):
            parse(octets)


SAMPLES = [
    *DODF_VECTORS.values(),
    ODF_LWM2M,
    build_certificate_object(
        CertificateObject(
            id=b"1",
            value=IndirectPath(FilePath(b"\x44\x04", 0, 9)),
            authority=True,
            trusted_usage=TrustedUsage(frozenset({5}), ("1.2.3",)),
            subject=bytes.fromhex("3000"),
            issuer=bytes.fromhex("3000"),
            serial=7,
        )
    ),
    build_public_key_object(
        PublicKeyObject(
            kind=PublicKeyKind.RSA,
            id=b"1",
            usage=frozenset({6}),
            value=DirectValue(b"\x30\x00"),
            subject=b"\x30\x00",
            access_rules=(AccessControlRule(True, False, False, NotCondition(AuthIdCondition(b"1"))),),
        )
    ),
    build_pin_object(PinObject(pin_id=b"1", reference=0x81, path=FilePath(b"\x3f\x00"), last_change="20240101000000Z")),
    build_token_info(TokenInfo(version=1, last_update_path=FilePath(b"\x50\x35"))),
]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80))
def test_any_octets(octets: bytes) -> None:
    attempt(octets)


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(SAMPLES), st.data())
def test_samples_with_changed_octets(sample: bytes, data: st.DataObject) -> None:
    changed = bytearray(sample)
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    attempt(bytes(changed))


TREES = st.recursive(
    st.builds(encode_tlv, st.sampled_from([1, 2, 3, 4, 6, 0x0A, 0x0C, 0x18, 0x13, 0x80, 0x85]), st.binary(max_size=4)),
    lambda inner: st.builds(
        lambda tag, parts: encode_tlv(tag, b"".join(parts)),
        st.sampled_from([0x30, 0x31, 0xA0, 0xA1, 0xA2, 0xA3, 0xA5, 0xA7, 0xA8]),
        st.lists(inner, max_size=5),
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(TREES, max_size=3))
def test_any_well_formed_objects(objects: list[bytes]) -> None:
    attempt(b"".join(objects))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([0x30, 0xA0, 0xA1, 0xA7]), st.lists(TREES, min_size=2, max_size=4), TREES)
def test_any_objects_that_begin_right(tag: int, parts: list[bytes], types: bytes) -> None:
    attempt(encode_tlv(tag, b"".join(parts) + encode_tlv(0xA1, types)))
    attempt(encode_tlv(tag, b"\x30\x00\x30\x00" + encode_tlv(0xA1, types)))


def test_deep_nesting_is_our_error_and_not_the_interpreter_s() -> None:
    nested = b""
    while len(nested) < 32000:
        nested = encode_tlv(0xA1, nested)
    attempt(nested)
    for tag in (0x30, 0xA0, 0xA1, 0xA7):
        attempt(encode_tlv(tag, b"\x30\x00\x30\x00" + encode_tlv(0xA1, nested)))


def test_the_schema_library_is_imported_in_one_module_only() -> None:
    package = Path(str(room.__file__)).parent
    users = {path.name for path in package.glob("*.py") if "asn1crypto import" in path.read_text("utf-8")}
    assert users == {"schema.py"}


def test_public_names() -> None:
    assert len(set(room.__all__)) == len(room.__all__)
    assert all(hasattr(room, name) for name in room.__all__)
