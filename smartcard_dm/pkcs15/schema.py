"""The ASN.1 of PKCS#15, declared in the standard's order and names, and the one strict way to read by it.

Guarantees: `decode` gives a `Node` with all fields already read, or raises `Pkcs15Error` (`LimitExceededError` for
depth). Elements that follow the last declared field are extensions and are skipped; every header, also theirs, has
been checked. Nothing of the schema library is in a `Node` or an exception.

The library matches elements to fields. It is lenient and lazy, so it never sees a level whose headers our own reader
has not checked, and the content of every primitive is read here.

Spec: PKCS#15 v1.1, ASN.1 module (IMPLICIT TAGS), and at each type the section that explains it. A parameterised or
CHOICE type under a tag is explicit.
"""

# asn1crypto has no type information: its classes are Any to the checker, and a schema consists of subclasses.
# mypy: allow-subclassing-any

from __future__ import annotations

import re
from dataclasses import replace
from enum import Enum, auto
from typing import TYPE_CHECKING, ClassVar

from asn1crypto import core

from smartcard_dm.pkcs15.node import Node, Primitive, read_scalar

if TYPE_CHECKING:
    from smartcard_dm.iso7816.tlv import Tlv
    from smartcard_dm.pkcs15.where import Where

_OPTIONAL = {"optional": True}
_PREFIX = re.compile(r"^Error parsing \S+ - ")


def _implicit(tag: int) -> dict[str, object]:
    return {"implicit": tag, "optional": True}


def _explicit(tag: int) -> dict[str, object]:
    return {"explicit": tag, "optional": True}


class Opaque(core.Sequence):
    """A constructed element whose content is handed on unread."""


class Path(core.Sequence):
    """Spec: 6.1. The identifier in front is no part of the standard; some cards write it."""

    _fields: ClassVar = [
        ("aid", core.OctetString, {"implicit": ("application", 15), "optional": True}),
        ("path", core.OctetString),
        ("index", core.Integer, _OPTIONAL),
        ("length", core.Integer, _implicit(0)),
    ]
    once: ClassVar = frozenset((0x4F, 0x04, 0x02, 0x80))


class UrlWithDigest(core.Sequence):
    """Spec: 6.1."""

    _fields: ClassVar = [("url", core.IA5String), ("digest", Opaque)]


class ObjectValue(core.Choice):
    """Spec: 6.1; ReferencedValue and its URL are spread out."""

    _alternatives: ClassVar = [
        ("path", Path),
        ("url", core.PrintableString),
        ("ia5Url", core.IA5String),
        ("direct", Opaque, {"implicit": 0}),
        ("indirectProtected", Opaque, {"implicit": 1}),
        ("directProtected", Opaque, {"implicit": 2}),
        ("urlWithDigest", UrlWithDigest, {"implicit": 3}),
    ]


class PathOrObjects(core.Choice):
    """Spec: 6.2."""

    _alternatives: ClassVar = [
        ("path", Path),
        ("objects", Opaque, {"implicit": 0}),
        ("indirectProtected", Opaque, {"implicit": 1}),
        ("directProtected", Opaque, {"implicit": 2}),
    ]


class Pkcs15Objects(core.Choice):
    """Spec: 6.2: one entry of EF(ODF)."""

    _alternatives: ClassVar = [
        ("privateKeys", PathOrObjects, {"explicit": 0}),
        ("publicKeys", PathOrObjects, {"explicit": 1}),
        ("trustedPublicKeys", PathOrObjects, {"explicit": 2}),
        ("secretKeys", PathOrObjects, {"explicit": 3}),
        ("certificates", PathOrObjects, {"explicit": 4}),
        ("trustedCertificates", PathOrObjects, {"explicit": 5}),
        ("usefulCertificates", PathOrObjects, {"explicit": 6}),
        ("dataObjects", PathOrObjects, {"explicit": 7}),
        ("authObjects", PathOrObjects, {"explicit": 8}),
    ]


