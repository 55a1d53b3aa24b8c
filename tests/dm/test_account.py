from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcard_dm.dm import (
    AddrType,
    AppAddress,
    AppAuth,
    AuthLevel,
    AuthType,
    DmAccount,
    NodeFormat,
    NodeType,
    Origin,
    ServerId,
    TndsNode,
    TypeKind,
    build_dmacc,
    parse_dmacc,
)
from smartcard_dm.dm.namespaces import MO_DMACC, MO_DMACC_1_1, MO_DMACC_ALIAS
from smartcard_dm.errors import DmError, UnsupportedError
from smartcard_dm.secret import Secret
from tests.dm.samples import FULL_ACCOUNT, FULL_TREE, SMALL_TREE, account_node, changed, node, with_twin
from tests.dm.strategies import NAMES, SERVER_IDS, TEXTS

if TYPE_CHECKING:
    from tests.dm.samples import Tree

PLACE = "./DMAcc/Example"
EXT = node("Ext", {"Vendor": {"Colour": "blue"}})


def test_every_node_of_the_object_is_read() -> None:
    assert parse_dmacc(account_node(FULL_TREE), place=PLACE) == replace(FULL_ACCOUNT, ext=EXT)


def test_every_node_of_the_object_is_written() -> None:
    assert build_dmacc(replace(FULL_ACCOUNT, ext=EXT)) == account_node(FULL_TREE)


def test_only_what_the_standard_wants_is_enough() -> None:
    account = parse_dmacc(account_node(SMALL_TREE, ""), place=PLACE)
    assert account == DmAccount(
        server_id=ServerId("com.example.small"),
        addresses=(AppAddress(node_name="1", addr="https://small.example.com"),),
    )
    assert (account.app_id, account.name, account.auth, account.origin) == ("w7", None, (), None)


@pytest.mark.parametrize("mo_id", [MO_DMACC, MO_DMACC_1_1, MO_DMACC_ALIAS, ""])
def test_names_of_the_object_are_accepted(mo_id: str) -> None:
    assert parse_dmacc(account_node(SMALL_TREE, mo_id=mo_id), place=PLACE).node_name == "Example"


def test_another_object_is_not_supported() -> None:
    with pytest.raises(UnsupportedError, match=r"urn:oma:mo:oma-dm-dmacc:2\.0.*\./DMAcc/Example"):
        parse_dmacc(account_node(SMALL_TREE, mo_id="urn:oma:mo:oma-dm-dmacc:2.0"), place=PLACE)


INTERIOR: Tree = {}


