"""Writing a DM account as the nodes of a management object.

Guarantees: reading the nodes gives an equal account, its origin aside.
Leaves to its caller: the TNDS object around it. The result holds the secrets in clear.
Spec: OMA-TS-DM_StdObj-V1_2_1, 5.3.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smartcard_dm.dm.formats import NodeFormat
from smartcard_dm.dm.namespaces import MO_DMACC
from smartcard_dm.dm.tnds import NodeType, TndsNode, TypeKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smartcard_dm.dm.account import AppAddress, AppAuth, DmAccount


def build_dmacc(account: DmAccount) -> TndsNode:
    """Return the node of an account, of version 1.0.

    Raises:
        ValueError: a node name given in the account cannot be one, or AAuthSecret is not UTF-8.
    """
    children = [
        _leaf("AppID", account.app_id),
        _leaf("ServerID", str(account.server_id)),
        *_optional("Name", account.name),
        *_optional("PrefConRef", account.pref_con_ref),
    ]
    if account.to_con_refs:
        children.append(_interior("ToConRef", _numbered("ConRef", account.to_con_refs)))
    children.append(_interior("AppAddr", map(_address, account.addresses)))
    children += _optional("AAuthPref", account.auth_pref.value if account.auth_pref is not None else None)
    if account.auth:
        children.append(_interior("AppAuth", map(_auth, account.auth)))
    if account.ext is not None:
        children.append(account.ext)
    return _interior(account.node_name, children, mo_id=MO_DMACC)


def _interior(name: str, children: Iterable[TndsNode], *, mo_id: str = "") -> TndsNode:
    type_ = NodeType(TypeKind.DDF_NAME, mo_id)
    return TndsNode(name=name, format=NodeFormat.NODE, children=tuple(children), type=type_)


def _leaf(name: str, value: str | bytes) -> TndsNode:
    if isinstance(value, bytes):
        mime, format_ = NodeType(TypeKind.MIME, "application/octet-stream"), NodeFormat.BIN
    else:
        mime, format_ = NodeType(TypeKind.MIME, "text/plain"), NodeFormat.CHR
    return TndsNode(name=name, format=format_, value=value, type=mime)


def _optional(name: str, value: str | bytes | None) -> list[TndsNode]:
    return [_leaf(name, value)] if value is not None else []


def _numbered(name: str, values: Iterable[str]) -> list[TndsNode]:
    """Make `1/name`, `2/name` and so on."""
    return [_interior(str(number), [_leaf(name, value)]) for number, value in enumerate(values, 1)]


def _address(address: AppAddress) -> TndsNode:
    children = [_leaf("Addr", address.addr), _leaf("AddrType", address.addr_type.value)]
    if address.ports:
        children.append(_interior("Port", _numbered("PortNbr", map(str, address.ports))))
    return _interior(address.node_name, children)


def _auth(auth: AppAuth) -> TndsNode:
    secret = auth.secret.reveal().decode() if auth.secret is not None else None
    data = auth.data.reveal() if auth.data is not None else auth.certificate
    children = [
        _leaf("AAuthLevel", auth.level.value),
        _leaf("AAuthType", auth.type.value),
        *_optional("AAuthName", auth.name),
        *_optional("AAuthSecret", secret),
        *_optional("AAuthData", data),
    ]
    return _interior(auth.node_name, children)
