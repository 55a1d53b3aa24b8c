"""`smartcard-dm push wap | http | sip`."""

from __future__ import annotations

from typing import Final

import click

from smartcard_dm.cli.program import LazyGroup

_COMMANDS: Final = {
    "wap": ("smartcard_dm.cli.push_wap", "As short messages, or as one datagram."),
    "http": ("smartcard_dm.cli.push_http", "To a receiver over HTTPS."),
    "sip": ("smartcard_dm.cli.push_sip", "In a SIP MESSAGE over TLS."),
}


class Push(LazyGroup):
    """The transports."""

    table = _COMMANDS


@click.group(cls=Push)
def command() -> None:
    """Push one message to a device, with the security of the transport that carries it."""
