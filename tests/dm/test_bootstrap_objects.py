"""What a bootstrap message holds as management objects: which, in what order, with what path, group, ACL and server."""

from __future__ import annotations

from dataclasses import replace

import pytest

from smartcard_dm.dm import (
    Bootstrap,
    Embedding,
    NodeType,
    NodeUri,
    ServerId,
    TndsNode,
    TypeKind,
    build_bootstrap,
    build_dmacc,
    parse_acl,
    parse_bootstrap,
    parse_dmacc,
)
from smartcard_dm.dm.namespaces import MO_DMACC, MO_DMACC_1_1, MO_NAP
from tests.dm.samples import FULL_TREE, HEADER, SMALL_TREE, account_node, changed, message_xml, node
from tests.dm.test_bootstrap import add, leaf_item, read, small_leaves, tnds_item

FULL = parse_dmacc(account_node(FULL_TREE, "dms"), place="")
SMALL = parse_dmacc(account_node(SMALL_TREE, "small"), place="")
RIGHTS = parse_acl("Delete=com.example.dms&Get=*&Replace=com.example.dms")
NAP = replace(node("internet", {"NapId": "internet"}, mo_id=MO_NAP), acl=RIGHTS)
VENDOR = "com.vendor/1.0"


def holder(name: str, *children: TndsNode, mo_id: str = "") -> TndsNode:
    return replace(node(name, {}, mo_id=mo_id), children=children)


def told(bootstrap: Bootstrap) -> list[tuple[str, int, str | None]]:
    """Return path, group and server of each object."""
    return [
        (each.path, each.group, None if each.server_id is None else str(each.server_id)) for each in bootstrap.objects
    ]


@pytest.mark.parametrize("embedding", Embedding)
def test_each_account_is_an_object_whatever_the_embedding(embedding: Embedding) -> None:
    bootstrap = parse_bootstrap(build_bootstrap([FULL, SMALL], embedding=embedding))
    assert [each.node for each in bootstrap.objects] == [build_dmacc(FULL), build_dmacc(SMALL)]
    assert [each.server_id for each in bootstrap.objects] == [FULL.server_id, SMALL.server_id]
    assert told(bootstrap) == [("dms", 1, "com.example.dms"), ("small", 1, "com.example.small")]
    assert all(each.origin is None for each in bootstrap.objects)


def test_an_empty_file_has_no_objects() -> None:
    assert parse_bootstrap(b"\xff\xff").objects == ()


def test_acls_of_the_object_are_kept_on_every_node() -> None:
    account = account_node(SMALL_TREE, "small")
    first, *others = account.children
    account = replace(account, acl=RIGHTS, children=(replace(first, acl=parse_acl("Get=com.example.two")), *others))
    [found] = read(tnds_item(account)).objects
    assert found.node == account
    assert found.node.acl == RIGHTS
    assert str(found.node.children[0].acl) == "Get=com.example.two"
    assert found.node.children[1].acl is None


def test_titles_and_versions_are_kept_too() -> None:
    account = replace(account_node(SMALL_TREE), title="An account", tstamp="20260101T000000Z", verno=7)
    [found] = read(tnds_item(account)).objects
    assert found.node == account


def test_connectivity_beside_an_account_is_given_as_it_stands() -> None:
    account = account_node(changed(SMALL_TREE, "PrefConRef", "./Inbox/NAP/internet"), "dms")
    bootstrap = read(tnds_item(holder("NAP", NAP), account))
    assert told(bootstrap) == [("NAP/internet", 1, None), ("dms", 1, "com.example.small")]
    assert [each.node for each in bootstrap.objects] == [NAP, account]
    assert bootstrap.skipped == (MO_NAP,)


def test_the_path_of_a_node_belongs_to_the_path_of_its_object() -> None:
    at = replace(NAP, path=NodeUri(("Vendor", "NAP")))
    [found, account] = read(tnds_item(at, account_node(SMALL_TREE, "dms"), target="./Elsewhere")).objects
    assert (found.path, found.node) == ("Vendor/NAP/internet", NAP)
    assert account.path == "dms"


@pytest.mark.parametrize("path", [None, NodeUri(), NodeUri(("DMAcc",))])
def test_nothing_refers_to_an_object_without_a_name(path: NodeUri | None) -> None:
    [found] = read(tnds_item(replace(account_node(SMALL_TREE, ""), path=path))).objects
    assert (found.path, found.node.name, found.node.path) == ("", "", None)


def test_a_holder_without_a_name_adds_nothing_to_the_path() -> None:
    bare = replace(holder("", NAP), path=NodeUri(("Conn",)))
    assert [each.path for each in read(tnds_item(bare), *small_leaves()).objects] == ["Conn/internet", "Small"]


@pytest.mark.parametrize(
    ("source", "owner"),
    [
        ("com.example.small", ServerId("com.example.small")),
        ("com.example.other", None),
        ("COM.EXAMPLE.SMALL", None),
        ("no server, a=b", None),
    ],
)
def test_other_objects_belong_to_the_source_of_the_message_when_it_has_an_account(
    source: str, owner: ServerId | None
) -> None:
    header = HEADER.replace("com.example.dms", source)
    assert header.count(source) == 1
    bootstrap = parse_bootstrap(message_xml(add(tnds_item(NAP, account_node(SMALL_TREE))), header=header))
    assert [each.server_id for each in bootstrap.objects] == [owner, ServerId("com.example.small")]


