"""Octets of PKCS#15 files, made from the same values that the parsers give.

Guarantees: what is built here is read back as an equal value, offsets apart. Leaves to its caller: what a card should
hold; attributes that the values have not (hashes, key information) are never written.

Spec: PKCS#15 v1.1, ASN.1 module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smartcard_dm.iso7816.tlv import encode_tlv
from smartcard_dm.pkcs15.cdf import CertificateKind
from smartcard_dm.pkcs15.directory import (
    DirectValue,
    IndirectPath,
    IndirectUrl,
    ObjectValue,
    Pkcs15Object,
    TrustedUsage,
)
from smartcard_dm.pkcs15.dodf import DataObjectKind
from smartcard_dm.pkcs15.odf import InPlaceObjects
from smartcard_dm.pkcs15.oid import encode_oid
from smartcard_dm.pkcs15.pukdf import PublicKeyKind
from smartcard_dm.pkcs15.rules import AndCondition, AuthIdCondition, NotCondition, SecurityCondition

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smartcard_dm.iso7816.file_path import FilePath
    from smartcard_dm.pkcs15.aodf import PinObject
    from smartcard_dm.pkcs15.cdf import CertificateObject
    from smartcard_dm.pkcs15.dodf import DataObject
    from smartcard_dm.pkcs15.odf import DirectoryKind
    from smartcard_dm.pkcs15.pukdf import PublicKeyObject
    from smartcard_dm.pkcs15.rules import AccessControlRule
    from smartcard_dm.pkcs15.token_info import TokenInfo

_SEQUENCE, _OCTETS, _INTEGER, _OID, _UTF8, _BOOLEAN, _TIME = 0x30, 0x04, 0x02, 0x06, 0x0C, 0x01, 0x18


def build_file(objects: Iterable[bytes], *, size: int | None = None, fill: int = 0xFF) -> bytes:
    """Return the content of a directory file: objects one after another, then padding.

    Args:
        objects: whole encodings.
        size: octets of the file; None leaves it as long as it is.
        fill: the padding octet, FF or 00.

    Raises:
        ValueError: the objects are longer than `size`.
    """
    content = b"".join(objects)
    if size is not None and len(content) > size:
        raise ValueError(f"the objects have {len(content)} octets, more than {size}")
    return content.ljust(size or 0, bytes((fill,)))


def build_odf(
    entries: Iterable[tuple[DirectoryKind, FilePath | InPlaceObjects]], *, size: int | None = None, fill: int = 0xFF
) -> bytes:
    """Return the content of EF(ODF), entries in the order given; see `build_file` for size and fill.

    Raises:
        ValueError: the entries are longer than `size`.
    """
    octets = (
        encode_tlv(
            kind.value,
            encode_tlv(0xA0, b"".join(where.octets)) if isinstance(where, InPlaceObjects) else build_path(where),
        )
        for kind, where in entries
    )
    return build_file(octets, size=size, fill=fill)


def build_path(path: FilePath) -> bytes:
    """Return the encoding of a path."""
    aid = encode_tlv(0x4F, path.aid) if path.aid else b""
    part = b""
    if path.index is not None and path.length is not None:
        part = _integer(path.index) + _integer(path.length, 0x80)
    return encode_tlv(_SEQUENCE, aid + encode_tlv(_OCTETS, path.octets) + part)


def build_data_object(data: DataObject) -> bytes:
    """Return the encoding of a data object; its identifiers are encoded twice when it says so.

    Raises:
        ValueError: an oidDO without an identifier, or another kind with one.
    """
    is_oid = data.kind is DataObjectKind.OID
    if is_oid != (data.object_oid is not None):
        raise ValueError("an oidDO, and no other data object, has an identifier of its own")
    attributes = _optional(_UTF8, data.application_name)
    attributes += _oid(data.application_oid, twice=data.oid_twice_encoded)
    types = _value(data.value)
    if is_oid:
        types = encode_tlv(_SEQUENCE, _oid(data.object_oid, twice=data.oid_twice_encoded) + types)
    return _object(data.kind.value, data, attributes, types)


def build_certificate_object(certificate: CertificateObject) -> bytes:
    """Return the encoding of a certificate object.

    Raises:
        ValueError: subject, issuer or serial number with a kind other than X.509.
    """
    attributes = encode_tlv(_OCTETS, certificate.id) + (_true() if certificate.authority else b"")
    attributes += _usage(certificate.trusted_usage, 0xA1) + (_true(0x83) if certificate.implicit_trust else b"")
    extra = certificate.subject or b""
    extra += encode_tlv(0xA0, certificate.issuer) if certificate.issuer is not None else b""
    extra += _integer(certificate.serial) if certificate.serial is not None else b""
    if extra and certificate.kind is not CertificateKind.X509:
        raise ValueError("only an X.509 certificate object carries subject, issuer and serial number")
    types = encode_tlv(_SEQUENCE, _value(certificate.value) + extra)
    return _object(certificate.kind.value, certificate, attributes, types)


def build_public_key_object(key: PublicKeyObject) -> bytes:
    """Return the encoding of a public key object.

    Raises:
        ValueError: a modulus length with a kind other than RSA.
    """
    if key.modulus_length is not None and key.kind is not PublicKeyKind.RSA:
        raise ValueError("only an RSA key object carries the length of its modulus")
    attributes = encode_tlv(_OCTETS, key.id) + _bits(key.usage)
    attributes += b"" if key.native else encode_tlv(_BOOLEAN, b"\x00")
    attributes += _integer(key.key_reference) if key.key_reference is not None else b""
    below = (key.subject or b"") + _usage(key.trusted_usage, 0xA0)
    size = _integer(key.modulus_length) if key.modulus_length is not None else b""
    types = encode_tlv(_SEQUENCE, _value(key.value) + size)
    return _object(key.kind.value, key, attributes, types, below)


def build_pin_object(pin: PinObject) -> bytes:
    """Return the encoding of a PIN object."""
    content = _bits(pin.flags) + _integer(pin.pin_type, 0x0A)
    content += _integer(pin.min_length) + _integer(pin.stored_length)
    content += _integer(pin.max_length) if pin.max_length is not None else b""
    content += _integer(pin.reference, 0x80) if pin.reference else b""
    content += encode_tlv(_OCTETS, bytes((pin.pad_char,))) if pin.pad_char is not None else b""
    content += _optional(_TIME, pin.last_change)
    content += build_path(pin.path) if pin.path is not None else b""
    attributes = encode_tlv(_OCTETS, pin.pin_id) if pin.pin_id is not None else b""
    return _object(_SEQUENCE, pin, attributes, encode_tlv(_SEQUENCE, content))


def build_token_info(info: TokenInfo) -> bytes:
    """Return the content of EF(TokenInfo)."""
    content = _integer(info.version)
    content += encode_tlv(_OCTETS, info.serial_number) if info.serial_number is not None else b""
    content += _optional(_UTF8, info.manufacturer) + _optional(0x80, info.label) + _bits(info.flags)
    content += _optional(0x83, info.issuer_id) + _optional(0x84, info.holder_id)
    if info.last_update_path is not None:
        content += encode_tlv(0xA5, build_path(info.last_update_path))
    elif info.last_update is not None:
        content += encode_tlv(0xA5, _optional(_TIME, info.last_update))
    return encode_tlv(_SEQUENCE, content + _optional(0x13, info.preferred_language))


def _object(tag: int, common: Pkcs15Object, attributes: bytes, types: bytes, below: bytes = b"") -> bytes:
    parts = encode_tlv(_SEQUENCE, _common(common)) + encode_tlv(_SEQUENCE, attributes)
    parts += encode_tlv(0xA0, encode_tlv(_SEQUENCE, below)) if below else b""
    return encode_tlv(tag, parts + encode_tlv(0xA1, types))


def _common(common: Pkcs15Object) -> bytes:
    flags = {bit for bit, is_set in enumerate((common.private, common.modifiable)) if is_set}
    content = _optional(_UTF8, common.label) + (_bits(flags) if flags else b"")
    content += encode_tlv(_OCTETS, common.auth_id) if common.auth_id is not None else b""
    content += _integer(common.user_consent) if common.user_consent is not None else b""
    rules = b"".join(map(_rule, common.access_rules))
    return content + (encode_tlv(_SEQUENCE, rules) if rules else b"")


def _rule(rule: AccessControlRule) -> bytes:
    modes = {bit for bit, is_set in enumerate((rule.read, rule.update, rule.execute)) if is_set}
    return encode_tlv(_SEQUENCE, _bits(modes) + _condition(rule.condition))


def _condition(condition: SecurityCondition) -> bytes:
    if isinstance(condition, AuthIdCondition):
        return encode_tlv(_OCTETS, condition.auth_id)
    if isinstance(condition, NotCondition):
        return encode_tlv(0xA0, _condition(condition.condition))
    tag = 0xA1 if isinstance(condition, AndCondition) else 0xA2
    return encode_tlv(tag, b"".join(map(_condition, condition.conditions)))


def _value(value: ObjectValue) -> bytes:
    if isinstance(value, IndirectPath):
        return build_path(value.path)
    if isinstance(value, IndirectUrl):
        return encode_tlv(0x13, value.url.encode("ascii"))
    if isinstance(value, DirectValue):
        return encode_tlv(0xA0, value.octets)
    return encode_tlv(0xA2 if value.direct else 0xA1, value.octets)


def _usage(usage: TrustedUsage | None, tag: int) -> bytes:
    if usage is None:
        return b""
    content = _bits(usage.key_usage) if usage.key_usage else b""
    names = b"".join(_oid(name, twice=False) for name in usage.extended)
    return encode_tlv(tag, content + (encode_tlv(_SEQUENCE, names) if names else b""))


def _oid(text: str | None, *, twice: bool) -> bytes:
    if text is None:
        return b""
    once = encode_tlv(_OID, encode_oid(text))
    return encode_tlv(_OID, once) if twice else once


def _optional(tag: int, text: str | None) -> bytes:
    return b"" if text is None else encode_tlv(tag, text.encode())


def _true(tag: int = _BOOLEAN) -> bytes:
    return encode_tlv(tag, b"\xff")


def _integer(value: int, tag: int = _INTEGER) -> bytes:
    # One bit more than the number needs, for the sign: 128 takes two octets.
    return encode_tlv(tag, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def _bits(bits: Iterable[int]) -> bytes:
    """Return a named BIT STRING: zero bits at the end are left out. Spec: X.690, 11.2.2."""
    numbers = set(bits)
    if not numbers:
        return encode_tlv(0x03, b"\x00")
    length = max(numbers) // 8 + 1
    content = bytearray(length)
    for bit in numbers:
        content[bit // 8] |= 0x80 >> bit % 8
    return encode_tlv(0x03, bytes((7 - max(numbers) % 8,)) + bytes(content))
