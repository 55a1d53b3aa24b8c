"""Arguments that name a server, a node of a tree, or a property of one.

Guarantees: what a command gets is well-formed and within bounds; anything else is a usage error that says why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from smartcard_dm.dm import NodeUri, PropertyUri, ServerId, parse_server_id, parse_target
from smartcard_dm.errors import DecodeError, DmError, UnsupportedError

if TYPE_CHECKING:
    _ServerIdParam = click.ParamType[ServerId]
    _NodeParam = click.ParamType[NodeUri]
    _TargetParam = click.ParamType[NodeUri | PropertyUri]
else:
    _ServerIdParam = _NodeParam = _TargetParam = click.ParamType  # older releases of click have no type argument


class ServerIdType(_ServerIdParam):
    """The type of an option that names a server."""

    name = "id"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> ServerId:
        """Return the ServerID."""
        try:
            return parse_server_id(str(value))
        except DmError as error:
            self.fail(str(error), param, ctx)


class NodeType(_NodeParam):
    """The type of an argument that names a node."""

    name = "uri"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> NodeUri:
        """Return the URI."""
        try:
            return NodeUri.parse(str(value))
        except DecodeError as error:
            self.fail(str(error), param, ctx)


class TargetType(_TargetParam):
    """The type of an argument that names a node or, with ?prop=, a property of it."""

    name = "uri"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> NodeUri | PropertyUri:
        """Return the URI."""
        try:
            return parse_target(str(value))
        except (DecodeError, UnsupportedError) as error:
            self.fail(str(error), param, ctx)


SERVER_ID: Final = ServerIdType()
NODE: Final = NodeType()
TARGET: Final = TargetType()
