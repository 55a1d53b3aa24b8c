"""The client's conformance, row by row and sentence by sentence, from a card to its tree.

Each test reads the card of the fixtures as a device does at power-on, and applies messages that its servers signed.
"""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

import smartcard_dm
from smartcard_dm import wbxml
from smartcard_dm.dm import Embedding, ServerId
from smartcard_dm.errors import VerificationError
from smartcard_dm.rules import Rule
from smartcard_dm.secret import Secret
from smartcard_dm.server import Header, issue
from smartcard_dm.tree import Applied, DeviceEvent, DeviceTree, SessionWanted
from smartcard_dm.trust.policy import Policy
from smartcard_dm.trust.transport import Transport
from smartcard_dm.xmlsec import PrivateSigningKey, SecretSigningKey, SigningKey
from tests.materials import NOW
from tests.tree.device import (
    INFORMATION,
    C,
    acl_of,
    add,
    command,
    delete,
    item,
    replace,
    send_object,
    set_acl,
    there,
    value,
)
from tests.tree.things import (
    LAMP_1,
    LAMP_2,
    LAMP_3,
    UNKNOWN,
    WITH_LAMPS,
    account_object,
    embedded,
    holding,
    lamp,
    nap,
    proxy,
    vendor,
    with_acl,
)

FIXTURES = Path(__file__).parents[2] / "fixtures"
DMS, BACKUP = "com.example.dms", "com.example.backup"
KEYS: dict[str, SigningKey] = {
    DMS: SecretSigningKey(Secret(b"a shared secret of 32 octets, ok")),
    BACKUP: PrivateSigningKey.from_pem((FIXTURES / "keys" / "backup-ec.pem").read_bytes()),
}


@pytest.fixture
def tree() -> DeviceTree:
    """Give the tree of a device that was switched on with the card of the fixtures."""
    with smartcard_dm.open_card(f"profile:{FIXTURES / 'cards' / 'usim.yaml'}") as card:
        credentials = smartcard_dm.read_credentials(card)
    made = DeviceTree.create(None, INFORMATION, at=NOW, register=WITH_LAMPS)
    made.sync(credentials, at=NOW)
    return made


def sent(commands: str, server: str = DMS, *, version: str = "1.2", session_id: str = "1") -> bytes:
    """Return a message of a server of the card."""
    body = f"<SyncBody>{commands}<Final/></SyncBody>".encode()
    return issue(body, ServerId(server), KEYS[server], header=Header(session_id=session_id), version=version)


def apply(tree: DeviceTree, octets: bytes) -> Applied:
    """Apply a message that was handed over."""
    return tree.apply(octets, transport=Transport.local(), at=NOW, policy=Policy.default())


def statuses(tree: DeviceTree, commands: str, server: str = DMS) -> list[int]:
    """Apply commands of a server and return their statuses."""
    found = apply(tree, sent(commands, server, session_id=str(1 + len(tree.audit.rows()))))
    return [int(row.status) for row in found.report]


def refused(tree: DeviceTree, octets: bytes) -> Rule:
    """Return the rule by which a message is refused; nothing is changed."""
    before = tree.nodes.below("")
    with pytest.raises(VerificationError) as caught:
        apply(tree, octets)
    assert tree.nodes.below("") == before
    return caught.value.rule


# Appendix B.1


@pytest.mark.parametrize("version", ["1.1", "1.2", "1.3"])
def test_dm_sm_c_001_m_support_for_oma_sessionless_management(tree: DeviceTree, version: str) -> None:
    applied = apply(tree, sent(add("./DMAcc/dms/PrefConRef", "operator-net"), version=version))
    assert [int(row.status) for row in applied.report] == [200]
    assert value(tree, "./DMAcc/dms/PrefConRef") == "operator-net"


def test_dm_sm_c_002_m_support_for_embedded_wbxml_encoded_tnds_objects(tree: DeviceTree) -> None:
    assert statuses(tree, embedded("Add", "./NAP", Embedding.WBXML, nap("internet"))) == [200]
    assert value(tree, "./NAP/internet/NapId") == "internet"


def test_dm_sm_c_003_m_support_for_inbox(tree: DeviceTree) -> None:
    assert statuses(tree, embedded("Add", "./Inbox", Embedding.WBXML, nap("internet"), account_object(C))) == [200]
    assert there(tree, "./NAP/internet")
    assert there(tree, "./DMAcc/c")


