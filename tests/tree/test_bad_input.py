"""Input that is wrong: the item that is wrong gets its status and changes nothing, the others take effect.

The second half is at random: whatever a server signs, the device reports on it or refuses it, and its tree stays one.
"""

from __future__ import annotations

import base64
from copy import deepcopy
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from smartcard_dm import wbxml
from smartcard_dm.errors import SmartcardDmError, VerificationError
from smartcard_dm.rules import Rule
from smartcard_dm.tree import ProcessingPolicy
from smartcard_dm.xmlsec import AlgorithmPolicy, SecretSigningKey, sign_message
from tests.materials import SHARED_SECRET
from tests.tree.device import (
    DEV_ID,
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
    set_acl,
    snapshot,
    status,
    statuses,
    there,
    value,
)
from tests.tree.invariants import check_tree
from tests.tree.things import account_object, nap, send_xml, vendor

if TYPE_CHECKING:
    from smartcard_dm.tree import DeviceEvent, DeviceTree

ALL = "Add=*&Delete=*&Exec=*&Get=*&Replace=*"
SYNCML = "SYNCML:SYNCML1.2"
METINF = "syncml:metinf"


class Told:
    """A listener: Exec is supported where there is one."""

    def notify(self, event: DeviceEvent) -> None:
        del event


def open_device() -> DeviceTree:
    """Return a device that grants everyone everything, with some nodes."""
    tree = device(acls={".": ALL})
    for name in ("a", "b"):
        set_acl(tree, f"./DMAcc/{name}", ALL)
    commands = add("./x/v", "1") + add("./x/n", "1", "int") + add("./x/y/z", "AAE=", "bin") + add("./w", "1")
    assert set(statuses(tree, commands)) == {200}
    return tree


def only_this_fails(bad: str, wanted: int) -> None:
    """Send a command between two good ones; it alone fails and changes nothing."""
    tree, without = open_device(), open_device()
    good = add("./good", "1"), replace("./w", "2")
    first, *found, last = statuses(tree, good[0] + bad + good[1], listener=Told())
    assert (first, found, last) == (200, [wanted], 200)
    assert statuses(without, "".join(good)) == [200, 200]
    assert snapshot(tree) == snapshot(without)


# Addresses

MALFORMED = [
    *("./x/../w", "../w", "..", "./..", "./x/.", "./x/./v", "./x/", "x/", "./", "/", "//", "/x", "./x//v", ".//x"),
    *("./x\x7f", "./x\tv", "./a\nb", "./x?", "?", "./x?prop", "./x?prop=", "./x?=ACL", "./x?Prop=ACL", "./x?prop=A/B"),
    *("./x?prop=ACL&prop=Name", "./x?prop=ACL?prop=Name", "?prop=ACL", "./x/?prop=ACL", "./x?what=1", "./x?prop=%20"),
]
TOO_LARGE = ["./" + "l" * 1023, "./" + "/".join("d" * 65), "./" + "\u00e4" * 512, "./" + "l" * 1023 + "?prop=ACL"]
LISTS = ["./x?list=Struct", "./x?list=StructData", "./x?list=TNDS+ACL", "./x?list=", "./x?list"]
COMMANDS = {
    "Add": lambda uri: add(uri, "1"),
    "Replace": lambda uri: replace(uri, "1"),
    "Delete": delete,
    "Copy, target": lambda uri: command("Copy", item(uri, source="./x/v")),
    "Copy, source": lambda uri: command("Copy", item("./new", source=uri)),
    "Exec": lambda uri: command("Exec", item(uri)),
    "Get": lambda uri: command("Get", item(uri)),
}


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize(
    ("uris", "wanted"), [(MALFORMED, 404), (TOO_LARGE, 414), (LISTS, 406)], ids=["malformed", "too large", "list"]
)
def test_a_bad_address(name: str, uris: list[str], wanted: int) -> None:
    tree = open_device()
    before = snapshot(tree)
    found = statuses(tree, "".join(map(COMMANDS[name], uris)), listener=Told())
    assert dict(zip(uris, found, strict=True)) == dict.fromkeys(uris, wanted)
    assert snapshot(tree) == before


