"""PKCS#15 directory files: octets to frozen values and back.

Guarantees: any octets give a value, `Pkcs15Error` or `LimitExceededError`; padding and unknown kinds are tolerated and
reported, nothing else is. Leaves to its caller: a card.
"""

from smartcard_dm.iso7816.file_path import FilePath
from smartcard_dm.pkcs15.aodf import PinFlag, PinObject, PinType, parse_aodf
from smartcard_dm.pkcs15.build import (
    build_certificate_object,
    build_data_object,
    build_file,
    build_odf,
    build_path,
    build_pin_object,
    build_public_key_object,
    build_token_info,
)
from smartcard_dm.pkcs15.cdf import CertificateKind, CertificateObject, parse_cdf
from smartcard_dm.pkcs15.directory import (
    DirectValue,
    IndirectPath,
    IndirectUrl,
    ObjectDirectory,
    ObjectValue,
    Pkcs15Object,
    ProtectedValue,
    TrustedUsage,
)
from smartcard_dm.pkcs15.dodf import DataObject, DataObjectKind, parse_dodf
from smartcard_dm.pkcs15.odf import (
    DirectoryKind,
    InPlaceObjects,
    Odf,
    OdfEntry,
    ProtectedReference,
    Reference,
    parse_odf,
)
from smartcard_dm.pkcs15.oid import (
    CP_BOOTSTRAP,
    CP_CONFIG1,
    CP_CONFIG2,
    CP_OIDS,
    DM_BOOTSTRAP,
    LWM2M_BOOTSTRAP,
    OID_NAMES,
    decode_oid,
    encode_oid,
    read_oid,
)
from smartcard_dm.pkcs15.path import ResolvedPath, part, resolve
from smartcard_dm.pkcs15.pukdf import KeyForm, KeyUsage, PublicKeyKind, PublicKeyObject, parse_pukdf, read_key_octets
from smartcard_dm.pkcs15.rules import (
    AccessControlRule,
    AndCondition,
    AuthIdCondition,
    NotCondition,
    OrCondition,
    SecurityCondition,
)
from smartcard_dm.pkcs15.token_info import TokenFlag, TokenInfo, parse_token_info

__all__ = [
    "CP_BOOTSTRAP",
    "CP_CONFIG1",
    "CP_CONFIG2",
    "CP_OIDS",
    "DM_BOOTSTRAP",
    "LWM2M_BOOTSTRAP",
    "OID_NAMES",
    "AccessControlRule",
    "AndCondition",
    "AuthIdCondition",
    "CertificateKind",
    "CertificateObject",
    "DataObject",
    "DataObjectKind",
    "DirectValue",
    "DirectoryKind",
    "FilePath",
    "InPlaceObjects",
    "IndirectPath",
    "IndirectUrl",
    "KeyForm",
    "KeyUsage",
    "NotCondition",
    "ObjectDirectory",
    "ObjectValue",
    "Odf",
    "OdfEntry",
    "OrCondition",
    "PinFlag",
    "PinObject",
    "PinType",
    "Pkcs15Object",
    "ProtectedReference",
    "ProtectedValue",
    "PublicKeyKind",
    "PublicKeyObject",
    "Reference",
    "ResolvedPath",
    "SecurityCondition",
    "TokenFlag",
    "TokenInfo",
    "TrustedUsage",
    "build_certificate_object",
    "build_data_object",
    "build_file",
    "build_odf",
    "build_path",
    "build_pin_object",
    "build_public_key_object",
    "build_token_info",
    "decode_oid",
    "encode_oid",
    "parse_aodf",
    "parse_cdf",
    "parse_dodf",
    "parse_odf",
    "parse_pukdf",
    "parse_token_info",
    "part",
    "read_key_octets",
    "read_oid",
    "resolve",
]
