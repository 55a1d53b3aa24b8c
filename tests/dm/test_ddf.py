from __future__ import annotations

from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smartcard_dm.dm import (
    AccessType,
    DescribedBranch,
    DeviceDescription,
    NodeDescription,
    NodeFormat,
    NodeUri,
    Occurrence,
    Scope,
    parse_ddf,
)
from smartcard_dm.errors import DecodeError, DmError, LimitExceededError, UnsupportedError
from smartcard_dm.limits import Limits

NAMESPACE: Final = ' xmlns="syncml:dmddf1.2"'
TYPED: Final = "<DFType><MIME>text/plain</MIME></DFType>"
OBJECT: Final = "<DFType><DDFName/></DFType>"
LEAF: Final = f"<DFProperties><AccessType><Get/></AccessType><DFFormat><chr/></DFFormat>{TYPED}</DFProperties>"
INNER: Final = f"<DFProperties><AccessType><Get/></AccessType><DFFormat><node/></DFFormat>{OBJECT}</DFProperties>"
LEAF_DESCRIPTION: Final = NodeDescription(
    name="L",
    format=NodeFormat.CHR,
    access=frozenset({AccessType.GET}),
    occurrence=Occurrence.ONE,
    types=("text/plain",),
)
GET_AND_ADD: Final = frozenset({AccessType.GET, AccessType.ADD})
INSTRUCTION: Final = '<?oma-dm-ddf-ver supported-versions="1.2"?>'
IDENTIFIERS: Final = 'PUBLIC "-//OMA//DTD-DM-DDF 1.2//EN" "http://ddf.example/dm_ddf.dtd"'

FULL: Final = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<!-- A lamp - one node, two leaves. -->
<!DOCTYPE MgmtTree {IDENTIFIERS}
    [{INSTRUCTION}]>
<!-- Behind the DOCTYPE -->
<MgmtTree xmlns:v="urn:example:maker" xml:lang="en">
  <VerDTD>1.<!-- inside -->2</VerDTD>
  <v:Diagnostics at="all"><v:Deep>text</v:Deep></v:Diagnostics>
  <Man>Maker</Man>
  <Mod>Model</Mod>
  <Node>
    <NodeName>Lamp</NodeName>
    <Path>./Vendor/Example</Path>
    <RTProperties>
      <ACL>Get=*</ACL><Format><node/></Format><Name>Lamp</Name><Size>0</Size><Title>Lamp</Title><TStamp/>
      <Type><DDFName/></Type><VerNo>1</VerNo>
    </RTProperties>
    <DFProperties>
      <AccessType><Get/><Add/></AccessType>
      <Description>A lamp</Description>
      <DFFormat><node/></DFFormat>
      <Occurrence><ZeroOrN>16</ZeroOrN></Occurrence>
      <Scope><Permanent/></Scope>
      <DFTitle>Lamp</DFTitle>
      <DFType><DDFName>urn:example:mo:lamp:1.0</DDFName></DFType>
      <CaseSense><CS/></CaseSense>
    </DFProperties>
    <Node>
      <NodeName/>
      <DFProperties>
        <AccessType><Add/><Copy/><Delete/><Exec/><Replace/></AccessType>
        <DefaultValue>AAEC /w==</DefaultValue>
        <DFFormat><bin/></DFFormat>
        <Occurrence><OneOrN>65536</OneOrN></Occurrence>
        <Scope><Dynamic/></Scope>
        <DFType><MIME>audio/mpeg</MIME><MIME>audio/MP4-LATM</MIME></DFType>
        <CaseSense><CIS/></CaseSense>
        <v:Allowed/>
      </DFProperties>
      <Value>AAEC/w==</Value>
    </Node>
    <Node>
      <NodeName>Bright</NodeName>
      <DFProperties><AccessType/><DFFormat><int/></DFFormat>{TYPED}</DFProperties>
      <Value>7</Value>
    </Node>
  </Node>
