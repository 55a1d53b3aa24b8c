"""Access control lists: who may do what where.

Facts: OMA-TS-DM_TND-V1_2_1, 7.7.1; OMA-TS-DM_Sessionless, 5.5 and SCR item DM-SM-C-005-M.
"""

from __future__ import annotations

from dataclasses import replace as replaced
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartcard_dm.dm import AclCommand, ServerId
from smartcard_dm.tree import DeviceTree
from smartcard_dm.tree.nodes import NodeRow, uri_of
from smartcard_dm.tree.rights import Rights
from tests.materials import NOW
from tests.tree.device import (
    INFORMATION,
    A,
    B,
    C,
    account,
    acl_of,
    add,
    card,
    command,
    delete,
    device,
    item,
    message,
    push,
    replace,
    set_acl,
    status,
    statuses,
    there,
    value,
)

if TYPE_CHECKING:
    from smartcard_dm.tree import DeviceEvent

NEW = f"Add={A}&Delete={A}&Replace={A}"
"""What an interior node gets that A added where it has no Replace."""
EVERYTHING = "&".join(f"{right.value}={A}" for right in AclCommand)


class Told:
    """A listener: Exec is supported where there is one."""

    def __init__(self) -> None:
        self.events: list[DeviceEvent] = []

    def notify(self, event: DeviceEvent) -> None:
        self.events.append(event)


def tree_with(*leaves: str, acls: dict[str, str] | None = None) -> DeviceTree:
    """Return a device on which these leaves stand, whose ACLs are then these and no others."""
    tree = device()
    set_acl(tree, ".", "&".join(f"{each.value}=*" for each in AclCommand))
    if leaves:
        assert set(statuses(tree, "".join(add(leaf, "before") for leaf in leaves))) == {200}
    set_acl(tree, ".", "Add=*&Get=*")
    for uri, acl in (acls or {}).items():
        set_acl(tree, uri, acl)
    return tree


def copy(source: str, target: str) -> str:
    return command("Copy", item(target, source=source))


def get(uri: str) -> str:
    return command("Get", item(uri))


def exec_(uri: str) -> str:
    return command("Exec", item(uri))


class Operation(NamedTuple):
    """One use of a right: at `node` it is looked up, or for an ACL at `above`."""

    xml: str
    right: str
    done: int
    node: str
    above: str
    below: str | None = None
    looks: str = "node"


