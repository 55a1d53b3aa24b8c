"""Commands and objects composed in Python: numbered, complete, and what a device reads back."""

from __future__ import annotations

import pytest

from smartcard_dm.dm import (
    AccessPoint,
    AclCommand,
    AddrType,
    AppAddress,
    CommandKind,
    ConnectionAuth,
    DmAccount,
    Embedding,
    GroupCommand,
    Item,
    ItemCommand,
    Meta,
    NodeFormat,
    NodeType,
    Proxy,
    ProxyPort,
    ServerId,
    TextData,
    TndsNode,
    TypeKind,
    extract_tnds,
    parse_acl,
    parse_dmacc,
    parse_message,
    walk_commands,
)
from smartcard_dm.dm.standard_objects import STANDARD_OBJECTS
from smartcard_dm.errors import DmError, LimitExceededError
from smartcard_dm.limits import Limits
from smartcard_dm.secret import Secret
from smartcard_dm.server import Header, Leaf, LintPolicy, MessageBuilder, ObjectBuilder, lint

SERVER = ServerId("com.example.dms")
ACL = parse_acl("Get=*&Replace=com.example.dms")
INTERNET = AccessPoint(
    identifier="internet",
    node_name="internet",
    addr="internet.example.com",
    addr_type="APN",
    bearer="GPRS",
    auth=ConnectionAuth(type="PAP", name="user"),
)
GATE = Proxy(
    identifier="gate",
    node_name="gate",
    addr="10.0.0.1",
    addr_type="IPV4",
    con_refs=("internet", "wlan"),
    domains=("example.com",),
    ports=(ProxyPort(number="8080", services=("http",)),),
)
BACKUP = DmAccount(
    server_id=ServerId("com.example.backup"),
    node_name="backup",
    pref_con_ref="gate",
    to_con_refs=("internet", "./NAP/other"),
    addresses=(AppAddress(node_name="1", addr="https://b.example.com", addr_type=AddrType.URI, ports=(443,)),),
)
OBJECTS = ObjectBuilder().account(BACKUP).access_point(INTERNET).proxy(GATE)


def items(builder: MessageBuilder) -> list[Item]:
    message = parse_message(builder.compose(SERVER))
    return [item for command in walk_commands(message.commands) for item in getattr(command, "items", ())]


def test_the_header_is_complete() -> None:
    header = MessageBuilder().delete("./A").message(SERVER, Header("7", "3", "IMEI:1", "1.3")).header
    assert (header.ver_dtd, header.ver_proto) == ("1.2", "DM/1.2")
    assert (header.session_id, header.msg_id, header.target, header.source) == ("7", "3", "IMEI:1", "com.example.dms")
    assert header.meta == Meta(emi="WBXML/1.3")
    default = MessageBuilder().delete("./A").message(SERVER).header
    assert (default.session_id, default.msg_id, default.target) == ("1", "1", "./")


def test_what_is_composed_is_what_is_read_and_breaks_no_rule() -> None:
    builder = (
        MessageBuilder()
        .replace("./A", "x")
        .add("./B", b"\x00\x01")
        .add("./C", "5", format_=NodeFormat.INT)
        .add_interior("./D", mo_id="urn:oma:mo:x:1.0")
        .add_object("./Inbox", OBJECTS.build(acl=ACL))
        .replace_object("./V", ObjectBuilder().node(leaf("x")).build(at_target=True), embedding=Embedding.INLINE)
        .replace_acl("./E", ACL)
        .rename("./F", "G")
        .sequence(MessageBuilder().delete("./H", "./I").add("./H", "x"))
    )
    octets = builder.compose(SERVER)
    assert parse_message(octets) == builder.message(SERVER)
    assert lint(octets, SERVER, LintPolicy(strict=True)) == ()


def test_commands_are_numbered_in_their_order_a_group_before_what_it_holds() -> None:
    inner = MessageBuilder().delete("./B").copy("./C", "./D")
    message = MessageBuilder().delete("./A").atomic(inner).execute("./E", "now", correlator="c").message(SERVER)
    commands = list(walk_commands(message.commands))
    assert [command.cmd_id for command in commands] == ["1", "2", "3", "4", "5"]
    kinds = [CommandKind.DELETE, CommandKind.ATOMIC, CommandKind.DELETE, CommandKind.COPY, CommandKind.EXEC]
    assert [command.kind for command in commands] == kinds
    copied, executed = commands[3], commands[4]
    assert isinstance(commands[1], GroupCommand)
    assert isinstance(copied, ItemCommand)
    assert isinstance(executed, ItemCommand)
    assert (copied.items[0].source, copied.items[0].target) == ("./C", "./D")
    assert (executed.correlator, executed.items[0].data) == ("c", TextData("now"))


