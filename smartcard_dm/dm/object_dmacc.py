"""The DM account (DMAcc): the object whose instances say which servers may manage the device.

Guarantees: an object is accepted exactly when it can be read as an account, and each node in it can be addressed.
Leaves to its caller: whether two accounts share a ServerID, and the vendor nodes below `Ext`.

The table of the standard gives Get alone to most nodes; a device may allow more, and this one allows everything that
an ACL grants. The two leaves that hold secrets have no Get, and no Copy either, which would be a Get by another way.

Spec: OMA-TS-DM_StdObj-V1_2_1, 5.3.1. Object version 1.1 is read when its nodes fit version 1.0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from smartcard_dm.dm.account_read import parse_dmacc
from smartcard_dm.dm.description import Occurrence
from smartcard_dm.dm.formats import NodeFormat
from smartcard_dm.dm.namespaces import DMACC_VERSIONS
from smartcard_dm.dm.object_check import check_names
from smartcard_dm.dm.object_tables import EXT, interior, leaf, secret
from smartcard_dm.dm.standard_object import StandardObject
from smartcard_dm.dm.uri import NodeUri

if TYPE_CHECKING:
    from smartcard_dm.dm.tnds import TndsNode

DMACC_HOLDER: Final = NodeUri(("DMAcc",))
_ONE: Final = Occurrence.ONE
_MORE: Final = Occurrence.ONE_OR_MORE
_SERVER_ID: Final = (("ServerID",),)


@dataclass(frozen=True, slots=True, kw_only=True)
class DmAccountObject(StandardObject):
    """The handler of DM accounts."""

    def check(self, node: TndsNode, place: str) -> None:
        """Refuse an object that is no account.

        Raises:
            DmError: a node is missing, unknown, empty, twice there, of another kind, or has a value out of range.
            UnsupportedError: the Type names another object.
        """
        parse_dmacc(node, place=place)
        check_names(node, place)


DMACC: Final = DmAccountObject(
    family="urn:oma:mo:oma-dm-dmacc",
    versions=DMACC_VERSIONS,
    holder=DMACC_HOLDER,
    keys=_SERVER_ID,
    names=_SERVER_ID,
    description=interior(
        "",
        leaf("AppID", occurrence=_ONE),
        leaf("ServerID", occurrence=_ONE),
        leaf("Name"),
        leaf("PrefConRef", reference=True),
        interior("ToConRef", interior("", leaf("ConRef", occurrence=_ONE, reference=True), occurrence=_MORE)),
        interior(
            "AppAddr",
            interior(
                "",
                leaf("Addr", occurrence=_ONE),
                leaf("AddrType", occurrence=_ONE),
                interior("Port", interior("", leaf("PortNbr", occurrence=_ONE), occurrence=_MORE)),
                occurrence=_MORE,
            ),
            occurrence=_ONE,
        ),
        leaf("AAuthPref"),
        interior(
            "AppAuth",
            interior(
                "",
                leaf("AAuthLevel", occurrence=_ONE),
                leaf("AAuthType", occurrence=_ONE),
                leaf("AAuthName"),
                secret("AAuthSecret"),
                secret("AAuthData", NodeFormat.BIN),
                occurrence=_MORE,
            ),
        ),
        interior(EXT),
        occurrence=_MORE,
        types=tuple(DMACC_VERSIONS),
    ),
)