LEAF = ("./g/p/v", "./g/p")
INTERIOR = ("./g/p", "./g", "./g/p/c")
OPERATIONS = {
    "Get of a value": Operation(get("./g/p/v"), "Get", 215, *LEAF),
    "Get of the children": Operation(get("./g/p"), "Get", 215, *INTERIOR),
    "Get of a property": Operation(get("./g/p/v?prop=ACL"), "Get", 215, *LEAF),
    "Replace of a value": Operation(replace("./g/p/v", "after"), "Replace", 200, *LEAF),
    "Replace of a leaf's title": Operation(replace("./g/p/v?prop=Title", "after"), "Replace", 200, *LEAF),
    "Replace of a leaf's name": Operation(replace("./g/p/v?prop=Name", "after"), "Replace", 200, *LEAF),
    "Replace of an interior node's title": Operation(replace("./g/p?prop=Title", "after"), "Replace", 200, *INTERIOR),
    "Replace of an interior node's name": Operation(replace("./g/p?prop=Name", "after"), "Replace", 200, *INTERIOR),
    "Replace of a leaf's ACL": Operation(
        replace("./g/p/v?prop=ACL", "Get=*"), "Replace", 200, *LEAF, looks="parent only"
    ),
    "Replace of an interior node's ACL": Operation(
        replace("./g/p?prop=ACL", "Get=*"), "Replace", 200, *INTERIOR, looks="node or parent"
    ),
    "Delete of a leaf": Operation(delete("./g/p/v"), "Delete", 200, *LEAF),
    "Delete of an interior node": Operation(delete("./g/p"), "Delete", 200, *INTERIOR),
    "Exec of a leaf": Operation(exec_("./g/p/v"), "Exec", 202, *LEAF),
    "Exec of an interior node": Operation(exec_("./g/p"), "Exec", 202, *INTERIOR),
    "Add of a leaf": Operation(add("./g/p/new", "new"), "Add", 200, *INTERIOR),
    "Add of an interior node": Operation(add("./g/p/new"), "Add", 200, *INTERIOR),
    "Add with implicit parents": Operation(add("./g/p/x/y/new", "new"), "Add", 200, *INTERIOR),
    "Add of what is there": Operation(add("./g/p/c/d", "new"), "Add", 418, "./g/p/c", "./g/p", "./g/p/c/d"),
    "Copy, the source": Operation(copy("./g/p/v", "./free/new"), "Get", 200, *LEAF),
    "Copy to a new leaf": Operation(copy("./free/v", "./g/p/new"), "Add", 200, *INTERIOR),
    "Copy over a leaf": Operation(copy("./free/v", "./g/p/v"), "Replace", 200, *LEAF),
}
GIVEN = {
    "at the node": {"node": A},
    "to everyone at the node": {"node": "*"},
    "to it and another at the node": {"node": f"{B}+{A}"},
    "inherited from the parent": {"node": None, "parent": A},
    "at the parent only": {"parent": A},
    "at the child only": {"child": A},
    "nowhere": {},
    "to another server": {"node": B, "parent": B},
    "to servers with longer and shorter names": {"node": f"{A}.x+{A[:-1]}+x{A}", "parent": f"{A}a"},
}
LOOKS = {
    "node": {
        "at the node",
        "to everyone at the node",
        "to it and another at the node",
        "inherited from the parent",
    },
    "parent only": {"inherited from the parent", "at the parent only"},
}
LOOKS["node or parent"] = LOOKS["node"] | LOOKS["parent only"]


@cache
def many_cases() -> DeviceTree:
    """Return a device for dry runs, whose ACLs each case sets."""
    return tree_with("./g/p/v", "./g/p/c/d", "./free/v", acls={"./free": EVERYTHING})


@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("name", OPERATIONS)
def test_each_command_needs_its_right_and_no_other_at_its_node(name: str, given: str) -> None:
    operation = OPERATIONS[name]

    def acl(place: str) -> str:
        servers = GIVEN[given].get(place, C)  # type: ignore[attr-defined] # a dict of texts and None
        return "" if servers is None else f"{operation.right}={servers}"

    acls = {operation.above: acl("parent"), operation.node: acl("node")}
    if operation.below is not None:
        acls[operation.below] = acl("child")
    tree = many_cases()
    for uri in ("./g", "./g/p", "./g/p/v", "./g/p/c", "./g/p/c/d"):
        set_acl(tree, uri, acls.get(uri, ""))
    wanted = operation.done if given in LOOKS[operation.looks] else 425
    assert status(tree, operation.xml, listener=Told(), dry_run=True) == wanted


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_other_right_together_is_not_the_one_that_is_needed(name: str) -> None:
    operation = OPERATIONS[name]
    others = "&".join(f"{right.value}=*" for right in AclCommand if right.value != operation.right)
    tree = tree_with("./g/p/v", "./g/p/c/d", "./free/v", acls={"./free": EVERYTHING, "./g": others})
    assert status(tree, operation.xml, listener=Told()) == 425


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_refusal_names_the_right_the_server_and_the_acl_that_decided(name: str) -> None:
    operation = OPERATIONS[name]
    tree = tree_with("./g/p/v", "./g/p/c/d", "./free/v", acls={"./free": EVERYTHING, "./g": f"{operation.right}={C}"})
    (row,) = push(tree, message(operation.xml), listener=Told()).report
    assert f"{A} has no {operation.right} at " in row.detail
    assert f"the ACL of ./g is {operation.right}={C}" in row.detail


def test_delete_asks_for_nothing_at_the_parent_and_at_what_stands_below() -> None:
    tree = tree_with("./g/p/c/d", acls={"./g": f"Get={B}", "./g/p": f"Delete={A}", "./g/p/c": f"Delete={B}"})
    assert status(tree, delete("./g/p")) == 200
    assert not there(tree, "./g/p/c/d")


