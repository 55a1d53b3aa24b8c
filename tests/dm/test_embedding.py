from __future__ import annotations

import base64

import pytest
from hypothesis import given

from smartcard_dm import wbxml
from smartcard_dm.dm import (
    Embedding,
    EncryptedContent,
    InlineTree,
    Item,
    ItemCommand,
    Meta,
    TextData,
    TndsDocument,
    embed_tnds,
    extract_tnds,
    is_tnds,
    parse_message,
)
from smartcard_dm.dm.namespaces import MIME_TNDS_WBXML, MIME_TNDS_XML
from smartcard_dm.errors import DmError, LimitExceededError, WbxmlError
from smartcard_dm.limits import Limits
from tests.dm.samples import FULL_TREE, account_node, message_xml, tnds_xml
from tests.dm.strategies import documents

DOCUMENT = TndsDocument((account_node(FULL_TREE),))
LEAF = "<Node><NodeName>L</NodeName><RTProperties><Type><MIME>text/plain</MIME></Type></RTProperties></Node>"
XML = tnds_xml(LEAF)
WBXML = base64.b64encode(wbxml.from_xml(XML)).decode()


def extract(item: Item) -> TndsDocument:
    return extract_tnds(item, item.effective_meta(None))


@given(documents())
def test_the_three_embeddings_give_one_value(document: TndsDocument) -> None:
    assert [extract(embed_tnds(document, "./Inbox", each)) for each in Embedding] == [document] * 3


@pytest.mark.parametrize("embedding", Embedding)
@pytest.mark.parametrize("version", ["1.1", "1.2", "1.3"])
def test_embeddings_survive_a_wbxml_message(embedding: Embedding, version: str) -> None:
    item = embed_tnds(DOCUMENT, "./Inbox", embedding)
    assert item.meta is not None
    data = item.data.octets.decode() if isinstance(item.data, InlineTree) else ""
    if isinstance(item.data, TextData):
        data = item.data.text.replace("&", "&amp;").replace("<", "&lt;")
    meta = (
        f'<Meta><Format xmlns="syncml:metinf">{item.meta.format}</Format>'
        f'<Type xmlns="syncml:metinf">{item.meta.type}</Type></Meta>'
    )
    body = f"<Item><Target><LocURI>./Inbox</LocURI></Target>{meta}<Data>{data}</Data></Item>"
    octets = wbxml.from_xml(message_xml(f"<Add><CmdID>1</CmdID>{body}</Add>"), version)
    (command,) = parse_message(wbxml.to_xml(octets)).commands
    assert isinstance(command, ItemCommand)
    assert extract(command.items[0]) == DOCUMENT


@pytest.mark.parametrize(
    ("meta", "data"),
    [
        pytest.param(Meta("xml", MIME_TNDS_XML), TextData(f"\n{XML.decode()}\n"), id="XML text among white space"),
        pytest.param(Meta("xml", MIME_TNDS_XML.upper()), TextData(XML.decode()), id="type in capitals"),
        pytest.param(Meta("xml", MIME_TNDS_XML), InlineTree(XML), id="in line under +xml"),
        pytest.param(Meta("xml", MIME_TNDS_WBXML), InlineTree(XML), id="in line under +wbxml"),
        pytest.param(Meta(None, MIME_TNDS_XML), InlineTree(XML), id="in line without Format"),
        pytest.param(Meta("bin", MIME_TNDS_WBXML), TextData(WBXML), id="WBXML"),
        pytest.param(Meta("b64", MIME_TNDS_WBXML), TextData(WBXML), id="WBXML as Base64"),
    ],
)
def test_what_is_accepted(meta: Meta, data: TextData | InlineTree) -> None:
    item = Item(target="./Inbox", meta=meta, data=data)
    assert is_tnds(item, meta)
    assert extract(item).nodes[0].name == "L"


@pytest.mark.parametrize(
    ("meta", "data", "fault"),
    [
        pytest.param(Meta("xml", "text/plain"), InlineTree(XML), "Type is not one of a TNDS", id="other type"),
        pytest.param(Meta("xml"), InlineTree(XML), "found Type ''", id="no type"),
        pytest.param(Meta("bin", MIME_TNDS_WBXML), InlineTree(XML), "wanted xml, found 'bin'", id="in line under bin"),
        pytest.param(Meta("bin", MIME_TNDS_XML), TextData(WBXML), "contradicts", id="WBXML under +xml"),
        pytest.param(Meta("xml", MIME_TNDS_WBXML), TextData(WBXML), "wanted b64 or bin", id="WBXML under Format xml"),
        pytest.param(Meta("xml", MIME_TNDS_WBXML), TextData(XML.decode()), "contradicts", id="XML text under +wbxml"),
        pytest.param(Meta(None, MIME_TNDS_XML), TextData(XML.decode()), "found None", id="XML text without Format"),
        pytest.param(Meta("bin", MIME_TNDS_WBXML), TextData(XML.decode()), "not canonical Base64", id="no Base64"),
        pytest.param(Meta("xml", MIME_TNDS_XML), TextData(""), "does not begin with its root", id="empty text"),
        pytest.param(Meta("xml", MIME_TNDS_XML), None, "carries no TNDS object", id="no data"),
        pytest.param(Meta("xml", MIME_TNDS_XML), EncryptedContent(b"<e/>"), "carries no TNDS object", id="encrypted"),
        pytest.param(
            Meta("bin", MIME_TNDS_WBXML),
            TextData(base64.b64encode(wbxml.from_xml(message_xml("<Get/>"))).decode()),
            "wanted MgmtTree",
            id="another document in WBXML",
        ),
    ],
)
def test_contradictions_are_refused(
    meta: Meta, data: TextData | InlineTree | EncryptedContent | None, fault: str
) -> None:
    item = Item(target="./Inbox", meta=meta, data=data, place="/SyncML/SyncBody/Add[1]/Item[1]")
    with pytest.raises(DmError, match=fault):
        extract(item)


def test_broken_wbxml_and_bounds_are_our_errors() -> None:
    meta = Meta("bin", MIME_TNDS_WBXML)
    with pytest.raises(WbxmlError):
        extract(Item(meta=meta, data=TextData(base64.b64encode(b"\x02\x01\x6a").decode())))
    with pytest.raises(LimitExceededError):
        extract_tnds(Item(meta=meta, data=TextData(WBXML)), meta, limits=Limits(message_octets=10))


def test_other_items_are_no_tnds() -> None:
    assert not is_tnds(Item(data=TextData("x")), Meta())
    assert not is_tnds(Item(), Meta("chr", "text/plain"))
