"""What a sessionless client has to support, tried on a device.

Guarantees: each function tries one requirement and claims what it saw; a device is used by one of them only.
Spec: OMA-TS-DM_Sessionless, B.1.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from smartcard_dm import wbxml
from smartcard_dm.conformance.lab import ONE, STRANGER, TWO
from smartcard_dm.dm import AccessPoint, Embedding, Proxy
from smartcard_dm.rules import Rule
from smartcard_dm.server import MessageBuilder, ObjectBuilder
from smartcard_dm.trust.credentials import Credentials
from smartcard_dm.trust.policy import Policy
from smartcard_dm.trust.transport import Transport
from smartcard_dm.trust.verifier import Verifier

if TYPE_CHECKING:
    from smartcard_dm.conformance.claims import Claims
    from smartcard_dm.conformance.lab import Lab

_NET: Final = AccessPoint(identifier="net", node_name="net", name="Example network", addr="internet")
_GATE: Final = Proxy(identifier="gate", node_name="gate", name="Example proxy", addr="192.0.2.1", con_refs=("net",))
_NAME: Final = "./DMAcc/one/Name"


def sessionless_management(lab: Lab, claims: Claims) -> None:
    """C-001: messages in every WBXML version are carried out once, unsigned and changed ones never."""
    for version in ("1.1", "1.2", "1.3"):
        message = lab.issued(MessageBuilder().replace(_NAME, f"sent in {version}"), version=version)
        claims.equal(f"a message in WBXML {version} is carried out", lab.status_of(message), "200")
        claims.equal("its value is in the tree", lab.value(_NAME), f"sent in {version}")
        claims.refused("the same message once more is refused", partial(lab.apply, message), Rule.REPLAYED)
    xml = wbxml.to_xml(lab.issued(MessageBuilder().replace(_NAME, "genuine")))
    changed = wbxml.from_xml(xml.replace(b"genuine", b"changed"))
    claims.refused("a changed message is refused", partial(lab.apply, changed), Rule.DIGEST_VALUE)
    unsigned = wbxml.from_xml(xml[: xml.index(b"<Signature")] + b"</SyncML>")
    claims.refused("a message without signature is refused", partial(lab.apply, unsigned), Rule.SIGNATURE_MISSING)
    claims.equal("neither left anything in the tree", lab.value(_NAME), "sent in 1.3")


def embedded_tnds(lab: Lab, claims: Claims) -> None:
    """C-002: a TNDS object nested as WBXML becomes nodes; so do the other two embeddings."""
    for embedding in Embedding:
        name = f"net-{embedding.name.lower()}"
        point = AccessPoint(identifier=name, node_name=name, name=f"by {embedding.name}")
        document = ObjectBuilder().access_point(point).build(at_target=True)
        commands = MessageBuilder().add_object("./NAP", document, embedding=embedding)
        claims.equal(f"a TNDS object embedded as {embedding.name} is taken in", lab.statuses(commands), "200")
        claims.equal("its nodes are in the tree", lab.value(f"./NAP/{name}/Name"), f"by {embedding.name}")


def inbox(lab: Lab, claims: Claims) -> None:
    """C-003: what is sent to the Inbox finds its place, and references within it follow."""
    document = ObjectBuilder().access_point(_NET).proxy(_GATE).build()
    commands = MessageBuilder().add_object("./Inbox", document)
    claims.equal("an access point and a proxy sent to ./Inbox are taken in", lab.statuses(commands), "200")
    claims.equal("the access point is at its place", lab.value("./NAP/net/NapId"), "net")
    claims.equal("the proxy refers to it there", lab.value("./PX/gate/ConRefs/1/ConRef"), "./NAP/net")
    claims.equal("the same objects once more are taken in under other names", lab.statuses(commands), "200")
    claims.equal("the second proxy refers to the second one", lab.value("./PX/gate-2/ConRefs/1/ConRef"), "./NAP/net-2")


def only_one_account(lab: Lab, claims: Claims) -> None:
    """C-004: no account, or more than one, and the message is refused."""
    commands = MessageBuilder().add_interior("./X")
    known, unknown = lab.issued(commands), lab.issued(commands, STRANGER)
    claims.refused("a server without account is refused", partial(lab.apply, unknown), Rule.ACCOUNT_UNKNOWN)
    accounts = (*lab.credentials.accounts, lab.credentials.accounts[0])
    twice = Verifier(Credentials(lab.credentials.identity, accounts, ()), policy=Policy.default())
    judge = partial(twice.verify, known, transport=Transport.local(), at=lab.at)
    claims.refused("a server with two accounts is refused", judge, Rule.ACCOUNT_SEVERAL)
    foreign = lab.issued(commands, ONE, key=lab.key(TWO))
    claims.refused("the key of another account is refused", partial(lab.apply, foreign), Rule.SIGNATURE_VALUE)
    claims.equal("a server with one account is authorized", lab.status_of(known), "200")


def access_rights(lab: Lab, claims: Claims) -> None:
    """C-005: each command is allowed or not by the ServerID of the account that matched."""
    mine = MessageBuilder().replace(_NAME, "mine")
    claims.equal("another server may not change an account", lab.statuses(mine, TWO), "425")
    claims.equal("its own server may", lab.statuses(mine, ONE), "200")
    claims.equal("a server may add a branch", lab.statuses(MessageBuilder().add_interior("./X"), TWO), "200")
    owner = lab.acl("./X")
    claims.equal("the branch belongs to it", owner, f"Add={TWO}&Delete={TWO}&Replace={TWO}")
    leaf = MessageBuilder().add("./X/L", "v")
    claims.equal("another one may not add to it", lab.statuses(leaf, ONE), "425")
    claims.equal("its owner may", lab.statuses(leaf, TWO), "200")
