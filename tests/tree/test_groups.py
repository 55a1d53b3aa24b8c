"""Sequence and Atomic: order, roll-back, what may not stand inside, and what is forgotten with an Atomic that failed.

Facts: OMA-TS-DM_Protocol-V1_2_1, 8 (order); OMA-TS-DM_RepPro-V1_2_1, 6.5 and 10 (215, 216, 500, 507).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tree.device import (
    A,
    B,
    C,
    acl_of,
    add,
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
    status,
    statuses,
    there,
    value,
)
from tests.tree.things import UNKNOWN, account_object, holding, int_leaf, nap, vendor

if TYPE_CHECKING:
    from smartcard_dm.tree import DeviceEvent, DeviceTree

ALL = "Add=*&Delete=*&Exec=*&Get=*&Replace=*"
ALERT = "<Alert><Data>1226</Data></Alert>"
FAILING = replace("./missing", "1")


class Told:
    """A listener that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[DeviceEvent] = []

    def notify(self, event: DeviceEvent) -> None:
        self.events.append(event)


def open_device() -> DeviceTree:
    return device(acls={".": ALL})


def atomic(*commands: str) -> str:
    return command("Atomic", *commands)


def sequence(*commands: str) -> str:
    return command("Sequence", *commands)


def get(uri: str) -> str:
    return command("Get", item(uri))


def exec_(uri: str) -> str:
    return command("Exec", item(uri))


def full(tree: DeviceTree) -> list[tuple[object, ...]]:
    """Return everything about every node, time stamps and version numbers too."""
    return [tuple(row) for row in tree.nodes.below("")]


# Sequence


def test_a_sequence_is_200_and_its_commands_follow_in_order() -> None:
    tree = open_device()
    found = push(tree, message(sequence(add("./v", "1"), replace("./v", "2"), delete("./v"), add("./v", "3")))).report
    assert [(each.command.value, int(each.status)) for each in found] == [
        ("Sequence", 200),
        ("Add", 200),
        ("Replace", 200),
        ("Delete", 200),
        ("Add", 200),
    ]
    assert value(tree, "./v") == "3"


def test_a_command_that_fails_in_a_sequence_does_not_stop_the_next() -> None:
    tree = open_device()
    assert statuses(tree, sequence(add("./v", "1"), FAILING, add("./w", "2"))) == [200, 200, 404, 200]
    assert there(tree, "./v")
    assert there(tree, "./w")


def test_a_sequence_may_hold_get_and_alert_and_another_sequence() -> None:
    tree = open_device()
    commands = sequence(get("./DevInfo"), ALERT, sequence(add("./v", "1")))
    assert statuses(tree, commands) == [200, 215, 215, 200, 200]


# Atomic


def test_an_atomic_whose_commands_succeed_is_200() -> None:
    tree = open_device()
    assert statuses(tree, atomic(add("./v", "1"), replace("./v", "2"))) == [200, 200, 200]
    assert value(tree, "./v") == "2"


def test_an_atomic_that_fails_is_507_and_nothing_of_it_is_done() -> None:
    tree = open_device()
    assert status(tree, add("./old", "1")) == 200
    before = full(tree)
    commands = atomic(add("./x/y", "1"), replace("./old", "2"), delete("./old"), FAILING, add("./z", "3"), ALERT)
    found = push(tree, message(commands))
    assert [int(each.status) for each in found.report] == [507, 216, 216, 216, 404, 215, 215]
    assert full(tree) == before
    assert found.effects.diff == ()


def test_the_507_says_which_command_failed_and_how() -> None:
    xml = atomic(add("./v", "1"), FAILING)
    group = push(open_device(), message(xml)).report[0]
    assert "command 3 failed with 404" in group.detail


def test_commands_around_an_atomic_that_fails_take_effect() -> None:
    tree = open_device()
    commands = add("./before", "1") + atomic(add("./inside", "1"), FAILING) + add("./after", "1")
    assert statuses(tree, commands) == [200, 507, 216, 404, 200]
    assert [there(tree, uri) for uri in ("./before", "./inside", "./after")] == [True, False, True]


