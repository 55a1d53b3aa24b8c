"""What was done to the tree, by whom, when: one row for each message and each provisioning, in the same transaction.

What was pushed and not applied has rows too, where a receiver writes them: as many as it says, the oldest go first, so
that nobody without an account can fill a disk. Rows of what was applied are never dropped.

Guarantees: a form is made of str, int, bool, None, list and dict only, and holds no secret; a long value is cut.
Leaves to its caller: printing.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from smartcard_dm.tree.events import AccountAdded, AccountRemoved, ExecRequested
from smartcard_dm.tree.replay import moment
from smartcard_dm.tree.schema import NOT_APPLIED

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from smartcard_dm.tree.database import Database
    from smartcard_dm.tree.diff import Change, NodeState
    from smartcard_dm.tree.events import DeviceEvent
    from smartcard_dm.tree.journal import Rewritten, Skipped
    from smartcard_dm.tree.processor import CommandReport

Form = dict[str, object]

ACTIONS: Final = ("init", "apply", "sync", "refuse", "read", "release")
"""What a row can be about, see `AuditRow.action`."""
PUSHED: Final = ("document", "verdict", "step", "rule", "clause", "detail", "source", "provisions")
"""Keys that only a row about what was not applied has."""

_LONGEST_VALUE: Final = 256
"""Characters of a value that a row of the audit keeps."""
_LONGEST_LIST: Final = 16
"""Entries of a list that a row about what was not applied keeps."""
_MADE_ROOM: Final = 16
"""One in so many rows about what was not applied is dropped besides when there are too many: not one for each new."""
_COUNT: Final = f"SELECT count(*) FROM audit WHERE {NOT_APPLIED}"  # noqa: S608 - of constants
_DROP: Final = f"""
    DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE {NOT_APPLIED} ORDER BY id LIMIT ?)
"""  # noqa: S608 - same


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One thing that was done."""

    number: int
    at: str
    """UTC, ISO 8601."""
    action: str
    """`init`, `apply` or `sync`; `refuse` and `read` for what was pushed and not applied; `release` by an agent."""
    subject: str
    """The ServerID of a message, the ICCID of a card; of a message that was refused, the ServerID it claims, or ""."""
    digest: str | None
    """SHA-256 of a message's signed octets, hex; of what was not applied, of its octets as they came."""
    session_id: str | None
    msg_id: str | None
    form: Form
    """What was done; its keys are those of the command's own JSON."""


@dataclass(frozen=True, slots=True)
class NotApplied:
    """What was pushed and not applied, for a row of its own."""

    at: datetime
    action: str
    """`refuse`, or `read` for a document that is read and never applied."""
    subject: str
    """The ServerID it claims; "" where none was read."""
    digest: bytes | None
    """SHA-256 of its octets; None where there are none."""
    form: Form
    """Plain values; each text and each list is cut."""


