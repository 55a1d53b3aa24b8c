"""PKCS#15 directory files and EF.DIR records from readable descriptions.

Guarantees: each generator has the form card profiles want, and reports a fault as ValueError; what it makes is read
back by this project's own reader before it is given out.

Spec: PKCS#15 v1.1, 6; ETSI TS 102 221, 13.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smartcard_dm.errors import DecodeError
from smartcard_dm.iso7816 import build_dir_record, parse_dir_record
from smartcard_dm.personalise.fields import Fields, each
from smartcard_dm.pkcs15 import (
    CertificateKind,
    CertificateObject,
    DataObject,
    DataObjectKind,
    DirectoryKind,
    DirectValue,
    FilePath,
    IndirectPath,
    InPlaceObjects,
    PinFlag,
    PinObject,
    PinType,
    PublicKeyKind,
    PublicKeyObject,
    TokenFlag,
    TokenInfo,
    build_certificate_object,
    build_data_object,
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

if TYPE_CHECKING:
    from collections.abc import Callable

    from smartcard_dm.pkcs15 import ObjectValue
    from vendor_pcsc.virtual import GeneratorContext

_DIRECTORIES: Final = {kind.name.lower(): kind for kind in DirectoryKind}


def application_template(value: object, _context: GeneratorContext) -> bytes:
    """Return a record of EF.DIR: `aid`, optional `label`, `path`, `odf_path`, `token_info_path`."""
    fields = Fields(value)
    record = build_dir_record(
        fields.octets("aid"),
        label=fields.optional_text("label"),
        path=fields.optional_octets("path"),
        odf_path=fields.optional_octets("odf_path"),
        token_info_path=fields.optional_octets("token_info_path"),
    )
    fields.end()
    return _readable(record, parse_dir_record)


def odf(value: object, context: GeneratorContext) -> bytes:
    """Return EF.ODF: a list of one directory kind each, such as `data_objects: "6430"`, or nested content."""

    def entry(fields: Fields) -> bytes:
        name = next((name for name in _DIRECTORIES if name in fields), None)
        if name is None:
            raise ValueError(f"wanted one of {', '.join(_DIRECTORIES)}")
        where = fields.value(name)
        if isinstance(where, str):
            return build_odf([(_DIRECTORIES[name], _path(where))])
        return build_odf([(_DIRECTORIES[name], InPlaceObjects((context.generate(where),)))])

    return _readable(each(value, entry), parse_odf)


def dodf(value: object, context: GeneratorContext) -> bytes:
    """Return EF.DODF: a list of data objects.

    Keys: `kind` (oid, opaque, external; default oid), `oid`, `label`, `application_name`, `application_oid`, `private`,
    `modifiable`, `auth_id`, `twice` (identifier encoded twice), and `path` (with `index` and `length`) or `direct`.
    """

    def entry(fields: Fields) -> bytes:
        kind = fields.member("kind", DataObjectKind, DataObjectKind.OID)
        return build_data_object(
            DataObject(
                kind=kind,
                label=fields.optional_text("label"),
                private=fields.flag("private"),
                modifiable=fields.flag("modifiable"),
                auth_id=fields.optional_octets("auth_id"),
                user_consent=None,
                access_rules=(),
                offset=0,
                application_name=fields.optional_text("application_name"),
                application_oid=fields.optional_text("application_oid"),
                object_oid=fields.text("oid") if kind is DataObjectKind.OID else None,
                oid_twice_encoded=fields.flag("twice"),
                value=_value(fields, context),
            )
        )

    return _readable(each(value, entry), parse_dodf)


def cdf(value: object, context: GeneratorContext) -> bytes:
    """Return EF.CDF: a list of X.509 certificates: `label`, `id`, `authority`, and `path` or `direct`."""

    def entry(fields: Fields) -> bytes:
        return build_certificate_object(
            CertificateObject(
                kind=CertificateKind.X509,
                label=fields.optional_text("label"),
                private=fields.flag("private"),
                modifiable=fields.flag("modifiable"),
                auth_id=fields.optional_octets("auth_id"),
                user_consent=None,
                access_rules=(),
                offset=0,
                id=fields.octets("id"),
                authority=fields.flag("authority"),
                trusted_usage=None,
                implicit_trust=fields.flag("implicit_trust"),
                value=_value(fields, context),
                subject=None,
                issuer=None,
                serial=None,
            )
        )

    return _readable(each(value, entry), parse_cdf)


def pukdf(value: object, context: GeneratorContext) -> bytes:
    """Return EF.PuKDF: a list of public keys: `kind` (rsa, ec), `label`, `id`, and `path` or `direct`."""

    def entry(fields: Fields) -> bytes:
        return build_public_key_object(
            PublicKeyObject(
                kind=fields.member("kind", PublicKeyKind, PublicKeyKind.EC),
                label=fields.optional_text("label"),
                private=fields.flag("private"),
                modifiable=fields.flag("modifiable"),
                auth_id=fields.optional_octets("auth_id"),
                user_consent=None,
                access_rules=(),
                offset=0,
                id=fields.octets("id"),
                usage=frozenset({6}),  # verify
                native=True,
                key_reference=None,
                modulus_length=fields.number("modulus_length"),
                value=_value(fields, context),
                subject=None,
                trusted_usage=None,
            )
        )

    return _readable(each(value, entry), parse_pukdf)


def aodf(value: object, _context: GeneratorContext) -> bytes:
    """Return EF.AODF: a list of PINs: `label`, `auth_id`, `reference`, `min_length`, `stored_length`, `max_length`."""

    def entry(fields: Fields) -> bytes:
        reference = fields.octets("reference")
        if len(reference) != 1:
            raise ValueError("reference: wanted one octet")
        return build_pin_object(
            PinObject(
                label=fields.optional_text("label"),
                private=False,
                modifiable=False,
                auth_id=None,
                user_consent=None,
                access_rules=(),
                offset=0,
                pin_id=fields.octets("auth_id"),
                flags=frozenset({PinFlag.INITIALIZED, PinFlag.NEEDS_PADDING}),
                pin_type=PinType.ASCII_NUMERIC,
                min_length=fields.number_or("min_length", 4),
                stored_length=fields.number_or("stored_length", 8),
                max_length=fields.number("max_length"),
                reference=reference[0],
                pad_char=0xFF,
                last_change=None,
                path=None,
            )
        )

    return _readable(each(value, entry), parse_aodf)


def token_info(value: object, _context: GeneratorContext) -> bytes:
    """Return EF.TokenInfo: `serial` (hex), `manufacturer`, `label`, `last_update` (GeneralizedTime)."""
    fields = Fields(value)
    info = TokenInfo(
        version=0,
        serial_number=fields.optional_octets("serial"),
        manufacturer=fields.optional_text("manufacturer"),
        label=fields.optional_text("label"),
        flags=frozenset({TokenFlag.READ_ONLY}),
        issuer_id=None,
        holder_id=None,
        last_update=fields.optional_text("last_update"),
        last_update_path=None,
        preferred_language=None,
    )
    fields.end()
    return _readable(build_token_info(info), parse_token_info)


def _readable(octets: bytes, parse: Callable[[bytes], object]) -> bytes:
    """Return the octets, unless the reader refuses them."""
    try:
        parse(octets)
    except DecodeError as error:
        raise ValueError(str(error)) from error
    return octets


def _value(fields: Fields, context: GeneratorContext) -> ObjectValue:
    if "direct" in fields:
        return DirectValue(context.generate(fields.value("direct")))
    index, length = fields.number("index"), fields.number("length")
    return IndirectPath(_path(fields.text("path"), index, length))


def _path(text: str, index: int | None = None, length: int | None = None) -> FilePath:
    try:
        octets = bytes.fromhex(text)
    except ValueError:
        raise ValueError(f"path {text!r}: wanted hexadecimal file identifiers") from None
    return FilePath(octets, index, length)
