from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.tokens import TokenUri, is_token_uri, parse_token_uri
from smartcard_dm.tokens.uri import TOKEN_ATTRIBUTES

MODULE = "module-path=/usr/lib/softhsm/libsofthsm2.so"


def test_every_attribute_is_read() -> None:
    assert parse_token_uri(
        "pkcs11:token=My%20token%25;manufacturer=Snake%20Oil,%20Inc.;serial=0f&1;model=v1;library-description=d;"
        "library-manufacturer=m;library-version=3.1;slot-description=s;slot-id=17;slot-manufacturer=t;"
        f"object=Schl%C3%BCssel;id=%01%ff%00A;type=private?{MODULE}&pin-source=file:/etc/pin"
    ) == TokenUri(
        path="pkcs11:token=My%20token%25;manufacturer=Snake%20Oil,%20Inc.;serial=0f&1;model=v1;library-description=d;"
        "library-manufacturer=m;library-version=3.1;slot-description=s;slot-id=17;slot-manufacturer=t;"
        "object=Schl%C3%BCssel;id=%01%ff%00A;type=private",
        token=(
            ("token", "My token%"),
            ("manufacturer", "Snake Oil, Inc."),
            ("serial", "0f&1"),
            ("model", "v1"),
            ("library-description", "d"),
            ("library-manufacturer", "m"),
            ("library-version", "3.1"),
            ("slot-description", "s"),
            ("slot-id", "17"),
            ("slot-manufacturer", "t"),
        ),
        object="Schlüssel",
        id=b"\x01\xff\x00A",
        module_path="/usr/lib/softhsm/libsofthsm2.so",
        module_name=None,
        pin_source="/etc/pin",
    )


