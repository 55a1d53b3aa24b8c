from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcard_dm.dm import (
    NodeFormat,
    NodeType,
    NodeUri,
    TndsDocument,
    TndsNode,
    TypeKind,
    build_tnds,
    parse_acl,
    parse_tnds,
)
from smartcard_dm.errors import DecodeError, DmError, LimitExceededError, UnsupportedError
from smartcard_dm.limits import Limits
from tests.dm.samples import tnds_xml
from tests.dm.strategies import documents

PLAIN = "<RTProperties><Type><MIME>text/plain</MIME></Type></RTProperties>"
FORMATTED = "<RTProperties><Format><{}/></Format><Type><MIME>text/plain</MIME></Type></RTProperties>"
OBJECT = "<RTProperties><Format><node/></Format><Type><DDFName>urn:x:1.0</DDFName></Type></RTProperties>"
INNER = "<RTProperties><Format><node/></Format><Type><DDFName/></Type></RTProperties>"


def nodes(xml: str) -> tuple[TndsNode, ...]:
    return parse_tnds(tnds_xml(xml)).nodes


def leaf(inside: str, name: str = "L") -> str:
    return f"<Node><NodeName>{name}</NodeName>{inside}</Node>"


def test_every_property_is_read() -> None:
    document = parse_tnds(
        b'<MgmtTree xmlns="syncml:dmddf1.2">\n <VerDTD>1.2</VerDTD><Man>Maker</Man><Mod>Model</Mod>'
        b"<Node><NodeName>A</NodeName><Path>./DMAcc</Path>"
        b"<RTProperties><ACL>Get=*&amp;Replace=com.example.dms</ACL><Format><node/></Format><Title>Account</Title>"
        b"<TStamp>20010711T163817Z</TStamp><Type><DDFName>urn:x:1.0</DDFName></Type><VerNo>65535</VerNo></RTProperties>"
        b"<Node><NodeName>B</NodeName><RTProperties><Format><bin/></Format><Type><MIME>a/b</MIME></Type></RTProperties>"
        b"<Value> AAEC\n/w== </Value></Node></Node></MgmtTree>"
    )
    below = TndsNode("B", NodeFormat.BIN, b"\x00\x01\x02\xff", type=NodeType(TypeKind.MIME, "a/b"))
    node = TndsNode(
        "A",
        NodeFormat.NODE,
        children=(below,),
        type=NodeType(TypeKind.DDF_NAME, "urn:x:1.0"),
        acl=parse_acl("Get=*&Replace=com.example.dms"),
        title="Account",
        tstamp="20010711T163817Z",
        verno=65535,
        path=NodeUri(("DMAcc",)),
    )
    assert document == TndsDocument((node,), "Maker", "Model")
    assert node.mo_id == "urn:x:1.0"
    assert below.mo_id is None
    assert [each.name for each in node.walk()] == ["A", "B"]


@pytest.mark.parametrize(
    ("properties", "content", "wanted", "value"),
    [
        pytest.param(PLAIN, "<Value>x</Value>", NodeFormat.CHR, "x", id="value means chr"),
        pytest.param(PLAIN, "", NodeFormat.CHR, "", id="MIME without value means chr"),
        pytest.param(
            OBJECT.replace("<Format><node/></Format>", ""), "", NodeFormat.NODE, None, id="DDFName means node"
        ),
        pytest.param(
            OBJECT.replace("<Format><node/></Format>", ""),
            "<Value>x</Value>",
            NodeFormat.CHR,
            "x",
            id="DDFName with value",
        ),
        pytest.param(PLAIN, leaf(PLAIN), NodeFormat.NODE, None, id="children mean node"),
        pytest.param(FORMATTED.format("null"), "", NodeFormat.NULL, None, id="null"),
        pytest.param(FORMATTED.format("null"), "<Value/>", NodeFormat.NULL, None, id="null with empty value"),
        pytest.param(FORMATTED.format("b64"), "<Value>AA==</Value>", NodeFormat.B64, b"\x00", id="b64"),
        pytest.param(FORMATTED.format("bin"), "", NodeFormat.BIN, b"", id="empty bin"),
        pytest.param(FORMATTED.format("int"), "<Value>7</Value>", NodeFormat.INT, "7", id="int"),
    ],
)
def test_format_and_value(properties: str, content: str, wanted: NodeFormat, value: str | bytes | None) -> None:
    (node,) = nodes(leaf(properties + content, "A"))
    assert node.format is wanted
    assert node.value == value


