"""What of a card's accounts changed between two readings, without keeping the accounts.

An account is remembered as one keyed digest for each of its parts, secrets included, so that a change of a secret is
told, and nothing that could open anything stays in memory once a card has left.

Guarantees: equal digests mean equal parts; no result holds more of an account than its ServerID and names of parts.
Leaves to its caller: a key that is random and stays in memory.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from smartcard_dm.agent.events import EventType
from smartcard_dm.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smartcard_dm.dm import DmAccount
    from smartcard_dm.trust.credentials import Credentials

AccountPrints: TypeAlias = "Mapping[str, Mapping[str, bytes]]"
"""ServerID -> part -> digest. Accounts with one ServerID are one here: nobody can use one of them apart."""


def account_prints(credentials: Credentials, key: bytes) -> AccountPrints:
    """Return what tells the accounts of two readings apart; `key` is the same for both."""
    parts: dict[str, dict[str, list[object]]] = {}
    for account in credentials.accounts:
        of_server = parts.setdefault(str(account.server_id), {})
        for name, value in _parts(account):
            of_server.setdefault(name, []).append(value)
    for unusable in credentials.unusable:
        parts.setdefault(str(unusable.server_id), {}).setdefault("unusable", []).append(unusable)
    for server_id, of_server in parts.items():
        of_server["anchors"] = [each for each in credentials.anchors if server_id in each.names]
    return {
        server_id: {
            name: hmac.digest(key, b"".join(_octets(each) for each in values), "sha256")
            for name, values in of_server.items()
        }
        for server_id, of_server in parts.items()
    }


def account_changes(
    before: AccountPrints, after: AccountPrints
) -> Iterator[tuple[EventType, str, Mapping[str, tuple[str, ...]]]]:
    """Give kind, ServerID and data of one event for each account that went, came or changed, in this order."""
    for server_id in before:
        if server_id not in after:
            yield EventType.ACCOUNT_REMOVED, server_id, {}
    for server_id, parts in after.items():
        if server_id not in before:
            yield EventType.ACCOUNT_ADDED, server_id, {}
        elif parts != before[server_id]:
            names = sorted({*parts, *before[server_id]})
            changed = tuple(name for name in names if parts.get(name) != before[server_id].get(name))
            yield EventType.ACCOUNT_CHANGED, server_id, {"changed": changed}


def _parts(account: DmAccount) -> Iterator[tuple[str, object]]:
    yield "name", (account.node_name, account.name, account.app_id)
    yield "connectivity", (account.pref_con_ref, account.to_con_refs)
    yield "addresses", account.addresses
    yield (
        "auth",
        (account.auth_pref, tuple((each.node_name, each.level, each.type, each.name) for each in account.auth)),
    )
    yield "secrets", tuple((each.node_name, each.secret, each.data) for each in account.auth)
    yield "certificates", tuple((each.node_name, each.certificate) for each in account.auth)
    yield "ext", account.ext
    yield "origin", account.origin


def _octets(value: object) -> bytes:
    """Return octets that are equal for equal values only: each one with its kind and its length before it."""
    if isinstance(value, Secret):
        kind, octets = b"S", value.reveal()
    elif isinstance(value, Enum):
        kind, octets = b"E", _octets(value.value)
    elif isinstance(value, str):
        kind, octets = b"T", value.encode("utf-8", "surrogatepass")
    elif isinstance(value, bytes):
        kind, octets = b"B", value
    elif isinstance(value, tuple | list):
        kind, octets = b"L", b"".join(map(_octets, value))
    elif isinstance(value, frozenset | set):
        kind, octets = b"M", b"".join(sorted(map(_octets, value)))
    elif isinstance(value, Mapping):
        kind, octets = b"M", b"".join(sorted(map(_octets, value.items())))
    elif is_dataclass(value):
        kind, octets = b"D", b"".join(_octets(getattr(value, field.name)) for field in fields(value))
    elif value is None or isinstance(value, int):
        kind, octets = b"N", str(value).encode()
    else:
        raise TypeError(f"an account holds no {type(value).__name__}")
    return kind + len(octets).to_bytes(8) + octets
