from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcard_dm import wbxml
from smartcard_dm.dm import (
    Bootstrap,
    DmAccount,
    Embedding,
    TndsDocument,
    TndsNode,
    build_bootstrap,
    build_bootstrap_wbxml,
    build_tnds,
    parse_bootstrap,
    parse_dmacc,
)
from smartcard_dm.dm.namespaces import MO_DMACC, MO_DMACC_1_1, MO_DMACC_ALIAS
from smartcard_dm.errors import DecodeError, DmError, LimitExceededError, UnsupportedError
from smartcard_dm.limits import Limits
from tests.dm.samples import FULL_TREE, SMALL_TREE, account_node, changed, message_xml, node

if TYPE_CHECKING:
    from tests.dm.samples import Tree

FULL = parse_dmacc(account_node(FULL_TREE), place="")
SMALL = parse_dmacc(account_node(SMALL_TREE, "Small"), place="")
OCTETS = build_bootstrap_wbxml([FULL, SMALL])


def tnds_item(*nodes: TndsNode, target: str = "./Inbox") -> str:
    tree = build_tnds(TndsDocument(nodes)).decode()
    return (
        f"<Item><Target><LocURI>{target}</LocURI></Target>"
        '<Meta><Format xmlns="syncml:metinf">xml</Format>'
        f'<Type xmlns="syncml:metinf">application/vnd.syncml.dmtnds+xml</Type></Meta><Data>{tree}</Data></Item>'
    )


def add(*items: str, cmd_id: int = 1) -> str:
    return f"<Add><CmdID>{cmd_id}</CmdID>{''.join(items)}</Add>"


def leaf_item(uri: str, value: str | None, *, format_: str = "", type_: str = "") -> str:
    meta = (f'<Format xmlns="syncml:metinf">{format_}</Format>' if format_ else "") + (
        f'<Type xmlns="syncml:metinf">{type_}</Type>' if type_ else ""
    )
    data = f"<Data>{value}</Data>" if value is not None else ""
    return f"<Item><Target><LocURI>{uri}</LocURI></Target><Meta>{meta}</Meta>{data}</Item>"


def small_leaves(root: str = "./DMAcc/Small") -> list[str]:
    return [
        leaf_item(f"{root}/AppID", "w7"),
        leaf_item(f"{root}/ServerID", "com.example.small"),
        leaf_item(f"{root}/AppAddr/1/Addr", "https://small.example.com"),
        leaf_item(f"{root}/AppAddr/1/AddrType", ""),
    ]


def read(*items: str) -> Bootstrap:
    return parse_bootstrap(message_xml(add(*items)))


@pytest.mark.parametrize("embedding", Embedding)
def test_accounts_survive_each_embedding(embedding: Embedding) -> None:
    for octets in (
        build_bootstrap([FULL, SMALL], embedding=embedding),
        build_bootstrap_wbxml([FULL, SMALL], embedding=embedding),
    ):
        bootstrap = parse_bootstrap(octets)
        assert bootstrap.accounts == (FULL, SMALL)
        assert not bootstrap.empty
        assert (bootstrap.skipped, bootstrap.warnings) == ((), ())


def test_header_of_the_message_is_the_callers() -> None:
    xml = build_bootstrap([FULL], session_id="7", msg_id="8", target="IMEI:493005100592800")
    message = parse_bootstrap(xml).message
    assert message is not None
    header = message.header
    assert (header.session_id, header.msg_id, header.target) == ("7", "8", "IMEI:493005100592800")
    assert header.source == "com.example.dms"
    assert build_bootstrap_wbxml([FULL]) == wbxml.from_xml(build_bootstrap([FULL]))
    with pytest.raises(ValueError, match="at least one account"):
        build_bootstrap([])


@pytest.mark.parametrize("padding", [b"", b"\xff", b"\xff" * 100, b"\x00" * 7, b"\xff\x00\xff"])
def test_padding_is_cut_at_the_very_end(padding: bytes) -> None:
    assert parse_bootstrap(OCTETS + padding).accounts == (FULL, SMALL)
    assert parse_bootstrap(build_bootstrap([FULL]) + padding).accounts == (FULL,)
    assert parse_bootstrap(padding) == Bootstrap()
    assert parse_bootstrap(padding).empty


