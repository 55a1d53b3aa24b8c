"""The queue and its one worker: bounds, order, draining, and what a fault does."""

from __future__ import annotations

import threading
import time

import pytest

from smartcard_dm.errors import AuditError, TreeAccessError
from smartcard_dm.receive.outcome import Document, Outcome, Verdict
from smartcard_dm.trust.transport import TransportKind
from tests.materials import NOW
from tests.receive.things import SECONDS, Rows, Told, arrival, envelope, receiving

FULL_DISK = TreeAccessError("t.db", "no room is left on the device", "make room and try again")


def octets(number: int) -> bytes:
    return str(number).encode()


# Order and bounds


def test_outcomes_come_in_the_order_of_taking() -> None:
    judge, rows = Told(), Rows()
    with receiving(judge, rows) as (receiver, told):
        for number in range(200):
            assert receiver.take(arrival(octets(number), source=str(number)))
    assert judge.judged == [octets(number) for number in range(200)]
    assert [outcome.source for outcome in told] == [str(number) for number in range(200)]
    assert rows.noted == told
    assert {outcome.at for outcome in told} == {NOW}


def test_what_is_over_the_bound_is_not_taken_and_counted() -> None:
    judge = Told(held=True)
    with receiving(judge, places=4) as (receiver, told):
        taken = [receiver.take(arrival()) for _ in range(9)]
    assert taken == [True] * 4 + [False] * 5
    assert receiver.not_taken == 5
    assert len(told) == 4


def test_what_is_being_judged_has_a_place_too() -> None:
    judge = Told(held=True)
    with receiving(judge, places=2) as (receiver, _):
        assert receiver.take(arrival())
        assert judge.at_work.wait(SECONDS)
        assert receiver.take(arrival())
        assert not receiver.take(arrival())


def test_refused_envelopes_do_not_keep_documents_out() -> None:
    judge = Told(held=True)
    with receiving(judge, places=10) as (receiver, told):
        assert receiver.take(arrival())
        assert judge.at_work.wait(SECONDS)  # nothing makes room from here on
        for _ in range(1000):
            receiver.refuse(envelope(), TransportKind.WAP, "+49")
        assert [receiver.take(arrival()) for _ in range(6)] == [True] * 5 + [False]
    assert sum(outcome.document is Document.ENVELOPE for outcome in told) == 4
    assert receiver.not_taken == 997


def test_a_source_that_can_wait_waits_for_room() -> None:
    judge = Told(held=True)
    with receiving(judge, places=4) as (receiver, told):
        for _ in range(2):
            assert receiver.wait_for_room(0)
            assert receiver.take(arrival())
        assert not receiver.wait_for_room(0.01), "half of the places: a refused envelope needs one of those"
        threading.Timer(0.05, judge.release).start()
        assert receiver.wait_for_room(SECONDS)
        assert receiver.take(arrival())
    assert len(told) == 3
    assert not receiver.wait_for_room(SECONDS), "and not for one that has ended"


def test_what_was_promised_is_taken_until_the_receiver_is_closed() -> None:
    judge = Told(held=True)
    judge.raising[b"0"] = FULL_DISK
    done: list[int] = []
    ended = threading.Event()
    with receiving(judge, places=2, on_end=ended.set) as (receiver, told):
        receiver.when_done(done.append)
        for number in range(4):
            receiver.promised(arrival(octets(number)))
        receiver.missed(7)
        judge.release()
        assert ended.wait(SECONDS)
        assert not receiver.take(arrival())
        receiver.promised(arrival(octets(4)))
        receiver.promised_refusal(envelope(), TransportKind.HTTP, "late")
        receiver.close()
        with pytest.raises(RuntimeError):
            receiver.promised(arrival(octets(5)))
    assert [outcome.verdict.value for outcome in told] == ["failed"] * 5 + ["refused"]
    assert sum(done) == 6
    assert receiver.not_taken == 7


def test_what_was_promised_counts_for_the_end() -> None:
    ended = threading.Event()
    with receiving(Told(), at_most=2, on_end=ended.set) as (receiver, told):
        receiver.promised(arrival())
        assert not ended.is_set()
        receiver.promised_refusal(envelope(), TransportKind.HTTP, "x")
        assert receiver.reached
        assert ended.is_set()
    assert len(told) == 2


