"""Messages of a batch as others find them: in a folder, in a file of JSON Lines, in an outbox.

Guarantees: one after another in bounded memory; a line that cannot be read is told and the next one is read.
Leaves to its caller: verifying them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final, NamedTuple

from smartcard_dm.errors import BatchError
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.server.batch_ledger import APPLICATION_ID
from smartcard_dm.server.batch_lines import bounded_lines
from smartcard_dm.server.batch_records import Issued

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from smartcard_dm.limits import Limits

SUFFIX: Final = ".wbxml"
"""Of the files of a folder of messages."""
_SQLITE: Final = b"SQLite format 3\0"
_ADVICE: Final = "give a folder of messages, a file of JSON Lines or an outbox, as issue --batch writes them"


class Found(NamedTuple):
    """A message, or what stands in its place."""

    name: str
    """The file, or file and line or row."""
    target: str | None
    octets: bytes | None
    """None where there is no message to be read."""
    problem: str | None
    """Why there is none."""


def message_line(issued: Issued) -> bytes:
    """Return a message as a line of JSON Lines, its end included."""
    form = {
        "row": issued.row,
        "line": issued.line,
        "target": issued.target,
        "sha256": issued.sha256.hex(),
        "message": base64.b64encode(issued.message).decode("ascii"),
    }
    return json.dumps(form).encode("ascii") + b"\n"


def read_message_line(octets: bytes) -> Issued | None:
    """Return the message of a line that `message_line` wrote, whole; None for any other line."""
    try:
        form = json.loads(octets)
        target = form["target"]
        message = base64.b64decode(form["message"], validate=True)
        issued = Issued(int(form["row"]), int(form["line"]), target, message, bytes.fromhex(form["sha256"]))
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        return None
    whole = hashlib.sha256(message).digest() == issued.sha256
    return issued if whole and (target is None or isinstance(target, str)) else None


def read_messages(place: Path, *, limits: Limits = DEFAULT_LIMITS) -> Iterator[Found]:
    """Yield every message of a folder, a file of JSON Lines or an outbox.

    Args:
        place: the folder or file.
        limits: `message_octets` bounds what is read of each message.

    Raises:
        BatchError: it is none of the three, or cannot be read.
    """
    try:
        if place.is_dir():
            yield from _of_folder(place, limits)
            return
        with place.open("rb") as stream:
            outbox = stream.read(len(_SQLITE)) == _SQLITE
    except OSError as error:
        raise BatchError(str(place), f"it cannot be read: {error.strerror}", _ADVICE) from error
    yield from (_of_outbox if outbox else _of_lines)(place, limits)


def _of_folder(place: Path, limits: Limits) -> Iterator[Found]:
    with os.scandir(place) as entries:
        names = sorted(entry.name for entry in entries if entry.name.endswith(SUFFIX) and entry.name[0] != ".")
    if not names:
        raise BatchError(str(place), f"the folder holds no file whose name ends with {SUFFIX}", _ADVICE)
    for name in names:
        path = place / name
        with path.open("rb") as stream:
            yield Found(str(path), None, stream.read(limits.message_octets + 1), None)


def _of_lines(place: Path, limits: Limits) -> Iterator[Found]:
    bound = 2 * limits.message_octets + limits.target_octets
    with place.open("rb") as stream:
        for line in bounded_lines(stream, bound):
            name = f"{place}, line {line.number}"
            issued = None if line.octets is None else read_message_line(line.octets)
            if issued is None:
                problem = "no line of JSON with a message" if line.octets is not None else "the line is too long"
                yield Found(name, None, None, problem)
            else:
                yield Found(name, issued.target, issued.message, None)


def _of_outbox(place: Path, limits: Limits) -> Iterator[Found]:
    try:
        with closing(sqlite3.connect(f"{place.absolute().as_uri()}?mode=ro", uri=True, timeout=30.0)) as connection:
            ((application,),) = connection.execute("PRAGMA application_id")
            if application != APPLICATION_ID:
                raise BatchError(str(place), "it is no outbox of a batch", _ADVICE)
            rows = connection.execute(
                "SELECT row, target, substr(message, 1, ?) FROM message WHERE problem IS NULL ORDER BY row",
                (limits.message_octets + 1,),
            )
            for row, target, message in rows:
                problem = None if message is not None else "its message is kept elsewhere"
                yield Found(f"{place}, row {row}", target, message, problem)
    except sqlite3.Error as error:
        raise BatchError(str(place), f"it cannot be read: {error}", _ADVICE) from error