def test_cut_vector_is_refused() -> None:
    xml = build_bootstrap([FULL], embedding=Embedding.INLINE)
    vectors = chain((OCTETS[:end] for end in range(1, len(OCTETS))), (xml[:end] for end in range(1, len(xml), 7)))
    for vector in vectors:
        with pytest.raises((DecodeError, UnsupportedError)):
            parse_bootstrap(vector)


@pytest.mark.parametrize("trailing", [b"\x01", b"\xff\x01", b"\x00x", OCTETS])
def test_trailing_octets_are_refused(trailing: bytes) -> None:
    with pytest.raises(DecodeError):
        parse_bootstrap(OCTETS + trailing)


@pytest.mark.parametrize("first", [b"\x00\x02", b"\x04", b" <", b"\xef\xbb\xbf<", b"\xff\xffx"])
def test_another_first_octet_is_no_message(first: bytes) -> None:
    with pytest.raises(DmError, match=f"found {first[0]:02X}") as caught:
        parse_bootstrap(first + b"abc")
    assert caught.value.offset == 0


@given(st.binary() | st.binary().map(lambda tail: b"\x02\xa4\x01\x6a\x00" + tail))
def test_any_octets_give_a_value_or_our_error(octets: bytes) -> None:
    try:
        bootstrap = parse_bootstrap(octets)
    except (DecodeError, UnsupportedError):
        return
    assert bootstrap.empty == (not octets.strip(b"\xff\x00"))


