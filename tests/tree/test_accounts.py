"""Accounts in the tree: every one counts when a message is matched, wherever it stands and however it came."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from smartcard_dm.dm import Embedding, ServerId
from smartcard_dm.dm.namespaces import MO_DMACC, MO_DMACC_1_1, MO_DMACC_ALIAS
from smartcard_dm.errors import VerificationError
from smartcard_dm.rules import Rule
from smartcard_dm.tree import AccountAdded, AccountRemoved, ExecRequested, SessionWanted
from tests.dm.samples import FULL_TREE as FULL
from tests.dm.samples import SECRETS, account_node, changed
from tests.materials import NOW, SHARED_SECRET
from tests.tree.device import (
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
    provided,
    push,
    replace,
    send_object,
    set_acl,
    snapshot,
    status,
    statuses,
    there,
)
from tests.tree.things import account_object, at, embedded, holding, nap, vendor, with_child

if TYPE_CHECKING:
    from smartcard_dm.tree import Applied, DeviceEvent, DeviceTree

GET = command("Get", item("./DevInfo/Man"))
NODE_BY_NODE = (
    ("ServerID", C),
    ("AppID", "w7"),
    ("AppAddr/1/Addr", "https://com.example.c/dm"),
    ("AppAddr/1/AddrType", "URI"),
    ("AppAuth/1/AAuthLevel", "SRVCRED"),
    ("AppAuth/1/AAuthType", "HMAC"),
    ("AppAuth/1/AAuthSecret", SHARED_SECRET.reveal().decode()),
)


class Told:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.events: list[DeviceEvent] = []

    def notify(self, event: DeviceEvent) -> None:
        """Remember an event."""
        self.events.append(event)


def accepted(tree: DeviceTree, server: str = C) -> bool:
    """Whether a message of a server is applied."""
    return bool(push(tree, message(GET, server)).report)


def refusal(tree: DeviceTree, server: str) -> VerificationError:
    """Return why a message of a server is refused."""
    before = snapshot(tree)
    with pytest.raises(VerificationError) as caught:
        push(tree, message(GET, server))
    assert snapshot(tree) == before
    assert caught.value.step == 4
    return caught.value


def built(root: str) -> str:
    """Return the commands that build an account of C, one leaf after the other."""
    return "".join(add(f"{root}/{path}", text) for path, text in NODE_BY_NODE)


# Where an account stands


@pytest.mark.parametrize(
    "commands",
    [
        pytest.param(send_object("Add", "./Inbox", account_object(C)), id="by way of the Inbox"),
        pytest.param(embedded("Add", "./DMAcc", Embedding.WBXML, account_object(C)), id="at its place"),
        pytest.param(embedded("Add", "./Vendor", Embedding.INLINE, account_object(C)), id="typed, elsewhere"),
        pytest.param(send_object("Add", ".", at("./Vendor/Deep/Deeper", account_object(C))), id="typed, deep down"),
        pytest.param(send_object("Add", "./NAP", with_child(nap("n"), holding("Ext", account_object(C)))), id="in Ext"),
        pytest.param(built("./DMAcc/c"), id="node by node"),
        pytest.param(add("./DMAcc/c") + built("./DMAcc/c"), id="node by node, its own node first"),
        pytest.param(add("./X", None, "node", MO_DMACC) + built("./X"), id="typed node by node, elsewhere"),
        pytest.param(add("./X", None, "node", MO_DMACC_ALIAS) + built("./X"), id="typed by the old name, elsewhere"),
        pytest.param(add("./X", None, "node", MO_DMACC_1_1) + built("./X"), id="version 1.1, node by node"),
    ],
)
def test_an_account_that_a_message_added_can_sign_from_the_next_message_on(commands: str) -> None:
    tree, listener = device(), Told()
    assert refusal(tree, C).rule is Rule.ACCOUNT_UNKNOWN
    applied = push(tree, message(commands), listener=listener)
    assert {int(row.status) for row in applied.report} == {200}
    assert [type(event) for event in listener.events] == [AccountAdded, SessionWanted]
    assert {event.server_id for event in listener.events} == {ServerId(C)}
    assert applied.effects.events == tuple(listener.events)
    assert accepted(tree)


def test_nodes_that_are_no_account_do_not_count() -> None:
    tree = device()
    assert set(statuses(tree, built("./Vendor/x"))) == {200}
    assert refusal(tree, C).rule is Rule.ACCOUNT_UNKNOWN


def test_a_node_that_becomes_an_account_by_its_type_counts() -> None:
    tree, listener = device(), Told()
    assert set(statuses(tree, add("./Vendor") + built("./Vendor/c"))) == {200}
    push(tree, message(send_object("Replace", "./Vendor", account_object(C, "c"))), listener=listener)
    assert [type(event) for event in listener.events] == [AccountAdded, SessionWanted]
    assert accepted(tree)


def test_a_device_that_is_opened_knows_the_same_accounts() -> None:
    tree = device()
    assert status(tree, send_object("Add", "./Vendor", account_object(C))) == 200
    found = tree.credentials()
    tree._known = None
    assert tree.credentials() == found
    assert {str(each.server_id) for each in found.accounts} == {A, B, C}


# Incomplete accounts, and several


INCOMPLETE = [
    pytest.param(add("./DMAcc/c/ServerID", C), id="a ServerID alone"),
    pytest.param("".join(add(f"./DMAcc/c/{path}", text) for path, text in NODE_BY_NODE[:3]), id="half of it"),
    pytest.param(built("./DMAcc/c") + replace("./DMAcc/c/AppID", "w5"), id="another application"),
    pytest.param(
        built("./DMAcc/c")
        + add("./DMAcc/c/AppAuth/1/AAuthData", "MAA=", "bin")
        + replace("./DMAcc/c/AppAuth/1/AAuthType", "X509")
        + delete("./DMAcc/c/AppAddr"),
        id="a part deleted",
    ),
    pytest.param(add("./X", None, "node", MO_DMACC) + add("./X/ServerID", C), id="typed, elsewhere"),
]


@pytest.mark.parametrize("commands", INCOMPLETE)
def test_an_account_that_cannot_be_read_is_told_as_unusable(commands: str) -> None:
    tree = device()
    assert set(statuses(tree, commands)) == {200}
    found = refusal(tree, C)
    assert found.rule is Rule.ACCOUNT_UNUSABLE
    assert [unusable.server_id for unusable in tree.credentials().unusable] == [ServerId(C)]
    assert accepted(tree, B), "the others are not concerned"


def test_an_account_that_is_completed_can_sign() -> None:
    tree = device()
    for path, text in NODE_BY_NODE:
        assert refusal(tree, C).rule in {Rule.ACCOUNT_UNKNOWN, Rule.ACCOUNT_UNUSABLE}
        assert status(tree, add(f"./DMAcc/c/{path}", text)) == 200
        if path == "AppAddr/1/AddrType":
            break
    with pytest.raises(VerificationError) as caught:
        push(tree, message(GET, C))
    assert caught.value.rule is Rule.KEY_NONE
    statuses(tree, "".join(add(f"./DMAcc/c/{path}", text) for path, text in NODE_BY_NODE[4:]))
    assert accepted(tree)


def test_an_account_without_a_server_id_is_nobodys_and_is_told() -> None:
    tree = device()
    assert status(tree, add("./DMAcc/x/AppID", "w7")) == 200
    (warning,) = tree.credentials().warnings
    assert "./DMAcc/x" in warning
    assert accepted(tree, A)


@pytest.mark.parametrize("bad", ["", "a b", "a+b", "x" * 256])
def test_a_server_id_that_is_none_makes_no_account(bad: str) -> None:
    tree = device()
    assert status(tree, add("./DMAcc/x/ServerID", bad)) == 200
    assert len(tree.credentials().warnings) == 1
    assert accepted(tree, A)


@pytest.mark.parametrize("broken", [(), ("one",), ("one", "two")])
def test_two_accounts_of_one_server_are_refused_whether_they_can_be_read_or_not(broken: tuple[str, ...]) -> None:
    tree = device()
    tree.sync(card(account(A), account(C, "one"), account(C, "two")), at=NOW)
    for name in broken:
        set_acl(tree, f"./DMAcc/{name}", f"Delete={A}")
        assert status(tree, delete(f"./DMAcc/{name}/AppAddr")) == 200
    found = refusal(tree, C)
    assert found.rule is Rule.ACCOUNT_SEVERAL
    assert len(found.accounts) == 2
    assert all(any(name in told for told in found.accounts) for name in ("one", "two"))
    assert len(tree.credentials().unusable) == len(broken)
    for name in ("one", "two"):
        set_acl(tree, f"./DMAcc/{name}", f"Delete={A}")
    assert status(tree, delete("./DMAcc/one")) == 200
    assert (refusal(tree, C).rule is Rule.ACCOUNT_UNUSABLE) if "two" in broken else accepted(tree)


# Accounts that go


@pytest.mark.parametrize(
    "commands",
    [
        pytest.param(delete("./DMAcc/b"), id="its node"),
        pytest.param(delete("./DMAcc/b/ServerID"), id="its ServerID"),
        pytest.param(replace("./DMAcc/b/ServerID", C), id="another ServerID"),
        pytest.param(send_object("Replace", "./DMAcc", account_object(C, "b")), id="replaced by another account"),
    ],
)
def test_a_server_whose_account_went_is_refused_from_the_next_message_on(commands: str) -> None:
    tree, listener = device(acls={"./NAP": f"Add={A}+{B}", "./PX": f"Replace={B}"}), Told()
    assert accepted(tree, B)
    push(tree, message(commands, B), listener=listener)
    assert listener.events[0] == AccountRemoved(ServerId(B))
    assert refusal(tree, B).rule is Rule.ACCOUNT_UNKNOWN
    assert (acl_of(tree, "./NAP"), acl_of(tree, "./PX")) == (f"Add={A}", "")
    assert not any(B in row.acl for row in tree.nodes.below(""))


def test_a_message_that_takes_away_its_own_account_is_carried_out_to_its_end() -> None:
    tree = device()
    assert statuses(tree, delete("./DMAcc/a") + add("./Vendor/L", "v")) == [200, 200]
    assert there(tree, "./Vendor/L")
    assert refusal(tree, A).rule is Rule.ACCOUNT_UNKNOWN


def test_rights_of_a_server_that_went_never_come_back_with_its_name() -> None:
    tree = device(acls={"./Vendor": f"Add={B}&Get=*"})
    assert statuses(tree, delete("./DMAcc/b"), B) == [200]
    assert status(tree, send_object("Add", "./Inbox", account_object(B, "b"))) == 200
    assert acl_of(tree, "./Vendor") == "Get=*"
    assert status(tree, add("./Vendor/L", "v"), B) == 425


def test_an_account_that_moves_within_one_message_is_neither_new_nor_gone() -> None:
    tree, listener = device(acls={"./NAP": f"Add={A}"}), Told()
    push(
        tree,
        message(delete("./DMAcc/a") + send_object("Add", "./Inbox", account_object(A, "moved"))),
        listener=listener,
    )
    assert listener.events == []
    assert acl_of(tree, "./NAP") == f"Add={A}"
    assert accepted(tree, A)


def test_a_server_id_that_is_replaced_is_one_account_gone_and_one_new() -> None:
    tree, listener = device(), Told()
    push(tree, message(replace("./DMAcc/a/ServerID", C)), listener=listener)
    assert [type(event) for event in listener.events] == [AccountRemoved, AccountAdded, SessionWanted]
    assert listener.events[1] == AccountAdded(ServerId(C), "./DMAcc/a")
    assert accepted(tree, C)
    assert acl_of(tree, "./DMAcc/a") == "", "the rights of the old name are not those of the new one"


def test_an_account_in_a_branch_that_goes_goes_too() -> None:
    tree, listener = device(), Told()
    assert status(tree, send_object("Add", ".", vendor("X", {}))) == 200
    assert status(tree, send_object("Add", "./X", holding("Deep", account_object(C)))) == 200
    push(tree, message(delete("./X")), listener=listener)
    assert listener.events == [AccountRemoved(ServerId(C))]


def test_an_account_in_a_branch_that_is_renamed_stays_known() -> None:
    tree, listener = device(), Told()
    assert status(tree, send_object("Add", ".", vendor("X", {}))) == 200
    assert status(tree, send_object("Add", "./X", holding("Deep", account_object(C)))) == 200
    push(tree, message(replace("./X?prop=Name", "Y")), listener=listener)
    assert listener.events == []
    assert accepted(tree)
    (found,) = [each for each in tree.credentials().accounts if each.server_id == ServerId(C)]
    assert found.origin is not None
    assert found.origin.path == "./Y/Deep/c"


def test_a_key_that_a_message_replaced_counts_from_the_next_message_on() -> None:
    tree = device()
    assert status(tree, replace("./DMAcc/b/AppAuth/1/AAuthSecret", "another"), B) == 200
    with pytest.raises(VerificationError) as caught:
        push(tree, message(GET, B))
    assert caught.value.rule is Rule.SIGNATURE_VALUE


def test_an_acl_change_alone_does_not_make_accounts_be_read_again() -> None:
    tree = device()
    found = tree.credentials()
    assert status(tree, add("./Vendor/L", "v")) == 200
    assert tree.credentials() is found
    assert status(tree, add("./DMAcc/a/Name", "n")) == 200
    assert tree.credentials() is not found


# Secrets


def test_no_secret_is_in_any_repr() -> None:
    tree = device()
    secret = SHARED_SECRET.reveal().decode()
    sent = embedded("Add", "./DMAcc", Embedding.WBXML, account_node(changed(FULL, "Ext", None)))
    listener = Told()
    applied: Applied = push(tree, message(sent), listener=listener)
    synced = tree.sync(card(account(A), objects=[provided(account_object(C), server_id=C)]), at=NOW)
    shown = " ".join(
        repr(each)
        for each in (
            applied,
            synced,
            tree,
            tree.credentials(),
            tree.nodes.below(""),
            listener.events,
            tree.audit.rows(),
            tree.provenance.rows(),
        )
    )
    assert not [each for each in (secret, *SECRETS, "Zm9v") if each in shown]


def test_the_data_of_an_exec_is_in_no_repr() -> None:
    request = ExecRequested(ServerId(A), "./X", "a secret of the server", "c")
    assert "secret of" not in repr(request)


def test_the_device_keeps_the_rights_of_others_when_one_account_goes() -> None:
    tree = device(acls={"./NAP": f"Add={A}+{B}&Get=*&Replace={B}"})
    set_acl(tree, ".", f"Add=*&Delete={B}&Get=*")
    assert statuses(tree, delete("./DMAcc/b"), B) == [200]
    assert acl_of(tree, "./NAP") == f"Add={A}&Get=*"
    assert acl_of(tree, ".") == "Add=*&Get=*"
