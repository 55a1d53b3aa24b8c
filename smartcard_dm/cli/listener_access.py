"""The process that listens for a `receive` command: started before a card, a key or a tree is opened.

Guarantees: what is wrong with its certificate or key is told at once, before a PIN is presented. Leaves to its caller:
opening everything else, and running it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smartcard_dm.cli.exits import reported
from smartcard_dm.cli.receiving import leave_lost
from smartcard_dm.cli.tls_access import LISTENER_ADVICE
from smartcard_dm.push.apart import ListenerLostError, ListenerProcess

if TYPE_CHECKING:
    import socket

    from smartcard_dm.push.apart import ListenerOrder


def listener_process(order: ListenerOrder, listening: socket.socket) -> ListenerProcess:
    """Start a listener; it has read its key, and does not listen yet.

    Raises:
        SystemExit: its certificate or key cannot be used, or it cannot be started.
    """
    with reported(as_json=False, advice=LISTENER_ADVICE):
        try:
            return ListenerProcess(order, listening)
        except ListenerLostError as error:
            leave_lost(error)
