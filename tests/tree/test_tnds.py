"""TNDS objects: added and put in the place of a branch, in each embedding, whole or not at all."""

from __future__ import annotations

from dataclasses import replace as replaced
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartcard_dm.dm import Acl, AclCommand, Embedding, NodeFormat, NodeType, TndsNode, TypeKind, parse_acl
from smartcard_dm.dm.namespaces import MO_DMACC, MO_NAP
from smartcard_dm.limits import Limits
from smartcard_dm.tree import DeviceTree
from smartcard_dm.tree.serialise import to_tnds
from tests.dm.samples import FULL_TREE, account_node, changed, node, tnds_xml
from tests.dm.strategies import nodes
from tests.materials import NOW
from tests.tree.device import (
    INFORMATION,
    A,
    B,
    account,
    acl_of,
    add,
    card,
    command,
    device,
    item,
    message,
    push,
    send_object,
    set_acl,
    snapshot,
    status,
    statuses,
    there,
    value,
)
from tests.tree.things import (
    UNKNOWN,
    account_object,
    at,
    embedded,
    holding,
    int_leaf,
    nap,
    paths,
    send_xml,
    vendor,
    with_acl,
    with_child,
    without,
)

if TYPE_CHECKING:
    from smartcard_dm.tree import Applied
    from tests.dm.samples import Tree

OWN = f"Add={A}&Delete={A}&Replace={A}"
"""What a server gets at an interior node it adds where it has no Replace."""
EVERYTHING = "Add=*&Delete=*&Get=*&Replace=*"
COLOURS = vendor("X", {"Colour": "red", "Shape": {"Sides": "3", "Edge": {"Round": "no"}}})
"""Three leaves, two of them deeper."""


def with_vendor(acl: str = EVERYTHING, *things: TndsNode) -> DeviceTree:
    """Return a device with ./Vendor, where anybody may do anything, and something below it."""
    tree = device()
    assert status(tree, add("./Vendor")) == 200
    set_acl(tree, "./Vendor", acl)
    for thing in things:
        assert status(tree, send_object("Add", "./Vendor", thing)) == 200
    return tree


def told(tree: DeviceTree, uri: str) -> TndsNode:
    """Return a branch of the tree as an object, without ACLs."""
    return to_tnds(tree.nodes.below(uri.removeprefix("./")), acl=False)


def refused(tree: DeviceTree, commands: str, server: str = A) -> int:
    """Return the status of a command that may change nothing."""
    before = snapshot(tree)
    found = status(tree, commands, server)
    assert snapshot(tree) == before
    return found


# Embeddings, places, names


@pytest.mark.parametrize("embedding", Embedding)
def test_an_object_is_added_in_each_embedding(embedding: Embedding) -> None:
    tree = with_vendor()
    assert status(tree, embedded("Add", "./Vendor", embedding, COLOURS)) == 200
    assert told(tree, "./Vendor/X") == COLOURS


@pytest.mark.parametrize("embedding", Embedding)
def test_an_account_with_secret_and_octets_arrives_unharmed_in_each_embedding(embedding: Embedding) -> None:
    tree = device()
    assert status(tree, embedded("Add", "./DMAcc", embedding, account_node(changed(FULL_TREE, "Ext", None)))) == 200
    assert value(tree, "./DMAcc/Example/AppAuth/client/AAuthData") == b"nonce-octets-11"
    assert value(tree, "./DMAcc/Example/AppAuth/client/AAuthSecret") == "client-secret-7"


@pytest.mark.parametrize("embedding", Embedding)
def test_a_branch_is_replaced_in_each_embedding(embedding: Embedding) -> None:
    tree = with_vendor(EVERYTHING, COLOURS)
    new = vendor("X", {"Colour": "blue", "Size": "7"})
    assert status(tree, embedded("Replace", "./Vendor", embedding, new)) == 200
    assert told(tree, "./Vendor/X") == new


@pytest.mark.parametrize(
    ("target", "path", "name", "place"),
    [
        pytest.param("./Vendor", None, "X", "./Vendor/X", id="no Path"),
        pytest.param("./Vendor", ".", "X", "./Vendor/X", id="a Path that adds nothing"),
        pytest.param("./Vendor", "./Deep/Deeper", "X", "./Vendor/Deep/Deeper/X", id="a Path below the target"),
        pytest.param(".", "./Vendor/Deep", "X", "./Vendor/Deep/X", id="from the root"),
        pytest.param("./Vendor/X", None, "", "./Vendor/X", id="no name: the last segment of the target"),
        pytest.param("Vendor/X", None, "", "./Vendor/X", id="a target without ./"),
        pytest.param("./Vendor", "./X", "", "./Vendor/X", id="no name: the last segment of the Path"),
    ],
)
def test_target_path_and_name_give_the_place(target: str, path: str | None, name: str, place: str) -> None:
    tree = with_vendor()
    sent = vendor(name, {"Colour": "red"})
    assert status(tree, send_object("Add", target, sent if path is None else at(path, sent))) == 200
    assert value(tree, f"{place}/Colour") == "red"


