"""Parts of concatenated short messages become the datagram they are parts of; whatever comes, memory stays flat.

A set is told by originator, ports, reference, width of the reference and total, so that parts which differ in any of
them never meet. Who has most pays when there is no room: the originator with the most sets (or octets), the one whose
part just came counted in, loses the set that has waited longest for a part. One sender can thus crowd out only itself
(docs/decisions/0026).

Guarantees: a datagram is handed on once, whole, when its last part comes; at most `Limits.push_sets` sets and
`push_set_octets` octets wait, none longer than `push_set_seconds` for its next part; a part never replaces another.
Leaves to its caller: a clock that is not set, calling `expire` when nothing comes, and telling what `take_lost` says.
Not safe for threads.

Spec: 3GPP TS 23.040, 9.2.3.24.1.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from smartcard_dm.errors import EnvelopeError
from smartcard_dm.push.sms_rules import SmsRule

if TYPE_CHECKING:
    from smartcard_dm.limits import Limits
    from smartcard_dm.push.sms_address import Address
    from smartcard_dm.push.sms_user_data import UserData
    from smartcard_dm.push.udh import Concatenation, Ports

_NAME: Final = "concatenated short message"
_DIGEST: Final = 8
"""Octets: who finds two parts with one digest keeps only a part of its own from being read."""
_SHOWN: Final = 8
"""Numbers of missing parts that an error names."""


@dataclass(frozen=True, slots=True)
class Datagram:
    """What the parts of a set, or one message alone, carried."""

    octets: bytes
    ports: Ports | None
    """None where no part said any."""
    originator: Address
    parts: int = 1


@dataclass(slots=True)
class Counters:
    """What came, for people."""

    parts: int = 0
    """User data that came, alone or of a set."""
    datagrams: int = 0
    """Datagrams that were handed on."""
    duplicates: int = 0
    """Parts that were there already."""
    replayed: int = 0
    """Parts of sets that were put together just before."""
    conflicting_totals: int = 0
    """Sets that share ports and reference with another one of their originator, and have another total."""
    refused: int = 0
    """Parts without a place, or in conflict with one that was there."""
    expired: int = 0
    """Sets that waited too long."""
    crowded_out: int = 0
    """Sets for which there was no room."""


class _Key(NamedTuple):
    originator: Address
    ports: Ports | None
    wide: bool
    reference: int
    total: int

    def without_total(self) -> tuple[Address, Ports | None, bool, int]:
        return self.originator, self.ports, self.wide, self.reference


@dataclass(slots=True)
class _Tally:
    sets: int = 0
    octets: int = 0


@dataclass(slots=True)
class _Set:
    last: float
    """When its last part came."""
    tally: _Tally
    """Of its originator."""
    octets: int = 0
    parts: dict[int, bytes] = field(default_factory=dict)


class Reassembler:
    """Puts parts together.

    Args:
        limits: push_sets, push_set_octets, push_set_seconds, push_remembered_sets, push_remembered_seconds.
    """

    def __init__(self, limits: Limits) -> None:
        self.counters = Counters()
        self._limits = limits
        self._now = float("-inf")
        self._sets: OrderedDict[_Key, _Set] = OrderedDict()  # the one that has waited longest for a part is first
        self._octets = 0
        self._tallies: dict[Address, _Tally] = {}
        self._references: dict[object, int] = {}  # open sets that differ in nothing but their total
        self._remembered: OrderedDict[_Key, tuple[float, bytes]] = OrderedDict()  # the oldest is first
        self._lost: deque[tuple[EnvelopeError, Address]] = deque(maxlen=limits.push_sets)

    @property
    def waiting(self) -> tuple[int, int]:
        """Sets that wait for parts, and the octets they hold."""
        return len(self._sets), self._octets

    def add(self, part: UserData, originator: Address, at: float) -> Datagram | None:
        """Take user data; return the datagram when it is whole.

        Args:
            part: with its header.
            originator: the address it came from.
            at: seconds of a clock that is not set, such as `time.monotonic`; one that goes back stands still.

        Raises:
            EnvelopeError: the part has no place in its set, or another part has it; then the set is dropped.
        """
        self.expire(at)
        self.counters.parts += 1
        header = part.header
        concatenation = header.concatenation if header else None
        ports = header.ports if header else None
        if concatenation is None:
            self.counters.datagrams += 1
            return Datagram(part.data, ports, originator)
        self._check(concatenation)
        key = _Key(originator, ports, concatenation.wide, concatenation.reference, concatenation.total)
        sequence = concatenation.sequence
        if key in self._remembered and self._is_replay(key, sequence, part.data):
            return None
        waiting = self._sets.get(key)
        if waiting is not None and sequence in waiting.parts:
            self._compare(key, waiting.parts[sequence], part.data, sequence)
            return None
        if not self._keep(key, waiting, sequence, part.data):
            return None
        return self._finish(key)

    def expire(self, at: float) -> None:
        """Drop what has waited too long.

        Args:
            at: as for `add`.
        """
        self._now = max(self._now, at)
        oldest = self._now - self._limits.push_set_seconds
        while self._sets:
            key, waiting = next(iter(self._sets.items()))
            if waiting.last > oldest:
                break
            self.counters.expired += 1
            self._lose(key, SmsRule.SET_EXPIRED, f"no part came for {self._limits.push_set_seconds} s")
        oldest = self._now - self._limits.push_remembered_seconds
        while self._remembered and next(iter(self._remembered.values()))[0] <= oldest:
            self._remembered.popitem(last=False)

    def end(self) -> None:
        """Drop every set: no part will come any more."""
        for key in tuple(self._sets):
            self._lose(key, SmsRule.SET_INCOMPLETE, "its source ended before it was whole")

    def take_lost(self) -> tuple[tuple[EnvelopeError, Address], ...]:
        """Return the sets dropped since the last call, with what is told about them and their originator.

        Of more than `Limits.push_sets` only the last ones are there; `counters` has all.
        """
        lost = tuple(self._lost)
        self._lost.clear()
        return lost

    def _check(self, concatenation: Concatenation) -> None:
        # DEVIATION: 3GPP TS 23.040, 9.2.3.24.1 has such an element ignored; the data would be read as a whole datagram.
        if not 1 <= concatenation.sequence <= concatenation.total:
            self.counters.refused += 1
            raise EnvelopeError(
                SmsRule.PART_NUMBER,
                _NAME,
                "a part without a place",
                wanted="part 1 to the total, of 1 to 255",
                found=f"part {concatenation.sequence} of {concatenation.total}",
            )

    def _is_replay(self, key: _Key, sequence: int, data: bytes) -> bool:
        digests = self._remembered[key][1]
        if digests[(sequence - 1) * _DIGEST : sequence * _DIGEST] == _digest(data):
            self.counters.replayed += 1
            return True
        # The reference came round: these are the parts of another message.
        del self._remembered[key]
        return False

    def _compare(self, key: _Key, there: bytes, data: bytes, sequence: int) -> None:
        if there == data:
            self.counters.duplicates += 1
            return
        self._drop(key)
        self.counters.refused += 1
        raise EnvelopeError(
            SmsRule.PART_DIFFERS,
            _NAME,
            f"part {sequence} of {key.total} of set {key.reference} came twice, with different octets",
            wanted=f"{len(there)} octets as before",
            found=f"{len(data)} others",
        )

    def _keep(self, key: _Key, waiting: _Set | None, sequence: int, data: bytes) -> bool:
        """Return whether the part was kept: its set may be the one there is no room for."""
        if waiting is None:
            while len(self._sets) >= self._limits.push_sets:
                self._crowd_out(key.originator, sets=1, octets=0)
            waiting = self._open(key)
        self._sets.move_to_end(key)
        while self._octets + len(data) > self._limits.push_set_octets:
            self._crowd_out(key.originator, sets=0, octets=len(data))
            if key not in self._sets:
                return False
        waiting.parts[sequence] = data
        waiting.last = self._now
        waiting.octets += len(data)
        waiting.tally.octets += len(data)
        self._octets += len(data)
        return True

    def _open(self, key: _Key) -> _Set:
        tally = self._tallies.setdefault(key.originator, _Tally())
        tally.sets += 1
        waiting = self._sets[key] = _Set(self._now, tally)
        others = self._references.get(key.without_total(), 0)
        self._references[key.without_total()] = others + 1
        if others:
            self.counters.conflicting_totals += 1
        return waiting

    def _finish(self, key: _Key) -> Datagram | None:
        parts = self._sets[key].parts
        if len(parts) < key.total:
            return None
        in_order = [parts[sequence] for sequence in range(1, key.total + 1)]
        self._drop(key)
        self._remembered[key] = (self._now, b"".join(map(_digest, in_order)))
        if len(self._remembered) > self._limits.push_remembered_sets:
            self._remembered.popitem(last=False)
        self.counters.datagrams += 1
        return Datagram(b"".join(in_order), key.ports, key.originator, key.total)

    def _crowd_out(self, newcomer: Address, *, sets: int, octets: int) -> None:
        """Drop the longest waiting set of whoever has most, the newcomer counted with what it brings."""
        brought = octets or sets
        own = self._tallies.get(newcomer)
        payer, most = None, brought
        for tally in self._tallies.values():
            has = (tally.octets if octets else tally.sets) + (brought if tally is own else 0)
            if has > most or (has == most and tally is own):
                payer, most = tally, has
        # Where nobody has more than the newcomer brings, fairness decides nothing: the longest waiting of all goes.
        victim = next(
            key for key, waiting in self._sets.items() if payer is None or most == brought or waiting.tally is payer
        )
        self.counters.crowded_out += 1
        self._lose(victim, SmsRule.SET_CROWDED_OUT, "no room for it among other sets")

    def _lose(self, key: _Key, rule: SmsRule, detail: str) -> None:
        parts = self._sets[key].parts
        missing = (str(sequence) for sequence in range(1, key.total + 1) if sequence not in parts)
        shown = ", ".join(islice(missing, _SHOWN)) + (", ..." if key.total - len(parts) > _SHOWN else "")
        error = EnvelopeError(
            rule,
            _NAME,
            f"set {key.reference}: {detail}",
            wanted=f"{key.total} parts",
            found=f"{len(parts)}, without {shown}",
        )
        self._lost.append((error, key.originator))
        self._drop(key)

    def _drop(self, key: _Key) -> None:
        dropped = self._sets.pop(key)
        self._octets -= dropped.octets
        tally = dropped.tally
        tally.sets -= 1
        tally.octets -= dropped.octets
        if not tally.sets:
            del self._tallies[key.originator]
        left = self._references[key.without_total()] - 1
        if left:
            self._references[key.without_total()] = left
        else:
            del self._references[key.without_total()]


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=_DIGEST).digest()