@pytest.mark.parametrize("uri", ["./x/../w", "./" + "l" * 1023])
def test_a_bad_address_spoils_its_own_item_only(uri: str) -> None:
    only_this_fails(add(uri, "1"), 404 if ".." in uri else 414)


def test_a_name_may_be_anything_else() -> None:
    tree = open_device()
    names = [
        "\u4e2d\u6587",
        "a b",
        "a%2Fb",
        "a&b",
        "#",
        "a=b",
        "a+b",
        "*",
        "...",
        "a:b",
        "\U0001f4f1",
        "\u0301",
        "'\"<>",
    ]
    assert statuses(tree, "".join(add(f"./names/{name}", name) for name in names)) == [200] * len(names)
    assert [value(tree, f"./names/{name}") for name in names] == names
    check_tree(tree)


def test_an_empty_address_is_no_message() -> None:
    with pytest.raises(VerificationError) as refused:
        push(open_device(), raw(f"<Add><CmdID>1</CmdID>{item('', '1')}</Add>"))
    assert refused.value.rule is Rule.COMMANDS_MALFORMED


# One item that is wrong


@pytest.mark.parametrize(
    ("bad", "wanted"),
    [
        (add("./x/v", "2"), 418),
        (add("./x"), 418),
        (add("./w/below", "2"), 405),
        (replace("./missing", "2"), 404),
        (replace("./x/missing/v", "2"), 404),
        (delete("./missing"), 404),
        (replace("./x", "2"), 405),
        (replace("./x/n", "word"), 500),
        (replace("./x/y/z", "=AAE"), 500),
        (replace("./x/y/z", "AAE"), 500),
        (add("./new", "1", "integer"), 415),
        (add("./new", "1", "Bool"), 415),
        (replace("./x/n", "1", "what"), 415),
        (add("./new", "2026-02-30x", "date"), 500),
        (command("Add", item(None, "1")), 412),
        (command("Add", item("./new")), 412),
        (command("Add", item("./new", "1", more="<MoreData/>")), 406),
        (command("Replace", item("./x/v", "1", more="<MoreData/>")), 406),
        (replace("./x/v?prop=ACL", "Get=com.example.a&Nonsense"), 500),
        (replace("./x/v?prop=ACL", "Get="), 500),
        (replace("./x/v?prop=ACL", "Execute=*"), 500),
        (replace("./x/v?prop=Name", "a/b"), 500),
        (replace("./x/v?prop=Format", "int"), 405),
        (replace("./x/v?prop=Colour", "red"), 406),
        (add("./x/v?prop=ACL", "Get=*"), 405),
        (add("./DevInfo/Mine", "1"), 405),
        (delete("./DevDetail"), 405),
        (replace("./DMAcc/a/ServerID", "com.example.b"), 418),
        (command("Add", "<Item><Target><LocURI>./new</LocURI></Target><Data><MgmtTree/></Data></Item>"), 500),
    ],
)
def test_one_bad_item_changes_nothing_and_the_others_take_effect(bad: str, wanted: int) -> None:
    only_this_fails(bad, wanted)


def test_an_atomic_inside_another_changes_nothing_and_the_others_take_effect() -> None:
    tree, without = open_device(), open_device()
    nested = command("Atomic", add("./a", "1"), command("Atomic", add("./b", "1")))
    assert statuses(tree, add("./good", "1") + nested + replace("./w", "2")) == [200, 507, 216, 500, 215, 200]
    assert statuses(without, add("./good", "1") + replace("./w", "2")) == [200, 200]
    assert snapshot(tree) == snapshot(without)


# TNDS objects that are wrong


def tnds(inner: str, version: str = "1.2") -> str:
    return f'<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>{version}</VerDTD>{inner}</MgmtTree>'


def leaf(properties: str, value: str = "<Value>1</Value>", name: str = "<NodeName>t</NodeName>") -> str:
    return f"<Node>{name}<RTProperties>{properties}</RTProperties>{value}</Node>"


FORMAT = "<Format><chr/></Format>"
TYPE = "<Type><MIME>text/plain</MIME></Type>"


