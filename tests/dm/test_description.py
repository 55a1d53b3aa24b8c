from __future__ import annotations

import pytest

from smartcard_dm.dm import AccessType, NodeDescription, Occurrence, Scope

ANY = NodeDescription(name="", children=(NodeDescription(name="Port"),))
NAMED = NodeDescription(name="Main", children=(NodeDescription(name="Addr"),))
TREE = NodeDescription(name="AppAddr", children=(ANY, NAMED))


def test_a_description_that_says_nothing_allows_everything() -> None:
    description = NodeDescription()
    assert description.format is None
    assert description.access == frozenset(AccessType)
    assert description.occurrence is Occurrence.ZERO_OR_ONE
    assert (description.types, description.default, description.maximum) == ((), None, None)
    assert not any((description.is_permanent, description.reference, description.secret, description.free))


@pytest.mark.parametrize(
    ("occurrence", "wanted"),
    [
        (Occurrence.ONE, True),
        (Occurrence.ONE_OR_MORE, True),
        (Occurrence.ZERO_OR_ONE, False),
        (Occurrence.ZERO_OR_MORE, False),
    ],
)
def test_what_has_to_be_there(occurrence: Occurrence, *, wanted: bool) -> None:
    assert occurrence.is_required is wanted


@pytest.mark.parametrize(("scope", "wanted"), [(Scope.PERMANENT, True), (Scope.DYNAMIC, False)])
def test_what_no_server_can_remove(scope: Scope, *, wanted: bool) -> None:
    assert NodeDescription(scope=scope).is_permanent is wanted


def test_a_child_by_its_name_goes_before_the_one_for_any_name() -> None:
    assert TREE.child("Main") is NAMED
    assert TREE.child("other") is ANY
    assert TREE.child("") is ANY
    assert NAMED.child("Port") is None
    assert NodeDescription().child("a") is None


def test_what_is_further_down_is_found_by_its_names() -> None:
    assert TREE.below(()) is TREE
    assert TREE.below(("Main",)) is NAMED
    assert TREE.below(("x", "Port")) is ANY.children[0]
    assert TREE.below(("Main", "Port")) is None
    assert TREE.below(("Main", "Port", "x")) is None


def test_a_walk_goes_through_parents_first_and_in_order() -> None:
    assert [names for names, _ in TREE.walk()] == [(), ("",), ("", "Port"), ("Main",), ("Main", "Addr")]
    assert [found for _, found in TREE.walk()] == [TREE, ANY, ANY.children[0], NAMED, NAMED.children[0]]
