"""What is told of a message's effects: what is different at the end, once, and no secret."""

from __future__ import annotations

import json
from dataclasses import replace as replaced
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartcard_dm.dm import NodeFormat, NodeType, TndsNode, TypeKind
from smartcard_dm.tree.audit import diff_form
from smartcard_dm.tree.diff import MASK, Change, ChangeKind
from tests.materials import NOW
from tests.tree.device import (
    A,
    B,
    C,
    account,
    add,
    card,
    command,
    delete,
    device,
    item,
    message,
    push,
    replace,
    send_object,
    set_acl,
    snapshot,
    statuses,
)
from tests.tree.things import account_object, vendor, with_child

if TYPE_CHECKING:
    from smartcard_dm.tree import DeviceTree

ALL = "Add=*&Delete=*&Exec=*&Get=*&Replace=*"
SECRET = "hunter2-hunter2"


def open_device(*commands: str) -> DeviceTree:
    """Return a device that grants everyone everything, after these commands."""
    tree = device(acls={".": ALL})
    for name in ("a", "b"):
        set_acl(tree, f"./DMAcc/{name}", ALL)
    if commands:
        assert set(statuses(tree, "".join(commands))) == {200}
    return tree


def diff(tree: DeviceTree, *commands: str, dry_run: bool = False) -> tuple[Change, ...]:
    return push(tree, message("".join(commands)), dry_run=dry_run).effects.diff


def told(changes: tuple[Change, ...]) -> list[tuple[str, str]]:
    return [(change.kind.value, change.uri) for change in changes]


# Net effects


def test_a_new_node_is_told_with_its_parents() -> None:
    changes = diff(open_device(), add("./x/v", "1"))
    assert told(changes) == [("added", "./x"), ("added", "./x/v")]
    assert changes[1].before is None
    assert changes[1].after is not None
    assert (changes[1].after.value, changes[1].after.format, changes[1].after.type) == ("1", "chr", "text/plain")


def test_a_change_is_told_with_both_states() -> None:
    (change,) = diff(open_device(add("./v", "1")), replace("./v", "2"))
    assert change.before is not None
    assert change.after is not None
    assert (change.kind, change.before.value, change.after.value) == (ChangeKind.CHANGED, "1", "2")


def test_what_is_removed_is_told_node_by_node() -> None:
    changes = diff(open_device(add("./x/y/v", "1")), delete("./x"))
    assert told(changes) == [("removed", "./x"), ("removed", "./x/y"), ("removed", "./x/y/v")]
    assert all(change.after is None for change in changes)


@pytest.mark.parametrize(
    "commands",
    [
        (add("./new/v", "1"), delete("./new")),
        (replace("./v", "2"), replace("./v", "1")),
        (replace("./v", "1"),),
        (delete("./v"), add("./v", "1")),
        (replace("./x?prop=Name", "z"), replace("./z?prop=Name", "x")),
        (replace("./v?prop=ACL", "Get=*"), replace("./v?prop=ACL", "")),
        (replace("./v?prop=Title", "t"), replace("./v?prop=Title", "")),
        (add("./new", "1"), replace("./new?prop=Name", "newer"), delete("./newer")),
        (command("Copy", item("./new", source="./v")), delete("./new")),
        (add("./v", "2"), replace("./missing", "1"), delete("./missing")),
        (command("Get", item("./v")), "<Alert><Data>1226</Data></Alert>"),
    ],
)
def test_what_comes_to_nothing_is_not_told(commands: tuple[str, ...]) -> None:
    assert told(diff(open_device(add("./v", "1"), add("./x/y", "1")), *commands)) == []


def test_several_changes_of_one_node_are_told_once() -> None:
    tree = open_device(add("./v", "1"))
    commands = (
        replace("./v", "2"),
        replace("./v?prop=Title", "t"),
        replace("./v", "3"),
        replace("./v?prop=ACL", "Get=*"),
    )
    (change,) = diff(tree, *commands)
    assert change.before is not None
    assert change.after is not None
    assert (change.before.value, change.before.title, change.before.acl) == ("1", None, "")
    assert (change.after.value, change.after.title, change.after.acl) == ("3", "t", "Get=*")