class AccessControlRule(core.Sequence):
    """Spec: 6.1. The condition is recursive: it is walked by tag, under the bound for depth, in `rules`."""

    _fields: ClassVar = [("accessMode", core.BitString), ("securityCondition", core.Any)]


class AccessControlRules(core.SequenceOf):
    """Spec: 6.1."""

    _child_spec = AccessControlRule


class CommonObjectAttributes(core.Sequence):
    """Spec: 6.1."""

    _fields: ClassVar = [
        ("label", core.UTF8String, _OPTIONAL),
        ("flags", core.BitString, _OPTIONAL),
        ("authId", core.OctetString, _OPTIONAL),
        ("userConsent", core.Integer, _OPTIONAL),
        ("accessControlRules", AccessControlRules, _OPTIONAL),
    ]
    once: ClassVar = frozenset((0x0C, 0x03, 0x04, 0x02, 0x30))


class CommonDataObjectAttributes(core.Sequence):
    """Spec: 6.7; iD is ISO/IEC 7816-15's."""

    _fields: ClassVar = [
        ("applicationName", core.UTF8String, _OPTIONAL),
        ("applicationOID", core.ObjectIdentifier, _OPTIONAL),
        ("iD", core.OctetString, _OPTIONAL),
    ]
    once: ClassVar = frozenset((0x0C, 0x06, 0x04))


class OidDoAttributes(core.Sequence):
    """Spec: 6.7."""

    _fields: ClassVar = [("id", core.ObjectIdentifier), ("value", ObjectValue)]


class KeyUsageOids(core.SequenceOf):
    """Spec: 6.1: extended key usages."""

    _child_spec = core.ObjectIdentifier


class Usage(core.Sequence):
    """Spec: 6.1."""

    _fields: ClassVar = [("keyUsage", core.BitString, _OPTIONAL), ("extKeyUsage", KeyUsageOids, _OPTIONAL)]


class CommonCertificateAttributes(core.Sequence):
    """Spec: 6.1."""

    _fields: ClassVar = [
        ("iD", core.OctetString),
        ("authority", core.Boolean, _OPTIONAL),
        ("identifier", Opaque, _OPTIONAL),
        ("certHash", Opaque, _implicit(0)),
        ("trustedUsage", Usage, _implicit(1)),
        ("identifiers", Opaque, _implicit(2)),
        ("implicitTrust", core.Boolean, _implicit(3)),
    ]
    once: ClassVar = frozenset((0x01, 0xA0, 0xA1, 0xA2, 0x83))


class X509CertificateAttributes(core.Sequence):
    """Spec: 6.6."""

    _fields: ClassVar = [
        ("value", ObjectValue),
        ("subject", Opaque, _OPTIONAL),
        ("issuer", Opaque, _explicit(0)),
        ("serialNumber", core.Integer, _OPTIONAL),
    ]
    once: ClassVar = frozenset((0xA0,))


class ValueAttributes(core.Sequence):
    """Spec: 6.6: kinds of which only the value is of use here."""

    _fields: ClassVar = [("value", ObjectValue)]


class CommonKeyAttributes(core.Sequence):
    """Spec: 6.1."""

    _fields: ClassVar = [
        ("iD", core.OctetString),
        ("usage", core.BitString),
        ("native", core.Boolean, _OPTIONAL),
        ("accessFlags", core.BitString, _OPTIONAL),
        ("keyReference", core.Integer, _OPTIONAL),
        ("startDate", core.GeneralizedTime, _OPTIONAL),
        ("endDate", core.GeneralizedTime, _implicit(0)),
    ]
    once: ClassVar = frozenset((0x01, 0x18, 0x80))


class CommonPublicKeyAttributes(core.Sequence):
    """Spec: 6.1 (of public keys)."""

    _fields: ClassVar = [("subjectName", Opaque, _OPTIONAL), ("trustedUsage", Usage, _implicit(0))]


