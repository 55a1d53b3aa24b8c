"""The Inbox: the device finds the place, gives the name, rewrites references, and keeps accounts apart."""

from __future__ import annotations

from dataclasses import replace as replaced
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.dm import Embedding, TndsNode
from smartcard_dm.dm.namespaces import MO_DEVINFO, MO_DMACC, MO_NAP, MO_PROXY
from tests.dm.samples import node
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
from tests.tree.things import (
    LAMP_1,
    LAMP_DDF,
    UNKNOWN,
    WITH_LAMPS,
    account_object,
    at,
    embedded,
    holding,
    lamp,
    nap,
    paths,
    proxy,
    vendor,
    with_acl,
    with_child,
    without,
)

if TYPE_CHECKING:
    from smartcard_dm.tree import DeviceTree, Effects

INBOX = "./Inbox"


def inbox(*sent: TndsNode) -> str:
    """Return a command that gives these to the Inbox."""
    return send_object("Add", INBOX, *sent)


def effects(tree: DeviceTree, *sent: TndsNode) -> Effects:
    """Give these to the Inbox as server A, successfully."""
    applied = push(tree, message(inbox(*sent)))
    assert [int(row.status) for row in applied.report] == [200], applied.report
    return applied.effects


def refused(tree: DeviceTree, commands: str, server: str = A) -> int:
    """Return the status of a command that may change nothing."""
    before = snapshot(tree)
    found = status(tree, commands, server)
    assert snapshot(tree) == before
    return found


# Places and names


@pytest.mark.parametrize(
    ("sent", "place"),
    [
        pytest.param(account_object(C, "c"), "./DMAcc/c", id="account"),
        pytest.param(nap("internet"), "./NAP/internet", id="access point"),
        pytest.param(proxy("wap"), "./PX/wap", id="proxy"),
    ],
)
@pytest.mark.parametrize("embedding", Embedding)
def test_an_object_finds_its_place_by_its_identifier(sent: TndsNode, place: str, embedding: Embedding) -> None:
    tree = device()
    assert status(tree, embedded("Add", INBOX, embedding, sent)) == 200
    row = tree.nodes.get(place.removeprefix("./"))
    assert row is not None
    assert row.type == sent.mo_id
    assert paths(tree, INBOX) == [], "nothing stays in the Inbox"


@pytest.mark.parametrize("above", [(), ("Setup",), ("Setup", "Deep")])
@pytest.mark.parametrize("path", [None, ".", "./From/Somewhere"])
def test_objects_are_found_wherever_in_the_tnds_object_they_stand(above: tuple[str, ...], path: str | None) -> None:
    tree = device()
    sent: tuple[TndsNode, ...] = (nap("n"), proxy("p"), account_object(C, "c"))
    for name in reversed(above):
        sent = (holding(name, *sent),)
    effects(tree, *(each if path is None else at(path, each) for each in sent))
    assert all(there(tree, uri) for uri in ("./NAP/n", "./PX/p", "./DMAcc/c"))
    assert not any(there(tree, uri) for uri in ("./Setup", "./From", "./Inbox/Setup"))


def test_what_belongs_to_no_object_is_left_out_and_said_so() -> None:
    tree = device()
    found = effects(tree, holding("Setup", nap("n"), node("Note", "hello")), node("Loose", {}))
    assert [(skip.uri, skip.what) for skip in found.skipped] == [
        ("./Inbox/Setup/Note", "Note"),
        ("./Inbox/Loose", "Loose"),
    ]
    assert paths(tree, "./NAP") == ["./NAP/n", "./NAP/n/NapId"]


def test_an_object_without_any_identifier_is_refused() -> None:
    assert refused(device(), inbox(vendor("X", {"L": "v"}))) == 405


def test_a_name_that_is_free_is_kept() -> None:
    tree = device()
    effects(tree, nap("internet"), nap("mms"))
    assert [path for path in paths(tree, "./NAP") if path.count("/") == 2] == ["./NAP/internet", "./NAP/mms"]


def test_a_name_that_is_taken_is_changed_and_the_first_object_stays_as_it_was() -> None:
    tree = device()
    effects(tree, nap("internet", Name="first"))
    effects(tree, nap("internet", Name="second"))
    effects(tree, nap("internet", Name="third"))
    assert [value(tree, f"./NAP/internet{end}/Name") for end in ("", "-2", "-3")] == ["first", "second", "third"]


def test_two_of_one_name_in_one_tnds_object_both_find_a_place() -> None:
    tree = device()
    effects(tree, holding("1", nap("n", Name="one")), holding("2", nap("n", Name="two")))
    assert (value(tree, "./NAP/n/Name"), value(tree, "./NAP/n-2/Name")) == ("one", "two")


