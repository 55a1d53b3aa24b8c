"""A card provisions the tree: its accounts and objects come, change and go with it, and nothing else does."""

from __future__ import annotations

from dataclasses import replace as replaced
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import smartcard_dm
from smartcard_dm import wbxml
from smartcard_dm.card.session import CardSession
from smartcard_dm.credentials import read_credentials
from smartcard_dm.dm import NodeFormat, NodeType, ProvidedObject, ServerId, TndsNode, TypeKind
from smartcard_dm.errors import ApduError, CardError, DmError, ListenerError, SmartcardDmError, VerificationError
from smartcard_dm.identity import CardIdentity, Generation, Origin
from smartcard_dm.rules import Rule
from smartcard_dm.secret import Secret
from smartcard_dm.server import Header, issue
from smartcard_dm.tree import AccountAdded, AccountRemoved, DeviceTree, SessionWanted
from smartcard_dm.trust.anchors import TrustAnchor
from smartcard_dm.trust.credentials import Credentials
from smartcard_dm.trust.policy import Policy
from smartcard_dm.trust.transport import Transport
from smartcard_dm.xmlsec import PrivateSigningKey, SecretSigningKey
from tests.card.cards import Tap, bootstrap_content, profile, session
from tests.dm.samples import message_xml, node
from tests.materials import NOW, certificate_der, ec_private
from tests.tree.device import (
    ICCID,
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
    provided,
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
    UNKNOWN,
    account_object,
    embedded_object,
    holding,
    nap,
    proxy,
    with_acl,
    with_child,
)
from vendor_pcsc.virtual import connect

if TYPE_CHECKING:
    from smartcard_dm.dm import DmAccount
    from smartcard_dm.tree import DeviceEvent, Synced
    from smartcard_dm.xmlsec import SigningKey

FIXTURES = Path(__file__).parents[2] / "fixtures"
CARDS = sorted((FIXTURES / "cards").glob("*.yaml"))
KEYS: dict[str, SigningKey] = {
    "com.example.dms": SecretSigningKey(Secret(b"a shared secret of 32 octets, ok")),
    "com.example.backup": PrivateSigningKey.from_pem((FIXTURES / "keys" / "backup-ec.pem").read_bytes()),
    "com.example.cp": SecretSigningKey(Secret(b"another secret of 32 octets, okay")),
}
GET = command("Get", item("./DevInfo/Man"))
PLACE = Origin("trusted certificate", "7F50/6441", "")
OTHER_ICCID = "8988211000000430028"


def empty() -> DeviceTree:
    """Return a device that never saw a card."""
    return DeviceTree.create(None, INFORMATION, at=NOW)


def synced(tree: DeviceTree, credentials: Credentials, *, dry_run: bool = False) -> Synced:
    """Put a card in."""
    return tree.sync(credentials, at=NOW, dry_run=dry_run)


def done(result: Synced) -> dict[str, list[str]]:
    """Return what a card changed, without what it did not."""
    found = result.reconciled
    all_of_it = {"kept": found.kept, "added": found.added, "replaced": found.replaced, "removed": found.removed}
    return {name: uris for name, uris in all_of_it.items() if uris}


def of_card(*objects: ProvidedObject, accounts: tuple[DmAccount, ...] = (), iccid: str = ICCID) -> Credentials:
    """Return a card with these objects only."""
    return replaced(card(iccid=iccid, objects=objects), accounts=accounts)


def served(tree: DeviceTree) -> list[str]:
    """Return the ServerIDs of the accounts of a tree."""
    return [str(each.server_id) for each in tree.credentials().accounts]


def read(path: Path) -> Credentials:
    """Read a card of the fixtures."""
    with smartcard_dm.open_card(f"profile:{path}") as opened:
        return smartcard_dm.read_credentials(opened)


def signed(server_id: str, commands: str = "", number: int = 1) -> bytes:
    """Return a message of a server of the fixtures."""
    body = f"<SyncBody>{commands or command('Get', item('./DevInfo/Man'))}<Final/></SyncBody>"
    return issue(body.encode(), ServerId(server_id), KEYS[server_id], header=Header(session_id=str(number)))