def test_dm_sm_c_004_m_server_id_must_match_only_one_dmacc(tree: DeviceTree) -> None:
    body = f"<SyncBody>{add('./X')}<Final/></SyncBody>".encode()
    stranger = issue(body, ServerId(C), KEYS[DMS], header=Header(session_id="1"))
    assert refused(tree, stranger) is Rule.ACCOUNT_UNKNOWN
    with smartcard_dm.open_card(f"profile:{FIXTURES / 'cards' / 'cp.yaml'}") as card:
        other = smartcard_dm.read_credentials(card)
    twice = DeviceTree.create(None, INFORMATION, at=NOW)
    twice.sync(
        smartcard_dm.Credentials(
            other.identity, other.accounts, other.anchors, objects=(*other.objects, *other.objects[:1])
        ),
        at=NOW,
    )
    assert refused(twice, sent(add("./X"))) is Rule.ACCOUNT_SEVERAL
    assert apply(tree, sent(add("./X"))).report[0].status == 200


def test_dm_sm_c_005_m_server_id_is_used_for_all_acl_calculations(tree: DeviceTree) -> None:
    name = add("./DMAcc/dms/PrefConRef", "mine")
    assert statuses(tree, name, BACKUP) == [425]
    assert statuses(tree, name, DMS) == [200]
    assert statuses(tree, delete("./DMAcc/dms/PrefConRef"), BACKUP) == [425]
    assert statuses(tree, replace("./DMAcc/dms?prop=ACL", f"Delete={BACKUP}")) == [200]
    assert statuses(tree, delete("./DMAcc/dms/PrefConRef"), DMS) == [425]
    assert statuses(tree, delete("./DMAcc/dms/PrefConRef"), BACKUP) == [200]


# Section 5.2 and 5.4


def test_5_2_a_message_that_is_not_signed_or_not_wbxml_is_refused(tree: DeviceTree) -> None:
    xml = wbxml.to_xml(sent(add("./X")))
    unsigned = xml[: xml.index(b"<Signature")] + b"</SyncML>"
    assert refused(tree, wbxml.from_xml(unsigned)) is Rule.SIGNATURE_MISSING
    assert refused(tree, xml) in {Rule.WBXML_MALFORMED, Rule.WBXML_UNSUPPORTED}


def test_5_4_acl_values_of_new_objects_come_in_the_tnds_data(tree: DeviceTree) -> None:
    rights = f"Get=*&Replace={BACKUP}"
    assert statuses(tree, send_object("Add", "./Inbox", with_acl(nap("internet"), rights))) == [200]
    assert acl_of(tree, "./NAP/internet") == rights
    assert statuses(tree, replace("./NAP/internet/NapId", "new"), BACKUP) == [200]
    assert statuses(tree, replace("./NAP/internet/NapId", "old"), DMS) == [425]


# Section 5.5, sentence by sentence


def test_5_5_a_sessionless_message_is_processed_just_like_a_normal_dm_message(tree: DeviceTree) -> None:
    set_acl(tree, "./DMAcc/dms", "Add=*&Delete=*&Get=*&Replace=*")
    commands = [
        add("./X"),
        add("./X/L", "1"),
        replace("./X/L", "2"),
        command("Sequence", command("Copy", item("./X/M", source="./DMAcc/dms/ServerID")), delete("./X/L")),
        command("Atomic", add("./Y"), replace("./Nothing", "v")),
        add("./X"),
    ]
    assert statuses(tree, "".join(commands)) == [200, 200, 200, 200, 200, 200, 507, 216, 404, 418]
    assert value(tree, "./X/M") == DMS
    assert not there(tree, "./Y")


