"""Files of targets: CSV with a header row (RFC 4180), JSON Lines, Parquet; by the end of the file's name.

Guarantees: targets are read one after another in bounded memory; a line that cannot be read is a `Failed` of its own
and the next one is read; a file that cannot be read at all, or whose header row is wrong, is a `DmError`. No error
quotes a value. Leaves to its caller: whether the columns fit a template.

A CSV record may hold line ends between quotes. Where quotes are not closed, the first line of what would be the record
is the broken one, and reading goes on behind it.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from smartcard_dm.errors import DmError
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.server.batch_lines import Line, bounded_lines
from smartcard_dm.server.batch_parquet import ParquetTargets
from smartcard_dm.server.batch_records import Failed, Problem, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from smartcard_dm.limits import Limits

STRUCTURE: Final = "targets file"
FORMS: Final = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
"""Form of a targets file by the end of its name."""
_BLOCK: Final = 1 << 20
_SPANNED_LINES: Final = 100
"""Lines that one CSV record may span, so that a quote nobody closed is noticed soon."""
_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Targets:
    """A file of targets that was looked at once."""

    path: Path
    form: str
    """csv, jsonl or parquet."""
    columns: tuple[str, ...] | None
    """Names of the columns; None where each target says its own (JSON Lines)."""
    sha256: str
    """Of the file, in hex: what tells whether a batch is resumed with the same targets."""
    estimate: int
    """How many targets there are, roughly: records that span lines and empty lines are not told apart."""
    limits: Limits

    def read(self) -> Iterator[Target | Failed]:
        """Yield every target in the order of the file, with a `Failed` for each that cannot be read.

        Raises:
            DmError: the file cannot be read any further.
        """
        if self.form == "parquet":
            yield from ParquetTargets(self.path).read()
            return
        read = _read_csv if self.form == "csv" else _read_json_lines
        with self.path.open("rb") as stream:
            bound = self.limits.target_octets
            yield from read(bounded_lines(stream, bound), bound)


def open_targets(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> Targets:
    """Look at a file of targets: its form, its columns, its digest.

    Raises:
        DmError: the name ends as none of the forms does, or the header row is wrong.
        OSError: it cannot be read.
    """
    form = FORMS.get(path.suffix.lower())
    if form is None:
        raise DmError(STRUCTURE, f"its name ends as no form of targets does, wanted one of {', '.join(FORMS)}")
    sha256, lines = _digest(path)
    columns: tuple[str, ...] | None = None
    if form == "csv":
        with path.open("rb") as stream:
            columns = _header(bounded_lines(stream, limits.target_octets))
        lines -= 1
    elif form == "parquet":
        parquet = ParquetTargets(path)
        columns, lines = parquet.columns, parquet.rows
    return Targets(path, form, columns, sha256, max(lines, 0), limits)


def _digest(path: Path) -> tuple[str, int]:
    digest, lines, last = hashlib.sha256(), 0, b"\n"
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
            lines += block.count(b"\n")
            last = block[-1:]
    return digest.hexdigest(), lines + (last != b"\n")


def _read_csv(lines: Iterator[Line], bound: int) -> Iterator[Target | Failed]:
    columns = _header(lines)
    row = 0
    for record in _records(lines, len(columns), bound):
        row += 1
        first = record[0].number
        try:
            fields = _fields(record)
        except _BrokenError as error:
            yield Failed(row, first, None, Problem.LINE, str(error))
            continue
        if len(fields) != len(columns):
            detail = f"wanted {len(columns)} fields, as the header row has, found {len(fields)}"
            yield Failed(row, first, None, Problem.LINE, detail)
            continue
        yield Target(row, first, dict(zip(columns, fields, strict=True)))


class _BrokenError(Exception):
    """A line that cannot be read; says why in one clause. Never leaves this module."""


def _header(lines: Iterator[Line]) -> tuple[str, ...]:
    """Read the header row of CSV; it stands on one line."""
    line = next(lines, None)
    if line is None:
        raise DmError(STRUCTURE, "it is empty, wanted a header row with the names of the columns")
    if line.octets is not None:
        line = Line(line.number, line.octets.removeprefix(_BOM))
    try:
        names = _fields([line])
    except _BrokenError as error:
        raise DmError(STRUCTURE, f"the header row cannot be read: {error}", place="line 1") from error
    check_columns(names)
    return tuple(names)


def check_columns(names: list[str]) -> None:
    """Refuse names of columns that are empty or stand twice.

    Raises:
        DmError: one is.
    """
    for name in names:
        if not name or not name.isprintable():
            raise DmError(STRUCTURE, "a column has no name, or one that does not print", place="header row")
        if names.count(name) > 1:
            raise DmError(STRUCTURE, f"the column {name!r:.60} stands twice", place="header row")


def _records(lines: Iterator[Line], columns: int, bound: int) -> Iterator[list[Line]]:
    """Yield the lines of each record: several where a quote is open at the end of a line and closed on a later one."""
    ahead: deque[Line] = deque()

    def at(index: int) -> Line | None:
        while len(ahead) <= index:
            line = next(lines, None)
            if line is None:
                return None
            ahead.append(line)
        return ahead[index]

    while (line := at(0)) is not None:
        taken = _closed_behind(at, columns, bound) if _leaves_open(line) else 1
        record = [ahead.popleft() for _ in range(taken)]
        if record[0].octets != b"":
            yield record


def _closed_behind(at: Callable[[int], Line | None], columns: int, bound: int) -> int:
    """Return how many lines a record takes whose first one leaves a quote open; 1 where it is never closed."""
    octets: list[bytes] = []
    for index in range(_SPANNED_LINES):
        line = at(index)
        if line is None or line.octets is None or sum(map(len, octets)) + len(line.octets) > bound:
            return 1
        octets.append(line.octets)
        if index and _leaves_open(line):
            try:
                found = len(_split(b"\n".join(octets)))
            except _BrokenError:
                return 1
            return index + 1 if found == columns else 1
    return 1


def _leaves_open(line: Line) -> bool:
    return line.octets is not None and line.octets.count(b'"') % 2 == 1


def _fields(record: list[Line]) -> list[str]:
    octets = [line.octets for line in record if line.octets is not None]
    if len(octets) != len(record):
        raise _BrokenError("the line is too long")
    return _split(b"\n".join(octets))


def _split(octets: bytes) -> list[str]:
    try:
        text = octets.decode()
    except UnicodeDecodeError as error:
        raise _BrokenError(f"not UTF-8 at octet {error.start}") from error
    if '"' not in text:
        return text.split(",")
    if text.count('"') % 2:
        raise _BrokenError("a quote is opened and not closed")
    try:
        return next(csv.reader([text], strict=True))
    except (csv.Error, StopIteration) as error:
        raise _BrokenError("quotes stand where RFC 4180 has none") from error


def _read_json_lines(lines: Iterator[Line], _: int) -> Iterator[Target | Failed]:
    row = 0
    for line in lines:
        if line.octets is not None and not line.octets.strip():
            continue
        row += 1
        try:
            yield Target(row, line.number, _object(line))
        except _BrokenError as error:
            yield Failed(row, line.number, None, Problem.LINE, str(error))


def _object(line: Line) -> dict[str, str]:
    if line.octets is None:
        raise _BrokenError("the line is too long")
    octets = line.octets.removeprefix(_BOM) if line.number == 1 else line.octets
    try:
        found = json.loads(
            octets.decode(), object_pairs_hook=_members, parse_constant=_no_number, parse_float=_no_number
        )
    except UnicodeDecodeError as error:
        raise _BrokenError(f"not UTF-8 at octet {error.start}") from error
    except json.JSONDecodeError as error:
        raise _BrokenError(f"not JSON at character {error.pos}") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, brackets without end
        raise _BrokenError("not JSON that can be read") from error
    if not isinstance(found, _Members):
        raise _BrokenError("wanted a JSON object")
    return found.texts()


class _Members(dict[str, object]):
    def texts(self) -> dict[str, str]:
        values = {}
        for name, value in self.items():
            if isinstance(value, bool):
                values[name] = "true" if value else "false"
            elif isinstance(value, int | str):
                values[name] = str(value)
            elif value is not None:
                raise _BrokenError(f"the value of {name!r:.60} is no text, whole number, true or false")
        return values


def _members(pairs: list[tuple[str, object]]) -> _Members:
    members = _Members(pairs)
    if len(members) != len(pairs):
        raise _BrokenError("a name stands twice in one object")
    return members


def _no_number(_: str) -> object:
    raise _BrokenError("a number that is not whole: write it as text, the way the message shall have it")
