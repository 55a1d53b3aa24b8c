"""Sockets that listen for streams.

Guarantees: made before anything else is opened, so that an address which cannot be listened on is known at once. Leaves
to its caller: accepting, and closing.
"""

from __future__ import annotations

import socket
from typing import Final

_BACKLOG: Final = 128
"""Connections the kernel holds until they are accepted."""


def listen_tcp(host: str, port: int) -> socket.socket:
    """Return a socket that listens and does not block.

    Args:
        host: name or address; an IPv6 address without brackets.
        port: 0: any that is free.

    Raises:
        OSError: nobody can listen there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    listening.setblocking(False)
    return listening
