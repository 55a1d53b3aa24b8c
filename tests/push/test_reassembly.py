from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from smartcard_dm.errors import EnvelopeError
from smartcard_dm.limits import DEFAULT_LIMITS, Limits
from smartcard_dm.push.reassembly import Datagram, Reassembler
from smartcard_dm.push.segmentation import PUSH_PORTS, segment
from smartcard_dm.push.sms_address import Address, TypeOfNumber
from smartcard_dm.push.sms_rules import SmsRule
from smartcard_dm.push.sms_user_data import UserData
from smartcard_dm.push.udh import Concatenation, Ports, UserDataHeader
from tests.push.sms_materials import SENDER, SUBSCRIBER

OTHER: Final = Address("4917999999")


def part(
    data: bytes, reference: int, total: int, sequence: int, *, wide: bool = False, ports: Ports = PUSH_PORTS
) -> UserData:
    return UserData(data, UserDataHeader.of(ports, Concatenation(reference, total, sequence, wide=wide)))


def feed(reassembler: Reassembler, parts: tuple[UserData, ...], at: float = 0.0) -> list[Datagram]:
    found = [reassembler.add(part, SENDER, at) for part in parts]
    return [datagram for datagram in found if datagram]


@given(octets=st.binary(min_size=134, max_size=5000), rng=st.randoms(), wide=st.booleans())
def test_any_order_gives_the_datagram_once(octets: bytes, rng: random.Random, *, wide: bool) -> None:
    parts = list(segment(octets, 9, wide=wide))
    rng.shuffle(parts)
    reassembler = Reassembler(DEFAULT_LIMITS)
    assert feed(reassembler, tuple(parts)) == [Datagram(octets, PUSH_PORTS, SENDER, len(parts))]
    assert reassembler.waiting == (0, 0)
    # The same parts again, in whatever order, start nothing.
    rng.shuffle(parts)
    assert feed(reassembler, tuple(parts)) == []
    assert reassembler.waiting == (0, 0)
    assert reassembler.counters.replayed == len(parts)
    assert reassembler.counters.datagrams == 1


def test_one_message_alone_is_a_datagram() -> None:
    reassembler = Reassembler(DEFAULT_LIMITS)
    assert reassembler.add(segment(b"short", 0)[0], SENDER, 0) == Datagram(b"short", PUSH_PORTS, SENDER)
    assert reassembler.add(UserData(b"text"), SENDER, 0) == Datagram(b"text", None, SENDER)
    # A set of one part is a set, too.
    assert reassembler.add(part(b"one", 1, 1, 1), SENDER, 0) == Datagram(b"one", PUSH_PORTS, SENDER)
    assert reassembler.waiting == (0, 0)


def test_an_equal_part_is_counted_and_passed_over() -> None:
    reassembler = Reassembler(DEFAULT_LIMITS)
    parts = segment(bytes(300), 1)
    assert feed(reassembler, (parts[0], parts[0], parts[1], parts[0], parts[2])) == [
        Datagram(bytes(300), PUSH_PORTS, SENDER, 3)
    ]
    assert reassembler.counters.duplicates == 2


def test_other_octets_for_one_part_refuse_the_set_and_a_repeat_comes_through() -> None:
    reassembler = Reassembler(DEFAULT_LIMITS)
    octets = bytes(range(200)) * 2
    parts = segment(octets, 1)
    feed(reassembler, parts[:3])
    with pytest.raises(EnvelopeError) as caught:
        reassembler.add(replace(parts[1], data=b"other"), SENDER, 0)
    assert caught.value.rule == SmsRule.PART_DIFFERS
    assert reassembler.waiting == (0, 0)
    assert reassembler.counters.refused == 1
    assert feed(reassembler, parts[3:]) == []
    assert feed(reassembler, parts) == [Datagram(octets, PUSH_PORTS, SENDER, 4)]


@pytest.mark.parametrize("numbers", [(1, 0, 0), (1, 0, 1), (1, 3, 0), (1, 3, 4), (1, 255, 0), (1, 1, 255)])
def test_a_part_without_a_place_is_refused(numbers: tuple[int, int, int]) -> None:
    reassembler = Reassembler(DEFAULT_LIMITS)
    with pytest.raises(EnvelopeError) as caught:
        reassembler.add(part(b"x", *numbers), SENDER, 0)
    assert caught.value.rule == SmsRule.PART_NUMBER
    assert reassembler.waiting == (0, 0)