@pytest.mark.parametrize(
    ("xml", "place", "fault"),
    [
        pytest.param(
            leaf(PLAIN + "<Value><a/></Value>"), "./L <Node>/Value", "where text belongs", id="element in Value"
        ),
        pytest.param(leaf(FORMATTED.format("bin") + "<Value>A</Value>"), "./L", "Base64", id="value is no Base64"),
        pytest.param(leaf(FORMATTED.format("bin") + "<Value>AB==</Value>"), "./L", "Base64", id="padding bits"),
        pytest.param(leaf(FORMATTED.format("bin") + "<Value>Größe</Value>"), "./L", "Base64", id="not ASCII"),
        pytest.param(leaf(FORMATTED.format("null") + "<Value>x</Value>"), "./L", "has a value", id="null with value"),
        pytest.param(leaf(INNER + "<Value>x</Value>"), "./L", "has a value", id="interior with value"),
        pytest.param(leaf(FORMATTED.format("chr") + leaf(PLAIN)), "./L", "leaf has children", id="leaf with children"),
        pytest.param(
            leaf(INNER + leaf(PLAIN) + "<Value/>"), "./L <Node>/Value", "out of place", id="children and value"
        ),
        pytest.param(
            leaf(PLAIN + "<Value/>" + leaf(PLAIN)), "./L <Node>/Node[1]", "out of place", id="value then node"
        ),
        pytest.param(leaf(PLAIN + "<Value/><Value/>"), "./L <Node>/Value[2]", "out of place", id="two values"),
        pytest.param(leaf("<Value>x</Value>"), "./L", "leaf has no RTProperties", id="leaf without properties"),
        pytest.param(leaf(INNER + leaf(PLAIN) + leaf(PLAIN)), "./L/L", "two nodes have one name", id="twins"),
        pytest.param(leaf(INNER + leaf(PLAIN, "")), "./L/(unnamed)", "without a name", id="nameless leaf inside"),
        pytest.param(leaf(INNER + leaf(INNER, "")), "./L/(unnamed)", "without a name", id="nameless node inside"),
        pytest.param(leaf(PLAIN, "a/b"), "/MgmtTree/Node[1]/NodeName", "no '/'", id="slash in a name"),
        pytest.param(leaf(INNER + leaf(PLAIN, "..")), "./L <Node>/Node[1]/NodeName", "no node names", id="dots"),
        pytest.param(
            leaf(INNER + "<Node><Path>a</Path></Node>"), "./L <Node>/Node[1]/Path", "wanted NodeName", id="no name"
        ),
        pytest.param(
            leaf(INNER + leaf("<Path>a</Path>" + PLAIN)), "./L/L <Node>/Path", "out of place", id="Path further down"
        ),
        pytest.param(leaf("<Path>/a</Path>" + PLAIN), "/MgmtTree/Node[1]/Path", "segment is empty", id="absolute Path"),
        pytest.param(
            leaf(FORMATTED.format("text")), "./L <Node>/RTProperties/Format/text", "unknown Format", id="format"
        ),
        pytest.param(
            leaf(FORMATTED.replace("<{}/>", "<chr/><bin/>")), "./L <Node>/RTProperties/Format/bin", "", id="two formats"
        ),
        pytest.param(
            leaf(FORMATTED.replace("<{}/>", "")), "./L <Node>/RTProperties/Format", "is missing", id="no format inside"
        ),
        pytest.param(
            leaf(PLAIN.replace("MIME", "OID")), "./L <Node>/RTProperties/Type/OID", "kind of Type", id="kind of type"
        ),
        pytest.param(
            leaf("<RTProperties/>"),
            "./L <Node>/RTProperties",
            "wanted ACL or Format or Title or TStamp or Type",
            id="type",
        ),
        pytest.param(
            leaf(PLAIN.replace("<Type>", "<VerNo>1</VerNo><Type>")), "./L <Node>/RTProperties/VerNo", "", id="order"
        ),
        pytest.param(
            leaf(PLAIN.replace("<Type>", "<ACL>Get</ACL><Type>")), "./L <Node>/RTProperties/ACL", "no server", id="ACL"
        ),
        pytest.param(
            leaf(PLAIN.replace("<Type>", f"<Title>{'é' * 128}</Title><Type>")),
            "./L <Node>/RTProperties/Title",
            "at most 255",
            id="long title",
        ),
        pytest.param(
            leaf(PLAIN.replace("<Type>", "<TStamp>2001-07-11</TStamp><Type>")),
            "./L <Node>/RTProperties/TStamp",
            "time stamp",
            id="time stamp",
        ),
        pytest.param(
            leaf(PLAIN.replace("</RT", "<VerNo>65536</VerNo></RT")),
            "./L <Node>/RTProperties/VerNo",
            "16 bit",
            id="VerNo",
        ),
        pytest.param(
            leaf(PLAIN.replace("</RT", "<VerNo>x</VerNo></RT")),
            "./L <Node>/RTProperties/VerNo",
            "16 bit",
            id="VerNo text",
        ),
        pytest.param("", "/MgmtTree", "an element is missing (wanted Man or Mod or Node)", id="no node"),
        pytest.param(leaf(PLAIN) + "<Man/>", "/MgmtTree/Man", "out of place", id="Man after Node"),
    ],
)
def test_broken_object_is_refused_and_the_node_named(xml: str, place: str, fault: str) -> None:
    with pytest.raises(DmError) as caught:
        parse_tnds(tnds_xml(xml))
    assert caught.value.place == place
    assert fault in str(caught.value)


