"""Several processes and threads on one tree: each message once, nothing lost, nobody is told that it is locked."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import pytest

from smartcard_dm.errors import ListenerError, TreeAccessError, VerificationError
from smartcard_dm.rules import Rule
from smartcard_dm.secret import Secret
from smartcard_dm.tree import DeviceTree
from smartcard_dm.tree import database as database_module
from tests.materials import NOW
from tests.tree.busy_worker import CARDS, COUNTER, MESSAGES, make, messages
from tests.tree.device import A, B, account, add, card, message, push, snapshot, there, value
from tests.tree.power import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from smartcard_dm.tree import DeviceEvent
    from smartcard_dm.trust.credentials import Credentials
    from smartcard_dm.trust.verified import VerifiedMessage

Result = dict[str, object]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "tree"
    make(str(made))
    return made


class Processes:
    """Workers that begin at one moment."""

    def __init__(self, *parts: tuple[str, ...]) -> None:
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.tree.busy_worker", *part],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=ROOT,
                text=True,
            )
            for part in parts
        ]
        for process in self._processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()

    def result(self, number: int) -> Result:
        """End a worker that reads until its input is closed, wait for it, and return what it says."""
        output, _ = self._processes[number].communicate(timeout=120)
        assert self._processes[number].returncode == 0
        return cast("Result", json.loads(output))

    def close(self) -> None:
        for process in self._processes:
            if process.poll() is None:
                process.kill()
                process.communicate()


def run(*parts: tuple[str, ...]) -> list[Result]:
    """Run workers to their end; each keeps its input until those before it are done."""
    with ExitStack() as stack:
        processes = Processes(*parts)
        stack.callback(processes.close)
        return [processes.result(number) for number in range(len(parts))]


def want_each_once(path: Path, results: list[Result]) -> None:
    """Hold that each message took effect once, in an order that audit, memory and nodes agree about."""
    applied = [number for result in results for number in cast("list[int]", result["applied"])]
    assert sorted(applied) == list(range(MESSAGES))
    with DeviceTree.open(str(path)) as tree:
        counter = tree.nodes.get(COUNTER[2:])
        assert counter is not None
        assert counter.verno == MESSAGES + 1, "an update is lost"
        assert {row.name for row in tree.nodes.children("Shared")} == {f"n{number}" for number in range(MESSAGES)}
        audit = [row for row in tree.audit.rows() if row.action == "apply"][1:]
        assert len(audit) == MESSAGES
        assert counter.value == str(int(audit[-1].session_id or "") - 1), "the audit has another order"
        assert tree._database.rows("SELECT count(*) FROM replay") == [(MESSAGES + 1,)]
        assert tree._database.rows("PRAGMA integrity_check") == [("ok",)]


@pytest.mark.parametrize("workers", [2, 4])
def test_processes_with_the_same_messages_apply_each_once(workers: int, path: Path) -> None:
    results = run(*(("apply", str(path), str(seed)) for seed in range(workers)))
    assert [result["errors"] for result in results] == [[]] * workers
    want_each_once(path, results)


def test_cards_come_and_go_and_others_look_while_messages_are_applied(path: Path) -> None:
    one, two, cards, reader = run(
        ("apply", str(path), "1"), ("apply", str(path), "2"), ("sync", str(path), "25"), ("read", str(path))
    )
    assert [result["errors"] for result in (one, two, cards, reader)] == [[]] * 4
    want_each_once(path, [one, two])
    assert cast("int", reader["looks"]) > 10
    assert cast("int", reader["states"]) > 3


def test_processes_that_open_a_file_a_killed_one_left_wait_for_each_other(path: Path) -> None:
    left = subprocess.run(
        [sys.executable, "-m", "tests.tree.busy_worker", "die", str(path)], input=b"\n", check=True, cwd=ROOT
    )
    assert left.returncode == 0
    assert path.with_name("tree-wal").stat().st_size > 0
    results = run(*(("apply", str(path), str(seed)) for seed in range(4)))
    assert [result["errors"] for result in results] == [[]] * 4
    want_each_once(path, [*results, {"applied": [0]}])


def test_of_processes_that_make_one_tree_one_does(tmp_path: Path) -> None:
    path = tmp_path / "new"
    results = run(*[("create", str(path))] * 4)
    assert sorted(bool(result["made"]) for result in results) == [False, False, False, True]
    assert {text for result in results for text in cast("list[str]", result["errors"])} == {
        "there is a file of this name already"
    }
    DeviceTree.open(str(path)).close()
    assert [each.name for each in tmp_path.iterdir()] == ["new"]


def test_threads_that_share_a_tree_wait_for_each_other(path: Path) -> None:
    def give(octets: bytes) -> list[int]:
        with tree.reading():
            assert len(tree.nodes.children("Shared")) <= MESSAGES
        try:
            push(tree, octets)
        except VerificationError as error:
            return [] if error.rule is Rule.REPLAYED else [-1]
        return [messages_.index(octets)]

    messages_ = messages()
    with DeviceTree.open(str(path)) as tree, ThreadPoolExecutor(8) as pool:
        applied = [number for found in pool.map(give, messages_ * 3) for number in found]
    want_each_once(path, [{"applied": applied}])


def after_verifying(monkeypatch: pytest.MonkeyPatch, tree: DeviceTree, meanwhile: Callable[[], object]) -> None:
    """Have something happen after this tree verified a message, before it takes the write lock."""
    verify = tree.verify

    def verify_slowly(octets: bytes, **options: object) -> VerifiedMessage:
        verified = verify(octets, **options)  # type: ignore[arg-type]
        meanwhile()
        return verified

    monkeypatch.setattr(tree, "verify", verify_slowly)


@pytest.mark.parametrize(
    ("cards", "rule"),
    [
        ([card(account(B))], Rule.ACCOUNT_UNKNOWN),
        ([card(account(A, "x"), account(A, "y"))], Rule.ACCOUNT_SEVERAL),
        ([card(account(B)), card(account(A), account(B))], None),
    ],
    ids=["account-gone", "two-accounts", "gone-and-back"],
)
def test_what_another_process_did_to_accounts_after_verifying_counts(
    cards: list[Credentials], rule: Rule | None, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    octets = message(add("./Later", "x"))
    with DeviceTree.open(str(path)) as mine, DeviceTree.open(str(path)) as other:

        def meanwhile() -> None:
            for each in cards:
                other.sync(each, at=NOW)

        mine.credentials()
        with monkeypatch.context() as patch:
            after_verifying(patch, mine, meanwhile)
            if rule is None:
                push(mine, octets)
                assert there(other, "./Later")
                return
            with pytest.raises(VerificationError) as caught:
                push(mine, octets)
        assert caught.value.rule is rule
        assert not there(other, "./Later")
        assert [row.action for row in other.audit.rows()][-1] == "sync"
        other.sync(CARDS[0], at=NOW)
        push(mine, octets)
        assert there(other, "./Later")


def test_a_secret_that_changed_after_verifying_counts(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = account(A)
    auth = replace(old.auth[0], secret=Secret(b"another secret of the same server"))
    changed = replace(old, auth=(auth,))
    before = messages()[1]
    with DeviceTree.open(str(path)) as mine, DeviceTree.open(str(path)) as other:
        after_verifying(monkeypatch, mine, lambda: other.sync(card(changed, account(B)), at=NOW))
        with pytest.raises(VerificationError) as caught:
            push(mine, before)
        assert caught.value.rule is Rule.SIGNATURE_VALUE
        assert value(other, COUNTER) == "-"


def test_a_message_that_another_process_applied_after_verifying_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    octets = messages()[1]
    with DeviceTree.open(str(path)) as mine, DeviceTree.open(str(path)) as other:
        after_verifying(monkeypatch, mine, lambda: push(other, octets))
        with pytest.raises(VerificationError) as caught:
            push(mine, octets)
        assert caught.value.rule is Rule.REPLAYED
        assert value(mine, COUNTER) == "1"
        assert len(other.audit.rows()) == 4


def test_a_process_waits_for_another_that_writes(path: Path) -> None:
    with DeviceTree.open(str(path)) as mine, DeviceTree.open(str(path)) as other:
        held, done = threading.Event(), threading.Event()

        def hold() -> None:
            with other._database.writing():
                held.set()
                done.wait(0.5)

        thread = threading.Thread(target=hold)
        thread.start()
        held.wait()
        push(mine, messages()[1])
        thread.join()
        assert value(other, COUNTER) == "1"


def test_a_process_that_waited_too_long_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "WAIT_SECONDS", 0.1)
    with DeviceTree.open(str(path)) as mine, DeviceTree.open(str(path)) as other:
        before = snapshot(mine)
        with (
            other._database.writing(),
            pytest.raises(TreeAccessError, match="another process kept it locked") as caught,
        ):
            push(mine, messages()[1])
        assert caught.value.advice == "try again when it is done"
        assert snapshot(mine) == before
        push(mine, messages()[1])


class Nosy:
    """A listener that uses the tree it is told about, against the rules."""

    def __init__(self, use: Callable[[], object]) -> None:
        self._use = use

    def notify(self, event: DeviceEvent) -> None:
        del event
        self._use()


def test_a_listener_that_uses_the_tree_undoes_the_message(path: Path) -> None:
    """What it would read is not committed yet; accounts it saw there must never be taken for those of the file."""
    with DeviceTree.open(str(path)) as tree:
        before = snapshot(tree)
        for use in (tree.credentials, lambda: push(tree, messages()[1])):
            with pytest.raises(ListenerError) as caught:
                tree.sync(CARDS[1], at=NOW, listener=Nosy(use))
            assert isinstance(caught.value.__cause__, ValueError)
            assert snapshot(tree) == before
        push(tree, messages()[1])


def test_a_look_at_a_tree_may_hold_others(path: Path) -> None:
    with DeviceTree.open(str(path)) as mine, DeviceTree.open(str(path)) as other:
        with mine.reading():
            before = snapshot(mine)
            push(other, messages()[1])
            with mine.reading():
                assert snapshot(mine) == before
            assert mine.credentials().accounts
            assert snapshot(mine) == before
        assert snapshot(mine) != before
