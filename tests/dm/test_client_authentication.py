"""The credentials of the DM layer, against the text's value and hashlib."""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcard_dm.dm import AppAuth, AuthLevel, AuthType
from smartcard_dm.dm.client_authentication import (
    MacSpelling,
    basic_credential,
    credentials_of,
    hmac_credential,
    hmac_header,
    md5_credential,
)
from smartcard_dm.errors import KeyMaterialError
from smartcard_dm.secret import Secret

NAMES = st.text(st.characters(codec="utf-8"), max_size=40)
SECRETS = st.binary(max_size=40)


def test_the_digest_of_the_text() -> None:
    assert md5_credential("Bruce2", Secret(b"OhBehave"), b"Nonce") == "Zz6EivR3yeaaENcRN6lpAQ=="


@given(NAMES, SECRETS, st.binary(max_size=40))
def test_the_digest_is_that_of_hashlib(name: str, secret: bytes, nonce: bytes) -> None:
    key = b64encode(hashlib.md5(name.encode() + b":" + secret).digest())  # noqa: S324 - the scheme's hash
    wanted = b64encode(hashlib.md5(key + b":" + nonce).digest()).decode()  # noqa: S324
    assert md5_credential(name, Secret(secret), nonce) == wanted


@given(NAMES, SECRETS, st.binary(max_size=40), st.binary(max_size=200))
def test_the_mac_is_that_of_hashlib_in_both_spellings(name: str, secret: bytes, nonce: bytes, body: bytes) -> None:
    key = b64encode(hashlib.md5(name.encode() + b":" + secret).digest())  # noqa: S324
    digest = b64encode(hashlib.md5(body).digest())  # noqa: S324
    wanted = hashlib.md5(b":".join((key, nonce, digest)))  # noqa: S324
    octets = hmac_credential(name, Secret(secret), nonce, body)
    text = hmac_credential(name, Secret(secret), nonce, body, spelling=MacSpelling.HEX_TEXT)
    assert b64decode(octets, validate=True) == wanted.digest()
    assert b64decode(text, validate=True).decode() == wanted.hexdigest()
    assert (len(octets), len(text)) == (24, 44)


def test_the_header_has_the_form_of_the_texts_example() -> None:
    mac = "NTI2OTJhMDAwNjYxODkwYmQ3NWUxN2RhN2ZmYmJlMzk="
    assert len(b64decode(mac)) == 32  # the example encodes hexadecimal digits
    assert hmac_header("Robert Jordan", mac) == f'algorithm=MD5, username="Robert Jordan", mac={mac}'


def test_a_name_cannot_end_its_quotes() -> None:
    assert hmac_header('a"b\\', "x") == 'algorithm=MD5, username="a\\"b\\\\", mac=x'


@pytest.mark.parametrize("name", ["a\r\nb", "a\x00", "\u00fc", "\x7f"])
def test_a_name_cannot_leave_its_header(name: str) -> None:
    with pytest.raises(KeyMaterialError, match="no header can hold"):
        hmac_header(name, "x")


def test_basic_is_the_secret_in_another_spelling_and_stays_one() -> None:
    credential = basic_credential("Bruce2", Secret(b"OhBehave"))
    assert b64decode(credential.reveal()) == b"Bruce2:OhBehave"
    assert "Bruce2" not in repr(credential)


def test_basic_takes_no_name_that_a_server_would_cut() -> None:
    with pytest.raises(KeyMaterialError, match="colon") as caught:
        basic_credential("IMEI:1", Secret(b"OhBehave"))
    assert "OhBehave" not in str(caught.value)


def test_an_entry_without_name_or_secret_says_so() -> None:
    entry = AppAuth(node_name="x", level=AuthLevel.CLCRED, type=AuthType.DIGEST, name="n", secret=Secret(b""))
    assert credentials_of(entry) == ("n", Secret(b""))
    with pytest.raises(KeyMaterialError, match=r"'x' \(CLCRED\) has no AAuthName"):
        credentials_of(AppAuth(node_name="x", level=AuthLevel.CLCRED, type=AuthType.DIGEST, secret=Secret(b"s")))
    with pytest.raises(KeyMaterialError, match="AAuthSecret"):
        credentials_of(AppAuth(node_name="x", level=AuthLevel.CLCRED, type=AuthType.DIGEST, name="n"))