class PublicRsaKeyAttributes(core.Sequence):
    """Spec: 6.4."""

    _fields: ClassVar = [("value", ObjectValue), ("modulusLength", core.Integer, _OPTIONAL)]


class CommonAuthenticationObjectAttributes(core.Sequence):
    """Spec: 6.1; authId is optional in ISO/IEC 7816-15."""

    _fields: ClassVar = [("authId", core.OctetString, _OPTIONAL)]


class PinAttributes(core.Sequence):
    """Spec: 6.8."""

    _fields: ClassVar = [
        ("pinFlags", core.BitString),
        ("pinType", core.Enumerated),
        ("minLength", core.Integer),
        ("storedLength", core.Integer),
        ("maxLength", core.Integer, _OPTIONAL),
        ("pinReference", core.Integer, _implicit(0)),
        ("padChar", core.OctetString, _OPTIONAL),
        ("lastPinChange", core.GeneralizedTime, _OPTIONAL),
        ("path", Path, _OPTIONAL),
    ]
    once: ClassVar = frozenset((0x18, 0x30, 0x80))


def _object_fields(attributes: type, types: type, below: type | None = None) -> list[tuple[object, ...]]:
    """Return the fields of PKCS15Object {ClassAttributes, SubClassAttributes, TypeAttributes}, 6.1."""
    return [
        ("commonObjectAttributes", CommonObjectAttributes),
        ("classAttributes", attributes),
        # Of kinds that have none it is NULL: nothing to read.
        ("subClassAttributes", Opaque, _implicit(0)) if below is None else ("subClassAttributes", below, _explicit(0)),
        ("typeAttributes", types, {"explicit": 1}),
    ]


_OBJECT_ONCE = frozenset((0xA0, 0xA1))


class OpaqueDo(core.Sequence):
    """Spec: 6.7, also for external data objects, which differ in meaning only."""

    _fields: ClassVar = _object_fields(CommonDataObjectAttributes, ObjectValue)
    once: ClassVar = _OBJECT_ONCE


class OidDo(core.Sequence):
    """Spec: 6.7."""

    _fields: ClassVar = _object_fields(CommonDataObjectAttributes, OidDoAttributes)
    once: ClassVar = _OBJECT_ONCE


class X509Certificate(core.Sequence):
    """Spec: 6.6."""

    _fields: ClassVar = _object_fields(CommonCertificateAttributes, X509CertificateAttributes)
    once: ClassVar = _OBJECT_ONCE


class OtherCertificate(core.Sequence):
    """Spec: 6.6."""

    _fields: ClassVar = _object_fields(CommonCertificateAttributes, ValueAttributes)
    once: ClassVar = _OBJECT_ONCE


class PublicRsaKey(core.Sequence):
    """Spec: 6.4."""

    _fields: ClassVar = _object_fields(CommonKeyAttributes, PublicRsaKeyAttributes, CommonPublicKeyAttributes)
    once: ClassVar = _OBJECT_ONCE


class OtherPublicKey(core.Sequence):
    """Spec: 6.4."""

    _fields: ClassVar = _object_fields(CommonKeyAttributes, ValueAttributes, CommonPublicKeyAttributes)
    once: ClassVar = _OBJECT_ONCE


class PinAuthentication(core.Sequence):
    """Spec: 6.8."""

    _fields: ClassVar = _object_fields(CommonAuthenticationObjectAttributes, PinAttributes)
    once: ClassVar = _OBJECT_ONCE


class DataType(core.Choice):
    """Spec: 6.7."""

    _alternatives: ClassVar = [
        ("opaqueDO", OpaqueDo),
        ("externalIDO", OpaqueDo, {"implicit": 0}),
        ("oidDO", OidDo, {"implicit": 1}),
    ]


class CertificateType(core.Choice):
    """Spec: 6.6."""

    _alternatives: ClassVar = [
        ("x509Certificate", X509Certificate),
        ("x509AttributeCertificate", OtherCertificate, {"implicit": 0}),
        ("spkiCertificate", OtherCertificate, {"implicit": 1}),
        ("pgpCertificate", OtherCertificate, {"implicit": 2}),
        ("wtlsCertificate", OtherCertificate, {"implicit": 3}),
        ("x9-68Certificate", OtherCertificate, {"implicit": 4}),
        ("cvCertificate", OtherCertificate, {"implicit": 5}),
    ]


