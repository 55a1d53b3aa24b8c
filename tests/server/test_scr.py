"""The static conformance requirements of a sessionless server (B.2), one test for each; S-005 is with the push work."""

from __future__ import annotations

import pytest
from lxml import etree

from smartcard_dm import wbxml
from smartcard_dm.dm import AclCommand, ServerId, extract_tnds, parse_message
from smartcard_dm.dm.namespaces import SYNCML_NS
from smartcard_dm.server import Header, LintPolicy, LintRule, compile_source, issue, lint, sign_and_encode
from smartcard_dm.trust.transport import Transport
from tests.materials import NOW, SERVER_ID, SHARED_SECRET, signing
from tests.server.lint_cases import nap, tree
from tests.server.test_lint import composed
from tests.trust.device import account, verifier

SERVER = ServerId(SERVER_ID)
SOURCES = {
    "xml": b"<SyncBody><Replace><Item><Target><LocURI>./A</LocURI></Target><Data>x</Data></Item></Replace></SyncBody>",
    "yaml": b"commands: [{replace: {./A: x}}]",
    "json": b'{"commands": [{"replace": {"./A": "x"}}]}',
}


def issued(source: bytes, version: str = "1.2") -> bytes:
    xml = compile_source(source, SERVER, Header(version=version)).fill({})
    return sign_and_encode(xml, signing(SHARED_SECRET), version=version)


@pytest.mark.parametrize("form", SOURCES)
def test_dm_sm_s_001_m_sessionless_management_is_supported(form: str) -> None:
    verified = verifier(account()).verify(issued(SOURCES[form]), transport=Transport.local(), at=NOW)
    assert [command.kind.value for command in verified.message.commands] == ["Replace"]
    assert str(verified.server_id) == SERVER_ID


@pytest.mark.parametrize(("version", "octet"), [("1.1", 1), ("1.2", 2), ("1.3", 3)])
def test_dm_sm_s_002_m_the_message_is_encoded_into_wbxml(version: str, octet: int) -> None:
    message = issued(SOURCES["yaml"], version)
    assert message[0] == octet
    assert wbxml.parse_header(message).version == version


@pytest.mark.parametrize("form", SOURCES)
def test_dm_sm_s_003_m_the_server_id_is_written_into_the_source(form: str) -> None:
    root = etree.fromstring(wbxml.to_xml(issued(SOURCES[form])))
    path = "/".join(f"{{{SYNCML_NS}}}{name}" for name in ("SyncHdr", "Source", "LocURI"))
    assert root.findtext(path) == SERVER_ID


def test_dm_sm_s_004_m_the_entire_message_is_signed() -> None:
    message = issue(SOURCES["xml"], SERVER, signing(SHARED_SECRET))
    verified = verifier(account()).verify(message, transport=Transport.local(), at=NOW)
    xml = wbxml.to_xml(message)
    assert xml[: xml.rindex(b"<Signature ")] + b"</SyncML>" == verified.octets
    assert etree.fromstring(xml)[-1].tag == "{http://www.w3.org/2000/09/xmldsig#}Signature"


def test_dm_sm_s_006_m_acl_properties_of_new_objects_are_in_the_tnds_data() -> None:
    source = b"""
    commands:
      - add: ./Inbox
        object: {nap: {id: internet}, proxy: {id: gate, con_refs: [internet], acl: Get=*}}
        acl: {Get: "*", Replace: com.example.dms}
    """
    message = parse_message(compile_source(source, SERVER, Header()).fill({}))
    [command] = message.commands
    item = command.items[0]  # type: ignore[union-attr] # it is an Add
    nodes = {node.name: node for node in extract_tnds(item, item.effective_meta(None)).nodes}
    acls = {name: node.acl for name, node in nodes.items()}
    assert acls["internet"] is not None
    assert acls["internet"].may(AclCommand.REPLACE, SERVER)
    assert str(acls["gate"]) == "Get=*"


def test_dm_sm_s_006_m_a_new_object_without_acl_is_told_and_refused_where_asked_for() -> None:
    body = composed(tree(nap(acl="")))
    (finding,) = lint(body, ServerId("com.example.dms"))
    assert (finding.rule, finding.is_error) == (LintRule.ACL_MISSING, False)
    assert finding.rule.clause == "OMA-TS-DM_Sessionless 5.4"
    (finding,) = lint(body, ServerId("com.example.dms"), LintPolicy(strict=True))
    assert finding.is_error