def test_an_empty_path_element_adds_nothing() -> None:
    tree = with_vendor()
    leaf = "<RTProperties><Format><chr/></Format><Type><MIME>text/plain</MIME></Type></RTProperties><Value>v</Value>"
    sent = tnds_xml(f"<Node><NodeName>L</NodeName><Path/>{leaf}</Node>").decode()
    assert status(tree, send_xml("Add", "./Vendor", sent)) == 200
    assert value(tree, "./Vendor/L") == "v"


def test_parents_that_are_missing_on_the_path_are_made_and_belong_to_the_server() -> None:
    tree = device()
    assert status(tree, send_object("Add", ".", at("./New/Branch", vendor("X", {"L": "v"})))) == 200
    assert acl_of(tree, "./New") == OWN
    assert [acl_of(tree, uri) for uri in ("./New/Branch", "./New/Branch/X", "./New/Branch/X/L")] == [""] * 3


def test_several_nodes_of_one_object_go_to_their_own_places() -> None:
    tree = with_vendor()
    sent = (vendor("X", {"L": "1"}), at("./Deep", vendor("Y", {"L": "2"})), at("./Deep", node("Z", "3")))
    assert status(tree, send_object("Add", "./Vendor", *sent)) == 200
    assert [value(tree, f"./Vendor/{name}") for name in ("X/L", "Deep/Y/L", "Deep/Z")] == ["1", "2", "3"]


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param((node("X", "1"), node("X", "2")), id="one name twice"),
        pytest.param((node("X", {}), at("./X", node("L", "1"))), id="one inside another"),
        pytest.param((at("./X", node("L", "1")), node("X", {})), id="one above another"),
        pytest.param((at("./X", node("", {})), node("X", {})), id="with and without a name"),
    ],
)
def test_two_nodes_of_an_object_for_one_place_are_refused(sent: tuple[TndsNode, ...]) -> None:
    assert refused(with_vendor(), send_object("Add", "./Vendor", *sent)) == 405


@pytest.mark.parametrize("kind", ["Add", "Replace"])
def test_no_object_stands_for_the_root(kind: str) -> None:
    assert refused(device(), send_object(kind, ".", node("", {"L": "v"}))) == 405


def test_a_node_inside_without_a_name_is_refused() -> None:
    sent = holding("X", node("", {"NapId": "n"}, mo_id=MO_NAP))
    assert refused(with_vendor(), send_object("Add", "./Vendor", sent)) == 500


def test_properties_of_the_object_are_kept_and_stamps_are_the_devices_own() -> None:
    tree = with_vendor()
    typed = TndsNode(
        "L",
        NodeFormat.CHR,
        "v",
        type=NodeType(TypeKind.MIME, "text/html"),
        title="A title",
        tstamp="20010711T163817Z",
        verno=7,
    )
    assert status(tree, send_object("Add", "./Vendor", typed)) == 200
    row = tree.nodes.get("Vendor/L")
    assert row is not None
    assert (row.type, row.title, row.tstamp, row.verno) == ("text/html", "A title", "20260701T120000Z", 0)


# ACLs


def test_acl_properties_of_the_object_are_applied_at_every_depth() -> None:
    tree = device()
    sent = with_acl(
        holding("X", with_acl(node("L", "v"), f"Get={B}"), with_acl(vendor("Y", {"M": "w"}), "Get=*&Replace=*")),
        f"Delete={A}&Get={A}&Replace={A}",
    )
    assert status(tree, send_object("Add", ".", sent)) == 200
    assert [acl_of(tree, f"./X{name}") for name in ("", "/L", "/Y", "/Y/M")] == [
        f"Delete={A}&Get={A}&Replace={A}",
        f"Get={B}",
        "Get=*&Replace=*",
        "",
    ]