def test_a_nameless_object_is_named_after_what_tells_it_from_others_else_numbered() -> None:
    tree = device()
    effects(
        tree,
        replaced(account_object(C, "x"), name=""),
        replaced(nap("internet"), name=""),
        node("", {"ProxyId": "a/b"}, mo_id=MO_PROXY),
        node("", {"ProxyId": "c/d"}, mo_id=MO_PROXY),
    )
    assert there(tree, f"./DMAcc/{C}")
    assert there(tree, "./NAP/internet")
    assert (value(tree, "./PX/1/ProxyId"), value(tree, "./PX/2/ProxyId")) == ("a/b", "c/d")


def test_a_thousand_objects_of_one_name_all_find_a_place() -> None:
    tree = device()
    status_of = status(
        tree, embedded("Add", INBOX, Embedding.WBXML, *(holding(f"{number}", nap("n")) for number in range(1000)))
    )
    assert status_of == 200
    assert len(tree.nodes.children("NAP")) == 1000


def test_a_parent_that_is_missing_is_made() -> None:
    tree = device(register=WITH_LAMPS)
    effects(tree, lamp("l", key="k"))
    assert value(tree, "./Vendor/Lamps/l/Colour") == "red"


@pytest.mark.parametrize("identifier", [MO_DEVINFO, "urn:oma:mo:oma-dm-devdetail:1.0", "urn:oma:mo:oma-dm-inbox:1.0"])
def test_an_object_of_which_the_device_has_one_of_its_own_is_refused(identifier: str) -> None:
    assert refused(device(), inbox(node("X", {}, mo_id=identifier))) == 405


# An object that a description file tells


def test_an_object_that_a_file_describes_is_supported_and_placed() -> None:
    tree = device(description_files=[LAMP_DDF])
    effects(tree, lamp("l"), lamp("l", colour="blue"))
    assert value(tree, "./Vendor/Lamps/l/Colour") == "red"
    assert value(tree, "./Vendor/Lamps/l-2/Colour") == "blue"


def test_an_object_that_a_file_describes_is_held_against_the_file() -> None:
    tree = device(description_files=[LAMP_DDF])
    assert refused(tree, inbox(node("l", {"Bogus": "v"}, mo_id=LAMP_1))) == 405
    assert refused(tree, inbox(node("l", {"Colour": {}}, mo_id=LAMP_1))) == 415


def test_without_the_file_it_is_left_out() -> None:
    tree = device()
    found = effects(tree, lamp("l"))
    assert [skip.what for skip in found.skipped] == [LAMP_1]
    assert not there(tree, "./Vendor")


def test_a_described_object_is_supported_below_a_target_of_its_own_too() -> None:
    tree = device(description_files=[LAMP_DDF])
    assert status(tree, send_object("Add", "./Elsewhere", lamp("l"))) == 200
    assert value(tree, "./Elsewhere/l/Colour") == "red"


# References


REFERENCES = [
    pytest.param((), "./Inbox/n", id="beside"),
    pytest.param(("Setup",), "./Inbox/Setup/n", id="in a container"),
    pytest.param(("Setup", "Deep"), "./Inbox/Setup/Deep/n", id="in a container of a container"),
    pytest.param(("Setup",), "n", id="its name"),
    pytest.param(("Setup",), "./NAP/n", id="its name below the holder"),
    pytest.param(("Setup",), "Setup/n", id="its path"),
    pytest.param(("Setup",), "./Setup/n", id="its path as a URI"),
    pytest.param((), "./Inbox/n/", id="with a slash at the end"),
]


@pytest.mark.parametrize(("above", "reference"), REFERENCES)
@pytest.mark.parametrize("taken", [False, True])
def test_a_reference_to_an_object_of_the_same_tnds_object_gets_its_final_uri(
    above: tuple[str, ...], reference: str, *, taken: bool
) -> None:
    tree = device()
    if taken:
        effects(tree, nap("n", Name="of another message"))
    final = "./NAP/n-2" if taken else "./NAP/n"
    sent: TndsNode = nap("n")
    for name in reversed(above):
        sent = holding(name, sent)
    found = effects(tree, account_object(C, "c", reference, preferred=reference), sent)
    assert value(tree, "./DMAcc/c/PrefConRef") == final
    assert value(tree, "./DMAcc/c/ToConRef/1/ConRef") == final
    wanted = [
        ("./DMAcc/c/PrefConRef", reference, final),
        ("./DMAcc/c/ToConRef/1/ConRef", reference, final),
    ]
    assert sorted(found.rewritten) == ([] if reference == final else wanted)
    assert found.warnings == ()


