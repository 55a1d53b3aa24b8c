"""A certificate authority of this run, with certificates for hosts and for clients, as files."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.materials import private_pem

if TYPE_CHECKING:
    from pathlib import Path

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
_DAY = timedelta(days=1)
_PEM = serialization.Encoding.PEM


@dataclass(frozen=True)
class Ca:
    """An authority: what signs, and the file that others trust."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    file: Path
    """Its certificate (PEM)."""


@dataclass(frozen=True)
class Issued:
    """A certificate with its key."""

    certificate: Path
    """PEM."""
    key: Path
    """PEM, readable by its owner only; encrypted when a passphrase was given."""


def make_ca(folder: Path, name: str = "test authority") -> Ca:
    """Return a new authority; its files go below `folder`, under its name."""
    below = folder / name.replace(" ", "-")
    below.mkdir()
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(name)
    certificate = (
        _builder(subject, subject, key, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(ca=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = below / "ca.pem"
    file.write_bytes(certificate.public_bytes(_PEM))
    return Ca(below, key, certificate, file)


def issue_cert(
    ca: Ca,
    name: str,
    *,
    san: tuple[str, ...] = LOCAL_NAMES,
    client: bool = False,
    passphrase: bytes | None = None,
    not_after: datetime | None = None,
) -> Issued:
    """Return a certificate of `ca` for a host (with the names and addresses in `san`), or for a client."""
    key = ec.generate_private_key(ec.SECP256R1())
    usage = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
    builder = (
        _builder(_name(name), ca.certificate.subject, key, ca.key, not_after=not_after)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(ca=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    )
    if san:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_general_name(text) for text in san]), critical=False
        )
    stem = name.replace(" ", "-")
    issued = Issued(ca.folder / f"{stem}.pem", ca.folder / f"{stem}.key")
    issued.certificate.write_bytes(builder.sign(ca.key, hashes.SHA256()).public_bytes(_PEM))
    issued.key.touch(mode=0o600)
    issued.key.write_bytes(private_pem(key, passphrase))
    return issued


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general_name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.UniformResourceIdentifier(text) if ":" in text else x509.DNSName(text)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    not_after: datetime | None = None,
) -> x509.CertificateBuilder:
    until = not_after or datetime.now(UTC) + _DAY
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(until - 2 * _DAY)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
