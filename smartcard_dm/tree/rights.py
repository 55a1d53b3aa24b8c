"""Access rights: what an ACL, seen from a node, lets one server do.

Inheritance is all or nothing: a node without an ACL of its own uses the nearest ancestor's that has one, and nothing
is ever merged. Rights belong to a ServerID; for a sessionless message that of the one account it was matched with.

    command                    right     looked up at
    Get                        Get       the node
    Add                        Add       the parent, or the nearest ancestor that is there
    Replace value, name, title Replace   the node
    Replace ACL                Replace   an interior node, or its parent; for a leaf its parent only
    Delete                     Delete    the node; nothing is asked of what stands below
    Exec                       Exec      the node
    Copy                       Get at the source; Add or Replace at the target

Guarantees: a decision needs the line of one node (`nodes.Lineage`) and no further query.
Leaves to its caller: access types, which are the device's own limits (see `described`).

Spec: OMA-TS-DM_TND-V1_2_1, 7.7.1; OMA-TS-DM_Sessionless 5.5 (third exception), SCR item DM-SM-C-005-M.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from smartcard_dm.dm import Acl, AclCommand, parse_acl
from smartcard_dm.tree.nodes import uri_of
from smartcard_dm.tree.status import CommandRefused, StatusCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smartcard_dm.dm import ServerId
    from smartcard_dm.tree.nodes import Lineage, NodeRow


@lru_cache(maxsize=1024)
def read_acl(text: str) -> Acl:
    """Return the value of a stored ACL."""
    return parse_acl(text)


def effective_acl(rows: Sequence[NodeRow]) -> Acl:
    """Return the ACL that decides for the last of these nodes, which go from the root downwards."""
    return next((read_acl(row.acl) for row in reversed(rows) if row.acl), Acl())


class Rights:
    """What one server may do; the device itself, with no ServerID, may do everything."""

    def __init__(self, server_id: ServerId | None) -> None:
        self.server_id = server_id
        self._own: Acl | None = None

    def may(self, command: AclCommand, rows: Sequence[NodeRow]) -> bool:
        """Whether the server has the right at the last of these nodes."""
        return self.server_id is None or effective_acl(rows).may(command, self.server_id)

    def want(self, command: AclCommand, rows: Sequence[NodeRow]) -> None:
        """Refuse what the ACL does not allow.

        Raises:
            CommandRefused: status 425.
        """
        if not self.may(command, rows):
            raise self._denied(command, rows)

    def want_acl_change(self, line: Lineage) -> None:
        """Refuse a change of a node's ACL that the ACLs do not allow.

        Raises:
            CommandRefused: status 425.
        """
        above = line.rows[:-1]
        if line.nearest.is_interior and self.may(AclCommand.REPLACE, line.rows):
            return
        if above and self.may(AclCommand.REPLACE, above):
            return
        raise self._denied(AclCommand.REPLACE, above if above and not line.nearest.is_interior else line.rows)

    def given_to_new(self, parent: Sequence[NodeRow]) -> Acl:
        """Return the ACL that a new interior node gets: rights for a server that has no Replace on the parent.

        Spec: OMA-TS-DM_TND-V1_2_1, 7.7.1.3. Get is not among them, so that an inherited Get is lost.
        """
        if self.server_id is None or self.may(AclCommand.REPLACE, parent):
            return Acl()
        if self._own is None:
            servers = frozenset({self.server_id})
            self._own = Acl.of(dict.fromkeys((AclCommand.ADD, AclCommand.DELETE, AclCommand.REPLACE), servers))
        return self._own

    def _denied(self, command: AclCommand, rows: Sequence[NodeRow]) -> CommandRefused:
        deciding = next((row for row in reversed(rows) if row.acl), rows[0])
        detail = (
            f"{self.server_id} has no {command.value} at {uri_of(rows[-1].path)}: "
            f"the ACL of {uri_of(deciding.path)} is {deciding.acl or 'empty'}"
        )
        return CommandRefused(StatusCode.PERMISSION_DENIED, detail)