@pytest.mark.parametrize(
    ("stray", "originator"),
    [
        (part(b"stray", 1, 2, 2), OTHER),
        (part(b"stray", 1, 2, 2), Address("491722270333", TypeOfNumber.NATIONAL)),
        (part(b"stray", 2, 2, 2), SENDER),
        (part(b"stray", 1, 3, 2), SENDER),
        (part(b"stray", 1, 2, 2, wide=True), SENDER),
        (part(b"stray", 1, 2, 2, ports=Ports(2948, 2948)), SENDER),
        (part(b"stray", 1, 2, 2, ports=Ports(9200, 9200)), SENDER),
    ],
)
def test_parts_that_differ_in_anything_never_meet(stray: UserData, originator: Address) -> None:
    reassembler = Reassembler(DEFAULT_LIMITS)
    reassembler.add(part(b"first ", 1, 2, 1), SENDER, 0)
    assert reassembler.add(stray, originator, 0) is None
    found = reassembler.add(part(b"second", 1, 2, 2), SENDER, 0)
    assert found is not None
    assert found.octets == b"first second"
    assert reassembler.waiting[0] == 1


def test_conflicting_totals_are_counted() -> None:
    reassembler = Reassembler(DEFAULT_LIMITS)
    for total in (2, 3, 255):
        reassembler.add(part(b"x", 1, total, 1), SENDER, 0)
    reassembler.add(part(b"x", 1, 2, 1), OTHER, 0)
    assert reassembler.counters.conflicting_totals == 2


def test_a_set_waits_for_its_next_part_and_no_longer() -> None:
    limits = Limits(push_set_seconds=100)
    reassembler = Reassembler(limits)
    parts = segment(bytes(600), 1)
    reassembler.add(parts[0], SENDER, 0)
    reassembler.add(parts[1], SENDER, 99)
    reassembler.add(parts[0], SENDER, 150)  # an equal part is no progress
    assert reassembler.waiting[0] == 1
    reassembler.expire(198.9)
    assert reassembler.waiting[0] == 1
    reassembler.expire(199)
    assert reassembler.waiting == (0, 0)
    ((error, originator),) = reassembler.take_lost()
    assert (error.rule, originator) == (SmsRule.SET_EXPIRED, SENDER)
    assert "found 2, without 3, 4, 5" in str(error)
    assert reassembler.take_lost() == ()
    assert reassembler.counters.expired == 1


def test_a_clock_that_goes_back_stands_still() -> None:
    reassembler = Reassembler(Limits(push_set_seconds=100))
    parts = segment(bytes(300), 1)
    reassembler.add(parts[0], SENDER, 1000)
    reassembler.add(parts[1], SENDER, 10)
    reassembler.expire(1099)
    assert reassembler.waiting[0] == 1
    reassembler.expire(1100)
    assert reassembler.waiting[0] == 0


def test_a_finished_set_is_remembered_for_a_while() -> None:
    reassembler = Reassembler(Limits(push_remembered_seconds=60))
    parts = segment(bytes(300), 1)
    assert len(feed(reassembler, parts, 0)) == 1
    assert feed(reassembler, parts, 59) == []
    assert reassembler.waiting == (0, 0)
    assert len(feed(reassembler, parts, 61)) == 1


def test_a_reference_that_came_round_is_another_message() -> None:
    reassembler = Reassembler(DEFAULT_LIMITS)
    assert len(feed(reassembler, segment(bytes(300), 1))) == 1
    assert [found.octets for found in feed(reassembler, segment(b"\1" * 300, 1))] == [b"\1" * 300]


def test_of_another_message_parts_like_the_old_ones_count_too() -> None:
    reassembler = Reassembler(DEFAULT_LIMITS)
    assert len(feed(reassembler, (part(b"old ", 1, 2, 1), part(b"same", 1, 2, 2)))) == 1
    (found,) = feed(reassembler, (part(b"new ", 1, 2, 1), part(b"same", 1, 2, 2)))
    assert found.octets == b"new same"


def test_only_so_many_finished_sets_are_remembered() -> None:
    reassembler = Reassembler(Limits(push_remembered_sets=4))
    for reference in range(10):
        assert len(feed(reassembler, segment(bytes(300), reference))) == 1
    assert len(reassembler._remembered) == 4
    assert len(feed(reassembler, segment(bytes(300), 0))) == 1