class PublicKeyType(core.Choice):
    """Spec: 6.4."""

    _alternatives: ClassVar = [
        ("publicRSAKey", PublicRsaKey),
        ("publicECKey", OtherPublicKey, {"implicit": 0}),
        ("publicDHKey", OtherPublicKey, {"implicit": 1}),
        ("publicDSAKey", OtherPublicKey, {"implicit": 2}),
        ("publicKEAKey", OtherPublicKey, {"implicit": 3}),
    ]


class AuthenticationType(core.Choice):
    """Spec: 6.8; only the PIN is read."""

    _alternatives: ClassVar = [("pin", PinAuthentication)]


class LastUpdate(core.Choice):
    """Spec: 6.9: the time itself, or where it is kept; ReferencedValue is spread out."""

    _alternatives: ClassVar = [
        ("generalizedTime", core.GeneralizedTime),
        ("path", Path),
        ("url", core.PrintableString),
    ]


def _token_fields(updated: tuple[object, ...]) -> list[tuple[object, ...]]:
    return [
        ("version", core.Integer),
        # Mandatory in PKCS#15, optional in ISO/IEC 7816-15.
        ("serialNumber", core.OctetString, _OPTIONAL),
        ("manufacturerID", core.UTF8String, _OPTIONAL),
        ("label", core.UTF8String, _implicit(0)),
        ("tokenflags", core.BitString),
        ("seInfo", Opaque, _OPTIONAL),
        ("recordInfo", Opaque, _implicit(1)),
        ("supportedAlgorithms", Opaque, _implicit(2)),
        ("issuerId", core.UTF8String, _implicit(3)),
        ("holderId", core.UTF8String, _implicit(4)),
        ("lastUpdate", *updated),
        ("preferredLanguage", core.PrintableString, _OPTIONAL),
    ]


_TOKEN_INFO_ONCE = frozenset((0x04, 0x0C, 0x80, 0xA1, 0xA2, 0x83, 0x84, 0x85, 0xA5, 0x13))


class TokenInfo(core.Sequence):
    """Spec: 6.9; CIAInfo of ISO/IEC 7816-15."""

    _fields: ClassVar = _token_fields((LastUpdate, _explicit(5)))
    once: ClassVar = _TOKEN_INFO_ONCE


class PlainTimeTokenInfo(core.Sequence):
    """TokenInfo as cards write it whose lastUpdate is a bare time under [5]."""

    _fields: ClassVar = _token_fields((core.GeneralizedTime, _implicit(5)))
    once: ClassVar = _TOKEN_INFO_ONCE


class Schema(Enum):
    """What `decode` can read."""

    ODF_ENTRY = auto()
    DATA_OBJECT = auto()
    CERTIFICATE = auto()
    PUBLIC_KEY = auto()
    AUTHENTICATION = auto()
    TOKEN_INFO = auto()
    PLAIN_TIME_TOKEN_INFO = auto()


_SPECS: dict[Schema, core.Asn1Value] = {
    Schema.ODF_ENTRY: Pkcs15Objects,
    Schema.DATA_OBJECT: DataType,
    Schema.CERTIFICATE: CertificateType,
    Schema.PUBLIC_KEY: PublicKeyType,
    Schema.AUTHENTICATION: AuthenticationType,
    Schema.TOKEN_INFO: TokenInfo,
    Schema.PLAIN_TIME_TOKEN_INFO: PlainTimeTokenInfo,
}

