"""What listeners put their documents into: a bounded queue, and one thread that has each judged, noted and told.

A listener in this process asks with `take` whether there is room. One in another process has counted the places itself,
and its senders have their answers: what it hands on is `promised`, and taken until the receiver is closed.

Guarantees: outcomes come in the order in which documents were taken, one at a time; an outcome is told when its row is
on the disk, or when it cannot be brought there, which `trouble` then says; what was taken is judged, or told to have
failed, before `close` returns. What is refused before there is a document has half of the places at most: envelopes of
a stranger do not keep documents out.

When a tree or an audit cannot be written, nothing more is taken and what still waits is told to have failed: it took
no effect, and its sender may push it again. When this program is at fault, nothing more is taken either; what waits is
judged, since one message shares nothing with the next.

Leaves to its caller: listening, ending when `trouble` says so, and telling.

Spec: design decision D9; OMA-TS-DM_Sessionless 5.5 (no response is sent).
"""

from __future__ import annotations

from collections import deque
from threading import Condition, Thread
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from smartcard_dm.errors import AuditError, TreeError
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.receive.judges import envelope_outcome, unjudged_outcome
from smartcard_dm.receive.outcome import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from smartcard_dm.errors import EnvelopeError
    from smartcard_dm.limits import Limits
    from smartcard_dm.push.arrival import Arrival
    from smartcard_dm.receive.audit import Audit
    from smartcard_dm.receive.judges import Judge
    from smartcard_dm.receive.outcome import Outcome
    from smartcard_dm.trust.transport import TransportKind

_WITHOUT_DOCUMENT: Final = 2
"""The part of the places that refused envelopes may take: one in so many."""


class _Refused(NamedTuple):
    error: EnvelopeError
    kind: TransportKind
    source: str


