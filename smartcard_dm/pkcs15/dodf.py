"""EF(DODF): data objects, among them the bootstrap files of OMA DM and CP.

Guarantees: every object of a known kind, whether its identifier stands in the object or in its application
attributes, encoded once or twice; other kinds are counted and skipped. Leaves to its caller: which identifier to look
for, and reading the file an object names.

Spec: PKCS#15 v1.1, 6.7; OMA LwM2M 1.0, Annex G, which shows the two forms.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from smartcard_dm.limits import DEFAULT_LIMITS, Limits
from smartcard_dm.pkcs15.directory import (
    DirectValue,
    IndirectPath,
    ObjectDirectory,
    ObjectValue,
    Pkcs15Object,
    read_common,
    read_objects,
    read_value,
)
from smartcard_dm.pkcs15.oid import OID_NAMES, read_oid
from smartcard_dm.pkcs15.schema import Schema
from smartcard_dm.pkcs15.where import Where

if TYPE_CHECKING:
    from smartcard_dm.iso7816.file_path import FilePath
    from smartcard_dm.pkcs15.node import Node


class DataObjectKind(Enum):
    """How a data object says what it is: the outer tag of its entry."""

    OPAQUE = 0x30
    EXTERNAL = 0xA0
    OID = 0xA1


@dataclass(frozen=True, slots=True, kw_only=True)
class DataObject(Pkcs15Object):
    """One data object."""

    kind: DataObjectKind
    application_name: str | None = None
    application_oid: str | None = None
    object_oid: str | None = None
    """Identifier inside an oidDO."""

    oid_twice_encoded: bool = False
    """Whether one of the two identifiers was encoded twice, an error of published examples."""

    value: ObjectValue

    @property
    def oid(self) -> str | None:
        """The identifier that says what the object is: the one in the object before the application's."""
        return self.object_oid if self.object_oid is not None else self.application_oid

    @property
    def name(self) -> str:
        """A name for people: of the identifier where it is known, else what the card says."""
        known = OID_NAMES.get(self.oid or "")
        return known or self.label or self.application_name or self.oid or "unnamed data object"

    @property
    def path(self) -> FilePath | None:
        """Where the value stands, or None when it is not in a file."""
        return self.value.path if isinstance(self.value, IndirectPath) else None

    @property
    def direct_octets(self) -> bytes | None:
        """The value where it stands in the directory; one OCTET STRING around it is taken off."""
        if not isinstance(self.value, DirectValue):
            return None
        raw = self.value.octets
        header = {0x81: 3, 0x82: 4}.get(raw[1], 2) if len(raw) > 1 else 0
        length = int.from_bytes(raw[2:header] or raw[1:2], "big")
        return raw[header:] if raw[:1] == b"\x04" and header and header + length == len(raw) else raw

    def has_oid(self, oid: str) -> bool:
        """Tell whether this is the object with an identifier (see `oid`)."""
        return self.oid == oid


_KINDS = {kind.value: kind for kind in DataObjectKind}


def parse_dodf(octets: bytes, *, limits: Limits = DEFAULT_LIMITS) -> ObjectDirectory[DataObject]:
    """Return the data objects of EF(DODF), in its order.

    Raises:
        Pkcs15Error: an object of a known kind is malformed or cut.
        LimitExceededError: more objects than `Limits.directory_objects`, or another bound.
    """
    return read_objects(octets, Where("EF.DODF", limits), Schema.DATA_OBJECT, _KINDS, _object)


def _object(node: Node, where: Where) -> DataObject:
    attributes = node.fields["classAttributes"]
    types = node.fields["typeAttributes"]
    kind = _KINDS[node.tlv.tag]
    place = where.inside("typeAttributes")
    own, own_twice = _oid(types.fields.get("id"), place.inside("id"))
    application, application_twice = _oid(
        attributes.fields.get("applicationOID"), where.inside("classAttributes", "applicationOID")
    )
    return DataObject(
        **read_common(node, where),
        kind=kind,
        application_name=attributes.text("applicationName"),
        application_oid=application,
        object_oid=own,
        oid_twice_encoded=own_twice or application_twice,
        value=read_value(types.fields["value"] if kind is DataObjectKind.OID else types, place),
    )


def _oid(node: Node | None, where: Where) -> tuple[str | None, bool]:
    if node is None:
        return None, False
    text, twice = read_oid(node.tlv.value)
    if text is None:
        raise where.error("OBJECT IDENTIFIER", node.tlv.offset, found=node.tlv.value[:20].hex().upper() or "nothing")
    return text, twice
