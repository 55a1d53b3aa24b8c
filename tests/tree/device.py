"""A device with a tree in memory, and messages for it: each test writes commands and reads statuses.

The commands are XML as a server writes them; they are composed, signed and encoded by the server side of this project,
and go through the verifier like any message.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from smartcard_dm.dm import (
    AppAddress,
    AppAuth,
    AuthLevel,
    AuthType,
    DmAccount,
    NodeUri,
    Origin,
    ProvidedObject,
    ServerId,
    TndsDocument,
    TndsNode,
    build_dmacc,
    build_tnds,
    parse_acl,
)
from smartcard_dm.identity import CardIdentity, Generation
from smartcard_dm.server import Header, issue
from smartcard_dm.tree import Applied, DeviceInformation, DeviceTree, standard_register
from smartcard_dm.tree.nodes import NodeRow
from smartcard_dm.trust.credentials import Credentials
from smartcard_dm.trust.policy import Policy
from smartcard_dm.trust.transport import Transport
from smartcard_dm.xmlsec import SecretSigningKey
from tests.materials import NOW, SHARED_SECRET

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from smartcard_dm.tree import Listener, ObjectRegister, ProcessingPolicy

A = "com.example.a"
"""A server with an account on the device."""
B = "com.example.b"
"""Another one."""
C = "com.example.c"
"""A third one."""
DEV_ID = "IMEI:490154203237518"
INFORMATION = DeviceInformation(dev_id=DEV_ID, man="Example", mod="One", lang="en", dev_type="phone")
ICCID = "8988211000000430010"

_SESSIONS = count(1)
_REGISTER = standard_register()  # once: every device would look through what is installed


def account(server_id: str, node_name: str | None = None) -> DmAccount:
    """Return an account whose server signs with the shared secret of the tests."""
    return DmAccount(
        server_id=ServerId(server_id),
        node_name=server_id.rpartition(".")[2] if node_name is None else node_name,
        addresses=(AppAddress(node_name="1", addr=f"https://{server_id}/dm"),),
        auth=(
            AppAuth(node_name="1", level=AuthLevel.SRVCRED, type=AuthType.HMAC, name=server_id, secret=SHARED_SECRET),
        ),
    )


def provided(node: TndsNode, *, server_id: str | None = None, group: int = 0) -> ProvidedObject:
    """Return an object as a card gives it."""
    origin = Origin("DM bootstrap", "7F50/6431", "2.23.43.7.1")
    return ProvidedObject(node, node.name, group, None if server_id is None else ServerId(server_id), origin)


def card(*accounts: DmAccount, iccid: str = ICCID, objects: Iterable[ProvidedObject] = ()) -> Credentials:
    """Return what a card holds: these accounts, each with its object, and other objects."""
    identity = CardIdentity(iccid, Generation.UICC, "3B9F")
    own = tuple(provided(build_dmacc(each), server_id=str(each.server_id)) for each in accounts)
    return Credentials(identity, accounts, (), objects=(*own, *objects))


def device(
    *servers: str,
    acls: Mapping[str, str] | None = None,
    register: ObjectRegister | None = None,
    description_files: Sequence[bytes] = (),
) -> DeviceTree:
    """Return a device whose card has accounts of these servers (default: A and B).

    Args:
        servers: ServerIDs.
        acls: ACLs to set before the test begins, by URI; nodes that are missing are added as interior nodes.
        register: the management objects it supports.
        description_files: device description files (DDF).
    """
    tree = DeviceTree.create(
        None, INFORMATION, at=NOW, register=register or _REGISTER, description_files=description_files
    )
    tree.sync(card(*map(account, servers or (A, B))), at=NOW)
    for uri, acl in (acls or {}).items():
        make_interior(tree, uri)
        set_acl(tree, uri, acl)
    return tree


def make_interior(tree: DeviceTree, uri: str) -> None:
    """Add an interior node and those missing above it as the device itself; what is there stays."""
    names = [name for name in uri.split("/") if name != "."]
    paths = ["/".join(names[:length]) for length in range(1, len(names) + 1)]
    with tree._database.writing():
        tree.nodes.add(NodeRow(path, "node") for path in paths if tree.nodes.get(path) is None)


def set_acl(tree: DeviceTree, uri: str, acl: str) -> None:
    """Set an ACL as the device itself, past all rights."""
    path = uri.removeprefix(".").removeprefix("/")
    with tree._database.writing():
        row = tree.nodes.get(path)
        assert row is not None, f"{uri} is not there"
        tree.nodes.change(row, row._replace(acl=str(parse_acl(acl))), "20260701T120000Z")


def message(
    commands: str, server: str = A, *, session_id: str | None = None, msg_id: str = "1", target: str = "./"
) -> bytes:
    """Return a signed message of a server; `commands` is what stands in SyncBody, CmdIDs may be missing."""
    header = Header(session_id=session_id or str(next(_SESSIONS)), msg_id=msg_id, target=target)
    body = f"<SyncBody>{commands}<Final/></SyncBody>"
    return issue(body.encode(), ServerId(server), SecretSigningKey(SHARED_SECRET), header=header)


def push(
    tree: DeviceTree,
    octets: bytes,
    *,
    dry_run: bool = False,
    listener: Listener | None = None,
    processing: ProcessingPolicy | None = None,
    at: datetime = NOW,
) -> Applied:
    """Apply a message."""
    return tree.apply(
        octets,
        transport=Transport.local(),
        at=at,
        policy=Policy.default(),
        processing=processing,
        listener=listener,
        dry_run=dry_run,
    )


def statuses(tree: DeviceTree, commands: str, server: str = A, **options: object) -> list[int]:
    """Apply commands as a server and return the status of each row of the report."""
    return [int(row.status) for row in push(tree, message(commands, server), **options).report]  # type: ignore[arg-type]


def status(tree: DeviceTree, commands: str, server: str = A, **options: object) -> int:
    """Apply one command with one item and return its status."""
    (found,) = statuses(tree, commands, server, **options)
    return found


def item(
    target: str | None = None,
    data: str | None = None,
    *,
    source: str | None = None,
    format_: str | None = None,
    type_: str | None = None,
    more: str = "",
) -> str:
    """Return an Item."""
    parts = [f"<Target><LocURI>{escape(target)}</LocURI></Target>"] if target is not None else []
    parts += [f"<Source><LocURI>{escape(source)}</LocURI></Source>"] if source is not None else []
    meta = "".join(
        f'<{name} xmlns="syncml:metinf">{escape(value)}</{name}>'
        for name, value in (("Format", format_), ("Type", type_))
        if value is not None
    )
    parts += [f"<Meta>{meta}</Meta>"] if meta else []
    parts += [f"<Data>{escape(data)}</Data>"] if data is not None else []
    return f"<Item>{''.join(parts)}{more}</Item>"


def command(kind: str, *items: str) -> str:
    """Return a command of items, or a group of commands."""
    return f"<{kind}>{''.join(items)}</{kind}>"


def add(target: str, data: str | None = None, format_: str | None = None, type_: str | None = None) -> str:
    """Return an Add of one node: a leaf with data, an interior node without."""
    chosen = format_ or ("node" if data is None else "chr")
    return command("Add", item(target, data, format_=chosen, type_=type_))


def replace(target: str, data: str | None = None, format_: str | None = None) -> str:
    """Return a Replace of one value or property."""
    return command("Replace", item(target, data, format_=format_))


def delete(target: str) -> str:
    """Return a Delete."""
    return command("Delete", item(target))


def tnds(*nodes: TndsNode) -> str:
    """Return a TNDS object as XML text; a node without a Path goes directly below the target."""
    placed = tuple(node if node.path is not None else _at_root(node) for node in nodes)
    return build_tnds(TndsDocument(placed)).decode()


def send_object(kind: str, target: str, *nodes: TndsNode) -> str:
    """Return an Add or Replace of a TNDS object, as XML text."""
    xml = tnds(*nodes)
    return command(kind, item(target, xml, format_="xml", type_="application/vnd.syncml.dmtnds+xml"))


def value(tree: DeviceTree, uri: str) -> object:
    """Return the value of a leaf; None for a missing node too."""
    row = tree.nodes.get(uri.removeprefix("./"))
    return None if row is None else row.value


def there(tree: DeviceTree, uri: str) -> bool:
    """Whether a node is in the tree."""
    return tree.nodes.get(uri.removeprefix(".").removeprefix("/")) is not None


def acl_of(tree: DeviceTree, uri: str) -> str:
    """Return the ACL a node has of its own."""
    row = tree.nodes.get(uri.removeprefix(".").removeprefix("/"))
    assert row is not None, f"{uri} is not there"
    return row.acl


def snapshot(tree: DeviceTree) -> list[tuple[object, ...]]:
    """Return everything about every node but its time stamp and version number."""
    return [(row.path, row.format, row.value, row.acl, row.title, row.type) for row in tree.nodes.below("")]


def later(days: float) -> datetime:
    """Return a moment some days after that of the tests."""
    return NOW + timedelta(days=days)


def _at_root(node: TndsNode) -> TndsNode:
    from dataclasses import replace as replaced  # noqa: PLC0415 - `replace` is a command here

    return replaced(node, path=NodeUri())
