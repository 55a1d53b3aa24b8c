"""`smartcard-dm receive sip`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from smartcard_dm.cli.listen_address import LISTEN, ListenAddress
from smartcard_dm.cli.listener_access import listener_process
from smartcard_dm.cli.receiving import receiving_options
from smartcard_dm.cli.tls_access import listener_tls_options
from smartcard_dm.cli.usage import usage_error
from smartcard_dm.push.apart import ListenerOrder
from smartcard_dm.push.sip_user_agent import Peer
from smartcard_dm.trust.transport import TransportKind

if TYPE_CHECKING:
    from threading import Event

    from smartcard_dm.cli.receiving import Receiving
    from smartcard_dm.cli.tls_access import ListenerTls
    from smartcard_dm.receive.receiver import Receiver


@click.command()
@click.option(
    "--listen",
    type=LISTEN,
    metavar="HOST:PORT",
    default="127.0.0.1:5061",
    show_default=True,
    help="Where to listen; port 0 takes any that is free.",
)
@listener_tls_options
@click.option("--tcp", is_flag=True, help="Listen without TLS, in a lab: every message is then refused at step 9.")
@receiving_options
def command(receiving: Receiving, tls: ListenerTls, listen: ListenAddress, *, tcp: bool) -> None:
    """Take in messages that are pushed in SIP MESSAGE requests, over TLS.

    A request that holds a message is answered 200 as soon as it is taken, whatever its verdict is; 503 says that there
    is no room. Every message and every malformed request has its line and its row in the audit.

    Exit: 0 ended by a signal; at the end of --count 0 all authorized, 1 one was refused, 4 all that were refused are
    malformed. SIGINT and SIGTERM end the listener when what was taken is judged.

    \b
    Examples:
      smartcard-dm receive sip --cert host.pem --key host.key --card profile:usim.yaml --tree t.db
      smartcard-dm receive sip --listen 0.0.0.0:5061 --cert host.pem --key host.key \\
          --client-ca servers.pem --require-client --card pcsc: --json
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    if tcp and tls.is_named:
        raise usage_error("--tcp speaks no TLS: leave --cert, --key and --client-ca out")
    order = ListenerOrder(kind=TransportKind.SIP, tls=None if tcp else tls.files(), limits=receiving.policy.limits)
    with listener_process(order, listen.bind()) as listener:

        def take(receiver: Receiver, stop: Event) -> None:
            def ready(host: str, port: int) -> None:
                asked = "none: TCP in the clear, every message is refused" if tcp else tls.asked_of_senders
                receiving.listening(TransportKind.SIP, str(Peer(host, port)), asked)

            listener.run(receiver, stop, ready, at_most=receiving.count)
            stop.set()  # it ends in order by a signal, if only by one of its own, or because --count is reached

        receiving.run(TransportKind.SIP, take)
