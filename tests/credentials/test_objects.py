"""Management objects of a card: every account among them, each with its origin, in groups that never mix."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from smartcard_dm import wbxml
from smartcard_dm.card.session import CardSession
from smartcard_dm.card_uri import open_card
from smartcard_dm.credentials import read_accounts, read_credentials
from smartcard_dm.dm import TndsDocument, build_tnds, parse_acl
from smartcard_dm.dm.namespaces import MO_DMACC, MO_NAP, MO_PROXY
from tests.card.cards import FIXTURES, Change, bootstrap, bootstrap_content, dm_object, dodf, inside, session, tap
from tests.dm.samples import SMALL_TREE, account_node, message_xml, node

if TYPE_CHECKING:
    from smartcard_dm.trust.credentials import Credentials

CP = "2.23.43.5.1"
APPLICATION = "{type: APPLICATION, parms: {APPID: w7, PROVIDER-ID: com.example.cp, ADDR: 'https://x.example/'}}"
NAPDEF = "{type: NAPDEF, parms: {NAPID: NAP1, LINGER: '60'}}"
PROVISIONED = f"{{cp_bootstrap: {{characteristics: [{APPLICATION}, {NAPDEF}]}}}}"
RIGHTS = parse_acl("Get=*&Replace=com.example.small")


def both() -> tuple[Change, ...]:
    """The card has two DM bootstrap files and one of client provisioning."""
    entries = dm_object("6431"), dm_object("6442"), f'{{oid: {CP}, path: "6441"}}'
    files = (
        f"ef: 6441, access: public, content: {PROVISIONED}",
        f"ef: 6442, access: public, content: {bootstrap('com.example.two')}",
    )
    return dodf(*entries), inside(*files)


def read(*changes: Change) -> Credentials:
    with session(*changes) as card:
        return read_credentials(card)


def test_every_object_has_the_origin_of_its_account() -> None:
    found = read(*both())
    assert [(str(each.server_id), str(each.origin)) for each in found.objects] == [
        ("com.example.dms", "DM bootstrap in 7F50/6431"),
        ("com.example.two", "DM bootstrap in 7F50/6442"),
        ("com.example.cp", "CP Bootstrap in 7F50/6441"),
        ("com.example.cp", "CP Bootstrap in 7F50/6441"),
    ]
    assert [each.node.mo_id for each in found.objects] == [MO_DMACC, MO_DMACC, MO_DMACC, MO_NAP]
    origins = {str(each.server_id): each.origin for each in found.objects}
    assert {str(each.server_id): each.origin for each in found.accounts} == origins


def test_groups_are_distinct_through_all_bootstrap_objects() -> None:
    assert [each.group for each in read(*both()).objects] == [1, 2, 3, 3]


def test_acls_and_other_objects_of_a_dm_bootstrap_arrive() -> None:
    account = replace(account_node(SMALL_TREE, "dms"), acl=RIGHTS)
    access_point = node("internet", {"NapId": "internet"}, mo_id=MO_NAP)
    tree = build_tnds(TndsDocument((access_point, account))).decode()
    item = (
        "<Item><Target><LocURI>./Inbox</LocURI></Target><Meta><Format xmlns='syncml:metinf'>xml</Format>"
        f"<Type xmlns='syncml:metinf'>application/vnd.syncml.dmtnds+xml</Type></Meta><Data>{tree}</Data></Item>"
    )
    octets = wbxml.from_xml(message_xml(f"<Add><CmdID>1</CmdID>{item}</Add>"))
    found = read(bootstrap_content(f"{{hex: {octets.hex()}}}"))
    assert [each.node for each in found.objects] == [access_point, account]
    assert [each.path for each in found.objects] == ["internet", "dms"]
    assert found.warnings == (f"DM bootstrap in 7F50/6431: {MO_NAP} gives no account",)


def test_what_an_object_does_not_hold_is_told_with_the_credentials_only() -> None:
    left_out = "CP Bootstrap in 7F50/6441: characteristic[NAPDEF]/parm[LINGER] has no place in the object"
    with session(*both()) as card:
        accounts, credentials = read_accounts(card), read_credentials(card)
    assert [warning.startswith(left_out) for warning in credentials.warnings] == [True]
    assert accounts.warnings == ()
    assert accounts.accounts == credentials.accounts


def test_no_command_more_than_for_the_accounts() -> None:
    changes = both()
    sent = []
    for function in (read_accounts, read_credentials):
        wire = tap(*changes)
        with CardSession(wire) as card:
            function(card)
        sent.append(wire.commands)
    assert sent[0] == sent[1]


def test_credentials_from_elsewhere_have_no_unusable_accounts() -> None:
    assert read().unusable == ()


@pytest.mark.parametrize("name", ["cp", "usim", "sim"])
def test_the_cards_of_the_fixtures_show_no_secret(name: str) -> None:
    with open_card(f"profile:{FIXTURES / f'cards/{name}.yaml'}") as card:
        found = read_credentials(card)
    assert len(found.objects) >= len(found.accounts)
    shown = repr(found) + "".join(found.warnings)
    values = {below.value for each in found.objects for below in each.node.walk() if below.name == "AAuthSecret"}
    assert values
    assert not [value for value in values if str(value) in shown]


def test_the_card_of_the_fixtures_gives_its_connectivity() -> None:
    with open_card(f"profile:{FIXTURES / 'cards/cp.yaml'}") as card:
        found = read_credentials(card)
    assert [(each.path, each.node.mo_id) for each in found.objects[2:]] == [
        ("proxy.example.com", MO_PROXY),
        ("NAP1", MO_NAP),
    ]
    references = {below.value for below in found.objects[1].node.walk() if below.name == "PrefConRef"}
    assert references == {"./Inbox/proxy.example.com"}