def test_a_node_that_went_and_came_back_otherwise_has_changed() -> None:
    tree = open_device(add("./v", "1"))
    (change,) = diff(tree, delete("./v"), add("./v", "1", "int"))
    assert (change.kind, change.uri) == (ChangeKind.CHANGED, "./v")


def test_what_went_is_told_before_what_came() -> None:
    tree = open_device(add("./v", "1"), add("./w", "1"))
    changes = diff(tree, add("./new", "1"), replace("./v", "2"), delete("./w"))
    assert told(changes) == [("removed", "./w"), ("added", "./new"), ("changed", "./v")]


# Renaming


def test_a_rename_is_told_once_whatever_stands_below() -> None:
    (change,) = diff(open_device(add("./x/y/v", "1"), add("./x/w", "2")), replace("./x?prop=Name", "z"))
    assert (change.kind, change.uri, change.old_uri) == (ChangeKind.RENAMED, "./z", "./x")


def test_two_renames_of_one_node_are_one() -> None:
    commands = replace("./x?prop=Name", "y"), replace("./y?prop=Name", "z")
    (change,) = diff(open_device(add("./x/v", "1")), *commands)
    assert (change.uri, change.old_uri) == ("./z", "./x")


def test_a_rename_and_a_change_below_are_told() -> None:
    tree = open_device(add("./x/v", "1"), add("./x/w", "1"))
    changes = diff(tree, replace("./x?prop=Name", "z"), replace("./z/v", "2"), delete("./z/w"), add("./z/new", "1"))
    assert {(change.kind.value, change.uri, change.old_uri) for change in changes} == {
        ("renamed", "./z", "./x"),
        ("renamed", "./z/v", "./x/v"),
        ("removed", "./x/w", None),
        ("added", "./z/new", None),
    }


def test_a_rename_of_what_is_new_is_an_addition() -> None:
    tree = open_device()
    assert told(diff(tree, add("./x/v", "1"), replace("./x?prop=Name", "z"))) == [("added", "./z"), ("added", "./z/v")]


def test_a_rename_of_what_then_goes_is_a_removal() -> None:
    tree = open_device(add("./x", "1"))
    assert told(diff(tree, replace("./x?prop=Name", "z"), delete("./z"))) == [("removed", "./x")]


def test_the_old_name_may_be_taken_anew() -> None:
    tree = open_device(add("./x/v", "1"))
    changes = diff(tree, replace("./x?prop=Name", "z"), add("./x/v", "2"))
    after = {change.uri: change for change in changes}
    assert "./z" in after
    assert "./x/v" in after
    rebuilt = {change.uri: change.after.value for change in changes if change.after is not None}
    assert rebuilt["./x/v"] == "2"


# ACLs and accounts


def test_a_place_that_became_free_and_was_taken_by_a_rename_is_told_as_both() -> None:
    tree = open_device()
    push(tree, message("".join((add("./a"), add("./a/L", "1"), add("./a/M", "x"), add("./b"), add("./b/L", "2")))))
    found = diff(tree, delete("./a"), replace("./b?prop=Name", "a"))
    assert [(change.kind.value, change.old_uri, change.uri) for change in found] == [
        ("removed", None, "./a"),
        ("removed", None, "./a/L"),
        ("removed", None, "./a/M"),
        ("renamed", "./b", "./a"),
    ]


def test_a_node_that_went_is_not_taken_along_by_a_rename_of_what_took_its_place() -> None:
    tree = open_device()
    push(tree, message(add("./a", "1") + add("./b", "2")))
    found = diff(tree, delete("./a"), replace("./b?prop=Name", "a"), replace("./a?prop=Name", "c"))
    told = [(change.kind.value, change.old_uri, change.uri) for change in found]
    assert told == [("removed", None, "./a"), ("renamed", "./b", "./c")]


def test_acls_that_change_because_an_account_went_are_told() -> None:
    tree = open_device(add("./x"), replace("./x?prop=ACL", f"Get={B}&Add={A}"))
    changes = diff(tree, delete("./DMAcc/b"))
    (change,) = (each for each in changes if each.uri == "./x")
    assert change.after is not None
    assert change.after.acl == f"Add={A}"


# Secrets