def test_items_before_and_after_one_that_fails_are_undone_too() -> None:
    tree = open_device()
    items = command("Add", item("./a", "1"), item("./b", "x", format_="int"), item("./c", "1"))
    assert statuses(tree, atomic(items)) == [507, 216, 500, 216]
    assert not there(tree, "./a")
    assert not there(tree, "./c")


@pytest.mark.parametrize(
    ("failing", "wanted"),
    [
        (add("./DevInfo"), 418),
        (replace("./missing", "1"), 404),
        (delete("./DevInfo"), 405),
        (add("./v", "x", "int"), 500),
        (add("./v", "x", "what"), 415),
        (command("Add", item(None, "x")), 412),
        (replace("./x/../y", "1"), 404),
        (replace("./" + "l" * 2000, "1"), 414),
        (exec_("./DevDetail"), 405),
    ],
)
def test_every_failure_makes_an_atomic_fail(failing: str, wanted: int) -> None:
    tree = open_device()
    before = full(tree)
    assert statuses(tree, atomic(add("./a", "1"), failing)) == [507, 216, wanted]
    assert full(tree) == before


def test_a_lack_of_rights_makes_an_atomic_fail() -> None:
    tree = device()
    assert statuses(tree, atomic(add("./x/v", "1"), replace("./x/v", "2"), delete("./DMAcc/b"))) == [507, 216, 216, 425]
    assert not there(tree, "./x")


def test_alert_status_and_results_do_not_make_an_atomic_fail() -> None:
    tree = open_device()
    result = "<Results><CmdRef>1</CmdRef><Item><Data>1</Data></Item></Results>"
    answer = "<Status><MsgRef>1</MsgRef><CmdRef>1</CmdRef><Cmd>Add</Cmd><Data>500</Data></Status>"
    assert statuses(tree, atomic(ALERT, add("./v", "1"), result, answer)) == [200, 215, 200, 215, 215]
    assert there(tree, "./v")


def test_an_item_that_is_left_out_does_not_make_an_atomic_fail() -> None:
    tree = open_device()
    commands = atomic(add("./x", None, "node", UNKNOWN), add("./x/v", "1"), add("./v", "1"))
    assert statuses(tree, commands) == [200, 200, 200, 200]
    assert there(tree, "./v")


# What may not stand in an Atomic


def test_an_atomic_inside_an_atomic_fails_with_500() -> None:
    tree = open_device()
    before = full(tree)
    commands = atomic(add("./a", "1"), atomic(add("./b", "1"), add("./c", "1")), add("./d", "1"))
    found = push(tree, message(commands)).report
    assert [(each.command.value, int(each.status)) for each in found] == [
        ("Atomic", 507),
        ("Add", 216),
        ("Atomic", 500),
        ("Add", 215),
        ("Add", 215),
        ("Add", 215),
    ]
    assert "may not stand inside Atomic" in found[2].detail
    assert full(tree) == before


def test_a_get_inside_an_atomic_fails_with_500() -> None:
    tree = open_device()
    assert statuses(tree, atomic(add("./a", "1"), get("./DevInfo"), add("./d", "1"))) == [507, 216, 500, 215]
    assert not there(tree, "./a")


def test_a_get_or_an_atomic_deeper_inside_an_atomic_fails_too() -> None:
    tree = open_device()
    for inner in (get("./DevInfo"), atomic(add("./b", "1"))):
        found = statuses(tree, atomic(sequence(add("./a", "1"), sequence(inner))))
        assert found[:5] == [507, 215, 215, 215, 500]
        assert not there(tree, "./a")
        assert not there(tree, "./b")


# Groups inside groups


def test_an_atomic_inside_a_sequence_is_rolled_back_alone() -> None:
    tree = open_device()
    commands = sequence(add("./a", "1"), atomic(add("./b", "1"), FAILING), add("./c", "1"))
    assert statuses(tree, commands) == [200, 200, 507, 216, 404, 200]
    assert [there(tree, uri) for uri in ("./a", "./b", "./c")] == [True, False, True]


