"""What an operator writes becomes a message a device can parse, and nothing else changes."""

from __future__ import annotations

import pytest
from lxml import etree

from smartcard_dm.dm import ServerId, parse_message
from smartcard_dm.errors import DmError, LimitExceededError, UnsupportedError
from smartcard_dm.limits import Limits
from smartcard_dm.server import Header, compose

SERVER = ServerId("com.example.dms")
BARE = b"""<?xml version="1.0"?>
<!-- what to change -->
<SyncBody>
  <Replace>
    <Item>
      <Target><LocURI>./A/B</LocURI></Target>
      <Meta><Format>chr</Format><Type>text/plain</Type></Meta>
      <Data>  two words  </Data>
    </Item>
  </Replace>
</SyncBody>
"""
COMPOSED = (
    b'<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>'
    b"<SessionID>1</SessionID><MsgID>1</MsgID><Target><LocURI>./</LocURI></Target>"
    b"<Source><LocURI>com.example.dms</LocURI></Source>"
    b'<Meta><EMI xmlns="syncml:metinf">WBXML/1.2</EMI></Meta></SyncHdr>'
    b"<SyncBody><Replace><CmdID>1</CmdID><Item><Target><LocURI>./A/B</LocURI></Target>"
    b'<Meta><Format xmlns="syncml:metinf">chr</Format><Type xmlns="syncml:metinf">text/plain</Type></Meta>'
    b"<Data>  two words  </Data></Item></Replace><Final></Final></SyncBody></SyncML>"
)
FULL = """<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>9</VerDTD><VerProto>x</VerProto>
<SessionID>77</SessionID><MsgID>5</MsgID><Target><LocURI>IMEI:1</LocURI></Target>
<Source><LocURI>com.example.somebody.else</LocURI></Source>
<Meta><MaxMsgSize xmlns="syncml:metinf">1000</MaxMsgSize></Meta></SyncHdr>
<SyncBody><Get><CmdID>3</CmdID><Item><Target><LocURI>./A</LocURI></Target></Item></Get>{more}<Final/></SyncBody></SyncML>"""


def test_a_bare_body_gets_header_namespaces_numbers_and_final() -> None:
    assert compose(BARE, SERVER, Header()) == COMPOSED


def test_composing_again_changes_nothing() -> None:
    assert compose(COMPOSED, SERVER, Header()) == COMPOSED


def test_a_document_keeps_session_target_and_meta_but_not_the_source() -> None:
    header = parse_message(compose(FULL.format(more="").encode(), SERVER, Header())).header
    assert (header.session_id, header.msg_id, header.target) == ("77", "5", "IMEI:1")
    assert header.source == "com.example.dms"
    assert (header.ver_dtd, header.ver_proto) == ("1.2", "DM/1.2")
    assert header.meta is not None
    assert (header.meta.max_msg_size, header.meta.emi) == (1000, "WBXML/1.2")


def test_what_the_issuer_says_stands_over_the_document() -> None:
    said = Header(session_id="8", msg_id="9", target="IMEI:2", version="1.3", default_session_id="6")
    header = parse_message(compose(FULL.format(more="").encode(), SERVER, said)).header
    assert (header.session_id, header.msg_id, header.target) == ("8", "9", "IMEI:2")
    assert header.meta is not None
    assert header.meta.emi == "WBXML/1.3"
    bare = parse_message(compose(BARE, SERVER, Header(default_session_id="6"))).header
    assert bare.session_id == "6"


def test_missing_numbers_are_given_without_using_one_twice() -> None:
    more = "<Atomic><Get><Item><Target><LocURI>./B</LocURI></Target></Item></Get></Atomic>"
    message = parse_message(compose(FULL.format(more=more).encode(), SERVER, Header()))
    atomic = message.commands[1]
    assert [command.cmd_id for command in message.commands] == ["3", "1"]
    assert [command.cmd_id for command in atomic.commands] == ["2"]  # type: ignore[union-attr] # it is an Atomic


def test_an_inline_tree_is_put_into_its_namespace() -> None:
    tree = "<MgmtTree><VerDTD>1.2</VerDTD><Node><NodeName>x</NodeName></Node></MgmtTree>"
    body = f"<SyncBody><Add><Item><Target><LocURI>./Inbox</LocURI></Target><Data>{tree}</Data></Item></Add></SyncBody>"
    root = etree.fromstring(compose(body.encode(), SERVER, Header()))
    assert root.find(".//{syncml:dmddf1.2}NodeName") is not None


@pytest.mark.parametrize(
    ("commands", "word"),
    [
        (b"", "not well-formed"),
        (b"text", "not well-formed"),
        (b"<SyncBody>", "not well-formed"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><SyncBody/>', "DOCTYPE"),
        (b"<?target x?><SyncBody><?target x?></SyncBody>", "processing instruction"),
        (b"<Replace/>", "wanted root SyncML or SyncBody"),
        (b"<SyncML/>", "exactly one SyncBody, found 0"),
        (b"<SyncML><SyncBody/><SyncBody/></SyncML>", "exactly one SyncBody, found 2"),
        (b"<SyncBody>text<Final/></SyncBody>", "text stands between elements"),
        (b"<SyncBody/>", "missing|out of place"),
        (BARE.replace(b"Replace", b"Reploce"), "out of place"),
        (BARE.replace(b"<Item>", b"<Item><Target/>"), "missing|out of place"),
        (BARE.replace(b"<SyncBody>", b'<SyncBody><Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/>'), "Signa"),
    ],
    ids=["empty", "text", "cut", "doctype", "instruction", "root", "no body", "two bodies", "stray text", "no command",
         "unknown command", "broken item", "signed already"],
)  # fmt: skip
def test_what_is_no_message_is_refused(commands: bytes, word: str) -> None:
    with pytest.raises((DmError, UnsupportedError), match=word):
        compose(commands, SERVER, Header())


def test_a_header_text_that_xml_cannot_hold_is_refused() -> None:
    with pytest.raises(DmError, match="SessionID"):
        compose(BARE, SERVER, Header(session_id="\x00"))


def test_bounds_are_held() -> None:
    with pytest.raises(LimitExceededError):
        compose(BARE, SERVER, Header(), limits=Limits(xml_octets=100))
