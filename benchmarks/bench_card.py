"""Commands for one bootstrap object: ours cold, while the card stays powered, after a reset; OpenSC without cache.

Counted at the card, over pcscd, where every program is counted alike. Counts are exact, unlike times.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from smartcard_dm.card.session import CardSession
from smartcard_dm.credentials import read_accounts
from tests.oracles.opensc import Counting, opaque_usim, opensc
from vendor_pcsc.readers import connect
from vendor_pcsc.virtual.lab import PcscLab

_ROUNDS = 500


@dataclass(frozen=True, slots=True)
class Count:
    """What one reading cost."""

    reading: str
    commands: int


def run() -> tuple[list[Count], float]:
    """Return the counts, and the median seconds of one command through pcscd."""
    with PcscLab(2) as lab, tempfile.TemporaryDirectory() as folder:
        card = Counting(opaque_usim())
        reader = lab.put(card)
        counts: list[Count] = []

        def counted(reading: str) -> None:
            counts.append(Count(reading, len(card.commands)))
            card.commands.clear()

        with CardSession(connect(reader)) as session:
            card.commands.clear()
            read_accounts(session)
        counted("ours, cold, ICCID and a channel included")
        with CardSession(connect(reader), refreshable=True) as session:
            card.commands.clear()
            read_accounts(session)
            counted("ours, cold, TokenInfo too, to outlive a reset; channel still open")
            read_accounts(session)
            counted("ours, card still powered")
            session.refresh()
            read_accounts(session)
            counted("ours, after a reset, lastUpdate unchanged")
        card.commands.clear()
        output = Path(folder) / "object"
        opensc(lab, Path(folder), "pkcs15-tool", "-R", "2.23.43.7.1", "--raw", "-o", str(output))
        counted("OpenSC, the object alone, no ICCID, no cache")
        connection = connect(reader)
        times: list[float] = []
        for _ in range(_ROUNDS):
            started = time.perf_counter()
            connection.transmit(bytes.fromhex("00A40004023F00"))
            times.append(time.perf_counter() - started)
        connection.close()
        size = output.stat().st_size
    counts.insert(0, Count(f"budget for {size} octets: 6 + {-(-size // 256)} + 2 + 2", 10 + -(-size // 256)))
    return counts, statistics.median(times)


def table(counts: list[Count]) -> str:
    """Return counts as a Markdown table."""
    return "\n".join(
        ["| reading | commands |", "|---|---:|", *(f"| {row.reading} | {row.commands} |" for row in counts)]
    )


def main() -> None:
    """Print the comparison."""
    counts, seconds = run()
    sys.stdout.write(f"{table(counts)}\n\nmedian of one command through pcscd and vpcd: {seconds * 1e3:.2f} ms\n")


if __name__ == "__main__":
    main()
