"""The keeper of the card: one value that says what is there, replaced as a whole whenever something changes.

::

    source.watch --(thread "watch")--> withdraws at once, notes what is to be read
                                           |
    source.open <--(thread "card")---- reads it, and publishes it unless something changed meanwhile

Guarantees: credentials are published only of a card that was read after the last change that was seen, and withdrawn
before anything else is done when the next one is seen, even while a call to the card hangs; a reading that failed never
leaves old data in place. The card is read once for each change, again at growing intervals after a failure, and is held
by nobody in between. One thread touches the card. Nothing a source or a card does ends a thread.
Leaves to its caller: a clock with a time zone, a random key, starting and stopping.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Condition, Event, Thread, Timer
from time import monotonic
from typing import TYPE_CHECKING, Final

from smartcard_dm.agent.account_changes import account_changes, account_prints
from smartcard_dm.agent.events import EventType
from smartcard_dm.agent.expiry import credentials_not_after
from smartcard_dm.agent.pin_entry import PinRequest
from smartcard_dm.agent.placement import Placement, PlacementChange
from smartcard_dm.agent.reading import Key, Locked, Reading, Replaced, read_card
from smartcard_dm.agent.snapshot import CardState, Snapshot
from smartcard_dm.errors import CardConnectionError, PinBlockedError, PinEntryError, SmartcardDmError
from smartcard_dm.limits import DEFAULT_LIMITS
from vendor_pcsc.errors import BridgeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from smartcard_dm.agent.account_changes import AccountPrints
    from smartcard_dm.agent.events import EventLog, EventValue
    from smartcard_dm.agent.pin_entry import PinEntry
    from smartcard_dm.agent.sources import CardSource
    from smartcard_dm.limits import Limits

STOP_SECONDS: Final = 5.0
"""Seconds the threads have to end; one that is held by a reader is left behind, and publishes nothing any more."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the keeper waits, in seconds."""

    retries: tuple[float, ...] = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
    """Before each reading after a failed one; the last one holds for all that follow."""
    removal: float = 1.0
    """After a reading that the reader broke off, for news that the card was taken out. A service tells within 0.4."""
    reading: float = 30.0
    """Until a card that gives no answer at all counts as unreadable. The largest file of a slow card takes 10."""
    source: float = 1.0
    """Before a source that failed is asked again."""


@dataclass(frozen=True, slots=True)
class _Failure:
    """A reading that gave nothing."""

    state: CardState
    reason: str


@dataclass(frozen=True, slots=True)
class _Success:
    """A reading, and what is worked out of it before it is published."""

    reading: Reading
    accounts: AccountPrints


_SWAPS: Final = 3
"""Readings in a row in each of which the card was replaced, until it counts as unreadable."""

_EVENT_OF: Final = {
    CardState.UNREADABLE: EventType.CARD_UNREADABLE,
    CardState.LOCKED: EventType.CARD_LOCKED,
}


