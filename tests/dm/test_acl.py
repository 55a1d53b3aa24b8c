from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcard_dm.dm import Acl, AclCommand, AclEntry, ServerId, parse_acl, parse_server_id
from smartcard_dm.errors import DmError
from tests.dm.strategies import ACLS

A, B = ServerId("com.example.a"), ServerId("com.example.b")


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        pytest.param("", "", id="no value"),
        pytest.param("Add=*&Get=*", "Add=*&Get=*", id="what the root should have"),
        pytest.param("Replace=b+a&Get=*", "Get=*&Replace=a+b", id="ordered"),
        pytest.param("Get=a+*+b", "Get=*", id="everyone overrides names"),
        pytest.param("Get=a&Get=b", "Get=a+b", id="union of two entries, as in the example of TND 7.7.1.6"),
        pytest.param("Get=*&Get=b", "Get=*", id="union with everyone before"),
        pytest.param("Get=b&Get=*", "Get=*", id="union with everyone after"),
        pytest.param("Exec=a+a", "Exec=a", id="one name twice"),
        pytest.param("Delete=Größe", "Delete=Größe", id="not ASCII"),
    ],
)
def test_acl_is_read_into_its_canonical_form(text: str, canonical: str) -> None:
    assert str(parse_acl(text)) == canonical


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param("Get=", "has no server", id="no server"),
        pytest.param("Get", "has no server", id="no equals sign"),
        pytest.param("Get=a&", "unknown command", id="empty entry at the end"),
        pytest.param("Copy=a", "unknown command", id="Copy has no entry"),
        pytest.param("get=a", "unknown command", id="case"),
        pytest.param("Get=a b", "not printable text", id="white space"),
        pytest.param("Get=a=b", "not printable text", id="equals sign in a name"),
        pytest.param("Get=a+", "identifier is empty", id="empty name"),
        pytest.param("Get=a*", "not printable text", id="star in a name"),
        pytest.param("Get=" + "a" * 256, "longer than 255", id="long name"),
    ],
)
def test_malformed_acl_is_refused_with_its_place(text: str, fault: str) -> None:
    with pytest.raises(DmError, match=fault) as caught:
        parse_acl(text, place="./a")
    assert caught.value.place == "./a"


def test_rights_are_exactly_those_of_the_value() -> None:
    acl = parse_acl("Get=*&Replace=com.example.a")
    assert acl.may(AclCommand.GET, B)
    assert acl.may(AclCommand.REPLACE, A)
    assert not acl.may(AclCommand.REPLACE, B)
    assert not acl.may(AclCommand.REPLACE, ServerId("COM.example.a"))
    assert not acl.may(AclCommand.ADD, A)
    assert not acl.is_empty


def test_empty_acl_gives_nothing_and_says_so() -> None:
    assert Acl().is_empty
    assert not any(Acl().may(command, A) for command in AclCommand)


@given(ACLS)
def test_acl_survives_writing_and_reading(acl: Acl) -> None:
    assert parse_acl(str(acl)) == acl


@given(st.text("AdGet=&+*ab ", max_size=20) | st.text())
def test_any_text_is_an_acl_or_our_error(text: str) -> None:
    try:
        acl = parse_acl(text)
    except DmError:
        return
    assert parse_acl(str(acl)) == acl


def test_impossible_values_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="names servers, or everyone"):
        AclEntry(AclCommand.GET)
    with pytest.raises(ValueError, match="names servers, or everyone"):
        AclEntry(AclCommand.GET, frozenset({A}), everyone=True)
    entry = AclEntry(AclCommand.GET, everyone=True)
    with pytest.raises(ValueError, match="each command once"):
        Acl((entry, entry))


@pytest.mark.parametrize("text", ["", " a", "a\tb", "a+b", "a&b", "a*", "a=b", "\x00", "a\u00a0b"])
def test_what_is_no_server_identifier_is_refused(text: str) -> None:
    with pytest.raises(DmError, match=r"ServerID at /x"):
        parse_server_id(text, place="/x")
    with pytest.raises(ValueError, match="server identifier"):
        ServerId(text)


def test_server_identifiers_are_compared_exactly() -> None:
    assert parse_server_id("com.example.a") == A
    assert ServerId("com.example.A") != A
    assert str(A) == "com.example.a"
