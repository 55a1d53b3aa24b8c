"""Reading a DM account from the nodes of a management object.

Guarantees: whatever is broken or ambiguous is refused with the URI of the node.
Leaves to its caller: finding the object, and where it came from.
Spec: OMA-TS-DM_StdObj-V1_2_1, 5.3.1.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from smartcard_dm.dm.account import (
    APP_ID,
    AddrType,
    AppAddress,
    AppAuth,
    AuthLevel,
    AuthType,
    DmAccount,
    address_fault,
    level_fault,
)
from smartcard_dm.dm.branch import Branch
from smartcard_dm.dm.namespaces import DMACC_VERSIONS
from smartcard_dm.dm.server_id import parse_server_id
from smartcard_dm.errors import UnsupportedError
from smartcard_dm.secret import Secret

if TYPE_CHECKING:
    from smartcard_dm.dm.tnds import TndsNode

_PORT: Final = re.compile(r"[0-9]{1,5}")


def parse_dmacc(node: TndsNode, *, place: str) -> DmAccount:
    """Read the account that begins at `node`.

    An object of version 1.1 is read when its nodes fit version 1.0. The figure and the text of the standard differ on
    Port and AppAuth: both may be absent; where they stand they have at least one child. ToConRef is an interior node,
    though the text prints chr.

    Args:
        node: the account's own node; its Type names the object, or is empty where the caller knows.
        place: its URI.

    Raises:
        DmError: a node is missing, unknown, empty, twice there, of another kind, or has a value out of range.
        UnsupportedError: the Type names another object.
    """
    if node.mo_id is not None and node.mo_id not in DMACC_VERSIONS:
        raise UnsupportedError(f"management object {node.mo_id[:80]!r}", f"DM account at {place}")
    branch = Branch(node, place)
    app_id = branch.required_text("AppID")
    if app_id != APP_ID:
        raise branch.fault("not a DM account", at="AppID", wanted=APP_ID, found=repr(app_id[:40]))
    account = DmAccount(
        server_id=parse_server_id(branch.required_text("ServerID"), place=f"{place}/ServerID"),
        node_name=node.name,
        name=branch.text("Name"),
        pref_con_ref=branch.text("PrefConRef"),
        to_con_refs=_read_references(branch),
        addresses=_read_addresses(branch),
        auth_pref=_read_preference(branch),
        auth=_read_auth(branch),
        ext=_read_ext(branch),
    )
    branch.end()
    return account


def _read_references(account: Branch) -> tuple[str, ...]:
    holder = account.branch("ToConRef")
    if holder is None:
        return ()
    references: list[str] = []
    for _, branch in holder.branches():
        references.append(branch.required_text("ConRef"))
        branch.end()
    return tuple(references)


def _read_addresses(account: Branch) -> tuple[AppAddress, ...]:
    holder = account.branch("AppAddr")
    if holder is None:
        raise account.fault("the node is missing", at="AppAddr")
    return tuple(_read_address(name, branch) for name, branch in holder.branches())


def _read_address(name: str, branch: Branch) -> AppAddress:
    addr = branch.required_text("Addr")
    # "No value means URI": the node is there, its value is empty.
    addr_type = branch.choice("AddrType", AddrType, branch.required_text("AddrType") or AddrType.URI.value)
    fault = address_fault(addr, addr_type)
    if fault is not None:
        raise branch.fault(fault, at="Addr")
    ports = branch.branch("Port")
    address = AppAddress(
        node_name=name,
        addr=addr,
        addr_type=addr_type,
        ports=tuple(_read_port(port) for _, port in ports.branches()) if ports is not None else (),
    )
    branch.end()
    return address


def _read_port(branch: Branch) -> int:
    text = branch.required_text("PortNbr")
    if not _PORT.fullmatch(text) or int(text) > 0xFFFF:
        raise branch.fault("not a port number", at="PortNbr", wanted="decimal, 16 bit", found=repr(text[:20]))
    branch.end()
    return int(text)


def _read_preference(account: Branch) -> AuthType | None:
    text = account.text("AAuthPref")
    return account.choice("AAuthPref", AuthType, text) if text else None


def _read_auth(account: Branch) -> tuple[AppAuth, ...]:
    holder = account.branch("AppAuth")
    if holder is None:
        return ()
    return tuple(_read_credentials(name, branch) for name, branch in holder.branches())


def _read_credentials(name: str, branch: Branch) -> AppAuth:
    level = branch.choice("AAuthLevel", AuthLevel, branch.required_text("AAuthLevel"))
    type_ = branch.choice("AAuthType", AuthType, branch.required_text("AAuthType"))
    fault = level_fault(level, type_)
    if fault is not None:
        raise branch.fault(fault, at="AAuthType")
    secret = branch.text("AAuthSecret")
    data = branch.octets("AAuthData")
    is_certificate = type_ is AuthType.X509
    if is_certificate and data == b"":
        raise branch.fault("the certificate is empty", at="AAuthData")
    auth = AppAuth(
        node_name=name,
        level=level,
        type=type_,
        name=branch.text("AAuthName"),
        secret=Secret(secret.encode()) if secret is not None else None,
        data=Secret(data) if data is not None and not is_certificate else None,
        certificate=data if is_certificate else None,
    )
    branch.end()
    return auth


def _read_ext(account: Branch) -> TndsNode | None:
    ext = account.node("Ext")
    if ext is not None and not ext.is_interior:
        raise account.fault("a leaf stands where an interior node belongs", at="Ext")
    return ext
