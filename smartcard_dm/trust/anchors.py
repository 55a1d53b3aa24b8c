"""Trust anchors: certificates and public keys that the card names as trusted.

Guarantees: an anchor carries every name it can be bound to a ServerID by, read once; a certificate authority is never
itself a signer. Leaves to its caller: that the card's directory said "trusted" (PKCS#15 ODF tags A2 and A5).

Spec: PKCS#15 v1.1, 6.4 and 6.6 (trustedPublicKeys, trustedCertificates); design decision D4 (docs/decisions).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Self

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_public_key
from cryptography.x509.oid import NameOID

from smartcard_dm.errors import KeyMaterialError

if TYPE_CHECKING:
    from smartcard_dm.identity import Origin


class AnchorKind(Enum):
    """What an anchor may be used for."""

    CERTIFICATE = "certificate"
    """The certificate of a server."""
    PUBLIC_KEY = "public-key"
    """The public key of a server."""
    AUTHORITY = "authority"
    """The certificate of an authority; it signs certificates, never messages."""


@dataclass(frozen=True, slots=True)
class TrustAnchor:
    """One trusted certificate or public key of the card."""

    kind: AnchorKind
    """Server certificate, server key, or authority."""
    label: str
    """Label of the PKCS#15 object."""
    names: tuple[str, ...]
    """What a ServerID may equal: label, subject common names, SAN URIs and DNS names."""
    der: bytes = field(repr=False)
    """Certificate, or SubjectPublicKeyInfo."""
    origin: Origin
    """Where on the card it stands."""

    @classmethod
    def from_certificate(cls, der: bytes, *, label: str, authority: bool, origin: Origin) -> Self:
        """Return the anchor of a certificate (DER); `authority` is what the card's directory says of it.

        A certificate whose basic constraints say CA is an authority whatever the directory says.

        Raises:
            KeyMaterialError: it is no certificate.
        """
        try:
            certificate = x509.load_der_x509_certificate(der)
            names = _names(certificate)
            is_ca = _is_ca(certificate)
        except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension) as error:
            raise KeyMaterialError(f"{origin}: not an X.509 certificate") from error
        kind = AnchorKind.AUTHORITY if authority or is_ca else AnchorKind.CERTIFICATE
        return cls(kind, label, tuple(dict.fromkeys([label, *names] if label else names)), der, origin)

    @classmethod
    def from_public_key(cls, der: bytes, *, label: str, origin: Origin) -> Self:
        """Return the anchor of a SubjectPublicKeyInfo (DER); its only name is its label.

        Raises:
            KeyMaterialError: it is no public key.
        """
        try:
            load_der_public_key(der)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise KeyMaterialError(f"{origin}: not a SubjectPublicKeyInfo") from error
        return cls(AnchorKind.PUBLIC_KEY, label, (label,) if label else (), der, origin)


def _names(certificate: x509.Certificate) -> list[str]:
    names = [str(attribute.value) for attribute in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    try:
        alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return names
    return [
        *names,
        *alternative.get_values_for_type(x509.UniformResourceIdentifier),
        *alternative.get_values_for_type(x509.DNSName),
    ]


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False
