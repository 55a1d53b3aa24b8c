"""The agent's log: one JSON object a line, for machines that collect logs of many services.

Guarantees: a line holds what the code names as fields and nothing of a request's body, path or query, no identity of a
subscriber and no secret; of an exception it has the type and the place, not the text, which may quote input. Whoever
logs never waits for whoever reads the log: lines are kept up to a bound, then lost, and a line says how many.
Leaves to its caller: rotating what stderr is connected to.
"""

from __future__ import annotations

import json
import logging
import os
import traceback
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from typing import TextIO

LOGGER: Final = logging.getLogger("smartcard_dm.agent")
LEVELS: Final = ("debug", "info", "warning", "error")

Field: TypeAlias = "str | int | float | bool | None"
_FIELDS: Final = "smartcard_dm_fields"
_OTHERS: Final = ("uvicorn", "asyncio")
"""Loggers of libraries whose warnings belong to the agent's log."""
_PACKAGE: Final = Path(__file__).parents[2]
_LONGEST: Final = 500
"""Characters of a library's message that a line keeps."""
KEPT_LINES: Final = 4096
"""Lines that wait for whoever reads the log; one has 250 octets."""
END_SECONDS: Final = 1.0
"""Seconds the last lines have to be read."""


def log(level: int, event: str, **fields: Field) -> None:
    """Write one line.

    Args:
        level: of the module `logging`.
        event: its stable name.
        fields: what goes with it.
    """
    LOGGER.log(level, event, extra={_FIELDS: fields})


def place_of(error: BaseException) -> str:
    """Return the type of an exception and the line that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return type(error).__name__
    path = Path(frames[-1].filename)
    shown = path.relative_to(_PACKAGE) if path.is_relative_to(_PACKAGE) else path.name
    return f"{type(error).__name__} at {shown}:{frames[-1].lineno}"


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        fields = getattr(record, _FIELDS, None)
        form: dict[str, object] = {
            "time": f"{datetime.fromtimestamp(record.created, UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
            "level": record.levelname.lower(),
        }
        if isinstance(fields, dict):
            form |= {"event": record.getMessage(), **fields}
        else:
            form |= {"event": "library", "logger": record.name, "message": record.getMessage()[:_LONGEST]}
        if record.exc_info is not None and record.exc_info[1] is not None:
            form["fault"] = place_of(record.exc_info[1])
        return json.dumps(form, ensure_ascii=True, separators=(",", ":"))


class LinesInOrder(logging.Handler):
    """Has lines written by a thread of its own, which alone waits when nobody reads.

    Args:
        stream: where to; None: nowhere, as for a process without stderr.
    """

    def __init__(self, stream: TextIO | None) -> None:
        super().__init__()
        self.setFormatter(JsonLines())
        self._stream = stream
        self._descriptor = _descriptor_of(stream)
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        self._lost = 0
        self._thread = Thread(target=self._run, name="agent log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Take one record."""
        if self._lines.qsize() >= KEPT_LINES:
            self._lost += 1
            return
        lost, self._lost = self._lost, 0
        if lost:
            told = {"msg": "lines-lost", "levelname": "WARNING", _FIELDS: {"lines": lost}}
            self._lines.put(self.format(logging.makeLogRecord(told)))
        self._lines.put(self.format(record))

    def close(self) -> None:
        """Write what is left, if it is read in time."""
        self._lines.put(None)
        self._thread.join(END_SECONDS)
        super().close()

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                self._write(line + "\n")
            except (OSError, ValueError):  # it was closed, or nobody reads any more
                continue

    def _write(self, line: str) -> None:
        if self._descriptor is not None:
            # Past the stream's own lock: who holds that, waiting, at the end of the process, would abort it.
            octets = line.encode()
            while octets:
                octets = octets[os.write(self._descriptor, octets) :]
        elif self._stream is not None:
            self._stream.write(line)
            self._stream.flush()


def _descriptor_of(stream: TextIO | None) -> int | None:
    try:
        return None if stream is None else stream.fileno()
    except (OSError, ValueError):
        return None


def configure(level: str, stream: TextIO | None) -> logging.Handler:
    """Send the log to a stream from here on; the handler that does it is returned, for `remove`.

    Args:
        level: one of `LEVELS`.
        stream: usually stderr.
    """
    handler = LinesInOrder(stream)
    LOGGER.setLevel(level.upper())
    for logger in (LOGGER, *map(logging.getLogger, _OTHERS)):
        logger.addHandler(handler)
        logger.propagate = False
    for name in _OTHERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    return handler


def remove(handler: logging.Handler) -> None:
    """Stop sending the log there."""
    for logger in (LOGGER, *map(logging.getLogger, _OTHERS)):
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
        logger.propagate = True
    handler.close()
