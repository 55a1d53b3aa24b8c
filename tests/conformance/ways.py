"""The ways a card of a profile can be reached; one suite runs over all of them.

A way opens a connection to a fresh card of a profile file, and leaves nothing behind.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from smartcard_dm.identity import Generation
from smartcard_dm.personalise import GENERATORS
from vendor_pcsc.readers import connect as connect_reader
from vendor_pcsc.record import Recorder, Redact, ReplayConnection, format_transcript, parse_transcript
from vendor_pcsc.virtual import connect, insert_card, load_profile
from vendor_pcsc.virtual.jcardsim import JCardSimCard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from vendor_pcsc.connection import CardConnection
    from vendor_pcsc.virtual import Profile
    from vendor_pcsc.virtual.lab import PcscLab
    from vendor_pcsc.virtual.vpcd import Card

EVERY: Final = frozenset(Generation)


@dataclass
class Readers:
    """The virtual readers of the run; cards take them in turn, so that pcscd sees one leave before the next comes."""

    lab: PcscLab | None = None
    taken: int = 0
    slots: tuple[int, ...] = field(default=(0, 1, 2))

    @contextmanager
    def holding(self, card: Card) -> Iterator[CardConnection]:
        """Put a card into a reader, connect to it, and take it out afterwards."""
        assert self.lab is not None
        slot = self.slots[self.taken % len(self.slots)]
        self.taken += 1
        connection = connect_reader(self.lab.put(card, slot))
        try:
            yield connection
        finally:
            connection.close()
            self.lab.remove(slot)


READERS: Final = Readers()


@dataclass(frozen=True)
class Way:
    """One way, and what it can."""

    open: Callable[[Path], AbstractContextManager[CardConnection]]
    generations: frozenset[Generation] = EVERY
    faults: bool = True
    """Whether the faults of a profile happen."""


def profile(path: Path) -> Profile:
    """Return the card that a file describes."""
    return load_profile(path, generators=GENERATORS)


@contextmanager
def in_process(path: Path) -> Iterator[CardConnection]:
    """Give the card that runs in this process."""
    connection = connect(profile(path))
    yield connection
    connection.close()


@contextmanager
def in_a_reader(path: Path) -> Iterator[CardConnection]:
    """Give the same card behind vpcd, pcscd and pyscard."""
    with READERS.holding(insert_card(profile(path))) as connection:
        yield connection


@contextmanager
def java_card_in_a_reader(path: Path) -> Iterator[CardConnection]:
    """Give the applet, personalised from the profile, under jCardSim behind vpcd, pcscd and pyscard."""
    with JCardSimCard(profile(path)) as card, READERS.holding(card) as connection:
        yield connection


class Listening(Recorder):
    """A recorder that also remembers the commands and answers as they were."""

    def __init__(self, connection: CardConnection) -> None:
        super().__init__(connection, redact=Redact.PINS)
        self.passed: list[tuple[bytes, bytes] | None] = []

    def transmit(self, apdu: bytes) -> bytes:
        """Pass a command on."""
        answer = super().transmit(apdu)
        self.passed.append((apdu, answer))
        return answer

    def reset(self) -> bytes:
        """Pass a reset on."""
        self.passed.append(None)
        return super().reset()


@contextmanager
def replayed(path: Path) -> Iterator[CardConnection]:
    """Give a recorded card, and afterwards hold its transcript, written and read, against what passed."""
    listening = Listening(connect(profile(path)))
    yield listening
    listening.close()
    replay = ReplayConnection(parse_transcript(format_transcript(listening.transcript)))
    for exchange in listening.passed:
        if exchange is None:
            replay.reset()
        else:
            assert replay.transmit(exchange[0]) == exchange[1]


WAYS: Final = {
    "in process": Way(in_process),
    "pcscd": Way(in_a_reader),
    "jCardSim": Way(java_card_in_a_reader, faults=False),
    "replay": Way(replayed, faults=False),
}
"""Every way by its name; a card that leaves ends a recording, so that replay has no faults either."""