def test_what_is_added_says_its_format_and_what_is_replaced_keeps_it() -> None:
    builder = MessageBuilder().add_leaves(Leaf("./A", "x"), Leaf("./B", b"x"), Leaf("./C", "1", NodeFormat.BOOL, "a/b"))
    metas = [item.meta for item in items(builder.replace("./A", "y").replace("./B", b"y"))]
    assert metas == [
        Meta(format="chr", type="text/plain"),
        Meta(format="bin", type="application/octet-stream"),
        Meta(format="bool", type="a/b"),
        None,
        Meta(format="bin"),
    ]


def test_a_builder_is_a_value() -> None:
    empty = MessageBuilder()
    one = empty.delete("./A")
    assert empty.commands == ()
    assert one.delete("./B") != one == MessageBuilder().delete("./A")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: MessageBuilder().add("./A/../B", "x"),
        lambda: MessageBuilder().replace("/A", "x"),
        lambda: MessageBuilder().delete("./A?prop=ACL"),
        lambda: MessageBuilder().copy("./A?prop=ACL", "./B"),
        lambda: MessageBuilder().rename("./A?prop=Name", "x"),
        lambda: MessageBuilder().delete(),
        lambda: MessageBuilder().add_leaves(),
        lambda: MessageBuilder().atomic(MessageBuilder()),
        lambda: MessageBuilder().compose(SERVER),
        lambda: MessageBuilder().replace("./A", "a\x00b").compose(SERVER),
        lambda: ObjectBuilder().build(),
        lambda: ObjectBuilder().node(leaf("x"), leaf("x")).build(),
        lambda: ObjectBuilder().access_point(INTERNET).proxy(Proxy(identifier="internet")).build(),
        lambda: ObjectBuilder().account(BACKUP).proxy(Proxy(identifier="gate", node_name="")).build(),
    ],
)
def test_what_makes_no_message_is_refused(wrong: object) -> None:
    assert callable(wrong)
    with pytest.raises(DmError):
        wrong()


def test_bounds_are_held() -> None:
    with pytest.raises(LimitExceededError):
        MessageBuilder().replace("./A", "x" * 200).compose(SERVER, limits=Limits(xml_octets=500))


@pytest.mark.parametrize("embedding", Embedding)
def test_objects_are_equal_in_every_embedding(embedding: Embedding) -> None:
    document = OBJECTS.build(acl=ACL)
    [item] = items(MessageBuilder().add_object("./Inbox", document, embedding=embedding))
    assert extract_tnds(item, item.effective_meta(None)) == document


def test_references_to_objects_beside_are_made() -> None:
    account, _, gate = OBJECTS.build(acl=ACL).nodes
    read = parse_dmacc(account, place=".")
    assert read.pref_con_ref == "./Inbox/gate"
    assert read.to_con_refs == ("./Inbox/internet", "./NAP/other")
    references = [node.value for node in gate.walk() if node.name == "ConRef"]
    assert references == ["./Inbox/internet", "wlan"]


def test_built_objects_fit_their_tables() -> None:
    with_secret = AccessPoint(identifier="x", auth=ConnectionAuth(secret=Secret(b"s")))
    for node in OBJECTS.access_point(with_secret).build().nodes:
        table = next(table for table in STANDARD_OBJECTS if node.mo_id in table.versions)
        table.check(node, "./X")


def test_an_acl_is_for_those_that_have_none() -> None:
    own = parse_acl("Get=*")
    document = ObjectBuilder().access_point(INTERNET, acl=own).proxy(GATE).build(acl=ACL)
    assert [str(node.acl) for node in document.nodes] == ["Get=*", str(ACL)]
    assert ACL.may(AclCommand.REPLACE, SERVER)
    assert [node.acl for node in ObjectBuilder().access_point(INTERNET).build().nodes] == [None]


def leaf(name: str) -> TndsNode:
    return TndsNode(name, NodeFormat.CHR, "x", type=NodeType(TypeKind.MIME, "text/plain"))
