from __future__ import annotations

from typing import Any

import pytest

from smartcard_dm.dm import AddrType, AppAddress, AuthLevel, AuthType, DmAccount, ServerId, account_from_mapping
from smartcard_dm.errors import DmError
from smartcard_dm.secret import Secret
from tests.dm.samples import CERTIFICATE, FULL_ACCOUNT

FULL: dict[str, Any] = {
    "server_id": "com.example.dms",
    "node_name": "Example",
    "name": "Example DM",
    "pref_con_ref": "./Inbox/NAP1",
    "to_con_refs": ["./NAP/A", "operator-net"],
    "addresses": [
        {"node_name": "main", "addr": "https://dms.example.com/dm", "addr_type": "URI", "ports": ["443", "8443"]},
        {"node_name": "v4", "addr": "192.0.2.7", "addr_type": "IPv4"},
        {"node_name": "v6", "addr": "2001:db8::7", "addr_type": "IPv6"},
    ],
    "auth_pref": "DIGEST",
    "auth": [
        {
            "node_name": "client",
            "level": "CLCRED",
            "type": "DIGEST",
            "name": "device",
            "secret": "client-secret-7",
            "data": "bm9uY2Utb2N0ZXRzLTEx",
        },
        {
            "node_name": "server",
            "level": "SRVCRED",
            "type": "HMAC",
            "name": "com.example.dms",
            "secret": "server-secret-9",
        },
        {"node_name": "certificate", "level": "SRVCRED", "type": "X509", "certificate": "MAMCAQc="},
        {"node_name": "proxy", "level": "HTTP", "type": "HTTP-BASIC"},
    ],
}
SMALL: dict[str, Any] = {"server_id": "com.example.dms", "addresses": [{"addr": "https://a"}]}


def test_every_key_is_read() -> None:
    assert account_from_mapping(FULL, place="card.yaml") == FULL_ACCOUNT


def test_names_of_nodes_are_made_where_none_are_given() -> None:
    source = {**SMALL, "auth": [{"level": "SRVCRED", "type": "HMAC", "secret": "s"}]}
    account = account_from_mapping(source, place="card.yaml")
    assert account == DmAccount(
        server_id=ServerId("com.example.dms"),
        node_name="com.example.dms",
        addresses=(AppAddress(node_name="1", addr="https://a", addr_type=AddrType.URI),),
        auth=account.auth,
    )
    (auth,) = account.auth
    assert (auth.node_name, auth.level, auth.type, auth.secret) == (
        "1",
        AuthLevel.SRVCRED,
        AuthType.HMAC,
        Secret(b"s"),
    )
    assert account_from_mapping({**SMALL, "server_id": "dms/1"}, place="card.yaml").node_name == "1"


def test_certificate_may_stand_in_pem_armour() -> None:
    pem = "\n-----BEGIN CERTIFICATE-----\nMAMC\nAQc=\n-----END CERTIFICATE-----\n"
    auth = {"level": "SRVCRED", "type": "X509", "certificate": pem}
    assert account_from_mapping({**SMALL, "auth": [auth]}, place="c").auth[0].certificate == CERTIFICATE


def with_auth(**keys: object) -> dict[str, object]:
    return {**SMALL, "auth": [{"level": "SRVCRED", "type": "HMAC", **keys}]}


def with_address(**keys: object) -> dict[str, object]:
    return {**SMALL, "addresses": [{"addr": "https://a", **keys}]}


@pytest.mark.parametrize(
    ("source", "place", "fault"),
    [
        pytest.param({**SMALL, "serverid": "x"}, "c.serverid", "unknown key", id="unknown key"),
        pytest.param(dict[Any, Any]({**SMALL}) | {7: "x"}, "c.7", "unknown key", id="key is no text"),
        pytest.param({"addresses": []}, "c.server_id", "missing", id="no ServerID"),
        pytest.param({**SMALL, "server_id": "a b"}, "c.server_id", "not printable", id="ServerID"),
        pytest.param({**SMALL, "name": 7}, "c.name", "found int", id="scalar is no text"),
        pytest.param({**SMALL, "name": "\x00"}, "c.name", "XML cannot hold", id="text XML cannot hold"),
        pytest.param({**SMALL, "name": "\udc80"}, "c.name", "XML cannot hold", id="lone surrogate"),
        pytest.param({**SMALL, "node_name": "a/b"}, "c.node_name", "no '/'", id="node name"),
        pytest.param({**SMALL, "auth_pref": "BEST"}, "c.auth_pref", "unknown value", id="preference"),
        pytest.param({**SMALL, "to_con_refs": "x"}, "c.to_con_refs", "not a list", id="text for a list"),
        pytest.param({**SMALL, "to_con_refs": [7]}, "c.to_con_refs[0]", "not text", id="list of no text"),
        pytest.param({**SMALL, "addresses": {}}, "c.addresses", "not a list", id="mapping for a list"),
        pytest.param({**SMALL, "addresses": []}, "c", "at least one address", id="no address"),
        pytest.param({**SMALL, "addresses": ["x"]}, "c.addresses[0]", "not a mapping", id="text for an address"),
        pytest.param({**SMALL, "addresses": [{}]}, "c.addresses[0].addr", "missing", id="address without addr"),
        pytest.param(with_address(addr=""), "c.addresses[0].addr", "not an address", id="empty address"),
        pytest.param(with_address(addr_type="E164"), "c.addresses[0].addr_type", "IPv4", id="address type"),
        pytest.param(with_address(ports=["65536"]), "c.addresses[0].ports", "16 bit", id="port"),
        pytest.param(with_address(ports=["٤"]), "c.addresses[0].ports", "16 bit", id="port not ASCII"),
        pytest.param(with_address(ports=[443]), "c.addresses[0].ports[0]", "found int", id="port is no text"),
        pytest.param(with_address(port="443"), "c.addresses[0].port", "unknown key", id="unknown key of an address"),
        pytest.param(with_auth(level="SERVER"), "c.auth[0].level", "SRVCRED", id="level"),
        pytest.param(with_auth(type="MD5"), "c.auth[0].type", "HMAC", id="type"),
        pytest.param(with_auth(level="HTTP"), "c.auth[0].type", "takes only", id="level and type"),
        pytest.param(with_auth(data="x"), "c.auth[0].data", "Base64", id="data"),
        pytest.param(with_auth(type="X509", certificate="x"), "c.auth[0].certificate", "Base64", id="certificate"),
        pytest.param(with_auth(certificate="MAMCAQc="), "c.auth[0].type", "X509", id="certificate for HMAC"),
        pytest.param(with_auth(password="x"), "c.auth[0].password", "unknown key", id="unknown key of credentials"),
        pytest.param(
            {**SMALL, "auth": [{"node_name": "a", "level": "SRVCRED", "type": "HMAC"}] * 2}, "c", "one name", id="twins"
        ),
    ],
)
def test_wrong_source_is_refused_and_the_key_named(source: dict[str, object], place: str, fault: str) -> None:
    with pytest.raises(DmError) as caught:
        account_from_mapping(source, place="c")
    assert caught.value.place == place
    assert fault in str(caught.value)
