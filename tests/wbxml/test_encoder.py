from __future__ import annotations

from base64 import b64decode

import pytest

from smartcard_dm.errors import UnsupportedError, WbxmlError
from smartcard_dm.wbxml import from_xml, parse_header, to_xml
from tests.wbxml.samples import DOCUMENTS, NESTED_TNDS, PLAIN, PROV, SIGNED, SYNCML_HEADER, TNDS, add, c14n, message


@pytest.mark.parametrize("xml", [pytest.param(xml, id=name) for name, xml in DOCUMENTS.items()])
def test_document_makes_the_way_there_and_back(xml: bytes) -> None:
    assert xml == c14n(xml)
    assert to_xml(from_xml(xml)) == xml


@pytest.mark.parametrize("version", ["1.1", "1.2", "1.3"])
@pytest.mark.parametrize("public_id", ["numeric", "literal"])
@pytest.mark.parametrize("xml", [PLAIN, SIGNED, TNDS, PROV])
def test_version_and_public_identifier_are_as_asked(xml: bytes, version: str, public_id: str) -> None:
    octets = from_xml(xml, version, public_id="literal" if public_id == "literal" else "numeric")
    header = parse_header(octets)
    assert header.version == version
    assert isinstance(header.public_id, str) == (public_id == "literal" or xml == TNDS)
    assert to_xml(octets) == xml


def test_smallest_documents() -> None:
    assert from_xml(b'<SyncML xmlns="SYNCML:SYNCML1.2"/>') == SYNCML_HEADER + b"\x2d"
    assert from_xml(b"<wap-provisioningdoc/>") == bytes.fromhex("02 0B 6A 00 05")
    text = b"-//OMA//DTD-DM-DDF 1.2//EN\0"
    assert from_xml(b'<MgmtTree xmlns="syncml:dmddf1.2"/>') == b"\x02\x00\x00\x6a\x1b" + text + b"\x00\x02\x20"


def test_signature_travels_in_literals_with_each_string_once() -> None:
    octets = from_xml(SIGNED)
    strings = parse_header(octets).string_table.split(b"\0")[:-1]
    assert strings[:4] == [b"Signature", b"xmlns", b"http://www.w3.org/2000/09/xmldsig#", b"SignedInfo"]
    assert len(strings) == len(set(strings))
    assert strings.count(b"Algorithm") == 1
    assert to_xml(octets) == SIGNED


def test_binary_content_is_opaque_where_base64_is_exact() -> None:
    assert b"\xc3\x05\x00\x01\x02\x03\x04" in from_xml(message(add("AAECAwQ=", fmt="bin")))
    for text in ("AAECAwQ", "AAECAwR=", " AAECAwQ=", "AAEC AwQ=", "AAECAwQ=\n", "=", "&amp;", "漢字", "AAECAwQ=AAEC"):
        xml = message(add("TEXT", fmt="bin")).replace(b"TEXT", text.encode())
        octets = from_xml(xml)
        assert b"\x03" + text.replace("&amp;", "&").encode() + b"\0" in octets
        assert to_xml(octets) == xml


@pytest.mark.parametrize("fmt", ["chr", "b64", "Bin", "bin ", " bin", "binary", "bi", ""])
def test_other_formats_leave_base64_as_text(fmt: str) -> None:
    xml = message(add("AAECAwQ=", fmt=fmt))
    assert b"\x03AAECAwQ=\x00" in from_xml(xml)
    assert to_xml(from_xml(xml)) == xml


