"""An account in the readable form that card profiles use.

Guarantees: every scalar is text, every unknown key is refused by name, and errors name the key, never a secret.
Leaves to its caller: reading the file; the mapping holds secrets in clear.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smartcard_dm.dm.account import (
    AddrType,
    AppAddress,
    AppAuth,
    AuthLevel,
    AuthType,
    DmAccount,
)
from smartcard_dm.dm.mapping_source import MappingSource
from smartcard_dm.dm.server_id import parse_server_id
from smartcard_dm.dm.uri import segment_fault
from smartcard_dm.errors import DmError
from smartcard_dm.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

_STRUCTURE: Final = "account source"
_PEM_BEGIN: Final = "-----BEGIN CERTIFICATE-----"
_PEM_END: Final = "-----END CERTIFICATE-----"


def account_from_mapping(mapping: Mapping[str, object], *, place: str) -> DmAccount:
    """Make an account from nested mappings.

    Keys: `server_id`, `addresses` (each `addr`, optional `addr_type`, `ports`, `node_name`), and optional `name`,
    `node_name` (default: the ServerID), `pref_con_ref`, `to_con_refs`, `auth_pref`, `auth` (each `level`, `type`,
    optional `name`, `secret` as text, `data` as Base64, `certificate` as PEM or Base64 for X509, `node_name`).

    Args:
        mapping: the account; all scalars are `str`.
        place: where it stands, such as `card.yaml:accounts[0]`, for errors.

    Raises:
        DmError: a key is unknown or missing, a scalar is not text, or a value is out of range.
    """
    source = MappingSource(mapping, place, _STRUCTURE)
    auth_pref = source.optional("auth_pref")
    server_id = parse_server_id(source.required("server_id"), place=f"{place}.server_id")
    try:
        account = DmAccount(
            server_id=server_id,
            node_name=source.node_name("1" if segment_fault(str(server_id)) else str(server_id)),
            name=source.optional("name"),
            pref_con_ref=source.optional("pref_con_ref"),
            to_con_refs=source.texts("to_con_refs"),
            addresses=tuple(_address(entry, number) for number, entry in enumerate(source.entries("addresses"), 1)),
            auth_pref=source.choice("auth_pref", AuthType, auth_pref) if auth_pref else None,
            auth=tuple(_auth(entry, number) for number, entry in enumerate(source.entries("auth"), 1)),
        )
    except ValueError as error:
        raise DmError(_STRUCTURE, str(error), place=place) from None
    source.end()
    return account


def _address(source: MappingSource, number: int) -> AppAddress:
    ports = source.texts("ports")
    for port in ports:
        if not (port.isascii() and port.isdecimal() and len(port) <= 5 and int(port) <= 0xFFFF):
            raise source.fault("not a port number", "ports", wanted="decimal, 16 bit", found=repr(port[:20]))
    try:
        address = AppAddress(
            node_name=source.node_name(str(number)),
            addr=source.required("addr"),
            addr_type=source.choice("addr_type", AddrType, source.optional("addr_type") or AddrType.URI.value),
            ports=tuple(int(port) for port in ports),
        )
    except ValueError as error:
        raise source.fault(str(error), "addr") from None
    source.end()
    return address


def _auth(source: MappingSource, number: int) -> AppAuth:
    secret = source.optional("secret")
    data = source.optional("data")
    certificate = source.optional("certificate")
    try:
        auth = AppAuth(
            node_name=source.node_name(str(number)),
            level=source.choice("level", AuthLevel, source.required("level")),
            type=source.choice("type", AuthType, source.required("type")),
            name=source.optional("name"),
            secret=Secret(secret.encode()) if secret is not None else None,
            data=Secret(source.octets("data", data)) if data is not None else None,
            certificate=source.octets("certificate", _without_armour(certificate)) if certificate is not None else None,
        )
    except ValueError as error:
        raise source.fault(str(error), "type") from None
    source.end()
    return auth


def _without_armour(text: str) -> str:
    """Return the Base64 of a certificate, whether or not it stands between the lines of PEM."""
    return text.strip().removeprefix(_PEM_BEGIN).removesuffix(_PEM_END)
