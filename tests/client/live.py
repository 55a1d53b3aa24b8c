"""An agent as a process of its own, as an operator starts it, on a socket in a short folder of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cli.running import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 60


@contextmanager
def socket_folder() -> Iterator[Path]:
    """Give a folder whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="agent-") as folder:
        yield Path(folder)


@contextmanager
def running_agent(socket: Path, uri: str, *options: str | Path) -> Iterator[subprocess.Popen[str]]:
    """Run an agent until the block ends; it must end in order unless the block ended it.

    Args:
        socket: where it listens.
        uri: the card.
        options: more of the command line.
    """
    command = [sys.executable, "-m", "smartcard_dm", "agent", "serve", "--card", uri, "--socket", str(socket)]
    with subprocess.Popen(
        [*command, *map(str, options)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            assert said.startswith(f"listening on {socket}"), said
            yield process
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                assert process.wait(SECONDS) == 0
        finally:
            process.kill()
