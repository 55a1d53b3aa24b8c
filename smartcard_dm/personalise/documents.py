"""Certificates, DM bootstrap messages and client provisioning documents from readable descriptions.

Guarantees: each generator has the form card profiles want, and reports a fault as ValueError; no fault holds a secret.

Spec: OMA-TS-DM_Bootstrap-V1_2, 5.4; OMA-WAP-TS-ProvCont-V1_1, 5.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from smartcard_dm import wbxml
from smartcard_dm.dm import (
    Embedding,
    account_from_mapping,
    build_bootstrap,
    build_provisioning_document,
    document_from_mapping,
    parse_bootstrap,
    parse_provisioning_document,
)
from smartcard_dm.errors import SmartcardDmError
from smartcard_dm.personalise.fields import Fields
from smartcard_dm.wbxml.header import VERSIONS

if TYPE_CHECKING:
    from vendor_pcsc.virtual import GeneratorContext


def certificate(value: object, context: GeneratorContext) -> bytes:
    """Return the DER octets of a certificate: `file`, a PEM or DER file beside the profile, or `pem`, its text."""
    return _load(value, context).public_bytes(Encoding.DER)


def public_key(value: object, context: GeneratorContext) -> bytes:
    """Return the SubjectPublicKeyInfo of a certificate's key, described as for `certificate`."""
    try:
        key = _load(value, context).public_key()
    except UnsupportedAlgorithm as error:
        raise ValueError(f"the certificate's key cannot be used: {error}") from error
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def dm_bootstrap(value: object, context: GeneratorContext) -> bytes:
    """Return the content of EF(DM_Bootstrap).

    Keys: `accounts` (see `smartcard_dm.dm.account_from_mapping`; a certificate may also be `{file: ...}`),
    `embedding` (wbxml, xml, inline), `wbxml_version` (1.1, 1.2, 1.3), `session_id`, `msg_id`; or `xml`, a file beside
    the profile with a whole message in XML form.
    """
    fields = Fields(value)
    version = _wbxml_version(fields, "1.2")
    try:
        if "xml" in fields:
            octets = wbxml.from_xml(context.read_file(fields.text("xml")), version)
        else:
            accounts = fields.value("accounts")
            if not isinstance(accounts, list):
                raise ValueError("accounts: wanted a list")
            sources = [_with_certificates(account, context) for account in accounts]
            xml = build_bootstrap(
                [account_from_mapping(source, place=f"accounts[{at}]") for at, source in enumerate(sources)],
                session_id=fields.text_or("session_id", "1"),
                msg_id=fields.text_or("msg_id", "1"),
                embedding=fields.member("embedding", Embedding, Embedding.WBXML),
            )
            octets = wbxml.from_xml(xml, version)
            parse_bootstrap(octets)
    except SmartcardDmError as error:
        raise ValueError(str(error)) from error
    fields.end()
    return octets


def cp_bootstrap(value: object, context: GeneratorContext) -> bytes:
    """Return the content of EF(Bootstrap), EF(Config1) or EF(Config2): client provisioning in WBXML.

    Keys: `characteristics` and optional `version` (see `smartcard_dm.dm.document_from_mapping`), or `xml`, a file
    beside the profile with a whole document in XML form; and `wbxml_version` (1.1, 1.2, 1.3; default 1.3).
    """
    fields = Fields(value)
    version = _wbxml_version(fields, "1.3")
    try:
        if "xml" in fields:
            octets = wbxml.from_xml(context.read_file(fields.text("xml")), version)
            fields.end()
        else:
            document = document_from_mapping(fields.rest(), place="cp_bootstrap")
            octets = wbxml.from_xml(build_provisioning_document(document), version)
        parse_provisioning_document(octets)
    except SmartcardDmError as error:
        raise ValueError(str(error)) from error
    return octets


def _wbxml_version(fields: Fields, default: str) -> str:
    version = fields.text_or("wbxml_version", default)
    if version not in VERSIONS:
        raise ValueError(f"wbxml_version: wanted one of {', '.join(VERSIONS)}")
    return version


def _load(value: object, context: GeneratorContext) -> x509.Certificate:
    fields = Fields(value)
    octets = fields.text("pem").encode() if "pem" in fields else context.read_file(fields.text("file"))
    fields.end()
    is_pem = b"-----BEGIN" in octets
    try:
        return x509.load_pem_x509_certificate(octets) if is_pem else x509.load_der_x509_certificate(octets)
    except (ValueError, x509.InvalidVersion) as error:
        raise ValueError("not an X.509 certificate, neither PEM nor DER") from error


def _with_certificates(account: object, context: GeneratorContext) -> dict[str, object]:
    """Return an account's description with every certificate that is a mapping written as base64."""
    if not isinstance(account, dict):
        raise ValueError("accounts: wanted a list of mappings")  # noqa: TRY004 - same
    auth = account.get("auth", [])
    if not isinstance(auth, list):
        return account
    return {**account, "auth": [_with_certificate(entry, context) for entry in auth]} if auth else account


def _with_certificate(entry: object, context: GeneratorContext) -> object:
    if isinstance(entry, dict) and isinstance(entry.get("certificate"), dict):
        der = certificate(entry["certificate"], context)
        return {**entry, "certificate": base64.b64encode(der).decode("ascii")}
    return entry