def test_acls_that_were_added_decide_about_the_next_command() -> None:
    tree = device()
    sent = with_acl(vendor("X", {"L": "v"}), f"Get=*&Replace={B}")
    assert status(tree, send_object("Add", ".", sent)) == 200
    assert status(tree, command("Replace", item("./X/L", "new")), A) == 425
    assert status(tree, command("Replace", item("./X/L", "new")), B) == 200


def test_an_acl_is_kept_in_its_canonical_form() -> None:
    tree = device()
    xml = (
        f"<Node><NodeName>X</NodeName><RTProperties><ACL>Replace={A}&amp;Get={B}+{A}&amp;Get=*</ACL>"
        "<Format><node/></Format><Type><DDFName/></Type></RTProperties></Node>"
    )
    assert status(tree, send_xml("Add", ".", tnds_xml(xml).decode())) == 200
    assert acl_of(tree, "./X") == f"Get=*&Replace={A}"


def test_nodes_without_an_acl_inherit_where_the_server_has_replace() -> None:
    tree = with_vendor()
    assert status(tree, send_object("Add", "./Vendor", COLOURS)) == 200
    assert {row.acl for row in tree.nodes.below("Vendor/X")} == {""}


def test_an_interior_node_without_an_acl_gives_rights_to_a_server_that_has_no_replace_above() -> None:
    tree = device()
    assert status(tree, send_object("Add", ".", COLOURS)) == 200
    assert acl_of(tree, "./X") == OWN
    assert {row.acl for row in tree.nodes.below("X")[1:]} == {""}, "they inherit what the server got"


def test_a_leaf_without_an_acl_inherits_whatever_the_server_may() -> None:
    tree = device()
    assert status(tree, send_object("Add", ".", node("L", "v"))) == 200
    assert acl_of(tree, "./L") == ""


def test_an_empty_acl_in_the_object_is_no_value_and_the_node_inherits() -> None:
    tree = device()
    assert status(tree, send_object("Add", ".", with_acl(vendor("X", {}), ""))) == 200
    assert acl_of(tree, "./X") == ""


def test_below_an_acl_that_leaves_the_server_out_an_interior_node_without_one_gives_it_rights_as_when_added_alone() -> (
    None
):
    # TND 7.7.1.3 is held for every node of the object: who wants B to have all of it says so at each interior node.
    tree = device()
    sent = with_acl(
        holding("X", vendor("Y", {"L": "v"}), vendor("Z", {"L": "v"}, f"Get=*&Replace={B}")), f"Replace={B}"
    )
    assert status(tree, send_object("Add", ".", sent)) == 200
    assert [acl_of(tree, f"./X/{name}") for name in ("Y", "Y/L", "Z", "Z/L")] == [OWN, "", f"Get=*&Replace={B}", ""]


def test_a_malformed_acl_in_the_object_is_500() -> None:
    xml = (
        "<Node><NodeName>X</NodeName><RTProperties><ACL>Fetch=*</ACL><Format><node/></Format>"
        "<Type><DDFName/></Type></RTProperties></Node>"
    )
    assert refused(device(), send_xml("Add", ".", tnds_xml(xml).decode())) == 500


# All or nothing: each failing node gives the status that it alone would cause


FAILING = [
    pytest.param(
        with_child(nap(), node("Bogus", "1")), "./NAP/n/Bogus", "1", None, 405, id="unknown node of an object"
    ),
    pytest.param(with_child(nap(), int_leaf("Name")), "./NAP/n/Name", "1", "int", 415, id="wrong Format in an object"),
    pytest.param(with_child(nap(), node("Name", {})), "./NAP/n/Name", None, "node", 415, id="a branch for a leaf"),
    pytest.param(with_child(nap(), node("IPv4", "1")), "./NAP/n/IPv4", "1", None, 415, id="a leaf for a branch"),
    pytest.param(
        with_child(nap(), node("Bearer", {"3GPPPS": {}, "WLAN": {}})),
        "./NAP/n/Bearer/WLAN",
        None,
        "node",
        405,
        id="deeper",
    ),
]


@pytest.mark.parametrize(("sent", "alone", "data", "format_", "expected"), FAILING)
def test_a_node_that_the_device_has_not_fails_as_it_does_alone(
    sent: TndsNode, alone: str, data: str | None, format_: str | None, expected: int
) -> None:
    tree = device()
    assert status(tree, send_object("Add", "./NAP", replaced(nap(), name="n"))) == 200
    assert refused(tree, add(alone, data, format_)) == expected, "alone"
    assert refused(tree, send_object("Add", "./NAP", sent)) == expected, "in an object"
    assert refused(tree, send_object("Add", "./Inbox", sent)) == expected, "by way of the Inbox"
    assert refused(tree, send_object("Replace", "./NAP", replaced(sent, name="n"))) == expected, "replacing"