def test_a_failure_in_a_sequence_rolls_back_the_atomic_around_it() -> None:
    tree = open_device()
    commands = atomic(add("./a", "1"), sequence(add("./b", "1"), FAILING, add("./c", "1")), add("./d", "1"))
    found = statuses(tree, commands)
    assert found == [507, 216, 216, 216, 404, 216, 215]
    assert not any(there(tree, uri) for uri in ("./a", "./b", "./c", "./d"))


def test_one_atomic_that_fails_says_nothing_about_the_next() -> None:
    tree = open_device()
    commands = atomic(add("./a", "1"), FAILING) + atomic(add("./a", "2"))
    assert statuses(tree, commands) == [507, 216, 404, 200, 200]
    assert value(tree, "./a") == "2"


# What is forgotten


def test_an_exec_of_an_atomic_that_fails_is_not_requested() -> None:
    tree = open_device()
    told = Told()
    commands = add("./x") + exec_("./x") + atomic(exec_("./x"), FAILING)
    assert statuses(tree, commands, listener=told) == [200, 202, 507, 216, 404]
    assert len(told.events) == 1


def test_an_exec_of_an_atomic_that_succeeds_is_requested() -> None:
    tree = open_device()
    told = Told()
    assert statuses(tree, atomic(add("./x"), exec_("./x")), listener=told) == [200, 200, 202]
    assert len(told.events) == 1


def test_a_tnds_object_in_an_atomic_that_fails_leaves_nothing_behind() -> None:
    tree = open_device()
    before = full(tree)
    told = Told()
    objects = send_object(
        "Add", "./Inbox", account_object(C, "c", preferred="./Inbox/way"), nap("way"), vendor("x", {"y": "1"})
    )
    found = push(tree, message(atomic(objects, FAILING)), listener=told)
    assert [int(each.status) for each in found.report] == [507, 216, 404]
    assert full(tree) == before
    assert (found.effects.rewritten, found.effects.skipped, found.effects.events, told.events) == ((), (), (), [])
    again = push(tree, message(atomic(objects)), listener=told)
    assert [int(each.status) for each in again.report] == [200, 200]
    assert [each.after for each in again.effects.rewritten] == ["./NAP/way"]
    assert len(again.effects.skipped) == 1
    assert there(tree, "./NAP/way")


def test_a_tnds_object_that_fails_makes_its_atomic_fail() -> None:
    tree = open_device()
    bad = holding("x", int_leaf("v", "word"))
    assert statuses(tree, atomic(add("./a", "1"), send_object("Add", ".", bad)))[:2] == [507, 216]
    assert not there(tree, "./a")


def test_what_an_atomic_that_fails_left_out_is_not_left_out_afterwards() -> None:
    tree = open_device()
    commands = atomic(add("./x", None, "node", UNKNOWN), add("./x/v", "1"), FAILING) + add("./x/v", "2")
    applied = push(tree, message(commands))
    assert [int(each.status) for each in applied.report] == [507, 216, 216, 404, 200]
    assert value(tree, "./x/v") == "2"
    assert applied.effects.skipped == ()


def test_a_rename_of_an_atomic_that_fails_is_not_told() -> None:
    tree = open_device()
    assert status(tree, add("./x/v", "1")) == 200
    effects = push(tree, message(atomic(replace("./x?prop=Name", "y"), FAILING))).effects
    assert effects.diff == ()
    assert there(tree, "./x/v")


def test_an_object_of_the_card_is_still_the_cards_after_an_atomic_that_fails() -> None:
    tree = open_device()
    set_acl(tree, "./DMAcc/b", ALL)
    before = tree.provenance.rows()
    commands = atomic(replace("./DMAcc/b?prop=Name", "other"), delete("./DMAcc/other"), FAILING)
    assert statuses(tree, commands) == [507, 216, 216, 404]
    assert tree.provenance.rows() == before


def test_rights_given_in_an_atomic_that_fails_are_gone() -> None:
    tree = device(acls={"./g": f"Add={A}&Replace={A}"})
    commands = add("./g/v", "1") + atomic(replace("./g?prop=ACL", f"Delete={A}"), FAILING) + delete("./g/v")
    assert statuses(tree, commands) == [200, 507, 216, 404, 425]
    assert acl_of(tree, "./g") == f"Add={A}&Replace={A}"


