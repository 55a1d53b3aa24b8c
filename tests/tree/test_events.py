"""Events: the device's own program is told before anything is committed, and may say no."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from smartcard_dm.dm import ServerId
from smartcard_dm.errors import ListenerError, TreeError
from smartcard_dm.tree import (
    AccountAdded,
    AccountRemoved,
    DeviceEvent,
    DeviceTree,
    ExecRequested,
    ProcessingPolicy,
    SessionWanted,
)
from tests.materials import NOW
from tests.tree.device import (
    INFORMATION,
    A,
    B,
    C,
    account,
    add,
    card,
    command,
    delete,
    device,
    item,
    message,
    push,
    replace,
    send_object,
    snapshot,
    statuses,
    there,
)
from tests.tree.things import account_object

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECRET = "what the server says to the program"
ALL = "Add=*&Delete=*&Exec=*&Get=*&Replace=*"


class Told:
    """A listener that remembers, may look at something when it is told, and may raise at one of the events."""

    def __init__(self, look: Callable[[], object] | None = None, *, raise_at: int | None = None) -> None:
        self.events: list[DeviceEvent] = []
        self.seen: list[object] = []
        self._look = look
        self._raise_at = raise_at

    def notify(self, event: DeviceEvent) -> None:
        """Take notice of an event."""
        if self._raise_at == len(self.events):
            raise LookupError("the program has no room for it")
        self.events.append(event)
        if self._look is not None:
            self.seen.append(self._look())


def run(target: str = "./Vendor/Run", data: str | None = SECRET, correlator: str = "") -> str:
    """Return an Exec."""
    more = f"<Correlator>{correlator}</Correlator>" if correlator else ""
    return command("Exec", more, item(target, data))


def runnable(acl: str = ALL) -> DeviceTree:
    """Return a device with a node that can be run."""
    return device(acls={"./Vendor": ALL, "./Vendor/Run": acl})


EVERYTHING = [
    run(correlator="one"),
    send_object("Add", "./Inbox", account_object(C)),
    delete("./DMAcc/b"),
    run(correlator="two"),
    send_object("Add", "./Inbox", account_object("com.example.d", "d")),
]
"""Commands of which every kind of event comes."""


def everything() -> DeviceTree:
    """Return a device that carries out `EVERYTHING`."""
    return device(acls={"./Vendor": ALL, "./Vendor/Run": ALL, "./DMAcc/b": ALL})


# Each event, in order


def test_events_come_in_the_order_of_their_kinds_and_then_of_the_commands() -> None:
    tree, listener = everything(), Told()
    applied = push(tree, message("".join(EVERYTHING)), listener=listener)
    assert [int(row.status) for row in applied.report] == [202, 200, 200, 202, 200]
    assert listener.events == [
        AccountRemoved(ServerId(B)),
        AccountAdded(ServerId(C), "./DMAcc/c"),
        AccountAdded(ServerId("com.example.d"), "./DMAcc/d"),
        ExecRequested(ServerId(A), "./Vendor/Run", SECRET, "one"),
        ExecRequested(ServerId(A), "./Vendor/Run", SECRET, "two"),
        SessionWanted(ServerId(C), "its account is new"),
        SessionWanted(ServerId("com.example.d"), "its account is new"),
    ]
    assert applied.effects.events == tuple(listener.events)


def test_a_message_of_which_nothing_follows_has_no_events() -> None:
    tree, listener = device(), Told()
    applied = push(
        tree, message(add("./X") + replace("./Nothing", "v") + add("./DMAcc/a/Name", "n")), listener=listener
    )
    assert listener.events == []
    assert applied.effects.events == ()


def test_events_are_told_of_in_the_effects_without_a_listener_too() -> None:
    tree = device()
    applied = push(tree, message(send_object("Add", "./Inbox", account_object(C))))
    assert [type(event) for event in applied.effects.events] == [AccountAdded, SessionWanted]


def test_what_was_undone_in_an_atomic_is_no_event() -> None:
    tree, listener = everything(), Told()
    undone = command("Atomic", *EVERYTHING, replace("./Nothing", "v"))
    push(tree, message(undone + run(correlator="three")), listener=listener)
    assert listener.events == [ExecRequested(ServerId(A), "./Vendor/Run", SECRET, "three")]


def test_what_came_and_went_in_one_message_is_no_event() -> None:
    tree, listener = device(), Told()
    push(tree, message(send_object("Add", "./Inbox", account_object(C)) + delete("./DMAcc/c")), listener=listener)
    assert listener.events == []


def test_the_same_message_is_told_once() -> None:
    tree, listener, octets = runnable(), Told(), message(run())
    push(tree, octets, listener=listener)
    with pytest.raises(Exception, match=r"takes effect once"):
        push(tree, octets, listener=listener)
    assert len(listener.events) == 1


def test_a_message_that_is_not_carried_out_has_no_events() -> None:
    tree, listener = runnable(), Told()
    strict = ProcessingPolicy(this_device_only=True)
    applied = push(tree, message(run(), target="IMEI:1"), listener=listener, processing=strict)
    assert [int(row.status) for row in applied.report] == [215]
    assert listener.events == []


# Before the commit


def test_a_listener_is_told_before_anything_is_committed(tmp_path: Path) -> None:
    name = str(tmp_path / "tree.db")
    with DeviceTree.create(name, INFORMATION, at=NOW) as tree:
        tree.sync(card(account(A), account(B)), at=NOW)

        def others_see() -> tuple[bool, int]:
            with DeviceTree.open(name) as other:
                return there(other, "./DMAcc/c"), len(other.audit.rows())

        rows = len(tree.audit.rows())
        listener = Told(others_see)
        push(tree, message(send_object("Add", "./Inbox", account_object(C))), listener=listener)
        assert listener.seen == [(False, rows)] * 2
        assert others_see() == (True, rows + 1)


@pytest.mark.parametrize("number", range(7))
def test_a_listener_that_raises_rolls_back_everything(number: int) -> None:
    tree, octets = everything(), message("".join(EVERYTHING))
    before, rows, provided = tree.nodes.below(""), tree.audit.rows(), tree.provenance.rows()
    credentials = tree.credentials()
    listener = Told(raise_at=number)
    with pytest.raises(ListenerError) as caught:
        push(tree, octets, listener=listener)
    assert isinstance(caught.value, TreeError)
    assert isinstance(caught.value.__cause__, LookupError)
    assert SECRET not in str(caught.value)
    assert len(listener.events) == number, "nothing after the one it raised at"
    assert (tree.nodes.below(""), tree.audit.rows(), tree.provenance.rows()) == (before, rows, provided)
    assert tree.credentials() == credentials
    again = Told()
    push(tree, octets, listener=again)  # and the message is not remembered
    assert len(again.events) == 7


def test_what_is_no_exception_of_a_program_is_passed_on_and_rolls_back_too() -> None:
    class Interrupted:
        def notify(self, event: DeviceEvent) -> None:
            raise KeyboardInterrupt(str(type(event)))

    tree, octets = runnable(), message(run() + add("./X"))
    before = snapshot(tree)
    with pytest.raises(KeyboardInterrupt):
        push(tree, octets, listener=Interrupted())
    assert snapshot(tree) == before
    push(tree, octets, listener=Told())


# Trying


def test_a_dry_run_tells_nobody_and_says_what_would_be_told() -> None:
    tree, listener = everything(), Told(raise_at=0)
    applied = push(tree, message("".join(EVERYTHING)), listener=listener, dry_run=True)
    assert listener.events == []
    assert len(applied.effects.events) == 7
    assert [int(row.status) for row in applied.report] == [202, 200, 200, 202, 200]


def test_a_trial_tells_nobody() -> None:
    tree, listener = everything(), Told(raise_at=0)
    with tree.trial():
        push(tree, message("".join(EVERYTHING)), listener=listener)
    assert listener.events == []


# Exec


def test_an_exec_without_a_listener_is_not_supported() -> None:
    tree = runnable()
    assert statuses(tree, run()) == [406]
    assert push(tree, message(run())).effects.events == ()


def test_an_exec_with_a_listener_is_accepted_and_handed_on() -> None:
    tree, listener = runnable(), Told()
    assert statuses(tree, run(correlator="c 1"), listener=listener) == [202]
    assert listener.events == [ExecRequested(ServerId(A), "./Vendor/Run", SECRET, "c 1")]


def test_an_exec_without_data_or_correlator_has_none() -> None:
    tree, listener = runnable(), Told()
    assert statuses(tree, run(data=None), listener=listener) == [202]
    assert listener.events == [ExecRequested(ServerId(A), "./Vendor/Run", None, None)]


@pytest.mark.parametrize(("acl", "expected"), [(f"Exec={A}", 202), (f"Exec={B}", 425), ("Replace=*&Get=*", 425)])
def test_an_exec_needs_its_right(acl: str, expected: int) -> None:
    listener = Told()
    assert statuses(runnable(acl), run(), listener=listener) == [expected]
    assert len(listener.events) == (expected == 202)


def test_an_exec_of_a_node_that_is_not_there_is_404_and_of_a_permanent_leaf_405() -> None:
    listener = Told()
    tree = device(acls={".": ALL})
    assert statuses(tree, run("./Nothing") + run("./DevInfo/Man"), listener=listener) == [404, 405]
    assert listener.events == []


def test_the_data_of_an_exec_is_shown_nowhere() -> None:
    tree, listener = runnable(), Told()
    applied = push(tree, message(run(correlator="c")), listener=listener)
    shown = f"{applied!r} {listener.events!r} {tree.audit.rows()!r}"
    assert SECRET not in shown
    assert "./Vendor/Run" in shown
