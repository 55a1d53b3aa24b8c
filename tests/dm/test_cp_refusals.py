"""Broken accounts of provisioning documents: each is an error that names the parm and shows no secret."""

from __future__ import annotations

import traceback
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcard_dm.dm import (
    AuthType,
    Characteristic,
    CpAccounts,
    accounts_from_document,
    build_dmacc,
    parse_dmacc,
)
from smartcard_dm.errors import DmError, LimitExceededError
from smartcard_dm.limits import Limits
from tests.dm import cp_samples as samples
from tests.dm.cp_samples import EVERYTHING, NAPDEF, NONCE_TEXT, SECRETS, appauth, document, group, repeated, w7


def read(*characteristics: Characteristic) -> CpAccounts:
    return accounts_from_document(document(*characteristics), origin_place="7F50/6431")


def refusal(*characteristics: Characteristic) -> DmError:
    with pytest.raises(DmError) as caught:
        read(*characteristics)
    trail = "".join(traceback.format_exception(caught.value))
    assert not [secret for secret in (*SECRETS, NONCE_TEXT) if secret in trail]
    return caught.value


def app(place: str) -> str:
    return f"7F50/6431/characteristic[APPLICATION]/{place}"


APPADDR: Final = "characteristic[APPADDR]"
APPAUTH: Final = "characteristic[APPAUTH]"
SECRET: Final = {"AAUTHSECRET": SECRETS[0], "AAUTHDATA": NONCE_TEXT}


@pytest.mark.parametrize(
    ("application", "place", "detail"),
    [
        (w7(APPID=""), "parm[APPID]", "missing or has no value"),
        (w7(APPID=None), "parm[APPID]", "missing or has no value"),
        (repeated(w7(), "APPID", "w2"), "parm[APPID]", "more than once"),
        (w7(PROVIDER_ID=""), "parm[PROVIDER-ID]", "missing or has no value"),
        (w7(PROVIDER_ID="a b"), "parm[PROVIDER-ID]", "white space"),
        (w7(PROVIDER_ID="a" * 256), "parm[PROVIDER-ID]", "longer than"),
        (repeated(w7(), "PROVIDER-ID", "b"), "parm[PROVIDER-ID]", "more than once"),
        (repeated(w7(NAME="a"), "NAME", "b"), "parm[NAME]", "more than once"),
        (repeated(w7(), "TO-PROXY", ""), "parm[TO-PROXY]", "no value"),
        (repeated(w7(), "TO-NAPID", None), "parm[TO-NAPID]", "no value"),
        (w7(ADDR=""), "parm[ADDR]", "missing, and so is APPADDR"),
        (w7(ADDR=None), "parm[ADDR]", "no value"),
        (w7(ADDR="http://a b"), "parm[ADDR]", "not an address"),
        (w7(group("APPADDR")), f"{APPADDR}/parm[ADDR]", "missing"),
        (w7(group("APPADDR", {"ADDR": "a b"})), f"{APPADDR}/parm[ADDR]", "not an address"),
        (w7(group("APPADDR", {"ADDR": "a", "ADDRTYPE": "IPV4"})), f"{APPADDR}/parm[ADDR]", "not an address"),
        (w7(group("APPADDR", {"ADDR": "192.0.2.7", "ADDRTYPE": "IPV6"})), f"{APPADDR}/parm[ADDR]", "not an address"),
        (w7(group("APPADDR", {"ADDR": "1", "ADDRTYPE": "E164"})), f"{APPADDR}/parm[ADDRTYPE]", "type of address"),
        (w7(group("APPADDR", {"ADDR": "a", "ADDRTYPE": "ipv4"})), f"{APPADDR}/parm[ADDRTYPE]", "type of address"),
        *(
            (
                w7(group("APPADDR", {"ADDR": "a"}, group("PORT", {"PORTNBR": port}))),
                f"{APPADDR}/characteristic[PORT]/parm[PORTNBR]",
                "not a port number",
            )
            for port in ("65536", "-1", "http", "1 ", "٣", "000443")
        ),
        (
            w7(group("APPADDR", {"ADDR": "a"}, group("PORT", {"PORTNBR": "1"}), group("PORT"))),
            f"{APPADDR}/characteristic[PORT][2]/parm[PORTNBR]",
            "missing",
        ),
        *(
            (w7(appauth(level, "HTTP-BASIC", **SECRET)), f"{APPAUTH}/parm[AAUTHLEVEL]", "unknown level")
            for level in ("CLCRED", "SRVCRED", "HTTP", "client", "APPSRV ")
        ),
        *(
            (w7(appauth("CLIENT", type_, **SECRET)), f"{APPAUTH}/parm[AAUTHTYPE]", "unknown type")
            for type_ in ("MD5", "digest", "BASIC,DIGEST", "HTTP-")
        ),
        (w7(appauth("OBEX", "DIGEST", **SECRET)), f"{APPAUTH}/parm[AAUTHTYPE]", "AAuthLevel OBEX takes only"),
        (w7(appauth("OBEX", None, **SECRET)), f"{APPAUTH}/parm[AAUTHTYPE]", "on the level OBEX"),
        (w7(appauth(None, "DIGEST", **SECRET)), f"{APPAUTH}/parm[AAUTHTYPE]", "AAuthLevel HTTP takes only"),
        (w7(appauth(None, None, **SECRET)), f"{APPAUTH}/parm[AAUTHTYPE]", "on the level HTTP"),
        (
            w7(appauth("CLIENT", "DIGEST", AAUTHDATA=NONCE_TEXT[:-1], AAUTHSECRET=SECRETS[1])),
            f"{APPAUTH}/parm[AAUTHDATA]",
            "Base64",
        ),
        (w7(appauth("CLIENT", "DIGEST", AAUTHDATA=SECRETS[0])), f"{APPAUTH}/parm[AAUTHDATA]", "Base64"),
        (w7(appauth("CLIENT", "X509", AAUTHDATA=SECRETS[0])), f"{APPAUTH}/parm[AAUTHDATA]", "Base64"),
        (w7(appauth("CLIENT", "X509", AAUTHDATA=" ")), f"{APPAUTH}/parm[AAUTHDATA]", "certificate is empty"),
        (
            w7(repeated(samples.CLIENT_SECRET, "AAUTHSECRET", SECRETS[1])),
            f"{APPAUTH}/parm[AAUTHSECRET]",
            "more than once",
        ),
        (
            w7(samples.CLIENT_SECRET, repeated(samples.SERVER_SECRET, "AAUTHLEVEL", "APPSRV")),
            f"{APPAUTH}[2]/parm[AAUTHLEVEL]",
            "more than once",
        ),
    ],
)
def test_a_broken_account_is_an_error_that_names_the_parm(application: Characteristic, place: str, detail: str) -> None:
    error = refusal(application)
    assert error.place == app(place)
    assert detail in str(error)


