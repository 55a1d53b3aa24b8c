"""A `receive` command that runs as a process, and what it says."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.cli.running import environment, schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PROGRAM: Final = str(Path(sys.executable).with_name("smartcard-dm"))
HOST: Final = "127.0.0.1"
SECONDS: Final = 60


class RunningReceiver:
    """A receiver; every line it says is checked against its schema."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.begin = self._line("receive-begin")
        self.listening = self._line("receive-listening")
        self.port = int(self.listening["address"].rpartition(":")[2])

    def verdict(self) -> dict[str, Any]:
        """Return what became of the next push."""
        return self._line("receive-line")

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, dict[str, Any], str]:
        """End it; return its exit code, its last line and stderr."""
        if self._process.poll() is None:
            self._process.send_signal(number)
        self.wait()
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        out, err = self._process.stdout.read(), self._process.stderr.read()  # some of it may be buffered here already
        last: dict[str, Any] = json.loads(out.splitlines()[-1])
        schema("receive-end").validate(last)
        assert "Traceback" not in err
        return self._process.returncode, last, err

    def wait(self) -> None:
        """Wait until it ends by itself."""
        self._process.wait(SECONDS)

    def _line(self, name: str) -> dict[str, Any]:
        assert self._process.stdout is not None
        text = self._process.stdout.readline()
        assert text, "it ended"
        line: dict[str, Any] = json.loads(text)
        schema(name).validate(line)
        return line


@contextmanager
def receiving(transport: str, *arguments: object, env: Mapping[str, str] | None = None) -> Iterator[RunningReceiver]:
    """Run `receive TRANSPORT` on a free port until the block ends."""
    process = subprocess.Popen(
        [PROGRAM, "receive", transport, "--listen", f"{HOST}:0", "--json", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**environment(), **(env or {})},
    )
    with process:
        try:
            yield RunningReceiver(process)
        finally:
            if process.poll() is None:
                process.kill()