class Receiver:
    """An `Inlet` and a `Drain` whose documents are judged one after the other; use it as a context manager.

    Args:
        judge: decides; used by one thread only.
        audit: takes note; used by the same thread.
        on_outcome: is told each outcome, by the same thread; what it raises ends the receiver.
        clock: gives the moment to judge for, with a time zone.
        on_end: is called once, from any thread, when nothing more is taken: the listener should leave.
        at_most: how many documents and refused envelopes are taken; None for no end.
        limits: `receive_waiting`.
    """

    def __init__(
        self,
        judge: Judge,
        audit: Audit,
        on_outcome: Callable[[Outcome], None],
        clock: Callable[[], datetime],
        *,
        on_end: Callable[[], None] | None = None,
        at_most: int | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._judge = judge
        self._audit = audit
        self._on_outcome = on_outcome
        self._clock = clock
        self._on_end = on_end
        self._left = at_most
        self._places = limits.receive_waiting
        self._waiting: deque[Arrival | _Refused] = deque()
        self._in_hand = 0
        self._taking = True
        self._closed = False
        self._when_done: Callable[[int], None] | None = None
        self._changed = Condition()
        self._thread = Thread(target=self._work, name="receiver", daemon=True)
        self._listening = True
        self._telling = True
        self._writable = True
        self.not_taken = 0
        """Documents and refused envelopes there was no room for, and what a listener dropped unread."""
        self.trouble: Exception | None = None
        """What ended the receiver before its time; None while there is no such thing."""
        self.reached = False
        """Whether `at_most` was reached."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def take(self, arrival: Arrival) -> bool:
        """Take a document; False when there is no room for it now, or nothing is taken any more."""
        return self._put(arrival, self._places)

    def refuse(self, error: EnvelopeError, kind: TransportKind, source: str) -> None:
        """Take note of an envelope that holds no document; where there is no room it is only counted."""
        self._put(_Refused(error, kind, source), max(1, self._places // _WITHOUT_DOCUMENT))

    def promised(self, arrival: Arrival) -> None:
        """Take a document whose sender was told that it is taken."""
        self._put_promised(arrival)

    def promised_refusal(self, error: EnvelopeError, kind: TransportKind, source: str) -> None:
        """Take note of an envelope that holds no document, and has its place already."""
        self._put_promised(_Refused(error, kind, source))

    def missed(self, count: int) -> None:
        """Count documents and refused envelopes that a listener elsewhere had no room for."""
        with self._changed:
            self.not_taken += count

    def when_done(self, tell: Callable[[int], None]) -> None:
        """Have it told, by the judging thread, how many documents and refused envelopes have just been told of."""
        self._when_done = tell

    def wait_for_room(self, seconds: float) -> bool:
        """Wait until a document would be taken; tells whether one would.

        For a source that can be left waiting, such as a file.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._taking or self._used() < self._room_for_all(), seconds)
            return self._taking and self._used() < self._room_for_all()

    @property
    def ended(self) -> bool:
        """Whether nothing more is taken."""
        return not self._taking

    def close(self) -> None:
        """Take nothing more, have everything judged that was taken, and end; closing twice is allowed."""
        self._end()
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def _used(self) -> int:
        return len(self._waiting) + self._in_hand

    def _room_for_all(self) -> int:
        return max(1, self._places // _WITHOUT_DOCUMENT)

    def _put(self, item: Arrival | _Refused, places: int) -> bool:
        with self._changed:
            if not self._taking:
                return False
            if self._used() >= places:
                self.not_taken += 1
                return False
            self._append(item)
        if self.reached:
            self._end()
        return True

    def _put_promised(self, item: Arrival | _Refused) -> None:
        with self._changed:
            if self._closed:
                raise RuntimeError("the receiver is closed")
            self._append(item)
        if self.reached:
            self._end()

    def _append(self, item: Arrival | _Refused) -> None:
        self._waiting.append(item)
        if self._left is not None and self._left:
            self._left -= 1
            self.reached = not self._left
        if len(self._waiting) == 1:  # the thread that judges waits for the first only
            self._changed.notify_all()

    def _end(self) -> None:
        with self._changed:
            self._taking = False
            listening, self._listening = self._listening, False
            self._changed.notify_all()
        if listening and self._on_end is not None:
            self._on_end()

    def _work(self) -> None:
        while group := self._next_group():
            outcomes = [self._noted(self._outcome(item)) for item in group]
            self._settle()
            for outcome in outcomes:
                self._tell(outcome)
            with self._changed:
                self._in_hand = 0
                self._changed.notify_all()
            if self._when_done is not None:
                self._when_done(len(group))

    def _next_group(self) -> list[Arrival | _Refused]:
        """Return what is judged next; nothing when all is done."""
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            group = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._audit.group))]
            self._in_hand = len(group)
            return group

    def _outcome(self, item: Arrival | _Refused) -> Outcome:
        at = self._clock()
        if isinstance(item, _Refused):
            return envelope_outcome(item.error, item.kind, item.source, at)
        if not self._writable:
            detail = "not judged: what came before it could not be written, and it took no effect; have it sent again"
            return unjudged_outcome(item, at, Verdict.FAILED, detail)
        try:
            return self._judge.judge(item, at)
        except TreeError as error:
            self._meet(error)
            detail = f"not judged, and it took no effect: {error}; {error.advice}, and have it sent again"
            return unjudged_outcome(item, at, Verdict.FAILED, detail)
        except Exception as error:  # noqa: BLE001 - told, and the receiver ends in order
            self._meet(error)
            detail = f"not judged: a fault of this program ({type(error).__name__}), and it took no effect"
            return unjudged_outcome(item, at, Verdict.FAULT, detail)

    def _noted(self, outcome: Outcome) -> Outcome:
        if self._writable:
            try:
                self._audit.note(outcome)
            except Exception as error:  # noqa: BLE001 - same
                self._meet(error)
        return outcome

    def _settle(self) -> None:
        if self._writable:
            try:
                self._audit.settle()
            except Exception as error:  # noqa: BLE001 - same
                self._meet(error)

    def _tell(self, outcome: Outcome) -> None:
        if self._telling:
            try:
                self._on_outcome(outcome)
            except Exception as error:  # noqa: BLE001 - such as a pipe that nobody reads any more
                self._telling = False
                self._meet(error)

    def _meet(self, error: Exception) -> None:
        """Remember what went wrong first, and take nothing more."""
        if self.trouble is None:
            self.trouble = error
        if isinstance(error, TreeError | AuditError):
            self._writable = False
        self._end()
