"""Connectivity objects in the readable form of an operator's commands.

Guarantees: as in `mapping_source`. Leaves to its caller: reading the file; the mapping holds secrets in clear.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smartcard_dm.dm.connectivity import AccessPoint, ConnectionAuth, Proxy, ProxyPort
from smartcard_dm.dm.mapping_source import MappingSource
from smartcard_dm.dm.uri import segment_fault
from smartcard_dm.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

_STRUCTURE: Final = "connectivity source"


def access_point_from_mapping(mapping: Mapping[str, object], *, place: str) -> AccessPoint:
    """Make an access point from nested mappings.

    Keys: `id`, and optional `node_name` (default: the `id`), `name`, `addr`, `addr_type`, `bearer`, `auth` (`type`,
    `name`, `secret` as text).

    Args:
        mapping: the access point; all scalars are `str`.
        place: where it stands, for errors.

    Raises:
        DmError: a key is unknown or missing, or a scalar is not text.
    """
    source = MappingSource(mapping, place, _STRUCTURE)
    identifier = _identifier(source)
    auth = source.entry("auth")
    access_point = AccessPoint(
        identifier=identifier,
        node_name=source.node_name(_default_name(identifier)),
        name=source.optional("name"),
        addr=source.optional("addr"),
        addr_type=source.optional("addr_type"),
        bearer=source.optional("bearer"),
        auth=None if auth is None else _auth(auth),
    )
    source.end()
    return access_point


def proxy_from_mapping(mapping: Mapping[str, object], *, place: str) -> Proxy:
    """Make a proxy from nested mappings.

    Keys: `id`, and optional `node_name` (default: the `id`), `name`, `addr`, `addr_type`, `addr_fqdn`, `con_refs`,
    `domains`, `ports` (each `number`, optional `services`).

    Args:
        mapping: the proxy; all scalars are `str`.
        place: where it stands, for errors.

    Raises:
        DmError: a key is unknown or missing, or a scalar is not text.
    """
    source = MappingSource(mapping, place, _STRUCTURE)
    identifier = _identifier(source)
    proxy = Proxy(
        identifier=identifier,
        node_name=source.node_name(_default_name(identifier)),
        name=source.optional("name"),
        addr=source.optional("addr"),
        addr_type=source.optional("addr_type"),
        addr_fqdn=source.optional("addr_fqdn"),
        con_refs=source.texts("con_refs"),
        domains=source.texts("domains"),
        ports=tuple(_port(entry) for entry in source.entries("ports")),
    )
    source.end()
    return proxy


def _identifier(source: MappingSource) -> str:
    identifier = source.required("id")
    if not identifier:
        raise source.fault("the value is empty", "id")
    return identifier


def _default_name(identifier: str) -> str:
    return "1" if segment_fault(identifier) else identifier


def _auth(source: MappingSource) -> ConnectionAuth:
    secret = source.optional("secret")
    auth = ConnectionAuth(
        type=source.optional("type"),
        name=source.optional("name"),
        secret=None if secret is None else Secret(secret.encode()),
    )
    source.end()
    return auth


def _port(source: MappingSource) -> ProxyPort:
    port = ProxyPort(number=source.required("number"), services=source.texts("services"))
    source.end()
    return port