# Inheritance is all or nothing


def test_a_node_without_an_acl_uses_the_nearest_ancestor_that_has_one() -> None:
    tree = tree_with("./g/p/c/d", acls={"./g": f"Replace={A}", "./g/p": f"Replace={B}"})
    assert status(tree, replace("./g/p/c/d", "after")) == 425
    assert status(tree, replace("./g/p/c/d", "after"), B) == 200


def test_rights_are_never_merged_along_the_way() -> None:
    tree = tree_with("./g/p/v", acls={"./g": f"Delete={A}", "./g/p": f"Replace={A}"})
    assert statuses(tree, replace("./g/p/v", "after") + delete("./g/p/v")) == [200, 425]


def test_rights_are_not_inherited_command_by_command() -> None:
    tree = tree_with("./g/p/v", acls={"./g": f"Delete={A}&Get=*", "./g/p/v": f"Exec={B}"})
    assert statuses(tree, get("./g/p/v") + delete("./g/p/v")) == [425, 425]


def test_an_empty_acl_inherits_again() -> None:
    tree = tree_with("./g/p", acls={"./g": f"Replace={A}", "./g/p": f"Get={B}"})
    assert status(tree, replace("./g/p", "after")) == 425
    assert status(tree, replace("./g/p?prop=ACL", "")) == 200
    assert acl_of(tree, "./g/p") == ""
    assert status(tree, replace("./g/p", "after")) == 200


def test_get_of_an_empty_acl_is_a_matter_of_the_right_to_get_alone() -> None:
    tree = tree_with("./g/p", acls={"./g": f"Get={A}"})
    assert status(tree, get("./g/p?prop=ACL")) == 215
    assert status(tree, get("./g/p?prop=ACL"), B) == 425


# The value of an ACL


@pytest.mark.parametrize(
    ("acl", "stored"),
    [
        ("Get=*", "Get=*"),
        (f"Replace={B}+{A}", f"Replace={A}+{B}"),
        ("Replace=*&Add=*", "Add=*&Replace=*"),
        (f"Get={A}+*", "Get=*"),
        (f"Get={A}&Get={B}", f"Get={A}+{B}"),
        ("Get=*&Get=com.example.b", "Get=*"),
        ("Exec=urn:x:1&Delete=#/,;", "Delete=#/,;&Exec=urn:x:1"),
        ("", ""),
    ],
)
def test_an_acl_replaces_the_whole_value(acl: str, stored: str) -> None:
    tree = tree_with("./g/v", acls={"./g": f"Replace={A}", "./g/v": "Exec=*"})
    assert status(tree, replace("./g/v?prop=ACL", acl)) == 200
    assert acl_of(tree, "./g/v") == stored


@pytest.mark.parametrize(
    "acl",
    [
        *("Get", "Get=", "=", "&", "Get=*&", "&Get=*", "Get=*&&Add=*", "get=*", "GET=*", "Copy=*", "Alert=*"),
        *("Get=a++b", "Get=+a", "Get=a+", "Get=a=b", "Get=a b", "Get=a*", "Get=**", "Get=* +a", "Get =*", "Get= a"),
        *("Get=a\tb", "Get=a;Add=b&Foo=c", "Get=*, Add=*", "*", "Get=\u00e9\u0000".replace("\u0000", " x")),
    ],
)
def test_an_acl_that_breaks_the_grammar_fails_and_changes_nothing(acl: str) -> None:
    tree = tree_with("./g/v", "./g/w", acls={"./g": f"Replace={A}", "./g/v": f"Exec={A}", "./g/w": ""})
    found = statuses(tree, replace("./g/v?prop=ACL", acl) + replace("./g/w", "after"))
    assert found == [500, 200], "another command is carried out all the same"
    assert acl_of(tree, "./g/v") == f"Exec={A}"


def test_a_broken_acl_from_a_server_without_the_right_is_refused_for_the_right() -> None:
    tree = tree_with("./g/v", acls={"./g": f"Replace={B}"})
    assert status(tree, replace("./g/v?prop=ACL", "nonsense")) == 425


