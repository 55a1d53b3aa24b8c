"""A card of the repository under jCardSim gives the accounts it gives in this process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.card.session import CardSession
from smartcard_dm.credentials import read_credentials
from smartcard_dm.personalise import GENERATORS
from vendor_pcsc.virtual import VirtualCard, VirtualConnection, load_profile
from vendor_pcsc.virtual.jcardsim import JCardSimCard

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smartcard_dm import Credentials
    from vendor_pcsc.virtual import Card

CARDS = Path(__file__).parents[2] / "fixtures" / "cards"


NAMES = [name for name in ("usim", "sim", "uicc-2g", "ruim") if (CARDS / f"{name}.yaml").is_file()]


@pytest.fixture(scope="module", params=NAMES)
def card(request: pytest.FixtureRequest, jar: Path) -> Iterator[JCardSimCard]:
    profile = load_profile(CARDS / f"{request.param}.yaml", generators=GENERATORS)
    with JCardSimCard(profile, jar=jar) as made:
        yield made


class Recorder:
    """A connection that keeps every command and its response."""

    def __init__(self, card: Card) -> None:
        self._connection = VirtualConnection(card)
        self.said: list[tuple[bytes, bytes]] = []
        self.atr, self.name = self._connection.atr, self._connection.name
        self.transaction, self.reset, self.close = (
            self._connection.transaction,
            self._connection.reset,
            self._connection.close,
        )

    def transmit(self, apdu: bytes) -> bytes:
        response = self._connection.transmit(apdu)
        self.said.append((apdu, response))
        return response


def read(recorder: Recorder) -> Credentials:
    with CardSession(recorder) as card:
        return read_credentials(card)


def test_accounts_and_anchors_are_equal_and_so_is_every_apdu(card: JCardSimCard) -> None:
    here, there = Recorder(VirtualCard(card.profile)), Recorder(card)
    expected, found = read(here), read(there)
    assert found.accounts
    assert found == expected
    assert there.said == here.said


def test_the_atr_is_the_profiles(card: JCardSimCard) -> None:
    assert card.reset() == card.profile.atr == VirtualConnection(card).atr