# Cards of the fixtures, whole


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_the_tree_holds_the_accounts_and_anchors_of_the_card(path: Path) -> None:
    tree, credentials = empty(), read(path)
    result = synced(tree, credentials)
    found = tree.credentials()
    wanted = tuple(
        replaced(each, pref_con_ref=f"./PX/{each.pref_con_ref}" if each.pref_con_ref else None)
        for each in credentials.accounts
    )
    assert found.accounts == wanted, "references aside, which name objects in the tree now"
    assert [each.origin for each in found.accounts] == [each.origin for each in credentials.accounts]
    assert found.anchors == credentials.anchors
    assert (found.unusable, found.warnings) == ((), ())
    assert credentials.identity is not None
    assert (result.card, result.anchors) == (credentials.identity.iccid, len(credentials.anchors))


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_a_message_of_each_account_is_authorized_from_the_tree(path: Path) -> None:
    tree = empty()
    synced(tree, read(path))
    servers = served(tree)
    assert servers
    for server_id in servers:
        verified = tree.verify(signed(server_id), transport=Transport.local(), at=NOW, policy=Policy.default())
        assert str(verified.server_id) == server_id
        applied = push(tree, signed(server_id, add(f"./New/{server_id}", "v"), 2))
        assert [row.status for row in applied.report] == [200 if server_id == servers[0] else 425]


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_a_second_sync_changes_nothing_at_all(path: Path) -> None:
    tree = empty()
    first = synced(tree, read(path))
    before, rows, state = tree.nodes.below(""), len(tree.audit.rows()), tree.credentials()
    second = synced(tree, read(path))
    assert done(second) == {"kept": first.reconciled.added} or sorted(done(second)["kept"]) == sorted(
        first.reconciled.added
    )
    assert second.effects.diff == ()
    assert second.effects.events == ()
    assert tree.nodes.below("") == before, "time stamps and version numbers too"
    assert len(tree.audit.rows()) == rows
    assert tree.credentials() is state, "no reason to read the accounts again"


def test_client_provisioning_becomes_accounts_and_connectivity_with_final_references() -> None:
    tree = empty()
    synced(tree, read(FIXTURES / "cards" / "cp.yaml"))
    (px,) = tree.nodes.children("PX")
    (access,) = tree.nodes.children("NAP")
    (cp,) = [each for each in tree.credentials().accounts if str(each.server_id) == "com.example.cp"]
    assert cp.pref_con_ref == f"./{px.path}"
    assert value(tree, f"./{px.path}/ConRefs/1/ConRef") == f"./{access.path}"


# Rights


def test_a_server_gets_add_delete_and_replace_for_an_account_without_acls() -> None:
    tree = device()
    for server, name in ((A, "a"), (B, "b")):
        assert acl_of(tree, f"./DMAcc/{name}") == f"Add={server}&Delete={server}&Replace={server}"
        assert {row.acl for row in tree.nodes.below(f"DMAcc/{name}")[1:]} == {""}


def test_a_server_that_may_replace_the_holder_needs_no_acl_of_its_own() -> None:
    tree = empty()
    set_acl(tree, "./DMAcc", "Add=*&Get=*&Replace=*")
    synced(tree, card(account(A)))
    assert acl_of(tree, "./DMAcc/a") == ""


def test_acls_that_the_card_gives_are_kept_on_every_node() -> None:
    sent = with_acl(account_object(A, "a"), f"Get=*&Replace={A}")
    sent = replaced(sent, children=(with_acl(sent.children[0], "Get=*"), *sent.children[1:]))
    tree = empty()
    synced(tree, of_card(provided(sent, server_id=A)))
    assert acl_of(tree, "./DMAcc/a") == f"Get=*&Replace={A}"
    assert acl_of(tree, f"./DMAcc/a/{sent.children[0].name}") == "Get=*"


