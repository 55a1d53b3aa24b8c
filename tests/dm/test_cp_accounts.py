from __future__ import annotations

from typing import Final

import pytest

from smartcard_dm import wbxml
from smartcard_dm.dm import (
    AddrType,
    AppAddress,
    AppAuth,
    AuthLevel,
    AuthType,
    Characteristic,
    CpAccounts,
    DmAccount,
    Parm,
    ProvisioningDocument,
    ServerId,
    accounts_from_document,
    build_dmacc,
    build_provisioning_document,
    parse_dmacc,
    parse_provisioning_document,
)
from smartcard_dm.secret import Secret
from tests.dm import cp_samples as samples
from tests.dm.cp_samples import (
    CERTIFICATE,
    EVERYTHING,
    FULL_W7,
    NAPDEF,
    NONCE,
    NONCE_TEXT,
    PXLOGICAL,
    SECRETS,
    WBXML,
    appauth,
    document,
    group,
    repeated,
    w7,
)

FULL_ACCOUNT: Final = DmAccount(
    server_id=ServerId("com.example.dms"),
    node_name="com.example.dms",
    name="Example DM",
    to_con_refs=("proxy.example.com", "NAP1"),
    addresses=(
        AppAddress(node_name="1", addr="https://dms.example.com/dm", ports=(443, 8443)),
        AppAddress(node_name="2", addr="192.0.2.7", addr_type=AddrType.IPV4),
        AppAddress(node_name="3", addr="2001:db8::7", addr_type=AddrType.IPV6),
    ),
    auth=(
        AppAuth(
            node_name="1",
            level=AuthLevel.CLCRED,
            type=AuthType.DIGEST,
            name="device",
            secret=Secret(SECRETS[0].encode()),
            data=Secret(NONCE),
        ),
        AppAuth(
            node_name="2",
            level=AuthLevel.SRVCRED,
            type=AuthType.HMAC,
            name="com.example.dms",
            secret=Secret(SECRETS[1].encode()),
        ),
    ),
)


def read(*characteristics: Characteristic) -> CpAccounts:
    return accounts_from_document(document(*characteristics), origin_place="7F50/6431")


def one(application: Characteristic) -> DmAccount:
    (account,) = read(application).accounts
    return account


def one_auth(*credentials: Characteristic) -> AppAuth:
    (auth,) = one(w7(*credentials)).auth
    return auth


def test_every_parm_of_a_full_account() -> None:
    found = read(FULL_W7)
    assert found.accounts == (FULL_ACCOUNT,)
    assert found.connectivity == ()
    assert found.skipped == ()
    assert found.warnings == (
        "characteristic[APPLICATION]: INIT asks for a session at once; it is not part of the account",
    )


def test_appsrv_is_what_the_client_presents_and_client_is_what_the_server_presents() -> None:
    """Turned round, whoever knows the client's password could sign commands."""
    client, server = FULL_ACCOUNT.auth
    assert one_auth(samples.CLIENT_SECRET).level is AuthLevel.CLCRED
    assert one_auth(samples.SERVER_SECRET).level is AuthLevel.SRVCRED
    (account,) = read(FULL_W7).accounts
    signing = [auth.secret for auth in account.auth if auth.level is AuthLevel.SRVCRED]
    assert signing == [server.secret]
    assert client.secret not in signing


def test_the_account_is_one_that_a_tree_can_hold() -> None:
    assert parse_dmacc(build_dmacc(FULL_ACCOUNT), place="") == FULL_ACCOUNT


def test_a_whole_document() -> None:
    found = accounts_from_document(
        parse_provisioning_document(wbxml.from_xml(build_provisioning_document(EVERYTHING))), origin_place=""
    )
    assert found.accounts == (FULL_ACCOUNT,)
    assert found.connectivity == (PXLOGICAL, NAPDEF)
    assert found.skipped == (
        "characteristic[BOOTSTRAP]",
        "characteristic[ACCESS]",
        "characteristic[CLIENTIDENTITY]",
        "characteristic[VENDORCONFIG]",
        "characteristic[APPLICATION][1] with APPID 'w2'",
        "characteristic[x-unknown]",
    )