def test_many_listeners_may_take_at_once() -> None:
    judge, rows = Told(), Rows(group=8)
    taken: list[int] = []

    def listen(receiver: object) -> None:
        assert hasattr(receiver, "take")
        taken.append(sum(receiver.take(arrival(source=threading.current_thread().name)) for _ in range(500)))

    with receiving(judge, rows, places=100_000) as (receiver, told):
        threads = [threading.Thread(target=listen, args=(receiver,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert taken == [500] * 8
    assert len(told) == len(rows.noted) == rows.settled == 4000


def test_an_envelope_is_an_outcome_with_its_rule() -> None:
    with receiving(Told()) as (receiver, told):
        receiver.refuse(envelope(), TransportKind.WAP, "+49171")
    (outcome,) = told
    assert (outcome.document, outcome.verdict, outcome.rule) == (Document.ENVELOPE, Verdict.REFUSED, "sms.part-number")
    assert (outcome.kind, outcome.source, outcome.malformed) == (TransportKind.WAP, "+49171", True)
    assert (outcome.octets, outcome.sha256, outcome.step) == (None, None, None)


# Ending


def test_closing_judges_all_that_was_taken() -> None:
    judge, rows = Told(held=True), Rows(group=4)
    with receiving(judge, rows) as (receiver, told):
        for number in range(100):
            assert receiver.take(arrival(octets(number)))
        threading.Timer(0.05, judge.release).start()
        receiver.close()
        assert len(told) == rows.settled == 100
        assert not receiver.take(arrival())
        receiver.refuse(envelope(), TransportKind.WAP, "late")
        receiver.close()
    assert len(told) == 100
    assert receiver.not_taken == 0, "what comes after the end was not kept out for want of room"


def test_the_end_is_told_once() -> None:
    ends: list[str] = []
    with receiving(Told(), on_end=lambda: ends.append("end")) as (receiver, _):
        receiver.close()
        receiver.close()
    assert ends == ["end"]


def test_a_number_of_documents_can_be_the_end() -> None:
    ended = threading.Event()
    with receiving(Told(), on_end=ended.set, at_most=3) as (receiver, told):
        assert receiver.take(arrival())
        receiver.refuse(envelope(), TransportKind.WAP, "+49")
        before = receiver.reached
        assert receiver.take(arrival())
        assert ended.is_set()
        assert not receiver.take(arrival())
    assert (before, receiver.reached) == (False, True)
    assert len(told) == 3


def test_a_line_follows_its_row() -> None:
    rows = Rows(group=4)
    late: list[Outcome] = []

    def tell(outcome: Outcome) -> None:
        if outcome not in rows.noted[: rows.settled]:
            late.append(outcome)

    with receiving(Told(), rows, tell=tell) as (receiver, _):
        for _ in range(50):
            receiver.take(arrival())
    assert rows.settled == 50
    assert late == []


# Faults


def test_a_fault_of_a_judge_is_told_and_ends_the_receiver_in_order() -> None:
    judge, rows = Told(held=True), Rows()
    judge.raising[b"1"] = ZeroDivisionError("with a secret in it")
    ended = threading.Event()
    with receiving(judge, rows, on_end=ended.set) as (receiver, told):
        for number in range(3):
            receiver.take(arrival(octets(number)))
        judge.release()
        assert ended.wait(SECONDS)
        assert not receiver.take(arrival())
    assert [outcome.verdict for outcome in told] == [Verdict.AUTHORIZED, Verdict.FAULT, Verdict.AUTHORIZED]
    assert "ZeroDivisionError" in told[1].detail
    assert "secret" not in told[1].detail
    assert rows.noted == told
    assert isinstance(receiver.trouble, ZeroDivisionError)


def test_a_tree_that_cannot_be_written_fails_the_message_and_what_waits() -> None:
    judge, rows = Told(held=True), Rows()
    judge.raising[b"1"] = FULL_DISK
    with receiving(judge, rows) as (receiver, told):
        for number in range(4):
            receiver.take(arrival(octets(number)))
        receiver.refuse(envelope(), TransportKind.WAP, "+49")
    assert judge.judged == [b"0", b"1"], "the others are not tried: each could wait for a lock"
    assert [outcome.verdict.value for outcome in told] == ["authorized", "failed", "failed", "failed", "refused"]
    assert "no room is left on the device" in told[1].detail
    assert all("took no effect" in outcome.detail for outcome in told[1:4])
    assert rows.noted == told[:1]
    assert receiver.trouble is FULL_DISK


@pytest.mark.parametrize("error", [FULL_DISK, AuditError("a.jsonl", "no space", "make room")])
def test_an_audit_that_cannot_be_written_ends_the_receiver(error: Exception) -> None:
    judge, rows = Told(held=True), Rows()
    rows.raising[1] = error
    with receiving(judge, rows) as (receiver, told):
        for number in range(3):
            receiver.take(arrival(octets(number)))
    assert [outcome.verdict.value for outcome in told] == ["authorized", "authorized", "failed"]
    assert receiver.trouble is error


def test_nobody_who_listens_to_verdicts_ends_the_telling_not_the_judging() -> None:
    judge, rows = Told(held=True), Rows()
    told: list[Outcome] = []

    def tell(outcome: Outcome) -> None:
        if told:
            raise BrokenPipeError
        told.append(outcome)

    with receiving(judge, rows, tell=tell) as (receiver, _):
        for _ in range(5):
            receiver.take(arrival())
    assert (len(told), len(judge.judged), len(rows.noted)) == (1, 5, 5)
    assert isinstance(receiver.trouble, BrokenPipeError)


def test_handing_over_is_cheap() -> None:
    judge = Told(held=True)
    one = arrival()
    with receiving(judge, places=20_000) as (receiver, _):
        began = time.perf_counter()
        for _ in range(20_000):
            receiver.take(one)
        spent = time.perf_counter() - began
    assert spent / 20_000 < 0.0005, "it takes some microseconds; a lock that is held while a message is judged takes ms"
