"""What all PKCS#15 directory files share: entries one after another, padding, common attributes, values.

Guarantees: an entry of a kind nobody knows is counted and skipped, an entry of a known kind is read wholly or is an
error. Padding follows the one policy of `smartcard_dm.iso7816.tlv.read_padded`.

Spec: PKCS#15 v1.1, 6.1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeAlias, TypedDict, TypeVar

from smartcard_dm.errors import TlvError
from smartcard_dm.iso7816.tlv import Tlv, read_padded
from smartcard_dm.pkcs15.oid import decode_oid
from smartcard_dm.pkcs15.path import read_path
from smartcard_dm.pkcs15.rules import AccessControlRule, read_rules
from smartcard_dm.pkcs15.schema import Schema, decode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from smartcard_dm.iso7816.file_path import FilePath
    from smartcard_dm.pkcs15.node import Node
    from smartcard_dm.pkcs15.where import Where

_T = TypeVar("_T")
_TYPE_ATTRIBUTES = 0xA1


@dataclass(frozen=True, slots=True)
class IndirectPath:
    """The value stands in a file of the card."""

    path: FilePath


@dataclass(frozen=True, slots=True)
class IndirectUrl:
    """The value stands somewhere on a network; nothing here fetches it."""

    url: str


@dataclass(frozen=True, slots=True)
class DirectValue:
    """The value stands in the directory itself."""

    octets: bytes
    """What is inside the tag [0], tags of its own included: a certificate begins with 30."""


@dataclass(frozen=True, slots=True)
class ProtectedValue:
    """The value, or the way to it, is enciphered with a key we do not have."""

    direct: bool
    octets: bytes


ObjectValue: TypeAlias = IndirectPath | IndirectUrl | DirectValue | ProtectedValue


@dataclass(frozen=True, slots=True)
class TrustedUsage:
    """What the issuer of the card trusts a certificate or key for."""

    key_usage: frozenset[int]
    """Bits of the X.509 KeyUsage; empty when not given."""

    extended: tuple[str, ...]
    """Object identifiers of extended key usages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pkcs15Object:
    """The attributes that objects of all kinds have."""

    label: str | None = None
    private: bool = False
    """Readable only after authentication."""

    modifiable: bool = False
    auth_id: bytes | None = None
    """Identifier of the PIN in the AODF that a private object asks for."""

    user_consent: int | None = None
    access_rules: tuple[AccessControlRule, ...] = ()
    offset: int = field(default=0, compare=False)
    """Octets from the start of the directory file to the object; no part of what the object is."""


class CommonFields(TypedDict):
    """The arguments of `Pkcs15Object`."""

    label: str | None
    private: bool
    modifiable: bool
    auth_id: bytes | None
    user_consent: int | None
    access_rules: tuple[AccessControlRule, ...]
    offset: int


@dataclass(frozen=True, slots=True)
class ObjectDirectory(Generic[_T]):
    """The objects of one directory file, in its order."""

    objects: tuple[_T, ...]
    warnings: tuple[str, ...]
    """Skipped objects and odd padding, for people."""

    def __iter__(self) -> Iterator[_T]:
        return iter(self.objects)

    def __len__(self) -> int:
        return len(self.objects)


def read_entries(octets: bytes, where: Where) -> tuple[tuple[Tlv, ...], tuple[str, ...]]:
    """Return the entries of a directory file and warnings about its padding.

    Raises:
        Pkcs15Error: an entry is malformed or cut.
        LimitExceededError: the file is larger than `Limits.card_file_octets`.
    """
    if len(octets) > where.limits.card_file_octets:
        raise where.too_large("card_file_octets", 0, len(octets))
    try:
        return read_padded(octets, structure=where.structure)
    except TlvError as error:
        raise where.translate(error) from error


def read_objects(
    octets: bytes,
    where: Where,
    schema: Schema,
    kinds: Iterable[int],
    build: Callable[[Node, Where], _T],
) -> ObjectDirectory[_T]:
    """Return the objects of a directory file, each made by `build`.

    Entries whose tags are not in `kinds`, and entries without type attributes, are skipped with a warning.

    Raises:
        Pkcs15Error: an entry is malformed.
        LimitExceededError: more entries than `Limits.directory_objects`, or another bound.
    """
    entries, warnings = read_entries(octets, where)
    if len(entries) > where.limits.directory_objects:
        raise where.too_large("directory_objects", entries[where.limits.directory_objects].offset, len(entries))
    known = frozenset(kinds)
    found: list[_T] = []
    for number, entry in enumerate(entries, 1):
        place = where.inside(f"entry {number}")
        skipped = None
        if entry.tag not in known:
            skipped = f"object of kind {entry.tag:02X}"
        elif all(inner.tag != _TYPE_ATTRIBUTES for inner in place.level(entry.value, entry.value_offset)):
            # Nothing can be read from it, and the objects behind it are none the worse.
            skipped = "object without type attributes"
        else:
            node = decode(schema, entry, place)
            found.append(build(node, place.inside(node.chosen)))
        if skipped is not None:
            warnings += (f"{where.structure}: {skipped} skipped, entry {number} at offset {entry.offset}",)
    return ObjectDirectory(tuple(found), warnings)


def read_common(node: Node, where: Where) -> CommonFields:
    """Return the attributes that objects of all kinds have, from an object that the schema has read.

    Raises:
        Pkcs15Error: an access control rule is malformed.
    """
    common = node.fields["commonObjectAttributes"]
    flags = common.bits("flags")
    place = where.inside("commonObjectAttributes", "accessControlRules")
    return {
        "label": common.text("label"),
        "private": 0 in flags,
        "modifiable": 1 in flags,
        "auth_id": common.octets("authId"),
        "user_consent": common.number("userConsent"),
        "access_rules": read_rules(common.fields.get("accessControlRules"), place),
        "offset": node.tlv.offset,
    }


def read_value(node: Node, where: Where) -> ObjectValue:
    """Return an object's value from an element that the schema has read as ObjectValue.

    Raises:
        Pkcs15Error: a path in it is malformed.
        LimitExceededError: a path in it is too long.
    """
    match node.chosen:
        case "path":
            return IndirectPath(read_path(node, where.inside("value", "path")))
        case "url" | "ia5Url":
            return IndirectUrl(str(node.value))
        case "urlWithDigest":
            return IndirectUrl(node.text("url") or "")
        case "direct":
            return DirectValue(node.tlv.value)
        case protected:
            return ProtectedValue(protected == "directProtected", node.tlv.value)


def read_usage(node: Node | None, where: Where) -> TrustedUsage | None:
    """Return a trusted usage from an element that the schema has read as Usage, or None.

    Raises:
        Pkcs15Error: an object identifier is malformed.
    """
    if node is None:
        return None
    listed = node.fields.get("extKeyUsage")
    names: list[str] = []
    for item in listed.items if listed is not None else ():
        name = decode_oid(item.tlv.value)
        if name is None:
            raise where.error("OBJECT IDENTIFIER", item.tlv.offset, found=item.tlv.value[:20].hex().upper())
        names.append(name)
    return TrustedUsage(node.bits("keyUsage"), tuple(names))
