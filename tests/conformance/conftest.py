"""One card for each test: a way, a generation, and one fact that is changed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.card.session import CardSession
from tests.card.cards import Tap
from tests.conformance.profiles import Profiles
from tests.conformance.ways import READERS, WAYS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smartcard_dm.identity import Generation
    from smartcard_dm.secret import Secret
    from tests.conformance.ways import Way
    from vendor_pcsc.virtual.lab import PcscLab


class Bench:
    """Makes sessions with one kind of card, run in one way."""

    def __init__(self, way: Way, generation: Generation, profiles: Profiles) -> None:
        self.way = way
        self.generation = generation
        self._profiles = profiles

    @contextmanager
    def wire(self, change: str = "as it is") -> Iterator[Tap]:
        """Give a connection to a new card, that remembers the commands."""
        with self.way.open(self._profiles.path(self.generation, change)) as connection:
            yield Tap(connection)

    @contextmanager
    def session(
        self, change: str = "as it is", *, pin: Secret | None = None, use_last_try: bool = False
    ) -> Iterator[tuple[CardSession, Tap]]:
        """Give a session with a new card, and what it sends."""
        with self.wire(change) as wire, CardSession(wire, pin=pin, use_last_try=use_last_try, refreshable=True) as card:
            yield card, wire


@pytest.fixture(scope="session", autouse=True)
def _readers(session_lab: PcscLab) -> None:
    READERS.lab = session_lab


@pytest.fixture(scope="session")
def profiles(tmp_path_factory: pytest.TempPathFactory) -> Profiles:
    return Profiles(tmp_path_factory.mktemp("conformance"))


PAIRS = [(name, generation) for name, way in WAYS.items() for generation in sorted(way.generations, key=str)]


@pytest.fixture(params=PAIRS, ids=lambda pair: f"{pair[0]}, {pair[1].value}")
def bench(request: pytest.FixtureRequest, profiles: Profiles) -> Bench:
    name, generation = request.param
    return Bench(WAYS[name], generation, profiles)