@pytest.mark.parametrize(
    ("commands", "opaque"),
    [
        pytest.param("<Add>{bin}<Item><Data>AAEC</Data></Item></Add>", True, id="of the command"),
        pytest.param("<Add>{bin}<Item>{chr}<Data>AAEC</Data></Item></Add>", False, id="item overrides command"),
        pytest.param("<Add>{chr}<Item>{bin}<Data>AAEC</Data></Item></Add>", True, id="item overrides text command"),
        pytest.param("<Add><Item>{bin}</Item><Item><Data>AAEC</Data></Item></Add>", False, id="of another item"),
        pytest.param("<Add>{bin}</Add><Add><Item><Data>AAEC</Data></Item></Add>", False, id="of another command"),
        pytest.param("<Add>{bin}{chr}<Item><Data>AAEC</Data></Item></Add>", False, id="last of two"),
        pytest.param("<Add><Item><Data>AAEC</Data>{bin}</Item></Add>", False, id="behind the data"),
        pytest.param("<Atomic>{bin}<Add><Item><Data>AAEC</Data></Item></Add></Atomic>", False, id="of the block"),
        pytest.param("<Status><Cred>{bin}<Data>AAEC</Data></Cred></Status>", True, id="of credentials"),
        pytest.param("<Add>{bin}<Item><Source>AAEC</Source></Item></Add>", False, id="not data"),
        pytest.param("<Add>{sub}<Item><Data>AAEC</Data></Item></Add>", False, id="format with an element inside"),
        pytest.param("<Add><Meta>{bin}</Meta><Item><Data>AAEC</Data></Item></Add>", False, id="meta in meta"),
        pytest.param("<Add>{raw}<Item><Data>AAEC</Data></Item></Add>", False, id="format outside meta"),
        pytest.param("<Add>{empty}<Item><Data>AAEC</Data></Item></Add>", False, id="meta without format"),
    ],
)
def test_format_that_counts(commands: str, opaque: bool) -> None:  # noqa: FBT001 - a column of the table above
    raw = '<Format xmlns="syncml:metinf">bin</Format>'
    xml = message(
        commands.format(
            bin=f"<Meta>{raw}</Meta>",
            chr='<Meta><Format xmlns="syncml:metinf">chr</Format></Meta>',
            sub='<Meta><Format xmlns="syncml:metinf">bin<Type></Type></Format></Meta>',
            raw=raw,
            empty="<Meta></Meta>",
        )
    )
    octets = from_xml(xml)
    assert (b"\xc3\x03\x00\x01\x02" in octets) is opaque
    assert to_xml(octets) == xml


@pytest.mark.parametrize(
    ("formats", "opaque"),
    [
        pytest.param("<bin></bin>", True, id="bin"),
        pytest.param("<b64></b64>", True, id="b64"),
        pytest.param("<chr></chr>", False, id="chr"),
        pytest.param("", False, id="empty"),
        pytest.param("<bin></bin><chr></chr>", False, id="last of two"),
        pytest.param('<bin xmlns="u:v"></bin>', False, id="of another namespace"),
        pytest.param("bin", False, id="text"),
    ],
)
def test_format_of_a_node_that_counts(formats: str, opaque: bool) -> None:  # noqa: FBT001 - a column of the table above
    node = f"<Node><RTProperties><Format>{formats}</Format></RTProperties><Value>AAEC</Value></Node>"
    xml = f'<MgmtTree xmlns="syncml:dmddf1.2">{node}<Node><Value>AAEC</Value></Node></MgmtTree>'.encode()
    octets = from_xml(xml)
    assert octets.count(b"\xc3\x03\x00\x01\x02") == opaque
    assert to_xml(octets) == xml


def test_nested_document_is_base64_of_a_document() -> None:
    inner = NESTED_TNDS.split(b"<Data>")[1].split(b"</Data>")[0]
    octets = from_xml(NESTED_TNDS)
    assert b64decode(inner) in octets
    assert to_xml(b64decode(inner)) == TNDS


