"""An account in the readable form that card profiles use.

Guarantees: every scalar is text, every unknown key is refused by name, and errors name the key, never a secret.
Leaves to its caller: reading the file; the mapping holds secrets in clear.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from smartcard_dm.dm.account import (
    AddrType,
    AppAddress,
    AppAuth,
    AuthLevel,
    AuthType,
    DmAccount,
)
from smartcard_dm.dm.formats import decode_base64
from smartcard_dm.dm.server_id import parse_server_id
from smartcard_dm.dm.uri import segment_fault
from smartcard_dm.errors import DmError
from smartcard_dm.secret import Secret

if TYPE_CHECKING:
    from enum import Enum

_STRUCTURE: Final = "account source"
_PEM_BEGIN: Final = "-----BEGIN CERTIFICATE-----"
_PEM_END: Final = "-----END CERTIFICATE-----"

E = TypeVar("E", bound="Enum")


def account_from_mapping(mapping: Mapping[str, object], *, place: str) -> DmAccount:
    """Make an account from nested mappings.

    Keys: `server_id`, `addresses` (each `addr`, optional `addr_type`, `ports`, `node_name`), and optional `name`,
    `node_name` (default `1`), `pref_con_ref`, `to_con_refs`, `auth_pref`, `auth` (each `level`, `type`, optional
    `name`, `secret` as text, `data` as Base64, `certificate` as PEM or Base64 for type X509, `node_name`).

    Args:
        mapping: the account; all scalars are `str`.
        place: where it stands, such as `card.yaml:accounts[0]`, for errors.

    Raises:
        DmError: a key is unknown or missing, a scalar is not text, or a value is out of range.
    """
    source = _Source(mapping, place)
    server_id = parse_server_id(source.required("server_id"), place=f"{place}.server_id")
    auth_pref = source.text("auth_pref")
    account = source.make(
        lambda: DmAccount(
            server_id=server_id,
            node_name=source.node_name(1),
            name=source.text("name"),
            pref_con_ref=source.text("pref_con_ref"),
            to_con_refs=tuple(source.texts("to_con_refs")),
            addresses=tuple(
                _address(entry, number) for number, entry in enumerate(source.sources("addresses"), 1)
            ),
            auth_pref=source.choice("auth_pref", AuthType, auth_pref) if auth_pref is not None else None,
            auth=tuple(_auth(entry, number) for number, entry in enumerate(source.sources("auth"), 1)),
        )
    )
    source.end()
    return account