def test_5_5_a_response_message_must_not_be_sent_back(tree: DeviceTree, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_socket(*_: object, **__: object) -> None:
        raise AssertionError("something is sent")

    monkeypatch.setattr(socket, "socket", no_socket)
    set_acl(tree, "./DMAcc/dms", "Get=*")
    assert statuses(tree, command("Get", item("./DMAcc/dms/ServerID")) + add("./X")) == [215, 200]


def test_5_5_the_device_is_not_precluded_from_starting_a_session_of_its_own(tree: DeviceTree) -> None:
    events: list[DeviceEvent] = []

    class Listener:
        def notify(self, event: DeviceEvent) -> None:
            events.append(event)

    octets = sent(send_object("Add", "./Inbox", account_object(C)))
    tree.apply(octets, transport=Transport.local(), at=NOW, policy=Policy.default(), listener=Listener())
    assert [event.server_id for event in events if isinstance(event, SessionWanted)] == [ServerId(C)]


def test_5_5_the_server_id_must_match_a_server_id_in_only_one_of_the_dmacc_in_the_tree(tree: DeviceTree) -> None:
    assert statuses(tree, send_object("Add", "./Inbox", account_object(BACKUP, "second"))) == [418]
    assert statuses(tree, add("./X"), BACKUP) == [200], "so that one account stays one"
    assert statuses(tree, delete("./DMAcc/backup"), BACKUP) == [200]
    assert refused(tree, sent(add("./Y"), BACKUP)) is Rule.ACCOUNT_UNKNOWN


def test_5_5_the_server_id_from_the_matching_dmacc_must_be_used_for_all_acl_decisions(tree: DeviceTree) -> None:
    assert statuses(tree, add("./X"), BACKUP) == [200]
    assert acl_of(tree, "./X") == f"Add={BACKUP}&Delete={BACKUP}&Replace={BACKUP}"
    assert statuses(tree, add("./X/L", "v"), DMS) == [425]
    assert statuses(tree, add("./X/L", "v"), BACKUP) == [200]


def test_5_5_the_body_must_not_be_processed_if_the_xml_signing_is_not_valid(tree: DeviceTree) -> None:
    xml = wbxml.to_xml(sent(add("./X", "genuine")))
    assert refused(tree, wbxml.from_xml(xml.replace(b"genuine", b"changed"))) is Rule.DIGEST_VALUE
    body = f"<SyncBody>{add('./X')}<Final/></SyncBody>".encode()
    stranger = PrivateSigningKey.from_pem((FIXTURES / "keys" / "stranger-rsa.pem").read_bytes())
    assert refused(tree, issue(body, ServerId(DMS), stranger, header=Header(session_id="1"))) is Rule.SIGNATURE_VALUE
    assert apply(tree, wbxml.from_xml(xml)).report[0].status == 200


def test_5_5_the_client_may_rename_a_new_mo(tree: DeviceTree) -> None:
    assert statuses(tree, send_object("Add", "./Inbox", nap("internet", Name="first"))) == [200]
    assert statuses(tree, send_object("Add", "./Inbox", nap("internet", Name="second"))) == [200]
    assert value(tree, "./NAP/internet/Name") == "first"
    assert value(tree, "./NAP/internet-2/Name") == "second"


def test_5_5_references_of_all_mos_within_the_same_tnds_object_are_renamed_too(tree: DeviceTree) -> None:
    assert statuses(tree, send_object("Add", "./Inbox", nap("internet"))) == [200]
    objects = (nap("internet"), proxy("px", "./NAP/internet"), account_object(C, "c", "./NAP/internet"))
    assert statuses(tree, send_object("Add", "./Inbox", *objects)) == [200]
    assert value(tree, "./PX/px/ConRefs/1/ConRef") == "./NAP/internet-2"
    assert value(tree, "./DMAcc/c/ToConRef/1/ConRef") == "./NAP/internet-2"


@pytest.mark.parametrize("embedding", Embedding)
def test_5_5_the_client_must_support_both_tnds_and_inbox(tree: DeviceTree, embedding: Embedding) -> None:
    assert statuses(tree, embedded("Add", "./PX", embedding, proxy("one"))) == [200]
    assert statuses(tree, embedded("Add", "./Inbox", embedding, proxy("two"))) == [200]
    assert [row.name for row in tree.nodes.children("PX")] == ["one", "two"]


def test_5_5_a_reference_may_start_with_inbox_and_is_then_the_location_in_the_same_tnds_object(
    tree: DeviceTree,
) -> None:
    setup = holding(
        "Setup",
        holding("Networks", nap("internet")),
        proxy("px", "./Inbox/Setup/Networks/internet"),
        account_object(C, "c", preferred="./Inbox/Setup/px"),
    )
    assert statuses(tree, send_object("Add", "./Inbox", setup)) == [200]
    assert value(tree, "./DMAcc/c/PrefConRef") == "./PX/px"
    assert value(tree, "./PX/px/ConRefs/1/ConRef") == "./NAP/internet"


def test_5_5_an_item_of_the_ext_sub_tree_that_is_not_handled_is_ignored_and_the_message_succeeds(
    tree: DeviceTree,
) -> None:
    commands = add("./DMAcc/dms/Ext/Maker/Colour", "red") + add("./X/L", "v")
    assert statuses(tree, command("Atomic", commands)) == [200, 200, 200]
    assert value(tree, "./X/L") == "v"
    assert not there(tree, "./DMAcc/dms/Ext")


def test_5_5_an_mo_that_is_not_supported_is_ignored_and_the_message_succeeds(tree: DeviceTree) -> None:
    unknown = send_object("Add", "./Inbox", holding("strange", vendor("Deep", {"L": "v"}), mo_id=UNKNOWN))
    assert statuses(tree, command("Atomic", unknown, add("./X"))) == [200, 200, 200]
    assert there(tree, "./X")
    assert not any("strange" in row.path for row in tree.nodes.below(""))


def test_5_5_of_multiple_versions_of_an_mo_the_latest_that_is_supported_is_used(tree: DeviceTree) -> None:
    versions = (lamp(f"v{number}", each, key="k") for number, each in enumerate((LAMP_1, LAMP_2, LAMP_3), 1))
    commands = "".join(send_object("Add", "./Inbox", each) for each in versions)
    assert statuses(tree, command("Atomic", commands)) == [200] * 4
    assert [row.name for row in tree.nodes.children("Vendor/Lamps")] == ["v2"]