def test_the_object_that_the_broken_ones_are_made_from_is_good() -> None:
    tree = open_device()
    assert status(tree, send_xml("Add", "./x", tnds(leaf(FORMAT + TYPE)))) == 200
    assert value(tree, "./x/t") == "1"


@pytest.mark.parametrize(
    ("xml", "wanted"),
    [
        ("", 500),
        ("no XML", 500),
        ("<MgmtTree", 500),
        ("<MgmtTree/>", 500),
        ('<MgmtTree xmlns="syncml:dmddf1.2"/>', 500),
        (tnds(""), 500),
        (tnds(leaf(FORMAT + TYPE), version="1.3"), 415),
        (tnds("<Colour>red</Colour>" + leaf(FORMAT + TYPE)), 500),
        (tnds(leaf(FORMAT + TYPE + "<Colour>red</Colour>")), 500),
        (tnds(leaf(FORMAT + TYPE, "<Value>1</Value><Colour/>")), 500),
        (tnds(leaf(TYPE + FORMAT)), 500),
        (tnds(leaf(FORMAT + FORMAT + TYPE)), 500),
        (tnds(leaf(FORMAT + TYPE, "<Value>1</Value><Value>2</Value>")), 500),
        (tnds(leaf(FORMAT + TYPE, name="")), 500),
        (tnds(leaf(FORMAT + TYPE, name="<NodeName>a/b</NodeName>")), 500),
        (tnds(leaf(FORMAT + TYPE, name="<NodeName>..</NodeName>")), 500),
        (tnds(leaf("<Format><what/></Format>" + TYPE)), 500),
        (tnds(leaf("<Format><bin/></Format>" + TYPE, "<Value>?</Value>")), 500),
        (tnds(leaf("<ACL>Get</ACL>" + FORMAT + TYPE)), 500),
        (tnds(leaf(FORMAT + TYPE)) + "<more/>", 500),
        ("<!DOCTYPE MgmtTree [<!ENTITY e 'x'>]>" + tnds(leaf(FORMAT + TYPE)), 500),
        (tnds(leaf(FORMAT + TYPE)).replace("syncml:dmddf1.2", "urn:other"), 500),
    ],
)
@pytest.mark.parametrize(("kind", "target"), [("Add", "./x"), ("Add", "./Inbox"), ("Replace", "./x")])
def test_a_broken_object_changes_nothing_and_the_others_take_effect(
    xml: str, wanted: int, kind: str, target: str
) -> None:
    only_this_fails(send_xml(kind, target, xml), wanted)


def test_a_value_in_an_object_that_is_not_of_its_format_fails_as_it_does_alone() -> None:
    only_this_fails(send_xml("Add", "./x", tnds(leaf("<Format><int/></Format>" + TYPE, "<Value>word</Value>"))), 500)


def test_white_space_in_base64_is_no_fault() -> None:
    tree = open_device()
    assert status(tree, replace("./x/y/z", "AA E\n=")) == 200
    assert value(tree, "./x/y/z") == bytes((0, 1))


# Another device


@pytest.mark.parametrize("target", ["IMEI:000000000000000", "com.example.device", DEV_ID.lower(), f"{DEV_ID} x", "./x"])
def test_a_message_for_another_device_has_no_effect_under_the_strict_policy(target: str) -> None:
    tree = open_device()
    before = snapshot(tree)
    strict = ProcessingPolicy(this_device_only=True)
    commands = add("./new", "1") + command("Atomic", add("./other", "1"), command("Sequence", delete("./x")))
    octets = message(commands, target=target)
    applied = push(tree, octets, processing=strict)
    assert [int(row.status) for row in applied.report] == [215] * 5
    assert all(target in row.detail for row in applied.report)
    assert applied.effects.diff == ()
    assert snapshot(tree) == before
    with pytest.raises(VerificationError) as refused:
        push(tree, octets)
    assert refused.value.rule is Rule.REPLAYED, "it was for another device, and counts as seen"


@pytest.mark.parametrize("target", [DEV_ID, "./", "."])
def test_a_message_for_this_device_or_whichever_reads_it_is_carried_out_under_the_strict_policy(target: str) -> None:
    tree = open_device()
    applied = push(tree, message(add("./new", "1"), target=target), processing=ProcessingPolicy(this_device_only=True))
    assert [int(row.status) for row in applied.report] == [200]