@pytest.mark.parametrize("bad", ["x", "", "1.5", "99999999999"])
def test_a_bad_value_fails_as_it_does_alone(bad: str) -> None:
    tree = with_vendor()
    assert refused(tree, add("./Vendor/L", bad, "int")) == 500
    for place in (0, 1, 2):
        good = [vendor(f"N{number}", {"L": "v"}) for number in range(2)]
        good.insert(place, holding("X", int_leaf("L", bad)))
        assert refused(tree, send_object("Add", "./Vendor", *good)) == 500
        assert refused(tree, send_object("Add", "./Vendor", holding("Y", *good))) == 500


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_node_that_is_there_already_spoils_the_whole_object(place: int) -> None:
    tree = with_vendor(EVERYTHING, COLOURS)
    sent = [vendor(f"N{number}", {"L": "v"}) for number in range(2)]
    sent.insert(place, COLOURS)
    assert refused(tree, send_object("Add", "./Vendor", *sent)) == 418


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_node_at_a_place_without_the_right_spoils_the_whole_object(place: int) -> None:
    tree = with_vendor(EVERYTHING, vendor("Closed", {}, f"Add={B}&Replace={B}"))
    sent = [vendor(f"N{number}", {"L": "v"}) for number in range(2)]
    sent.insert(place, at("./Closed", node("L", "v")))
    assert refused(tree, add("./Vendor/Closed/L", "v")) == 425
    assert refused(tree, send_object("Add", "./Vendor", *sent)) == 425
    assert status(tree, send_object("Add", "./Vendor", *sent), B) == 200


def test_a_child_of_a_leaf_is_405() -> None:
    tree = with_vendor(EVERYTHING, COLOURS)
    assert refused(tree, send_object("Add", "./Vendor", at("./X/Colour", node("L", "v")))) == 405
    assert refused(tree, send_object("Add", "./Vendor/X/Colour", vendor("Y", {}))) == 405


def test_a_node_that_is_too_deep_is_414() -> None:
    tree = DeviceTree.create(None, INFORMATION, at=NOW, limits=Limits(node_uri_segments=6))
    tree.sync(card(account(A)), at=NOW)
    assert (
        status(tree, send_object("Add", ".", holding("1", holding("2", vendor("3", {"4": {"5": {"6": "v"}}}))))) == 200
    )
    too_deep = holding("I", holding("2", vendor("3", {"4": {"5": {"6": {}}}})))
    assert refused(tree, send_object("Add", "./1", too_deep)) == 414
    assert refused(tree, add("./1/I/2/3/4/5/6")) == 414


def test_a_uri_that_is_too_long_is_414() -> None:
    tree = with_vendor()
    name = "n" * 600
    assert refused(tree, send_object("Add", "./Vendor", vendor(name, {name: "v"}))) == 414
    assert refused(tree, add(f"./Vendor/{name}/{name}", "v")) == 414


@pytest.mark.parametrize("name", ["NapId", "NAPID"])
def test_a_node_that_is_missing_is_500(name: str) -> None:
    sent = without(replaced(node("n", {name: "n", "Name": "x"}, mo_id=MO_NAP)), name)
    assert refused(device(), send_object("Add", "./NAP", sent)) == 500
    assert refused(device(), send_object("Add", "./Inbox", sent)) == 500


def test_an_account_that_cannot_be_read_is_500() -> None:
    for path in ("AppID", "AppAddr/main/Port/1/PortNbr"):
        sent = account_node(changed(changed(FULL_TREE, "Ext", None), path, "nonsense"))
        assert refused(device(), send_object("Add", "./DMAcc", sent)) == 500


def test_another_known_object_inside_an_object_that_has_no_place_for_it_is_refused() -> None:
    found = refused(device(), send_object("Add", "./NAP", with_child(nap(), account_object("com.example.c"))))
    assert found in {405, 406}


def test_a_permanent_node_is_never_replaced() -> None:
    tree = device()
    set_acl(tree, ".", EVERYTHING)
    for uri in ("./DevInfo", "./DMAcc", "./Inbox", "./DevDetail/URI"):
        assert refused(tree, send_object("Replace", uri, node("", {}))) == 405