def test_an_acl_without_data_is_incomplete_and_not_empty() -> None:
    tree = tree_with("./g/v", acls={"./g": f"Replace={A}", "./g/v": "Exec=*"})
    assert status(tree, replace("./g/v?prop=ACL")) == 412
    assert acl_of(tree, "./g/v") == "Exec=*"


def test_everyone_in_an_acl_is_every_server_with_an_account() -> None:
    tree = tree_with("./g/v", acls={"./g": "Replace=*"})
    assert [status(tree, replace("./g/v", "after"), server) for server in (A, B)] == [200, 200]


# Changing an ACL


def test_total_rights_on_the_parent_give_no_access_to_the_value_of_a_child_until_its_acl_is_changed() -> None:
    tree = tree_with("./g/v", acls={"./g": EVERYTHING, "./g/v": f"Get={B}"})
    denied = replace("./g/v", "after") + get("./g/v") + delete("./g/v") + replace("./g/v?prop=Title", "t")
    assert statuses(tree, denied) == [425, 425, 425, 425]
    assert statuses(tree, replace("./g/v?prop=ACL", EVERYTHING) + replace("./g/v", "after")) == [200, 200]
    assert value(tree, "./g/v") == "after"


def test_total_rights_on_a_leaf_do_not_reach_its_acl() -> None:
    tree = tree_with("./g/v", acls={"./g": f"Get={B}", "./g/v": EVERYTHING})
    assert status(tree, replace("./g/v?prop=ACL", "")) == 425


def test_a_server_may_lock_itself_out_and_the_parent_lets_it_in_again() -> None:
    tree = tree_with("./g/p/v", acls={"./g": f"Replace={B}", "./g/p": f"Replace={A}"})
    assert status(tree, replace("./g/p?prop=ACL", f"Get={C}")) == 200
    assert status(tree, replace("./g/p?prop=ACL", "Replace=*")) == 425
    assert status(tree, replace("./g/p?prop=ACL", f"Replace={A}"), B) == 200
    assert status(tree, replace("./g/p/v", "after")) == 200


def test_the_new_acl_counts_for_the_next_command_of_the_same_message() -> None:
    tree = tree_with("./g/v", acls={"./g": f"Replace={A}"})
    commands = replace("./g/v?prop=ACL", f"Replace={A}&Delete={A}") + delete("./g/v")
    assert statuses(tree, commands) == [200, 200]


def test_the_acl_of_a_permanent_node_may_be_changed_by_who_has_the_right() -> None:
    tree = device(acls={".": f"Add=*&Get=*&Replace={A}"})
    assert status(tree, replace("./Inbox?prop=ACL", f"Add={A}"), B) == 425
    assert status(tree, replace("./Inbox?prop=ACL", f"Add={A}")) == 200
    assert acl_of(tree, "./Inbox") == f"Add={A}"


# The root


def test_the_factory_acl_of_the_root_lets_every_server_add_and_get() -> None:
    tree = device()
    assert acl_of(tree, ".") == "Add=*&Get=*"
    found = [status(tree, xml, B) for xml in (add("./x", "1"), get("./x"), replace("./x", "2"), delete("./x"))]
    assert found == [200, 215, 425, 425]


@pytest.mark.parametrize("acl", ["Get=*", f"Add={A}&Get=*", "", f"Replace={A}", f"Add={A}+{B}&Replace=*"])
def test_the_add_entry_of_the_root_cannot_be_changed(acl: str) -> None:
    tree = device(acls={".": f"Add=*&Get=*&Replace={A}"})
    assert status(tree, replace(".?prop=ACL", acl)) == 405
    assert acl_of(tree, ".") == f"Add=*&Get=*&Replace={A}"


@pytest.mark.parametrize("acl", ["Add=*", f"Add=*&Get={B}", f"Add=*&Get=*&Replace={B}&Exec=*"])
def test_other_entries_of_the_root_can_be_changed_with_the_right(acl: str) -> None:
    tree = device(acls={".": f"Add=*&Get=*&Replace={A}"})
    assert status(tree, replace(".?prop=ACL", acl), B) == 425
    assert status(tree, replace(".?prop=ACL", acl)) == 200
    assert acl_of(tree, ".") == acl.replace("Replace=com.example.b&Exec=*", "Exec=*&Replace=com.example.b").replace(
        "Get=*&Exec=*&", "Exec=*&Get=*&"
    )


