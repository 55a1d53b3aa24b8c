"""The log of events and those who follow it."""

from __future__ import annotations

import asyncio
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcard_dm.agent.events import AgentEvent, EventLog, EventType, Gap, Subscription
from tests.agent.moved import NOW

SECONDS = 5.0


def add(log: EventLog, count: int = 1) -> None:
    for _ in range(count):
        log.append(EventType.CARD_INSERTED, NOW, 1)


async def take(subscription: Subscription, count: int) -> list[AgentEvent | Gap]:
    async with asyncio.timeout(SECONDS):
        return [await subscription.next() for _ in range(count)]


def numbers(items: list[AgentEvent | Gap]) -> list[int | Gap]:
    return [each if isinstance(each, Gap) else each.id for each in items]


@given(st.integers(1, 5), st.integers(0, 12), st.integers(-1, 14))
def test_what_comes_after_a_number_is_all_or_says_that_it_is_not(capacity: int, count: int, number: int) -> None:
    log = EventLog("e", capacity=capacity)
    add(log, count)
    events, complete = log.after(number)
    kept = list(range(max(1, count - capacity + 1), count + 1))
    wanted = list(range(number + 1, count + 1))
    possible = 0 <= number <= count and set(wanted) <= set(kept)
    assert (complete, [each.id for each in events]) == (possible, wanted if possible else kept)


def test_a_number_has_one_text_form() -> None:
    log = EventLog("k7f")
    add(log, 12)
    event = log.after(11)[0][0]
    assert log.text(event) == log.text(12) == "k7f-12"
    assert log.number("k7f-12") == 12
    assert log.number("k7f-0") == 0
    for other in ("other-12", "k7f-13", "k7f-012", "k7f-", "12", "", "k7f-1\n", "k7f-٣", "k7f--1", "k7f-" + "9" * 40):
        assert log.number(other) is None


@pytest.mark.parametrize("epoch", ["", "a b", "a-b", "x" * 33, "é"])
def test_an_epoch_fits_into_a_header(epoch: str) -> None:
    with pytest.raises(ValueError, match="epoch"):
        EventLog(epoch)


def test_a_log_keeps_something() -> None:
    with pytest.raises(ValueError, match="at least one"):
        EventLog("e", capacity=0)


def test_a_follower_gets_what_comes_from_now_on() -> None:
    async def follow() -> list[int | Gap]:
        log = EventLog("e")
        add(log, 3)
        async with log.subscribe() as subscription:
            assert log.subscribers == 1
            add(log, 2)
            found = numbers(await take(subscription, 2))
        assert log.subscribers == 0
        return found

    assert asyncio.run(follow()) == [4, 5]


def test_a_follower_is_woken_by_another_thread() -> None:
    async def follow() -> list[int | Gap]:
        log = EventLog("e")
        async with log.subscribe() as subscription:
            waiting = asyncio.create_task(take(subscription, 500))
            await asyncio.sleep(0)
            threads = [Thread(target=add, args=(log, 100)) for _ in range(5)]
            for each in threads:
                each.start()
            found = numbers(await waiting)
            for each in threads:
                each.join()
        return found

    assert asyncio.run(follow()) == list(range(1, 501))


def test_a_follower_resumes_where_it_was() -> None:
    async def follow() -> list[int | Gap]:
        log = EventLog("e")
        add(log, 5)
        async with log.subscribe("e-3") as subscription:
            return numbers(await take(subscription, 2))

    assert asyncio.run(follow()) == [4, 5]


@pytest.mark.parametrize("stale", ["other-3", "e-6", "garbage"])
def test_a_place_of_another_start_is_a_gap_and_then_what_comes(stale: str) -> None:
    async def follow() -> list[int | Gap]:
        log = EventLog("e")
        add(log, 5)
        async with log.subscribe(stale) as subscription:
            add(log)
            return numbers(await take(subscription, 2))

    assert asyncio.run(follow()) == [Gap(6), 6]


def test_a_slow_follower_is_told_what_it_missed() -> None:
    async def follow() -> list[int | Gap]:
        log = EventLog("e", capacity=3)
        async with log.subscribe() as subscription:
            add(log, 2)
            first = await take(subscription, 1)
            add(log, 10)
            return numbers(first + await take(subscription, 4))

    assert asyncio.run(follow()) == [1, Gap(10), 10, 11, 12]


def test_giving_up_a_wait_loses_nothing() -> None:
    async def follow() -> list[int | Gap]:
        log = EventLog("e")
        async with log.subscribe() as subscription:
            for _ in range(3):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.01):
                        await subscription.next()
            add(log, 2)
            found = []
            async for each in subscription:
                found.append(each)
                if len(found) == 2:
                    break
        return numbers(found)

    assert asyncio.run(follow()) == [1, 2]


def test_a_loop_that_ended_leaves_the_log() -> None:
    log = EventLog("e")

    async def leave_behind() -> Subscription:
        return log.subscribe()

    left = asyncio.run(leave_behind())
    assert log.subscribers == 1
    add(log)
    assert (log.subscribers, log.last) == (0, 1)
    left.close()


def test_data_cannot_be_changed_afterwards() -> None:
    data: dict[str, str] = {"reason": "a"}
    event = EventLog("e").append(EventType.CARD_LOCKED, NOW, 1, "", data)
    data["reason"] = "b"
    assert event.data == {"reason": "a"}
