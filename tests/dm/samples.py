"""Accounts, trees and messages that the tests of this room start from, each complete and correct."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Final

from smartcard_dm.dm import (
    AddrType,
    AppAddress,
    AppAuth,
    AuthLevel,
    AuthType,
    DmAccount,
    NodeFormat,
    NodeType,
    ServerId,
    TndsNode,
    TypeKind,
)
from smartcard_dm.dm.namespaces import MO_DMACC
from smartcard_dm.secret import Secret

SECRETS: Final = ("client-secret-7", "server-secret-9", "nonce-octets-11")
CERTIFICATE: Final = b"\x30\x03\x02\x01\x07"

Tree = dict[str, "Tree | str | bytes"]

FULL_TREE: Final[Tree] = {
    "AppID": "w7",
    "ServerID": "com.example.dms",
    "Name": "Example DM",
    "PrefConRef": "./Inbox/NAP1",
    "ToConRef": {"1": {"ConRef": "./NAP/A"}, "2": {"ConRef": "operator-net"}},
    "AppAddr": {
        "main": {
            "Addr": "https://dms.example.com/dm",
            "AddrType": "URI",
            "Port": {"1": {"PortNbr": "443"}, "2": {"PortNbr": "8443"}},
        },
        "v4": {"Addr": "192.0.2.7", "AddrType": "IPv4"},
        "v6": {"Addr": "2001:db8::7", "AddrType": "IPv6"},
    },
    "AAuthPref": "DIGEST",
    "AppAuth": {
        "client": {
            "AAuthLevel": "CLCRED",
            "AAuthType": "DIGEST",
            "AAuthName": "device",
            "AAuthSecret": SECRETS[0],
            "AAuthData": SECRETS[2].encode(),
        },
        "server": {
            "AAuthLevel": "SRVCRED",
            "AAuthType": "HMAC",
            "AAuthName": "com.example.dms",
            "AAuthSecret": SECRETS[1],
        },
        "certificate": {"AAuthLevel": "SRVCRED", "AAuthType": "X509", "AAuthData": CERTIFICATE},
        "proxy": {"AAuthLevel": "HTTP", "AAuthType": "HTTP-BASIC"},
    },
    "Ext": {"Vendor": {"Colour": "blue"}},
}

FULL_ACCOUNT: Final = DmAccount(
    server_id=ServerId("com.example.dms"),
    node_name="Example",
    name="Example DM",
    pref_con_ref="./Inbox/NAP1",
    to_con_refs=("./NAP/A", "operator-net"),
    addresses=(
        AppAddress(node_name="main", addr="https://dms.example.com/dm", ports=(443, 8443)),
        AppAddress(node_name="v4", addr="192.0.2.7", addr_type=AddrType.IPV4),
        AppAddress(node_name="v6", addr="2001:db8::7", addr_type=AddrType.IPV6),
    ),
    auth_pref=AuthType.DIGEST,
    auth=(
        AppAuth(
            node_name="client",
            level=AuthLevel.CLCRED,
            type=AuthType.DIGEST,
            name="device",
            secret=Secret(SECRETS[0].encode()),
            data=Secret(SECRETS[2].encode()),
        ),
        AppAuth(
            node_name="server",
            level=AuthLevel.SRVCRED,
            type=AuthType.HMAC,
            name="com.example.dms",
            secret=Secret(SECRETS[1].encode()),
        ),
        AppAuth(node_name="certificate", level=AuthLevel.SRVCRED, type=AuthType.X509, certificate=CERTIFICATE),
        AppAuth(node_name="proxy", level=AuthLevel.HTTP, type=AuthType.HTTP_BASIC),
    ),
)
"""What `FULL_TREE` says, its Ext aside."""

SMALL_TREE: Final[Tree] = {
    "AppID": "w7",
    "ServerID": "com.example.small",
    "AppAddr": {"1": {"Addr": "https://small.example.com", "AddrType": ""}},
}
"""Only what the standard wants."""


def node(name: str, content: Tree | str | bytes, *, mo_id: str = "") -> TndsNode:
    """Make a node: a mapping becomes an interior one, text a leaf of Format chr, octets one of Format bin."""
    if isinstance(content, dict):
        children = tuple(node(below, inner) for below, inner in content.items())
        return TndsNode(name=name, format=NodeFormat.NODE, children=children, type=NodeType(TypeKind.DDF_NAME, mo_id))
    if isinstance(content, bytes):
        mime = NodeType(TypeKind.MIME, "application/octet-stream")
        return TndsNode(name=name, format=NodeFormat.BIN, value=content, type=mime)
    return TndsNode(name=name, format=NodeFormat.CHR, value=content, type=NodeType(TypeKind.MIME, "text/plain"))


def account_node(tree: Tree, name: str = "Example", *, mo_id: str = MO_DMACC) -> TndsNode:
    """Make the node of an account."""
    return node(name, tree, mo_id=mo_id)


def changed(tree: Tree, path: str, content: Tree | str | bytes | None) -> Tree:
    """Return a copy in which the node at `path` has other content, or with None is gone."""
    result = copy.deepcopy(tree)
    *parents, name = path.split("/")
    holder = result
    for parent in parents:
        below = holder[parent]
        assert isinstance(below, dict)
        holder = below
    if content is None:
        del holder[name]
    else:
        holder[name] = content
    return result


def with_twin(root: TndsNode, path: str) -> TndsNode:
    """Return the tree with the node at `path` there twice."""
    name, _, rest = path.partition("/")
    children: list[TndsNode] = []
    for child in root.children:
        hit = child.name == name
        children.append(with_twin(child, rest) if hit and rest else child)
        if hit and not rest:
            children.append(child)
    return replace(root, children=tuple(children))


HEADER: Final = (
    "<SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>1</SessionID><MsgID>1</MsgID>"
    "<Target><LocURI>./</LocURI></Target><Source><LocURI>com.example.dms</LocURI></Source></SyncHdr>"
)


def message_xml(body: str, *, header: str = HEADER) -> bytes:
    """Make the XML form of a message from the content of its SyncBody."""
    return f'<SyncML xmlns="SYNCML:SYNCML1.2">{header}<SyncBody>{body}<Final/></SyncBody></SyncML>'.encode()


def tnds_xml(nodes: str, *, version: str = "1.2") -> bytes:
    """Make a TNDS document from its Node elements."""
    return f'<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>{version}</VerDTD>{nodes}</MgmtTree>'.encode()
