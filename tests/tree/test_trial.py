"""Trying several things one after the other, and none of them is done."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.errors import VerificationError
from smartcard_dm.rules import Rule
from smartcard_dm.tree import DeviceTree
from smartcard_dm.trust.policy import Policy
from smartcard_dm.trust.transport import Transport
from tests.materials import NOW
from tests.tree.device import INFORMATION, A, B, account, card, message

if TYPE_CHECKING:
    from smartcard_dm.tree import Applied, DeviceEvent

ADD = "<Add><Item><Target><LocURI>./Vendor/a</LocURI></Target><Data>1</Data></Item></Add>"
LATER = NOW + timedelta(minutes=1)


class Told:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.events: list[DeviceEvent] = []

    def notify(self, event: DeviceEvent) -> None:
        self.events.append(event)


def apply(tree: DeviceTree, octets: bytes, listener: Told | None = None) -> Applied:
    return tree.apply(octets, transport=Transport.local(), at=LATER, policy=Policy.default(), listener=listener)


def everything(tree: DeviceTree) -> tuple[object, ...]:
    return tree.nodes.below(""), tree.audit.rows(), tree.provenance.rows(), tree.credentials()


def new() -> DeviceTree:
    return DeviceTree.create(None, INFORMATION, at=NOW)


def test_what_is_tried_builds_on_each_other_and_is_gone_at_the_end() -> None:
    tree, octets, told = new(), message(ADD), Told()
    before = everything(tree)
    with tree.trial():
        synced = tree.sync(card(account(A)), at=LATER, listener=told)
        first = apply(tree, octets, told)
        assert tree.nodes.get("Vendor/a") is not None
        with pytest.raises(VerificationError) as caught:
            apply(tree, octets)
        assert caught.value.rule is Rule.REPLAYED
    assert (synced.effects.dry_run, first.effects.dry_run, told.events) == (True, True, [])
    assert everything(tree) == before
    tree.sync(card(account(A)), at=LATER)
    done = apply(tree, octets)
    assert (done.report, done.effects.diff, done.effects.dry_run) == (first.report, first.effects.diff, False)


def test_accounts_that_were_tried_are_not_remembered() -> None:
    tree = new()
    with tree.trial():
        tree.sync(card(account(A)), at=LATER)
        apply(tree, message(ADD))
    tree.sync(card(account(B)), at=LATER)
    assert [str(each.server_id) for each in tree.credentials().accounts] == [B]
    with pytest.raises(VerificationError) as caught:
        apply(tree, message(ADD))
    assert caught.value.rule is Rule.ACCOUNT_UNKNOWN


def try_both(tree: DeviceTree) -> None:
    with tree.trial():
        tree.sync(card(account(A)), at=LATER)
        apply(tree, message(ADD, B))


def test_a_trial_that_ends_with_an_error_leaves_nothing() -> None:
    tree = new()
    before = everything(tree)
    with pytest.raises(VerificationError):
        try_both(tree)
    assert everything(tree) == before
    tree.sync(card(account(A)), at=LATER)
    apply(tree, message(ADD))


def test_a_dry_run_inside_a_trial_is_seen_by_what_follows() -> None:
    tree = new()
    with tree.trial():
        tree.sync(card(account(A)), at=LATER, dry_run=True)
        assert [str(each.server_id) for each in tree.credentials().accounts] == [A]
        with tree.reading():
            assert tree.nodes.count() > 22
    assert tree.credentials().accounts == ()


def test_a_trial_inside_a_trial_is_wrong_use() -> None:
    tree = new()
    with tree.trial(), pytest.raises(RuntimeError), tree.trial():
        pass
    with tree.trial():
        pass
