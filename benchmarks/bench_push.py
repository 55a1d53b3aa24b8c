"""A million hostile short messages through reassembly: how many a second, and what stays behind.

Half of them are parts of sets that nobody ends, of 500 originators; a quarter has an octet changed, the others are cut
or noise. They come as TPDUs, as a network hands them over, and go the whole way to the inlet, which only counts.
"""

from __future__ import annotations

import gc
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from smartcard_dm.errors import EnvelopeError
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.push.reassembly import Reassembler
from smartcard_dm.push.wap_inlet import WapReceiver
from tests.push.hostile_sms import hostile_tpdus

if TYPE_CHECKING:
    from smartcard_dm.push.arrival import Arrival
    from smartcard_dm.push.reassembly import Counters
    from smartcard_dm.trust.transport import TransportKind

MESSAGES = 1_000_000
CHUNK = 1_000
"""Messages made at a time, while the clock stands."""
_SHARES = (10, 50, 100)


@dataclass(frozen=True, slots=True)
class FloodFigures:
    """What the flood did."""

    messages: int
    per_second: float
    """Messages a second, without the time it takes to make them."""
    memory: tuple[tuple[int, float, int], ...]
    """Per cent of the messages; MiB of this process; live blocks of memory that Python counts."""
    refused: int
    counters: Counters


class CountingInlet:
    """Keeps nothing."""

    def __init__(self) -> None:
        self.refused = 0

    def take(self, arrival: Arrival) -> bool:
        """Count nothing: no document can come out of such a flood."""
        raise AssertionError(arrival)

    def refuse(self, error: EnvelopeError, kind: TransportKind, source: str) -> None:
        """Count."""
        del error, kind, source
        self.refused += 1


def _no_push(octets: bytes, source: str) -> Arrival:
    raise EnvelopeError("wsp.benchmark", "WSP push", "none is opened here", found=f"{len(octets)} octets of {source}")


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def run_flood(messages: int = MESSAGES) -> FloodFigures:
    """Send so many messages."""
    inlet = CountingInlet()
    reassembler = Reassembler(DEFAULT_LIMITS)
    receiver = WapReceiver(inlet, _no_push, reassembler, DEFAULT_LIMITS)
    memory: list[tuple[int, float, int]] = []
    seconds = 0.0
    source = hostile_tpdus(messages, seed=1)
    for sent in range(0, messages, CHUNK):
        chunk = [next(source) for _ in range(min(CHUNK, messages - sent))]
        started = perf_counter()
        for at, octets in enumerate(chunk, sent):
            receiver.tpdu(octets, at / 1000)
        seconds += perf_counter() - started
        done = sent + len(chunk)
        while len(memory) < len(_SHARES) and done * 100 >= _SHARES[len(memory)] * messages:
            gc.collect()
            memory.append((_SHARES[len(memory)], _resident(), sys.getallocatedblocks()))
    return FloodFigures(messages, messages / seconds, tuple(memory), inlet.refused, reassembler.counters)


def flood_text(figures: FloodFigures) -> str:
    """Return the figures as lines of Markdown."""
    memory = ", ".join(f"{size:.1f} MiB at {share} %" for share, size, _ in figures.memory)
    blocks = ", ".join(f"{count:,} at {share} %" for share, _, count in figures.memory)
    counters = figures.counters
    lines = (
        f"{figures.messages:,} messages: {figures.per_second:,.0f} a second, one process",
        f"memory of the process: {memory}",
        f"live blocks of memory: {blocks}",
        f"sets crowded out: {counters.crowded_out:,}; whole by chance: {counters.datagrams:,}",
        f"refusals and dropped sets told to the inlet: {figures.refused:,}",
    )
    return "\n".join(f"- {line}" for line in lines)


def main() -> None:
    """Print the figures."""
    print(f"## Hostile short messages\n\n{flood_text(run_flood())}\n")


if __name__ == "__main__":
    main()