def test_a_path_belongs_to_the_location_in_the_tnds_object() -> None:
    tree = device()
    found = effects(
        tree, at("./Some/Place", nap("n")), at("./DMAcc", account_object(C, "c", preferred="./Inbox/Some/Place/n"))
    )
    assert value(tree, "./DMAcc/c/PrefConRef") == "./NAP/n"
    assert len(found.rewritten) == 1


def test_an_account_refers_to_a_proxy_and_the_proxy_to_an_access_point() -> None:
    tree = device()
    effects(tree, nap("n"), proxy("p"))
    found = effects(
        tree,
        holding(
            "Setup",
            account_object(C, "c", "./Inbox/Setup/p", "./Inbox/Setup/n", preferred="./Inbox/Setup/p"),
            proxy("p", "./Inbox/Setup/n"),
            nap("n"),
        ),
    )
    assert value(tree, "./DMAcc/c/PrefConRef") == "./PX/p-2"
    assert [value(tree, f"./DMAcc/c/ToConRef/{number}/ConRef") for number in (1, 2)] == ["./PX/p-2", "./NAP/n-2"]
    assert value(tree, "./PX/p-2/ConRefs/1/ConRef") == "./NAP/n-2"
    assert len(found.rewritten) == 4


@pytest.mark.parametrize("order", [False, True])
def test_the_order_of_objects_does_not_matter_for_references(*, order: bool) -> None:
    tree = device()
    sent = [nap("n"), account_object(C, "c", preferred="./Inbox/n")]
    effects(tree, *(reversed(sent) if order else sent))
    assert value(tree, "./DMAcc/c/PrefConRef") == "./NAP/n"


def test_references_never_leave_their_tnds_object() -> None:
    tree = device()
    commands = inbox(nap("n")) + inbox(account_object(C, "c", "n", preferred="./Inbox/n"))
    applied = push(tree, message(commands))
    assert [row.status for row in applied.report] == [200, 200]
    assert value(tree, "./DMAcc/c/PrefConRef") == "./Inbox/n"
    assert value(tree, "./DMAcc/c/ToConRef/1/ConRef") == "n"
    assert applied.effects.rewritten == ()


def test_a_dangling_reference_into_the_inbox_is_kept_and_warned_about() -> None:
    tree = device()
    found = effects(tree, nap("n"), account_object(C, "c", preferred="./Inbox/m"))
    assert value(tree, "./DMAcc/c/PrefConRef") == "./Inbox/m"
    (warning,) = found.warnings
    assert "./DMAcc/c/PrefConRef" in warning
    assert "./Inbox/m" in warning


def test_another_dangling_reference_may_be_the_devices_own_and_is_not_warned_about() -> None:
    tree = device()
    found = effects(tree, account_object(C, "c", "operator-net", preferred="./NAP/there"))
    assert value(tree, "./DMAcc/c/ToConRef/1/ConRef") == "operator-net"
    assert (found.warnings, found.rewritten) == ((), ())


def test_a_name_that_two_objects_have_is_ambiguous_and_stays() -> None:
    tree = device()
    found = effects(tree, nap("same"), proxy("same"), account_object(C, "c", "./Inbox/same", preferred="same"))
    assert value(tree, "./DMAcc/c/PrefConRef") == "same"
    assert found.rewritten == () or {each.before for each in found.rewritten} == {"./Inbox/same"}


def test_a_reference_to_an_object_that_was_left_out_is_warned_about() -> None:
    tree = device()
    found = effects(tree, holding("x", mo_id=UNKNOWN), account_object(C, "c", preferred="./Inbox/x"))
    assert len(found.warnings) == 1
    assert len(found.skipped) == 1


@pytest.mark.parametrize("leaf", ["Name", "AAuthPref"])
def test_only_connectivity_references_are_rewritten(leaf: str) -> None:
    tree = device()
    sent = without(account_object(C, "c"), leaf)
    text = "n" if leaf == "Name" else ""
    effects(tree, nap("n"), with_child(sent, node(leaf, text)))
    assert value(tree, f"./DMAcc/c/{leaf}") == text


def test_an_object_sent_to_its_own_place_has_its_references_rewritten_too() -> None:
    tree = device()
    sent = (at("./NAP", nap("n")), at("./DMAcc", account_object(C, "c", preferred="./Inbox/NAP/n")))
    applied = push(tree, message(send_object("Add", ".", *sent)))
    assert value(tree, "./DMAcc/c/PrefConRef") == "./NAP/n"
    assert [tuple(each) for each in applied.effects.rewritten] == [("./DMAcc/c/PrefConRef", "./Inbox/NAP/n", "./NAP/n")]