def test_errors_count_applications_and_need_no_origin() -> None:
    broken = document(NAPDEF, w7(), w7(PROVIDER_ID=""))
    with pytest.raises(DmError) as caught:
        accounts_from_document(broken, origin_place="")
    assert caught.value.place == "characteristic[APPLICATION][2]/parm[PROVIDER-ID]"


def test_accounts_are_bounded() -> None:
    three = document(w7(), w7(), w7(APPID="w2"), w7())
    assert len(accounts_from_document(three, origin_place="", limits=Limits(accounts=3)).accounts) == 3
    with pytest.raises(LimitExceededError) as caught:
        accounts_from_document(three, origin_place="", limits=Limits(accounts=2))
    assert caught.value.limit == "accounts"


def test_no_repr_and_no_warning_shows_a_secret() -> None:
    found = read(*EVERYTHING.characteristics, w7(appauth("APPSRV", None, **SECRET, own=SECRETS[1])))
    assert not [secret for secret in (*SECRETS, NONCE_TEXT) if secret in f"{found} {found!r}"]


@given(
    st.lists(
        st.builds(
            appauth,
            st.none() | st.sampled_from(["APPSRV", "CLIENT", "OBEX", "HTTP"]),
            st.none() | st.sampled_from([*(known.value for known in AuthType), "DIGEST,MD5"]),
            AAUTHSECRET=st.sampled_from(["", "s"]),
            AAUTHDATA=st.sampled_from(["", " ", "MAMCAQc=", "?"]),
        ),
        max_size=3,
    )
)
def test_any_credentials_give_an_account_that_a_tree_can_hold_or_an_error(credentials: list[Characteristic]) -> None:
    try:
        (account,) = read(w7(*credentials)).accounts
    except DmError as error:
        place = error.place
    else:
        place = app(APPAUTH)
        assert parse_dmacc(build_dmacc(account), place="") == account
    assert str(place).startswith(app(APPAUTH))
