"""The tree's SQLite file: opening it, transactions, and the one place where errors of SQLite become ours.

Guarantees: a file is made whole or not at all, readable by its owner only; what one `writing` block does is in the
file together or not at all, and on disk when the block ends (`synchronous=FULL`); a second process or thread waits
instead of failing, a process for `WAIT_SECONDS` at most; a file that is no tree is never written to.
Leaves to its caller: what is stored.

While the file is open, SQLite keeps two more beside it (`-wal`, `-shm`), readable by the same user; they go when the
last process closes it, and what a killed process left in them is taken in at the next opening. A file that is made
never gets a name that has such a log of another file beside it: SQLite would take it for its own.

Spec: design decision D7; https://www.sqlite.org/atomiccommit.html, https://www.sqlite.org/wal.html.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Final, Self

from smartcard_dm.errors import TreeAccessError, TreeFormatError
from smartcard_dm.tree.schema import APPLICATION_ID, LAYOUT, TABLES, UPGRADES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

WAIT_SECONDS: Final = 60.0
"""How long one process waits for another that is writing."""
_MEMORY: Final = ":memory:"
_OLDEST: Final = (3, 37)
"""The first SQLite with strict tables."""
_BESIDE: Final = ("-wal", "-shm", "-journal")
"""What SQLite appends to the name of a file for its own files beside it."""
_REMEDIES: Final = {
    sqlite3.SQLITE_FULL: ("no room is left on the device", "make room and try again"),
    sqlite3.SQLITE_IOERR: ("the file could not be read or written", "look at the disk and its free space"),
    sqlite3.SQLITE_BUSY: ("another process kept it locked", "try again when it is done"),
    sqlite3.SQLITE_LOCKED: ("another process kept it locked", "try again when it is done"),
    sqlite3.SQLITE_READONLY: ("it may not be written", "give a file and a folder that can be written"),
    sqlite3.SQLITE_CANTOPEN: ("it cannot be opened", "give a file and a folder that can be read and written"),
    sqlite3.SQLITE_PERM: ("it may not be opened", "give a file that can be read and written"),
}
_BROKEN: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_ADVICE: Final = "restore it, or make a new one"
_DAMAGES: Final = ("no such ", "Could not decode ")
"""How messages begin that only a damaged file can cause: a table is missing, a text is none. The latter shows it."""


class Database:
    """One open tree file, or one in memory."""

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self._connection = connection
        self._lock = RLock()
        self._readers = 0
        self.name = name

    @classmethod
    def create(cls, path: str | None, fill: Callable[[Database], None]) -> None:
        """Make a file and fill it in one transaction; nothing is left of one that fails.

        Raises:
            TreeAccessError: it is there already, or cannot be written.
        """
        if path is None:
            raise ValueError("a tree in memory is made by `Database.memory`")
        target = Path(path)
        try:
            _want_free(target)
            part = target.with_name(f".{target.name[:50]}.{secrets.token_hex(8)}.part")
            os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            try:
                with cls(_connect(str(part)), path) as made:
                    made.prepare()
                    made.lay_out(fill)
                    # Not left to closing, which says nothing when it fails: all of it is in the one file from here on.
                    made.rows("PRAGMA wal_checkpoint(TRUNCATE)")
                os.link(part, target)
                _sync_folder(target)
            finally:
                for name in (str(part), *(f"{part}{ending}" for ending in _BESIDE)):
                    Path(name).unlink(missing_ok=True)
        except FileExistsError:
            raise TreeAccessError(path, "there is a file of this name already", "give another name") from None
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            reason = getattr(error, "strerror", None) or str(error)
            raise TreeAccessError(path, f"it cannot be made: {reason}", "give a name in a writable folder") from error
        except sqlite3.Error as error:
            raise _translated(error, path) from error

    @classmethod
    def memory(cls, fill: Callable[[Database], None]) -> Self:
        """Make a tree in memory."""
        made = cls(_connect(_MEMORY), "tree in memory")
        made.prepare()
        made.lay_out(fill)
        return made

    @classmethod
    def open(cls, path: str) -> Self:
        """Open a file that is there.

        Raises:
            TreeAccessError: it is not there, or cannot be opened.
            TreeFormatError: it is no tree, or one of another layout.
        """
        try:
            if not Path(path).is_file():
                raise TreeAccessError(path, "there is no such file", "make one with `smartcard-dm tree init`")
            if not os.access(path, os.R_OK):
                raise TreeAccessError(path, "it may not be read", "give a file that can be read and written")
            opened = cls(_connect(path), path)
        except sqlite3.Error as error:
            raise _translated(error, path) from error
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise TreeAccessError(path, f"it cannot be opened: {reason}", "give a tree file") from error
        try:
            layout = opened._check_layout()
            opened.prepare()
            if layout != LAYOUT:
                opened._upgrade()
        except BaseException:
            opened.close()
            raise
        return opened

    def prepare(self) -> None:
        """Set what holds for this connection, and the kind of log, which holds for the file."""
        self.execute("PRAGMA journal_mode = WAL")
        self.execute("PRAGMA synchronous = FULL")
        self.execute("PRAGMA foreign_keys = ON")
        self.execute("PRAGMA trusted_schema = OFF")
        self.execute("PRAGMA secure_delete = ON")  # what was deleted may be a secret: its page is overwritten
        self.execute("PRAGMA temp_store = MEMORY")  # what savepoints keep may be secret, and needs no other disk

    def lay_out(self, fill: Callable[[Database], None]) -> None:
        """Make the tables, and what `fill` puts into them."""
        self.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        self.execute(f"PRAGMA user_version = {LAYOUT}")
        with self.writing():
            for statement in TABLES:
                self.execute(statement)
            fill(self)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the one write lock; commit at the end, roll back on any exception.

        Raises:
            ValueError: another block is open in this thread.
            TreeAccessError: the lock was not given in time, or the disk is full; nothing was changed.
        """
        with self._transaction("BEGIN IMMEDIATE"):
            yield
            self.execute("COMMIT")

    @contextmanager
    def trying(self) -> Iterator[None]:
        """Hold the write lock and roll everything back at the end."""
        with self._transaction("BEGIN IMMEDIATE"):
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        """See one state of the file, whatever other processes commit meanwhile; one such block may hold others."""
        with self._lock:
            if self._readers:
                yield
                return
            with self._transaction("BEGIN"):
                self._readers += 1
                try:
                    yield
                finally:
                    self._readers -= 1

    @contextmanager
    def part(self) -> Iterator[None]:
        """Undo what this block did when it ends with an exception; inside `writing` only."""
        self.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            if self._connection.in_transaction:  # a full disk may have ended the whole transaction
                self.execute("ROLLBACK TO part")
                self.execute("RELEASE part")
            raise
        self.execute("RELEASE part")

    def execute(self, sql: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        """Run one statement.

        Raises:
            TreeAccessError, TreeFormatError: SQLite could not.
        """
        try:
            with self._lock:
                return self._connection.execute(sql, values)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise _translated(error, self.name) from error

    def execute_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run one statement for each row.

        Raises:
            TreeAccessError, TreeFormatError: SQLite could not.
        """
        try:
            with self._lock:
                self._connection.executemany(sql, rows)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise _translated(error, self.name) from error

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """Return all rows of a query.

        Raises:
            TreeAccessError, TreeFormatError: SQLite could not.
        """
        try:
            with self._lock:
                return self._connection.execute(sql, values).fetchall()
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise _translated(error, self.name) from error

    def typed_rows(
        self, table: str, types: Sequence[type | tuple[type, ...]], sql: str, values: Sequence[object] = ()
    ) -> list[tuple[object, ...]]:
        """Return all rows of a query, if they are what this program writes.

        Args:
            table: what is asked for, for the error.
            types: what the columns hold.
            sql: the query.
            values: for its marks.

        Raises:
            TreeFormatError: a value is of another type, which a strict table only has where the file was damaged.
            TreeAccessError: SQLite could not.
        """
        found = self.rows(sql, values)
        if not all(all(map(isinstance, row, types)) for row in found):
            raise self.damaged(table)
        return found

    def damaged(self, table: str) -> TreeFormatError:
        """Return the error for what this program never writes."""
        return TreeFormatError(self.name, f"it is damaged: the table `{table}`", _ADVICE)

    def close(self) -> None:
        """Close the file; what was not committed is gone."""
        with self._lock, suppress(sqlite3.Error):  # a full disk: what the log holds is taken in at the next opening
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        """Keep other threads out; whatever is not committed at the end is rolled back."""
        with self._lock:
            if self._is_inside():
                raise ValueError(f"{self.name}: this thread is inside a transaction of the tree already")
            try:
                self.execute(begin)
                yield
            finally:
                if self._is_inside():  # a full disk may have ended it already
                    with suppress(sqlite3.Error):
                        self._connection.execute("ROLLBACK")

    def _is_inside(self) -> bool:
        try:
            return self._connection.in_transaction
        except sqlite3.ProgrammingError:  # closed
            return False

    def _check_layout(self) -> object:
        """Return the number of the layout, if this program reads it."""
        ((application,),) = self.rows("PRAGMA application_id")
        ((layout,),) = self.rows("PRAGMA user_version")
        if application != APPLICATION_ID:
            raise TreeFormatError(self.name, "it is no tree of this program", "make one with `smartcard-dm tree init`")
        if layout != LAYOUT and layout not in UPGRADES:
            detail = f"its layout is number {layout}, this program reads number {LAYOUT}"
            raise TreeFormatError(self.name, detail, "use the release that made it, or make a new one")
        return layout

    def _upgrade(self) -> None:
        """Give a file of an older layout what is new since, unless another process just did."""
        with self.writing():
            ((layout,),) = self.rows("PRAGMA user_version")
            while isinstance(layout, int) and layout in UPGRADES:
                for statement in UPGRADES[layout]:
                    self.execute(statement)
                layout += 1
            self.execute(f"PRAGMA user_version = {LAYOUT}")


def _connect(path: str) -> sqlite3.Connection:
    """Open a file that is there, or a database in memory; nothing is written yet."""
    if sqlite3.sqlite_version_info < _OLDEST:
        detail = f"this Python brings SQLite {sqlite3.sqlite_version}, and trees want 3.37 or later"
        raise TreeAccessError(path, detail, "use a Python with a later SQLite")
    name = path if path == _MEMORY else f"{Path(path).absolute().as_uri()}?mode=rw"
    return sqlite3.connect(name, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False, uri=True)


def _want_free(target: Path) -> None:
    """Refuse a name that is taken, by a file or by what SQLite left beside one.

    Raises:
        FileExistsError, TreeAccessError: it is.
    """
    if os.path.lexists(target):
        raise FileExistsError
    for ending in _BESIDE:
        left = Path(f"{target}{ending}")
        if os.path.lexists(left):
            detail = f"{left.name} of another file of this name is still there, and may hold some of its content"
            raise TreeAccessError(str(target), detail, "put it back beside its file, remove it, or give another name")


def _sync_folder(path: Path) -> None:
    """Put a new name on disk, as a file's content is by SQLite."""
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _translated(error: sqlite3.Error | UnicodeDecodeError, name: str) -> TreeAccessError | TreeFormatError:
    """Return our error; SQLite's messages quote a damaged schema, which then is no text (`UnicodeDecodeError`)."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if isinstance(error, UnicodeDecodeError) or code in _BROKEN or str(error).startswith(_DAMAGES):
        return TreeFormatError(name, "it is no tree of this program, or it is damaged", _ADVICE)
    detail, advice = _REMEDIES.get(code, (f"SQLite says: {error}", "look at the file and its disk"))
    return TreeAccessError(name, detail, advice)