def test_a_replaced_object_has_its_references_rewritten_too() -> None:
    tree = device()
    effects(tree, nap("n"), account_object(C, "c"))
    sent = (at("./NAP", nap("n", Name="new")), at("./DMAcc", account_object(C, "c", preferred="./Inbox/NAP/n")))
    assert status(tree, send_object("Replace", ".", *sent)) == 200
    assert value(tree, "./DMAcc/c/PrefConRef") == "./NAP/n"


# Rights and commands


def test_the_acl_of_the_inbox_says_who_may_use_it() -> None:
    tree = device(acls={INBOX: f"Add={B}"})
    assert refused(tree, inbox(nap("n"))) == 425
    assert status(tree, inbox(nap("n")), B) == 200


def test_the_acl_of_the_holder_counts_too() -> None:
    tree = device(acls={"./NAP": f"Add={B}&Get=*"})
    assert refused(tree, inbox(nap("n"))) == 425
    assert refused(tree, inbox(proxy("p"), nap("n"))) == 425, "and the proxy is not added either"
    assert status(tree, inbox(nap("n")), B) == 200


def test_acls_of_the_object_are_applied_at_its_final_place() -> None:
    tree = device()
    effects(tree, with_acl(nap("n"), f"Get=*&Replace={B}"))
    assert acl_of(tree, "./NAP/n") == f"Get=*&Replace={B}"


def test_an_object_without_an_acl_belongs_to_the_server_that_sent_it() -> None:
    tree = device()
    effects(tree, nap("n"))
    assert acl_of(tree, "./NAP/n") == f"Add={A}&Delete={A}&Replace={A}"


@pytest.mark.parametrize(
    "commands",
    [
        pytest.param(add(INBOX), id="Add of the Inbox itself"),
        pytest.param(add(f"{INBOX}/L", "v"), id="a plain leaf"),
        pytest.param(add(f"{INBOX}/X"), id="a plain node"),
        pytest.param(send_object("Add", f"{INBOX}/NAP", nap("n")), id="a TNDS object below it"),
        pytest.param(send_object("Replace", INBOX, nap("n")), id="Replace with a TNDS object that is not there"),
        pytest.param(send_object("Replace", INBOX, node("", {})), id="Replace of the Inbox itself"),
        pytest.param(replace(INBOX, "v"), id="Replace of a value"),
        pytest.param(replace(f"{INBOX}/L", "v"), id="Replace of a value below it"),
        pytest.param(delete(INBOX), id="Delete"),
        pytest.param(delete(f"{INBOX}/n"), id="Delete below it"),
        pytest.param(replace(f"{INBOX}?prop=Name", "Other"), id="renaming it"),
        pytest.param(command("Copy", item(INBOX, source="./DevInfo/Man")), id="Copy to it"),
        pytest.param(command("Copy", item(f"{INBOX}/L", source="./DevInfo/Man")), id="Copy below it"),
        pytest.param(command("Get", item(INBOX)), id="Get"),
        pytest.param(command("Get", item(f"{INBOX}/n")), id="Get below it"),
        pytest.param(command("Get", item(f"{INBOX}?prop=ACL")), id="Get of its ACL"),
    ],
)
def test_the_inbox_takes_tnds_objects_and_nothing_else(commands: str) -> None:
    tree = device()
    set_acl(tree, ".", "Add=*&Delete=*&Exec=*&Get=*&Replace=*")
    found = refused(tree, commands)
    assert found in {403, 404, 405, 418}
    if "<Replace>" not in commands and "<Delete>" not in commands:
        assert found == 405


# One account for each ServerID, however the second one is written