def test_a_flood_of_one_sender_crowds_out_only_itself() -> None:
    reassembler = Reassembler(DEFAULT_LIMITS)
    octets = bytes(range(250)) * 8
    parts = segment(octets, 1)
    for reference, mine in enumerate(parts[:-1]):
        reassembler.add(mine, SENDER, 0)
        for number in range(500):
            reassembler.add(part(bytes(128), reference * 500 + number, 255, 7, wide=True), OTHER, 0)
    assert reassembler.waiting[0] == DEFAULT_LIMITS.push_sets
    assert {originator for _, originator in reassembler.take_lost()} == {OTHER}
    found = reassembler.add(parts[-1], SENDER, 0)
    assert found is not None
    assert found.octets == octets


def test_a_newcomer_gets_room_from_whoever_has_most() -> None:
    reassembler = Reassembler(Limits(push_sets=4))
    for reference in range(4):
        reassembler.add(part(b"x", reference, 2, 1), OTHER, 0)
    reassembler.add(part(b"x", 1, 2, 1), SENDER, 0)
    ((error, originator),) = reassembler.take_lost()
    assert (error.rule, originator) == (SmsRule.SET_CROWDED_OUT, OTHER)
    assert str(error).startswith("concatenated short message: set 0: ")


def test_who_would_have_as_much_as_the_most_pays_itself() -> None:
    reassembler = Reassembler(Limits(push_sets=5))
    for reference in range(3):
        reassembler.add(part(b"x", reference, 2, 1), OTHER, 0)
    for reference in range(3):
        reassembler.add(part(b"x", reference, 2, 1), SENDER, 0)
    ((error, originator),) = reassembler.take_lost()
    assert originator == SENDER
    assert "set 0: " in str(error)


def test_among_equals_the_one_that_waited_longest_goes() -> None:
    reassembler = Reassembler(Limits(push_sets=3))
    senders = [Address(str(number)) for number in range(4)]
    for sender in senders[:3]:
        reassembler.add(part(b"x", 1, 3, 1), sender, 0)
    reassembler.add(part(b"x", 1, 3, 2), senders[0], 0)
    reassembler.add(part(b"x", 1, 3, 1), senders[3], 0)
    assert [originator for _, originator in reassembler.take_lost()] == [senders[1]]


def test_octets_are_bounded_and_who_has_most_pays() -> None:
    reassembler = Reassembler(Limits(push_set_octets=1000))
    reassembler.add(part(bytes(100), 1, 2, 1), SENDER, 0)
    for sequence in range(1, 30):
        reassembler.add(part(bytes(128), sequence % 3, 255, sequence), OTHER, 0)
        assert reassembler.waiting[1] <= 1000
    assert {originator for _, originator in reassembler.take_lost()} == {OTHER}
    assert reassembler.add(part(bytes(100), 1, 2, 2), SENDER, 0) is not None


def test_one_set_larger_than_all_room_goes_itself() -> None:
    reassembler = Reassembler(Limits(push_set_octets=200))
    parts = segment(bytes(400), 1)
    assert feed(reassembler, parts) == []
    ((error, _),) = reassembler.take_lost()
    assert "found 1, without 2, 3, 4" in str(error)
    assert reassembler.waiting[1] <= 200


def test_a_part_larger_than_all_room_is_not_kept() -> None:
    reassembler = Reassembler(Limits(push_set_octets=100))
    assert reassembler.add(part(bytes(128), 1, 255, 9), SENDER, 0) is None
    ((error, _),) = reassembler.take_lost()
    assert error.rule == SmsRule.SET_CROWDED_OUT
    assert "found 0, without 1, 2, 3, 4, 5, 6, 7, 8, ..." in str(error)
    assert reassembler.waiting == (0, 0)


def test_a_bomb_of_255_parts_that_fits_is_one_datagram() -> None:
    reassembler = Reassembler(DEFAULT_LIMITS)
    octets = random.Random(1).randbytes(32_640)  # noqa: S311 - not for secrets
    assert [found.octets for found in feed(reassembler, segment(octets, 1))] == [octets]


Key = tuple[Address, Ports, bool, int, int]