class CardKeeper:
    """Keeps what is known of one card.

    Args:
        source: where the card is.
        events: is told of every change.
        clock: gives the time, with a time zone.
        key: random octets that stay in memory; accounts of two readings are compared under it.
        pin: where a PIN comes from; None: none is ever sent.
        use_last_try: consent to use the last try of a PIN.
        limits: bounds of files and directories.
        patience: how long it waits.
        first_generation: what counting begins at; one that grows from start to start, such as the seconds of the clock,
            keeps a generation of an earlier start from being taken for one of this.
    """

    def __init__(
        self,
        source: CardSource,
        events: EventLog,
        *,
        clock: Callable[[], datetime],
        key: bytes,
        pin: PinEntry | None = None,
        use_last_try: bool = False,
        limits: Limits = DEFAULT_LIMITS,
        patience: Patience | None = None,
        first_generation: int = 0,
    ) -> None:
        self._source = source
        self._events = events
        self._clock = clock
        self._key = key
        self._pin = pin
        self._use_last_try = use_last_try
        self._limits = limits
        self._patience = patience or Patience()
        self._stop = Event()
        self._threads: tuple[Thread, ...] = ()
        self._timer: Timer | None = None
        self._change = Condition()
        # Everything below is written under `_change` only.
        self._snapshot = Snapshot(CardState.STARTING, first_generation, None, "the reader is looked for", clock())
        self._sequence = 0
        """Grows with every change that is seen; a reading counts only if it is the same before and after."""
        self._reader = ""
        """The reader that was told last."""
        self._place: str | None = None
        """Where a card is; None without one."""
        self._due: float | None = None
        """When the card is to be read, in monotonic seconds; None when nothing is to be done."""
        self._failures = 0
        """Readings that failed since the last change."""
        self._subject = ""
        """The ICCID of the card that was read last and has not left."""
        self._card_known = False
        """Whether there was a card when the reader was seen last."""
        self._accounts: AccountPrints = {}
        """The accounts that consumers of events know."""
        self._was_out = False
        """Whether the card was out since those accounts were read."""
        self._readings = 0
        self._apdus = 0

    @property
    def snapshot(self) -> Snapshot:
        """What is known now; never waits."""
        return self._snapshot

    @property
    def readings(self) -> int:
        """How often reading the card was begun."""
        return self._readings

    @property
    def apdus(self) -> int:
        """Commands of the readings that succeeded."""
        return self._apdus

    def start(self) -> None:
        """Begin; to be called once."""
        if self._threads:
            raise RuntimeError("a keeper is started once")
        self._threads = (
            Thread(target=self._watch, name="agent watch", daemon=True),
            Thread(target=self._serve, name="agent card", daemon=True),
        )
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: float = STOP_SECONDS) -> bool:
        """Withdraw everything, end, and return whether all threads did in time; one that did not publishes nothing."""
        with self._change:
            if not self._stop.is_set():
                self._stop.set()
                self._supersede(None)
                self._replace(CardState.SERVICE_LOST, self._snapshot.generation + 1, "the agent has ended")
                self._accounts = {}
                if self._pin is not None:
                    self._pin.card_left()
        deadline = monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, deadline - monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def settled(self, timeout: float) -> bool:
        """Wait until the state is another one than `starting`, and return whether it is."""
        with self._change:
            return self._change.wait_for(lambda: self._snapshot.state is not CardState.STARTING, timeout)

    def reread(self) -> None:
        """Read the card again, such as after a PIN was not given; its data are withdrawn until then."""
        with self._change:
            if self._place is not None and not self._stop.is_set():
                self._begin(self._place, self._snapshot.generation, "the card is being read again")

    # What the source tells -------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        while not self._stop.is_set():
            try:
                for change in self._source.watch(self._stop):
                    self._noticed(change)
                reason = "the reader is not watched any more"
            except BridgeError as error:
                reason = str(error)
            except Exception as error:  # noqa: BLE001 - a watch that ended unseen would leave old trust in place
                reason = f"the watch of the reader failed ({type(error).__name__})"
            if not self._stop.is_set():
                self._noticed(PlacementChange(Placement.LOST, "", reason))
            self._stop.wait(self._patience.source)

    def _noticed(self, change: PlacementChange) -> None:
        with self._change:
            if self._stop.is_set():
                return
            if change.placement is Placement.LOST:
                self._lost(change)
                return
            lost = self._snapshot.state is CardState.SERVICE_LOST
            self._reader = change.place
            if change.placement is Placement.CARD_OUT:
                self._out(change, lost=lost)
            else:
                self._in(change, lost=lost)

    def _lost(self, change: PlacementChange) -> None:
        self._supersede(None)
        if self._snapshot.state is CardState.SERVICE_LOST:
            self._explain(change.reason)
            return
        self._replace(CardState.SERVICE_LOST, self._snapshot.generation + 1, change.reason)
        if self._pin is not None:
            self._pin.card_out_of_sight()
        self._tell(EventType.READER_LOST, self._reader, {"reason": change.reason})

    def _out(self, change: PlacementChange, *, lost: bool) -> None:
        self._supersede(None)
        if self._snapshot.state is CardState.ABSENT:
            self._explain(change.reason)
            return
        self._replace(CardState.ABSENT, self._snapshot.generation + 1, change.reason)
        if self._pin is not None:
            self._pin.card_left()
        if lost:
            self._tell(EventType.READER_BACK, change.place)
        if self._card_known:
            self._card_known = False
            self._tell(EventType.CARD_REMOVED, self._subject)
        self._subject = ""
        self._tell_accounts({})

    def _in(self, change: PlacementChange, *, lost: bool) -> None:
        # A card where one was known to be: it was out in between, whatever the source calls it.
        changed = self._place is not None or (change.placement is Placement.CARD_CHANGED and self._card_known)
        generation = self._snapshot.generation + (1 if changed else 0)
        self._begin(change.place, generation, "the card is being read")
        if changed:
            self._was_out = True
            if self._pin is not None:
                self._pin.card_left()
        if lost:
            self._tell(EventType.READER_BACK, change.place)
        if changed:
            self._tell(EventType.CARD_CHANGED, self._subject)
        self._card_known = True

    def _begin(self, place: str, generation: int, reason: str) -> None:
        """Withdraw what is there and have the card read at once."""
        self._supersede(place)
        self._replace(CardState.STARTING, generation, reason)
        self._timer = Timer(self._patience.reading, self._overdue, (self._sequence,))
        self._timer.daemon = True
        self._timer.start()

    def _supersede(self, place: str | None) -> None:
        """Note that whatever was read until now, or is being read, does not count."""
        self._sequence += 1
        self._place = place
        self._due = None if place is None else monotonic()
        self._failures = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _overdue(self, sequence: int) -> None:
        with self._change:
            if sequence == self._sequence and self._snapshot.state is CardState.STARTING:
                self._fail(
                    _Failure(CardState.UNREADABLE, f"no answer in {self._patience.reading:g} s: is it in order?")
                )

    # Reading ---------------------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        while not self._stop.is_set():
            self._serve_once()

    def _serve_once(self) -> None:
        # A call for each reading: no variable of the thread holds on to what was read.
        with self._change:
            while not self._is_due():
                if self._stop.is_set():
                    return
                self._change.wait(None if self._due is None else max(0.0, self._due - monotonic()))
            sequence, place = self._sequence, self._place or ""
            self._due = None
            self._readings += 1
        outcome = self._outcome(sequence, place)
        with self._change:
            if not self._is_superseded(sequence):
                self._conclude(outcome)

    def _is_due(self) -> bool:
        return self._due is not None and self._due <= monotonic()

    def _outcome(self, sequence: int, place: str) -> _Success | _Failure:
        try:
            return self._found(sequence, place)
        except (PinBlockedError, PinEntryError) as error:
            return _Failure(CardState.LOCKED, str(error))
        except CardConnectionError as error:
            # Most often it was taken out: whoever watches the reader says so in a moment, and then this is no failure.
            with self._change:
                self._change.wait_for(lambda: self._is_superseded(sequence), self._patience.removal)
            return _Failure(CardState.UNREADABLE, str(error))
        except SmartcardDmError as error:
            return _Failure(CardState.UNREADABLE, str(error))
        except Exception as error:  # noqa: BLE001 - a thread that ended unseen would never read a card again
            return _Failure(CardState.UNREADABLE, f"reading failed unexpectedly ({type(error).__name__})")

    def _found(self, sequence: int, place: str) -> _Success | _Failure:
        for _ in range(_SWAPS):
            found = self._read(sequence, place)
            if isinstance(found, Reading):
                return _Success(found, account_prints(found.credentials, self._key))
            if isinstance(found, Locked):
                return _Failure(CardState.LOCKED, found.reason)
            if self._is_superseded(sequence):
                break
        return _Failure(CardState.UNREADABLE, f"the card was replaced in each of {_SWAPS} readings")

    def _is_superseded(self, sequence: int) -> bool:
        return sequence != self._sequence

    def _read(self, sequence: int, place: str) -> Reading | Replaced | Locked:
        """Read the card, with its PIN if it needs one; PINs may be wrong as often as the user allowed."""
        found, refused, entry = read_card(self._source, place, self._limits), "", self._pin
        while isinstance(found, Locked) and found.identity is not None and entry is not None:
            card = found.identity
            if found.refused:
                refused = found.reason
            pin = entry.remembered(card.iccid, found.tries_left)
            if pin is None:
                if entry.is_interactive:
                    self._publish_locked(sequence, f"{found.reason}; it is being asked for")
                request = PinRequest(card.iccid, found.reason, found.tries_left, refused)
                pin = entry.ask(request, lambda: self._is_superseded(sequence))
            with self._change:
                if self._is_superseded(sequence):
                    return Replaced()
                entry.sending(card.iccid, pin, found.tries_left)
            found = read_card(self._source, place, self._limits, Key(pin, card, self._use_last_try))
            if isinstance(found, Reading):
                entry.accepted(card.iccid, pin)
            elif isinstance(found, Locked) and found.refused:
                entry.refused(card.iccid, pin)
            else:
                break
        return found

    # Publishing; `_change` is held -----------------------------------------------------------------------------------

    def _publish_locked(self, sequence: int, reason: str) -> None:
        with self._change:
            if not self._is_superseded(sequence):
                self._fail(_Failure(CardState.LOCKED, reason))

    def _conclude(self, outcome: _Success | _Failure) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if isinstance(outcome, _Success):
            self._present(outcome.reading, outcome.accounts)
            return
        self._fail(outcome)
        if outcome.state is CardState.UNREADABLE:
            retries = self._patience.retries
            self._due = monotonic() + retries[min(self._failures, len(retries) - 1)]
            self._failures += 1

    def _present(self, reading: Reading, accounts: AccountPrints) -> None:
        now = self._clock()
        credentials = reading.credentials
        count = len(credentials.accounts)
        self._snapshot = Snapshot(
            CardState.PRESENT,
            self._snapshot.generation + 1,
            credentials,
            f"the card was read: {count} {'account' if count == 1 else 'accounts'}",
            now,
            credentials_not_after(credentials, now),
        )
        self._change.notify_all()
        self._failures = 0
        self._apdus += reading.apdus
        self._subject = reading.identity.iccid
        self._was_out = False
        self._tell(
            EventType.CARD_INSERTED,
            self._subject,
            {"kind": reading.identity.generation.value, "atr": reading.identity.atr, "accounts": count},
        )
        self._tell_accounts(accounts)

    def _fail(self, failure: _Failure) -> None:
        if self._snapshot.state is failure.state:
            self._explain(failure.reason)
            return
        self._replace(failure.state, self._snapshot.generation + 1, failure.reason)
        self._tell(_EVENT_OF[failure.state], self._subject, {"reason": failure.reason})
        if self._was_out:
            # The card whose accounts these are has left, and nobody can say that it came back.
            self._was_out = False
            self._subject = ""
            self._tell_accounts({})

    def _replace(self, state: CardState, generation: int, reason: str) -> None:
        self._snapshot = Snapshot(state, generation, None, reason, self._clock())
        self._change.notify_all()

    def _explain(self, reason: str) -> None:
        """Give the same state a better reason; nothing happened."""
        known = self._snapshot
        self._snapshot = Snapshot(known.state, known.generation, None, reason, known.since)
        self._change.notify_all()

    def _tell(self, kind: EventType, subject: str, data: Mapping[str, EventValue] | None = None) -> None:
        self._events.append(kind, self._snapshot.since, self._snapshot.generation, subject, data)

    def _tell_accounts(self, accounts: AccountPrints) -> None:
        before, self._accounts = self._accounts, accounts
        for kind, server_id, data in account_changes(before, accounts):
            self._tell(kind, server_id, data)
