"""The codec held against libwbxml, which shares no code with it, as far as libwbxml keeps content."""

from __future__ import annotations

import re
import subprocess
from base64 import b64decode, b64encode

import pytest

from smartcard_dm.dm import ServerId
from smartcard_dm.errors import WbxmlError
from smartcard_dm.server import Header, compile_source
from smartcard_dm.wbxml import from_xml, to_xml
from tests.wbxml.samples import INLINE_TNDS, NESTED_TNDS, PLAIN, PROV, TNDS, add, c14n, message


def _run(*command: str, octets: bytes) -> bytes:
    done = subprocess.run([*command, "-o", "-", "-"], input=octets, capture_output=True, check=True, timeout=30)
    assert b"succeeded" in done.stderr
    return done.stdout


def xml2wbxml(xml: bytes, *options: str) -> bytes:
    return _run("xml2wbxml", "-k", *options, octets=xml)


def wbxml2xml(octets: bytes) -> bytes:
    return _run("wbxml2xml", "-m", "0", "-k", octets=octets)


def without_document_type(xml: bytes) -> bytes:
    """libwbxml puts a DOCTYPE in front of what it decodes, with the system identifier of the DTD."""
    return re.sub(rb"<!DOCTYPE [^\[>]*>", b"", xml, count=1)


def with_rewritten_types(xml: bytes) -> bytes:
    """libwbxml names the type of a TNDS after the form it writes: +wbxml in WBXML, +xml in XML, wherever it stands."""
    return xml.replace(b"application/vnd.syncml.dmtnds+xml", b"application/vnd.syncml.dmtnds+wbxml")


def same(left: bytes, right: bytes) -> bool:
    """Whether two XML documents hold the same, once the habits named above are undone.

    CDATA sections, which libwbxml likes around Data, are text to any parser and vanish in canonical form.
    """
    return with_rewritten_types(c14n(without_document_type(left))) == with_rewritten_types(
        c14n(without_document_type(right))
    )


BOOTSTRAP = message(
    add(f"<![CDATA[{TNDS.decode()}]]>", fmt="xml", kind="application/vnd.syncml.dmtnds+xml")
    + """
    <Replace><CmdID>2</CmdID><Meta><Format xmlns="syncml:metinf">chr</Format></Meta>
      <Item><Target><LocURI>./DevDetail/Ext/Conf</LocURI></Target><Data>ü &amp; &lt;漢字&gt;</Data></Item>
      <Item><Target><LocURI>./DevDetail/Ext/Conf</LocURI></Target></Item></Replace>"""
)


@pytest.mark.parametrize("version", ["1.1", "1.2", "1.3"])
@pytest.mark.parametrize("options", [("-n",), (), ("-n", "-a")], ids=["strings inline", "string table", "anonymous"])
@pytest.mark.parametrize("xml", [BOOTSTRAP, PLAIN], ids=["bootstrap", "text"])
def test_messages_of_libwbxml_are_read(xml: bytes, options: tuple[str, ...], version: str) -> None:
    octets = xml2wbxml(xml, *options, "-v", version)
    assert same(to_xml(octets), xml)


# libwbxml writes Data as it is into a CDATA section, where a parser reads a carriage return as a line feed.
PLAIN_LINES = PLAIN.replace(b"&#xD;", b"\n")
# libwbxml writes octets of OPAQUE as they are, which is no XML where they hold NUL.
TEXT_TNDS = re.sub(rb"<Node><NodeName>AAuth.*?</Node>", b"", TNDS)


@pytest.mark.parametrize("xml", [BOOTSTRAP, PLAIN_LINES, TEXT_TNDS, PROV], ids=["bootstrap", "text", "TNDS", "PROV"])
@pytest.mark.parametrize("version", ["1.1", "1.2", "1.3"])
@pytest.mark.parametrize("public_id", ["numeric", "literal"])
def test_libwbxml_reads_ours(xml: bytes, version: str, public_id: str) -> None:
    octets = from_xml(xml, version, public_id="literal" if public_id == "literal" else "numeric")
    assert same(wbxml2xml(octets), xml)


