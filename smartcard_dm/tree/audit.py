"""What was done to the tree, by whom, when: one row for each message and each provisioning, in the same transaction.

Guarantees: a form is made of str, int, bool, None, list and dict only, and holds no secret; a long value is cut.
Leaves to its caller: printing.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from smartcard_dm.errors import TreeFormatError
from smartcard_dm.tree.events import AccountAdded, AccountRemoved, ExecRequested
from smartcard_dm.tree.replay import moment

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from smartcard_dm.tree.database import Database
    from smartcard_dm.tree.diff import Change, NodeState
    from smartcard_dm.tree.events import DeviceEvent
    from smartcard_dm.tree.journal import Rewritten, Skipped
    from smartcard_dm.tree.processor import CommandReport

Form = dict[str, object]

_LONGEST_VALUE: Final = 256
"""Characters of a value that a row of the audit keeps."""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One thing that was done."""

    number: int
    at: str
    """UTC, ISO 8601."""
    action: str
    """`init`, `apply` or `sync`."""
    subject: str
    """The ServerID of a message, the ICCID of a card."""
    digest: str | None
    """SHA-256 of a message's signed octets, hex."""
    session_id: str | None
    msg_id: str | None
    form: Form
    """What was done; its keys are those of the command's own JSON."""


class Audit:
    """The audit of one tree."""

    def __init__(self, database: Database) -> None:
        self._database = database

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

    def rows(self, *, last: int | None = None) -> list[AuditRow]:
        """Return the rows, the oldest first; with `last`, only that many of the newest.

        Raises:
            TreeFormatError: a row is damaged.
        """
        found = self._database.rows(
            "SELECT id, at, action, subject, digest, session_id, msg_id, form FROM audit ORDER BY id DESC LIMIT ?",
            (-1 if last is None else last,),
        )
        try:
            return [_row(row) for row in reversed(found)]
        except ValueError as error:  # no JSON; what stands there instead may be anything
            advice = "restore it, or make a new one"
            raise TreeFormatError(self._database.name, "it is damaged: the table `audit`", advice) from error


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
    number, at, action, subject, digest, session_id, msg_id, form = row
    return AuditRow(
        int(str(number)),
        str(at),
        str(action),
        str(subject),
        digest.hex() if isinstance(digest, bytes) else None,
        None if session_id is None else str(session_id),
        None if msg_id is None else str(msg_id),
        json.loads(str(form)),
    )