def test_a_message_for_another_device_is_carried_out_without_the_strict_policy() -> None:
    tree = open_device()
    push(tree, message(add("./new", "1"), target="IMEI:000000000000000"))
    assert there(tree, "./new")


# At random


def raw(commands: str | bytes) -> bytes:
    """Return a message with a valid signature over whatever stands in SyncBody."""
    inner = commands if isinstance(commands, bytes) else commands.encode()
    xml = (
        f'<SyncML xmlns="{SYNCML}"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>raw</SessionID>'
        f"<MsgID>1</MsgID><Target><LocURI>./</LocURI></Target><Source><LocURI>{A}</LocURI></Source>"
        f'<Meta><EMI xmlns="{METINF}">WBXML/1.2</EMI></Meta></SyncHdr><SyncBody>'
    ).encode()
    root = etree.fromstring(xml + inner + b"<Final></Final></SyncBody></SyncML>")
    octets = etree.tostring(root, method="c14n", exclusive=True)
    signed = sign_message(octets, SecretSigningKey(SHARED_SECRET), AlgorithmPolicy.default())
    return wbxml.from_xml(signed, "1.2")


GOOD = [
    add("./new/deep/er", "1"),
    add("./x/other", "7", "int"),
    add("./x/octets", base64.b64encode(bytes(range(9))).decode(), "bin"),
    add("./DMAcc/a/Name", "a name"),
    replace("./x/v", "text"),
    replace("./x?prop=Name", "renamed"),
    replace("./x/y?prop=ACL", f"Get=*&Replace={A}"),
    replace("./x/v?prop=Title", "title"),
    delete("./x/y"),
    command("Copy", item("./copy", source="./x/v")),
    command("Exec", item("./x")),
    command("Get", item("./x?prop=Size")),
    "<Alert><Data>1226</Data></Alert>",
    command("Atomic", add("./atomic", "1"), replace("./x/n", "2"), command("Sequence", delete("./w"))),
    send_object("Add", "./Inbox", account_object(C, "c", preferred="./Inbox/way"), nap("way")),
    send_object("Add", "./x", vendor("branch", {"u": "1", "w": {"x": "2"}})),
    send_object("Replace", ".", vendor("x", {"v": "1", "w": {"x": "2"}})),
    (
        '<Add><Item><Target><LocURI>./x</LocURI></Target><Meta><Format xmlns="syncml:metinf">xml</Format>'
        '<Type xmlns="syncml:metinf">application/vnd.syncml.dmtnds+xml</Type></Meta><Data>'
        f"{tnds(leaf(FORMAT + TYPE))}</Data></Item></Add>"
    ),
]
WORDS = [
    *("", " ", ".", "./", "./x", "./x/v", "./Inbox", "./DMAcc/a/ServerID", "./x?prop=ACL", "./x/../v", "./new", "x/"),
    *("node", "chr", "int", "bin", "null", "bool", "xml", "b64", "Get=*", "Add=*&Delete=*", "Get", "0", "-1", "AAE="),
    *("application/vnd.syncml.dmtnds+xml", "application/vnd.syncml.dmtnds+wbxml", "urn:oma:mo:oma-dm-dmacc:1.0"),
    *(
        "text/plain",
        "com.example.b",
        "9" * 12,
        "\u00e4",
        "\U0001f4f1",
        "l" * 1100,
        "a/" * 70,
        tnds(leaf(FORMAT + TYPE)),
    ),
]
TEXT = st.one_of(
    st.sampled_from(WORDS), st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=12)
)
TAGS = [
    *("Add", "Replace", "Delete", "Copy", "Exec", "Get", "Alert", "Status", "Results", "Atomic", "Sequence", "CmdID"),
    *("Item", "Target", "Source", "LocURI", "Meta", "Data", "MoreData", "NoResp", "Correlator", "Final", "Cred", "Cmd"),
]


