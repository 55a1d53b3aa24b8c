"""EF(CDF): certificates, of the card or trusted by its issuer.

Guarantees: every certificate object of a known kind; other kinds are counted and skipped. Leaves to its caller: which
of the three directories it read (only trusted certificates are candidates for anchors), and the certificate itself.

Spec: PKCS#15 v1.1, 6.6.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from smartcard_dm.limits import DEFAULT_LIMITS, Limits
from smartcard_dm.pkcs15.directory import (
    ObjectDirectory,
    ObjectValue,
    Pkcs15Object,
    TrustedUsage,
    read_common,
    read_objects,
    read_usage,
    read_value,
)
from smartcard_dm.pkcs15.schema import Schema
from smartcard_dm.pkcs15.where import Where

if TYPE_CHECKING:
    from smartcard_dm.pkcs15.node import Node


class CertificateKind(Enum):
    """Form of a certificate: the outer tag of its entry."""

    X509 = 0x30
    X509_ATTRIBUTE = 0xA0
    SPKI = 0xA1
    PGP = 0xA2
    WTLS = 0xA3
    X9_68 = 0xA4
    CV = 0xA5


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateObject(Pkcs15Object):
    """One certificate."""

    kind: CertificateKind = CertificateKind.X509
    id: bytes
    """Shared with the key it belongs to."""

    authority: bool = False
    """Whether the card says it is a certification authority's. A claim of the card, not of the certificate."""

    trusted_usage: TrustedUsage | None = None
    implicit_trust: bool = False
    value: ObjectValue
    subject: bytes | None = None
    """The subject's Name as encoded; X.509 only."""

    issuer: bytes | None = None
    """The issuer's Name as encoded; X.509 only."""

    serial: int | None = None


_KINDS = {kind.value: kind for kind in CertificateKind}


def parse_cdf(
    octets: bytes, *, limits: Limits = DEFAULT_LIMITS, structure: str = "EF.CDF"
) -> ObjectDirectory[CertificateObject]:
    """Return the certificates of EF(CDF), in its order.

    Args:
        octets: content of the file.
        limits: the bounds.
        structure: name of the file in errors, where a caller reads several.

    Raises:
        Pkcs15Error: an object of a known kind is malformed or cut.
        LimitExceededError: more objects than `Limits.directory_objects`, or another bound.
    """
    return read_objects(octets, Where(structure, limits), Schema.CERTIFICATE, _KINDS, _object)


def _object(node: Node, where: Where) -> CertificateObject:
    attributes = node.fields["classAttributes"]
    types = node.fields["typeAttributes"]
    subject, issuer = types.fields.get("subject"), types.fields.get("issuer")
    usage = attributes.fields.get("trustedUsage")
    return CertificateObject(
        **read_common(node, where),
        kind=_KINDS[node.tlv.tag],
        id=attributes.fields["iD"].tlv.value,
        authority=attributes.flag("authority", default=False),
        trusted_usage=read_usage(usage, where.inside("classAttributes", "trustedUsage")),
        implicit_trust=attributes.flag("implicitTrust", default=False),
        value=read_value(types.fields["value"], where.inside("typeAttributes")),
        subject=subject.tlv.octets if subject is not None else None,
        issuer=issuer.tlv.octets if issuer is not None else None,
        serial=types.number("serialNumber"),
    )