def test_client_provisioning_gives_get_replace_and_delete() -> None:
    tree = empty()
    synced(tree, read(FIXTURES / "cards" / "cp.yaml"))
    expected = "Delete=com.example.cp&Get=com.example.cp&Replace=com.example.cp"
    objects = [*tree.nodes.children("PX"), *tree.nodes.children("NAP")]
    objects += [
        row for row in tree.nodes.children("DMAcc") if value(tree, f"./{row.path}/ServerID") == "com.example.cp"
    ]
    assert [row.acl for row in objects] == [expected] * 3


def test_an_object_of_no_server_gives_nobody_rights() -> None:
    tree = empty()
    synced(tree, of_card(provided(nap("n"))))
    assert acl_of(tree, "./NAP/n") == ""


def test_rights_given_by_a_card_are_those_its_server_has() -> None:
    tree = device()
    assert status(tree, replace("./DMAcc/a/ServerID", A)) == 200
    assert status(tree, add("./DMAcc/a/Name", "n")) == 200
    assert status(tree, delete("./DMAcc/a/Name"), B) == 425
    assert status(tree, delete("./DMAcc/a/Name")) == 200


# What messages changed


def test_what_messages_changed_in_an_object_of_the_card_stays() -> None:
    tree = device()
    statuses(tree, add("./DMAcc/a/Name", "mine") + delete("./DMAcc/a/AppAuth") + add("./Vendor/L", "v"))
    set_acl(tree, "./DMAcc/a", f"Get=*&Replace={A}")
    before = snapshot(tree)
    assert synced(tree, card(account(A), account(B))).effects.diff == ()
    assert snapshot(tree) == before


def test_accounts_and_objects_of_messages_stay() -> None:
    tree = device()
    assert status(tree, send_object("Add", "./Inbox", account_object(C), nap("n"))) == 200
    assert synced(tree, card(account(A), account(B))).effects.diff == ()
    synced(tree, card(account("com.example.d"), iccid=OTHER_ICCID))
    assert served(tree) == [C, "com.example.d"]
    assert there(tree, "./NAP/n")


def test_an_object_that_a_message_deleted_comes_again_with_its_card() -> None:
    tree = device()
    assert status(tree, delete("./DMAcc/a")) == 200
    assert served(tree) == [B]
    result = synced(tree, card(account(A), account(B)))
    assert done(result) == {"kept": ["./DMAcc/b"], "added": ["./DMAcc/a"]}
    assert status(tree, add("./DMAcc/a/Name", "n")) == 200


def test_an_object_that_a_message_renamed_is_still_the_cards() -> None:
    tree = device()
    assert status(tree, replace("./DMAcc/a?prop=Name", "moved")) == 200
    assert done(synced(tree, card(account(A), account(B)))) == {"kept": ["./DMAcc/moved", "./DMAcc/b"]}
    changed = replaced(account(A), name="New")
    assert done(synced(tree, card(changed, account(B)))) == {"kept": ["./DMAcc/b"], "replaced": ["./DMAcc/moved"]}
    assert value(tree, "./DMAcc/moved/Name") == "New"
    assert done(synced(tree, card(account(B)))) == {"kept": ["./DMAcc/b"], "removed": ["./DMAcc/moved"]}


def test_a_rename_in_two_steps_and_a_swap_are_followed() -> None:
    tree = empty()
    objects = [provided(nap(name, Name=name), server_id=A) for name in ("one", "two")]
    credentials = replaced(card(account(A)), objects=(*card(account(A)).objects, *objects))
    synced(tree, credentials)
    names = [("one", "t"), ("two", "one"), ("t", "x"), ("x", "two")]
    found = statuses(tree, "".join(replace(f"./NAP/{old}?prop=Name", new) for old, new in names))
    assert found == [200] * 4
    assert value(tree, "./NAP/one/Name") == "two"
    assert synced(tree, credentials).effects.diff == ()
    assert done(synced(tree, card(account(A)))) == {"kept": ["./DMAcc/a"], "removed": ["./NAP/two", "./NAP/one"]}


