"""Connectivity objects: the network access point (NAP) and the proxy, version 1.0.

Guarantees: passwords are marked as secrets and the proxy's references as references, wherever the tables have them.
Leaves to its caller: using a connection, and the vendor nodes below `Ext`.

The tables are not those of OMA-DDS-DM_ConnMO-V1_0, which could not be read. What is confirmed, and by what:

- Identifiers of both objects and of the bearers: the OMNA registry of management objects, numbers 0x0075 to 0x0078,
  0x007B and 0x007C. There is none that ends in `px`.
- NAP, names and nesting: Microsoft's NAP configuration service provider, and a device description of Symbian OS (in
  public sources of a DM server's tests), which also gives formats and occurrences. They agree on NapId, Name, Addr,
  AddrType, AuthInfo with AuthType, AuthName and AuthSecret, IPv4, IPv6, DNS, Linger and Bearer. In one of them only:
  Bearer/BearerType, Gateway, AuthEntities and SPI (Microsoft); BearerType beside Bearer, DefGW, NetworkId and the
  bearers 3GPPPS and 3GPPCS below Bearer (Symbian OS).
- Proxy, names and nesting: Microsoft's PROXY configuration service provider.
- Spelling: NapId in the trees of both and ProxyId in Microsoft's tree; NAPID in Microsoft's text.
- From memory, and so only allowed, never wanted: the spelling ProxyID, BearerParams, ProxyParams/HTTP, and AuthInfo in
  a proxy.

A node may be absent wherever the sources differ or say nothing; only the identifier is wanted, in one of its spellings,
because objects are told apart by it. Where a format other than chr comes from one source alone, or chr would be a
guess at a number or a truth value, every format is taken.

The bearers are objects of their own, and no source lists their nodes in full. Anything may stand below 3GPPPS and
3GPPCS, whose credentials are those in AuthInfo. Those of WLAN, EAP and CDMA have credentials of their own and are not
supported: a secret that is not known by its name cannot be kept back.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from smartcard_dm.dm.description import Occurrence
from smartcard_dm.dm.namespaces import MO_NAP, MO_PROXY
from smartcard_dm.dm.object_tables import EXT, interior, leaf, secret
from smartcard_dm.dm.standard_object import StandardObject
from smartcard_dm.dm.uri import NodeUri

if TYPE_CHECKING:
    from smartcard_dm.dm.description import NodeDescription

MO_3GPPCS: Final = "urn:oma:mo:oma-connmo-3gppcs:1.0"
MO_3GPPPS: Final = "urn:oma:mo:oma-connmo-3gppps:1.0"
MO_HTTP_PROXY: Final = "urn:oma:mo:oma-connmo-http:1.0"
MO_WAP_PROXY: Final = "urn:oma:mo:oma-connmo-wap:1.0"

NAP_HOLDER: Final = NodeUri(("NAP",))
PROXY_HOLDER: Final = NodeUri(("PX",))

_ANY_FORMAT: Final = None


def _many(*children: NodeDescription) -> NodeDescription:
    """Describe the nodes that a device or server names, as many as it likes."""
    return interior("", *children, occurrence=Occurrence.ZERO_OR_MORE)


_BEARERS: Final = (
    interior("3GPPPS", types=(MO_3GPPPS,), free=True),
    interior("3GPPCS", types=(MO_3GPPCS,), free=True),
)
_CREDENTIALS: Final = (leaf("AuthType"), leaf("AuthName"), secret("AuthSecret"))

NAP: Final = StandardObject(
    family="urn:oma:mo:oma-connmo-nap",
    versions=MappingProxyType({MO_NAP: (1, 0)}),
    holder=NAP_HOLDER,
    keys=(("NAPID",), ("NapId",)),
    names=(("NAPID",), ("NapId",)),
    description=interior(
        "",
        leaf("NAPID"),
        leaf("NapId"),
        leaf("Name"),
        leaf("Addr"),
        leaf("AddrType"),
        leaf("BearerType"),
        leaf("NetworkId"),
        leaf("Linger", _ANY_FORMAT),
        interior(
            "AuthInfo",
            *_CREDENTIALS,
            interior("AuthEntities", _many(leaf("AuthEntity"))),
            leaf("SPI", _ANY_FORMAT),
        ),
        interior(
            "IPv4",
            leaf("AutoConfig", _ANY_FORMAT),
            leaf("LocalAddr"),
            leaf("NetMask"),
            leaf("DefGW"),
            leaf("Gateway"),
            interior("DNS", _many(leaf("DNSAddr"))),
        ),
        interior("IPv6", leaf("AutoConfig", _ANY_FORMAT), leaf("LocalAddr")),
        interior("Bearer", leaf("BearerType"), *_BEARERS),
        interior("BearerParams", *_BEARERS),
        interior(EXT),
        occurrence=Occurrence.ZERO_OR_MORE,
        types=(MO_NAP,),
    ),
)

PROXY: Final = StandardObject(
    family="urn:oma:mo:oma-connmo-proxy",
    versions=MappingProxyType({MO_PROXY: (1, 0)}),
    holder=PROXY_HOLDER,
    keys=(("ProxyID",), ("ProxyId",)),
    names=(("ProxyID",), ("ProxyId",)),
    description=interior(
        "",
        leaf("ProxyID"),
        leaf("ProxyId"),
        leaf("Name"),
        leaf("ProxyType"),
        leaf("AddrType"),
        leaf("Addr"),
        leaf("AddrFQDN"),
        interior("AuthInfo", *_CREDENTIALS),
        interior("ConRefs", _many(leaf("ConRef", reference=True))),
        interior("Domains", _many(leaf("DomainName"))),
        interior(
            "Ports",
            _many(leaf("PortNbr", _ANY_FORMAT), interior("Services", _many(leaf("ServiceName")))),
        ),
        interior(
            "ProxyParams",
            interior("WAP", leaf("Trust", _ANY_FORMAT), leaf("PushEnabled", _ANY_FORMAT), types=(MO_WAP_PROXY,)),
            interior("HTTP", interior("AuthInfo", *_CREDENTIALS), types=(MO_HTTP_PROXY,)),
        ),
        interior(EXT),
        occurrence=Occurrence.ZERO_OR_MORE,
        types=(MO_PROXY,),
    ),
)