def test_the_acl_of_the_root_is_never_empty() -> None:
    tree = device(acls={".": f"Replace={A}"})  # a tree nobody but the device itself can make
    assert status(tree, replace(".?prop=ACL", "")) == 405
    assert acl_of(tree, ".") == f"Replace={A}"


# New nodes


def test_a_new_interior_node_gives_its_server_rights_it_has_not_by_the_parent() -> None:
    tree = device()
    assert status(tree, add("./x")) == 200
    assert acl_of(tree, "./x") == NEW


def test_a_new_interior_node_inherits_where_its_server_has_replace() -> None:
    tree = device(acls={"./g": f"Add={A}&Replace={A}"})
    assert status(tree, add("./g/x")) == 200
    assert acl_of(tree, "./g/x") == ""


def test_the_right_to_replace_for_everyone_is_a_right_to_replace() -> None:
    tree = device(acls={"./g": f"Add={A}&Replace=*"})
    assert status(tree, add("./g/x")) == 200
    assert acl_of(tree, "./g/x") == ""


def test_a_new_leaf_inherits_whoever_added_it() -> None:
    tree = device()
    assert status(tree, add("./x", "1")) == 200
    assert acl_of(tree, "./x") == ""
    assert status(tree, replace("./x", "2")) == 425, "a leaf at the root is not its server's to change"


def test_implicit_parents_get_the_rights_of_new_interior_nodes() -> None:
    tree = device()
    assert status(tree, add("./x/y/z", "1")) == 200
    assert [acl_of(tree, uri) for uri in ("./x", "./x/y", "./x/y/z")] == [NEW, "", ""]
    assert statuses(tree, replace("./x/y/z", "2") + delete("./x/y")) == [200, 200]


def test_a_new_interior_node_loses_the_inherited_get_for_others_and_for_its_server_too() -> None:
    tree = device(acls={"./g": "Add=*&Get=*"})
    assert statuses(tree, add("./g/x/v", "1") + get("./g/x/v")) == [200, 425]
    assert status(tree, get("./g/x/v"), B) == 425
    assert status(tree, get("./g"), B) == 215
    assert statuses(tree, replace("./g/x?prop=ACL", f"{NEW}&Get=*") + get("./g/x/v")) == [200, 215]


# An account goes


def cleaned_up() -> DeviceTree:
    return tree_with(
        "./g/p/v",
        acls={
            ".": f"Add=*&Get={B}&Delete={B}",
            "./g": f"Add={A}+{B}&Get=*&Replace={B}",
            "./g/p": f"Get={B}&Exec={B}",
            "./g/p/v": f"Get={A}+{B}x",
            "./DMAcc/b": f"Delete={A}&Add={B}",
        },
    )


CLEAN = {
    ".": "Add=*&Get=*",
    "./g": f"Add={A}&Get=*",
    "./g/p": "",
    "./g/p/v": f"Get={A}+{B}x",
}


def test_a_server_leaves_every_acl_when_a_message_deletes_its_account() -> None:
    tree = cleaned_up()
    assert status(tree, delete("./DMAcc/b")) == 200
    assert {uri: acl_of(tree, uri) for uri in CLEAN} == CLEAN


def test_a_server_leaves_every_acl_when_its_account_leaves_with_the_card() -> None:
    tree = cleaned_up()
    tree.sync(card(account(A)), at=NOW)
    assert not there(tree, "./DMAcc/b")
    assert {uri: acl_of(tree, uri) for uri in CLEAN} == CLEAN


def test_a_server_that_deletes_its_own_account_leaves_every_acl_too() -> None:
    tree = cleaned_up()
    set_acl(tree, "./DMAcc/b", f"Delete={B}")
    assert status(tree, delete("./DMAcc/b"), B) == 200
    assert {uri: acl_of(tree, uri) for uri in CLEAN} == CLEAN