class Audit:
    """The audit of one tree."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counted = (-1, 0)
        """Rows about what was not applied, and the state of the file at which they were counted."""

    def note(
        self,
        at: datetime,
        action: str,
        subject: str,
        form: Form,
        *,
        digest: bytes | None = None,
        session_id: str | None = None,
        msg_id: str | None = None,
    ) -> None:
        """Add a row."""
        text = json.dumps(form, ensure_ascii=False, separators=(",", ":"))
        self._database.execute(
            "INSERT INTO audit (at, action, subject, digest, session_id, msg_id, form) VALUES (?,?,?,?,?,?,?)",
            (moment(at), action, subject, digest, session_id, msg_id, text),
        )

    def note_not_applied(self, row: NotApplied, *, at_most: int) -> None:
        """Add a row about what was pushed and not applied, and drop the oldest of its kind; one transaction.

        Args:
            row: what was pushed.
            at_most: how many such rows are kept; some fewer are, right after there were as many.

        Raises:
            TreeAccessError: the file cannot be written.
        """
        form = {name: _short(value) for name, value in row.form.items()}
        with self._database.writing():
            self.note(row.at, row.action, str(_short(row.subject)), form, digest=row.digest)
            count = self._count_not_applied()
            if count > at_most:
                over = count - at_most + at_most // _MADE_ROOM
                self._database.execute(_DROP, (over,))
                count -= over
        self._counted = (self._counted[0], count)

    def _count_not_applied(self) -> int:
        """Return how many rows there are about what was not applied, one that was just added among them.

        They are counted again only when another connection changed the file: ten thousand rows take a millisecond.
        """
        ((state,),) = self._database.rows("PRAGMA data_version")
        before, count = self._counted
        if state == before:
            return count + 1
        ((found,),) = self._database.rows(_COUNT)
        assert isinstance(found, int)  # noqa: S101 - what count() gives
        assert isinstance(state, int)  # noqa: S101 - what the pragma gives
        self._counted = (state, found)
        return found

    def rows(self, *, last: int | None = None, action: str | None = None) -> list[AuditRow]:
        """Return the rows, the oldest first.

        Args:
            last: only that many of the newest.
            action: only those of this action.

        Raises:
            TreeFormatError: a row is damaged.
        """
        found = self._database.rows(
            "SELECT id, at, action, subject, digest, session_id, msg_id, form FROM audit "
            "WHERE ?1 IS NULL OR action = ?1 ORDER BY id DESC LIMIT ?2",
            (action, -1 if last is None else last),
        )
        try:
            return [_row(row) for row in reversed(found)]
        except ValueError as error:
            raise self._database.damaged("audit") from error


def report_form(rows: Iterable[CommandReport]) -> list[Form]:
    """Return the form of a report."""
    return [
        {
            "cmd_id": row.cmd_id,
            "command": row.command.value,
            "target": row.target,
            "status": int(row.status),
            "status_text": row.status.text,
            "detail": row.detail or None,
        }
        for row in rows
    ]


def diff_form(changes: Iterable[Change], *, longest: int | None = None) -> list[Form]:
    """Return the form of a difference; with `longest`, values are cut after so many characters."""
    return [
        {
            "uri": change.uri,
            "change": change.kind.value,
            "from": change.old_uri,
            "before": _state_form(change.before, longest),
            "after": _state_form(change.after, longest),
        }
        for change in changes
    ]


def rewritten_form(rewritten: Iterable[Rewritten]) -> list[Form]:
    """Return the form of references that were rewritten."""
    return [{"uri": each.uri, "before": each.before, "after": each.after} for each in rewritten]


def skipped_form(skipped: Iterable[Skipped]) -> list[Form]:
    """Return the form of what was left out."""
    return [{"uri": each.uri, "what": each.what, "why": each.why} for each in skipped]


def event_form(event: DeviceEvent) -> Form:
    """Return the form of an event; what an Exec carries is not in it."""
    form: Form = {"event": _EVENT_NAMES.get(type(event), "session-wanted"), "server_id": str(event.server_id)}
    if isinstance(event, AccountAdded | ExecRequested):
        form["uri"] = event.uri
    if isinstance(event, ExecRequested):
        form["correlator"] = event.correlator
    return form


def audit_changes(changes: Iterable[Change]) -> list[Form]:
    """Return the form of a difference as a row of the audit keeps it."""
    return diff_form(changes, longest=_LONGEST_VALUE)


_EVENT_NAMES: Final[dict[type, str]] = {
    AccountAdded: "account-added",
    AccountRemoved: "account-removed",
    ExecRequested: "exec-requested",
}


def _short(value: object) -> object:
    """Return a value of a stranger as a row keeps it."""
    if isinstance(value, str):
        text = value[:_LONGEST_VALUE].encode("utf-8", "backslashreplace").decode()  # half a character is no text
        return text if len(value) <= _LONGEST_VALUE else f"{text}…"
    if isinstance(value, list):
        return [*map(_short, value[:_LONGEST_LIST]), *(["…"] if len(value) > _LONGEST_LIST else [])]
    return value


def _state_form(state: NodeState | None, longest: int | None) -> Form | None:
    if state is None:
        return None
    value = base64.b64encode(state.value).decode() if isinstance(state.value, bytes) else state.value
    if longest is not None and value is not None and len(value) > longest:
        value = f"{value[:longest]}…"
    return {
        "format": state.format,
        "value": value,
        "secret": state.secret,
        "acl": state.acl,
        "type": state.type,
        "title": state.title,
    }


def _row(row: tuple[object, ...]) -> AuditRow:
    """Return a row.

    Raises:
        ValueError: its form is no JSON, or no form of its action.
    """
    number, at, action, subject, digest, session_id, msg_id, text = row
    form = json.loads(str(text))
    if not _is_form(str(action), form):
        raise ValueError(f"no form of {action!r}")
    return AuditRow(
        int(str(number)),
        str(at),
        str(action),
        str(subject),
        digest.hex() if isinstance(digest, bytes) else None,
        None if session_id is None else str(session_id),
        None if msg_id is None else str(msg_id),
        form,
    )


def _is_form(action: str, form: object) -> bool:
    """Whether a form has what those who print it look for."""
    if not isinstance(form, dict):
        return False
    report = form.get("report", [])
    if not isinstance(report, list):
        return False
    if not all(isinstance(each, dict) and isinstance(each.get("status"), int) for each in report):
        return False
    return action not in {"refuse", "read"} or form.keys() >= {"transport", *PUSHED}
