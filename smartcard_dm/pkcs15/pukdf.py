"""EF(PuKDF): public keys, of the card or trusted by its issuer.

Guarantees: every key object of a known kind; other kinds are counted and skipped. Leaves to its caller: which of the
two directories it read (only trusted public keys are candidates for anchors), and loading the key.

Spec: PKCS#15 v1.1, 6.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import TYPE_CHECKING

from smartcard_dm.errors import Pkcs15Error, TlvError
from smartcard_dm.iso7816.tlv import encode_tlv, read_padded
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


class PublicKeyKind(Enum):
    """Algorithm of a public key: the outer tag of its entry."""

    RSA = 0x30
    EC = 0xA0
    DH = 0xA1
    DSA = 0xA2
    KEA = 0xA3


class KeyUsage(IntEnum):
    """Bits of the usage of a key. Spec: PKCS#15 v1.1, 6.1."""

    ENCRYPT = 0
    DECRYPT = 1
    SIGN = 2
    SIGN_RECOVER = 3
    WRAP = 4
    UNWRAP = 5
    VERIFY = 6
    VERIFY_RECOVER = 7
    DERIVE = 8
    NON_REPUDIATION = 9


class KeyForm(Enum):
    """How the octets of a public key are written."""

    SPKI = "SubjectPublicKeyInfo"
    RSA = "RSAPublicKey"
    EC_POINT = "ECPoint"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKeyObject(Pkcs15Object):
    """One public key."""

    kind: PublicKeyKind
    id: bytes
    usage: frozenset[int]
    """Bits that are set, those of `KeyUsage` and any others."""

    native: bool = True
    """Whether the card can compute with the key."""

    key_reference: int | None = None
    modulus_length: int | None = None
    """Bits; RSA only."""

    value: ObjectValue
    subject: bytes | None = None
    """Name of the owner as encoded."""

    trusted_usage: TrustedUsage | None = None


_KINDS = {kind.value: kind for kind in PublicKeyKind}


def parse_pukdf(
    octets: bytes, *, limits: Limits = DEFAULT_LIMITS, structure: str = "EF.PuKDF"
) -> ObjectDirectory[PublicKeyObject]:
    """Return the keys of EF(PuKDF), in its order.

    Args:
        octets: content of the file.
        limits: the bounds.
        structure: name of the file in errors, where a caller reads several.

    Raises:
        Pkcs15Error: an object of a known kind is malformed or cut.
        LimitExceededError: more objects than `Limits.directory_objects`, or another bound.
    """
    return read_objects(octets, Where(structure, limits), Schema.PUBLIC_KEY, _KINDS, _object)


def read_key_octets(kind: PublicKeyKind, octets: bytes) -> tuple[KeyForm, bytes]:
    """Return a public key's form and encoding, from a direct value or from the file of an indirect one.

    RSA keys come as RSAPublicKey (30) or as SubjectPublicKeyInfo under tag [1] in place of 30; EC keys as a point
    (04, returned without its header) or, like keys of the other kinds, as SubjectPublicKeyInfo (30). Padding after
    the key is taken off.
    Spec: PKCS#15 v1.1, 6.4.

    Raises:
        Pkcs15Error: not one element with a strict header.
    """
    name = "public key"
    try:
        found, warnings = read_padded(octets, structure=name)
    except TlvError as error:
        raise Pkcs15Error(name, error.detail, offset=error.offset, wanted=error.wanted, found=error.found) from error
    if len(found) != 1 or warnings:
        raise Pkcs15Error(name, "not one element", offset=0, wanted="1", found=str(len(found)))
    key = found[0]
    match kind, key.tag:
        case PublicKeyKind.RSA, 0x30:
            return KeyForm.RSA, key.octets
        case PublicKeyKind.RSA, 0xA1:
            return KeyForm.SPKI, encode_tlv(0x30, key.value)
        case _, 0x30:
            return KeyForm.SPKI, key.octets
        case PublicKeyKind.EC, 0x04:
            return KeyForm.EC_POINT, key.value
        case _:
            return KeyForm.OTHER, key.octets


def _object(node: Node, where: Where) -> PublicKeyObject:
    attributes = node.fields["classAttributes"]
    types = node.fields["typeAttributes"]
    below = node.fields.get("subClassAttributes")
    subject = below.fields.get("subjectName") if below is not None else None
    trusted = below.fields.get("trustedUsage") if below is not None else None
    return PublicKeyObject(
        **read_common(node, where),
        kind=_KINDS[node.tlv.tag],
        id=attributes.fields["iD"].tlv.value,
        usage=attributes.bits("usage"),
        native=attributes.flag("native", default=True),
        key_reference=attributes.number("keyReference"),
        modulus_length=types.number("modulusLength"),
        value=read_value(types.fields["value"], where.inside("typeAttributes")),
        subject=subject.tlv.octets if subject is not None else None,
        trusted_usage=read_usage(trusted, where.inside("subClassAttributes", "trustedUsage")),
    )