def test_one_broken_object_spoils_its_own_item_only() -> None:
    tree = with_vendor()
    commands = [
        send_object("Add", "./Vendor", vendor("X", {"L": "1"})),
        send_xml("Add", "./Vendor", "<MgmtTree"),
        send_object("Add", "./Vendor", vendor("Y", {"L": "2"})),
    ]
    assert statuses(tree, "".join(commands)) == [200, 500, 200]
    assert (value(tree, "./Vendor/X/L"), value(tree, "./Vendor/Y/L")) == ("1", "2")


def test_an_object_that_fails_inside_an_atomic_undoes_the_others() -> None:
    tree = with_vendor(EVERYTHING, COLOURS)
    before = snapshot(tree)
    commands = send_object("Add", "./Vendor", vendor("Y", {"L": "1"})) + send_object("Add", "./Vendor", COLOURS)
    assert statuses(tree, command("Atomic", commands)) == [507, 216, 418]
    assert snapshot(tree) == before


def test_notes_of_an_object_that_failed_are_not_told() -> None:
    found = push(
        device(),
        message(
            send_object(
                "Add",
                "./Inbox",
                nap("n"),
                account_object(A, "again", preferred="./Inbox/n"),
                holding("gone", mo_id=UNKNOWN),
            )
        ),
    )
    assert [row.status for row in found.report] == [418]
    assert (found.effects.rewritten, found.effects.skipped, found.effects.diff) == ((), (), ())


# Replace


def test_missing_nodes_go_new_ones_come_and_others_change() -> None:
    tree = with_vendor(EVERYTHING, COLOURS)
    new = vendor("X", {"Colour": "blue", "Shape": {"Sides": "3", "New": {"Deep": "1"}}, "Size": "7"})
    applied = push(tree, message(send_object("Replace", "./Vendor", new)))
    assert told(tree, "./Vendor/X") == new
    assert {(change.uri, change.kind.value) for change in applied.effects.diff} == {
        ("./Vendor/X/Shape/Edge", "removed"),
        ("./Vendor/X/Shape/Edge/Round", "removed"),
        ("./Vendor/X/Colour", "changed"),
        ("./Vendor/X/Shape/New", "added"),
        ("./Vendor/X/Shape/New/Deep", "added"),
        ("./Vendor/X/Size", "added"),
    }


def test_a_replace_that_changes_nothing_is_no_change() -> None:
    tree = with_vendor(EVERYTHING, COLOURS)
    before = tree.nodes.below("")
    assert status(tree, send_object("Replace", "./Vendor", COLOURS)) == 200
    assert tree.nodes.below("") == before, "version numbers and time stamps too"


def test_only_what_changes_gets_a_new_version_number() -> None:
    tree = with_vendor(EVERYTHING, COLOURS)
    assert (
        status(tree, send_object("Replace", "./Vendor", vendor("X", {"Colour": "blue", "Shape": {"Sides": "3"}})))
        == 200
    )
    numbers = {row.path: row.verno for row in tree.nodes.below("Vendor/X")}
    assert numbers == {"Vendor/X": 0, "Vendor/X/Colour": 1, "Vendor/X/Shape": 0, "Vendor/X/Shape/Sides": 0}


@pytest.mark.parametrize("target", ["./Vendor/X", "./Vendor"])
def test_a_branch_that_is_missing_is_404_and_never_made(target: str) -> None:
    sent = vendor("" if target.endswith("X") else "X", {"L": "v"})
    assert refused(with_vendor(), send_object("Replace", target, sent)) == 404


def test_a_single_leaf_is_replaced_with_its_format_and_type() -> None:
    tree = with_vendor(EVERYTHING, COLOURS)
    assert status(tree, send_object("Replace", "./Vendor/X", int_leaf("Colour", "7"))) == 200
    row = tree.nodes.get("Vendor/X/Colour")
    assert row is not None
    assert (row.format, row.value) == ("int", "7")


@pytest.mark.parametrize("swapped", [node("Colour", {"L": "v"}), node("Shape", "v")])
def test_a_leaf_stays_a_leaf_and_a_branch_a_branch(swapped: TndsNode) -> None:
    tree = with_vendor(EVERYTHING, COLOURS)
    assert refused(tree, send_object("Replace", "./Vendor/X", swapped)) == 405
    others = without(COLOURS, swapped.name)
    assert refused(tree, send_object("Replace", "./Vendor", with_child(others, swapped))) == 405