def test_little_is_enough() -> None:
    uri = parse_token_uri("pkcs11:?module-name=softhsm2")
    assert uri == TokenUri("pkcs11:", (), None, None, None, "softhsm2", None)


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("/etc/token_pin", "/etc/token_pin"),
        ("file:/etc/token_pin", "/etc/token_pin"),
        ("file:///etc/token_pin", "/etc/token_pin"),
        ("file:/etc/token%2520pin", "/etc/token pin"),
        ("/etc/100%25", "/etc/100%"),
        ("file%3A%2Fetc%2Fpin", "/etc/pin"),
    ],
)
def test_a_pin_source_is_a_file(source: str, path: str) -> None:
    assert parse_token_uri(f"pkcs11:?{MODULE}&pin-source={source}").pin_source == path


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"token=a?{MODULE}", "begins with pkcs11:"),
        (f"pkcs11:token?{MODULE}", "attribute 1 of the path is not of the form name=value"),
        (f"pkcs11:token=a;?{MODULE}", "attribute 2 of the path"),
        (f"pkcs11:;token=a?{MODULE}", "attribute 1 of the path"),
        (f"pkcs11:=a?{MODULE}", "attribute 1 of the path"),
        (f"pkcs11:t%6fken=a?{MODULE}", "attribute 1 of the path"),
        (f"pkcs11:token=?{MODULE}", "token: has no value"),
        (f"pkcs11:token=a;token=a?{MODULE}", "token: given more than once"),
        (f"pkcs11:Token=a?{MODULE}", "Token: not an attribute of the path"),
        (f"pkcs11:x-vendor=a?{MODULE}", "x-vendor: not an attribute of the path"),
        (f"pkcs11:pin-source=/a?{MODULE}", "pin-source: not an attribute of the path"),
        (f"pkcs11:token=a?{MODULE}&object=a", "object: not an attribute of the query"),
        (f"pkcs11:token=a?{MODULE}&x-a=b", "x-a: not an attribute of the query"),
        (f"pkcs11:token=a?{MODULE}&", "attribute 2 of the query"),
        (f"pkcs11:token=a b?{MODULE}", "token: holds a character that has to be percent-encoded"),
        (f"pkcs11:token=a/b?{MODULE}", "token: holds a character that has to be percent-encoded"),
        (f"pkcs11:token=ü?{MODULE}", "token: holds a character that has to be percent-encoded"),
        (f"pkcs11:token=a\udcff?{MODULE}", "token: holds a character that has to be percent-encoded"),
        (f"pkcs11:token=a\n?{MODULE}", "token: holds a character that has to be percent-encoded"),
        (f"pkcs11:token=%4?{MODULE}", "token: holds a character that has to be percent-encoded, or a broken %XX"),
        (f"pkcs11:token=%?{MODULE}", "broken %XX"),
        (f"pkcs11:token=%GG?{MODULE}", "broken %XX"),
        (f"pkcs11:token=%FF?{MODULE}", "token: is not UTF-8 once decoded"),
        (f"pkcs11:token=%ED%B3%BF?{MODULE}", "token: is not UTF-8 once decoded"),
        (f"pkcs11:object=a%00?{MODULE}", "object: holds a NUL"),
        (f"pkcs11:slot-id=0x1?{MODULE}", "slot-id: is not a number"),
        (f"pkcs11:slot-id=99999999999?{MODULE}", "slot-id: is not a number"),
        (f"pkcs11:library-version=a?{MODULE}", "library-version: is not a number"),
        (f"pkcs11:type=cert?{MODULE}", "type=private"),
        (f"pkcs11:type=secret-key?{MODULE}", "type=private"),
        ("pkcs11:token=a", "name the PKCS#11 module once"),
        ("pkcs11:token=a?", "name the PKCS#11 module once"),
        (f"pkcs11:token=a?{MODULE}&module-name=softhsm2", "name the PKCS#11 module once"),
        ("pkcs11:?module-path=libsofthsm2.so", "module-path: wanted an absolute path"),
        ("pkcs11:?module-path=/a%00", "module-path: holds a NUL"),
        ("pkcs11:?module-name=../evil", "module-name: is a name such as softhsm2"),
        ("pkcs11:?module-name=a/b", "module-name: is a name such as softhsm2"),
        (f"pkcs11:?{MODULE}&pin-source=pin", "pin-source: wanted file:/absolute/path"),
        (f"pkcs11:?{MODULE}&pin-source=file:pin", "pin-source: wanted file:/absolute/path"),
        (f"pkcs11:?{MODULE}&pin-source=file://host/pin", "pin-source: wanted file:/absolute/path"),
        (f"pkcs11:?{MODULE}&pin-source=file:////pin", "pin-source: wanted file:/absolute/path"),
        (f"pkcs11:?{MODULE}&pin-source=|/usr/lib/pinomatic", "commands and other sources are not run or read"),
        (f"pkcs11:?{MODULE}&pin-source=https://host/pin", "commands and other sources are not run or read"),
        (f"pkcs11:?{MODULE}&pin-source=file:/etc/%2500", "pin-source: holds a NUL"),
        (f"pkcs11:?{MODULE}&pin-source=file:/etc/%25", "pin-source: wanted file:/absolute/path"),
    ],
)
def test_what_is_no_uri_of_a_key_is_refused(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        parse_token_uri(text)


@pytest.mark.parametrize(
    "text",
    [
        f"pkcs11:token=a?{MODULE}&pin-value=271828",
        f"pkcs11:token=a;pin-value=271828?{MODULE}",
        "PKCS11:token=a?pin-value=271828",
        f"pkcs11:token=271828 {MODULE}",
        f"pkcs11:271828=a?{MODULE}",
        f"pkcs11:?{MODULE}&pin-source=271828",
        f"pkcs11:?{MODULE}?pin-value=271828 ",
    ],
)
def test_a_value_is_never_quoted_for_it_may_be_a_pin(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        parse_token_uri(text)
    assert "271828" not in str(caught.value)


def test_the_scheme_is_known_in_any_case() -> None:
    assert is_token_uri("PKCS11:token=a")
    assert not is_token_uri("./pkcs11:token=a")
    assert not is_token_uri("pkcs11")


def test_a_uri_is_bounded() -> None:
    head, tail = "pkcs11:token=", f"?{MODULE}"
    fitting = DEFAULT_LIMITS.token_uri_octets - len(head) - len(tail)
    assert parse_token_uri(head + "a" * fitting + tail).token == (("token", "a" * fitting),)
    with pytest.raises(ValueError, match="token_uri_octets"):
        parse_token_uri(head + "a" * (fitting + 1) + tail)


def encoded(octets: bytes) -> str:
    return "".join(f"%{octet:02x}" for octet in octets)


@given(
    st.dictionaries(
        st.sampled_from(TOKEN_ATTRIBUTES[:4]),
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=32),
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=32),
    st.binary(min_size=1, max_size=32),
)
def test_what_is_encoded_is_decoded(token: dict[str, str], label: str, identifier: bytes) -> None:
    parts = [f"{name}={encoded(value.encode())}" for name, value in token.items()]
    path = ";".join([*parts, f"object={encoded(label.encode())}", f"id={encoded(identifier)}"])
    uri = parse_token_uri(f"pkcs11:{path}?{MODULE}")
    assert (dict(uri.token), uri.object, uri.id) == (token, label, identifier)


@given(st.text(st.sampled_from("pkcs11:token=object;id?&%/0Fmodule-pathname.|\udcff\0é "), max_size=80))
def test_any_text_is_a_value_or_the_one_error(text: str) -> None:
    with suppress(ValueError):
        assert isinstance(parse_token_uri(f"pkcs11:{text}"), TokenUri)
