"""Who is behind the agent's socket.

Guarantees: asked of the kernel, not of the peer. Leaves to its caller: closing the connection of somebody else.

Spec: unix(7), SO_PEERCRED.
"""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING, Final, Protocol

from smartcard_dm.errors import AgentPeerError

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

_UCRED: Final = struct.Struct("iII")
"""struct ucred: pid, uid, gid."""


class HasOptions(Protocol):
    """A socket, or what asyncio shows of one."""

    def getsockopt(self, level: int, option: int, size: int, /) -> bytes:
        """Return an option of the socket."""


def check_peer(connected: HasOptions, trusted: AbstractSet[int], name: str) -> None:
    """Check that an agent is of a user who is trusted.

    Args:
        connected: the connected socket.
        trusted: the numbers of the users.
        name: the path of the socket, for the error.

    Raises:
        AgentPeerError: it is not.
    """
    _, uid, _ = _UCRED.unpack(connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
    if uid not in trusted:
        raise AgentPeerError(
            "peer-untrusted",
            f"the agent there is of user {uid}, trusted are {', '.join(map(str, sorted(trusted)))}",
            "name the socket of your own agent, or trust that user",
            name=name,
        )