def test_a_server_leaves_every_acl_when_its_account_gets_another_server_id() -> None:
    tree = cleaned_up()
    set_acl(tree, "./DMAcc/b", f"Replace={A}")
    assert status(tree, replace("./DMAcc/b/ServerID", C)) == 200
    assert {uri: acl_of(tree, uri) for uri in CLEAN} == CLEAN


def test_acls_stay_when_the_account_could_not_be_deleted() -> None:
    tree = cleaned_up()
    assert statuses(tree, command("Atomic", delete("./DMAcc/b"), replace("./missing", "1"))) == [507, 216, 404]
    assert acl_of(tree, "./g/p") == f"Exec={B}&Get={B}"


def test_acls_stay_when_the_account_only_gets_another_name() -> None:
    tree = cleaned_up()
    set_acl(tree, "./DMAcc/b", f"Replace={A}")
    assert status(tree, replace("./DMAcc/b?prop=Name", "renamed")) == 200
    assert acl_of(tree, "./g/p") == f"Exec={B}&Get={B}"


def test_a_command_that_the_factory_gave_nobody_at_the_root_disappears_with_its_last_server() -> None:
    tree = tree_with(acls={".": f"Add=*&Get=*&Replace={B}&Exec={A}+{B}", "./DMAcc/b": f"Delete={A}"})
    assert status(tree, delete("./DMAcc/b")) == 200
    assert acl_of(tree, ".") == f"Add=*&Exec={A}&Get=*"


def test_the_rights_of_a_server_that_went_end_within_the_message_that_took_it_away() -> None:
    tree = tree_with("./g/v", acls={"./g": f"Replace={B}", "./DMAcc/b": f"Delete={A}"})
    effects = push(tree, message(delete("./DMAcc/b"))).effects
    assert {change.uri for change in effects.diff} >= {"./g", "./DMAcc/b"}
    assert acl_of(tree, "./g") == ""


# The example of 7.7.1.6


def example() -> DeviceTree:
    tree = tree_with("./NodeA/Node1")
    tree.sync(card(*map(account, (A, B, C))), at=NOW)
    set_acl(tree, ".", "Add=*&Get=*")
    set_acl(tree, "./NodeA", f"Get={C}&Replace={C}")
    set_acl(tree, "./NodeA/Node1", "Get=*")
    return tree


@pytest.mark.parametrize("server", [A, B, C])
def test_example_any_server_reads_node1(server: str) -> None:
    assert status(example(), get("./NodeA/Node1"), server) == 215


@pytest.mark.parametrize(("server", "wanted"), [(A, 425), (B, 425), (C, 200)])
def test_example_only_server_c_changes_the_acl_of_node1(server: str, wanted: int) -> None:
    assert status(example(), replace("./NodeA/Node1?prop=ACL", f"Get={server}"), server) == wanted


@pytest.mark.parametrize("server", [A, B, C])
def test_example_nobody_directly_deletes_or_replaces_node1(server: str) -> None:
    assert statuses(example(), delete("./NodeA/Node1") + replace("./NodeA/Node1", "1"), server) == [425, 425]


def test_example_server_c_replaces_node1_in_two_steps() -> None:
    two = replace("./NodeA/Node1?prop=ACL", f"Get=*&Replace={C}") + replace("./NodeA/Node1", "after")
    assert statuses(example(), two, C) == [200, 200]


def test_example_nobody_adds_below_node_a() -> None:
    assert [status(example(), add("./NodeA/Node2", "1"), server) for server in (A, B, C)] == [425, 425, 425]


# Whose rights


@pytest.mark.parametrize("name", [f"https://{A}/dm", "a", "./DMAcc/a", A.upper(), f"{A}/dm", A[:-1], f"{A}a"])
def test_no_address_and_no_name_of_an_account_has_the_rights_of_its_server_id(name: str) -> None:
    tree = tree_with("./g/v", acls={"./g": f"Replace={name}&Delete={name}"})
    assert statuses(tree, replace("./g/v", "after") + delete("./g/v")) == [425, 425]


