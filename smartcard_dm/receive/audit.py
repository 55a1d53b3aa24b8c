"""Where it is written down what became of each push: in the tree, in a file, or nowhere.

Guarantees: when `settle` returns, what was noted before is on the disk; a tree keeps as many refusals as its bound
says, the oldest go first. A message that was applied has its row in the tree already, from the same transaction.
Leaves to its caller: the form of a row of a file, and how long that file may grow.
"""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING, Final, Protocol, Self

from smartcard_dm.errors import AuditError
from smartcard_dm.receive.outcome import Verdict
from smartcard_dm.tree.audit import NotApplied

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smartcard_dm.limits import Limits
    from smartcard_dm.receive.outcome import Outcome
    from smartcard_dm.tree import DeviceTree

_GROUP: Final = 64
"""Rows that one flush of a file takes to the disk, where so many messages wait."""


class Audit(Protocol):
    """Takes note of outcomes."""

    @property
    def group(self) -> int:
        """How many outcomes may be noted before they are settled."""

    def note(self, outcome: Outcome) -> None:
        """Take note of an outcome.

        Raises:
            AuditError, TreeError: it cannot be written.
        """

    def settle(self) -> None:
        """Bring what was noted to the disk.

        Raises:
            AuditError, TreeError: it cannot be written.
        """


class Audits:
    """Several audits, each of which gets every outcome; none is allowed too."""

    def __init__(self, audits: Sequence[Audit]) -> None:
        self._audits = tuple(audits)
        self.group = min((audit.group for audit in self._audits), default=1)

    def note(self, outcome: Outcome) -> None:
        """Take note of an outcome."""
        for audit in self._audits:
            audit.note(outcome)

    def settle(self) -> None:
        """Bring what was noted to the disk."""
        for audit in self._audits:
            audit.settle()


class TreeAudit:
    """The audit of a tree: a row in a transaction of its own for each push that was not applied."""

    group = 1

    def __init__(self, tree: DeviceTree, limits: Limits) -> None:
        self._audit = tree.audit
        self._at_most = limits.audit_refusals

    def note(self, outcome: Outcome) -> None:
        """Write the row of an outcome, unless applying it wrote one.

        Raises:
            TreeAccessError: the file cannot be written.
        """
        if outcome.applied is None:
            self._audit.note_not_applied(_row(outcome), at_most=self._at_most)

    def settle(self) -> None:
        """Nothing: each row was on the disk when it was noted."""


class FileAudit:
    """A file of JSON Lines that only grows, readable by its owner only.

    Args:
        path: the file; it is made when it is not there.
        form: what a row says of an outcome, as JSON values.

    Raises:
        AuditError: it cannot be opened, or is no file.
    """

    group = _GROUP

    def __init__(self, path: str, form: Callable[[Outcome], dict[str, object]]) -> None:
        self._path = path
        self._form = form
        self._waiting: list[bytes] = []
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            reason = getattr(error, "strerror", None) or str(error)
            raise AuditError(path, f"it cannot be opened: {reason}", "give another --audit FILE") from error
        found = os.fstat(self._descriptor)
        if not stat.S_ISREG(found.st_mode):
            self.close()
            raise AuditError(path, "it is no file, so that nothing would be kept", "give another --audit FILE")
        if found.st_size and os.pread(self._descriptor, 1, found.st_size - 1) != b"\n":
            self._waiting.append(b"\n")  # the last line was cut, by a full disk or a crash: it stays alone

    def note(self, outcome: Outcome) -> None:
        """Make the row of an outcome."""
        self._waiting.append(json.dumps(self._form(outcome), separators=(",", ":")).encode("ascii") + b"\n")

    def settle(self) -> None:
        """Append the rows that wait, and bring them to the disk.

        Raises:
            AuditError: they could not be written whole.
        """
        if not self._waiting:
            return
        octets = b"".join(self._waiting)
        self._waiting.clear()
        try:
            while octets:
                octets = octets[os.write(self._descriptor, octets) :]
            os.fdatasync(self._descriptor)
        except OSError as error:
            advice = "make room, or give another --audit FILE"
            raise AuditError(self._path, f"it cannot be written: {error.strerror}", advice) from error

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _row(outcome: Outcome) -> NotApplied:
    return NotApplied(
        at=outcome.at,
        action="read" if outcome.verdict is Verdict.AUTHORIZED else "refuse",
        subject=outcome.server_id or "",
        digest=outcome.sha256,
        form={
            "document": outcome.document.value,
            "verdict": outcome.verdict.value,
            "step": None if outcome.step is None else int(outcome.step),
            "rule": outcome.rule,
            "clause": outcome.clause,
            "detail": outcome.detail,
            "transport": outcome.kind.value,
            "evidence": outcome.evidence,
            "source": outcome.source,
            "provisions": list(outcome.provisions),
        },
    )
