"""Where outcomes are written down: rows of a tree that strangers cannot fill, and a file that only grows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.errors import AuditError
from smartcard_dm.limits import Limits
from smartcard_dm.receive.audit import Audits, FileAudit, TreeAudit
from smartcard_dm.receive.judges import TreeJudge, envelope_outcome, unjudged_outcome
from smartcard_dm.receive.outcome import Outcome, Verdict
from smartcard_dm.receive.receiver import Receiver
from smartcard_dm.report.received import received_form
from smartcard_dm.tree import DeviceTree
from smartcard_dm.trust.policy import Policy
from smartcard_dm.trust.transport import TransportKind
from tests.materials import NOW
from tests.receive.things import Rows, arrival, envelope, provisioning, provisioning_octets
from tests.tree.device import INFORMATION, A, B, C, account, add, card, device, message

if TYPE_CHECKING:
    from smartcard_dm.push.arrival import Arrival

ROOT = Path(__file__).parents[2]
POLICY = Policy.default().over(TransportKind.WAP)


def refusal(number: int) -> Outcome:
    return envelope_outcome(envelope(), TransportKind.WAP, f"+{number}", NOW)


def judged(tree: DeviceTree, *arrivals: Arrival, limits: Limits | None = None) -> list[Outcome]:
    """Judge and note, as a receiver does."""
    judge, audit = TreeJudge(tree, policy=POLICY), TreeAudit(tree, limits or Limits())
    outcomes = [judge.judge(each, NOW) for each in arrivals]
    for outcome in outcomes:
        audit.note(outcome)
        audit.settle()
    return outcomes


# In a tree


def test_each_message_has_one_row_whatever_became_of_it() -> None:
    tree = device()
    before = len(tree.audit.rows())
    good = arrival(message(add("./X")))
    judged(tree, good, good, arrival(message(add("./X"), C)), arrival(b"?"), provisioning(provisioning_octets("new")))
    rows = tree.audit.rows()[before:]
    assert [(row.action, row.subject) for row in rows] == [
        ("apply", A),
        ("refuse", A),
        ("refuse", C),
        ("refuse", ""),
        ("read", ""),
    ]
    assert [row.form.get("rule") for row in rows] == [None, "replay.seen", "account.unknown", "wbxml.malformed", None]
    assert rows[1].form["step"] == 10
    assert rows[4].form["provisions"] == ["the DM account of new", "NAPDEF"]
    assert all(row.form["transport"] == "wap" and row.form["evidence"] == "SEC NETWPIN" for row in rows)
    assert [row.form["source"] for row in rows[1:2]] == [good.source]
    assert rows[1].digest is not None
    assert rows[1].digest != rows[0].digest, "one is of the signed octets, the other of the octets as they came"


def test_an_envelope_has_a_row_without_a_message() -> None:
    tree = device()
    TreeAudit(tree, Limits()).note(refusal(49171))
    (row,) = tree.audit.rows(last=1)
    assert (row.action, row.subject, row.digest, row.form["document"]) == ("refuse", "", None, "envelope")
    assert (row.form["rule"], row.form["source"]) == ("sms.part-number", "+49171")


def test_rows_can_be_asked_for_by_action() -> None:
    tree = device()
    judged(tree, arrival(message(add("./X"))), arrival(b"?"))
    assert [row.action for row in tree.audit.rows(action="refuse")] == ["refuse"]
    assert [row.action for row in tree.audit.rows(action="apply", last=1)] == ["apply"]
    assert tree.audit.rows(action="read") == []


def test_the_oldest_refusals_go_first_and_nothing_else_goes() -> None:
    tree = device()
    audit, limits = TreeAudit(tree, Limits(audit_refusals=3)), Limits(audit_refusals=3)
    kept = [row.number for row in tree.audit.rows()]
    for number in range(5):
        audit.note(refusal(number))
        (applied,) = judged(tree, arrival(message(add(f"./X{number}"))), limits=limits)
        assert applied.applied is not None
    rows = tree.audit.rows()
    assert [row.number for row in rows][: len(kept)] == kept
    assert [row.form["source"] for row in rows if row.action == "refuse"] == ["+2", "+3", "+4"]
    assert sum(row.action == "apply" for row in rows) == 5


def test_a_refusal_that_takes_a_place_is_in_one_transaction_with_the_one_that_goes(tmp_path: Path) -> None:
    name = str(tmp_path / "t.db")
    with DeviceTree.create(name, INFORMATION, at=NOW) as tree, DeviceTree.open(name) as other:
        audit = TreeAudit(tree, Limits(audit_refusals=2))
        seen: set[int] = set()
        done = threading.Event()

        def look() -> None:
            while not done.is_set():
                seen.add(len(other.audit.rows(action="refuse")))

        watching = threading.Thread(target=look)
        watching.start()
        for number in range(60):
            audit.note(refusal(number))
        done.set()
        watching.join()
        assert len(tree.audit.rows(action="refuse")) == 2
    assert seen <= {0, 1, 2}


def test_the_bound_holds_for_two_receivers_of_one_tree(tmp_path: Path) -> None:
    name = str(tmp_path / "t.db")
    with DeviceTree.create(name, INFORMATION, at=NOW) as one, DeviceTree.open(name) as two:
        audits = [TreeAudit(tree, Limits(audit_refusals=32)) for tree in (one, two)]
        most = 0
        for number in range(200):
            audits[number % 3 % 2].note(refusal(number))
            most = max(most, len(one.audit.rows(action="refuse")))
        kept = [row.form["source"] for row in one.audit.rows(action="refuse")]
    assert most == 32
    assert len(kept) >= 30
    assert kept == [f"+{number}" for number in range(200 - len(kept), 200)]


def test_a_stranger_does_not_make_the_file_grow(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    limits = Limits(audit_refusals=50)
    with DeviceTree.create(str(path), INFORMATION, at=NOW) as tree:
        tree.sync(card(account(A), account(B)), at=NOW)
        audit = TreeAudit(tree, limits)

        def flood(count: int) -> int:
            for number in range(count):
                audit.note(envelope_outcome(envelope("x" * 5000), TransportKind.WAP, "y" * (5000 + number), NOW))
            ((octets,),) = tree._database.rows("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
            return int(str(octets))

        first = flood(60)
        assert flood(300) <= first + 16 * 4096


def test_what_a_stranger_wrote_is_cut_and_can_be_any_text() -> None:
    tree = device()
    odd = "\ud800\x00\x1b" + "é" * 10_000
    TreeAudit(tree, Limits()).note(envelope_outcome(envelope(odd), TransportKind.WAP, odd, NOW))
    (row,) = tree.audit.rows(last=1)
    assert max(len(str(value)) for value in row.form.values()) < 300
    long_id = "x" * 255
    judged(tree, arrival(message(add("./X"), long_id)))
    (row,) = tree.audit.rows(last=1)
    assert row.form["rule"] == "account.unknown"
    assert row.subject == long_id
    assert len(json.dumps(row.form)) < 2000


# In a file


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_a_row_is_a_line_and_is_there_when_it_is_settled(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with FileAudit(str(path), received_form) as audit:
        audit.note(refusal(1))
        audit.note(refusal(2))
        assert path.read_bytes() == b""
        audit.settle()
        assert [line["source"] for line in lines(path)] == ["+1", "+2"]
        audit.settle()
        assert len(lines(path)) == 2
    assert path.stat().st_mode & 0o777 == 0o600


def test_it_only_grows_and_two_may_write_it(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"source": "before"}\n')
    with FileAudit(str(path), received_form) as one, FileAudit(str(path), received_form) as two:
        for number in range(20):
            for audit in (one, two):
                audit.note(refusal(number))
                audit.settle()
    assert [line["source"] for line in lines(path)] == ["before", *(f"+{n}" for n in range(20) for _ in range(2))]


def test_a_line_that_was_cut_stays_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"source": "cu')
    with FileAudit(str(path), received_form) as audit:
        audit.note(refusal(1))
        audit.settle()
    first, second = path.read_bytes().splitlines()
    assert first == b'{"source": "cu'
    assert json.loads(second)["source"] == "+1"


@pytest.mark.parametrize("name", ["", "no/such/folder", "\0", "folder"])
def test_a_file_that_cannot_be_opened_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(AuditError) as caught:
        FileAudit(str(tmp_path / name), received_form)
    assert caught.value.advice


def test_what_is_no_file_is_an_error(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(AuditError, match="no file"):
        FileAudit(str(tmp_path / "pipe"), received_form)


def test_a_full_disk_is_an_error_and_what_was_written_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    code = f"""
import resource, signal, sys
from datetime import UTC, datetime
from smartcard_dm.errors import AuditError
from smartcard_dm.receive.audit import FileAudit
from smartcard_dm.report.received import received_form
from tests.receive.test_audit import refusal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))
audit = FileAudit({str(path)!r}, received_form)
done = 0
try:
    while True:
        audit.note(refusal(done)); audit.settle(); done += 1
