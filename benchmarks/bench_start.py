"""Start of `smartcard-dm --help` beside the bare interpreter and beside importing what a command needs."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

from benchmarks.harness import Row, compare, report


def run() -> list[Row]:
    """Measure whole processes."""

    def start(*arguments: str) -> None:
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)

    return compare(
        "start of a process",
        1000,
        {
            "python -c pass": partial(start, "-c", "pass"),
            "smartcard-dm --help": partial(start, "-m", "smartcard_dm", "--help"),
        },
        rounds=15,
    )


def main() -> None:
    """Print the comparison."""
    rows = run()
    report("Start", rows)
    print(f"--help takes {(rows[1].seconds - rows[0].seconds) * 1e3:.0f} ms more than the bare interpreter")


if __name__ == "__main__":
    main()