@pytest.mark.parametrize(
    "xml",
    [
        pytest.param(b'<?xml version="1.0" encoding="utf-8"?>\r\n' + PLAIN + b"\n", id="declaration"),
        pytest.param(b"<?xml version='1.0' standalone='yes'?>" + PLAIN, id="declaration in single quotes"),
        pytest.param(b"\xef\xbb\xbf" + PLAIN, id="byte order mark"),
        pytest.param(PLAIN.replace(b"<Final></Final>", b"<Final/>"), id="short empty element"),
        pytest.param(PLAIN.replace(b"<Final></Final>", b"<Final  />"), id="short empty element with spaces"),
        pytest.param(PLAIN.replace(b"<Final>", b"<!-- c --><Final>"), id="comment"),
        pytest.param(PLAIN.replace(b"a value", b"a<!-- c --> value"), id="comment inside a text"),
        pytest.param(PLAIN.replace(b"a value", b"<![CDATA[a value]]>"), id="CDATA"),
        pytest.param(PLAIN.replace(b"a value", b"&#97; v&#x61;lue"), id="character references"),
        pytest.param(PLAIN.replace(b'"', b"'"), id="single quotes"),
        pytest.param(PLAIN.replace(b"<SyncBody>", b'<SyncBody xmlns="SYNCML:SYNCML1.2">'), id="namespace again"),
        pytest.param(PLAIN.replace(b"<SyncML ", b'<SyncML xmlns:unused="u:v" '), id="unused prefix"),
        pytest.param(PLAIN.replace(b"&gt;", b">"), id="angle in text"),
        pytest.param(PLAIN.replace(b"</Final>", b"</Final >"), id="space in an end tag"),
    ],
)
def test_any_spelling_of_a_document_gives_the_same_octets(xml: bytes) -> None:
    assert from_xml(xml) == from_xml(PLAIN)


def test_attributes_are_sorted_and_keep_their_values() -> None:
    xml = message('<x xmlns="u:v" b=">&amp;&lt;&quot;&#x9;&#xA;&#xD;" a="ü\'" Z=""></x>')
    octets = from_xml(xml)
    assert to_xml(octets) == c14n(xml)
    assert octets == from_xml(c14n(xml))


def test_white_space_is_kept() -> None:
    xml = PLAIN.replace(b"><", b">\n\t <")
    assert to_xml(from_xml(xml)) == c14n(xml)
    xml = PROV.replace(b"><", b">\r\n <")
    assert to_xml(from_xml(xml)) == c14n(xml)
    assert to_xml(from_xml(PROV.replace(b"<parm", b"<!-- c -->\n<parm"))) == PROV.replace(b"<parm", b"\n<parm")


