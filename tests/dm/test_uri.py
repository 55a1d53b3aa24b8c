from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcard_dm.dm import INBOX_URI, NodeUri, PropertyUri, parse_target
from smartcard_dm.errors import DmError, LimitExceededError, UnsupportedError
from smartcard_dm.limits import Limits
from tests.dm.strategies import NODE_URIS


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        (".", ()),
        ("./Inbox", ("Inbox",)),
        ("DMAcc/Example", ("DMAcc", "Example")),
        ("./DMAcc/Größe", ("DMAcc", "Größe")),
        ("./a b/...", ("a b", "...")),
    ],
)
def test_uri_is_read(text: str, segments: tuple[str, ...]) -> None:
    assert NodeUri.parse(text).segments == segments


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("./", id="nothing after the root"),
        pytest.param("/a", id="absolute"),
        pytest.param("a/", id="trailing slash"),
        pytest.param("a//b", id="empty segment"),
        pytest.param("../a", id="parent at the start"),
        pytest.param("a/../b", id="parent inside"),
        pytest.param("a/./b", id="dot inside"),
        pytest.param("././a", id="dot twice"),
        pytest.param("a?prop=ACL", id="query"),
        pytest.param("a\nb", id="control character"),
        pytest.param("a\udc80", id="lone surrogate"),
    ],
)
def test_malformed_uri_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(DmError, match=r"node URI at /x"):
        NodeUri.parse(text, place="/x")


def test_bounds_of_a_uri_are_held() -> None:
    limits = Limits(node_uri_octets=8, node_uri_segments=2)
    assert str(NodeUri.parse("./ab/cde", limits=limits)) == "./ab/cde"
    with pytest.raises(LimitExceededError, match="node_uri_octets"):
        NodeUri.parse("./ab/cdé", limits=limits)
    with pytest.raises(LimitExceededError, match="node_uri_segments"):
        NodeUri.parse("a/b/c", limits=limits)


@given(NODE_URIS)
def test_uri_survives_writing_and_reading(uri: NodeUri) -> None:
    assert NodeUri.parse(str(uri)) == uri


@given(st.text())
def test_any_text_is_a_uri_or_our_error(text: str) -> None:
    try:
        target = parse_target(text)
    except (DmError, LimitExceededError, UnsupportedError):
        return
    assert parse_target(str(target)) == target


def test_relations_between_uris() -> None:
    root, account = NodeUri(), NodeUri(("DMAcc", "X"))
    assert root.is_root
    assert root.name == ""
    assert account.name == "X"
    assert account.parent == NodeUri(("DMAcc",))
    assert account.parent.child("X") == account
    assert account.join(NodeUri(("AppAddr",))) == NodeUri(("DMAcc", "X", "AppAddr"))
    assert account.is_below(root)
    assert account.is_below(account.parent)
    assert not account.is_below(account)
    assert not NodeUri(("DMAccX", "X")).is_below(NodeUri(("DMAcc",)))
    assert str(INBOX_URI) == "./Inbox"
    with pytest.raises(ValueError, match="root has no parent"):
        _ = root.parent
    with pytest.raises(ValueError, match="'/'"):
        root.child("a/b")


def test_property_address_is_split_off() -> None:
    assert parse_target("./a/b?prop=ACL") == PropertyUri(NodeUri(("a", "b")), "ACL")
    assert str(parse_target(".?prop=Name")) == ".?prop=Name"
    assert parse_target("./a") == NodeUri(("a",))


@pytest.mark.parametrize("query", ["", "prop", "prop=", "prop=a&list=b", "name=ACL"])
def test_malformed_query_is_refused(query: str) -> None:
    with pytest.raises(DmError, match="query is malformed"):
        parse_target(f"./a?{query}")


def test_list_query_is_not_supported() -> None:
    with pytest.raises(UnsupportedError, match=r"\?list \(node URI at /x\)"):
        parse_target("./a?list=TNDS", place="/x")
    with pytest.raises(UnsupportedError):
        parse_target("./a?list=TNDS")
