"""Cards under jCardSim: built once, one process for each profile, made new for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.jcardsim.pairs import PROFILES, Pair
from vendor_pcsc.virtual.jcardsim import JCardSimCard, build

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def jar() -> Path:
    return build()


@pytest.fixture(scope="session")
def cards(jar: Path) -> Iterator[dict[str, JCardSimCard]]:
    made: dict[str, JCardSimCard] = {}
    try:
        for name, profile in PROFILES.items():
            made[name] = JCardSimCard(profile, jar=jar)
        yield made
    finally:
        for card in made.values():
            card.close()


@pytest.fixture
def t1(cards: dict[str, JCardSimCard]) -> Pair:
    return Pair(cards["t1"])