def test_a_place_that_became_free_and_was_taken_in_one_message_is_followed() -> None:
    tree = empty()
    objects = [provided(nap(name, Name=name), server_id=A) for name in ("one", "two")]
    credentials = replaced(card(account(A)), objects=(*card(account(A)).objects, *objects))
    synced(tree, credentials)
    assert statuses(tree, delete("./NAP/one") + replace("./NAP/two?prop=Name", "one")) == [200, 200]
    result = synced(tree, credentials)
    assert result.reconciled.added == ["./NAP/one-2"], "what was deleted comes again, beside the one renamed"
    assert sorted(str(value(tree, f"./{row.path}/Name")) for row in tree.nodes.children("NAP")) == ["one", "two"]


def test_an_account_renamed_to_the_place_of_a_deleted_one_is_never_there_twice() -> None:
    tree = device()
    set_acl(tree, "./DMAcc/a", f"Delete={B}")
    assert statuses(tree, delete("./DMAcc/a") + replace("./DMAcc/b?prop=Name", "a"), B) == [200, 200]
    synced(tree, card(account(A), account(B)))
    assert sorted(served(tree)) == [A, B]


def test_an_object_of_a_message_at_the_place_of_a_deleted_one_is_not_the_cards() -> None:
    tree = device()
    new = account_object(C, "a")
    assert statuses(tree, delete("./DMAcc/a") + send_object("Add", "./DMAcc", new)) == [200, 200]
    assert done(synced(tree, card(account(A), account(B)))) == {"kept": ["./DMAcc/b"], "added": ["./DMAcc/a-2"]}
    assert value(tree, "./DMAcc/a/ServerID") == C


# The card changes


def test_an_object_that_changed_on_the_card_is_replaced_at_its_place() -> None:
    tree = device()
    assert status(tree, add("./DMAcc/a/PrefConRef", "a message's own")) == 200
    result = synced(tree, card(replaced(account(A), name="New"), account(B)))
    assert done(result) == {"kept": ["./DMAcc/b"], "replaced": ["./DMAcc/a"]}
    assert value(tree, "./DMAcc/a/Name") == "New"
    assert not there(tree, "./DMAcc/a/PrefConRef"), "the card's object is what it is on the card"
    assert result.effects.events == ()
    assert synced(tree, card(replaced(account(A), name="New"), account(B))).effects.diff == ()


def test_a_node_name_that_changed_on_the_card_keeps_the_place() -> None:
    tree = device()
    assert done(synced(tree, card(account(A, "other"), account(B)))) == {
        "kept": ["./DMAcc/b"],
        "replaced": ["./DMAcc/a"],
    }


def test_a_changed_account_keeps_its_references_to_objects_that_were_renamed() -> None:
    def credentials(name: str) -> Credentials:
        own = account_object(A, "a", preferred="./Inbox/n")
        own = with_child(own, node("Name", name))
        return of_card(provided(own, server_id=A), provided(nap("n"), server_id=A))

    tree = empty()
    synced(tree, credentials("first"))
    assert value(tree, "./DMAcc/a/PrefConRef") == "./NAP/n"
    assert status(tree, replace("./NAP/n?prop=Name", "inet")) == 200
    synced(tree, credentials("second"))
    assert value(tree, "./DMAcc/a/Name") == "second"
    assert value(tree, "./DMAcc/a/PrefConRef") == "./NAP/inet"


def test_an_account_that_left_the_card_leaves_the_tree_and_every_acl() -> None:
    tree = device(acls={".": f"Add=*&Get=*&Replace={B}", "./Vendor": f"Add={A}+{B}&Get={B}", "./DMAcc/a": f"Get={B}"})
    listener = Told()
    result = tree.sync(card(account(A)), at=NOW, listener=listener)
    assert done(result) == {"kept": ["./DMAcc/a"], "removed": ["./DMAcc/b"]}
    assert [acl_of(tree, uri) for uri in (".", "./Vendor", "./DMAcc/a")] == ["Add=*&Get=*", f"Add={A}", ""]
    assert listener.events == [AccountRemoved(ServerId(B))]
    with pytest.raises(VerificationError) as caught:
        push(tree, message(GET, B))
    assert caught.value.rule is Rule.ACCOUNT_UNKNOWN