def test_each_tnds_object_is_a_group() -> None:
    items = tnds_item(NAP), tnds_item(replace(NAP, name="mms"), account_node(SMALL_TREE, "dms"))
    assert [(path, group) for path, group, _ in told(read(*items))] == [("internet", 1), ("mms", 2), ("dms", 2)]


def test_objects_come_in_the_order_of_the_message() -> None:
    second = account_node(changed(SMALL_TREE, "ServerID", "b"), "b")
    vendor = node("V", {"Colour": "blue"}, mo_id=VENDOR)
    bootstrap = read(tnds_item(NAP, second), *small_leaves(), tnds_item(vendor), tnds_item(replace(NAP, name="mms")))
    assert [path for path, *_ in told(bootstrap)] == ["internet", "b", "Small", "V", "mms"]
    assert len({group for _, group, _ in told(bootstrap)}) == 4


def test_an_object_inside_another_is_part_of_it() -> None:
    inner = node("Inner", {"a": "b"}, mo_id="com.vendor/2.0")
    outer = holder("Outer", holder("Between", inner), mo_id=VENDOR)
    bootstrap = read(tnds_item(outer, account_node(SMALL_TREE)))
    assert [each.node.name for each in bootstrap.objects] == ["Outer", "Example"]
    assert bootstrap.objects[0].node == outer
    assert bootstrap.skipped == (VENDOR, "com.vendor/2.0")


def test_an_account_inside_another_object_is_an_object_of_its_own() -> None:
    account = account_node(SMALL_TREE, "dms")
    bootstrap = read(tnds_item(holder("V", account, mo_id=VENDOR)))
    assert [(each.path, each.node.mo_id) for each in bootstrap.objects] == [("V", VENDOR), ("V/dms", MO_DMACC)]
    assert bootstrap.objects[1].node == account


def test_what_stands_inside_an_account_is_not_looked_for() -> None:
    ext = holder("Ext", node("Inner", {}, mo_id=VENDOR))
    account = account_node(SMALL_TREE)
    account = replace(account, children=(*account.children, ext))
    assert [each.node for each in read(tnds_item(account)).objects] == [account]


def test_of_several_versions_the_account_that_counts_is_the_object() -> None:
    old, new = account_node(SMALL_TREE, "old"), account_node(SMALL_TREE, "new", mo_id=MO_DMACC_1_1)
    strange = account_node(changed(SMALL_TREE, "DM20", "x"), "strange", mo_id=MO_DMACC_1_1)
    assert [each.node for each in read(tnds_item(old, new)).objects] == [new]
    assert [each.node for each in read(tnds_item(old, strange)).objects] == [old]


def test_other_objects_are_given_in_all_their_versions() -> None:
    newer = replace(NAP, name="newer", type=NodeType(TypeKind.DDF_NAME, "urn:oma:mo:oma-connmo-nap:1.1"))
    bootstrap = read(tnds_item(NAP, newer, account_node(SMALL_TREE)))
    assert [each.path for each in bootstrap.objects] == ["internet", "newer", "Example"]


def test_two_accounts_with_one_server_are_two_objects() -> None:
    bootstrap = read(tnds_item(account_node(SMALL_TREE, "a"), account_node(SMALL_TREE, "b")))
    assert [each.path for each in bootstrap.objects] == ["a", "b"]


@pytest.mark.parametrize("type_", ["", MO_DMACC, MO_DMACC_1_1])
def test_an_account_built_node_by_node_is_a_typed_object(type_: str) -> None:
    root = leaf_item("./DMAcc/Small", None, format_="node", type_=type_)
    bootstrap = read(*small_leaves(), root)
    [found] = bootstrap.objects
    assert (found.path, found.server_id) == ("Small", ServerId("com.example.small"))
    assert found.node.mo_id == (type_ or MO_DMACC)
    assert parse_dmacc(found.node, place="") == bootstrap.accounts[0]


def test_accounts_built_node_by_node_are_groups_of_their_own() -> None:
    other = [item.replace("com.example.small", "com.example.two") for item in small_leaves("./DMAcc/Two")]
    bootstrap = read(*small_leaves(), *other, tnds_item(NAP))
    assert [path for path, *_ in told(bootstrap)] == ["Small", "Two", "internet"]
    assert len({group for _, group, _ in told(bootstrap)}) == 3


def test_a_node_without_an_identifier_is_no_object() -> None:
    bootstrap = read(tnds_item(holder("Plain", node("leaf", "x")), account_node(SMALL_TREE)))
    assert [each.path for each in bootstrap.objects] == ["Example"]


def test_an_object_shows_no_value() -> None:
    access_point = replace(NAP, children=(node("AuthSecret", "nap-secret-3"),))
    bootstrap = read(tnds_item(account_node(FULL_TREE), access_point))
    assert "server-secret-9" in {child.value for each in bootstrap.objects for child in each.node.walk()}
    shown = repr(bootstrap.objects) + str(bootstrap.objects[1])
    for secret in ("client-secret-7", "server-secret-9", "nonce-octets-11", "nap-secret-3"):
        assert secret not in shown
