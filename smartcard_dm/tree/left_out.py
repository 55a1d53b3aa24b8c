"""Places of one message that the device does not handle: what is sent there is passed over, and the message goes on.

Guarantees: what stands below something that was passed over is passed over too, in every later command of the message;
what a rolled back Atomic passed over is forgotten with it.
Leaves to its caller: objects inside TNDS objects (see `plan` and `draft`).

Spec: OMA-TS-DM_Sessionless 5.5 (items of the EXT sub-tree; objects that are not supported).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smartcard_dm.tree.described import types_of
from smartcard_dm.tree.journal import Skipped
from smartcard_dm.tree.status import CommandRefused, StatusCode

if TYPE_CHECKING:
    from collections.abc import Sequence

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

    def passes_over(self, uri: NodeUri) -> bool:
        """Whether a place is, or is below, what was passed over before; it is then noted."""
        lengths = range(1, len(uri.segments) + 1)
        places = self._context.journal.left_out
        if not places or not any(uri.segments[:length] in places for length in lengths):
            return False
        self._context.journal.skipped.append(Skipped(str(uri), uri.name, _BELOW))
        return True

    def passes_over_object(self, uri: NodeUri, identifier: str) -> bool:
        """Whether a new interior node begins an object that is not supported; it is then noted."""
        if not identifier or identifier in self._context.descriptions.register.by_identifier:
            return False
        self._note(uri, identifier, _OBJECT)
        return True

    def passes_over_missing(self, line: Lineage) -> bool:
        """Whether a node that is not there is in a vendor branch that nobody handles; it is then noted."""
        types = types_of(line.rows)
        if self._context.descriptions.of(line.uri.segments, types) is not None:
            return False
        return self._in_vendor_branch(line.uri, types)

    def known(self, uri: NodeUri, types: Sequence[str]) -> Knowledge | None:
        """Return what is known of a new place; None for one in a vendor branch that nobody handles, which is noted.

        Raises:
            CommandRefused: status 405, the object that the place belongs to has no such node.
        """
        known = self._context.descriptions.of(uri.segments, types)
        if known is None and not self._in_vendor_branch(uri, types):
            detail = f"the device has no node {uri} in this object; vendor nodes go below Ext"
            raise CommandRefused(StatusCode.COMMAND_NOT_ALLOWED, detail)
        return known

    def _in_vendor_branch(self, uri: NodeUri, types: Sequence[str]) -> bool:
        descriptions = self._context.descriptions
        if not descriptions.in_ext(uri.segments, descriptions.object_root(uri.segments, types)):
            return False
        self._note(uri, uri.name, _EXT)
        return True

    def _note(self, uri: NodeUri, what: str, why: str) -> None:
        self._context.journal.left_out.setdefault(uri.segments)
        self._context.journal.skipped.append(Skipped(str(uri), what, why))