def test_acls_stay_while_another_account_has_the_server_id() -> None:
    tree = empty()
    synced(tree, card(account(A), account(B, "one"), account(B, "two")))
    set_acl(tree, "./NAP", f"Add={B}")
    result = synced(tree, card(account(A), account(B, "one")))
    assert acl_of(tree, "./NAP") == f"Add={B}"
    assert result.effects.events == ()
    assert push(tree, message(command("Get", item(".")), B)).report


def test_another_card_takes_everything_of_the_old_one_away() -> None:
    key = ec_private()
    anchor = TrustAnchor.from_certificate(certificate_der(key), label="old", authority=False, origin=PLACE)
    old = replaced(card(account(A), objects=[provided(nap("n"), server_id=A)]), anchors=(anchor,))
    tree = empty()
    assert synced(tree, old).anchors == 1
    assert tree.credentials().anchors == (anchor,)
    result = synced(tree, card(account(B), iccid=OTHER_ICCID))
    assert done(result) == {"added": ["./DMAcc/b"], "removed": ["./NAP/n", "./DMAcc/a"]}
    assert tree.credentials().anchors == ()
    assert served(tree) == [B]
    assert [row.card for row in tree.provenance.rows()] == [OTHER_ICCID]


def test_two_cards_with_the_same_account_never_leave_two_in_the_tree() -> None:
    tree = device()
    for iccid in (OTHER_ICCID, ICCID, OTHER_ICCID):
        synced(tree, card(account(A), account(B), iccid=iccid))
        assert sorted(served(tree)) == [A, B]
        assert push(tree, message(command("Get", item(".")))).report


def test_a_card_that_holds_nothing_takes_everything_away() -> None:
    tree = device()
    assert done(synced(tree, card())) == {"removed": ["./DMAcc/a", "./DMAcc/b"]}
    assert served(tree) == []
    assert tree.provenance.rows() == []


def test_anchors_alone_are_changed_without_touching_nodes() -> None:
    tree = empty()
    synced(tree, card(account(A)))
    anchor = TrustAnchor.from_certificate(certificate_der(ec_private()), label="x", authority=True, origin=PLACE)
    before = snapshot(tree)
    synced(tree, replaced(card(account(A)), anchors=(anchor,)))
    assert tree.credentials().anchors == (anchor,)
    assert snapshot(tree) == before


def test_a_card_without_an_iccid_is_known_by_its_answer_to_reset() -> None:
    nameless = replaced(card(account(A)), identity=CardIdentity("", Generation.SIM, "3B17"))
    tree = empty()
    assert synced(tree, nameless).card == "ATR 3B17"
    assert synced(tree, nameless).effects.diff == ()
    other = replaced(card(account(B)), identity=CardIdentity("", Generation.SIM, "3B18"))
    assert done(synced(tree, other)) == {"added": ["./DMAcc/b"], "removed": ["./DMAcc/a"]}


def test_credentials_of_no_card_are_no_card() -> None:
    with pytest.raises(ValueError, match="no card"):
        synced(device(), Credentials(None, (), ()))


# Two accounts of one server


def test_two_accounts_of_one_server_are_both_there_and_both_refused() -> None:
    tree = empty()
    result = synced(tree, card(account(A, "one"), account(A, "two")))
    assert done(result) == {"added": ["./DMAcc/one", "./DMAcc/two"]}
    with pytest.raises(VerificationError) as caught:
        push(tree, message(add("./New")))
    assert (caught.value.rule, caught.value.step) == (Rule.ACCOUNT_SEVERAL, 4)
    assert len(caught.value.accounts) == 2
    assert ["one" in caught.value.accounts[0], "two" in caught.value.accounts[1]] == [True, True]
    assert synced(tree, card(account(A, "one"), account(A, "two"))).effects.diff == ()


def test_when_one_of_them_leaves_the_card_the_other_counts() -> None:
    for left in ("one", "two"):
        tree = empty()
        synced(tree, card(account(A, "one"), account(A, "two")))
        result = synced(tree, card(account(A, left)))
        assert served(tree) == [A]
        assert result.effects.events == (), "no account came or went for good"
        assert push(tree, message(command("Get", item(".")))).report
        assert synced(tree, card(account(A, left))).effects.diff == ()


