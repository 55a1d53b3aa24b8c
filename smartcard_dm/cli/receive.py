"""`smartcard-dm receive wap | http | sip`."""

from __future__ import annotations

from typing import Final

import click

from smartcard_dm.cli.program import LazyGroup

_COMMANDS: Final = {
    "wap": ("smartcard_dm.cli.receive_wap", "Short messages from a file or a pipe, or datagrams."),
    "http": ("smartcard_dm.cli.receive_http", "Requests over HTTPS."),
    "sip": ("smartcard_dm.cli.receive_sip", "SIP MESSAGE requests over TLS."),
}


class Receive(LazyGroup):
    """The transports."""

    table = _COMMANDS


@click.group(cls=Receive)
def command() -> None:
    """Take in what is pushed to a device, judge each message, and apply it to the device's tree.

    Every message gets its line, whether it is authorized or not, and a row in an audit. The sender is never told.
    """
