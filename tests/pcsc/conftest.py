"""Cards and connections that are gone after each test; the service they need is in tests/conftest.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conftest import READERS
from tests.pcsc.cards import WatchedCard, uicc
from vendor_pcsc.pyscard_bridge import PcscConnection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vendor_pcsc.virtual.lab import PcscLab
    from vendor_pcsc.virtual.vpcd import Card


@pytest.fixture(scope="module")
def standing_card(session_lab: PcscLab) -> Iterator[WatchedCard]:
    """A card that stays in the last reader for all tests of a module that do not move it."""
    card = WatchedCard(uicc())
    session_lab.put(card, READERS - 1)
    yield card
    session_lab.remove(READERS - 1)


@pytest.fixture
def opened() -> Iterator[Callable[..., PcscConnection]]:
    """Connections that are closed after the test."""
    connections: list[PcscConnection] = []

    def connect(reader: str, *, exclusive: bool = False, wait_seconds: float = 0.0) -> PcscConnection:
        connections.append(PcscConnection(reader, exclusive=exclusive, wait_seconds=wait_seconds))
        return connections[-1]

    yield connect
    for each in connections:
        each.close()


@pytest.fixture
def inserted(lab: PcscLab, opened: Callable[..., PcscConnection]) -> Callable[[Card], PcscConnection]:
    """Puts a card into the first reader and connects to it."""

    def insert(card: Card) -> PcscConnection:
        return opened(lab.put(card))

    return insert