class AgainstPlainDictionary(RuleBasedStateMachine):
    """The reassembler beside one that has all the room there is, where crowding out does not come in."""

    @initialize()
    def begin(self) -> None:
        self.limits = Limits(push_set_seconds=50, push_remembered_seconds=20)
        self.reassembler = Reassembler(self.limits)
        self.now = 0.0
        self.sets: dict[Key, dict[int, bytes]] = defaultdict(dict)
        self.last: dict[Key, float] = {}
        self.finished: dict[Key, tuple[float, dict[int, bytes]]] = {}
        self.expired = 0

    @rule(
        originator=st.sampled_from([SENDER, SUBSCRIBER, OTHER]),
        ports=st.sampled_from([PUSH_PORTS, Ports(2948, 2948)]),
        reference=st.integers(0, 1),
        total=st.integers(0, 3),
        sequence=st.integers(0, 4),
        wide=st.booleans(),
        data=st.sampled_from([b"", b"a", b"b"]),
    )
    def add(
        self, originator: Address, ports: Ports, reference: int, total: int, sequence: int, data: bytes, *, wide: bool
    ) -> None:
        self.forget()
        given_ = part(data, reference, total, sequence, wide=wide, ports=ports)
        key = (originator, ports, wide, reference, total)
        try:
            found = self.reassembler.add(given_, originator, self.now)
        except EnvelopeError as error:
            self.expect_refused(error, key, sequence, data)
            return
        assert 1 <= sequence <= total
        if key in self.finished:
            if self.finished[key][1][sequence] == data:
                assert found is None
                return
            del self.finished[key]
        there = self.sets[key]
        assert there.get(sequence, data) == data
        if sequence not in there:
            self.last[key] = self.now
        there[sequence] = data
        if len(there) == total:
            assert found == Datagram(b"".join(there[at] for at in range(1, total + 1)), ports, originator, total)
            self.finished[key] = (self.now, self.sets.pop(key))
        else:
            assert found is None

    def expect_refused(self, error: EnvelopeError, key: Key, sequence: int, data: bytes) -> None:
        if error.rule == SmsRule.PART_NUMBER:
            assert not 1 <= sequence <= key[4]
        else:
            assert error.rule == SmsRule.PART_DIFFERS
            assert self.sets.pop(key)[sequence] != data

    @rule(seconds=st.integers(0, 30))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule()
    def expire(self) -> None:
        self.reassembler.expire(self.now)
        self.forget()

    def forget(self) -> None:
        for key in [key for key in self.sets if self.now - self.last[key] >= 50]:
            del self.sets[key]
            self.expired += 1
        for key in [key for key, (at, _) in self.finished.items() if self.now - at >= 20]:
            del self.finished[key]

    @invariant()
    def as_much_waits(self) -> None:
        if not hasattr(self, "sets"):
            return
        self.expire()
        waiting = [parts for parts in self.sets.values() if parts]
        assert self.reassembler.waiting == (
            len(waiting),
            sum(len(data) for parts in waiting for data in parts.values()),
        )
        assert self.reassembler.counters.expired == self.expired
        assert self.reassembler.counters.crowded_out == 0


TestAgainstPlainDictionary = AgainstPlainDictionary.TestCase
TestAgainstPlainDictionary.settings = settings(max_examples=60, stateful_step_count=60)


class Bounded(RuleBasedStateMachine):
    """Whatever comes, the bounds hold and the books are right."""

    @initialize()
    def begin(self) -> None:
        self.reassembler = Reassembler(Limits(push_sets=5, push_set_octets=60, push_remembered_sets=3))

    @rule(
        originator=st.sampled_from([SENDER, SUBSCRIBER, OTHER]),
        reference=st.integers(0, 5),
        total=st.integers(1, 4),
        sequence=st.integers(1, 4),
        size=st.integers(0, 40),
    )
    def add(self, originator: Address, reference: int, total: int, sequence: int, size: int) -> None:
        try:
            self.reassembler.add(part(bytes(size), reference, total, sequence), originator, 0)
        except EnvelopeError as error:
            assert error.rule in {SmsRule.PART_NUMBER, SmsRule.PART_DIFFERS}  # noqa: PT017 - the other way is a value

    @invariant()
    def the_books_are_right(self) -> None:
        if not hasattr(self, "reassembler"):
            return
        mine = self.reassembler
        sets, octets = mine.waiting
        assert sets <= 5
        assert octets <= 60
        assert len(mine._remembered) <= 3
        assert octets == sum(len(data) for waiting in mine._sets.values() for data in waiting.parts.values())
        assert all(waiting.parts for waiting in mine._sets.values())
        assert sum(tally.sets for tally in mine._tallies.values()) == sets
        assert sum(tally.octets for tally in mine._tallies.values()) == octets
        assert all(tally.sets for tally in mine._tallies.values())
        assert sum(mine._references.values()) == sets


TestBounded = Bounded.TestCase
TestBounded.settings = settings(max_examples=60, stateful_step_count=60)
