from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.dm import NodeFormat, NodeType, NodeUri, TndsNode, TypeKind, parse_tnds
from smartcard_dm.dm.description import AccessType, Occurrence
from smartcard_dm.dm.namespaces import DDF_NS, MO_NAP, MO_PROXY
from smartcard_dm.dm.object_connectivity import MO_3GPPPS, NAP, PROXY
from smartcard_dm.errors import DmError, UnsupportedError
from tests.dm.samples import Tree, changed, node

if TYPE_CHECKING:
    from smartcard_dm.dm.standard_object import StandardObject

COMMANDS = Path(__file__).parents[2] / "fixtures" / "messages" / "commands.xml"
PLACE = "./NAP/internet"
NAP_TREE: Tree = {
    "NAPID": "internet",
    "Name": "Example Internet",
    "Addr": "internet.example.com",
    "AddrType": "APN",
    "BearerType": "3GPP-PS",
    "AuthInfo": {
        "AuthType": "PAP",
        "AuthName": "guest",
        "AuthSecret": "not-shown",
        "AuthEntities": {"1": {"AuthEntity": "AAA"}},
    },
    "IPv4": {"LocalAddr": "192.0.2.7", "NetMask": "255.255.255.0", "DNS": {"1": {"DNSAddr": "192.0.2.1"}}},
    "IPv6": {"LocalAddr": "2001:db8::7"},
    "Bearer": {"3GPPPS": {"PDPType": "IPv4", "QoS": {"Delay": "1"}}},
    "Ext": {"Vendor": {"AlwaysOn": "1"}},
}
PROXY_TREE: Tree = {
    "ProxyId": "web",
    "Name": "Example proxy",
    "ProxyType": "HTTP",
    "Addr": "192.0.2.9",
    "AddrType": "IPV4",
    "AddrFQDN": "proxy.example.com",
    "AuthInfo": {"AuthType": "HTTP-BASIC", "AuthName": "guest", "AuthSecret": "not-shown"},
    "ConRefs": {"1": {"ConRef": "./Inbox/internet"}},
    "Domains": {"1": {"DomainName": "example.com"}},
    "Ports": {"1": {"PortNbr": "8080", "Services": {"1": {"ServiceName": "HTTP"}}}},
    "ProxyParams": {"WAP": {"Trust": "1", "PushEnabled": "0"}},
    "Ext": {},
}


def test_the_object_of_the_example_message_is_accepted() -> None:
    text = COMMANDS.read_text(encoding="utf-8")
    tree = text[text.index("<MgmtTree>") : text.index("</MgmtTree>")] + "</MgmtTree>"
    [found] = parse_tnds(tree.replace("<MgmtTree>", f'<MgmtTree xmlns="{DDF_NS}">').encode()).nodes
    assert found.mo_id in NAP.versions
    NAP.check(found, PLACE)
    assert (NAP.key(found), NAP.name(found)) == ("internet", "internet")


def test_a_full_access_point_is_accepted() -> None:
    NAP.check(node("internet", NAP_TREE, mo_id=MO_NAP), PLACE)


def test_a_full_proxy_is_accepted() -> None:
    PROXY.check(node("web", PROXY_TREE, mo_id=MO_PROXY), "./PX/web")


@pytest.mark.parametrize(
    ("handler", "spelling"), [(NAP, "NAPID"), (NAP, "NapId"), (PROXY, "ProxyID"), (PROXY, "ProxyId")]
)
def test_the_identifier_is_all_that_is_wanted(handler: StandardObject, spelling: str) -> None:
    found = node("", {spelling: "x"})
    handler.check(found, PLACE)
    assert (handler.key(found), handler.name(found)) == ("x", "x")


@pytest.mark.parametrize("handler", [NAP, PROXY])
def test_an_object_without_an_identifier_is_refused(handler: StandardObject) -> None:
    with pytest.raises(DmError, match="the node is missing"):
        handler.check(node("x", {"Name": "x"}), PLACE)


@pytest.mark.parametrize(("handler", "mo_id"), [(NAP, MO_PROXY), (PROXY, MO_NAP)])
def test_one_is_not_the_other(handler: StandardObject, mo_id: str) -> None:
    with pytest.raises(UnsupportedError, match="connmo"):
        handler.check(node("x", {}, mo_id=mo_id), PLACE)


def test_a_node_of_the_proxy_is_none_of_the_access_point() -> None:
    with pytest.raises(DmError, match="not a node of this object"):
        NAP.check(node("x", changed(NAP_TREE, "ConRefs", {})), PLACE)


def test_a_bearer_may_be_named_as_the_object_it_is() -> None:
    bearer = replace(node("Bearer", {}), children=(node("3GPPPS", {"PDPType": "IP"}, mo_id=MO_3GPPPS),))
    found = node("x", changed(NAP_TREE, "Bearer", None))
    NAP.check(replace(found, children=(*found.children, bearer)), PLACE)


def test_a_bearer_that_holds_secrets_is_not_supported() -> None:
    wlan = node("WLAN", {"Key": "not-shown"}, mo_id="urn:oma:mo:oma-connmo-wlan:1.0")
    bearer = replace(node("Bearer", {}), children=(wlan,))
    found = node("x", changed(NAP_TREE, "Bearer", None))
    with pytest.raises(UnsupportedError, match="connmo-wlan") as caught:
        NAP.check(replace(found, children=(*found.children, bearer)), PLACE)
    assert "not-shown" not in str(caught.value)


def test_a_number_is_taken_in_either_format() -> None:
    lingering = TndsNode("Linger", NodeFormat.INT, "30", type=NodeType(TypeKind.MIME, "text/plain"))
    found = node("x", NAP_TREE)
    NAP.check(replace(found, children=(*found.children, lingering)), PLACE)
    NAP.check(node("x", changed(NAP_TREE, "Linger", "30")), PLACE)


@pytest.mark.parametrize("handler", [NAP, PROXY])
def test_passwords_are_secrets(handler: StandardObject) -> None:
    named = [(names, each) for names, each in handler.description.walk() if names and names[-1].endswith("Secret")]
    assert named
    for _, each in named:
        assert each.secret
        assert not each.access & {AccessType.GET, AccessType.COPY}


def test_only_the_proxy_refers_to_others() -> None:
    references = {"/".join(names) for names, each in PROXY.description.walk() if each.reference}
    assert references == {"ConRefs//ConRef"}
    assert not any(each.reference for _, each in NAP.description.walk())


def test_each_goes_below_a_node_of_its_own() -> None:
    assert (NAP.holder, PROXY.holder) == (NodeUri(("NAP",)), NodeUri(("PX",)))


@pytest.mark.parametrize("handler", [NAP, PROXY])
def test_nothing_is_wanted_that_no_source_is_sure_of(handler: StandardObject) -> None:
    assert not any(each.occurrence.is_required for _, each in handler.description.walk())
    assert handler.description.occurrence is Occurrence.ZERO_OR_MORE


@pytest.mark.parametrize("handler", [NAP, PROXY])
def test_the_vendor_branch_is_described_and_empty(handler: StandardObject) -> None:
    ext = handler.description.child("Ext")
    assert ext is not None
    assert (ext.children, ext.free) == ((), False)


@pytest.mark.parametrize("handler", [NAP, PROXY])
def test_what_is_free_has_no_table_of_its_own(handler: StandardObject) -> None:
    assert not any(each.free and each.children for _, each in handler.description.walk())