@pytest.mark.parametrize(
    "xml",
    [
        pytest.param(leaf(PLAIN + "<DFProperties/>"), id="DFProperties"),
        pytest.param(leaf(PLAIN.replace("<Type>", "<Name>L</Name><Type>")), id="Name"),
        pytest.param(leaf(PLAIN.replace("<Type>", "<Size>1</Size><Type>")), id="Size"),
    ],
)
def test_elements_of_other_documents_are_not_supported(xml: str) -> None:
    with pytest.raises(UnsupportedError, match=r"TNDS object at \./L"):
        parse_tnds(tnds_xml(xml))


def test_another_version_is_not_supported() -> None:
    with pytest.raises(UnsupportedError, match=r"TNDS version '1\.3'"):
        parse_tnds(tnds_xml(leaf(PLAIN), version="1.3"))


def test_missing_properties_of_an_interior_node_are_tolerated_and_reported() -> None:
    document = parse_tnds(tnds_xml(leaf(leaf(PLAIN, "M") + leaf("", "N"))), place="./Inbox")
    assert document.warnings == (
        "./Inbox/L/N: an interior node has no RTProperties",
        "./Inbox/L: an interior node has no RTProperties",
    )
    assert document.nodes[0].type is None
    assert [child.format for child in document.nodes[0].children] == [NodeFormat.CHR, NodeFormat.NODE]


def test_nodes_may_be_nameless_where_an_object_begins() -> None:
    (node,) = nodes(leaf(INNER + leaf(OBJECT, "") + leaf(OBJECT, ""), ""))
    assert node.name == ""
    assert [child.name for child in node.children] == ["", ""]


