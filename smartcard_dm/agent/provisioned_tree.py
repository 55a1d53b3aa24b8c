"""The tree behind an agent: it takes in each card that comes, and carries out messages while that card is there.

Guarantees: one thing at a time, in the order it was asked for; a message is carried out only on a tree that holds the
card of the generation it was verified in, and is rolled back when that card left before the commit. A card that leaves
takes nothing out of the tree: its accounts go when another card is taken in, as at the power-on of a device.
Leaves to its caller: the tree's file, and threads.

Spec: design decisions D7 and D8; docs/tree.md.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from smartcard_dm.agent.problems import Problem, ProblemCode, generation_problem
from smartcard_dm.agent.snapshot import CardState
from smartcard_dm.errors import SmartcardDmError, TreeAccessError, TreeError, VerificationError
from smartcard_dm.report.tree_forms import applied_form, not_applied_form

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from smartcard_dm.agent.snapshot import Snapshot
    from smartcard_dm.report.forms import Form
    from smartcard_dm.tree import DeviceEvent, DeviceTree
    from smartcard_dm.trust.points import Decryptor
    from smartcard_dm.trust.policy import Policy
    from smartcard_dm.trust.transport import Transport


class _Noting:
    """A listener that takes note and does nothing: Exec is accepted, and the report says that it was."""

    def notify(self, event: DeviceEvent) -> None:
        """Take an event."""


class ProvisionedTree:
    """A device's tree that follows the agent's card."""

    def __init__(self, tree: DeviceTree, current: Callable[[], Snapshot]) -> None:
        self._tree = tree
        self._current = current
        self._lock = Lock()
        self._holds: int | None = None
        """The generation whose card it took in."""

    @property
    def holds(self) -> int | None:
        """The generation whose card the tree took in last; None before the first."""
        return self._holds

    def provision(self, snapshot: Snapshot, at: datetime) -> None:
        """Take in the card of a snapshot, if it is the one that is there and was not taken in yet.

        Raises:
            Problem: the tree could not.
        """
        with self._lock:
            self._provision(snapshot, at)

    def apply(
        self,
        octets: bytes,
        *,
        transport: Transport,
        at: datetime,
        policy: Policy,
        decryptor: Decryptor | None,
        snapshot: Snapshot,
    ) -> tuple[Form, bool]:
        """Carry out a message; return the form of `apply` and whether anything was committed.

        Raises:
            Problem: the card left, or the tree cannot be used; nothing of the message is in the tree.
        """

        def still_there() -> None:
            now = self._current()
            if now.generation != snapshot.generation:
                raise generation_problem(snapshot.generation, now)

        with self._lock:
            still_there()
            self._provision(snapshot, at)
            try:
                applied = self._tree.apply(
                    octets,
                    transport=transport,
                    at=at,
                    policy=policy,
                    decryptor=decryptor,
                    listener=_Noting(),
                    before_commit=still_there,
                )
            except VerificationError as error:
                return not_applied_form(error, None, dry_run=False), False
            except TreeError as error:
                raise _unavailable(error, snapshot) from error
        return applied_form(applied, None), True

    def _provision(self, snapshot: Snapshot, at: datetime) -> None:
        if self._holds == snapshot.generation or snapshot.state is not CardState.PRESENT:
            return
        if self._current().generation != snapshot.generation or snapshot.credentials is None:
            return
        try:
            self._tree.sync(snapshot.credentials, at=at)
        except SmartcardDmError as error:
            if isinstance(error, TreeAccessError):
                raise _unavailable(error, snapshot) from error
            raise Problem(ProblemCode.TREE_UNPROVISIONED, str(error), snapshot=snapshot) from error
        self._holds = snapshot.generation


def _unavailable(error: TreeError, snapshot: Snapshot) -> Problem:
    # The detail without the file's name: where the operator keeps the tree is not the clients' business.
    return Problem(ProblemCode.TREE_UNAVAILABLE, error.detail, snapshot=snapshot, remedy=error.advice)
