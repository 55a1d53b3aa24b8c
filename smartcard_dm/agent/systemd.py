"""What a service manager hands to a service and hears from it: listening sockets, and notices of its state.

Guarantees: only descriptors that were passed to this very process are taken, and only one that is a listening Unix
stream socket; a notice that cannot be delivered is no fault of the service. Leaves to its caller: when to notify.

Spec: sd_listen_fds(3) and sd_notify(3), the environment of both and nothing else.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import MutableMapping

FIRST_DESCRIPTOR: Final = 3
"""Where passed descriptors begin. Source: sd_listen_fds(3), SD_LISTEN_FDS_START."""

_LISTEN: Final = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")


class ActivationError(ValueError):
    """What was passed to this process is not what a service of one socket takes; its text says what was found."""


def activated_socket(environment: MutableMapping[str, str]) -> socket.socket | None:
    """Return the listening socket that was passed to this process, or None; the environment forgets it.

    Args:
        environment: LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES are taken out, so that no child takes them for its own.

    Raises:
        ActivationError: something was passed, and it is not one listening Unix stream socket.
    """
    pid, count, _ = (environment.pop(name, None) for name in _LISTEN)
    if pid is None or count is None or pid != str(os.getpid()):
        return None
    if count != "1":
        raise ActivationError(f"LISTEN_FDS: wanted 1 socket, found {count[:20]!r}")
    try:
        passed = socket.socket(fileno=FIRST_DESCRIPTOR)
    except OSError as error:
        raise ActivationError(f"descriptor {FIRST_DESCRIPTOR}: wanted a socket, found {error.strerror}") from error
    try:
        os.set_inheritable(FIRST_DESCRIPTOR, False)
        _check(passed)
    except BaseException:
        passed.close()
        raise
    return passed


def notify(environment: MutableMapping[str, str], *lines: str) -> bool:
    """Tell the service manager something; whether there is one and it took the notice.

    Args:
        environment: NOTIFY_SOCKET names the manager's socket, a path or, with @ first, an abstract name.
        lines: such as READY=1 or STATUS=..., without line feeds.
    """
    path = environment.get("NOTIFY_SOCKET", "")
    if path[:1] not in {"/", "@"}:
        return False
    address = "\0" + path[1:] if path.startswith("@") else path
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.setblocking(False)
        channel.connect(address)
        channel.send("\n".join(" ".join(line.split("\n")) for line in lines).encode())
        return True
    return False


def _check(passed: socket.socket) -> None:
    if passed.family is not socket.AF_UNIX or passed.type is not socket.SOCK_STREAM:
        raise ActivationError(f"descriptor {FIRST_DESCRIPTOR}: wanted a Unix stream socket, found {passed.family.name}")
    if not passed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        raise ActivationError(f"descriptor {FIRST_DESCRIPTOR}: wanted a listening socket, found one that is not")