def test_a_vector() -> None:
    found = accounts_from_document(parse_provisioning_document(WBXML), origin_place="")
    (account,) = found.accounts
    assert (str(account.server_id), account.pref_con_ref) == ("dms", "NAP1")
    assert [(auth.level, auth.type, auth.secret) for auth in account.auth] == [
        (AuthLevel.CLCRED, AuthType.DIGEST, None),
        (AuthLevel.SRVCRED, AuthType.DIGEST, Secret(b"pw")),
    ]
    assert [each.type for each in found.connectivity] == ["NAPDEF"]


def test_an_empty_document_gives_nothing() -> None:
    assert accounts_from_document(ProvisioningDocument(), origin_place="") == CpAccounts()


def test_the_least_account() -> None:
    found = read(w7())
    assert found.warnings == ()
    assert found.accounts == (
        DmAccount(
            server_id=ServerId("com.example.dms"),
            node_name="com.example.dms",
            addresses=(AppAddress(node_name="1", addr="https://dms.example.com/dm"),),
        ),
    )


def test_a_server_id_that_is_no_node_name_gives_a_number() -> None:
    accounts = read(w7(), w7(PROVIDER_ID="dms/1")).accounts
    assert [account.node_name for account in accounts] == ["com.example.dms", "2"]


def test_two_accounts_of_one_server_are_both_returned() -> None:
    accounts = read(w7(), w7(ADDR="https://other.example.com")).accounts
    assert [str(account.server_id) for account in accounts] == ["com.example.dms"] * 2
    assert accounts[0] != accounts[1]


@pytest.mark.parametrize("app_id", ["w2", "W7", "w7 ", "ap0004"])
def test_other_applications_are_skipped(app_id: str) -> None:
    found = read(w7(APPID=app_id), w7())
    assert len(found.accounts) == 1
    assert found.skipped == (f"characteristic[APPLICATION][1] with APPID {app_id!r}",)


@pytest.mark.parametrize(
    ("parms", "pref", "others"),
    [
        ((), None, ()),
        ((Parm("TO-PROXY", "P"),), "P", ()),
        ((Parm("TO-NAPID", "INTERNET"),), "INTERNET", ()),
        ((Parm("TO-NAPID", "N"), Parm("TO-PROXY", "P")), None, ("P", "N")),
        ((Parm("TO-NAPID", "N1"), Parm("TO-NAPID", "N2")), None, ("N1", "N2")),
    ],
)
def test_one_connectivity_reference_is_preferred_several_are_a_list(
    parms: tuple[Parm, ...], pref: str | None, others: tuple[str, ...]
) -> None:
    application = w7()
    account = one(Characteristic("APPLICATION", (*application.parms, *parms)))
    assert (account.pref_con_ref, account.to_con_refs) == (pref, others)


@pytest.mark.parametrize("value", ["", None])
def test_a_name_without_a_value_is_no_name(value: str | None) -> None:
    assert one(repeated(w7(), "NAME", value)).name is None


@pytest.mark.parametrize(
    ("addr", "given_type", "wanted"),
    [
        ("https://a", None, AddrType.URI),
        ("https://a", "", AddrType.URI),
        ("https://a", "URI", AddrType.URI),
        ("192.0.2.7", "IPV4", AddrType.IPV4),
        ("192.0.2.7", "IPv4", AddrType.IPV4),
        ("2001:db8::7", "IPV6", AddrType.IPV6),
        ("2001:db8::7", "IPv6", AddrType.IPV6),
    ],
)
def test_types_of_address(addr: str, given_type: str | None, wanted: AddrType) -> None:
    (address,) = one(w7(group("APPADDR", {"ADDR": addr, "ADDRTYPE": given_type}), ADDR="")).addresses
    assert (address.addr, address.addr_type) == (addr, wanted)


def test_the_short_form_beside_the_long_one_gives_both_addresses_and_a_warning() -> None:
    found = read(repeated(w7(group("APPADDR", {"ADDR": "https://c"})), "ADDR", "https://b"))
    (account,) = found.accounts
    assert [(address.node_name, address.addr) for address in account.addresses] == [
        ("1", "https://dms.example.com/dm"),
        ("2", "https://b"),
        ("3", "https://c"),
    ]
    assert found.warnings == ("characteristic[APPLICATION]: ADDR stands beside APPADDR; both are taken as addresses",)


