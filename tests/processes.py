"""Processes that tests start, and that no test leaves behind."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator


@contextmanager
def killed_after(process: subprocess.Popen[Any]) -> Iterator[None]:
    """Kill a process at the end of the block, if it still runs: a test that fails does not wait for what it asked."""
    try:
        yield
    finally:
        process.kill()
