"""Addresses to listen on, as a command line says them.

Guarantees: host and port are read the one way there is; an address that cannot be listened on is a usage error. Leaves
to its caller: accepting.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

from smartcard_dm.cli.usage import usage_error
from smartcard_dm.push.listening import listen_tcp

if TYPE_CHECKING:
    import socket

    _ListenParam = click.ParamType["ListenAddress"]
else:
    _ListenParam = click.ParamType  # older releases of click have no type argument

_ADDRESS: Final = re.compile(r"(?:(?P<name>[A-Za-z0-9.\-]+)|\[(?P<six>[0-9A-Fa-f:.]+)\]):(?P<port>[0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """A host and a port."""

    host: str
    """Name or address, an IPv6 address without brackets."""
    port: int
    """0: any that is free."""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def bind(self) -> socket.socket:
        """Return a socket that listens there.

        Raises:
            click.UsageError: nobody can.
        """
        try:
            return listen_tcp(self.host, self.port)
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no name of a host"
            raise usage_error(f"--listen: nobody can listen on {self}: {reason}; give another address") from error


class ListenType(_ListenParam):
    """The type of an option that names an address to listen on."""

    name = "address"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> ListenAddress:
        """Return host and port."""
        if isinstance(value, ListenAddress):
            return value
        found = _ADDRESS.fullmatch(str(value))
        if found is None or int(found["port"]) > 65535:
            self.fail(f"{str(value)!r} is no HOST:PORT such as 127.0.0.1:5061 or [::1]:0", param, ctx)
        return ListenAddress(found["name"] or found["six"], int(found["port"]))


LISTEN: Final = ListenType()
