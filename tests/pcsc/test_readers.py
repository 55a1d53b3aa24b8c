"""Which reader is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.pcsc.cards import SELECT_ICCID, T1_ATR, uicc
from vendor_pcsc.errors import ReaderError
from vendor_pcsc.readers import ReaderState, choose_reader, connect, list_readers

if TYPE_CHECKING:
    from vendor_pcsc.virtual.lab import PcscLab


def readers(*described: str) -> tuple[ReaderState, ...]:
    """Return readers; a name with a `+` before it holds a card."""
    return tuple(
        ReaderState(each.removeprefix("+"), each.startswith("+"), b"", in_use=False, exclusive=False, mute=False)
        for each in described
    )


@pytest.mark.parametrize(
    ("name", "there", "wanted"),
    [
        (None, ("Alpha 00 00",), "Alpha 00 00"),
        (None, ("+Alpha 00 00",), "Alpha 00 00"),
        (None, ("Alpha 00 00", "+Beta 01 00"), "Beta 01 00"),
        ("Beta 01 00", ("Alpha 00 00", "Beta 01 00"), "Beta 01 00"),
        ("beta", ("+Alpha 00 00", "Beta 01 00"), "Beta 01 00"),
        ("Alpha 00", ("Alpha 00", "Alpha 00 00"), "Alpha 00"),
    ],
)
def test_the_reader_that_is_meant_is_found(name: str | None, there: tuple[str, ...], wanted: str) -> None:
    assert choose_reader(name, readers(*there)) == wanted


@pytest.mark.parametrize(
    ("name", "there", "said"),
    [
        (None, (), "no reader is attached: plug one in"),
        ("Alpha", (), "no reader is attached: plug one in"),
        (None, ("Alpha", "Beta"), r"is not one of these: Alpha \(empty\); Beta \(empty\); insert one card, or name"),
        (None, ("+Alpha", "+Beta", "Gamma"), r"is not one of these: Alpha \(card\); Beta \(card\); insert one card"),
        ("Delta", ("+Alpha", "Beta"), r"reader 'Delta' is not attached; there are: Alpha \(card\); Beta \(empty\)"),
        ("a", ("+Alpha", "Beta", "Cord"), r"reader 'a' fits 2 readers: Alpha \(card\); Beta \(empty\)"),
    ],
)
def test_what_is_not_clear_is_refused_with_what_there_is(name: str | None, there: tuple[str, ...], said: str) -> None:
    with pytest.raises(ReaderError, match=said):
        choose_reader(name, readers(*there))


def test_all_readers_are_listed_with_their_cards(lab: PcscLab) -> None:
    reader = lab.put(uicc(), 1)
    found = list_readers()
    assert tuple(each.name for each in found) == lab.readers
    assert [each.name for each in found if each.card_present] == [reader]
    assert [each.atr for each in found] == [T1_ATR if each.name == reader else b"" for each in found]
    assert not any(each.in_use or each.exclusive or each.mute for each in found)


def test_the_only_card_is_found_without_a_name(lab: PcscLab) -> None:
    reader = lab.put(uicc(), 1)
    connection = connect()
    assert connection.name == reader
    assert connection.transmit(SELECT_ICCID) == b"\x90\x00"
    connection.close()
    lab.put(uicc(), 2)
    with pytest.raises(ReaderError, match="insert one card, or name the reader"):
        connect()
    connect("2 00 00", exclusive=True).close()