def test_an_account_of_the_card_takes_the_place_of_one_that_a_message_added() -> None:
    tree = device()
    assert status(tree, send_object("Add", "./Inbox", account_object(C))) == 200
    assert push(tree, message(command("Get", item(".")), C)).report
    done = synced(tree, card(account(A), account(B), account(C, "own")))
    assert done.reconciled.added == ["./DMAcc/own"]
    assert done.reconciled.removed == ["./DMAcc/c"]
    assert done.effects.events == (), "the server had an account before and has one after"
    assert push(tree, message(command("Get", item(".")), C)).report
    assert synced(tree, card(account(A), account(B), account(C, "own"))).effects.diff == ()


def test_a_server_id_that_a_message_changed_is_not_looked_for_by_the_card() -> None:
    tree = device()
    assert status(tree, replace("./DMAcc/a/ServerID", C)) == 200
    assert synced(tree, card(account(A), account(B))).effects.diff == ()
    assert served(tree) == [C, B]


# Connectivity, left out, broken


def test_connectivity_objects_of_a_dm_bootstrap_have_final_references() -> None:
    sent = holding(
        "Setup",
        account_object("com.example.dms", "dms", "./Inbox/Setup/n", preferred="./Inbox/Setup/p"),
        proxy("p", "./Inbox/Setup/n"),
        nap("n"),
        holding("strange", mo_id=UNKNOWN),
    )
    octets = wbxml.from_xml(message_xml(embedded_object(sent)))
    with session(bootstrap_content(f"{{hex: {octets.hex().upper()}}}")) as opened:
        credentials = read_credentials(opened)
    tree = empty()
    assert status_of_clash(tree)
    result = synced(tree, credentials)
    assert value(tree, "./DMAcc/dms/PrefConRef") == "./PX/p"
    assert value(tree, "./DMAcc/dms/ToConRef/1/ConRef") == "./NAP/n-2"
    assert value(tree, "./PX/p/ConRefs/1/ConRef") == "./NAP/n-2"
    assert sorted(each.after for each in result.effects.rewritten) == ["./NAP/n-2", "./NAP/n-2", "./PX/p"]
    assert [skip.what for skip in result.effects.skipped] == [UNKNOWN]
    owner = "com.example.dms"
    assert [acl_of(tree, uri) for uri in ("./PX/p", "./NAP/n-2")] == [f"Add={owner}&Delete={owner}&Replace={owner}"] * 2
    assert synced(tree, credentials).effects.diff == ()


def status_of_clash(tree: DeviceTree) -> bool:
    """Put an access point of another card's server where one of the card would go; it stays when that card is gone."""
    synced(tree, card(account(A), iccid=OTHER_ICCID))
    return status(tree, send_object("Add", "./Inbox", nap("n"))) == 200


def test_references_never_leave_their_group() -> None:
    tree = empty()
    own = account_object(A, "a", "n", preferred="./Inbox/n")
    synced(tree, of_card(provided(own, server_id=A, group=0), provided(nap("n"), server_id=A, group=1)))
    assert value(tree, "./DMAcc/a/PrefConRef") == "./Inbox/n"
    assert value(tree, "./DMAcc/a/ToConRef/1/ConRef") == "n"


def test_an_object_that_is_not_supported_is_left_out_and_told() -> None:
    tree = empty()
    result = synced(tree, card(account(A), objects=[provided(holding("x", mo_id=UNKNOWN))]))
    assert [(skip.uri, skip.what) for skip in result.effects.skipped] == [("./Inbox/x", UNKNOWN)]
    assert served(tree) == [A]


BROKEN = [
    pytest.param(node("n", {"Name": "no identifier"}, mo_id=nap().mo_id or ""), id="a node is missing"),
    pytest.param(with_child(nap("n"), node("Bogus", "v")), id="a node that the device has not"),
    pytest.param(with_child(nap("n"), node("Name", {})), id="another Format"),
    pytest.param(with_child(nap("n"), node("Ext", {}), node("Ext", {})), id="one name twice"),
    pytest.param(
        with_child(nap("n"), TndsNode("Linger", NodeFormat.INT, "much", type=NodeType(TypeKind.MIME, "text/plain"))),
        id="a value that is none",
    ),
    pytest.param(nap("n" * 1100), id="a name that is too long"),
]


