"""Carrying out the commands of a message, one after the other, with a status for each.

    Add Replace Delete Copy   one status for each item; an item that fails changes nothing
    Exec                      202 when the request was passed on
    Sequence                  200; its commands in order; one that fails does not stop the next
    Atomic                    200, or 507 and nothing done: what had succeeded gets 216, what was not reached 215
    Get Alert Status Results  no effect: there is no response, and no earlier message of this device to speak of

Outside Sequence and Atomic a client may choose the order: here it is that of the message.

Guarantees: the report has a row for every command and item, in the order of the message; nothing is ever sent.
Leaves to its caller: the transaction, the accounts that came or went, and telling the embedder.

Spec: OMA-TS-DM_Sessionless 5.5; OMA-TS-DM_RepPro-V1_2_1, 6.5 and 10; OMA-TS-DM_Protocol-V1_2_1, 8.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from smartcard_dm.dm import CommandKind, GroupCommand, ItemCommand, walk_commands
from smartcard_dm.tree.items import NO_RESPONSE, ItemProcessor
from smartcard_dm.tree.status import CommandRefused, StatusCode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smartcard_dm.dm import DmCommand, Item
    from smartcard_dm.tree.context import Context
    from smartcard_dm.tree.database import Database
    from smartcard_dm.tree.plan import Plan

_NO_EFFECT: Final = {
    CommandKind.ALERT: f"an Alert has no effect in a sessionless message: {NO_RESPONSE}",
    CommandKind.STATUS: "a Status has no effect: this device sent no message it could answer",
    CommandKind.RESULTS: "Results have no effect: this device asked for none",
}
_ILLEGAL_IN_ATOMIC: Final = frozenset({CommandKind.ATOMIC, CommandKind.GET})


@dataclass(frozen=True, slots=True)
class CommandReport:
    """What became of one command, or of one item of it."""

    cmd_id: str
    command: CommandKind
    target: str | None
    """Target/LocURI of the item as written; None for a command without items."""
    status: StatusCode
    detail: str = ""
    """Why it has this status, in one sentence; empty where nothing is to be said."""


class _RolledBack(Exception):  # noqa: N818 - carries an Atomic's end out of its savepoint
    """A command of an Atomic failed; `reached` tells how many of its commands had been begun."""

    def __init__(self, row: CommandReport, reached: int) -> None:
        self.row = row
        self.reached = reached
        super().__init__()


class Processor:
    """Carries out the commands of one message."""

    def __init__(self, database: Database, context: Context, plan: Plan) -> None:
        self._database = database
        self._context = context
        self._items = ItemProcessor(context, plan)

    def carry_out(self, commands: Iterable[DmCommand]) -> list[CommandReport]:
        """Carry out commands in order and return a row for each command and item."""
        rows: list[CommandReport] = []
        for command in commands:
            rows += self._command(command)
        return rows

    def _command(self, command: DmCommand) -> list[CommandReport]:
        if isinstance(command, GroupCommand):
            group = self._atomic if command.kind is CommandKind.ATOMIC else self._sequence
            return group(command)
        if not isinstance(command, ItemCommand):
            return [
                CommandReport(command.cmd_id, command.kind, None, StatusCode.NOT_EXECUTED, _NO_EFFECT[command.kind])
            ]
        rows: list[CommandReport] = []
        for item in command.items:
            status, detail = self._item(command, item)
            if command.no_resp:
                detail = "; ".join([*([detail] if detail else []), "NoResp is noted: nothing is ever answered"])
            rows.append(CommandReport(command.cmd_id, command.kind, item.target, status, detail))
        return rows

    def _item(self, command: ItemCommand, item: Item) -> tuple[StatusCode, str]:
        context = self._context
        mark = context.journal.mark()
        try:
            with self._database.part():
                status = self._items.carry_out(command, item)
        except CommandRefused as refused:
            context.journal.forget_since(mark)
            return refused.status, refused.detail
        said = [f"{each.uri}: {each.why}" for each in context.journal.skipped[mark.skipped :]]
        return status, f"left out: {'; '.join(said)}" if said else ""

    def _sequence(self, command: GroupCommand) -> list[CommandReport]:
        return [CommandReport(command.cmd_id, command.kind, None, StatusCode.OK), *self.carry_out(command.commands)]

    def _atomic(self, command: GroupCommand) -> list[CommandReport]:
        mark = self._context.journal.mark()
        rows: list[CommandReport] = []
        try:
            with self._database.part():
                self._all(command, rows)
        except _RolledBack as failed:
            self._context.journal.forget_since(mark)
            detail = (
                f"command {failed.row.cmd_id} failed with {int(failed.row.status)}; nothing of this Atomic was done"
            )
            group = CommandReport(command.cmd_id, command.kind, None, StatusCode.ATOMIC_FAILED, detail)
            rest = [row for inner in command.commands[failed.reached :] for row in _not_reached(inner)]
            return [group, *map(_undone, rows), *rest]
        return [CommandReport(command.cmd_id, command.kind, None, StatusCode.OK), *rows]

    def _all(self, command: GroupCommand, rows: list[CommandReport]) -> None:
        """Carry out all commands of an Atomic, or raise at the first that fails."""
        for reached, inner in enumerate(command.commands, 1):
            found = self._inside_atomic(inner)
            rows += found
            for row in found:
                if not row.status.is_success and row.status is not StatusCode.NOT_EXECUTED:
                    raise _RolledBack(row, reached)

    def _inside_atomic(self, command: DmCommand) -> list[CommandReport]:
        """Carry out a command of an Atomic, where Get and another Atomic may not stand, at any depth."""
        illegal = next((each for each in walk_commands([command]) if each.kind in _ILLEGAL_IN_ATOMIC), None)
        if illegal is None:
            return self._command(command)
        detail = f"{illegal.kind.value} may not stand inside Atomic"
        return [
            replace(row, status=StatusCode.COMMAND_FAILED, detail=detail) if row.cmd_id == illegal.cmd_id else row
            for row in _not_reached(command)
        ]


def _not_reached(command: DmCommand) -> list[CommandReport]:
    """Return the rows of a command, and of those inside it, that was not carried out."""
    rows: list[CommandReport] = []
    for each in walk_commands([command]):
        targets = [item.target for item in each.items] if isinstance(each, ItemCommand) else [None]
        rows += [CommandReport(each.cmd_id, each.kind, target, StatusCode.NOT_EXECUTED) for target in targets]
    return rows


def _undone(row: CommandReport) -> CommandReport:
    if not row.status.is_success:
        return row
    return replace(row, status=StatusCode.ATOMIC_ROLL_BACK_OK, detail="done, and rolled back with its Atomic")


def not_carried_out(commands: Iterable[DmCommand], detail: str) -> list[CommandReport]:
    """Return the report of a message of which nothing was carried out."""
    return [replace(row, detail=detail) for command in commands for row in _not_reached(command)]