def test_an_empty_path_adds_nothing() -> None:
    assert nodes(leaf("<Path/>" + PLAIN))[0].path == NodeUri()
    assert nodes(leaf("<Path>.</Path>" + PLAIN))[0].path == NodeUri()


def test_places_begin_with_target_and_path() -> None:
    xml = tnds_xml(leaf("<Path>a/b</Path><RTProperties/>"))
    with pytest.raises(DmError, match=r"at \./Inbox/a/b/L <Node>/RTProperties"):
        parse_tnds(xml, place="./Inbox")


def test_bounds_are_held() -> None:
    xml = tnds_xml(leaf(INNER + leaf(PLAIN)))
    assert parse_tnds(xml, limits=Limits(tnds_nodes=2, node_uri_segments=2))
    with pytest.raises(LimitExceededError, match="tnds_nodes"):
        parse_tnds(xml, limits=Limits(tnds_nodes=1))
    with pytest.raises(LimitExceededError, match="node_uri_segments"):
        parse_tnds(xml, limits=Limits(node_uri_segments=1))
    with pytest.raises(LimitExceededError, match="node_uri_segments"):
        parse_tnds(tnds_xml(leaf("<Path>a/b</Path>" + PLAIN)), limits=Limits(node_uri_segments=2))


@given(documents())
def test_object_survives_writing_and_reading(document: TndsDocument) -> None:
    assert parse_tnds(build_tnds(document)) == document


@given(documents(), st.data())
def test_cut_object_is_refused(document: TndsDocument, data: st.DataObject) -> None:
    xml = build_tnds(document)
    with pytest.raises(DecodeError):
        parse_tnds(xml[: data.draw(st.integers(0, len(xml) - 1))])
    with pytest.raises(DecodeError):
        parse_tnds(xml + b"x")


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        pytest.param({"format": NodeFormat.CHR, "value": b""}, "is str", id="octets for text"),
        pytest.param({"format": NodeFormat.BIN, "value": ""}, "is bytes", id="text for octets"),
        pytest.param({"format": NodeFormat.CHR}, "is str", id="no value"),
        pytest.param({"format": NodeFormat.NULL, "value": ""}, "null has a value", id="null with value"),
        pytest.param({"format": NodeFormat.NODE, "value": ""}, "interior node has", id="interior with value"),
        pytest.param({"format": NodeFormat.NODE, "name": "a/b"}, "no '/'", id="name"),
        pytest.param({"format": NodeFormat.NODE, "type": None, "verno": 1}, "lack the Type", id="property, no type"),
        pytest.param({"format": NodeFormat.CHR, "value": "", "type": None}, "lack the Type", id="leaf, no type"),
        pytest.param(
            {"format": NodeFormat.CHR, "value": "", "children": (TndsNode("c", NodeFormat.NODE),)},
            "leaf has children",
            id="leaf with children",
        ),
        pytest.param(
            {"format": NodeFormat.NODE, "children": (TndsNode("c", NodeFormat.NODE, path=NodeUri()),)},
            "directly below MgmtTree",
            id="path below",
        ),
    ],
)
def test_impossible_nodes_cannot_be_made(arguments: dict[str, object], fault: str) -> None:
    complete: dict[str, object] = {"name": "n", "type": NodeType(TypeKind.MIME), **arguments}
    with pytest.raises(ValueError, match=fault):
        TndsNode(**complete)  # type: ignore[arg-type] # wrong combinations on purpose


def test_nesting_as_deep_as_the_xml_library_allows_is_read() -> None:
    xml = leaf(PLAIN)
    for _ in range(240):
        xml = leaf(INNER + xml)
    limits = Limits(wbxml_depth=1000, node_uri_segments=1000)
    document = parse_tnds(tnds_xml(xml), limits=limits)
    assert len(list(document.nodes[0].walk())) == 241
    octets = build_tnds(document)  # compared as octets: `==` on values recurses
    assert build_tnds(parse_tnds(octets, limits=limits)) == octets