@pytest.mark.parametrize(
    ("path", "content", "named", "fault"),
    [
        pytest.param("AppID", None, "AppID", "missing", id="AppID missing"),
        pytest.param("AppID", "w2", "AppID", "wanted w7", id="AppID of another application"),
        pytest.param("AppID", INTERIOR, "AppID", "interior node stands", id="AppID interior"),
        pytest.param("ServerID", None, "ServerID", "missing", id="ServerID missing"),
        pytest.param("ServerID", "", "ServerID", "is empty", id="ServerID empty"),
        pytest.param("ServerID", INTERIOR, "ServerID", "interior node stands", id="ServerID interior"),
        pytest.param("ServerID", b"com", "ServerID", "wanted chr, found bin", id="ServerID of Format bin"),
        pytest.param("ServerID", "a b", "ServerID", "not printable", id="ServerID with white space"),
        pytest.param("ServerID", "*", "ServerID", "not printable", id="ServerID is everyone"),
        pytest.param("Name", INTERIOR, "Name", "interior node stands", id="Name interior"),
        pytest.param("PrefConRef", INTERIOR, "PrefConRef", "interior node stands", id="PrefConRef interior"),
        pytest.param("ToConRef", "./NAP/A", "ToConRef", "a leaf stands", id="ToConRef leaf"),
        pytest.param("ToConRef", INTERIOR, "ToConRef", "no children", id="ToConRef empty"),
        pytest.param("ToConRef/1", "x", "ToConRef/1", "a leaf stands", id="reference leaf"),
        pytest.param("ToConRef/1", INTERIOR, "ToConRef/1/ConRef", "missing", id="ConRef missing"),
        pytest.param("ToConRef/1/Other", "x", "ToConRef/1/Other", "not a node", id="unknown node below ToConRef"),
        pytest.param("AppAddr", None, "AppAddr", "missing", id="AppAddr missing"),
        pytest.param("AppAddr", INTERIOR, "AppAddr", "no children", id="AppAddr empty"),
        pytest.param("AppAddr", "x", "AppAddr", "a leaf stands", id="AppAddr leaf"),
        pytest.param("AppAddr/main", "x", "AppAddr/main", "a leaf stands", id="address leaf"),
        pytest.param("AppAddr/main/Addr", None, "AppAddr/main/Addr", "missing", id="Addr missing"),
        pytest.param("AppAddr/main/Addr", "", "AppAddr/main/Addr", "AddrType URI", id="Addr empty"),
        pytest.param("AppAddr/main/Addr", "a b", "AppAddr/main/Addr", "AddrType URI", id="Addr with white space"),
        pytest.param("AppAddr/v4/Addr", "2001:db8::7", "AppAddr/v4/Addr", "AddrType IPv4", id="Addr not IPv4"),
        pytest.param("AppAddr/v6/Addr", "192.0.2.7", "AppAddr/v6/Addr", "AddrType IPv6", id="Addr not IPv6"),
        pytest.param("AppAddr/v6/Addr", "host", "AppAddr/v6/Addr", "AddrType IPv6", id="Addr no IP address"),
        pytest.param("AppAddr/main/AddrType", None, "AppAddr/main/AddrType", "missing", id="AddrType missing"),
        pytest.param("AppAddr/main/AddrType", "E164", "AppAddr/main/AddrType", "unknown value", id="AddrType unknown"),
        pytest.param("AppAddr/main/AddrType", "ipv4", "AppAddr/main/AddrType", "unknown value", id="AddrType case"),
        pytest.param("AppAddr/main/Port", "443", "AppAddr/main/Port", "a leaf stands", id="Port leaf"),
        pytest.param("AppAddr/main/Port", INTERIOR, "AppAddr/main/Port", "no children", id="Port empty"),
        pytest.param("AppAddr/main/Port/1", INTERIOR, "AppAddr/main/Port/1/PortNbr", "missing", id="PortNbr missing"),
        pytest.param(
            "AppAddr/main/Port/1/PortNbr", "65536", "AppAddr/main/Port/1/PortNbr", "16 bit", id="PortNbr out of range"
        ),
        pytest.param(
            "AppAddr/main/Port/1/PortNbr", "-1", "AppAddr/main/Port/1/PortNbr", "16 bit", id="PortNbr negative"
        ),
        pytest.param("AppAddr/main/Port/1/PortNbr", "", "AppAddr/main/Port/1/PortNbr", "16 bit", id="PortNbr empty"),
        pytest.param(
            "AppAddr/main/Port/1/PortNbr", "٤", "AppAddr/main/Port/1/PortNbr", "16 bit", id="PortNbr no ASCII"
        ),
        pytest.param("AppAddr/main/Port/1/Other", "1", "AppAddr/main/Port/1/Other", "not a node", id="unknown in Port"),
        pytest.param("AppAddr/main/Other", "1", "AppAddr/main/Other", "not a node", id="unknown node of an address"),
        pytest.param("AAuthPref", "BEST", "AAuthPref", "unknown value", id="AAuthPref unknown"),
        pytest.param("AAuthPref", INTERIOR, "AAuthPref", "interior node stands", id="AAuthPref interior"),
        pytest.param("AppAuth", "x", "AppAuth", "a leaf stands", id="AppAuth leaf"),
        pytest.param("AppAuth", INTERIOR, "AppAuth", "no children", id="AppAuth empty"),
        pytest.param("AppAuth/server", "x", "AppAuth/server", "a leaf stands", id="credentials leaf"),
        pytest.param(
            "AppAuth/server/AAuthLevel", None, "AppAuth/server/AAuthLevel", "missing", id="AAuthLevel missing"
        ),
        pytest.param("AppAuth/server/AAuthLevel", "", "AppAuth/server/AAuthLevel", "unknown", id="AAuthLevel empty"),
        pytest.param(
            "AppAuth/server/AAuthLevel",
            "APPSRV",
            "AppAuth/server/AAuthLevel",
            "CLCRED, SRVCRED",
            id="AAuthLevel unknown",
        ),
        pytest.param("AppAuth/server/AAuthType", None, "AppAuth/server/AAuthType", "missing", id="AAuthType missing"),
        pytest.param("AppAuth/server/AAuthType", "MD5", "AppAuth/server/AAuthType", "unknown", id="AAuthType unknown"),
        pytest.param("AppAuth/proxy/AAuthType", "HMAC", "AppAuth/proxy/AAuthType", "takes only", id="HTTP with HMAC"),
        pytest.param(
            "AppAuth/client/AAuthLevel", "OBEX", "AppAuth/client/AAuthType", "takes only", id="OBEX with DIGEST"
        ),
        pytest.param(
            "AppAuth/client/AAuthName", INTERIOR, "AppAuth/client/AAuthName", "interior", id="AAuthName interior"
        ),
        pytest.param(
            "AppAuth/client/AAuthSecret", b"s", "AppAuth/client/AAuthSecret", "wanted chr", id="AAuthSecret bin"
        ),
        pytest.param(
            "AppAuth/client/AAuthData", "bm9uY2U=", "AppAuth/client/AAuthData", "wanted bin", id="AAuthData chr"
        ),
        pytest.param(
            "AppAuth/client/AAuthData", INTERIOR, "AppAuth/client/AAuthData", "wanted bin", id="AAuthData node"
        ),
        pytest.param(
            "AppAuth/certificate/AAuthData", b"", "AppAuth/certificate/AAuthData", "empty", id="no certificate"
        ),
        pytest.param(
            "AppAuth/client/Other", "x", "AppAuth/client/Other", "not a node", id="unknown node of credentials"
        ),
        pytest.param("Ext", "x", "Ext", "a leaf stands", id="Ext leaf"),
        pytest.param("Vendor", "x", "Vendor", "vendor nodes go below Ext", id="unknown node"),
    ],
)
def test_broken_account_is_refused_and_the_node_named(
    path: str, content: Tree | str | bytes | None, named: str, fault: str
) -> None:
    with pytest.raises(DmError) as caught:
        parse_dmacc(account_node(changed(FULL_TREE, path, content)), place=PLACE)
    assert caught.value.place == f"{PLACE}/{named}"
    assert fault in str(caught.value)