def test_acls_are_kept_where_the_object_gives_none_and_set_where_it_does() -> None:
    first = with_acl(holding("X", with_acl(node("L", "1"), "Get=*"), vendor("Y", {"M": "2"}, "Get=*&Replace=*")), None)
    tree = with_vendor(EVERYTHING, first)
    second = holding("X", node("L", "new"), vendor("Y", {"M": "2"}, EVERYTHING))
    set_acl(tree, "./Vendor/X/L", "Get=*&Replace=*")
    assert status(tree, send_object("Replace", "./Vendor", second)) == 200
    assert acl_of(tree, "./Vendor/X/L") == "Get=*&Replace=*"
    assert acl_of(tree, "./Vendor/X/Y") == EVERYTHING


def test_new_nodes_of_a_replace_get_the_acl_of_new_nodes() -> None:
    tree = with_vendor(EVERYTHING, vendor("X", {"Y": {}}))
    set_acl(tree, "./Vendor/X/Y", f"Add={A}")
    grown = vendor("X", {"Y": {"New": {"Deep": {}}, "Leaf": "v"}, "New": {"Deep": {}}})
    assert status(tree, send_object("Replace", "./Vendor", grown)) == 200
    found = {row.path.removeprefix("Vendor/X/"): row.acl for row in tree.nodes.below("Vendor/X")[1:]}
    assert found == {"Y": f"Add={A}", "Y/New": OWN, "Y/New/Deep": "", "Y/Leaf": "", "New": "", "New/Deep": ""}


RIGHTS = [
    pytest.param(
        {"X/Shape": "Get=*"}, {"Shape": {"Sides": "3", "Edge": {"Round": "no"}}}, 200, id="an unchanged branch"
    ),
    pytest.param({"X/Colour": "Get=*"}, {"Colour": "blue"}, 425, id="a leaf that changes"),
    pytest.param({"X/Colour": "Get=*"}, {"Colour": "red", "New": "1"}, 200, id="beside a leaf that may not change"),
    pytest.param({"X/Colour": "Get=*"}, {"Colour": None}, 425, id="a leaf that goes"),
    pytest.param({"X/Shape": "Get=*&Replace=*"}, {"Shape": None}, 425, id="a branch that goes"),
    pytest.param(
        {"X/Shape": "Get=*&Replace=*"}, {"Shape": {"Sides": "4", "Edge": {"Round": "no"}}}, 200, id="inherited"
    ),
    pytest.param({"X/Shape": "Get=*&Replace=*"}, {"Shape": {"Sides": "3"}}, 425, id="what goes inherits no Delete"),
    pytest.param(
        {"X/Shape": "Delete=*", "X/Shape/Edge": "Get=*"}, {"Shape": None}, 200, id="nothing is asked below what goes"
    ),
    pytest.param(
        {"X/Shape": "Delete=*&Get=*"},
        {"Shape": {"Sides": "3", "Edge": {"Round": "no"}, "New": "1"}},
        425,
        id="a leaf that comes where there is no Add",
    ),
    pytest.param({"X": "Replace=*"}, {"New": {"Deep": "1"}}, 425, id="a branch that comes where there is no Add"),
    pytest.param({"X": EVERYTHING.replace("&Replace=*", "")}, {"Colour": "red"}, 425, id="the branch itself"),
]


@pytest.mark.parametrize(("acls", "changes", "expected"), RIGHTS)
def test_rights_are_asked_for_each_node_as_if_alone(
    acls: dict[str, str], changes: dict[str, Tree | str | None], expected: int
) -> None:
    tree = with_vendor(EVERYTHING, COLOURS)
    for path, acl in acls.items():
        set_acl(tree, f"./Vendor/{path}", acl)
    content: dict[str, Tree | str | None] = {"Colour": "red", "Shape": {"Sides": "3", "Edge": {"Round": "no"}}}
    sent = node("X", {name: found for name, found in (content | changes).items() if found is not None})
    before = snapshot(tree)
    assert status(tree, send_object("Replace", "./Vendor", sent)) == expected
    if expected != 200:
        assert snapshot(tree) == before
    else:
        assert told(tree, "./Vendor/X") == sent


def test_the_acl_of_a_leaf_is_changed_with_replace_on_its_parent_only() -> None:
    sent = holding("X", with_acl(node("Colour", "red"), "Get=*"), *COLOURS.children[1:])
    tree = with_vendor(EVERYTHING, COLOURS)
    set_acl(tree, "./Vendor/X/Colour", "Get=*&Replace=*")
    assert status(tree, send_object("Replace", "./Vendor", sent)) == 200
    other = with_vendor(EVERYTHING, COLOURS)
    set_acl(other, "./Vendor/X/Shape", "Get=*")
    set_acl(other, "./Vendor/X/Shape/Sides", "Get=*&Replace=*")
    closed = holding("Shape", with_acl(node("Sides", "3"), EVERYTHING), *COLOURS.children[1].children[1:])
    assert refused(other, send_object("Replace", "./Vendor", holding("X", COLOURS.children[0], closed))) == 425