@pytest.mark.parametrize("port", ["0", "443", "00443", "65535"])
def test_ports(port: str) -> None:
    application = w7(group("APPADDR", {"ADDR": "https://a"}, group("PORT", {"PORTNBR": port})), ADDR="")
    assert one(application).addresses[0].ports == (int(port),)


@pytest.mark.parametrize("type_", [*AuthType])
def test_every_type_on_the_levels_of_dm(type_: AuthType) -> None:
    assert one_auth(appauth("APPSRV", type_.value)).type is type_
    assert one_auth(appauth("CLIENT", type_.value)).type is type_


@pytest.mark.parametrize("type_", ["HTTP-BASIC", "HTTP-DIGEST", "TRANSPORT"])
def test_levels_below_dm(type_: str) -> None:
    auth = one_auth(appauth("OBEX", type_, AAUTHNAME="device", AAUTHSECRET=SECRETS[0]))
    assert (auth.level, auth.type.value) == (AuthLevel.OBEX, type_)
    found = read(w7(appauth(None, type_)))
    assert found.accounts[0].auth[0].level is AuthLevel.HTTP
    (warning,) = found.warnings
    assert warning.startswith("characteristic[APPLICATION]/characteristic[APPAUTH]: no AAUTHLEVEL")


def test_digest_has_another_spelling() -> None:
    assert one_auth(appauth("APPSRV", "DIGEST,MD5")).type is AuthType.DIGEST


@pytest.mark.parametrize("type_", [None, ""])
@pytest.mark.parametrize("level", ["APPSRV", "CLIENT"])
def test_a_missing_type_is_digest_with_a_warning(level: str, type_: str | None) -> None:
    found = read(w7(appauth(level, type_), appauth(level, "BASIC")))
    assert [auth.type for auth in found.accounts[0].auth] == [AuthType.DIGEST, AuthType.BASIC]
    place = "characteristic[APPLICATION]/characteristic[APPAUTH][1]"
    assert found.warnings == (f"{place}: no AAUTHTYPE; taken as DIGEST",)


def test_credentials_without_values_are_none() -> None:
    auth = one_auth(appauth("APPSRV", "BASIC", AAUTHNAME="", AAUTHSECRET="", AAUTHDATA=""))
    assert (auth.name, auth.secret, auth.data, auth.certificate) == (None, None, None, None)


def test_the_nonce_is_base64_and_white_space_in_it_means_nothing() -> None:
    spaced = f" {NONCE_TEXT[:8]}\n{NONCE_TEXT[8:]} "
    assert one_auth(appauth("APPSRV", "DIGEST", AAUTHDATA=spaced)).data == Secret(NONCE)


def test_a_certificate_stands_in_aauthdata() -> None:
    auth = one_auth(appauth("CLIENT", "X509", AAUTHDATA="MAMCAQc="))
    assert (auth.certificate, auth.data) == (CERTIFICATE, None)


def test_what_the_mapping_does_not_know_is_left_out_with_a_warning() -> None:
    address = group(
        "APPADDR", {"ADDR": "https://a", "x": "1"}, group("PORT", {"PORTNBR": "1", "SERVICE": "CL-WSP"}), group("y")
    )
    application = w7(address, appauth("APPSRV", "BASIC", z=SECRETS[0]), group("RESOURCE"), ADDR="", ROLE="8")
    inside = "characteristic[APPLICATION]"
    assert read(application).warnings == tuple(
        f"{inside}/{place} is not part of an account and is left out"
        for place in (
            "characteristic[APPADDR]/characteristic[PORT]/parm[SERVICE]",
            "characteristic[APPADDR]/parm[x]",
            "characteristic[APPADDR]/characteristic[y]",
            "characteristic[APPAUTH]/parm[z]",
            "parm[ROLE]",
            "characteristic[RESOURCE]",
        )
    )
