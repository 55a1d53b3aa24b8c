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
        UnicodeError: the host is none.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        # The standard library writes the address into what the system said; its callers name it better.
        raise OSError(error.errno, (error.strerror or str(error)).partition(" (while attempting")[0]) from error
    listening.setblocking(False)
    return listening