@pytest.mark.parametrize("broken", BROKEN)
def test_an_object_that_cannot_be_placed_is_an_error_and_nothing_changed(broken: TndsNode) -> None:
    tree = device()
    before, rows, anchors = snapshot(tree), len(tree.audit.rows()), tree.provenance.rows()
    changed = card(replaced(account(A), name="New"), account(C), objects=[provided(broken)])
    with pytest.raises(DmError, match=r"DM bootstrap in 7F50/6431: \./NAP/n.* cannot be put into the tree"):
        synced(tree, changed)
    assert snapshot(tree) == before
    assert (len(tree.audit.rows()), tree.provenance.rows()) == (rows, anchors)
    assert served(tree) == [A, B]
    assert status(tree, add("./New")) == 200


# Cards that cannot be read


def test_a_read_that_fails_never_reaches_the_tree() -> None:
    tree = empty()
    with session() as opened:
        synced(tree, read_credentials(opened))
    before = snapshot(tree)
    refused = 0
    for number in range(1, 20):
        fault = ("name: small", f"name: small\nfaults: {{wrong_sw_at: {{apdu: {number}, sw: 6F00}}}}")
        with CardSession(Tap(connect(profile(fault)))) as opened:
            try:
                synced(tree, read_credentials(opened))
            except (CardError, ApduError):
                refused += 1
        assert snapshot(tree) == before, number
        assert served(tree) == ["com.example.dms"]
    assert refused > 5


def test_a_broken_bootstrap_file_never_reaches_the_tree() -> None:
    tree = empty()
    with session() as opened:
        synced(tree, read_credentials(opened))
    with session(bootstrap_content("{hex: 0302}")) as opened, pytest.raises(SmartcardDmError):
        synced(tree, read_credentials(opened))
    assert served(tree) == ["com.example.dms"]


# Trying, listening


def test_a_dry_run_tells_everything_and_changes_nothing() -> None:
    tree = device()
    before, audit, rows = tree.nodes.below(""), len(tree.audit.rows()), tree.provenance.rows()
    new = card(account(C), iccid=OTHER_ICCID)
    listener = Told()
    tried = tree.sync(new, at=NOW, listener=listener, dry_run=True)
    assert tried.effects.dry_run
    assert listener.events == []
    assert tree.nodes.below("") == before
    assert (len(tree.audit.rows()), tree.provenance.rows()) == (audit, rows)
    assert served(tree) == [A, B]
    real = synced(tree, new)
    assert replaced(real.effects, dry_run=True) == tried.effects
    assert real.reconciled == tried.reconciled


class Told:
    """A listener that remembers."""

    def __init__(self, fail_on: type | None = None) -> None:
        self.events: list[DeviceEvent] = []
        self._fail_on = fail_on

    def notify(self, event: DeviceEvent) -> None:
        """Remember an event, or raise."""
        if self._fail_on is not None and isinstance(event, self._fail_on):
            raise RuntimeError("the listener's own")
        self.events.append(event)


def test_a_listener_is_told_of_accounts_that_come_and_go() -> None:
    tree, listener = device(), Told()
    tree.sync(card(account(B), account(C), iccid=OTHER_ICCID), at=NOW, listener=listener)
    assert [type(event) for event in listener.events] == [AccountRemoved, AccountAdded, SessionWanted]
    assert listener.events[:2] == [AccountRemoved(ServerId(A)), AccountAdded(ServerId(C), "./DMAcc/c")]


def test_a_listener_that_raises_keeps_the_old_card() -> None:
    tree = device()
    before, audit, rows = tree.nodes.below(""), len(tree.audit.rows()), tree.provenance.rows()
    with pytest.raises(ListenerError) as caught:
        tree.sync(card(account(C), iccid=OTHER_ICCID), at=NOW, listener=Told(AccountAdded))
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert tree.nodes.below("") == before
    assert (len(tree.audit.rows()), tree.provenance.rows()) == (audit, rows)
    assert status(tree, add("./New")) == 200