def forms(tree: DeviceTree, changes: tuple[Change, ...]) -> str:
    """Return every form in which the effects of a message leave the room."""
    audit = [row.form for row in tree.audit.rows()]
    return "\n".join([repr(changes), json.dumps(diff_form(changes)), json.dumps(audit), repr(tree.audit.rows())])


def test_a_secret_that_changes_is_told_and_not_shown() -> None:
    tree = open_device()
    changes = diff(tree, replace("./DMAcc/b/AppAuth/1/AAuthSecret", SECRET))
    (change,) = changes
    assert change.uri == "./DMAcc/b/AppAuth/1/AAuthSecret"
    for state in (change.before, change.after):
        assert state is not None
        assert (state.value, state.secret) == (MASK, True)
    assert SECRET not in forms(tree, changes)
    assert "correct horse" not in forms(tree, changes)


@pytest.mark.parametrize(
    "commands",
    [
        (send_object("Add", "./Inbox", account_object(C, "c")),),
        (delete("./DMAcc/b"),),
        (replace("./DMAcc/b?prop=Name", "other"), replace("./DMAcc/other/AppAuth/1/AAuthName", "n")),
        (replace("./DMAcc/b?prop=Name", "other"), replace("./DMAcc/other/AppAuth/1/AAuthSecret?prop=Title", "n")),
        (delete("./DMAcc/b/AppAuth/1/AAuthSecret"),),
    ],
)
def test_the_secrets_of_an_account_are_never_shown(commands: tuple[str, ...]) -> None:
    tree = open_device()
    changes = diff(tree, *commands)
    assert changes
    assert "correct horse" not in forms(tree, changes)


@pytest.mark.parametrize("name", ["Password", "WifiPassphrase", "AAuthSecret", "pin", "PIN", "SimPin", "pwd", "Secret"])
def test_a_leaf_that_is_called_a_secret_is_one_wherever_it_stands(name: str) -> None:
    tree = open_device()
    changes = diff(tree, add(f"./x/{name}", SECRET))
    assert SECRET not in forms(tree, changes)
    changes = diff(tree, replace(f"./x/{name}", SECRET + "2"))
    assert len(changes) == 1
    assert SECRET not in forms(tree, changes)
    assert SECRET not in forms(tree, diff(tree, delete("./x")))


def test_binary_secrets_are_not_shown_either() -> None:
    tree = open_device()
    changes = diff(tree, add("./DMAcc/b/AppAuth/1/AAuthData", "aHVudGVyMg==", "bin"))
    text = forms(tree, changes)
    assert "aHVudGVyMg" not in text
    assert "hunter2" not in text


def test_a_secret_stays_one_when_it_gets_another_name() -> None:
    tree = open_device(add("./x/Password", SECRET))
    changes = diff(tree, replace("./x/Password?prop=Name", "Harmless"))
    assert SECRET not in forms(tree, changes)


def test_a_secret_by_name_that_a_server_may_get_is_shown_when_it_is_copied_to_another_name() -> None:
    tree = open_device(add("./x/Password", SECRET))
    (change,) = diff(tree, command("Copy", item("./x/Harmless", source="./x/Password")))
    assert change.after is not None
    assert change.after.value == SECRET


@pytest.mark.parametrize("turned", [False, True])
def test_a_secret_is_not_shown_when_its_place_was_or_becomes_another_object(*, turned: bool) -> None:
    nonce = "aHVudGVyMg=="
    octets = TndsNode("AAuthData", NodeFormat.BIN, b"hunter2", type=NodeType(TypeKind.MIME, ""))
    found = account_object(C, "acc")
    auth = next(child for child in found.children if child.name == "AppAuth")
    typed = replaced(
        found,
        children=(
            *(child for child in found.children if child is not auth),
            replaced(auth, children=(with_child(auth.children[0], octets),)),
        ),
    )
    both = send_object("Add", "./x", typed), add("./x/acc/AppAuth/1/AAuthData", "AAAA", "bin")
    first, second = reversed(both) if turned else both
    tree = open_device(add("./x"), first)
    changes = diff(tree, delete("./x/acc"), second)
    text = forms(tree, changes)
    assert nonce not in text
    assert "hunter2" not in text