@given(st.data())
def test_any_change_of_a_vector_gives_a_value_or_our_error(data: st.DataObject) -> None:
    octets = bytearray(data.draw(st.sampled_from([OCTETS, build_bootstrap([FULL], embedding=Embedding.INLINE)])))
    for _ in range(data.draw(st.integers(1, 4))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    try:
        bootstrap = parse_bootstrap(bytes(octets))
    except (DecodeError, UnsupportedError):
        return
    assert isinstance(bootstrap, Bootstrap)


def test_accounts_are_found_wherever_they_stand_and_in_the_order_of_the_message() -> None:
    first, second = account_node(SMALL_TREE, "a"), account_node(changed(SMALL_TREE, "ServerID", "b"), "b")
    third = account_node(changed(SMALL_TREE, "ServerID", "c"), "c")
    holder = replace(node("Deep", {}), children=(replace(node("DMAcc", {}), children=(first, second)),))
    body = (
        f"<Sequence><CmdID>9</CmdID>{add(tnds_item(holder, target='./Vendor'))}</Sequence>"
        f"{add(*small_leaves(), cmd_id=2)}"
        f"<Replace><CmdID>3</CmdID>{tnds_item(third)}</Replace>"
    )
    bootstrap = parse_bootstrap(message_xml(body))
    assert [account.node_name for account in bootstrap.accounts] == ["a", "b", "Small", "c"]


def test_two_accounts_with_one_server_id_are_both_returned() -> None:
    bootstrap = read(tnds_item(account_node(SMALL_TREE, "a"), account_node(SMALL_TREE, "b")))
    assert [account.node_name for account in bootstrap.accounts] == ["a", "b"]


def test_unknown_objects_are_skipped_and_listed() -> None:
    nap = node("NAP", {"Bearer": "x"}, mo_id="urn:oma:mo:oma-dm-nap:1.0")
    bootstrap = read(tnds_item(nap, account_node(SMALL_TREE)), leaf_item("./Vendor/Colour", "blue"))
    assert len(bootstrap.accounts) == 1
    assert bootstrap.skipped == ("urn:oma:mo:oma-dm-nap:1.0", "./Vendor/Colour")


def test_an_account_inside_an_unknown_object_is_found() -> None:
    vendor = replace(node("V", {}, mo_id="com.vendor/1.0"), children=(account_node(SMALL_TREE),))
    bootstrap = read(tnds_item(vendor))
    assert (len(bootstrap.accounts), bootstrap.skipped) == (1, ("com.vendor/1.0",))


def test_tolerated_oddities_are_reported() -> None:
    bare = replace(node("DMAcc", {}), type=None, children=(account_node(SMALL_TREE),))
    assert read(tnds_item(bare)).warnings == ("./Inbox/DMAcc: an interior node has no RTProperties",)


OTHER_NODE = changed(SMALL_TREE, "DM20", "x")


def test_the_newest_version_that_can_be_read_counts() -> None:
    old, new = account_node(SMALL_TREE, "old"), account_node(SMALL_TREE, "new", mo_id=MO_DMACC_1_1)
    strange = account_node(OTHER_NODE, "strange", mo_id=MO_DMACC_1_1)
    bootstrap = read(tnds_item(old, new))
    assert [account.node_name for account in bootstrap.accounts] == ["new"]
    assert bootstrap.skipped == (MO_DMACC,)
    bootstrap = read(tnds_item(old, strange))
    assert [account.node_name for account in bootstrap.accounts] == ["old"]
    assert bootstrap.skipped == (MO_DMACC_1_1,)
    assert len(read(tnds_item(old, account_node(SMALL_TREE, "alias", mo_id=MO_DMACC_ALIAS))).accounts) == 2


def test_when_no_version_can_be_read_the_newest_is_named() -> None:
    old, new = account_node(OTHER_NODE, "old"), account_node(OTHER_NODE, "new", mo_id=MO_DMACC_1_1)
    with pytest.raises(DmError) as caught:
        read(tnds_item(old, new))
    assert caught.value.place == "./Inbox/new/DM20"


@pytest.mark.parametrize(
    ("tree", "named"),
    [
        pytest.param(changed(SMALL_TREE, "ServerID", None), "./Inbox/Path/Example/ServerID", id="ServerID missing"),
        pytest.param(changed(SMALL_TREE, "AppID", "w2"), "./Inbox/Path/Example/AppID", id="AppID"),
    ],
)
def test_a_broken_account_is_named_by_its_uri(tree: Tree, named: str) -> None:
    holder = replace(node("Path", {}), children=(account_node(tree),))
    with pytest.raises(DmError) as caught:
        read(tnds_item(holder))
    assert caught.value.place == named


@pytest.mark.parametrize("root", ["./DMAcc/Small", "SyncML/DMAcc/Small", "./a/b/DMAcc/Small"])
def test_account_built_leaf_by_leaf(root: str) -> None:
    bootstrap = read(leaf_item(root.removesuffix("/Small"), None, format_="node"), *small_leaves(root))
    assert bootstrap.accounts == (SMALL,)
    assert bootstrap.skipped == ()


def test_account_built_leaf_by_leaf_in_any_order_below_a_typed_node() -> None:
    root = leaf_item("./Servers/Small", None, format_="node", type_=MO_DMACC)
    outside = leaf_item("./Servers", None, format_="node")
    bootstrap = read(*reversed(small_leaves("./Servers/Small")), root, outside)
    assert bootstrap.accounts == (SMALL,)
    assert bootstrap.skipped == ("./Servers",)


def test_formats_of_leaves() -> None:
    auth = "./DMAcc/Small/AppAuth/1"
    bootstrap = read(
        *small_leaves(),
        leaf_item(f"{auth}/AAuthLevel", "SRVCRED", format_="chr", type_="text/plain"),
        leaf_item(f"{auth}/AAuthType", "X509"),
        leaf_item(f"{auth}/AAuthData", "MAMCAQc=", format_="b64"),
        leaf_item("./DMAcc/Small/Ext/Nothing", None, format_="null"),
        leaf_item("./DMAcc/Small?prop=ACL", "Get=*"),
    )
    (account,) = bootstrap.accounts
    assert account.auth[0].certificate == b"\x30\x03\x02\x01\x07"
    assert account.ext is not None
    assert bootstrap.skipped == ("./DMAcc/Small?prop=ACL",)


ACCOUNT = "./DMAcc/Small"


@pytest.mark.parametrize(
    ("item", "place", "fault"),
    [
        pytest.param(leaf_item(f"{ACCOUNT}/AppID", "w7"), f"{ACCOUNT}/AppID", "two items give one node", id="twice"),
        pytest.param(leaf_item(f"{ACCOUNT}/AppID/x", ""), f"{ACCOUNT}/AppID/x", "below a leaf", id="below a leaf"),
        pytest.param(leaf_item(f"{ACCOUNT}/Name", None), f"{ACCOUNT}/Name", "no Data", id="leaf without data"),
        pytest.param(
            leaf_item(f"{ACCOUNT}/Name", "x", format_="text"), f"{ACCOUNT}/Name", "unknown Format", id="Format"
        ),
        pytest.param(leaf_item(f"{ACCOUNT}/Name", "x", format_="null"), f"{ACCOUNT}/Name", "has a value", id="null"),
        pytest.param(leaf_item(f"{ACCOUNT}/Ext", "x", format_="node"), f"{ACCOUNT}/Ext", "has a value", id="node"),
        pytest.param(leaf_item(f"{ACCOUNT}/Name", "x", format_="bin"), f"{ACCOUNT}/Name", "Base64", id="bin"),
        pytest.param(leaf_item(f"{ACCOUNT}/Name", "AA==", format_="bin"), f"{ACCOUNT}/Name", "wanted chr", id="binary"),
        pytest.param(leaf_item(f"{ACCOUNT}/Other", "x"), f"{ACCOUNT}/Other", "not a node", id="unknown node"),
        pytest.param(leaf_item("./DMAcc/Two/AppID", "w7"), "./DMAcc/Two/ServerID", "missing", id="half an account"),
        pytest.param(leaf_item("./a/", "x"), "/SyncML/SyncBody/Add[1]/Item[5]", "segment is empty", id="no URI"),
        pytest.param("<Item><Data>x</Data></Item>", "/SyncML/SyncBody/Add[1]/Item[5]", "no target", id="no target"),
    ],
)
def test_contradictions_between_leaves_name_the_node(item: str, place: str, fault: str) -> None:
    with pytest.raises(DmError) as caught:
        read(*small_leaves(), item)
    assert caught.value.place == place
    assert fault in str(caught.value)


@pytest.mark.parametrize(
    ("body", "feature"),
    [
        pytest.param("<Delete><CmdID>1</CmdID><Item/></Delete>", "Delete in a bootstrap", id="Delete"),
        pytest.param("<Copy><CmdID>1</CmdID><Item/></Copy>", "Copy in a bootstrap", id="Copy"),
        pytest.param(add("<Item><Data/><MoreData/></Item>"), "MoreData", id="MoreData"),
        pytest.param(
            add('<Item><Data><EncryptedData xmlns="http://www.w3.org/2001/04/xmlenc#"/></Data></Item>'),
            "encrypted content",
            id="encrypted",
        ),
        pytest.param(add(leaf_item("./a?list=TNDS", "")), r"\?list", id="list"),
    ],
)
def test_what_a_bootstrap_message_cannot_do_is_not_supported(body: str, feature: str) -> None:
    with pytest.raises(UnsupportedError, match=feature):
        parse_bootstrap(message_xml(body))


def test_commands_that_build_nothing_are_listed() -> None:
    body = (
        "<Get><CmdID>1</CmdID><Item/></Get><Exec><CmdID>2</CmdID><Item/></Exec><Alert><CmdID>3</CmdID></Alert>"
        + add(tnds_item(account_node(SMALL_TREE)), cmd_id=4)
    )
    bootstrap = parse_bootstrap(message_xml(body))
    assert (len(bootstrap.accounts), bootstrap.skipped) == (1, ("Get", "Exec", "Alert"))


def test_number_of_accounts_is_bounded() -> None:
    with pytest.raises(LimitExceededError, match=r"Limits\.accounts"):
        parse_bootstrap(OCTETS, limits=Limits(accounts=1))
    assert len(parse_bootstrap(OCTETS, limits=Limits(accounts=2)).accounts) == 2


def test_a_signature_is_not_part_of_a_bootstrap_message() -> None:
    xml = build_bootstrap([SMALL]).replace(
        b"</SyncML>", b'<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"></Signature></SyncML>'
    )
    with pytest.raises(DmError, match="Signature"):
        parse_bootstrap(xml)


def test_accounts_without_names_get_none() -> None:
    nameless: DmAccount = replace(SMALL, node_name="")
    assert parse_bootstrap(build_bootstrap([nameless, nameless])).accounts == (nameless, nameless)
