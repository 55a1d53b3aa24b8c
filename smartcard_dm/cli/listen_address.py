"""Addresses to listen on, as a command line says them.

Guarantees: host and port are read the one way there is. Leaves to its caller: whether anybody can listen there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
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
