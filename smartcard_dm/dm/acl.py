"""The ACL property as a value: which server may use which command.

Guarantees: what is parsed obeys the grammar; `str` gives one canonical text per meaning.
Leaves to its caller: inheritance, and which node's ACL decides.
Spec: OMA-TS-DM_TND-V1_2_1, 7.7.1.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from smartcard_dm.dm.server_id import ServerId, parse_server_id
from smartcard_dm.errors import DmError

if TYPE_CHECKING:
    from collections.abc import Mapping

_EVERYONE: Final = "*"


class AclCommand(Enum):
    """The commands an ACL speaks of; Copy has no entry of its own."""

    ADD = "Add"
    DELETE = "Delete"
    EXEC = "Exec"
    GET = "Get"
    REPLACE = "Replace"


@dataclass(frozen=True, slots=True)
class AclEntry:
    """The servers that may use one command.

    Raises:
        ValueError: nobody is named, or servers are named beside everyone.
    """

    command: AclCommand
    servers: frozenset[ServerId] = frozenset()
    """The servers named; empty exactly when everyone may."""
    everyone: bool = False
    """Whether the entry is `*`; it overrides names, so none are kept beside it."""

    def __post_init__(self) -> None:
        if self.everyone == bool(self.servers):
            raise ValueError("an ACL entry names servers, or everyone")

    def __str__(self) -> str:
        names = [_EVERYONE] if self.everyone else [str(server) for server in sorted(self.servers)]
        return f"{self.command.value}={'+'.join(names)}"


@dataclass(frozen=True, slots=True)
class Acl:
    """The value of one ACL property; without entries it is "no value" and the node inherits.

    Raises:
        ValueError: the entries are not in the order of `AclCommand`, each command once.
    """

    entries: tuple[AclEntry, ...] = ()

    def __post_init__(self) -> None:
        names = [entry.command.value for entry in self.entries]
        if names != sorted(set(names)):
            raise ValueError("the entries of an ACL are ordered by command, each command once")

    @classmethod
    def of(cls, granted: Mapping[AclCommand, frozenset[ServerId] | None]) -> Acl:
        """Make an ACL from the servers of each command; None stands for everyone."""
        return cls(
            tuple(
                AclEntry(command, everyone=True) if servers is None else AclEntry(command, servers)
                for command, servers in sorted(granted.items(), key=lambda item: item[0].value)
            ),
        )

    @property
    def is_empty(self) -> bool:
        """Whether this is "no value": the nearest ancestor with a value decides."""
        return not self.entries

    def may(self, command: AclCommand, server_id: ServerId) -> bool:
        """Whether this value, looked at alone, lets the server use the command."""
        return any(
            entry.command is command and (entry.everyone or server_id in entry.servers) for entry in self.entries
        )

    def __str__(self) -> str:
        return "&".join(str(entry) for entry in self.entries)


def parse_acl(text: str, *, place: str | None = None) -> Acl:
    """Read an ACL text such as `Add=*&Get=com.example.dms+com.example.two`.

    A command that is named twice gets the union of both entries: the grammar allows the repetition, and the example
    of OMA-TS-DM_TND-V1_2_1, 7.7.1.6 has one. `*` beside names stands for everyone.

    Raises:
        DmError: an unknown command, no server after `=`, an empty entry, or a name that is no server identifier.
    """
    granted: dict[AclCommand, frozenset[ServerId] | None] = {}
    for entry in text.split("&") if text else ():
        name, mark, names = entry.partition("=")
        try:
            command = AclCommand(name)
        except ValueError:
            wanted = ", ".join(known.value for known in AclCommand)
            raise DmError("ACL", "unknown command", place=place, wanted=wanted, found=repr(name[:40])) from None
        if not mark or not names:
            raise DmError("ACL", "a command has no server", place=place, wanted=f"{name}=*", found=repr(entry[:40]))
        listed = names.split("+")
        servers = frozenset(parse_server_id(server, place=place) for server in listed if server != _EVERYONE)
        before = granted.get(command, frozenset())
        granted[command] = None if before is None or _EVERYONE in listed else before | servers
    return Acl.of(granted)