except AuditError as error:
    print(done, error.detail, "|", error.advice)
"""
    ended = subprocess.run(
        [sys.executable, "-B", "-c", code], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    done = int(ended.stdout.split()[0])
    assert "it cannot be written" in ended.stdout
    whole = path.read_bytes().split(b"\n")[:done]
    assert [json.loads(line)["source"] for line in whole] == [f"+{number}" for number in range(done)]
    assert done > 1


def test_rows_wait_for_one_flush_when_messages_wait(tmp_path: Path) -> None:
    flushes: list[int] = []

    class Counting(FileAudit):
        def settle(self) -> None:
            flushes.append(len(self._waiting))
            super().settle()

    class Slow(Rows):
        def judge(self, each: Arrival, at: object) -> Outcome:
            del at
            return unjudged_outcome(each, NOW, Verdict.AUTHORIZED, "as told")

    told: list[Outcome] = []
    with Counting(str(tmp_path / "a.jsonl"), received_form) as audit:
        receiver = Receiver(Slow(), audit, told.append, lambda: NOW)
        for _ in range(200):
            receiver.take(arrival())
        with receiver:
            pass
    assert flushes == [64, 64, 64, 8]
    assert len(told) == 200


def test_several_audits_get_every_outcome(tmp_path: Path) -> None:
    rows = Rows(group=8)
    with FileAudit(str(tmp_path / "a.jsonl"), received_form) as file:
        audits = Audits([file, rows])
        assert audits.group == 8
        audits.note(refusal(1))
        audits.settle()
    assert rows.settled == len(lines(tmp_path / "a.jsonl")) == 1
    nothing = Audits(())
    nothing.note(refusal(1))
    nothing.settle()
    assert nothing.group == 1