@pytest.mark.parametrize(
    "path",
    [
        "AppID",
        "ServerID",
        "AppAddr",
        "AppAddr/main",
        "AppAddr/main/Port/1/PortNbr",
        "AppAuth/server/AAuthSecret",
        "Ext",
    ],
)
def test_a_node_that_is_there_twice_is_refused_and_named(path: str) -> None:
    with pytest.raises(DmError, match="two nodes have one name") as caught:
        parse_dmacc(with_twin(account_node(FULL_TREE), path), place=PLACE)
    assert caught.value.place == f"{PLACE}/{path}"


def test_a_leaf_and_a_nameless_child_are_refused() -> None:
    with pytest.raises(DmError, match="a leaf stands") as caught:
        parse_dmacc(node("Example", "w7"), place=PLACE)
    assert caught.value.place == PLACE
    nameless = replace(account_node(SMALL_TREE), children=(node("", {}),))
    with pytest.raises(DmError, match="a node below has no name"):
        parse_dmacc(nameless, place=PLACE)


@pytest.mark.parametrize("format_", [NodeFormat.INT, NodeFormat.XML])
def test_other_text_formats_are_refused(format_: NodeFormat) -> None:
    leaf = TndsNode("PortNbr", format_, "443", type=NodeType(TypeKind.MIME))
    port = replace(node("1", {}), children=(leaf,))
    address = node("1", {"Addr": "https://a", "AddrType": ""})
    address = replace(address, children=(*address.children, replace(node("Port", {}), children=(port,))))
    root = account_node(changed(SMALL_TREE, "AppAddr", None))
    root = replace(root, children=(*root.children, replace(node("AppAddr", {}), children=(address,))))
    with pytest.raises(DmError, match=f"wanted chr, found {format_.value}"):
        parse_dmacc(root, place=PLACE)