_PRIMITIVES: dict[core.Asn1Value, Primitive] = {
    core.Boolean: Primitive.BOOLEAN,
    core.Integer: Primitive.INTEGER,
    core.Enumerated: Primitive.INTEGER,
    core.BitString: Primitive.BITS,
    core.OctetString: Primitive.OCTETS,
    core.ObjectIdentifier: Primitive.OCTETS,
    core.GeneralizedTime: Primitive.TIME,
    core.UTF8String: Primitive.UTF8,
    core.PrintableString: Primitive.ASCII,
    core.IA5String: Primitive.ASCII,
}


def decode(schema: Schema, tlv: Tlv, where: Where) -> Node:
    """Return an element read by its declaration.

    Raises:
        Pkcs15Error: the element is not what is declared, or a header inside it is not strict.
        LimitExceededError: it nests deeper than `Limits.tlv_depth`.
    """
    try:
        value = _SPECS[schema].load(tlv.octets, strict=True)
    except (ValueError, TypeError) as error:
        raise _fault(error, tlv, where) from error
    return _walk(value, tlv, where, 1)


def _walk(value: core.Asn1Value, tlv: Tlv, where: Where, depth: int) -> Node:
    for _ in value.explicit or ():
        inner = where.level(tlv.value, tlv.value_offset)
        if len(inner) != 1:
            raise where.error("an explicit tag holds one element", tlv.offset, found=str(len(inner)))
        tlv = inner[0]
        depth += 1
    if depth > where.limits.tlv_depth:
        raise where.too_large("tlv_depth", tlv.offset)
    if isinstance(value, core.Choice):
        return replace(_walk(value.chosen, tlv, where.inside(value.name), depth), chosen=value.name)
    if isinstance(value, core.SequenceOf):
        items = where.level(tlv.value, tlv.value_offset)
        return Node(tlv, items=tuple(_item(value, at, items[at], where, depth) for at in range(len(items))))
    if isinstance(value, Opaque | core.Any):
        return Node(tlv, tlv.value)
    if isinstance(value, core.Sequence):
        return _fields(value, tlv, where, depth)
    return Node(tlv, read_scalar(_primitive(value), tlv, where))


def _item(value: core.SequenceOf, at: int, tlv: Tlv, where: Where, depth: int) -> Node:
    inside = where.inside(f"item {at + 1}")
    try:
        child = value[at]
    except (ValueError, TypeError) as error:
        raise _fault(error, tlv, inside) from error
    return _walk(child, tlv, inside, depth + 1)


def _fields(value: core.Sequence, tlv: Tlv, where: Where, depth: int) -> Node:
    elements = where.level(tlv.value, tlv.value_offset)
    try:
        # Matches all elements to fields; the loop below then opens one field at a time.
        len(value)
    except (ValueError, TypeError) as error:
        raise _fault(error, tlv, where) from error
    found: dict[str, Node] = {}
    for declared in type(value)._fields:
        name = declared[0]
        at = elements[len(found)] if len(found) < len(elements) else tlv
        try:
            child = value[name]
        except (ValueError, TypeError) as error:
            raise _fault(error, at, where) from error
        if not isinstance(child, core.Void):
            found[name] = _walk(child, at, where.inside(name), depth + 1)
    for rest in elements[len(found) :]:
        if rest.tag in getattr(value, "once", ()):
            raise where.error("an element stands twice or out of order", rest.offset, found=f"tag {rest.tag:02X}")
    return Node(tlv, fields=found)


def _primitive(value: core.Asn1Value) -> Primitive:
    return next(primitive for known, primitive in _PRIMITIVES.items() if isinstance(value, known))


def _fault(error: Exception, tlv: Tlv, where: Where) -> Exception:
    """Return the error to raise where the library refuses an element: our own reader's, when it finds one inside."""
    level: tuple[Tlv, ...] = (tlv,)
    for _ in range(where.limits.tlv_depth):
        outer = tuple(element for element in level if element.constructed)
        level = tuple(inner for element in outer for inner in where.level(element.value, element.value_offset))
    reason = _PREFIX.sub("", " ".join(str(error).split("while parsing")[0].split()))
    return where.error(f"not as declared: {reason}", tlv.offset)