def test_a_value_with_a_harmless_name_is_shown_and_a_long_one_is_cut_in_the_audit_only() -> None:
    tree = open_device()
    changes = diff(tree, add("./x", "1234567890" * 100))
    assert changes[0].after is not None
    assert changes[0].after.value == "1234567890" * 100
    assert len(json.dumps(tree.audit.rows(last=1)[0].form)) < 1500


# Dry runs


ANYTHING = [
    (add("./new/v", "1"), replace("./v", "2"), delete("./x")),
    (replace("./x?prop=Name", "z"), add("./z/new", "1")),
    (send_object("Replace", "./x", vendor("y", {"u": "1"})),),
    (delete("./DMAcc/b"),),
    (replace("./v?prop=ACL", "Get=*"), replace("./missing", "1")),
    (command("Atomic", add("./a", "1"), replace("./missing", "1")),),
]


@pytest.mark.parametrize("commands", ANYTHING)
def test_a_dry_run_tells_the_same_and_changes_nothing(commands: tuple[str, ...]) -> None:
    tree = open_device(add("./v", "1"), add("./x/y/z", "1"))
    octets = message("".join(commands))
    before, rows = [tuple(row) for row in tree.nodes.below("")], tree.audit.rows()
    tried = push(tree, octets, dry_run=True)
    assert tried.effects.dry_run
    assert [tuple(row) for row in tree.nodes.below("")] == before
    assert tree.audit.rows() == rows
    done = push(tree, octets)
    assert not done.effects.dry_run
    assert (tried.report, tried.effects.diff, tried.effects.events) == (
        done.report,
        done.effects.diff,
        done.effects.events,
    )


def test_a_dry_run_of_a_card_tells_the_same_and_changes_nothing() -> None:
    tree = open_device()
    before = snapshot(tree)
    tried = tree.sync(card(account(A), account(C)), at=NOW, dry_run=True)
    assert snapshot(tree) == before
    done = tree.sync(card(account(A), account(C)), at=NOW)
    assert tried.effects.diff == done.effects.diff
    assert snapshot(tree) != before


# At random

URIS = st.sampled_from(["./a", "./a/b", "./a/b/c", "./d", "./d/e", "./f"])
COMMANDS = st.lists(
    st.one_of(
        st.builds(add, URIS, st.sampled_from([None, "1", "2"])),
        st.builds(replace, URIS, st.sampled_from(["1", "2"])),
        st.builds(
            lambda uri, name: replace(f"{uri}?prop=Name", name), URIS, st.sampled_from(["a", "b", "c", "d", "e", "g"])
        ),
        st.builds(lambda uri, acl: replace(f"{uri}?prop=ACL", acl), URIS, st.sampled_from(["", ALL])),
        st.builds(delete, URIS),
        st.builds(lambda source, target: command("Copy", item(target, source=source)), URIS, URIS),
    ),
    min_size=1,
    max_size=8,
)


def states(tree: DeviceTree) -> dict[str, tuple[object, ...]]:
    rows = tree.nodes.below("")
    return {f"./{row.path}": (row.format, row.value, row.acl, row.type, row.title) for row in rows if row.path}


@settings(max_examples=100)
@given(COMMANDS, COMMANDS)
def test_the_difference_leads_from_the_tree_before_to_the_tree_after(first: list[str], then: list[str]) -> None:
    tree = open_device()
    push(tree, message("".join(first)))
    known = states(tree)
    changes = diff(tree, *then)
    for change in changes:
        if change.kind is ChangeKind.REMOVED:
            del known[change.uri]
    moved = {change.old_uri: change.uri for change in changes if change.kind is ChangeKind.RENAMED}
    known = {_after(uri, moved): state for uri, state in known.items()}
    for change in changes:
        if change.after is not None:
            after = change.after
            known[change.uri] = (after.format, after.value, after.acl, after.type, after.title)
    assert known == states(tree)
    assert len({change.uri for change in changes if change.after is not None}) == len(
        [change for change in changes if change.after is not None]
    ), "each node is told once"


def _after(uri: str, moved: dict[str | None, str]) -> str:
    """Return where a node is after the renames, its own or that of the nearest node above."""
    names = uri.split("/")
    for length in range(len(names), 1, -1):
        above = "/".join(names[:length])
        if above in moved:
            return moved[above] + uri[len(above) :]
    return uri
