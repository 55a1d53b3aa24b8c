"""Readable XML of messages and provisioning documents, and small builders of WBXML octets."""

from __future__ import annotations

from base64 import b64encode

from lxml import etree

from smartcard_dm.wbxml import from_xml
from smartcard_dm.wbxml.integers import write_integer

SYNCML_HEADER = bytes.fromhex("02 A4 01 6A 00")
PROV_HEADER = bytes.fromhex("02 0B 6A 00")


def c14n(xml: bytes) -> bytes:
    """The exclusive canonical form without comments, by libxml2."""
    root = etree.fromstring(xml)
    canonical: bytes = etree.tostring(root.getroottree(), method="c14n", exclusive=True, with_comments=False)
    return canonical


def joined(source: str) -> bytes:
    """XML written over several indented lines, as one line without the indentation."""
    return "".join(line.strip() for line in source.splitlines()).encode()


def document(body: str, *strings: bytes, public_id: str = "A4 01") -> bytes:
    """A WBXML 1.2 document from hex of its body and the strings of its table."""
    table = b"".join(string + b"\0" for string in strings)
    return b"\x02" + bytes.fromhex(public_id) + b"\x6a" + write_integer(len(table)) + table + bytes.fromhex(body)


TNDS = joined("""
<MgmtTree xmlns="syncml:dmddf1.2">
  <VerDTD>1.2</VerDTD>
  <Node>
    <NodeName>dms</NodeName>
    <Path>./DMAcc</Path>
    <RTProperties><ACL>Get=*&amp;Replace=com.example.dms</ACL><Format><node></node></Format>
      <Type><DDFName>urn:oma:mo:oma-dm-dmacc:1.0</DDFName></Type></RTProperties>
    <Node>
      <NodeName>ServerID</NodeName>
      <RTProperties><Format><chr></chr></Format><Type><MIME>text/plain</MIME></Type></RTProperties>
      <Value>com.example.dms</Value>
    </Node>
    <Node>
      <NodeName>AAuthSecret</NodeName>
      <RTProperties><Format><bin></bin></Format><Type><MIME>application/octet-stream</MIME></Type></RTProperties>
      <Value>AAEC/wM=</Value>
    </Node>
    <Node>
      <NodeName>AAuthData</NodeName>
      <RTProperties><Format><b64></b64></Format><Type><MIME>text/plain</MIME></Type></RTProperties>
      <Value>Zm9v</Value>
    </Node>
  </Node>
</MgmtTree>
""")


def message(commands: str, *, last: str = "") -> bytes:
    """A SyncML message around commands, in canonical form; `last` stands behind its SyncBody."""
    return joined(f"""
    <SyncML xmlns="SYNCML:SYNCML1.2">
      <SyncHdr>
        <VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>1</SessionID><MsgID>1</MsgID>
        <Target><LocURI>IMEI:493005100592800</LocURI></Target>
        <Source><LocURI>com.example.dms</LocURI></Source>
      </SyncHdr>
      <SyncBody>{commands}<Final></Final></SyncBody>{last}
    </SyncML>""")


def add(data: str, *, fmt: str = "chr", kind: str = "text/plain") -> str:
    """An Add command whose Meta stands in its Item."""
    return f"""
    <Add>
      <CmdID>1</CmdID>
      <Item>
        <Target><LocURI>./Inbox</LocURI></Target>
        <Meta><Format xmlns="syncml:metinf">{fmt}</Format><Type xmlns="syncml:metinf">{kind}</Type></Meta>
        <Data>{data}</Data>
      </Item>
    </Add>"""


SIGNATURE = joined("""
<Signature xmlns="http://www.w3.org/2000/09/xmldsig#">
  <SignedInfo>
    <CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"></CanonicalizationMethod>
    <SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"></SignatureMethod>
    <Reference URI="">
      <Transforms>
        <Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"></Transform>
        <Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"></Transform>
      </Transforms>
      <DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></DigestMethod>
      <DigestValue>47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=</DigestValue>
    </Reference>
  </SignedInfo>
  <SignatureValue>MC0CFQCFnQ==</SignatureValue>
  <KeyInfo><KeyName>com.example.dms</KeyName></KeyInfo>
</Signature>
""").decode()

PLAIN = message(add("a value &amp; &lt;more&gt;&#xD;\n\tü 漢字 😀"))
COMMAND_META = message("""
<Replace>
  <CmdID>2</CmdID>
  <Meta><Format xmlns="syncml:metinf">bin</Format></Meta>
  <Item><Target><LocURI>./a</LocURI></Target><Data>AAECAwQ=</Data></Item>
  <Item><Meta><Format xmlns="syncml:metinf">chr</Format></Meta><Data>AAECAwQ=</Data></Item>
  <Item><Data>not base64</Data></Item>
</Replace>""")
INLINE_TNDS = message(add(TNDS.decode(), fmt="xml", kind="application/vnd.syncml.dmtnds+xml"))
NESTED_TNDS = message(
    add(b64encode(from_xml(TNDS)).decode(), fmt="bin", kind="application/vnd.syncml.dmtnds+wbxml"),
)
SIGNED = message(add("signed"), last=SIGNATURE)

PROV = joined("""
<wap-provisioningdoc version="1.0">
  <characteristic type="BOOTSTRAP"><parm name="NAME" value="Example"></parm></characteristic>
  <characteristic type="APPLICATION">
    <parm name="APPID" value="w7"></parm>
    <parm name="PROVIDER-ID" value="com.example.dms"></parm>
    <parm name="INIT"></parm>
    <characteristic type="APPAUTH">
      <parm name="AAUTHLEVEL" value="APPSRV"></parm>
      <parm name="AAUTHTYPE" value="HTTP-BASIC"></parm>
      <parm name="AAUTHDATA" value="a&amp;b &quot;c&quot; &lt;d>"></parm>
    </characteristic>
    <characteristic type="x-vendor"><parm name="own" value=""></parm></characteristic>
  </characteristic>
  <characteristic type="NAPDEF"><parm name="NAP-ADDRTYPE" value="APN"></parm></characteristic>
</wap-provisioningdoc>
""")

DOCUMENTS = {
    "text": PLAIN,
    "Meta of the command": COMMAND_META,
    "TNDS in line": INLINE_TNDS,
    "TNDS nested": NESTED_TNDS,
    "signed with literals": SIGNED,
    "TNDS alone": TNDS,
    "PROV": PROV,
}
"""Canonical XML of every kind of document, by name."""
