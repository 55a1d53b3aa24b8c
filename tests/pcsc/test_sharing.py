"""Several programs at one reader, and one program at several."""

from __future__ import annotations

from threading import Thread, Timer
from time import monotonic, sleep
from typing import TYPE_CHECKING

import pytest

from tests.pcsc.cards import ICCID, READ_ICCID, SELECT_ICCID, WatchedCard, uicc
from vendor_pcsc.errors import CardRemovedError
from vendor_pcsc.pcsc_service import ReaderBusyError
from vendor_pcsc.readers import list_readers

if TYPE_CHECKING:
    from collections.abc import Callable

    from vendor_pcsc.pyscard_bridge import PcscConnection
    from vendor_pcsc.virtual.lab import PcscLab

    Open = Callable[..., PcscConnection]

pytestmark = pytest.mark.usefixtures("standing_card")
READ_BOTH = 100


@pytest.fixture
def reader(lab: PcscLab) -> str:
    return lab.readers[-1]


def test_shared_connections_live_side_by_side(reader: str, opened: Open) -> None:
    one, two = opened(reader), opened(reader)
    one.transmit(SELECT_ICCID)
    assert two.transmit(READ_ICCID).hex().upper() == f"{ICCID}9000"


def test_use_shows_in_the_list(reader: str, opened: Open) -> None:
    def state() -> tuple[bool, bool]:
        found = next(each for each in list_readers() if each.name == reader)
        assert found.card_present
        assert found.atr
        return found.in_use, found.exclusive

    assert state() == (False, False)
    connection = opened(reader)
    assert state() == (True, False)
    connection.close()
    opened(reader, exclusive=True)
    assert state() == (True, True)


def test_an_exclusive_reader_is_busy_for_others(reader: str, opened: Open) -> None:
    holder = opened(reader, exclusive=True)
    before = monotonic()
    with pytest.raises(ReaderBusyError, match=f"{reader}: the reader is held by another program .*; end it, or wait"):
        opened(reader)
    with pytest.raises(ReaderBusyError):
        opened(reader, exclusive=True)
    assert monotonic() - before < 1
    with holder.transaction():
        assert holder.transmit(SELECT_ICCID) == b"\x90\x00"


def test_a_shared_reader_cannot_be_had_exclusively(reader: str, opened: Open) -> None:
    opened(reader)
    with pytest.raises(ReaderBusyError):
        opened(reader, exclusive=True)


def test_waiting_has_a_bound(reader: str, opened: Open) -> None:
    opened(reader, exclusive=True)
    before = monotonic()
    with pytest.raises(ReaderBusyError):
        opened(reader, wait_seconds=0.3)
    assert 0.3 <= monotonic() - before < 1.5


def test_waiting_ends_when_the_reader_is_free(reader: str, opened: Open) -> None:
    holder = opened(reader, exclusive=True)
    timer = Timer(0.2, holder.close)
    timer.start()
    connection = opened(reader, wait_seconds=5)
    timer.join()
    assert connection.transmit(SELECT_ICCID) == b"\x90\x00"


def test_a_transaction_keeps_others_out_until_its_outermost_end(reader: str, opened: Open) -> None:
    holder, other = opened(reader), opened(reader)
    with holder.transaction():
        with holder.transaction():
            holder.transmit(SELECT_ICCID)
        with pytest.raises(ReaderBusyError, match="held by another program"):
            other.transmit(READ_ICCID)
        with pytest.raises(ReaderBusyError), other.transaction():
            pass
        with pytest.raises(ReaderBusyError):
            other.reset()
        assert holder.transmit(READ_ICCID).hex().upper() == f"{ICCID}9000"
    with other.transaction():
        assert other.transmit(READ_ICCID).hex().upper() == f"{ICCID}9000"


def test_a_transaction_ends_with_an_error_in_it(reader: str, opened: Open) -> None:
    holder, other = opened(reader), opened(reader)
    with pytest.raises(KeyError), holder.transaction(), holder.transaction():
        raise KeyError
    with other.transaction():
        assert other.transmit(SELECT_ICCID) == b"\x90\x00"


@pytest.mark.parametrize("what", ["transmit", "transaction", "reset"])
def test_commands_transactions_and_resets_wait_as_long_as_told(reader: str, opened: Open, what: str) -> None:
    holder, patient = opened(reader), opened(reader, wait_seconds=5)
    hold = holder.transaction()
    hold.__enter__()
    started = monotonic()
    timer = Timer(0.2, hold.__exit__, (None, None, None))
    timer.start()
    if what == "reset":
        patient.reset()
    elif what == "transmit":
        patient.transmit(SELECT_ICCID)
    else:
        with patient.transaction():
            pass
    assert monotonic() - started >= 0.15
    timer.join()


def test_connecting_during_a_transaction_has_a_bound_and_leaves_nothing(
    reader: str, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vendor_pcsc.pyscard_bridge.CONNECT_SECONDS", 0.3)
    holder = opened(reader)
    before = monotonic()
    with holder.transaction():
        with pytest.raises(ReaderBusyError):
            opened(reader)
        assert monotonic() - before < 2
    holder.close()
    deadline = monotonic() + 3
    while any(each.in_use for each in list_readers()):
        assert monotonic() < deadline, "the attempt that was given up holds the reader"
        sleep(0.02)


def test_a_reset_by_another_program_is_told_and_can_be_joined(reader: str, opened: Open) -> None:
    one, two = opened(reader), opened(reader)
    one.transmit(SELECT_ICCID)
    two.reset()
    with pytest.raises(CardRemovedError, match="reset by another program"):
        one.transmit(READ_ICCID)
    with pytest.raises(CardRemovedError, match="reset by another program"), one.transaction():
        pass
    assert one.reset() == two.atr
    assert one.transmit(SELECT_ICCID) == b"\x90\x00"


def test_two_readers_are_read_at_once(lab: PcscLab, opened: Open) -> None:
    numbers = ("8988211000000430010", "8988211000000430028")
    cards = [WatchedCard(uicc(number)) for number in numbers]
    connections = [opened(lab.put(card, slot)) for slot, card in enumerate(cards)]
    answers: list[set[str]] = [set(), set()]

    def read(slot: int) -> None:
        connections[slot].transmit(SELECT_ICCID)
        for _ in range(READ_BOTH):
            answers[slot].add(connections[slot].transmit(READ_ICCID).hex())

    threads = [Thread(target=read, args=(slot,)) for slot in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(each) for each in answers] == [1, 1]
    assert answers[0] != answers[1]
    assert [len(card.commands) for card in cards] == [READ_BOTH + 1] * 2