def test_an_account_is_replaced_whole_by_its_own_server() -> None:
    tree = device()
    new = account_object(A, "a", preferred="somewhere")
    new = with_child(without(new, "AppAuth"), *(each for each in account_object(A).children if each.name == "AppAuth"))
    assert status(tree, send_object("Replace", "./DMAcc", new)) == 200
    assert value(tree, "./DMAcc/a/PrefConRef") == "somewhere"
    assert refused(tree, send_object("Replace", "./DMAcc", account_object(B, "b", preferred="x"))) == 425


def test_a_node_of_an_object_that_goes_may_leave_it_incomplete_as_a_delete_may() -> None:
    tree = device()
    assert status(tree, send_object("Replace", "./DMAcc/a", node("AppAuth", {"1": {"AAuthLevel": "CLCRED"}}))) == 200
    assert paths(tree, "./DMAcc/a/AppAuth/1") == ["./DMAcc/a/AppAuth/1/AAuthLevel"]


# Many nodes


def many(count: int) -> TndsNode:
    """Return a node with that many below it, ten to a branch."""
    tree: Tree = {}
    for ten in range(count // 10):
        tree[f"T{ten}"] = {f"L{leaf}": f"{ten}.{leaf}" for leaf in range(9)}
    return node("Many", tree)


@pytest.mark.parametrize("count", [1000, 5000])
def test_an_object_of_many_nodes_is_added_and_replaced(count: int) -> None:
    tree = with_vendor()
    sent = many(count)
    assert status(tree, embedded("Add", "./Vendor", Embedding.WBXML, sent)) == 200
    assert len(paths(tree, "./Vendor/Many")) == count
    assert told(tree, "./Vendor/Many") == sent
    half = replaced(sent, children=(*sent.children[::2], vendor("New", {"L": "v"})))
    assert status(tree, embedded("Replace", "./Vendor", Embedding.WBXML, half)) == 200
    assert told(tree, "./Vendor/Many") == half


def test_one_bad_node_at_the_end_of_many_leaves_nothing_behind() -> None:
    tree = with_vendor()
    sent = with_child(many(1000), int_leaf("Last", "bad"))
    assert refused(tree, embedded("Add", "./Vendor", Embedding.WBXML, sent)) == 500


# What cannot be read


def tnds_leaf(more: str = "") -> str:
    return (
        "<Node><NodeName>L</NodeName><RTProperties><Format><chr/></Format><Type><MIME>text/plain</MIME></Type>"
        f"</RTProperties>{more}<Value>v</Value></Node>"
    )


UNREADABLE = [
    pytest.param("<MgmtTree", 500, id="not well-formed"),
    pytest.param("", 500, id="empty"),
    pytest.param("<Other/>", 500, id="another root"),
    pytest.param(tnds_xml("").decode(), 500, id="no node"),
    pytest.param(tnds_xml("<Node><NodeName>a/b</NodeName></Node>").decode(), 500, id="no name of a node"),
    pytest.param(tnds_xml("<Node><NodeName>L</NodeName><Value>v</Value></Node>").decode(), 500, id="no RTProperties"),
    pytest.param(tnds_xml(tnds_leaf(), version="1.3").decode(), 415, id="another version"),
    pytest.param(
        tnds_xml(tnds_leaf("<DFProperties><AccessType><Get/></AccessType></DFProperties>")).decode(),
        415,
        id="DFProperties",
    ),
]


@pytest.mark.parametrize(("text", "expected"), UNREADABLE)
@pytest.mark.parametrize("kind", ["Add", "Replace"])
@pytest.mark.parametrize("target", ["./Vendor", "./Inbox"])
def test_what_cannot_be_read_is_refused(text: str, expected: int, kind: str, target: str) -> None:
    if (kind, target) != ("Replace", "./Inbox"):
        assert refused(with_vendor(), send_xml(kind, target, text)) == expected


def test_broken_nested_wbxml_is_500() -> None:
    broken = item("./Vendor", "AgFq", format_="bin", type_="application/vnd.syncml.dmtnds+wbxml")
    assert refused(with_vendor(), command("Add", broken)) == 500


def test_a_type_that_contradicts_the_content_is_500() -> None:
    wrong = item("./Vendor", tnds_xml(tnds_leaf()).decode(), format_="bin", type_="application/vnd.syncml.dmtnds+xml")
    assert refused(with_vendor(), command("Add", wrong)) == 500


@pytest.mark.parametrize(("nodes_allowed", "expected"), [(10, 200), (9, 413)])
def test_more_nodes_than_the_bound_are_413(nodes_allowed: int, expected: int) -> None:
    tree = DeviceTree.create(None, INFORMATION, at=NOW, limits=Limits(tnds_nodes=nodes_allowed))
    tree.sync(card(account(A)), at=NOW)
    sent = node("X", {f"L{number}": "v" for number in range(9)})
    assert status(tree, send_object("Add", ".", sent)) == expected
    assert there(tree, "./X") == (expected == 200)


# Any object


VALID = {
    NodeFormat.BOOL: ["true", "false"],
    NodeFormat.INT: ["0", "-2147483648", "+7"],
    NodeFormat.FLOAT: ["1.5e-3", "-.5", "NaN"],
    NodeFormat.DATE: ["2026-07-01", "20260701"],
    NodeFormat.TIME: ["12:00:00Z", "235959"],
}


def storable(draw: st.DrawFn, drawn: TndsNode) -> TndsNode:
    """Return a drawn node as a tree gives it back: no stamps, its own way of Types, a value of its Format.

    Every ACL lets everybody replace, so that no interior node gets rights for the server that adds it.
    """
    title = drawn.title if drawn.title is None or drawn.title else None
    acl = drawn.acl
    if acl is not None:
        acl = Acl.of(
            {entry.command: None if entry.everyone else entry.servers for entry in acl.entries}
            | {AclCommand.REPLACE: None}
        )
    if drawn.is_interior:
        children = tuple(storable(draw, child) for child in drawn.children)
        type_ = NodeType(TypeKind.DDF_NAME)
        return TndsNode(drawn.name, drawn.format, children=children, type=type_, acl=acl, title=title)
    text = drawn.type.text if drawn.type is not None else ""
    type_ = NodeType(TypeKind.MIME, text or ("text/plain" if drawn.format is NodeFormat.CHR else ""))
    found = draw(st.sampled_from(VALID[drawn.format])) if drawn.format in VALID else drawn.value
    return TndsNode(drawn.name, drawn.format, found, type=type_, acl=acl, title=title)


@st.composite
def objects(draw: st.DrawFn) -> TndsNode:
    """Draw a node that can be added anywhere."""
    return storable(draw, draw(nodes("X")))


@settings(max_examples=60)
@given(objects(), st.sampled_from(Embedding))
def test_what_is_added_is_given_back_equal(sent: TndsNode, embedding: Embedding) -> None:
    tree = with_vendor()
    assert status(tree, embedded("Add", "./Vendor", embedding, sent)) == 200
    assert to_tnds(tree.nodes.below("Vendor/X")) == sent


@settings(max_examples=40)
@given(objects(), objects())
def test_a_replace_gives_what_an_add_would_have_given(first: TndsNode, second: TndsNode) -> None:
    def plain(found: TndsNode) -> TndsNode:
        return replaced(found, acl=None, title=None, children=tuple(map(plain, found.children)))

    one, two = plain(first), plain(second)
    tree = with_vendor(EVERYTHING, one)
    before = snapshot(tree)
    found = status(tree, embedded("Replace", "./Vendor", Embedding.WBXML, two))
    if found == 200:
        assert told(tree, "./Vendor/X") == two
    else:
        assert found == 405, "a leaf for a branch or the other way round"
        assert snapshot(tree) == before


def applied_acl(applied: Applied) -> str:
    """Return the ACL that the first change gives."""
    after = applied.effects.diff[0].after
    assert after is not None
    return after.acl


def test_the_difference_tells_acls() -> None:
    sent = with_acl(vendor("X", {}), EVERYTHING)
    assert parse_acl(applied_acl(push(device(), message(send_object("Add", ".", sent))))) == parse_acl(EVERYTHING)


def test_identifiers_of_supported_objects_are_their_types() -> None:
    tree = device()
    assert status(tree, send_object("Add", "./NAP", nap("n"))) == 200
    row = tree.nodes.get("NAP/n")
    assert row is not None
    assert row.type == MO_NAP
    account_row = tree.nodes.get("DMAcc/a")
    assert account_row is not None
    assert account_row.type == MO_DMACC