COMPOSED = """
commands:
  - replace: {./DMAcc/dms/Name: Grün & <neu>}
  - add: ./V
    format: node
  - sequence: [{delete: ./A}, {copy: ./B, from: ./C}]
  - add: ./Inbox
    embedding: EMBEDDING
    acl: {Get: "*", Replace: com.example.dms}
    object:
      dmacc:
        server_id: com.example.b
        pref_con_ref: gate
        addresses: [{addr: "https://b.example.com", ports: ["443"]}]
        auth: [{level: SRVCRED, type: HMAC, name: b, secret: s}]
      nap: {id: internet, addr: internet.example.com, addr_type: APN, bearer: GPRS}
      proxy: {id: gate, addr: 10.0.0.1, con_refs: [internet], ports: [{number: "8080"}]}
"""


def composed(embedding: str) -> bytes:
    source = COMPOSED.replace("EMBEDDING", embedding).encode()
    return compile_source(source, ServerId("com.example.dms"), Header(session_id="77")).fill({})


@pytest.mark.parametrize("version", ["1.1", "1.2", "1.3"])
def test_libwbxml_reads_what_is_composed_from_yaml(version: str) -> None:
    xml = composed("xml")
    assert same(wbxml2xml(from_xml(xml, version)), xml)


@pytest.mark.parametrize("version", ["1.1", "1.2", "1.3"])
def test_libwbxml_reads_a_composed_object_in_wbxml_as_the_one_in_line(version: str) -> None:
    in_line = composed("inline").replace(
        b'>xml</Format><Type xmlns="syncml:metinf">application/vnd.syncml.dmtnds+xml',
        b'>bin</Format><Type xmlns="syncml:metinf">application/vnd.syncml.dmtnds+wbxml',
    )
    assert same(wbxml2xml(from_xml(composed("wbxml"), version)), in_line)


def test_tree_in_line_becomes_a_nested_document_in_libwbxml() -> None:
    octets = xml2wbxml(INLINE_TNDS.replace(b">xml</Format>", b">bin</Format>"), "-n")
    data = to_xml(octets).split(b"<Data>")[1].split(b"</Data>")[0]
    assert to_xml(b64decode(data)) == TNDS


def test_nested_document_of_ours_becomes_a_tree_in_line_in_libwbxml() -> None:
    data = NESTED_TNDS.split(b"<Data>")[1].split(b"</Data>")[0]
    nested = NESTED_TNDS.replace(data, b64encode(from_xml(TEXT_TNDS)))
    expected = INLINE_TNDS.replace(TNDS, TEXT_TNDS).replace(b">xml</Format>", b">bin</Format>")
    assert same(wbxml2xml(from_xml(nested)), expected)


def test_nested_document_under_a_text_format_is_refused() -> None:
    # libwbxml turns the tree into a nested document and leaves Meta/Format `xml` as it was; the octets of a document
    # are not text, and design D2 shows octets only where the format is `bin`.
    with pytest.raises(WbxmlError, match="XML does not allow"):
        to_xml(xml2wbxml(INLINE_TNDS, "-n"))


@pytest.mark.parametrize("options", [("-n",), ()], ids=["strings inline", "string table"])
def test_provisioning_documents_of_libwbxml_are_read(options: tuple[str, ...]) -> None:
    assert same(to_xml(xml2wbxml(PROV, *options)), PROV)


@pytest.mark.parametrize("options", [("-n",), ()], ids=["strings inline", "string table"])
def test_trees_of_libwbxml_are_read(options: tuple[str, ...]) -> None:
    assert same(to_xml(xml2wbxml(TNDS, *options)), TNDS)


def test_signature_loses_its_attributes_and_namespace_in_libwbxml_and_what_is_left_is_refused() -> None:
    signed = message("", last='<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><x URI="v"></x></Signature>')
    octets = xml2wbxml(signed)
    assert b"URI" not in octets
    with pytest.raises(WbxmlError, match="no namespace"):
        to_xml(octets)
    assert to_xml(from_xml(signed)) == signed
