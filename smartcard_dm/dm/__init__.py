"""Device management values: messages, TNDS objects, ACLs, accounts, node URIs, provisioning documents.

Guarantees: octets or XML become frozen values and back; nothing here reads a file, a clock or the environment; for any
input the result is a value, or a `DecodeError` or `UnsupportedError` that names the place.
Leaves to its caller: trust in a message, and its effect on a tree.
"""

from smartcard_dm.dm.account import AddrType, AppAddress, AppAuth, AuthLevel, AuthType, DmAccount
from smartcard_dm.dm.account_read import parse_dmacc
from smartcard_dm.dm.account_source import account_from_mapping
from smartcard_dm.dm.account_write import build_dmacc
from smartcard_dm.dm.acl import Acl, AclCommand, AclEntry, parse_acl
from smartcard_dm.dm.bootstrap import Bootstrap, parse_bootstrap
from smartcard_dm.dm.bootstrap_write import build_bootstrap, build_bootstrap_wbxml
from smartcard_dm.dm.connectivity import (
    AccessPoint,
    ConnectionAuth,
    Proxy,
    ProxyPort,
    build_access_point,
    build_proxy,
)
from smartcard_dm.dm.connectivity_source import access_point_from_mapping, proxy_from_mapping
from smartcard_dm.dm.cp_accounts import CpAccounts, accounts_from_document
from smartcard_dm.dm.cp_objects import CpObjects, objects_from_accounts
from smartcard_dm.dm.cp_source import document_from_mapping
from smartcard_dm.dm.ddf_read import parse_ddf
from smartcard_dm.dm.description import (
    AccessType,
    DescribedBranch,
    DeviceDescription,
    NodeDescription,
    Occurrence,
    Scope,
)
from smartcard_dm.dm.embedding import Embedding, embed_tnds, extract_tnds, is_tnds
from smartcard_dm.dm.formats import NodeFormat
from smartcard_dm.dm.message import (
    AlertCommand,
    CommandKind,
    Credential,
    DmCommand,
    DmMessage,
    EncryptedContent,
    GroupCommand,
    InlineTree,
    Item,
    ItemCommand,
    ItemData,
    Meta,
    ResultsCommand,
    StatusCommand,
    SyncHeader,
    TextData,
    walk_commands,
)
from smartcard_dm.dm.message_read import parse_message
from smartcard_dm.dm.message_write import build_message
from smartcard_dm.dm.provided_object import ProvidedObject
from smartcard_dm.dm.provisioning_document import (
    Characteristic,
    Parm,
    ProvisioningDocument,
    build_provisioning_document,
    parse_provisioning_document,
)
from smartcard_dm.dm.server_id import ServerId, parse_server_id
from smartcard_dm.dm.tnds import NodeType, TndsDocument, TndsNode, TypeKind
from smartcard_dm.dm.tnds_read import parse_tnds
from smartcard_dm.dm.tnds_write import build_tnds
from smartcard_dm.dm.uri import INBOX_URI, NodeUri, PropertyUri, parse_target
from smartcard_dm.identity import Origin

__all__ = [
    "INBOX_URI",
    "AccessPoint",
    "AccessType",
    "Acl",
    "AclCommand",
    "AclEntry",
    "AddrType",
    "AlertCommand",
    "AppAddress",
    "AppAuth",
    "AuthLevel",
    "AuthType",
    "Bootstrap",
    "Characteristic",
    "CommandKind",
    "ConnectionAuth",
    "CpAccounts",
    "CpObjects",
    "Credential",
    "DescribedBranch",
    "DeviceDescription",
    "DmAccount",
    "DmCommand",
    "DmMessage",
    "Embedding",
    "EncryptedContent",
    "GroupCommand",
    "InlineTree",
    "Item",
    "ItemCommand",
    "ItemData",
    "Meta",
    "NodeDescription",
    "NodeFormat",
    "NodeType",
    "NodeUri",
    "Occurrence",
    "Origin",
    "Parm",
    "PropertyUri",
    "ProvidedObject",
    "ProvisioningDocument",
    "Proxy",
    "ProxyPort",
    "ResultsCommand",
    "Scope",
    "ServerId",
    "StatusCommand",
    "SyncHeader",
    "TextData",
    "TndsDocument",
    "TndsNode",
    "TypeKind",
    "access_point_from_mapping",
    "account_from_mapping",
    "accounts_from_document",
    "build_access_point",
    "build_bootstrap",
    "build_bootstrap_wbxml",
    "build_dmacc",
    "build_message",
    "build_provisioning_document",
    "build_proxy",
    "build_tnds",
    "document_from_mapping",
    "embed_tnds",
    "extract_tnds",
    "is_tnds",
    "objects_from_accounts",
    "parse_acl",
    "parse_bootstrap",
    "parse_ddf",
    "parse_dmacc",
    "parse_message",
    "parse_provisioning_document",
    "parse_server_id",
    "parse_target",
    "parse_tnds",
    "proxy_from_mapping",
    "walk_commands",
]
