"""Objects to send to a device: access points, proxies, accounts, a lamp with a description, and broken ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from smartcard_dm.dm import (
    Embedding,
    InlineTree,
    NodeFormat,
    NodeType,
    NodeUri,
    TextData,
    TndsDocument,
    TndsNode,
    TypeKind,
    build_dmacc,
    embed_tnds,
    parse_acl,
    parse_tnds,
)
from smartcard_dm.dm.namespaces import MO_NAP, MO_PROXY
from smartcard_dm.dm.object_tables import interior, leaf
from smartcard_dm.tree import ObjectRegister, StandardObject
from smartcard_dm.tree.builtin import BUILTIN
from tests.dm.samples import Tree, node
from tests.tree.device import account, command

if TYPE_CHECKING:
    from smartcard_dm.tree import DeviceTree, ObjectHandler

UNKNOWN = "urn:example:mo:unknown:1.0"
"""An object that no device of these tests supports."""
LAMP_1 = "urn:example:mo:lamp:1.0"
LAMP_2 = "urn:example:mo:lamp:2.0"
LAMP_3 = "urn:example:mo:lamp:3.0"
"""A version that is not supported."""

LAMP: ObjectHandler = StandardObject(
    family="urn:example:mo:lamp",
    versions={LAMP_1: (1, 0), LAMP_2: (2, 0)},
    holder=NodeUri(("Vendor", "Lamps")),
    description=interior("", leaf("Id"), leaf("Colour"), interior("Ext")),
    keys=(("Id",),),
    names=(("Id",),),
)
"""A handler as a third party brings it."""
WITH_LAMPS = ObjectRegister((*BUILTIN, LAMP))

LAMP_DDF = f"""\
<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD><Man>Example</Man><Mod>One</Mod>
<Node><NodeName/><Path>./Vendor/Lamps</Path>
<DFProperties><AccessType><Add/><Delete/><Get/><Replace/></AccessType><DFFormat><node/></DFFormat>
<Occurrence><ZeroOrMore/></Occurrence><Scope><Dynamic/></Scope>
<DFType><DDFName>{LAMP_1}</DDFName></DFType></DFProperties>
<Node><NodeName>Colour</NodeName>
<DFProperties><AccessType><Add/><Delete/><Get/><Replace/></AccessType><DFFormat><chr/></DFFormat>
<Occurrence><ZeroOrOne/></Occurrence><DFType><MIME>text/plain</MIME></DFType></DFProperties></Node>
</Node></MgmtTree>""".encode()
"""The same lamp, version 1.0 and without an Id, as a device description file tells it."""

EXT_DDF = b"""\
<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD><Man>Example</Man><Mod>One</Mod>
<Node><NodeName>Maker</NodeName><Path>./DMAcc/a/Ext</Path>
<DFProperties><AccessType><Add/><Delete/><Get/><Replace/></AccessType><DFFormat><node/></DFFormat>
<Occurrence><ZeroOrOne/></Occurrence><DFType><DDFName/></DFType></DFProperties>
<Node><NodeName>Colour</NodeName>
<DFProperties><AccessType><Add/><Delete/><Get/><Replace/></AccessType><DFFormat><chr/></DFFormat>
<Occurrence><ZeroOrOne/></Occurrence><DFType><MIME>text/plain</MIME></DFType></DFProperties></Node>
</Node></MgmtTree>"""
"""A vendor branch in the account of server A that the device handles."""


def nap(name: str = "internet", **leaves: str) -> TndsNode:
    """Return an access point; its NapId is its name, or `n` for a nameless one."""
    return node(name, {"NapId": name or "n", **leaves}, mo_id=MO_NAP)


def proxy(name: str = "px", *references: str) -> TndsNode:
    """Return a proxy that goes over these access points."""
    tree: Tree = {"ProxyId": name}
    if references:
        tree["ConRefs"] = {str(number): {"ConRef": each} for number, each in enumerate(references, 1)}
    return node(name, tree, mo_id=MO_PROXY)


def account_object(server: str, name: str = "c", *references: str, preferred: str | None = None) -> TndsNode:
    """Return an account with references to connectivity objects."""
    return build_dmacc(replace(account(server, name), pref_con_ref=preferred, to_con_refs=references))


def lamp(name: str = "l", version: str = LAMP_1, *, key: str | None = None, colour: str = "red") -> TndsNode:
    """Return a lamp of some version."""
    tree: Tree = {"Colour": colour} if key is None else {"Id": key, "Colour": colour}
    return node(name, tree, mo_id=version)


def vendor(name: str, tree: Tree, acl: str | None = None) -> TndsNode:
    """Return nodes that belong to no object."""
    return with_acl(node(name, tree), acl)


def holding(name: str, *children: TndsNode, mo_id: str = "", path: str | None = None) -> TndsNode:
    """Return an interior node with children."""
    found = replace(node(name, {}, mo_id=mo_id), children=children)
    return found if path is None else at(path, found)


def with_acl(found: TndsNode, acl: str | None) -> TndsNode:
    """Return a node with an ACL of its own."""
    return replace(found, acl=None if acl is None else parse_acl(acl))


def with_child(found: TndsNode, *children: TndsNode) -> TndsNode:
    """Return a node with more children."""
    return replace(found, children=(*found.children, *children))


def without(found: TndsNode, *names: str) -> TndsNode:
    """Return a node without some of its children."""
    return replace(found, children=tuple(child for child in found.children if child.name not in names))


def at(path: str, found: TndsNode) -> TndsNode:
    """Return a top node with a Path."""
    return replace(found, path=NodeUri.parse(path))


def int_leaf(name: str, value: str = "1") -> TndsNode:
    """Return a leaf of Format int."""
    return TndsNode(name, NodeFormat.INT, value, type=NodeType(TypeKind.MIME, "text/plain"))


def embedded(kind: str, target: str, embedding: Embedding, *nodes: TndsNode) -> str:
    """Return a command that carries a TNDS object in one of the three ways."""
    item = embed_tnds(TndsDocument(nodes), target, embedding)
    assert item.meta is not None
    if isinstance(item.data, InlineTree):
        data = item.data.octets.decode()
    else:
        assert isinstance(item.data, TextData)
        data = escape(item.data.text)
    meta = (
        f'<Meta><Format xmlns="syncml:metinf">{item.meta.format}</Format>'
        f'<Type xmlns="syncml:metinf">{item.meta.type}</Type></Meta>'
    )
    return command(kind, f"<Item><Target><LocURI>{escape(target)}</LocURI></Target>{meta}<Data>{data}</Data></Item>")


def embedded_object(found: TndsNode) -> str:
    """Return an Add, complete with its CmdID, that carries a TNDS object to the Inbox as nested WBXML."""
    return embedded("Add", "./Inbox", Embedding.WBXML, found).replace("<Add>", "<Add><CmdID>1</CmdID>")


def send_xml(kind: str, target: str, xml: str) -> str:
    """Return a command that carries the text of a TNDS object, right or wrong."""
    meta = (
        '<Meta><Format xmlns="syncml:metinf">xml</Format>'
        '<Type xmlns="syncml:metinf">application/vnd.syncml.dmtnds+xml</Type></Meta>'
    )
    return command(
        kind, f"<Item><Target><LocURI>{escape(target)}</LocURI></Target>{meta}<Data>{escape(xml)}</Data></Item>"
    )


def paths(tree: DeviceTree, uri: str) -> list[str]:
    """Return the URIs below a node, as they were added."""
    path = uri.removeprefix("./")
    return [f"./{row.path}" for row in tree.nodes.below(path) if row.path != path]


def parsed(xml: str) -> tuple[TndsNode, ...]:
    """Return the nodes of a TNDS text."""
    return parse_tnds(xml.encode()).nodes
