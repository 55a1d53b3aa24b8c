"""Each message takes effect once: what the tree remembers of messages, and what it compares (step 10).

A message is remembered by the digest of its signed canonical octets, for each server. An entry is forgotten only when
it is older than the policy's window, and only to make room; a memory that is full inside the window refuses new
messages instead. The highest SessionID and MsgID of each server are never forgotten, for the policy `monotonic`.

Guarantees: comparing and remembering see the same state when they are inside one transaction.
Leaves to its caller: that transaction.

Spec: design decision D6; the sessionless draft says nothing about freshness.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Final

from smartcard_dm.errors import VerificationError
from smartcard_dm.rules import Rule

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from smartcard_dm.tree.database import Database
    from smartcard_dm.tree.policy import ReplayPolicy
    from smartcard_dm.trust.points import MessageIdentity

_LARGEST: Final = (1 << 63) - 1
"""The largest number SQLite keeps."""


def moment(at: datetime) -> str:
    """Return a moment as the tables of the tree write it: UTC, so that texts compare as times do."""
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def _before(at: datetime, window: timedelta) -> str:
    """Return the moment before which a message may be forgotten; for early moments none is."""
    try:
        return moment(at - window)
    except OverflowError:
        return ""


class ReplayMemory:
    """A `trust.points.ReplayGuard` over the tables of a tree."""

    def __init__(self, database: Database, policy: ReplayPolicy) -> None:
        self._database = database
        self._policy = policy

    def check(self, message: MessageIdentity, at: datetime) -> str:
        """Return what was established, or refuse.

        Raises:
            VerificationError: `replay.seen`, `replay.order` or `replay.full`.
        """
        server_id = str(message.server_id)
        seen = self._database.rows(
            "SELECT at FROM replay WHERE server_id = ? AND digest = ?", (server_id, message.digest)
        )
        if seen:
            detail = f"this message of {server_id} took effect at {seen[0][0]}, and takes effect once"
            raise VerificationError(Rule.REPLAYED, detail)
        if self._policy.monotonic:
            self._want_growth(message)
        remembered = self._count(server_id)
        if remembered >= self._policy.messages and not self._old(server_id, at):
            detail = (
                f"{remembered} messages of {server_id} are remembered, as many as the policy allows, "
                f"and all of them are younger than its window of {self._policy.window.days} days"
            )
            raise VerificationError(Rule.REPLAY_FULL, detail)
        order = ", and later than every other" if self._policy.monotonic else ""
        return f"not among the {remembered} messages remembered of {server_id}{order}"

    def remember(self, message: MessageIdentity, at: datetime) -> None:
        """Note a message that takes effect; forget what is too old when there is no room for it."""
        server_id = str(message.server_id)
        remembered = self._count(server_id)
        if remembered >= self._policy.messages:
            remembered -= self._database.execute(
                "DELETE FROM replay WHERE server_id = ? AND at < ?", (server_id, _before(at, self._policy.window))
            ).rowcount
        self._database.execute(
            "INSERT INTO replay VALUES (?, ?, ?, ?, ?)",
            (server_id, message.digest, message.session_id, message.msg_id, moment(at)),
        )
        self._database.execute("INSERT OR REPLACE INTO replay_count VALUES (?, ?)", (server_id, remembered + 1))
        numbers = _numbers(message)
        if numbers is not None:
            self._database.execute(
                "INSERT INTO replay_mark VALUES (?, ?, ?) ON CONFLICT (server_id) DO UPDATE SET "
                "session_id = excluded.session_id, msg_id = excluded.msg_id "
                "WHERE (excluded.session_id, excluded.msg_id) > (session_id, msg_id)",
                (server_id, *numbers),
            )

    def _want_growth(self, message: MessageIdentity) -> None:
        numbers = _numbers(message)
        if numbers is None:
            detail = (
                f"the policy wants numbers that grow, found SessionID {message.session_id!r:.40} "
                f"and MsgID {message.msg_id!r:.40}"
            )
            raise VerificationError(Rule.REPLAY_ORDER, detail, place="/SyncML/SyncHdr")
        sql = "SELECT session_id, msg_id FROM replay_mark WHERE server_id = ?"
        marks = self._database.typed_rows("replay_mark", (int, int), sql, (str(message.server_id),))
        if marks and numbers <= marks[0]:
            detail = (
                f"SessionID {numbers[0]} and MsgID {numbers[1]} are not later than "
                f"{marks[0][0]} and {marks[0][1]}, which took effect before"
            )
            raise VerificationError(Rule.REPLAY_ORDER, detail, place="/SyncML/SyncHdr")

    def _count(self, server_id: str) -> int:
        """Return how many messages of a server are remembered."""
        match self._database.rows("SELECT messages FROM replay_count WHERE server_id = ?", (server_id,)):
            case []:
                return 0
            case [(int() as remembered,)]:
                return remembered
        raise self._database.damaged("replay_count")

    def _old(self, server_id: str, at: datetime) -> bool:
        """Whether something may be forgotten."""
        before = _before(at, self._policy.window)
        sql = "SELECT 1 FROM replay WHERE server_id = ? AND at < ? LIMIT 1"
        return bool(self._database.rows(sql, (server_id, before)))


def _numbers(message: MessageIdentity) -> tuple[int, int] | None:
    """Return SessionID and MsgID as numbers; None when they are none, or too large to keep."""
    texts = (message.session_id, message.msg_id)
    if not all(text.isascii() and text.isdecimal() and len(text) <= 19 for text in texts):
        return None
    session_id, msg_id = map(int, texts)
    return (session_id, msg_id) if max(session_id, msg_id) <= _LARGEST else None