def test_empty_preference_means_none() -> None:
    assert parse_dmacc(account_node(changed(FULL_TREE, "AAuthPref", "")), place=PLACE).auth_pref is None


def test_origin_is_set_by_the_reader_and_not_written() -> None:
    origin = Origin(object="DM bootstrap", path="7F50/6431", oid="2.23.43.7.1")
    account = replace(FULL_ACCOUNT, origin=origin)
    assert str(account.origin) == "DM bootstrap in 7F50/6431"
    assert parse_dmacc(build_dmacc(account), place=PLACE) == FULL_ACCOUNT


ADDRESS = AppAddress(node_name="1", addr="https://a")


def test_impossible_accounts_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="at least one address"):
        DmAccount(server_id=ServerId("a"), addresses=())
    with pytest.raises(ValueError, match="AppID"):
        DmAccount(server_id=ServerId("a"), addresses=(ADDRESS,), app_id="w2")
    with pytest.raises(ValueError, match="one name"):
        DmAccount(server_id=ServerId("a"), addresses=(ADDRESS, ADDRESS))
    with pytest.raises(ValueError, match="not an address"):
        AppAddress(node_name="1", addr="", addr_type=AddrType.URI)
    with pytest.raises(ValueError, match="16 bits"):
        AppAddress(node_name="1", addr="https://a", ports=(65536,))
    with pytest.raises(ValueError, match="takes only"):
        AppAuth(node_name="1", level=AuthLevel.HTTP, type=AuthType.BASIC)
    with pytest.raises(ValueError, match="certificate for X509"):
        AppAuth(node_name="1", level=AuthLevel.SRVCRED, type=AuthType.HMAC, certificate=b"0")
    with pytest.raises(ValueError, match="certificate for X509"):
        AppAuth(node_name="1", level=AuthLevel.SRVCRED, type=AuthType.X509, data=Secret(b"n"))
    with pytest.raises(ValueError, match="certificate in AAuthData is empty"):
        AppAuth(node_name="1", level=AuthLevel.SRVCRED, type=AuthType.X509, certificate=b"")


@st.composite
def accounts(draw: st.DrawFn) -> DmAccount:
    names = draw(st.lists(NAMES, min_size=2, max_size=4, unique=True))
    auth = []
    for name in draw(st.lists(NAMES, max_size=3, unique=True)):
        level = draw(st.sampled_from(AuthLevel))
        kind = draw(st.sampled_from([each for each in AuthType if each.is_transport or not level.is_transport]))
        octets = draw(st.none() | st.binary(min_size=1))
        is_certificate = kind is AuthType.X509
        auth.append(
            AppAuth(
                node_name=name,
                level=level,
                type=kind,
                name=draw(st.none() | TEXTS),
                secret=draw(st.none() | TEXTS.map(str.encode).map(Secret)),
                data=Secret(octets) if octets is not None and not is_certificate else None,
                certificate=octets if is_certificate else None,
            )
        )
    return DmAccount(
        server_id=draw(SERVER_IDS),
        node_name=draw(st.just("") | NAMES),
        name=draw(st.none() | TEXTS),
        pref_con_ref=draw(st.none() | TEXTS),
        to_con_refs=tuple(draw(st.lists(TEXTS, max_size=2))),
        addresses=tuple(
            AppAddress(node_name=name, addr="https://a", ports=tuple(draw(st.lists(st.integers(0, 65535), max_size=2))))
            for name in names
        ),
        auth_pref=draw(st.none() | st.sampled_from(AuthType)),
        auth=tuple(auth),
        ext=draw(st.none() | st.just(EXT)),
    )


@given(accounts())
def test_account_survives_writing_and_reading(account: DmAccount) -> None:
    assert parse_dmacc(build_dmacc(account), place=PLACE) == account
