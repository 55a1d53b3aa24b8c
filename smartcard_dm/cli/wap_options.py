"""Options about numbers and datagrams, for `push wap` and `receive wap`.

Guarantees: what a command gets is within bounds; anything else is a usage error that says why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from smartcard_dm.push.sms_address import Address, TypeOfNumber
from smartcard_dm.push.wap_udp import PUSH_PORT

if TYPE_CHECKING:
    _NumberParam = click.ParamType[Address]
    _PlaceParam = click.ParamType[tuple[str, int]]
else:
    _NumberParam = _PlaceParam = click.ParamType  # older releases of click have no type argument

_LARGEST_PORT: Final = 0xFFFF


class NumberType(_NumberParam):
    """The type of an option that is the number of who sends or gets a short message.

    Args:
        names: whether a name will do, as that of a sender does.
    """

    name = "number"

    def __init__(self, *, names: bool) -> None:
        self._names = names

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Address:
        """Return the address."""
        try:
            address = Address.from_text(str(value))
        except ValueError as error:
            self.fail(f"{str(value)!r}: {error}", param, ctx)
        if address.type_of_number is TypeOfNumber.ALPHANUMERIC and not self._names:
            self.fail(f"{str(value)!r} is no number: digits, with a + in front or without, and no spaces", param, ctx)
        return address


class PlaceType(_PlaceParam):
    """The type of an option that names a host, and after a colon a port; an IPv6 address stands in brackets."""

    name = "place"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        """Return host and port; the port of WAP push where none is named."""
        text = str(value)
        if text.startswith("["):
            host, closed, rest = text[1:].partition("]")
            good = bool(closed) and (not rest or rest.startswith(":"))
            port = rest[1:]
        else:
            host, colon, port = text.partition(":")
            good = not colon or bool(port)
        number = int(port) if port.isascii() and port.isdecimal() and len(port) <= len(str(_LARGEST_PORT)) else None
        if not good or not host or (port and number is None) or (number or 0) > _LARGEST_PORT:
            self.fail(f"{text!r} is no host and port such as 127.0.0.1:{PUSH_PORT} or [::1]:{PUSH_PORT}", param, ctx)
        return host, PUSH_PORT if number is None else number


NUMBER: Final = NumberType(names=False)
NUMBER_OR_NAME: Final = NumberType(names=True)
PLACE: Final = PlaceType()
