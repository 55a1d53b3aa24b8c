"""What a device says of itself (DevInfo, DevDetail), its Inbox, and the nodes that its tree begins with.

Guarantees: these objects are permanent and no server can change them; the first nodes fit their descriptions.
Leaves to its caller: putting the nodes into a tree, and the ACL of the root, which they inherit.
Spec: OMA-TS-DM_StdObj-V1_2_1, 5.3.2 (DevInfo), 5.3.3 (DevDetail), 5.3.4 (Inbox).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from smartcard_dm.dm.description import AccessType, Occurrence
from smartcard_dm.dm.formats import NodeFormat
from smartcard_dm.dm.namespaces import MO_DEVDETAIL, MO_DEVINFO, MO_INBOX
from smartcard_dm.dm.object_connectivity import NAP_HOLDER, PROXY_HOLDER
from smartcard_dm.dm.object_dmacc import DMACC_HOLDER
from smartcard_dm.dm.object_tables import EXT, interior, leaf, permanent
from smartcard_dm.dm.standard_object import StandardObject
from smartcard_dm.dm.tnds import NodeType, TndsNode, TypeKind
from smartcard_dm.dm.uri import INBOX_URI
from smartcard_dm.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smartcard_dm.dm.description import NodeDescription

_ONE: Final = Occurrence.ONE
_LANGUAGE: Final = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
_VERSION: Final = re.compile(r"[0-9]+\.[0-9]+(\.[0-9]+)?")
_TRUTH: Final = MappingProxyType({True: "true", False: "false"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceInformation:
    """The values of DevInfo and DevDetail.

    Raises:
        ValueError: a value is empty that must not be, is not printable, or does not fit its form.
    """

    dev_id: str
    """Identifier of this one device, as a URN or the like: `IMEI:490154203237518`. No white space."""
    man: str
    """Manufacturer."""
    mod: str
    """Model."""
    lang: str
    """Language of the user interface, a tag of RFC 1766 such as `en-GB`."""
    dev_type: str
    """Type of the device, such as `phone`."""
    dm_version: str = "1.2"
    """Version of the DM protocol that the device speaks."""
    oem: str = ""
    """Original equipment manufacturer; empty when it is not known, as are the three that follow."""
    fw: str = ""
    """Version of the firmware."""
    sw: str = ""
    """Version of the software."""
    hw: str = ""
    """Version of the hardware."""
    large_objects: bool = False
    """Whether an object may come in several messages; a sessionless message is always whole."""
    max_depth: int = DEFAULT_LIMITS.node_uri_segments
    """Segments of a URI, 16 bit; 0 for any number, here and below."""
    max_total_length: int = DEFAULT_LIMITS.node_uri_octets
    """Characters of a URI, 16 bit."""
    max_segment_length: int = DEFAULT_LIMITS.node_uri_octets
    """Characters of one segment of a URI, 16 bit."""

    def __post_init__(self) -> None:
        for name in ("dev_id", "man", "mod", "lang", "dev_type", "dm_version"):
            if not getattr(self, name).strip():
                raise ValueError(f"device information: {name} is empty")
        for name in ("dev_id", "man", "mod", "dev_type", "oem", "fw", "sw", "hw"):
            if not getattr(self, name).isprintable():
                raise ValueError(f"device information: {name} is not printable")
        if any(character.isspace() for character in self.dev_id):
            raise ValueError("device information: dev_id has white space")
        if not _LANGUAGE.fullmatch(self.lang):
            raise ValueError("device information: lang is no language tag such as en-GB")
        if not _VERSION.fullmatch(self.dm_version):
            raise ValueError("device information: dm_version is no version such as 1.2")
        for name in ("max_depth", "max_total_length", "max_segment_length"):
            if not 0 <= getattr(self, name) <= 0xFFFF:
                raise ValueError(f"device information: {name} does not fit 16 bits")


def _object(mo_id: str, description: NodeDescription, access: AccessType) -> StandardObject:
    return StandardObject(
        family=mo_id.rpartition(":")[0],
        versions=MappingProxyType({mo_id: (1, 0)}),
        holder=None,
        description=permanent(description, {access}),
    )


DEVINFO: Final = _object(
    MO_DEVINFO,
    interior(
        "DevInfo",
        *(leaf(name, occurrence=_ONE) for name in ("DevId", "Man", "Mod", "DmV", "Lang")),
        interior("Bearer", free=True),
        interior(EXT),
        occurrence=_ONE,
        types=(MO_DEVINFO,),
    ),
    AccessType.GET,
)
DEVDETAIL: Final = _object(
    MO_DEVDETAIL,
    interior(
        "DevDetail",
        interior(
            "URI",
            *(leaf(name, occurrence=_ONE) for name in ("MaxDepth", "MaxTotLen", "MaxSegLen")),
            occurrence=_ONE,
        ),
        *(leaf(name, occurrence=_ONE) for name in ("DevTyp", "OEM", "FwV", "SwV", "HwV")),
        leaf("LrgObj", NodeFormat.BOOL, occurrence=_ONE),
        interior("Bearer", free=True),
        interior(EXT),
        occurrence=_ONE,
        types=(MO_DEVDETAIL,),
    ),
    AccessType.GET,
)
INBOX: Final = _object(
    MO_INBOX,
    interior(INBOX_URI.name, occurrence=_ONE, types=(MO_INBOX,)),
    AccessType.ADD,
)


def device_nodes(values: DeviceInformation) -> tuple[TndsNode, ...]:
    """Return the nodes directly below the root of a new device's tree, with what stands below them.

    These are DevInfo, DevDetail and Inbox, and the empty nodes that accounts, access points and proxies go below.
    """
    holders = (DMACC_HOLDER, NAP_HOLDER, PROXY_HOLDER)
    return (
        _interior(
            "DevInfo",
            _leaves(
                {
                    "DevId": values.dev_id,
                    "Man": values.man,
                    "Mod": values.mod,
                    "DmV": values.dm_version,
                    "Lang": values.lang,
                }
            ),
            MO_DEVINFO,
        ),
        _interior(
            "DevDetail",
            (
                _interior(
                    "URI",
                    _leaves(
                        {
                            "MaxDepth": str(values.max_depth),
                            "MaxTotLen": str(values.max_total_length),
                            "MaxSegLen": str(values.max_segment_length),
                        }
                    ),
                ),
                *_leaves(
                    {
                        "DevTyp": values.dev_type,
                        "OEM": values.oem,
                        "FwV": values.fw,
                        "SwV": values.sw,
                        "HwV": values.hw,
                    }
                ),
                _leaf("LrgObj", _TRUTH[values.large_objects], NodeFormat.BOOL),
            ),
            MO_DEVDETAIL,
        ),
        _interior(INBOX_URI.name, (), MO_INBOX),
        *(_interior(holder.name, ()) for holder in holders),
    )


def _interior(name: str, children: tuple[TndsNode, ...], mo_id: str = "") -> TndsNode:
    return TndsNode(name, NodeFormat.NODE, children=children, type=NodeType(TypeKind.DDF_NAME, mo_id))


def _leaf(name: str, value: str, format_: NodeFormat = NodeFormat.CHR) -> TndsNode:
    return TndsNode(name, format_, value, type=NodeType(TypeKind.MIME, "text/plain"))


def _leaves(values: Mapping[str, str]) -> tuple[TndsNode, ...]:
    return tuple(_leaf(name, value) for name, value in values.items())
