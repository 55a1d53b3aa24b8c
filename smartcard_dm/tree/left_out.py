"""Places of one message that the device does not handle: what is sent there is passed over, and the message goes on.

Guarantees: what stands below something that was passed over is passed over too, in every later command of the message,
whether it came as a TNDS object or node by node; an Add of the very place begins it anew, such as another version of an
object. What a rolled back Atomic passed over is forgotten with it.
Leaves to its caller: finding objects inside TNDS objects (see `plan` and `draft`).

Spec: OMA-TS-DM_Sessionless 5.5 (items of the EXT sub-tree; objects that are not supported).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smartcard_dm.tree.described import types_of
from smartcard_dm.tree.journal import Skipped
from smartcard_dm.tree.status import CommandRefused, StatusCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from smartcard_dm.dm import NodeUri
    from smartcard_dm.tree.context import Context
    from smartcard_dm.tree.described import Knowledge
    from smartcard_dm.tree.nodes import Lineage

_EXT: str = "nobody handles this vendor branch"
_OBJECT: str = "the device does not support this management object"
_BELOW: str = "what it belongs to is left out"


class LeftOut:
    """What one message adds and the device passes over."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def passes_over(self, uri: NodeUri, *, begins: bool = False) -> bool:
        """Whether a place is, or is below, what was passed over before; it is then noted.

        Args:
            uri: the place.
            begins: whether a node is added at the place itself: only what is below is passed over then.
        """
        journal = self._context.journal
        if not journal.left_out:
            return False
        lengths = range(1, len(uri.segments) + (0 if begins else 1))
        if any(uri.segments[:length] in journal.left_out for length in lengths):
            journal.skipped.append(Skipped(str(uri), uri.name, _BELOW))
            return True
        if begins:
            journal.use_again(uri.segments)
        return False

    def remember(self, skipped: Iterable[Skipped]) -> None:
        """Take in the places of objects that were left out of a TNDS object; where a node is there, it stays in use."""
        for skip in skipped:
            path = skip.uri.removeprefix("./")
            if self._context.nodes.get(path) is None:
                self._context.journal.leave_out(tuple(path.split("/")))

    def passes_over_object(self, uri: NodeUri, identifier: str) -> bool:
        """Whether a new interior node begins an object that is not supported; it is then noted."""
        if not identifier or identifier in self._context.descriptions.register.by_identifier:
            return False
        self._note(uri, identifier, _OBJECT)
        return True

    def passes_over_missing(self, line: Lineage, identifier: str = "") -> bool:
        """Whether a node that is not there is in a vendor branch that nobody handles; it is then noted.

        Nobody is asked whether the server might add it: nothing is added.
        """
        if line.node is not None:
            return False
        descriptions, names, types = self._context.descriptions, line.uri.segments, _types(line, identifier)
        if descriptions.of(names, types) is not None:
            return False
        if not descriptions.in_ext(names, descriptions.object_root(names, types)):
            return False
        self._note(line.uri, line.uri.name, _EXT)
        return True

    def known(self, line: Lineage, identifier: str = "") -> Knowledge:
        """Return what is known of a new place.

        Raises:
            CommandRefused: status 405, the object that the place belongs to has no such node.
        """
        known = self._context.descriptions.of(line.uri.segments, _types(line, identifier))
        if known is None:
            detail = f"the device has no node {line.uri} in this object; vendor nodes go below Ext"
            raise CommandRefused(StatusCode.COMMAND_NOT_ALLOWED, detail)
        return known

    def _note(self, uri: NodeUri, what: str, why: str) -> None:
        self._context.journal.leave_out(uri.segments)
        self._context.journal.skipped.append(Skipped(str(uri), what, why))


def _types(line: Lineage, identifier: str) -> Sequence[str]:
    """Return the Types on the way to a node that is not there, and its own."""
    return [*types_of(line.rows), *[""] * (len(line.missing) - 1), identifier]
