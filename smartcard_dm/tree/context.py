"""What every command of one message shares: the nodes, the rights, what is known of places, the notes.

Guarantees: made once for each message. Leaves to its caller: the transaction around it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from smartcard_dm.dm import NodeUri, PropertyUri, parse_target
from smartcard_dm.errors import DmError, LimitExceededError, UnsupportedError
from smartcard_dm.tree.journal import Journal
from smartcard_dm.tree.status import CommandRefused, StatusCode

if TYPE_CHECKING:
    from smartcard_dm.dm import ServerId
    from smartcard_dm.limits import Limits
    from smartcard_dm.tree.described import Descriptions
    from smartcard_dm.tree.nodes import Nodes
    from smartcard_dm.tree.rights import Rights


@dataclass(slots=True)
class Context:
    """One message, or one provisioning by the device itself, on its way through the tree."""

    nodes: Nodes
    rights: Rights
    descriptions: Descriptions
    limits: Limits
    tstamp: str
    """The moment of processing, as the property TStamp writes it."""
    executes: bool = True
    """Whether somebody is there to carry out what Exec asks for."""
    journal: Journal = field(default_factory=Journal)

    @property
    def server_id(self) -> ServerId | None:
        """The server on whose behalf; None for the device itself."""
        return self.rights.server_id

    def target(self, text: str | None, what: str = "Target") -> NodeUri | PropertyUri:
        """Read the address that an item gives.

        Raises:
            CommandRefused: status 412 when there is none, 404 for one that can address nothing, 414 for one that is too
                long or too deep, 406 for a query that needs a response.
        """
        if text is None:
            raise CommandRefused(StatusCode.INCOMPLETE_COMMAND, f"the item has no {what}")
        try:
            return parse_target(text, limits=self.limits)
        except LimitExceededError as error:
            raise CommandRefused(StatusCode.URI_TOO_LONG, str(error)) from error
        except DmError as error:
            raise CommandRefused(StatusCode.NOT_FOUND, str(error)) from error
        except UnsupportedError as error:
            raise CommandRefused(StatusCode.OPTIONAL_FEATURE_NOT_SUPPORTED, str(error)) from error

    def want_room(self, uri: NodeUri) -> None:
        """Refuse a node that would be too deep, or whose URI would be too long.

        Raises:
            CommandRefused: status 414.
        """
        limits = self.limits
        if len(uri.segments) > limits.node_uri_segments:
            detail = f"{len(uri.segments)} segments, wanted at most {limits.node_uri_segments}"
            raise CommandRefused(StatusCode.URI_TOO_LONG, detail)
        size = len(str(uri).encode())
        if size > limits.node_uri_octets:
            detail = f"{size} octets of URI, wanted at most {limits.node_uri_octets}"
            raise CommandRefused(StatusCode.URI_TOO_LONG, detail)