TYPED = node("x", {"ServerID": B}, mo_id=MO_DMACC)
SECOND = {
    "by way of the Inbox": inbox(account_object(B, "x")),
    "beside an object that is new": inbox(nap("n"), account_object(B, "x")),
    "in a container": inbox(holding("Setup", account_object(B, "x"))),
    "in version 1.1": inbox(replaced(account_object(B, "x"), type=account_object(B).type)),
    "at its own place": send_object("Add", "./DMAcc", account_object(B, "x")),
    "below a path": send_object("Add", ".", at("./DMAcc", account_object(B, "x"))),
    "elsewhere in the tree": send_object("Add", "./Vendor", account_object(B, "x")),
    "deep inside other nodes": send_object("Add", "./Vendor", holding("1", holding("2", account_object(B, "x")))),
    "untyped at its own place": send_object(
        "Add", "./DMAcc", replaced(account_object(B, "x"), type=node("x", {}).type)
    ),
    "a leaf": add("./DMAcc/x/ServerID", B),
    "a leaf with its type": add("./DMAcc/x/ServerID", B, "chr", "text/plain"),
    "a TNDS object that is a leaf": send_object("Add", "./DMAcc/x", node("ServerID", B)),
    "replacing a value": replace("./DMAcc/a/ServerID", B),
    "replacing a leaf by a TNDS object": send_object("Replace", "./DMAcc/a", node("ServerID", B)),
    "replacing the account": send_object("Replace", ".", at("./DMAcc", account_object(B, "a"))),
    "replacing the account from above": send_object("Replace", "./DMAcc/a", replaced(account_object(B), name="")),
    "copying it to a new leaf": command("Copy", item("./DMAcc/x/ServerID", source="./DMAcc/b/ServerID")),
    "copying it over another": command("Copy", item("./DMAcc/a/ServerID", source="./DMAcc/b/ServerID")),
}


@pytest.mark.parametrize("commands", SECOND.values(), ids=SECOND)
def test_a_second_account_of_a_server_is_418(commands: str) -> None:
    assert refused(device(acls={"./DMAcc/b": "Get=*"}), commands) == 418


@pytest.mark.parametrize("name", [name for name, commands in SECOND.items() if commands.startswith("<Add>")])
def test_a_second_account_of_the_sender_itself_is_418_too(name: str) -> None:
    assert refused(device(), SECOND[name].replace(B, A)) == 418


def test_two_accounts_of_one_new_server_in_one_object_are_418() -> None:
    assert refused(device(), inbox(account_object(C, "x"), account_object(C, "y"))) == 418
    box = holding("Box", account_object(C, "x"), account_object(C, "y"))
    assert refused(device(), inbox(box)) == 418
    assert refused(device(), send_object("Add", "./Vendor", box)) == 418
    tree = device()
    assert status(tree, send_object("Add", ".", vendor("Box", {}))) == 200
    assert refused(tree, send_object("Replace", ".", box)) == 418


def test_a_node_that_becomes_an_account_counts_as_one() -> None:
    # A node with somebody's name is no account; made one by its Type, it would cut that server off.
    tree = device()
    plain = replaced(account_object(C, "x"), type=node("x", {}).type)
    assert status(tree, add("./Vendor")) == 200
    assert status(tree, send_object("Add", "./Vendor", plain)) == 200
    assert status(tree, inbox(account_object(C, "c")), B) == 200
    assert refused(tree, send_object("Replace", "./Vendor", account_object(C, "x"))) == 418


def test_a_leaf_of_that_name_which_is_no_accounts_is_not_counted() -> None:
    tree = device()
    assert status(tree, add("./Vendor/x/ServerID", B)) == 200
    assert status(tree, send_object("Add", "./Vendor", vendor("y", {"ServerID": B, "z": {"ServerID": A}}))) == 200
    assert status(tree, replace("./Vendor/x/ServerID", A)) == 200
    assert status(tree, add("./DMAcc/a/Ext")) == 200
    assert status(tree, add("./Vendor/x/Other", C)) == 200
    assert status(tree, replace("./Vendor/x/ServerID?prop=Name", "Was")) == 200
    assert status(tree, replace("./Vendor/x/Other?prop=Name", "ServerID")) == 200
    assert push(tree, message(command("Get", item("./DevInfo/Man")), B)).report, "B is still one account"


def test_an_account_may_be_replaced_keeping_its_own_server_id() -> None:
    tree = device()
    assert status(tree, send_object("Replace", "./DMAcc", account_object(A, "a", preferred="x"))) == 200
    assert status(tree, replace("./DMAcc/a/ServerID", A)) == 200


def test_a_server_id_that_became_free_in_the_same_message_may_be_used() -> None:
    tree = device()
    set_acl(tree, "./DMAcc/b", f"Delete={A}")
    assert statuses(tree, delete("./DMAcc/b") + inbox(account_object(B, "again"))) == [200, 200]
    assert there(tree, "./DMAcc/again")


def test_nap_and_proxy_of_one_key_may_be_there_twice() -> None:
    tree = device()
    effects(tree, nap("n"), proxy("p"))
    effects(tree, replaced(nap("n"), name="m"))
    assert (value(tree, "./NAP/n/NapId"), value(tree, "./NAP/m/NapId")) == ("n", "n")
    assert {row.type for row in tree.nodes.children("NAP")} == {MO_NAP}
