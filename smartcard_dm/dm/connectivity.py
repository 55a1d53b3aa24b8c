"""Connectivity objects as values: the network access point (NAP) and the proxy, and the nodes they become.

Guarantees: the nodes fit the tables of `object_connectivity`; of two spellings of an identifier the one that two public
sources agree on is written. Secrets are `Secret`, until `build_*` writes them in clear into the nodes.
Leaves to its caller: references, which are written as they stand, and the TNDS object around the nodes.

OMA-DDS-DM_ConnMO-V1_0 could not be read: see `object_connectivity` for what stands in for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from smartcard_dm.dm.formats import NodeFormat
from smartcard_dm.dm.namespaces import MO_NAP, MO_PROXY
from smartcard_dm.dm.tnds import NodeType, TndsNode, TypeKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smartcard_dm.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionAuth:
    """What a device shows at an access point (AuthInfo)."""

    type: str | None = None
    """AuthType, such as `PAP` or `CHAP`."""
    name: str | None = None
    secret: Secret | None = None
    """The octets of AuthSecret, UTF-8."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessPoint:
    """A network access point."""

    identifier: str
    """NapId: what the device knows it by."""
    node_name: str = ""
    """Name of the object's own node; empty when the device is to choose it."""
    name: str | None = None
    """Display name."""
    addr: str | None = None
    addr_type: str | None = None
    """Form of the address, such as `APN`."""
    bearer: str | None = None
    """Bearer/BearerType, such as `GPRS`."""
    auth: ConnectionAuth | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyPort:
    """One port of a proxy."""

    number: str | None = None
    """PortNbr, decimal."""
    services: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A proxy."""

    identifier: str
    """ProxyId: what the device knows it by."""
    node_name: str = ""
    """Name of the object's own node; empty when the device is to choose it."""
    name: str | None = None
    """Display name."""
    addr: str | None = None
    addr_type: str | None = None
    addr_fqdn: str | None = None
    con_refs: tuple[str, ...] = ()
    """Access points it is reached through: URIs, or names the device knows."""
    domains: tuple[str, ...] = ()
    ports: tuple[ProxyPort, ...] = ()


def build_access_point(access_point: AccessPoint) -> TndsNode:
    """Return the node of an access point, of version 1.0.

    Raises:
        ValueError: the node name given cannot be one, or AuthSecret is not UTF-8.
    """
    children = [
        _leaf("NapId", access_point.identifier),
        *_optional("Name", access_point.name),
        *_optional("Addr", access_point.addr),
        *_optional("AddrType", access_point.addr_type),
        *_holder("Bearer", _optional("BearerType", access_point.bearer)),
    ]
    auth = access_point.auth
    if auth is not None:
        secret = None if auth.secret is None else auth.secret.reveal().decode()
        leaves = {"AuthType": auth.type, "AuthName": auth.name, "AuthSecret": secret}
        children += _holder("AuthInfo", [leaf for name, value in leaves.items() for leaf in _optional(name, value)])
    return _interior(access_point.node_name, children, mo_id=MO_NAP)


def build_proxy(proxy: Proxy) -> TndsNode:
    """Return the node of a proxy, of version 1.0.

    Raises:
        ValueError: the node name given cannot be one.
    """
    children = [
        _leaf("ProxyId", proxy.identifier),
        *_optional("Name", proxy.name),
        *_optional("AddrType", proxy.addr_type),
        *_optional("Addr", proxy.addr),
        *_optional("AddrFQDN", proxy.addr_fqdn),
        *_list("ConRefs", ([_leaf("ConRef", each)] for each in proxy.con_refs)),
        *_list("Domains", ([_leaf("DomainName", each)] for each in proxy.domains)),
        *_list("Ports", filter(None, map(_port, proxy.ports))),
    ]
    return _interior(proxy.node_name, children, mo_id=MO_PROXY)


def _port(port: ProxyPort) -> list[TndsNode]:
    services = _list("Services", ([_leaf("ServiceName", each)] for each in port.services))
    return [*_optional("PortNbr", port.number), *services]


def _interior(name: str, children: Iterable[TndsNode], *, mo_id: str = "") -> TndsNode:
    type_ = NodeType(TypeKind.DDF_NAME, mo_id)
    return TndsNode(name=name, format=NodeFormat.NODE, children=tuple(children), type=type_)


def _leaf(name: str, value: str) -> TndsNode:
    return TndsNode(name=name, format=NodeFormat.CHR, value=value, type=NodeType(TypeKind.MIME, "text/plain"))


def _optional(name: str, value: str | None) -> list[TndsNode]:
    return [] if value is None else [_leaf(name, value)]


def _holder(name: str, children: list[TndsNode]) -> list[TndsNode]:
    return [_interior(name, children)] if children else []


def _list(name: str, entries: Iterable[list[TndsNode]]) -> list[TndsNode]:
    """Make `name/1`, `name/2` and so on, each with the nodes of an entry."""
    return _holder(name, [_interior(str(number), nodes) for number, nodes in enumerate(entries, 1)])
