"""Client provisioning as management objects: nodes, rights, references, and what is left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from smartcard_dm.dm import (
    Characteristic,
    CpObjects,
    Parm,
    ProvidedObject,
    ServerId,
    TndsNode,
    accounts_from_document,
    build_dmacc,
    objects_from_accounts,
    parse_dmacc,
)
from smartcard_dm.dm.namespaces import MO_DMACC, MO_NAP, MO_PROXY
from tests.dm.cp_samples import EVERYTHING, NAPDEF, PXLOGICAL, SECRETS, document, group, w7

RIGHTS: Final = "Delete=com.example.dms&Get=com.example.dms&Replace=com.example.dms"
SERVER: Final = ServerId("com.example.dms")
TWO: Final = w7(PROVIDER_ID="com.example.two")


def made(*characteristics: Characteristic) -> CpObjects:
    return objects_from_accounts(accounts_from_document(document(*characteristics), origin_place=""))


def only(found: CpObjects) -> ProvidedObject:
    [provided] = found.objects
    return provided


def values(node: TndsNode, above: str = "") -> dict[str, str]:
    """Return the leaves of an object by their path below its own node."""
    leaves: dict[str, str] = {}
    for child in node.children:
        if child.is_interior:
            leaves |= values(child, f"{above}{child.name}/")
        else:
            assert isinstance(child.value, str)
            leaves[f"{above}{child.name}"] = child.value
    return leaves


def physical(*inside: Characteristic, **parms: str) -> Characteristic:
    given = {name.replace("_", "-"): value for name, value in parms.items()}
    return group("PXPHYSICAL", {"PXADDR": "192.0.2.1", **given}, *inside)


def proxy(*inside: Characteristic) -> Characteristic:
    return group("PXLOGICAL", {"PROXY-ID": "px"}, *inside)


def test_an_account_is_an_object_with_the_rights_of_its_server() -> None:
    found = accounts_from_document(document(w7()), origin_place="")
    provided = only(objects_from_accounts(found))
    assert str(provided.node.acl) == RIGHTS
    assert replace(provided.node, acl=None) == build_dmacc(found.accounts[0])
    assert (provided.node.mo_id, provided.path, provided.server_id) == (MO_DMACC, "com.example.dms", SERVER)
    assert all(below.acl is None for child in provided.node.children for below in child.walk())


def test_each_account_has_rights_on_itself_only() -> None:
    found = made(w7(), TWO)
    assert [str(each.node.acl) for each in found.objects] == [RIGHTS, RIGHTS.replace("dms", "two")]


def test_an_account_is_named_as_its_node() -> None:
    provided = only(made(w7(PROVIDER_ID="a/b")))
    assert (provided.path, provided.node.name, provided.server_id) == ("1", "1", ServerId("a/b"))


def test_connectivity_belongs_to_the_one_account() -> None:
    found = made(PXLOGICAL, w7(), NAPDEF)
    assert [each.path for each in found.objects] == ["com.example.dms", "proxy.example.com", "NAP1"]
    assert [each.node.mo_id for each in found.objects] == [MO_DMACC, MO_PROXY, MO_NAP]
    assert {each.server_id for each in found.objects} == {SERVER}
    assert {str(each.node.acl) for each in found.objects} == {RIGHTS}
    assert len({each.group for each in found.objects}) == 1


@pytest.mark.parametrize("accounts", [(), (w7(), TWO)], ids=["no account", "two accounts"])
def test_connectivity_that_is_not_all_for_one_account_gives_nobody_rights(accounts: tuple[Characteristic, ...]) -> None:
    connectivity = made(NAPDEF, PXLOGICAL, *accounts).objects[len(accounts) :]
    assert len(connectivity) == 2
    assert [(each.server_id, each.node.acl) for each in connectivity] == [(None, None)] * 2


def test_nodes_of_a_network_access_point() -> None:
    provided = only(made(NAPDEF))
    assert (provided.node.name, provided.path) == ("NAP1", "NAP1")
    assert values(provided.node) == {
        "NapId": "NAP1",
        "Name": "Example net",
        "Addr": "internet.example",
        "AddrType": "APN",
        "Bearer/BearerType": "GSM-GPRS",
        "AuthInfo/AuthType": "CHAP",
        "AuthInfo/AuthName": "user",
        "AuthInfo/AuthSecret": SECRETS[2],
    }


def test_nodes_of_a_proxy() -> None:
    [provided, _] = made(PXLOGICAL, NAPDEF).objects
    assert (provided.node.name, provided.path) == ("proxy.example.com", "proxy.example.com")
    assert values(provided.node) == {
        "ProxyId": "proxy.example.com",
        "Name": "Example proxy",
        "AddrType": "IPV4",
        "Addr": "192.0.2.1",
        "AddrFQDN": "px.example.com",
        "ConRefs/1/ConRef": "./Inbox/NAP1",
        # Nothing of the document: a name of the device, or none.
        "ConRefs/2/ConRef": "NAP2",
        "Domains/1/DomainName": "example.com",
        "Ports/1/PortNbr": "8080",
        "Ports/2/PortNbr": "8081",
    }


def test_what_a_document_leaves_out_is_left_out() -> None:
    assert values(only(made(group("NAPDEF", {"NAPID": "n"}))).node) == {"NapId": "n"}
    found = made(proxy())
    assert values(only(found).node) == {"ProxyId": "px"}
    assert found.warnings == ()


def test_services_of_a_port() -> None:
    port = Characteristic("PORT", (Parm("PORTNBR", "80"), Parm("SERVICE", "CL-WSP"), Parm("SERVICE", "OTA-HTTP-TO")))
    assert values(only(made(proxy(physical(port)))).node) == {
        "ProxyId": "px",
        "Addr": "192.0.2.1",
        "Ports/1/PortNbr": "80",
        "Ports/1/Services/1/ServiceName": "CL-WSP",
        "Ports/1/Services/2/ServiceName": "OTA-HTTP-TO",
    }


def test_the_logical_proxy_speaks_where_the_physical_one_is_silent() -> None:
    logical = group(
        "PXLOGICAL", {"PROXY-ID": "px", "DOMAIN": "a.example"}, group("PORT", {"PORTNBR": "80"}), physical()
    )
    found = made(logical)
    assert values(only(found).node) == {
        "ProxyId": "px",
        "Addr": "192.0.2.1",
        "Domains/1/DomainName": "a.example",
        "Ports/1/PortNbr": "80",
    }
    assert found.warnings == ()


def test_one_reference_of_an_account_becomes_the_path_of_its_object() -> None:
    account = made(w7(TO_NAPID="NAP1"), NAPDEF).objects[0].node
    assert parse_dmacc(account, place="").pref_con_ref == "./Inbox/NAP1"


def test_several_references_become_paths_and_names_of_the_device_stay() -> None:
    application = w7(TO_PROXY="proxy.example.com", TO_NAPID="INTERNET")
    account = parse_dmacc(made(application, PXLOGICAL).objects[0].node, place="")
    assert account.to_con_refs == ("./Inbox/proxy.example.com", "INTERNET")


def test_the_account_itself_keeps_the_names_of_the_document() -> None:
    found = accounts_from_document(document(w7(TO_NAPID="NAP1"), NAPDEF), origin_place="")
    objects_from_accounts(found)
    assert found.accounts[0].pref_con_ref == "NAP1"


def test_a_proxy_refers_to_access_points_only() -> None:
    refers = proxy(physical(TO_NAPID="px"))
    assert values(only(made(refers)).node)["ConRefs/1/ConRef"] == "px"


def test_a_name_that_cannot_be_a_node_is_replaced_and_references_follow() -> None:
    nap = group("NAPDEF", {"NAPID": "a/b"})
    account, provided = made(w7(TO_NAPID="a/b"), nap).objects
    assert (provided.path, provided.node.name, values(provided.node)) == ("1", "1", {"NapId": "a/b"})
    assert parse_dmacc(account.node, place="").pref_con_ref == "./Inbox/1"


def test_what_has_the_name_of_something_else_is_left_out_and_told() -> None:
    twin = group("NAPDEF", {"NAPID": "NAP1", "NAME": "twin"})
    server = group("PXLOGICAL", {"PROXY-ID": "com.example.dms"})
    found = made(w7(), group("NAPDEF", {"NAPID": "NAP1"}), twin, server)
    assert [each.path for each in found.objects] == ["com.example.dms", "NAP1"]
    assert found.warnings == (
        "characteristic[NAPDEF][2]: something before it has its name; no object is made",
        "characteristic[PXLOGICAL]: something before it has its name; no object is made",
    )


@pytest.mark.parametrize(
    ("characteristic", "place"),
    [
        (group("NAPDEF", {"NAME": "x"}), "characteristic[NAPDEF]/parm[NAPID]"),
        (group("NAPDEF", {"NAPID": ""}), "characteristic[NAPDEF]/parm[NAPID]"),
        (group("PXLOGICAL", {"NAPID": "x"}), "characteristic[PXLOGICAL]/parm[PROXY-ID]"),
    ],
)
def test_what_has_no_name_makes_no_object_and_stops_nothing(characteristic: Characteristic, place: str) -> None:
    found = made(characteristic, w7())
    assert [each.path for each in found.objects] == ["com.example.dms"]
    assert found.warnings == (f"{place}: the parm is missing or has no value; no object is made",)


@pytest.mark.parametrize(
    ("characteristic", "warning"),
    [
        (
            Characteristic("NAPDEF", (Parm("NAPID", "n"), Parm("BEARER", "a"), Parm("BEARER", "b"))),
            "characteristic[NAPDEF]/parm[BEARER]: the parm stands more than once; left out",
        ),
        (
            group("NAPDEF", {"NAPID": "n"}, group("NAPAUTHINFO"), group("NAPAUTHINFO", {"AUTHTYPE": "PAP"})),
            "characteristic[NAPDEF]/characteristic[NAPAUTHINFO][2]: the object has place for one; left out",
        ),
        (
            proxy(physical(), physical(TO_NAPID="NAP1")),
            "characteristic[PXLOGICAL]/characteristic[PXPHYSICAL][2]: the object has place for one; left out",
        ),
        (
            proxy(Characteristic("PXPHYSICAL", (Parm("TO-NAPID", "n"), Parm("TO-NAPID")))),
            "characteristic[PXLOGICAL]/characteristic[PXPHYSICAL]/parm[TO-NAPID]: the parm has no value; left out",
        ),
        (
            group("NAPDEF", {"NAPID": "n", "DNS-ADDR": "192.0.2.53"}),
            "characteristic[NAPDEF]/parm[DNS-ADDR] has no place in the object and is left out",
        ),
        (
            proxy(group("PXAUTHINFO", {"PXAUTH-PW": SECRETS[2]})),
            "characteristic[PXLOGICAL]/characteristic[PXAUTHINFO] has no place in the object and is left out",
        ),
        (
            proxy(group("PORT", {"PORTNBR": "80", "x": "y"})),
            "characteristic[PXLOGICAL]/characteristic[PORT]/parm[x] has no place in the object and is left out",
        ),
    ],
    ids=["BEARER", "NAPAUTHINFO", "PXPHYSICAL", "TO-NAPID", "DNS-ADDR", "PXAUTHINFO", "in a PORT"],
)
def test_what_has_no_place_is_told_and_the_object_is_made(characteristic: Characteristic, warning: str) -> None:
    found = made(characteristic)
    assert found.warnings == (warning,)
    assert set(values(only(found).node).values()) <= {"n", "px", "80", "192.0.2.1"}


def test_a_document_without_objects_gives_none() -> None:
    assert made(group("x-unknown")) == CpObjects()


def test_no_text_shows_a_secret() -> None:
    found = objects_from_accounts(accounts_from_document(EVERYTHING, origin_place=""))
    held = {below.value for each in found.objects for below in each.node.walk()}
    assert set(SECRETS) <= held
    assert not [secret for secret in SECRETS if secret in repr(found) + "".join(found.warnings)]
