"""What goes into a batch and what comes out of it, one value for each target.

Guarantees: small tuples that travel between processes; what is wrong with a target is told without quoting its values.

A row is the place of a target among the targets of its file, from 1; a broken line counts as one. It is what messages
are numbered by, so that a batch that is resumed numbers them as before.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

TARGET_COLUMN = "target"
SESSION_COLUMN = "session_id"
MESSAGE_COLUMN = "msg_id"
"""Columns that fill the header of a message, where the document leaves it to them."""


class Problem(Enum):
    """What can be wrong with one target; the identifiers are stable."""

    LINE = "target.line"
    """The line cannot be read."""
    COLUMN = "target.column"
    """A column is no variable of the template."""
    VARIABLE = "target.variable"
    """A variable of the template has no value."""
    DUPLICATE = "target.duplicate"
    """An earlier row of this batch is for the same target."""
    MESSAGE = "target.message"
    """The values make no message, or one that is too large."""


class Target(NamedTuple):
    """One target as its file says."""

    row: int
    line: int
    """Of the file, from 1; the row where the file has no lines."""
    values: dict[str, str]
    """Text by name of column."""


class Failed(NamedTuple):
    """A target that gets no message, and why."""

    row: int
    line: int
    target: str | None
    """What its column `target` says, where it could be read."""
    problem: Problem
    detail: str
    """One clause; never a value."""


class Issued(NamedTuple):
    """A message."""

    row: int
    line: int
    target: str | None
    message: bytes
    """WBXML."""
    sha256: bytes
    """Of `message`."""


Result = Issued | Failed