def test_the_server_id_decides_though_the_address_is_that_of_another_server() -> None:
    theirs = account(B).addresses
    tree = DeviceTree.create(None, INFORMATION, at=NOW)
    tree.sync(card(replaced(account(A), addresses=theirs), account(B)), at=NOW)
    assert status(tree, add("./g"), B) == 200
    set_acl(tree, "./g", f"Add={B}")
    assert status(tree, add("./g/v", "1")) == 425
    set_acl(tree, "./g", f"Add={A}")
    assert status(tree, add("./g/v", "1")) == 200


def test_a_new_server_id_has_the_rights_of_its_own_name_only() -> None:
    tree = tree_with("./g/v", acls={"./g": f"Replace={C}", "./DMAcc/b": f"Replace={B}"})
    assert status(tree, replace("./g/v", "after"), B) == 425
    assert status(tree, replace("./DMAcc/b/ServerID", C), B) == 200
    assert status(tree, replace("./g/v", "after"), C) == 200


# Against an oracle

SERVERS = (A, B, f"{A}.b", "x")
RIGHTS = tuple(right.value for right in AclCommand)


def allowed(acls: dict[str, str], path: str, right: str, server: str) -> bool:
    """Walk up; the first ACL that is not empty is looked at, and no other."""
    while not acls[path]:
        path = path.rpartition("/")[0]
    entries = (entry.split("=") for entry in acls[path].split("&"))
    return any(name == right and {server, "*"} & set(servers.split("+")) for name, servers in entries)


@st.composite
def acl_texts(draw: st.DrawFn, least: int = 1) -> str:
    entries = st.tuples(st.sampled_from(RIGHTS), st.lists(st.sampled_from((*SERVERS, "*")), min_size=1, max_size=3))
    return "&".join(f"{name}={'+'.join(names)}" for name, names in draw(st.lists(entries, min_size=least, max_size=4)))


@st.composite
def trees(draw: st.DrawFn) -> dict[str, str]:
    """Return paths of interior nodes, parents first, each with its ACL; the root has one in any case."""
    acls = {"": draw(acl_texts())}
    for number in range(draw(st.integers(1, 7))):
        above = draw(st.sampled_from(sorted(acls)))
        acls[f"{above}/{number}" if above else str(number)] = draw(acl_texts(least=0))
    return acls


def line_to(acls: dict[str, str], path: str) -> list[NodeRow]:
    names = path.split("/") if path else []
    paths = ["/".join(names[:length]) for length in range(len(names) + 1)]
    return [NodeRow(each, "node", acl=acls[each]) for each in paths]


@given(trees())
def test_every_decision_is_that_of_the_nearest_acl(acls: dict[str, str]) -> None:
    for path in acls:
        line = line_to(acls, path)
        for right in AclCommand:
            for server in SERVERS:
                assert Rights(ServerId(server)).may(right, line) == allowed(acls, path, right.value, server)


@settings(max_examples=25)
@given(trees(), st.sampled_from((A, B)))
def test_every_command_of_a_message_is_decided_by_the_nearest_acl(acls: dict[str, str], server: str) -> None:
    tree = tree_with(*(f"./{path}/v" for path in acls if path))
    for path, acl in acls.items():
        set_acl(tree, uri_of(path), acl)
    acls = {path: acl_of(tree, uri_of(path)) for path in acls}
    for path in filter(None, acls):
        above = path.rpartition("/")[0]
        cases = {
            get(f"./{path}"): (215, [(path, "Get")]),
            exec_(f"./{path}/v"): (202, [(path, "Exec")]),
            add(f"./{path}/new/er", "1"): (200, [(path, "Add")]),
            replace(f"./{path}/v", "1"): (200, [(path, "Replace")]),
            replace(f"./{path}?prop=Title", "1"): (200, [(path, "Replace")]),
            replace(f"./{path}?prop=ACL", ""): (200, [(path, "Replace"), (above, "Replace")]),
            delete(f"./{path}"): (200, [(path, "Delete")]),
        }
        for xml, (done, either) in cases.items():
            may = any(allowed(acls, place, right, server) for place, right in either)
            assert status(tree, xml, server, dry_run=True, listener=Told()) == (done if may else 425)
