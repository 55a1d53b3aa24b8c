"""Where the messages of a batch go: a folder of files, a file of JSON Lines, or an SQLite outbox.

Guarantees: a message is on disk before it is recorded in the ledger; after a kill at any moment, opening the output
again finds every message that is there, so that none is lost and none is issued a second time. An output belongs to one
batch. Leaves to its caller: the order of the rows.

| form | messages | ledger |
|---|---|---|
| files | `ROW-TARGET.wbxml`, each named when it is whole | `.batch` in the folder |
| jsonl | one object a line | beside the file, with `.batch` behind its name |
| sqlite | a column of the ledger | the file itself |
"""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol, Self

from smartcard_dm.errors import BatchError
from smartcard_dm.server.batch_ledger import Ledger
from smartcard_dm.server.batch_messages import SUFFIX, message_line, read_message_line
from smartcard_dm.server.batch_records import Issued

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from smartcard_dm.server.batch_records import Result

LEDGER_SUFFIX: Final = ".batch"
FORMS: Final = ("files", "jsonl", "sqlite")
_UNFIT: Final = re.compile(r"[^A-Za-z0-9.@+-]+")
_NAME: Final = 80
"""Characters of a target that a file's name shows."""
_ADVICE: Final = "give another output"


class Keeper(Protocol):
    """Keeps messages outside the ledger."""

    def keep(self, ledger: Ledger, settled: list[Result]) -> None:
        """Keep the messages of some rows on disk; what is there already takes the place of its result."""


class Output:
    """The output of one batch; made by `open_output`."""

    def __init__(self, ledger: Ledger, keeper: Keeper | None) -> None:
        self.ledger = ledger
        """What became of each target."""
        self._keeper = keeper

    def settle(self, results: Sequence[Result]) -> list[Result]:
        """Keep and record what became of some targets, the rows behind the ledger's mark.

        Returns:
            The results as they were recorded: duplicates as failed.

        Raises:
            BatchError: another process goes on with this batch, or the output cannot be written.
        """
        with self.ledger.settling(results) as settled:
            if self._keeper is not None:
                self._keeper.keep(self.ledger, settled)
        return settled

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ledger.close()


def open_output(place: Path, form: str, parts: Mapping[str, str], number: str) -> Output:
    """Return the output of a batch: a new one, or the one it began.

    Args:
        place: the folder or file.
        form: files, jsonl or sqlite.
        parts: what tells this batch from another one.
        number: the batch's own, for a new one.

    Raises:
        BatchError: it cannot be opened or made, or belongs to another batch or to something else.
    """
    return _OPENERS[form](place, parts, number)


def _open_folder(place: Path, parts: Mapping[str, str], number: str) -> Output:
    path = place / LEDGER_SUFFIX
    with _written(place):
        place.mkdir(exist_ok=True)
        new = not path.exists()
        if new and any(place.iterdir()):
            raise BatchError(str(place), "the folder is not empty and no batch began in it", _ADVICE)
    return Output(Ledger(path, parts, number, holds_messages=False), _Folder(place))


def _open_lines(place: Path, parts: Mapping[str, str], number: str) -> Output:
    path = place.with_name(place.name + LEDGER_SUFFIX)
    with _written(place):
        if place.exists() and place.stat().st_size and not path.exists():
            raise BatchError(str(place), "the file is not empty and no batch began in it", _ADVICE)
    ledger = Ledger(path, parts, number, holds_messages=False)
    return Output(ledger, _Lines(place))


def _open_outbox(place: Path, parts: Mapping[str, str], number: str) -> Output:
    return Output(Ledger(place, parts, number, holds_messages=True), None)


_OPENERS: Final[dict[str, Callable[[Path, Mapping[str, str], str], Output]]] = {
    "files": _open_folder,
    "jsonl": _open_lines,
    "sqlite": _open_outbox,
}


class _Folder:
    """Messages as files. A file has its name only when it is whole, so one that is there was issued."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def keep(self, _: Ledger, settled: list[Result]) -> None:
        with _written(self._place):
            parts: list[tuple[Path, Path]] = []
            for index, result in enumerate(settled):
                if not isinstance(result, Issued):
                    continue
                path = self._place / file_name(result.row, result.target)
                if path.exists():
                    there = path.read_bytes()
                    settled[index] = result._replace(message=there, sha256=hashlib.sha256(there).digest())
                    continue
                part = path.with_name(f".{path.name}.part")
                _write(part, result.message)
                parts.append((part, path))
            for part, path in parts:
                part.rename(path)
            _sync(self._place)


def file_name(row: int, target: str | None) -> str:
    """Return the name of a message's file: its row, and its target as far as a name can show it."""
    shown = _UNFIT.sub("_", target or "")[:_NAME]
    return f"{row:08d}{'-' if shown else ''}{shown}{SUFFIX}"


class _Lines:
    """Messages as lines. Whole lines behind what the ledger knows were issued; a line without end was not."""

    _END: Final = "octets"

    def __init__(self, place: Path) -> None:
        self._place = place
        self._found: dict[int, Issued] | None = None
        self._end = 0

    def keep(self, ledger: Ledger, settled: list[Result]) -> None:
        with _written(self._place), self._place.open("ab") as stream:
            if self._found is None:
                self._found = self._read_on(ledger)
                stream.truncate(self._end)
            lines: list[bytes] = []
            for index, result in enumerate(settled):
                if not isinstance(result, Issued):
                    continue
                found = self._found.pop(result.row, None)
                if found is None:
                    lines.append(message_line(result))
                elif found.target == result.target:
                    settled[index] = found
                else:
                    raise BatchError(str(self._place), "it was changed by somebody else", _ADVICE)
            stream.write(b"".join(lines))
            stream.flush()
            os.fsync(stream.fileno())
            self._end += sum(map(len, lines))
        ledger.write_note(self._END, str(self._end))

    def _read_on(self, ledger: Ledger) -> dict[int, Issued]:
        """Return the messages behind those the ledger knows, and find where the last whole one ends."""
        self._end = int(ledger.note(self._END) or 0)
        if self._place.stat().st_size < self._end:
            raise BatchError(str(self._place), "it is shorter than it was left", "restore it, or give another output")
        found: dict[int, Issued] = {}
        with self._place.open("rb") as stream:
            stream.seek(self._end)
            tail = stream.read()
        for line in tail.splitlines(keepends=True):
            issued = read_message_line(line) if line.endswith(b"\n") else None
            if issued is None:
                break
            found[issued.row] = issued
            self._end += len(line)
        return found


def _write(path: Path, octets: bytes) -> None:
    with path.open("wb") as stream:
        stream.write(octets)
        stream.flush()
        os.fsync(stream.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _written(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BatchError(
            str(place), f"it cannot be written: {error.strerror}", "make room or give another output"
        ) from error
