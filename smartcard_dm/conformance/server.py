"""What a sessionless server has to support, tried on its messages.

Guarantees: each function tries one requirement and claims what it saw.
Spec: OMA-TS-DM_Sessionless, B.2.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from smartcard_dm import wbxml
from smartcard_dm.conformance.lab import ONE, TWO
from smartcard_dm.dm import AccessPoint, ServerId, extract_tnds, parse_acl, parse_message
from smartcard_dm.rules import Rule
from smartcard_dm.server import Header, LintRule, MessageBuilder, ObjectBuilder, lint

if TYPE_CHECKING:
    from smartcard_dm.conformance.claims import Claims
    from smartcard_dm.conformance.lab import Lab

_NAME: Final = "./DMAcc/one/Name"
_CHANGES: Final = (
    (b"<SessionID>", b"<SessionID>9", "the header"),
    (b"<CmdID>1", b"<CmdID>2", "a command's number"),
    (b"<LocURI>./DMAcc/one/Name", b"<LocURI>./DMAcc/two/Name", "a target"),
    (b">signed<", b">forged<", "a value"),
)
_OCTETS: Final = {"1.1": 1, "1.2": 2, "1.3": 3}


def sessionless_management(lab: Lab, claims: Claims) -> None:
    """S-001: what the server issues is what a device authorizes and carries out."""
    applied = lab.apply(lab.issued(MessageBuilder().replace(_NAME, "issued")))
    claims.equal("a device authorizes what was issued", str(applied.message.server_id), ONE)
    claims.equal("and carries it out", lab.value(_NAME), "issued")


def wbxml_encoding(lab: Lab, claims: Claims) -> None:
    """S-002: WBXML 1.1, 1.2 and 1.3, one XML form each, and nothing but WBXML is read."""
    for version, octet in _OCTETS.items():
        message = lab.issued(MessageBuilder().replace(_NAME, version), version=version)
        claims.equal(f"WBXML {version}: the first octet", message[0], octet)
        again = wbxml.from_xml(wbxml.to_xml(message), version=version)
        claims.same(f"WBXML {version}: decoded and encoded again, the octets are the same", again, message)
    xml = wbxml.to_xml(lab.issued(MessageBuilder().replace(_NAME, "as text")))
    claims.refused("the same message as XML text is refused", partial(lab.apply, xml), Rule.WBXML_MALFORMED)


def server_id(lab: Lab, claims: Claims) -> None:
    """S-003: the ServerID stands in SyncHdr/Source/LocURI, whatever the commands' document said."""
    for server in (ONE, TWO):
        commands = MessageBuilder().add_interior(f"./{server}")
        found = lab.apply(lab.issued(commands, server)).message.message.header.source
        claims.equal(f"SyncHdr/Source/LocURI of a message of {server}", str(found), server)


def signed_as_a_whole(lab: Lab, claims: Claims) -> None:
    """S-004: what was verified is the message without its Signature, and nothing less."""
    message = lab.issued(MessageBuilder().replace(_NAME, "signed"))
    xml = wbxml.to_xml(message)
    verified = lab.apply(message).message
    without = xml[: xml.rindex(b"<Signature ")] + b"</SyncML>"
    claims.same("what is signed is the whole message but the Signature", verified.octets, without)
    for old, new, place in _CHANGES:
        xml = wbxml.to_xml(lab.issued(MessageBuilder().replace(_NAME, "signed")))
        changed = wbxml.from_xml(xml.replace(old, new, 1))
        claims.refused(f"a change in {place} is noticed", partial(lab.apply, changed), Rule.DIGEST_VALUE)


def acl_properties(lab: Lab, claims: Claims) -> None:
    """S-006: the ACL of a new object stands in its TNDS data, and the device keeps it."""
    rights = parse_acl(f"Get=*&Replace={TWO}")
    point = AccessPoint(identifier="net", node_name="net", name="Example network")
    document = ObjectBuilder().access_point(point, acl=rights).build()
    message = lab.issued(MessageBuilder().add_object("./Inbox", document))
    item = parse_message(lab.apply(message).message.octets).commands[0].items[0]  # type: ignore[union-attr] # an Add
    (node,) = extract_tnds(item, item.effective_meta(None)).nodes
    claims.equal("the ACL stands in the TNDS data", str(node.acl), str(rights))
    claims.equal("the new object has it", lab.acl("./NAP/net"), str(rights))
    name = "./NAP/net/Name"
    claims.equal("the server it names may replace", lab.statuses(MessageBuilder().replace(name, "new"), TWO), "200")
    claims.equal("the server that added it may not", lab.statuses(MessageBuilder().replace(name, "old"), ONE), "425")
    bare = MessageBuilder().add_object("./Inbox", ObjectBuilder().access_point(point).build())
    found = lint(bare.compose(ServerId(ONE), Header(session_id="1")), ServerId(ONE))
    told = ", ".join(each.rule.identifier for each in found)
    claims.equal("an object without ACL is told before it is signed", told, LintRule.ACL_MISSING.identifier)