def numbered(commands: str) -> etree._Element:
    """Return a SyncBody in which every command has a CmdID."""
    body = etree.fromstring(f'<SyncBody xmlns="{SYNCML}">{commands}</SyncBody>'.encode())
    kinds = {f"{{{SYNCML}}}{kind}" for kind in TAGS[:11]}
    found = (element for element in body.iter() if element.tag in kinds)
    for number, element in enumerate(found, 1):
        cmd_id = etree.Element(f"{{{SYNCML}}}CmdID")
        cmd_id.text = str(number)
        element.insert(0, cmd_id)
    return body


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Return commands in which elements were taken out, doubled, renamed, swapped or filled with something else."""
    body = numbered("".join(draw(st.lists(st.sampled_from(GOOD), min_size=1, max_size=4))))
    for _ in range(draw(st.integers(1, 4))):
        elements = [element for element in body.iter() if element is not body]
        if not elements:
            break
        element = draw(st.sampled_from(elements))
        above = element.getparent()
        assert above is not None
        match draw(st.sampled_from(["text", "text", "text", "remove", "double", "rename", "swap", "insert", "empty"])):
            case "text":
                leaves = [each for each in elements if not len(each)]
                draw(st.sampled_from(leaves)).text = draw(TEXT)
            case "remove":
                above.remove(element)
            case "double":
                element.addnext(deepcopy(element))
            case "rename":
                element.tag = f"{{{draw(st.sampled_from([SYNCML, METINF]))}}}{draw(st.sampled_from(TAGS))}"
            case "swap":
                above.insert(0, element)
            case "insert":
                element.insert(0, etree.Element(f"{{{SYNCML}}}{draw(st.sampled_from(TAGS))}"))
            case _:
                for child in list(element):
                    element.remove(child)
    return b"".join(etree.tostring(child, method="c14n", exclusive=True) for child in body)


def signed(body: bytes) -> bytes | None:
    """Return a message; None when it has no WBXML form, so that nobody can send it."""
    try:
        return raw(body)
    except SmartcardDmError:
        return None


@settings(max_examples=150)
@given(st.lists(bodies(), min_size=1, max_size=3))
def test_whatever_is_signed_is_reported_on_or_refused_and_the_tree_stays_one(sent: list[bytes]) -> None:
    tree = open_device()
    for body in sent:
        octets = signed(body)
        if octets is None:
            continue
        before = snapshot(tree)
        try:
            applied = push(tree, octets, listener=Told())
        except VerificationError as refused:
            wanted = {Rule.COMMANDS_MALFORMED, Rule.REPLAYED, Rule.ACCOUNT_UNKNOWN, Rule.ACCOUNT_UNUSABLE}
            assert refused.rule in wanted, refused  # noqa: PT017 - both ways are good ones
            assert snapshot(tree) == before
        else:
            assert applied.report
            if not any(row.status.is_success for row in applied.report):
                assert snapshot(tree) == before
        check_tree(tree)


@settings(max_examples=60)
@given(
    st.lists(
        st.builds(
            lambda kind, uri, data, format_, type_: command(kind, item(uri, data, format_=format_, type_=type_)),
            st.sampled_from(["Add", "Replace", "Delete", "Exec", "Get"]),
            st.one_of(
                st.sampled_from(WORDS).filter(bool), st.text(min_size=1, max_size=9).map(lambda name: f"./{name}")
            ),
            st.one_of(st.none(), TEXT),
            st.one_of(st.none(), TEXT),
            st.one_of(st.none(), TEXT),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_any_texts_in_items_get_a_status_each(commands: list[str]) -> None:
    tree = open_device()
    for xml in commands:
        try:
            octets = message(xml)
        except (SmartcardDmError, ValueError):
            continue  # no server can send it
        try:
            (row,) = push(tree, octets, listener=Told()).report
        except VerificationError as refused:
            wanted = {Rule.COMMANDS_MALFORMED, Rule.ACCOUNT_UNKNOWN}  # the latter when it took away its own account
            assert refused.rule in wanted  # noqa: PT017 - both ways are good ones
        else:
            assert int(row.status) in {200, 202, 215, 404, 405, 406, 412, 414, 415, 418, 424, 500}
        check_tree(tree)