@pytest.mark.parametrize(
    ("xml", "detail"),
    [
        pytest.param("", "not well-formed", id="nothing"),
        pytest.param("text", "not well-formed", id="text"),
        pytest.param("<SyncML", "not well-formed", id="cut"),
        pytest.param('<SyncML xmlns="SYNCML:SYNCML1.2">', "not well-formed", id="cut behind a tag"),
        pytest.param("<a></b>", "not well-formed", id="crossed tags"),
        pytest.param("<SyncML/>", 'xmlns="SYNCML:SYNCML1.2"', id="message without namespace"),
        pytest.param("<MgmtTree/>", 'xmlns="syncml:dmddf1.2"', id="tree without namespace"),
        pytest.param('<SyncML xmlns="SYNCML:SYNCML1.1"/>', "root element", id="message of SyncML 1.1"),
        pytest.param('<Add xmlns="SYNCML:SYNCML1.2"/>', "root element", id="another root"),
        pytest.param("<html/>", "document type", id="another document"),
        pytest.param(message("<Foo/>").decode(), "no such element", id="unknown element"),
        pytest.param(message("<MgmtTree/>").decode(), 'wanted xmlns="syncml:dmddf1.2"', id="element of another page"),
        pytest.param(message('<Add a="b"/>').decode(), "attribute a", id="attribute on a token"),
        pytest.param(message('<Add xml:lang="en"/>').decode(), "prefix", id="attribute of xml"),
        pytest.param(message('<x xmlns="u:v" xml:lang="en"/>').decode(), "prefix", id="attribute of xml on a literal"),
        pytest.param(message('<x xmlns="u:v" xmlns:p="u:p" p:a="b"/>').decode(), "prefix", id="attribute with prefix"),
        pytest.param(
            message('<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/>').decode(),
            "declared as default",
            id="signature with prefix",
        ),
        pytest.param(message("<ds:x/>").decode(), "not well-formed", id="prefix without declaration"),
        pytest.param(message('<Add xmlns=""/>').decode(), "no namespace", id="namespace taken away"),
        pytest.param(message('<x xmlns="../relative"/>').decode(), "no canonical form", id="relative namespace"),
        pytest.param(
            message('<x xmlns="http://[::1]/"/>').decode(), "plain absolute URI", id="namespace with brackets"
        ),
        pytest.param(message('<x xmlns="u:v?a&amp;b"/>').decode(), "canonical form", id="namespace with ampersand"),
        pytest.param(message("<?target data?>").decode(), "processing instruction", id="processing instruction"),
        pytest.param(f"<?target?>{PLAIN.decode()}", "processing instruction", id="processing instruction in front"),
        pytest.param(f"<!DOCTYPE SyncML>{PLAIN.decode()}", "document type declaration", id="DOCTYPE"),
        pytest.param(
            f'<!DOCTYPE SyncML [<!ENTITY e "v">]>{message(add("&e;")).decode()}',
            "document type declaration",
            id="entity",
        ),
        pytest.param(message(add("&nbsp;")).decode(), "not well-formed", id="unknown entity"),
        pytest.param(message(add("\x01")).decode(), "not well-formed", id="control character"),
        pytest.param(message("<A\x01B/>").decode(), "not well-formed", id="separator of the quick way"),
        pytest.param(message(add("\ufffe")).decode(), "not well-formed", id="U+FFFE"),
        pytest.param(message('<x xmlns="u:v" a="\ufffe"/>').decode(), "not well-formed", id="U+FFFE in an attribute"),
        pytest.param(message('<x xmlns="u:v" a="1" a="2"/>').decode(), "not well-formed", id="attribute twice"),
        pytest.param(message('<x xmlns="u:v" 1="2"/>').decode(), "not well-formed", id="attribute that is no name"),
        pytest.param(message('<x xmlns="u:v"><1/></x>').decode(), "not well-formed", id="element that is no name"),
        pytest.param(message("\0").decode(), "NUL", id="NUL"),
        pytest.param(PLAIN.decode() * 2, "not well-formed", id="two roots"),
        pytest.param(f"{PLAIN.decode()}text", "not well-formed", id="text behind the root"),
        pytest.param("<wap-provisioningdoc><foo/></wap-provisioningdoc>", "no such element", id="PROV element"),
        pytest.param('<wap-provisioningdoc id="1"/>', "no attribute id", id="PROV attribute"),
        pytest.param('<wap-provisioningdoc xmlns="u:v"/>', "document type", id="PROV with a namespace"),
    ],
)
def test_xml_without_wbxml_form_is_refused(xml: str, detail: str) -> None:
    with pytest.raises(WbxmlError) as caught:
        from_xml(xml.encode())
    assert detail in str(caught.value)


@pytest.mark.parametrize(
    "xml",
    [
        pytest.param(PLAIN.replace("ü".encode(), b"\xfc"), id="not UTF-8"),
        pytest.param(message('<x xmlns="u:v" a="ü"></x>').replace("ü".encode(), b"\xfc"), id="not UTF-8, attribute"),
        pytest.param(message('<ü xmlns="u:v"></ü>').replace("ü".encode(), b"\xfc"), id="not UTF-8, name"),
        pytest.param(PLAIN.decode().encode("utf-16"), id="UTF-16"),
    ],
)
def test_xml_in_other_octets_is_refused(xml: bytes) -> None:
    with pytest.raises(WbxmlError, match="UTF-8"):
        from_xml(xml)


def test_xml_that_claims_another_character_set_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="ISO-8859-1"):
        from_xml(b'<?xml version="1.0" encoding="ISO-8859-1"?>' + PLAIN)


def test_text_that_would_shift_the_tags_of_the_quick_way_stays_text() -> None:
    xml = message(add("x")).replace(b"<Data>x</Data>", b"<Data>x>Add<CmdID>/Add</CmdID></Data>")
    assert to_xml(from_xml(xml)) == c14n(xml)


@pytest.mark.parametrize("version", ["1.0", "1.4", "", "12"])
def test_unknown_version_is_misuse(version: str) -> None:
    with pytest.raises(ValueError, match="version"):
        from_xml(PLAIN, version)


def test_unknown_kind_of_public_identifier_is_misuse() -> None:
    with pytest.raises(ValueError, match="public_id"):
        from_xml(PLAIN, public_id="text")  # type: ignore[arg-type] # the misuse under test
