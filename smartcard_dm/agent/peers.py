"""Who may talk to the agent: the kernel says whose process is at the other end of a Unix socket.

Guarantees: a list that names nobody lets nobody in; names are looked up once, at the start; what the other end says of
itself is never asked. Leaves to its caller: asking before anything is read.

Spec: unix(7), SO_PEERCRED: process, user and group as they were when the other end connected; Linux, SO_PEERGROUPS: its
supplementary groups, of the same moment.
"""

from __future__ import annotations

import grp
import pwd
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_UCRED: Final = struct.Struct("iII")
_PEER_GROUPS: Final = getattr(socket, "SO_PEERGROUPS", 59)
"""Source: Linux, include/uapi/asm-generic/socket.h; Python has no name for it."""
_GROUP: Final = struct.Struct("I")
_GROUPS_OCTETS: Final = 1024
"""As much as Python takes of an option: 256 groups. The kernel gives none to a peer with more."""
_NOBODY: Final = 0xFFFFFFFF
"""What the kernel answers where there is no process at the other end: (uid_t)-1."""


@dataclass(frozen=True, slots=True)
class Peer:
    """The process at the other end."""

    pid: int
    """As seen from here; 0 from another namespace of processes."""
    uid: int
    gid: int
    groups: frozenset[int] = frozenset()
    """Its supplementary groups: those that whoever made it a member of a group means."""


@dataclass(frozen=True, slots=True)
class AllowedPeers:
    """Users and groups that may connect; a peer needs one of the two."""

    uids: frozenset[int]
    gids: frozenset[int] = frozenset()

    def allows(self, peer: Peer | None) -> bool:
        """Whether a peer may be listened to; one that is not known may not."""
        return peer is not None and (
            peer.uid in self.uids or peer.gid in self.gids or not self.gids.isdisjoint(peer.groups)
        )


def peer_of(connection: socket.socket) -> Peer | None:
    """Return who is at the other end of a Unix socket, or None when the kernel does not say."""
    if connection.family is not socket.AF_UNIX:
        return None
    try:
        pid, uid, gid = _UCRED.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
    except (OSError, struct.error):
        return None
    return None if uid == _NOBODY else Peer(pid, uid, gid, _groups_of(connection))


def _groups_of(connection: socket.socket) -> frozenset[int]:
    try:
        found = connection.getsockopt(socket.SOL_SOCKET, _PEER_GROUPS, _GROUPS_OCTETS)
        return frozenset(gid for (gid,) in _GROUP.iter_unpack(found))
    except (OSError, struct.error):
        return frozenset()


def allowed_peers(uids: Iterable[str], gids: Iterable[str], own_uid: int) -> AllowedPeers:
    """Return the agent's own user and whoever else a command line names.

    Args:
        uids: numbers or names of users.
        gids: numbers or names of groups.
        own_uid: of the agent; it is on the list in any case, as its user could end the agent too.

    Raises:
        ValueError: there is no such user or group, or a number is none.
    """
    users = {_number(text, "user", lambda name: pwd.getpwnam(name).pw_uid) for text in uids}
    groups = {_number(text, "group", lambda name: grp.getgrnam(name).gr_gid) for text in gids}
    return AllowedPeers(frozenset({own_uid, *users}), frozenset(groups))


def _number(text: str, kind: str, look_up: Callable[[str], int]) -> int:
    if text.isascii() and text.isdecimal():
        number = int(text)
        if number >= _NOBODY:
            raise ValueError(f"{text[:20]} is no number of a {kind}")
        return number
    try:
        return look_up(text)
    except KeyError as error:
        raise ValueError(f"there is no {kind} {text!r}") from error
