"""What became of each target of a batch, in one SQLite file.

Guarantees: rows are recorded in the order of the targets file, without a gap, each once; a chunk of them is recorded
whole or not at all, and is on disk when `settling` ends (`synchronous=FULL`). Whoever settles a chunk holds the file's
write lock, and finds it as it was left: of two processes on one batch the second stops, and nothing is issued twice.
A ledger belongs to one batch; another one is refused.

The outbox form of a batch is its ledger with the messages in it. Whoever sends them may write `status`; nothing here
looks at it.

Spec: https://www.sqlite.org/atomiccommit.html, https://www.sqlite.org/wal.html.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Self

from smartcard_dm.errors import BatchError
from smartcard_dm.server.batch_records import Failed, Issued, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from smartcard_dm.server.batch_records import Result

APPLICATION_ID: Final = 0x5344_4D42
"""`SDMB`, in the header of the file."""
LAYOUT: Final = 1
_WAIT: Final = 30.0
"""Seconds to wait for whoever else has the file."""
_SCHEMA: Final = f"""
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {LAYOUT};
CREATE TABLE batch (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE message (
    row INTEGER NOT NULL PRIMARY KEY,  -- of the targets file, from 1; MsgID where nothing else says
    line INTEGER NOT NULL,             -- of the targets file
    target TEXT,                       -- its column `target`
    status TEXT NOT NULL,              -- issued or failed; whoever sends the messages may write others
    problem TEXT,                      -- NULL for a message
    detail TEXT,
    sha256 BLOB,                       -- of the message
    message BLOB                       -- WBXML; NULL where messages are kept elsewhere
) STRICT;
CREATE UNIQUE INDEX message_target ON message (target) WHERE problem IS NULL;
"""
_ADVICE: Final = "give another output"


class Ledger:
    """The ledger of one batch.

    Args:
        path: the file; made where there is none.
        parts: what tells this batch from another one, by what to call it.
        number: the batch's own, for a new one.
        holds_messages: whether messages are kept in it.

    Raises:
        BatchError: it cannot be opened or made, is no ledger, or is that of another batch.
    """

    def __init__(self, path: Path, parts: Mapping[str, str], number: str, *, holds_messages: bool) -> None:
        self._path = path
        self._holds_messages = holds_messages
        with self._translated():
            self._connection = sqlite3.connect(path, timeout=_WAIT, isolation_level=None)
            try:
                self._open(parts, number)
            except BaseException:
                self._connection.close()
                raise
        self.number = self.note("number")
        """The batch's own: that of its first run."""
        self.mark = self._mark()
        """The last row that is recorded."""

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def note(self, name: str) -> str:
        """Return what was noted of the batch; empty where nothing was."""
        found = self._rows("SELECT value FROM batch WHERE name = ?", (name,))
        return str(found[0][0]) if found else ""

    def write_note(self, name: str, value: str) -> None:
        """Note something; only inside `settling`."""
        self._connection.execute("INSERT OR REPLACE INTO batch VALUES (?, ?)", (name, value))

    def counts(self) -> tuple[int, int]:
        """Return how many messages there are, and how many targets failed."""
        ((issued, failed),) = self._rows(
            "SELECT count(*) FILTER (WHERE problem IS NULL), count(*) FILTER (WHERE problem IS NOT NULL) FROM message"
        )
        return int(issued), int(failed)

    def failed(self) -> Iterator[Failed]:
        """Yield every target that failed, in order."""
        with self._translated():
            for row, line, target, problem, detail in self._connection.execute(
                "SELECT row, line, target, problem, detail FROM message WHERE problem IS NOT NULL ORDER BY row"
            ):
                yield Failed(row, line, target, Problem(problem), detail)

    @contextmanager
    def settling(self, results: Sequence[Result]) -> Iterator[list[Result]]:
        """Give the results with duplicates told; what the block leaves in the list is recorded when it ends.

        The block keeps the messages where they belong; what it finds kept already takes the place of its result.

        Args:
            results: of the rows behind `mark`, in order.

        Raises:
            BatchError: another process went on with this batch, or the file cannot be written.
        """
        with self._translated():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._want_mark()
                settled = self._without_duplicates(results)
                yield settled
                self._record(settled)
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        self.mark += len(settled)

    def _record(self, settled: Sequence[Result]) -> None:
        rows = [
            (each.row, each.line, each.target, "issued", None, None, each.sha256, self._kept(each))
            if isinstance(each, Issued)
            else (each.row, each.line, each.target, "failed", each.problem.value, each.detail, None, None)
            for each in settled
        ]
        self._connection.executemany("INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def _want_mark(self) -> None:
        if self._mark() != self.mark:
            advice = "let it end, then run this again"
            raise BatchError(str(self._path), "another process goes on with this batch", advice)

    def _mark(self) -> int:
        ((mark,),) = self._rows("SELECT coalesce(max(row), 0) FROM message")
        return int(mark)

    def _kept(self, issued: Issued) -> bytes | None:
        return issued.message if self._holds_messages else None

    def _without_duplicates(self, results: Sequence[Result]) -> list[Result]:
        targets = [each.target for each in results if isinstance(each, Issued) and each.target is not None]
        first = dict(
            self._rows(
                "SELECT target, row FROM message WHERE problem IS NULL AND target IN (SELECT value FROM json_each(?))",
                (json.dumps(targets),),
            )
        )
        settled: list[Result] = []
        for each in results:
            if isinstance(each, Issued) and each.target is not None:
                row = first.setdefault(each.target, each.row)
                if row != each.row:
                    detail = f"row {row} is for the same target"
                    settled.append(Failed(each.row, each.line, each.target, Problem.DUPLICATE, detail))
                    continue
            settled.append(each)
        return settled

    def _open(self, parts: Mapping[str, str], number: str) -> None:
        ((application,),) = self._rows("PRAGMA application_id")
        if application not in {0, APPLICATION_ID} or (application == 0 and self._rows("SELECT 1 FROM sqlite_schema")):
            raise BatchError(str(self._path), "it is no output of a batch", _ADVICE)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("BEGIN IMMEDIATE")
        if not self._rows("SELECT 1 FROM sqlite_schema"):
            for statement in _SCHEMA.split(";\n"):
                self._connection.execute(statement)
            notes = {"number": number, **{f"part {name}": value for name, value in parts.items()}}
            self._connection.executemany("INSERT INTO batch VALUES (?, ?)", notes.items())
        self._connection.execute("COMMIT")
        ((layout,),) = self._rows("PRAGMA user_version")
        if layout != LAYOUT:
            raise BatchError(str(self._path), f"its layout {layout} is not the {LAYOUT} of this release", _ADVICE)
        self._compare(parts)

    def _compare(self, parts: Mapping[str, str]) -> None:
        notes = self._rows("SELECT substr(name, 6), value FROM batch WHERE name LIKE 'part %'")
        there = {str(name): str(value) for name, value in notes}
        other = [name for name in {**parts, **there} if there.get(name) != parts.get(name)]
        if other:
            raise BatchError(
                str(self._path),
                f"it is the output of another batch, which had another {' and another '.join(other)}",
                f"{_ADVICE}, or run that batch again as it was",
            )

    def _rows(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement, values).fetchall()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise BatchError(
                str(self._path), f"it cannot be used: {error}", "free it or give another output"
            ) from error