def test_an_account_that_goes_and_comes_back_with_its_atomic_never_went() -> None:
    tree = open_device()
    set_acl(tree, "./DMAcc/b", ALL)
    told = Told()
    assert statuses(tree, atomic(delete("./DMAcc/b"), FAILING), listener=told) == [507, 216, 404]
    assert told.events == []
    assert status(tree, add("./v", "1"), B) == 200


# Any commands

URIS = st.sampled_from(["./a", "./a/b", "./a/b/c", "./d", "./d/e", "./f", "./DevInfo/Man", "./Inbox/x", "./a/../b"])
NAMES = st.sampled_from(["a", "b", "d", "g"])
SIMPLE = st.one_of(
    st.builds(add, URIS, st.sampled_from([None, "1", "word"]), st.sampled_from([None, "int", "bin", "chr"])),
    st.builds(lambda uri: add(uri, None, "node", UNKNOWN), URIS),
    st.builds(replace, URIS, st.sampled_from([None, "2", "text"])),
    st.builds(lambda uri, name: replace(f"{uri}?prop=Name", name), URIS, NAMES),
    st.builds(lambda uri, acl: replace(f"{uri}?prop=ACL", acl), URIS, st.sampled_from(["", ALL, f"Get={B}", "bad"])),
    st.builds(lambda uri: replace(f"{uri}?prop=Title", "t"), URIS),
    st.builds(delete, URIS),
    st.builds(lambda source, target: command("Copy", item(target, source=source)), URIS, URIS),
    st.builds(exec_, URIS),
    st.just(ALERT),
    st.builds(
        lambda kind, uri: send_object(kind, uri, vendor("t", {"u": "1"})),
        st.sampled_from(["Add", "Replace"]),
        URIS,
    ),
)
COMMANDS = st.lists(SIMPLE, max_size=5)
INSIDE = st.lists(
    st.one_of(SIMPLE, st.builds(lambda inner: sequence(*inner), st.lists(SIMPLE, min_size=1))), max_size=5
)


@settings(max_examples=80)
@given(COMMANDS, INSIDE, COMMANDS)
def test_a_message_whose_atomic_fails_leaves_the_tree_it_leaves_without_that_atomic(
    before: list[str], inside: list[str], after: list[str]
) -> None:
    with_it, without = open_device(), open_device()
    first, last = Told(), Told()
    group = atomic(*inside, FAILING)
    report = push(with_it, message("".join([*before, group, *after, ALERT])), listener=first)
    other = push(without, message("".join([*before, *after, ALERT])), listener=last)
    at = next(number for number, row in enumerate(report.report) if row.command.value == "Atomic")
    assert int(report.report[at].status) == 507
    assert full(with_it) == full(without)
    assert report.effects == other.effects
    assert first.events == last.events
    outside = [row for row in report.report if row.cmd_id not in inside_ids(report.report[at].cmd_id, group)]
    assert [(row.command, row.target, row.status) for row in outside] == [
        (row.command, row.target, row.status) for row in other.report
    ]


def inside_ids(first: str, group: str) -> set[str]:
    """Return the CmdIDs of an Atomic and of all commands inside it; they are numbered in order."""
    count = sum(group.count(f"<{kind}>") for kind in ("Atomic", "Sequence", "Add", "Replace", "Delete", "Copy", "Exec"))
    return {str(int(first) + number) for number in range(count + group.count("<Alert>"))}


@settings(max_examples=50)
@given(INSIDE)
def test_an_atomic_that_succeeds_does_what_its_commands_do_alone(inside: list[str]) -> None:
    with_it, without = open_device(), open_device()
    report = push(with_it, message(atomic(*inside, ALERT)), listener=Told())
    alone = push(without, message("".join([*inside, ALERT])), listener=Told())
    succeeded = all(row.status.is_success or row.command.value == "Alert" for row in alone.report)
    assert (int(report.report[0].status) == 200) == succeeded
    if succeeded:
        assert full(with_it) == full(without)
    else:
        assert snapshot(with_it) == snapshot(open_device())
