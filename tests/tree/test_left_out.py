"""What the device does not support is left out and counted, and the message succeeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from smartcard_dm.dm import Embedding
from smartcard_dm.dm.namespaces import MO_DMACC_1_1
from smartcard_dm.tree import ObjectRegister
from smartcard_dm.tree.builtin import BUILTIN
from tests.dm.samples import node
from tests.tree.device import (
    A,
    C,
    add,
    command,
    delete,
    device,
    item,
    message,
    push,
    replace,
    send_object,
    snapshot,
    statuses,
    there,
    value,
)
from tests.tree.things import (
    EXT_DDF,
    LAMP,
    LAMP_1,
    LAMP_2,
    LAMP_3,
    LAMP_DDF,
    UNKNOWN,
    WITH_LAMPS,
    account_object,
    at,
    embedded,
    holding,
    lamp,
    nap,
    vendor,
    with_child,
)

if TYPE_CHECKING:
    from smartcard_dm.dm import TndsNode
    from smartcard_dm.tree import Applied, DeviceTree

STRANGE = holding("strange", vendor("Deep", {"L": "v"}), mo_id=UNKNOWN)
EXT = "./DMAcc/a/Ext"


def typed(target: str, identifier: str) -> str:
    """Return a plain Add of the node at which an object begins."""
    return add(target, None, "node", identifier)


def applied(tree: DeviceTree, *commands: str) -> Applied:
    """Apply commands of which every one succeeds, once as they are and once inside an Atomic: with one result."""
    octets = message(command("Atomic", *commands))
    tried = push(tree, octets, dry_run=True)
    found = push(tree, message("".join(commands)))
    assert {int(row.status) for row in found.report} == {200}, found.report
    assert {int(row.status) for row in tried.report} == {200}, tried.report
    assert tried.effects.skipped == found.effects.skipped
    assert tried.effects.diff == found.effects.diff
    return found


def left_out(found: Applied) -> list[tuple[str, str]]:
    """Return what was left out and where."""
    return [(skip.uri, skip.what) for skip in found.effects.skipped]


# Objects that are not supported


@pytest.mark.parametrize("embedding", Embedding)
@pytest.mark.parametrize("target", ["./Vendor", "./Inbox", "./DMAcc", "."])
def test_an_object_that_is_not_supported_is_left_out(target: str, embedding: Embedding) -> None:
    tree = device()
    before = snapshot(tree)
    found = applied(tree, embedded("Add", target, embedding, STRANGE))
    assert left_out(found) == [(f"{target}/strange", UNKNOWN)]
    assert snapshot(tree) == before


def test_what_stands_beside_it_is_used() -> None:
    tree = device()
    found = applied(tree, send_object("Add", "./Inbox", nap("n"), STRANGE, holding("Box", STRANGE, nap("m"))))
    assert left_out(found) == [("./Inbox/strange", UNKNOWN), ("./Inbox/Box/strange", UNKNOWN)]
    assert there(tree, "./NAP/n")
    assert there(tree, "./NAP/m")


def test_an_object_inside_a_supported_one_is_left_out_of_it() -> None:
    tree = device()
    found = applied(tree, send_object("Add", "./NAP", with_child(nap("n"), holding("Ext", STRANGE))))
    assert left_out(found) == [("./NAP/n/Ext/strange", UNKNOWN)]
    assert value(tree, "./NAP/n/NapId") == "n"
    assert there(tree, "./NAP/n/Ext")
    assert not there(tree, "./NAP/n/Ext/strange")


def test_an_object_inside_nodes_of_no_object_is_left_out_of_them() -> None:
    tree = device()
    found = applied(tree, send_object("Add", "./Vendor", with_child(vendor("X", {"L": "v"}), STRANGE)))
    assert left_out(found) == [("./Vendor/X/strange", UNKNOWN)]
    assert value(tree, "./Vendor/X/L") == "v"
    assert not there(tree, "./Vendor/X/strange")


def test_a_replace_with_an_object_that_is_not_supported_leaves_what_is_there() -> None:
    tree = device()
    found = applied(tree, send_object("Replace", "./DMAcc", holding("a", mo_id=UNKNOWN)))
    assert left_out(found) == [("./DMAcc/a", UNKNOWN)]
    assert value(tree, "./DMAcc/a/ServerID") == A


def test_the_report_says_what_was_left_out_and_why() -> None:
    found = push(device(), message(send_object("Add", "./Vendor", STRANGE)))
    (row,) = found.report
    assert "left out" in row.detail
    assert "does not support" in row.detail
    (skip,) = found.effects.skipped
    assert "does not support" in skip.why


def test_a_plain_add_of_its_node_and_of_all_below_is_left_out() -> None:
    tree = device()
    commands = [
        typed("./Vendor/strange", UNKNOWN),
        add("./Vendor/strange/L", "v"),
        add("./Vendor/strange/Deep"),
        add("./Vendor/strange/Deep/L", "v"),
        replace("./Vendor/strange/L", "w"),
        replace("./Vendor/strange?prop=ACL", "Get=*"),
        delete("./Vendor/strange/Deep"),
        add("./Vendor/other", "v"),
    ]
    found = applied(tree, *commands)
    assert [uri for uri, _ in left_out(found)] == [
        f"./Vendor/strange{end}" for end in ("", "/L", "/Deep", "/Deep/L", "/L", "", "/Deep")
    ]
    assert there(tree, "./Vendor/other")
    assert not there(tree, "./Vendor/strange")


def test_a_tnds_object_below_a_node_that_was_left_out_is_left_out_too() -> None:
    tree = device()
    found = applied(
        tree,
        typed("./Vendor/strange", UNKNOWN),
        send_object("Add", "./Vendor/strange", vendor("X", {"L": "v"})),
        send_object("Add", ".", vendor("Y", {"L": "v"}), at("./Vendor/strange/Deep", node("L", "v"))),
    )
    assert [uri for uri, _ in left_out(found)] == [f"./Vendor/strange{end}" for end in ("", "/X", "/Deep/L")]
    assert not there(tree, "./Vendor")
    assert there(tree, "./Y/L")


def test_an_add_of_the_very_place_begins_it_anew() -> None:
    tree = device(register=WITH_LAMPS)
    found = applied(
        tree,
        typed("./Vendor/Lamps/x", LAMP_3),
        add("./Vendor/Lamps/x/Bulb", "v"),
        typed("./Vendor/Lamps/x", LAMP_2),
        add("./Vendor/Lamps/x/Colour", "red"),
    )
    assert [uri for uri, _ in left_out(found)] == ["./Vendor/Lamps/x", "./Vendor/Lamps/x/Bulb"]
    assert value(tree, "./Vendor/Lamps/x/Colour") == "red"
    assert lamps(tree) == {"x": LAMP_2}


def test_a_replacement_that_is_left_out_leaves_the_node_that_is_there_in_use() -> None:
    tree = device()
    found = applied(tree, send_object("Replace", "./DMAcc", holding("a", mo_id=UNKNOWN)), add("./DMAcc/a/Name", "n"))
    assert left_out(found) == [("./DMAcc/a", UNKNOWN)]
    assert value(tree, "./DMAcc/a/Name") == "n"


def test_commands_below_an_object_that_was_left_out_of_tnds_are_left_out_too() -> None:
    tree = device()
    found = applied(
        tree,
        send_object("Add", "./Vendor", STRANGE),
        add("./Vendor/strange/More", "v"),
        replace("./Vendor/strange/Deep/L", "w"),
    )
    assert len(found.effects.skipped) == 3
    assert not there(tree, "./Vendor")


def test_a_later_message_knows_nothing_of_what_was_left_out() -> None:
    tree = device()
    applied(tree, typed("./Vendor/strange", UNKNOWN))
    assert statuses(tree, replace("./Vendor/strange/L", "v")) == [404]
    assert statuses(tree, add("./Vendor/strange/L", "v")) == [200]


@pytest.mark.parametrize("type_", [None, "text/plain", "application/x-thing"])
def test_a_node_that_is_no_object_is_not_left_out(type_: str | None) -> None:
    tree = device()
    found = applied(tree, add("./Vendor/X", None, "node", type_))
    assert found.effects.skipped == ()
    assert there(tree, "./Vendor/X")


def test_leaving_out_is_no_way_around_rights() -> None:
    tree = device(acls={"./NAP": "Get=*"})
    assert statuses(tree, typed("./NAP/strange", UNKNOWN)) == [425]


# Vendor nodes below Ext


def test_a_vendor_branch_of_an_object_is_left_out_of_it() -> None:
    tree = device()
    sent = with_child(nap("n"), vendor("Ext", {"Maker": {"Colour": "red"}, "Other": "v"}))
    found = applied(tree, send_object("Add", "./Inbox", sent))
    assert left_out(found) == [("./NAP/n/Ext/Maker", "Maker"), ("./NAP/n/Ext/Other", "Other")]
    assert there(tree, "./NAP/n/Ext")
    assert not there(tree, "./NAP/n/Ext/Maker")


@pytest.mark.parametrize(
    "commands",
    [
        [add(f"{EXT}/Maker"), add(f"{EXT}/Maker/Colour", "red")],
        [add(f"{EXT}/Maker/Colour", "red")],
        [replace(f"{EXT}/Maker/Colour", "red")],
        [send_object("Add", EXT, vendor("Maker", {"Colour": "red"}))],
        [send_object("Add", f"{EXT}/Maker", node("Colour", "red"))],
        [command("Copy", item(f"{EXT}/Maker/Colour", source="./DMAcc/b/Name"))],
        [add("./DevInfo/Ext/Maker/Colour", "red")],
        [add("./DevDetail/Ext/Maker")],
        [replace("./DevDetail/Ext/Maker/Colour", "red")],
        [send_object("Add", "./DevDetail/Ext", vendor("Maker", {"Colour": "red"}))],
    ],
)
def test_an_item_in_a_vendor_branch_that_nobody_handles_is_left_out(commands: list[str]) -> None:
    tree = device(acls={"./DMAcc/b": "Add=*&Get=*"})
    assert statuses(tree, add("./DMAcc/b/Name", "b")) == [200]
    found = applied(tree, *commands, add("./Vendor/L", "v"))
    assert len(found.effects.skipped) == len(commands)
    assert all("vendor" in skip.why or "left out" in skip.why for skip in found.effects.skipped)
    assert value(tree, "./Vendor/L") == "v"
    assert not any("Ext/" in row.path for row in tree.nodes.below(""))


def test_a_delete_or_exec_in_a_vendor_branch_that_is_not_there_stays_404() -> None:
    found = statuses(device(), delete(f"{EXT}/Maker") + command("Exec", item(f"{EXT}/Maker")))
    assert found == [404, 404]


def test_a_vendor_branch_that_a_file_describes_is_handled() -> None:
    tree = device(description_files=[EXT_DDF])
    found = applied(tree, add(f"{EXT}/Maker"), add(f"{EXT}/Maker/Colour", "red"), add(f"{EXT}/Other/L", "v"))
    assert left_out(found) == [(f"{EXT}/Other/L", "L")]
    assert value(tree, f"{EXT}/Maker/Colour") == "red"
    applied(tree, replace(f"{EXT}/Maker/Colour", "blue"))
    assert value(tree, f"{EXT}/Maker/Colour") == "blue"
    assert statuses(tree, add(f"{EXT}/Maker/Bogus", "v")) == [200], "what the file does not have is left out"
    assert not there(tree, f"{EXT}/Maker/Bogus")


def test_a_described_vendor_branch_comes_in_a_tnds_object_too() -> None:
    tree = device(description_files=[EXT_DDF])
    sent = vendor("Ext", {"Maker": {"Colour": "red"}, "Other": "v"})
    found = applied(tree, send_object("Add", "./DMAcc/a", sent))
    assert left_out(found) == [(f"{EXT}/Other", "Other")]
    assert value(tree, f"{EXT}/Maker/Colour") == "red"
    assert statuses(tree, send_object("Replace", "./DMAcc/a", vendor("Ext", {"Maker": {"Colour": {}}}))) == [415]


def test_ext_outside_any_object_is_a_name_like_others() -> None:
    tree = device()
    found = applied(tree, add("./Vendor/Ext/Maker/L", "v"))
    assert found.effects.skipped == ()
    assert value(tree, "./Vendor/Ext/Maker/L") == "v"


# Several versions of one object


def lamps(tree: DeviceTree) -> dict[str, str]:
    """Return the lamps of a device by name, with the version of each."""
    return {row.name: row.type for row in tree.nodes.children("Vendor/Lamps")}


ONE, TWO, THREE = (lamp(f"v{n}", version, key="k") for n, version in enumerate((LAMP_1, LAMP_2, LAMP_3), 1))


@pytest.mark.parametrize(
    ("sent", "used", "skipped"),
    [
        pytest.param([ONE, TWO], {"v2": LAMP_2}, [LAMP_1], id="the newest counts"),
        pytest.param([TWO, ONE], {"v2": LAMP_2}, [LAMP_1], id="whatever the order"),
        pytest.param([ONE, TWO, THREE], {"v2": LAMP_2}, [LAMP_1, LAMP_3], id="the newest that is supported"),
        pytest.param([THREE, ONE], {"v1": LAMP_1}, [LAMP_3], id="an older one beside one that is not supported"),
        pytest.param([THREE], {}, [LAMP_3], id="none that is supported"),
        pytest.param([ONE, lamp("w", LAMP_2, key="other")], {"v1": LAMP_1, "w": LAMP_2}, [], id="another lamp"),
    ],
)
@pytest.mark.parametrize("spread", ["one object", "several commands", "deep in one object"])
def test_of_several_versions_the_newest_supported_is_used(
    sent: list[TndsNode], used: dict[str, str], skipped: list[str], spread: str
) -> None:
    tree = device(register=WITH_LAMPS)
    if spread == "one object":
        commands = [send_object("Add", "./Inbox", *sent)]
    elif spread == "several commands":
        commands = [send_object("Add", "./Inbox", each) for each in sent]
    else:
        commands = [send_object("Add", "./Inbox", *(holding(f"Box{n}", each) for n, each in enumerate(sent)))]
    found = applied(tree, *commands)
    assert lamps(tree) == used
    told = (what for _, what in left_out(found) if not what.startswith("Box"))  # a container with nothing left in it
    assert sorted(told) == sorted(skipped)


def test_versions_of_an_object_without_a_key_are_known_by_their_name() -> None:
    tree = device(register=ObjectRegister((*BUILTIN, KEYLESS)))
    sent = (lamp("same", LAMP_1, colour="old"), lamp("same", LAMP_2, colour="new"), lamp("other", LAMP_1))
    applied(tree, send_object("Add", "./Inbox", *sent))
    assert lamps(tree) == {"same": LAMP_2, "other": LAMP_1}
    assert value(tree, "./Vendor/Lamps/same/Colour") == "new"


KEYLESS = type(LAMP)(  # type: ignore[call-arg] # a StandardObject
    family=LAMP.family, versions=LAMP.versions, holder=LAMP.holder, description=LAMP.description
)


def test_of_two_versions_of_an_account_the_newer_is_used() -> None:
    tree = device()
    new = holding("new", *account_object(C).children, mo_id=MO_DMACC_1_1)
    found = applied(tree, send_object("Add", "./Inbox", account_object(C, "old"), new))
    assert len(left_out(found)) == 1
    assert there(tree, "./DMAcc/new")
    assert not there(tree, "./DMAcc/old")


def test_versions_are_compared_within_one_message_only() -> None:
    tree = device(register=WITH_LAMPS)
    applied(tree, send_object("Add", "./Inbox", TWO))
    applied(tree, send_object("Add", "./Inbox", ONE))
    assert lamps(tree) == {"v2": LAMP_2, "v1": LAMP_1}


def test_two_of_one_version_are_two_objects() -> None:
    tree = device(register=WITH_LAMPS)
    applied(tree, send_object("Add", "./Inbox", ONE, lamp("again", LAMP_1, key="k")))
    assert lamps(tree) == {"v1": LAMP_1, "again": LAMP_1}


def test_an_older_version_is_left_out_even_when_the_newer_one_turns_out_to_be_broken() -> None:
    tree = device(register=WITH_LAMPS)
    broken = with_child(TWO, node("Bogus", "v"))
    commands = send_object("Add", "./Inbox", ONE) + send_object("Add", "./Inbox", broken)
    assert statuses(tree, commands) == [200, 405]
    assert not there(tree, "./Vendor/Lamps")


def test_plain_adds_of_versions_are_carried_out_as_they_come() -> None:
    tree = device(register=WITH_LAMPS)
    applied(
        tree, typed("./Vendor/Lamps/x", LAMP_3), typed("./Vendor/Lamps/y", LAMP_1), typed("./Vendor/Lamps/z", LAMP_2)
    )
    assert lamps(tree) == {"y": LAMP_1, "z": LAMP_2}


# Handlers of third parties, descriptions


def test_a_handler_of_a_third_party_makes_an_object_supported() -> None:
    assert left_out(applied(device(), send_object("Add", "./Inbox", ONE))) == [("./Inbox/v1", LAMP_1)]
    tree = device(register=WITH_LAMPS)
    assert left_out(applied(tree, send_object("Add", "./Inbox", ONE))) == []
    assert lamps(tree) == {"v1": LAMP_1}


def test_a_handler_goes_before_a_description() -> None:
    tree = device(register=WITH_LAMPS, description_files=[LAMP_DDF])
    applied(tree, send_object("Add", "./Inbox", TWO))
    assert lamps(tree) == {"v2": LAMP_2}


def test_a_device_may_support_less() -> None:
    tree = device(register=ObjectRegister(each for each in BUILTIN if "nap" not in each.family))
    assert left_out(applied(tree, send_object("Add", "./Inbox", nap("n")))) == [("./Inbox/n", nap().mo_id)]


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_what_a_file_describes_counts_at_any_depth_of_an_object_that_is_sent_above_it(depth: int) -> None:
    line = ["Vendor", "Lamps", "l"]
    for wrong, expected in ((node("Colour", {}), 415), (node("Colour", "red"), 200)):
        tree = device(description_files=[LAMP_DDF])
        sent = holding(line[-1], wrong)
        for name in reversed(line[-depth:-1]):
            sent = holding(name, sent)
        target = "/".join((".", *line[:-depth]))
        assert statuses(tree, send_object("Add", target, sent)) == [expected]


def test_a_holder_counts_for_untyped_objects_that_are_sent_with_it() -> None:
    tree = device(register=WITH_LAMPS)
    sent = vendor("Vendor", {"Lamps": {"l": {"Id": "k", "Bogus": "v"}}})
    assert statuses(tree, add("./Vendor/Lamps/l/Bogus", "v")) == [405]
    assert statuses(tree, send_object("Add", ".", sent)) == [405]