</MgmtTree>
<!-- the end -->
"""
FULL_DESCRIPTION: Final = NodeDescription(
    name="Lamp",
    format=NodeFormat.NODE,
    access=GET_AND_ADD,
    occurrence=Occurrence.ZERO_OR_MORE,
    scope=Scope.PERMANENT,
    types=("urn:example:mo:lamp:1.0",),
    maximum=16,
    children=(
        NodeDescription(
            name="",
            format=NodeFormat.BIN,
            access=frozenset(AccessType) - {AccessType.GET},
            occurrence=Occurrence.ONE_OR_MORE,
            scope=Scope.DYNAMIC,
            types=("audio/mpeg", "audio/MP4-LATM"),
            default=b"\x00\x01\x02\xff",
            maximum=65536,
            secret=True,
        ),
        NodeDescription(
            name="Bright",
            format=NodeFormat.INT,
            access=frozenset(),
            occurrence=Occurrence.ONE,
            types=("text/plain",),
            default="7",
            secret=True,
        ),
    ),
)


def ddf(nodes: str, *, version: str = "1.2", namespace: str = "") -> bytes:
    return f"<MgmtTree{namespace}><VerDTD>{version}</VerDTD>{nodes}</MgmtTree>".encode()


def node(inside: str, name: str = "L", path: str = "") -> str:
    return f"<Node><NodeName>{name}</NodeName>{path}{inside}</Node>"


def described(nodes: str) -> NodeDescription:
    (branch,) = parse_ddf(ddf(nodes)).branches
    return branch.node


def with_(properties: str, *parts: tuple[str, str]) -> str:
    for old, new in parts:
        assert old in properties
        properties = properties.replace(old, new, 1)
    return properties


def test_every_element_is_read() -> None:
    description = parse_ddf(FULL.encode())
    assert description.branches == (DescribedBranch(NodeUri(("Vendor", "Example")), FULL_DESCRIPTION),)
    assert (description.man, description.mod) == ("Maker", "Model")
    assert description.warnings == (
        ".: attributes such as xml:lang are ignored",
        ".: elements of other namespaces are ignored: Diagnostics of namespace 'urn:example:maker' (the first of 2)",
        "./Vendor/Example/Lamp: run-time properties are ignored",
        "./Vendor/Example/Lamp/(unnamed): names are compared exactly, although CaseSense is CIS",
    )


def test_the_namespace_of_the_standard_and_none_mean_the_same() -> None:
    with_namespace = FULL.replace("<MgmtTree", f"<MgmtTree{NAMESPACE}")
    assert parse_ddf(with_namespace.encode()) == parse_ddf(FULL.encode())
    prefixed = b'<d:MgmtTree xmlns:d="syncml:dmddf1.2"><d:VerDTD>1.2</d:VerDTD></d:MgmtTree>'
    with pytest.raises(DmError, match="wanted Man or Mod or Node"):
        parse_ddf(prefixed)


@pytest.mark.parametrize(
    ("xml", "fault"),
    [
        pytest.param(
            b'<MgmtTree xmlns="syncml:dmddf"/>', "another root element", id="another version of the namespace"
        ),
        pytest.param(b"<SyncML/>", "another root element", id="another document"),
        pytest.param(
            b'<MgmtTree><VerDTD xmlns="syncml:dmddf1.2">1.2</VerDTD></MgmtTree>', "wanted VerDTD", id="namespace inside"
        ),
        pytest.param(
            b'<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD xmlns="">1.2</VerDTD></MgmtTree>',
            "wanted VerDTD",
            id="no namespace inside",
        ),
        pytest.param(b"", "does not begin", id="empty"),
        pytest.param("<MgmtTree/>".encode("utf-16"), "does not begin", id="UTF-16"),
        pytest.param(b'<?xml version="1.0" encoding="latin1"?><MgmtTree/>', "wanted UTF-8", id="another encoding"),
        pytest.param(b"<?style a?><MgmtTree/>", "does not begin", id="instruction in front"),
        pytest.param(b"<MgmtTree><?style a?></MgmtTree>", "instruction is refused", id="instruction inside"),
        pytest.param(b"<MgmtTree/><?style a?>", "instruction is refused", id="instruction behind"),
        pytest.param(b"<!-- a -- b --><MgmtTree/>", "does not begin", id="two hyphens in a comment"),
        pytest.param(b"<!-- a <MgmtTree/>", "does not begin", id="comment without an end"),
        pytest.param(b"<MgmtTree>&lt;x</MgmtTree>", "only elements belong", id="text between elements"),
        pytest.param(b"<MgmtTree", "not well-formed", id="cut"),
    ],
)
def test_other_documents_are_refused(xml: bytes, fault: str) -> None:
    with pytest.raises(DmError, match=fault):
        parse_ddf(xml)


@pytest.mark.parametrize(
    "doctype",
    [
        pytest.param("<!DOCTYPE MgmtTree>", id="bare"),
        pytest.param(f"<!DOCTYPE MgmtTree {IDENTIFIERS}>", id="public"),
        pytest.param('<!DOCTYPE MgmtTree SYSTEM "file:///nothing/here.dtd">', id="system"),
        pytest.param("<!DOCTYPE MgmtTree PUBLIC ' -//OMA' 'x\"y' >", id="apostrophes"),
        pytest.param(f"<!DOCTYPE MgmtTree {IDENTIFIERS}[{INSTRUCTION}]>", id="with the instruction"),
        pytest.param(f"<!DOCTYPE\nMgmtTree [\n {INSTRUCTION}\n]\n>\n", id="instruction alone, line ends"),
        pytest.param("<!DOCTYPE MgmtTree []>", id="nothing inside"),
        pytest.param(
            "\ufeff<?xml version='1.0'?><!---->\n<!-- a--><!DOCTYPE MgmtTree><!-- b -->", id="comments around"
        ),
    ],
)
def test_a_doctype_that_declares_nothing_is_passed_over(doctype: str) -> None:
    description = parse_ddf(doctype.encode() + ddf(node(LEAF)))
    assert description == DeviceDescription((DescribedBranch(NodeUri(), LEAF_DESCRIPTION),))


@pytest.mark.parametrize(
    "doctype",
    [
        pytest.param('<!DOCTYPE MgmtTree [<!ENTITY a "b">]>', id="entity"),
        pytest.param('<!DOCTYPE MgmtTree [<!ENTITY a SYSTEM "file:///etc/hostname">]>', id="external entity"),
        pytest.param('<!DOCTYPE MgmtTree [<!ENTITY % a SYSTEM "http://ddf.example/a">%a;]>', id="parameter entity"),
        pytest.param(f'<!DOCTYPE MgmtTree [{INSTRUCTION}<!ENTITY a "b">]>', id="entity behind the instruction"),
        pytest.param('<!DOCTYPE MgmtTree [<!ATTLIST Node a CDATA "b">]>', id="attribute with a default"),
        pytest.param("<!DOCTYPE MgmtTree [<!-- a -->]>", id="comment"),
        pytest.param("<!DOCTYPE MgmtTree [<?other a?>]>", id="another instruction"),
        pytest.param("<!DOCTYPE SyncML>", id="another document"),
        pytest.param("<!DOCTYPE MgmtTree [", id="no end"),
        pytest.param("<!DOCTYPE MgmtTree PUBLIC 'a'>", id="half of the identifiers"),
    ],
)
def test_any_other_doctype_is_refused(doctype: str) -> None:
    with pytest.raises(DmError, match="the DOCTYPE is refused") as caught:
        parse_ddf(b"<!-- a -->" + doctype.encode() + ddf(node(LEAF)))
    assert caught.value.offset == 10


def test_a_second_doctype_is_refused() -> None:
    with pytest.raises(DmError, match="a DOCTYPE, comment or instruction is refused"):
        parse_ddf(b"<!DOCTYPE MgmtTree><!DOCTYPE MgmtTree>" + ddf(node(LEAF)))


def test_no_entity_is_known() -> None:
    xml = ddf(node(LEAF + "<Value>&a;</Value>"))
    for doctype in (b"", b'<!DOCTYPE MgmtTree SYSTEM "file:///etc/hostname">'):
        with pytest.raises(DmError, match="ERR_UNDECLARED_ENTITY"):
            parse_ddf(doctype + xml)


def test_lines_are_told_as_they_are_in_the_file() -> None:
    with pytest.raises(DmError, match="at line 4, column 3"):
        parse_ddf(b"<!-- a\n b -->\r\n<!DOCTYPE MgmtTree [\n]><<")


@pytest.mark.parametrize("version", ["1.1.2", "1.3", "", " 1.2"])
def test_another_version_is_not_supported(version: str) -> None:
    with pytest.raises(UnsupportedError, match="device description version"):
        parse_ddf(ddf(node(LEAF), version=version))


@pytest.mark.parametrize(
    ("written", "wanted", "maximum"),
    [
        pytest.param("", Occurrence.ONE, None, id="missing"),
        pytest.param("<Occurrence><One/></Occurrence>", Occurrence.ONE, None, id="One"),
        pytest.param("<Occurrence><ZeroOrOne/></Occurrence>", Occurrence.ZERO_OR_ONE, None, id="ZeroOrOne"),
        pytest.param("<Occurrence><ZeroOrMore/></Occurrence>", Occurrence.ZERO_OR_MORE, None, id="ZeroOrMore"),
        pytest.param("<Occurrence><OneOrMore/></Occurrence>", Occurrence.ONE_OR_MORE, None, id="OneOrMore"),
        pytest.param("<Occurrence><ZeroOrN>2</ZeroOrN></Occurrence>", Occurrence.ZERO_OR_MORE, 2, id="ZeroOrN"),
        pytest.param("<Occurrence><OneOrN>9</OneOrN></Occurrence>", Occurrence.ONE_OR_MORE, 9, id="OneOrN"),
    ],
)
def test_occurrence(written: str, wanted: Occurrence, maximum: int | None) -> None:
    found = described(node(with_(LEAF, ("<DFType>", written + "<DFType>"))))
    assert (found.occurrence, found.maximum) == (wanted, maximum)


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        pytest.param("", Scope.DYNAMIC, id="missing"),
        pytest.param("<Scope><Dynamic/></Scope>", Scope.DYNAMIC, id="Dynamic"),
        pytest.param("<Scope><Permanent/></Scope>", Scope.PERMANENT, id="Permanent"),
    ],
)
def test_scope(written: str, wanted: Scope) -> None:
    assert described(node(with_(LEAF, ("<DFType>", written + "<DFType>")))).scope is wanted


@pytest.mark.parametrize("format_", NodeFormat, ids=lambda format_: format_.value)
def test_every_format_and_its_default_value(format_: NodeFormat) -> None:
    type_ = OBJECT if format_ is NodeFormat.NODE else TYPED
    empty = format_ in {NodeFormat.NODE, NodeFormat.NULL}
    written = "\n" if empty else " AAE=\n" if format_.is_binary else " 1 "
    wanted = None if empty else b"\x00\x01" if format_.is_binary else " 1 "
    properties = f"<DFFormat><{format_.value}/></DFFormat>{type_}</DFProperties>"
    start = "<DFProperties><AccessType><Get/></AccessType>"
    factory = f"{start}<DefaultValue>{written}</DefaultValue>{properties}"
    for inside in (factory, f"{start}{properties}<Value>{written}</Value>", f"{factory}<Value>{written}</Value>"):
        found = described(node(inside))
        assert (found.format, found.default) == (format_, wanted)
    assert described(node(start + properties)).default is None


@pytest.mark.parametrize(
    ("properties", "types"),
    [
        pytest.param(with_(LEAF, ("<MIME>", "<MIME/><MIME>")), ("text/plain",), id="an empty one tells nothing"),
        pytest.param(with_(LEAF, ("text/plain", "\n ")), (), id="white space tells nothing"),
        pytest.param(with_(INNER, ("<DDFName/>", "<DDFName>urn:x:1.0</DDFName>")), ("urn:x:1.0",), id="identifier"),
        pytest.param(with_(INNER, ("<DDFName/>", "<MIME>a.b/1.0</MIME>")), ("a.b/1.0",), id="identifier as MIME"),
        pytest.param(INNER, (), id="no identifier"),
    ],
)
def test_types(properties: str, types: tuple[str, ...]) -> None:
    assert described(node(properties)).types == types
    assert parse_ddf(ddf(node(properties))).warnings == ()


def test_a_leaf_that_nobody_can_get_is_secret() -> None:
    assert described(node(with_(LEAF, ("<Get/>", "<Replace/>")))).secret
    assert not described(node(LEAF)).secret
    assert not described(node(with_(INNER, ("<Get/>", "<Add/>")))).secret


def test_an_interior_node_is_free_when_nothing_says_what_stands_below() -> None:
    addable = with_(INNER, ("<Get/>", "<Add/><Get/>"))
    assert described(node(addable)).free
    assert not described(node(INNER)).free
    assert not described(node(addable + node(LEAF))).free
    assert not described(node(with_(LEAF, ("<Get/>", "<Add/><Get/>")))).free


def test_a_path_continues_the_description_of_a_node() -> None:
    addable = with_(INNER, ("<Get/>", "<Add/><Get/>"))
    nodes = node(addable, "A") + node(addable, "B") + node(LEAF, "L", "<Path>A/X/Y</Path>") + node(LEAF, "M")
    description = parse_ddf(ddf(nodes))
    assert [(str(each.parent), each.node.name, each.node.free) for each in description.branches] == [
        (".", "A", False),
        (".", "B", True),
        ("./A/X/Y", "L", False),
        (".", "M", False),
    ]


@pytest.mark.parametrize("path", ["", "<Path/>", "<Path>.</Path>", "<Path>\n</Path>"])
def test_without_a_path_a_node_is_below_the_root(path: str) -> None:
    description = parse_ddf(ddf(node(LEAF, path=path)))
    assert description == DeviceDescription((DescribedBranch(NodeUri(), LEAF_DESCRIPTION),))
    assert description.warnings == ()


def place(element: str) -> str:
    return f"./L <Node>/DFProperties/{element}"


@pytest.mark.parametrize(
    ("xml", "where", "fault"),
    [
        pytest.param("", "/MgmtTree", "wanted Man or Mod or Node", id="no node"),
        pytest.param(node(LEAF) + "<Man/>", "/MgmtTree/Man", "out of place (wanted Node", id="Man after Node"),
        pytest.param("<Mod/><Man/>" + node(LEAF), "/MgmtTree/Man", "out of place", id="Man after Mod"),
        pytest.param("<Man><a/></Man>" + node(LEAF), "/MgmtTree/Man", "where text belongs", id="element in Man"),
        pytest.param("<Node/>", "/MgmtTree/Node[1]", "wanted NodeName", id="no name"),
        pytest.param(node(LEAF, "a/b"), "/MgmtTree/Node[1]/NodeName", "no '/'", id="slash in a name"),
        pytest.param(node(LEAF, "a\nb"), "/MgmtTree/Node[1]/NodeName", "no control characters", id="line in a name"),
        pytest.param(
            node(INNER + node(LEAF, "..")), "./L <Node>/Node[1]/NodeName", "no node names", id="name further down"
        ),
        pytest.param(
            node(LEAF, path="<Path>/a</Path>"), "/MgmtTree/Node[1]/Path", "segment is empty", id="absolute Path"
        ),
        pytest.param(
            node(LEAF, path="<Path>a//b</Path>"), "/MgmtTree/Node[1]/Path", "segment is empty", id="empty segment"
        ),
        pytest.param(
            node(LEAF, path="<Path>a//</Path>"), "/MgmtTree/Node[1]/Path", "segment is empty", id="two slashes behind"
        ),
        pytest.param(node(LEAF, path="<Path>/</Path>"), "/MgmtTree/Node[1]/Path", "segment is empty", id="slash"),
        pytest.param(node(LEAF, path="<Path>a</Path><Path/>"), "./a/L <Node>/Path[2]", "out of place", id="two Paths"),
        pytest.param(node(""), "./L <Node>", "wanted Path or RTProperties or DFProperties", id="no DFProperties"),
        pytest.param(node("<Value/>"), "./L <Node>/Value", "wanted Path or RTProperties or DFProp", id="Value alone"),
        pytest.param(
            node(LEAF + LEAF), "./L <Node>/DFProperties[2]", "out of place (wanted Node or Value", id="properties twice"
        ),
        pytest.param(
            node("<RTProperties/>" + LEAF), "./L <Node>/RTProperties", "TStamp or Type", id="run-time without Type"
        ),
        pytest.param(
            node("<RTProperties><Type/><ACL/></RTProperties>" + LEAF),
            "./L <Node>/RTProperties/ACL",
            "wanted VerNo",
            id="run-time order",
        ),
        pytest.param(node(INNER + node(LEAF) + node(LEAF)), "./L/L", "two nodes have one name", id="twins"),
        pytest.param(
            node(INNER + node(LEAF, "") + node(LEAF, "*")), "./L/(unnamed)", "two nodes may have any name", id="any two"
        ),
        pytest.param(node(LEAF) + node(LEAF), "./L", "two nodes have one name", id="two branches of one name"),
        pytest.param(
            node(INNER + node(LEAF)) + node(LEAF, path="<Path>L</Path>"), "./L/L", "one name", id="described elsewhere"
        ),
        pytest.param(
            node(LEAF + node(LEAF)), "./L", "a leaf has children (found DFFormat chr)", id="leaf with children"
        ),
        pytest.param(
            node(INNER + node(LEAF) + "<Value/>"), "./L <Node>/Value", "out of place", id="children and a value"
        ),
        pytest.param(
            node(LEAF + "<Value/>" + node(LEAF)), "./L <Node>/Node[1]", "out of place", id="value and children"
        ),
        pytest.param(
            node(LEAF + "<Value><a/></Value>"), "./L <Node>/Value", "where text belongs", id="element in Value"
        ),
        pytest.param(
            node(INNER + "<Value>x</Value>"), "./L <Node>/Value", "DFFormat node has a default", id="value of a node"
        ),
        pytest.param(
            node(with_(LEAF, ("chr", "null")) + "<Value>x</Value>"),
            "./L <Node>/Value",
            "DFFormat null has a default",
            id="value of null",
        ),
        pytest.param(
            node(with_(LEAF, ("<DFF", "<DefaultValue>a</DefaultValue><DFF")) + "<Value>b</Value>"),
            "./L",
            "DefaultValue and Value differ",
            id="two default values",
        ),
        pytest.param(
            node(with_(LEAF, ("<DFF", "<DefaultValue>AB==</DefaultValue><DFF"), ("chr", "b64"))),
            place("DefaultValue"),
            "not canonical Base64",
            id="default value is no Base64",
        ),
        pytest.param(
            node(with_(LEAF, ("<AccessType><Get/></AccessType>", ""))),
            "./L <Node>/DFProperties",
            "wanted AccessType",
            id="no AccessType",
        ),
        pytest.param(
            node(with_(LEAF, ("<DFFormat><chr/></DFFormat>", ""))),
            "./L <Node>/DFProperties",
            "wanted DFFormat",
            id="no DFFormat",
        ),
        pytest.param(
            node(with_(LEAF, (TYPED, TYPED + TYPED))), place("DFType[2]"), "out of place", id="a property twice"
        ),
        pytest.param(
            node(with_(LEAF, (TYPED, TYPED + "<Owner/>"))),
            place("Owner"),
            "wanted DefaultValue or Description or Occurrence or Scope or DFTitle or CaseSense",
            id="unknown property",
        ),
        pytest.param(
            node(with_(LEAF, ("<Get/>", "<Get/><Get/>"))), place("AccessType/Get[2]"), "twice", id="a command twice"
        ),
        pytest.param(
            node(with_(LEAF, ("<Get/>", "<Alert/>"))), place("AccessType/Alert[1]"), "unknown command", id="command"
        ),
        pytest.param(
            node(with_(LEAF, ("<Get/>", "<Get>x</Get>"))),
            place("AccessType/Get[1]"),
            "nothing belongs",
            id="text in it",
        ),
        pytest.param(node(with_(LEAF, ("<Get/>", "Get"))), place("AccessType"), "only elements", id="commands as text"),
        pytest.param(
            node(with_(LEAF, ("<Get/>", '<v:Get xmlns:v="urn:v"/>'))),
            place("AccessType/Get[1]"),
            "unknown command",
            id="a maker's command",
        ),
        pytest.param(node(with_(LEAF, ("chr", "text"))), place("DFFormat/text"), "unknown DFFormat", id="format"),
        pytest.param(node(with_(LEAF, ("<chr/>", "chr"))), place("DFFormat"), "only elements", id="format as text"),
        pytest.param(node(with_(LEAF, ("<chr/>", "<chr/><bin/>"))), place("DFFormat/bin"), "", id="two formats"),
        pytest.param(
            node(with_(LEAF, ("<chr/>", ""))), place("DFFormat"), "wanted b64 or bin or bool or chr", id="no format"
        ),
        pytest.param(
            node(with_(LEAF, ("<chr/>", "<chr>x</chr>"))), place("DFFormat/chr"), "nothing belongs", id="in format"
        ),
        pytest.param(
            node(with_(LEAF, ("<DFT", "<Occurrence/><DFT"))), place("Occurrence"), "wanted One or", id="no occurrence"
        ),
        pytest.param(
            node(with_(LEAF, ("<DFT", "<Occurrence><Two/></Occurrence><DFT"))),
            place("Occurrence/Two"),
            "unknown Occurrence",
            id="occurrence",
        ),
        pytest.param(
            node(with_(LEAF, ("<DFT", "<Occurrence><One>1</One></Occurrence><DFT"))),
            place("Occurrence/One"),
            "nothing belongs",
            id="number in One",
        ),
        *(
            pytest.param(
                node(with_(LEAF, ("<DFT", f"<Occurrence><OneOrN>{number}</OneOrN></Occurrence><DFT"))),
                place("Occurrence/OneOrN"),
                "2 to 65536",
                id=f"number {number!r}",
            )
            for number in ("", "0", "02", "-2", "65537", "100000", "2.0", " 2", "\u0662", "N")
        ),
        pytest.param(
            node(with_(LEAF, ("<DFT", "<Scope/><DFT"))), place("Scope"), "Permanent or Dynamic", id="no scope"
        ),
        pytest.param(
            node(with_(LEAF, ("<DFT", "<Scope><Static/></Scope><DFT"))),
            place("Scope/Static"),
            "unknown Scope",
            id="scope",
        ),
        pytest.param(
            node(with_(LEAF, (TYPED, TYPED + "<CaseSense>CS</CaseSense>"))),
            place("CaseSense"),
            "only elements",
            id="CaseSense as text",
        ),
        pytest.param(
            node(with_(LEAF, (TYPED, TYPED + "<CaseSense><No/></CaseSense>"))),
            place("CaseSense/No"),
            "wanted CS, CIS",
            id="CaseSense",
        ),
        pytest.param(
            node(with_(LEAF, (TYPED, "<DFTitle><b/></DFTitle>" + TYPED))), place("DFTitle"), "text belongs", id="title"
        ),
        pytest.param(
            node(with_(LEAF, ("<DFF", "<Description><b/></Description><DFF"))),
            place("Description"),
            "text belongs",
            id="description",
        ),
        pytest.param(node(with_(LEAF, (TYPED, OBJECT))), place("DFType/DDFName"), "identifier", id="leaf with DDFName"),
        pytest.param(
            node(with_(LEAF, ("<MIME>", "<Type/><MIME>"))), place("DFType/Type"), "wanted DDFName or MIME", id="type"
        ),
        pytest.param(
            node(with_(INNER, ("<DDFName/>", "<DDFName/><MIME/>"))), place("DFType/MIME"), "", id="both kinds of type"
        ),
        pytest.param(
            node(with_(INNER, ("<DDFName/>", "<MIME/><MIME/>"))),
            place("DFType/MIME[2]"),
            "one type",
            id="two types of an interior node",
        ),
        pytest.param(
            node(with_(LEAF, ("<Get/>", '<Get a="1"/>'))), place("AccessType/Get[1]"), "has attributes", id="attribute"
        ),
        pytest.param(
            node(with_(LEAF, ("<Get/>", '<Get xmlns:v="urn:v" v:a="1"/>'))),
            place("AccessType/Get[1]"),
            "has attributes",
            id="a maker's attribute",
        ),
        pytest.param(
            node(LEAF + '<v:More xmlns:v="urn:v"/>'), "./L <Node>/More", "out of place", id="a maker's element in Node"
        ),
    ],
)
def test_a_broken_description_is_refused_and_the_node_named(xml: str, where: str, fault: str) -> None:
    with pytest.raises(DmError) as caught:
        parse_ddf(ddf(xml))
    assert caught.value.place == where
    assert fault in str(caught.value)
    with pytest.raises((DmError, UnsupportedError), match="MgmtTree" if "/MgmtTree" in where else r"\./L|\./a/L"):
        parse_ddf(ddf(xml, namespace=NAMESPACE))


def test_a_path_further_down_is_not_supported() -> None:
    with pytest.raises(UnsupportedError, match=r"Path below another node \(device description at \./L/M\)"):
        parse_ddf(ddf(node(INNER + node(LEAF, "M", "<Path>X</Path>"))))


@pytest.mark.parametrize(
    ("nodes", "plain", "warning"),
    [
        pytest.param(
            node(INNER + node(LEAF, "*")),
            node(INNER + node(LEAF, "")),
            "./L: a name of white space, or '*', is",
            id="*",
        ),
        pytest.param(
            node(INNER + node(LEAF, "\n  ")),
            node(INNER + node(LEAF, "")),
            "./L: a name of white space, or '*'",
            id="blank",
        ),
        pytest.param(
            node(LEAF, path="<Path>./a/b/</Path>"),
            node(LEAF, path="<Path>./a/b</Path>"),
            ".: the '/' at the end of a Path is ignored: './a/b/'",
            id="slash behind a Path",
        ),
        pytest.param(
            node(
                with_(LEAF, ("<AccessType><Get/></AccessType>", ""), (TYPED, f"{TYPED}<AccessType><Get/></AccessType>"))
            ),
            node(LEAF),
            "./L: the properties stand in another order",
            id="order",
        ),
        pytest.param(
            node(with_(INNER, (OBJECT, ""))), node(INNER), "./L: without a DFType any type will do", id="no DFType"
        ),
        pytest.param(
            node(with_(INNER, (OBJECT, "<DFType/>"))), node(INNER), "./L: without a DFType any", id="empty DFType"
        ),
        pytest.param(
            node(with_(LEAF, (TYPED, ""))),
            node(with_(LEAF, ("text/plain", ""))),
            "./L: without a DFType any type will do",
            id="leaf without DFType",
        ),
        pytest.param(
            node(with_(LEAF, ("<DFT", "<Occurrence><ZeroOrN>1</ZeroOrN></Occurrence><DFT"))),
            node(with_(LEAF, ("<DFT", "<Occurrence><ZeroOrOne/></Occurrence><DFT"))),
            "./L: an occurrence of up to 1 is read as ZeroOrOne",
            id="ZeroOrN 1",
        ),
        pytest.param(
            node(with_(LEAF, ("<DFT", "<Occurrence><OneOrN>1</OneOrN></Occurrence><DFT"))),
            node(LEAF),
            "./L: an occurrence of up to 1 is read as One",
            id="OneOrN 1",
        ),
        pytest.param(
            node(with_(LEAF, (TYPED, f'<v:More xmlns:v="urn:v" a="1">x<VerDTD/></v:More>{TYPED}'))),
            node(LEAF),
            "./L: elements of other namespaces are ignored: More of namespace 'urn:v'",
            id="a maker's element",
        ),
        pytest.param(
            '<v:More xmlns:v="urn:v"/>' + node(LEAF),
            node(LEAF),
            ".: elements of other namespaces are ignored",
            id="a maker's element below MgmtTree",
        ),
        pytest.param(
            node(with_(LEAF, ("<Get/>", '<Get xml:space="default"/>'))),
            node(LEAF),
            ".: attributes such as xml:lang are ignored",
            id="attribute of XML",
        ),
    ],
)
def test_what_files_in_the_field_do_is_read_and_told(nodes: str, plain: str, warning: str) -> None:
    found = parse_ddf(ddf(nodes))
    assert len(found.warnings) == 1
    assert found.warnings[0].startswith(warning)
    wanted = parse_ddf(ddf(plain))
    assert wanted.warnings == ()
    assert found.branches == wanted.branches


def test_one_warning_of_each_kind_is_enough() -> None:
    untyped = with_(LEAF, (TYPED, ""))
    nodes = "".join(node(untyped, f"N{number}") for number in range(3))
    assert parse_ddf(ddf(nodes)).warnings == ("./N0: without a DFType any type will do (the first of 3)",)


def test_places_begin_where_the_caller_says() -> None:
    with pytest.raises(DmError, match=r"at lamp\.ddf/a/L <Node>/DFProperties"):
        parse_ddf(ddf(node("<DFProperties/>", path="<Path>a</Path>")), place="lamp.ddf")


def test_bounds_are_held() -> None:
    xml = ddf(node(INNER + node(LEAF, "M"), path="<Path>P</Path>"))
    assert parse_ddf(xml, limits=Limits(xml_octets=len(xml), tnds_nodes=2, node_uri_segments=3, node_uri_octets=5))
    for limits, name in (
        (Limits(xml_octets=len(xml) - 1), "xml_octets"),
        (Limits(tnds_nodes=1), "tnds_nodes"),
        (Limits(node_uri_segments=2), "node_uri_segments"),
        (Limits(node_uri_octets=4), "node_uri_octets"),
        (Limits(wbxml_depth=5), "wbxml_depth"),
    ):
        with pytest.raises(LimitExceededError) as caught:
            parse_ddf(xml, limits=limits)
        assert caught.value.limit == name


@pytest.mark.parametrize("namespace", ["", NAMESPACE])
def test_every_prefix_and_every_addition_is_refused(namespace: str) -> None:
    xml = FULL.replace("<MgmtTree", f"<MgmtTree{namespace}").encode()
    end = xml.index(b"</MgmtTree>") + len(b"</MgmtTree>")
    for cut in range(end):
        with pytest.raises(DecodeError):
            parse_ddf(xml[:cut])
    for addition in (b"x", b"<MgmtTree/>", b"\x00", b"<!--", b"<!DOCTYPE MgmtTree>"):
        with pytest.raises(DecodeError):
            parse_ddf(xml + addition)


def hold(octets: bytes) -> None:
    """Any octets give a value or an error of ours, and a value names no node twice."""
    try:
        description = parse_ddf(octets, limits=Limits(xml_octets=16 * 1024, tnds_nodes=50))
    except (DecodeError, UnsupportedError):
        return
    for branch in description.branches:
        names = [names for names, _ in branch.node.walk()]
        assert len(names) == len(set(names))


@given(st.binary(max_size=200))
@example(b"<!DOCTYPE MgmtTree")
def test_any_octets_give_a_value_or_our_error(octets: bytes) -> None:
    hold(octets)


PIECES: Final = [
    *(
        "<Node>",
        "</Node>",
        "<NodeName>",
        "<Path>a/b</Path>",
        "<Value>x</Value>",
        LEAF,
        INNER,
        node(LEAF),
        OBJECT,
        TYPED,
    ),
    *("<!--", "-->", "<![CDATA[", "]]>", "&amp;", "&a;", "<!DOCTYPE MgmtTree>", INSTRUCTION, '<v:a xmlns:v="urn:v"/>'),
    *("<Occurrence><OneOrN>1</OneOrN></Occurrence>", "<DefaultValue>AA==</DefaultValue>", "\x00", "é", " ", "/", "<"),
]


@given(st.lists(st.tuples(st.integers(0, len(FULL)), st.integers(0, 40), st.sampled_from(PIECES)), max_size=3))
def test_any_mutation_gives_a_value_or_our_error(changes: list[tuple[int, int, str]]) -> None:
    text = FULL
    for start, length, piece in changes:
        text = text[:start] + piece + text[start + length :]
    hold(text.encode())
