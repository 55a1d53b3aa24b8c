"""Names fixed by the OMA DM documents: XML namespaces, MIME types, versions, management object identifiers.

Guarantees: constants only. Leaves to its caller: what each name means.
Spec: OMA-TS-DM_RepPro-V1_2_1 (namespaces, MIME types), OMA-TS-DM_StdObj-V1_2_1 (identifiers).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

SYNCML_NS: Final = "SYNCML:SYNCML1.2"
METINF_NS: Final = "syncml:metinf"
DDF_NS: Final = "syncml:dmddf1.2"
XMLDSIG_NS: Final = "http://www.w3.org/2000/09/xmldsig#"
XMLENC_NS: Final = "http://www.w3.org/2001/04/xmlenc#"

VER_DTD: Final = "1.2"
VER_PROTO: Final = "DM/1.2"
TNDS_VER_DTD: Final = "1.2"

MIME_DM_XML: Final = "application/vnd.syncml.dm+xml"
MIME_DM_WBXML: Final = "application/vnd.syncml.dm+wbxml"
MIME_TNDS_XML: Final = "application/vnd.syncml.dmtnds+xml"
MIME_TNDS_WBXML: Final = "application/vnd.syncml.dmtnds+wbxml"

MO_DMACC: Final = "urn:oma:mo:oma-dm-dmacc:1.0"
MO_DMACC_1_1: Final = "urn:oma:mo:oma-dm-dmacc:1.1"
MO_DMACC_ALIAS: Final = "org.openmobilealliance/1.0/w7"
"""The form used in an example of OMA-TS-DM_Bootstrap-V1_2_1, 5.4.5; read as version 1.0, never written."""
MO_DEVINFO: Final = "urn:oma:mo:oma-dm-devinfo:1.0"
MO_DEVDETAIL: Final = "urn:oma:mo:oma-dm-devdetail:1.0"
MO_INBOX: Final = "urn:oma:mo:oma-dm-inbox:1.0"
MO_NAP: Final = "urn:oma:mo:oma-connmo-nap:1.0"
MO_PROXY: Final = "urn:oma:mo:oma-connmo-proxy:1.0"

DMACC_VERSIONS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {MO_DMACC: (1, 0), MO_DMACC_ALIAS: (1, 0), MO_DMACC_1_1: (1, 1)},
)
"""Identifiers read as a DM account, with the version of the object that each one names."""


def _clark(namespace: str, *names: str) -> frozenset[str]:
    return frozenset(f"{{{namespace}}}{name}" for name in names)


NOT_HANDLED: Final = _clark(
    SYNCML_NS,
    *("Archive", "Field", "Filter", "FilterType", "Lang", "Map", "MapItem", "Move", "NoResults", "NumberOfChanges"),
    *("Put", "Record", "Search", "SftDel", "SourceParent", "Sync", "TargetParent"),
) | _clark(DDF_NS, "DFProperties", "Name", "Size")
"""Elements that the DTDs allow and that are deliberately not handled, as `{namespace}name`.

The SyncML ones are not used by device management; `DFProperties` belongs to device description files; `Name` and
`Size` are not among the properties of a TNDS object.
Spec: OMA-TS-DM_RepPro-V1_2_1, 5; OMA-TS-DM_TNDS-V1_2, 6.2.1.
"""
