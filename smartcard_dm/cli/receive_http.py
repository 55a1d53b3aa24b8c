"""`smartcard-dm receive http`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import httptools  # noqa: F401 - the listener's process needs it; that it is missing is told here
import uvicorn  # noqa: F401 - same

from smartcard_dm.cli.listen_address import LISTEN, ListenAddress
from smartcard_dm.cli.listener_access import listener_process
from smartcard_dm.cli.receiving import receiving_options
from smartcard_dm.cli.tls_access import listener_tls_options
from smartcard_dm.cli.usage import usage_error
from smartcard_dm.push.apart import ListenerOrder
from smartcard_dm.push.http_app import host_and_port
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
    default="127.0.0.1:8443",
    show_default=True,
    help="Where to listen; port 0 takes any that is free.",
)
@click.option("--path", metavar="PATH", default="/", show_default=True, help="The one path that takes messages.")
@listener_tls_options
@click.option(
    "--plain",
    is_flag=True,
    help="Listen without TLS, in a lab behind what speaks it: every message is then refused at step 9.",
)
@receiving_options
def command(receiving: Receiving, tls: ListenerTls, listen: ListenAddress, path: str, *, plain: bool) -> None:
    """Take in messages that are posted over HTTPS.

    A message is answered 202 as soon as it is taken, whatever its verdict is, and everything that is wrong with a
    request is answered 400; 429 and 503 say that there is no room. Every answer is empty. Every message and every
    malformed request has its line and its row in the audit.

    Exit: 0 ended by a signal; at the end of --count 0 all authorized, 1 one was refused, 4 all that were refused are
    malformed. SIGINT and SIGTERM end the listener when what was taken is judged.

    \b
    Examples:
      smartcard-dm receive http --cert host.pem --key host.key --card profile:usim.yaml --tree t.db
      smartcard-dm receive http --listen 0.0.0.0:443 --cert host.pem --key host.key \\
          --client-ca servers.pem --require-client --card pcsc: --json
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    if plain and tls.is_named:
        raise usage_error("--plain speaks no TLS: leave --cert, --key and --client-ca out")
    if not path.startswith("/") or not path.isascii() or not path.isprintable() or set(path) & set(" %?#"):
        raise usage_error("--path begins with / and holds no space, %, ? or #")
    order = ListenerOrder(
        kind=TransportKind.HTTP, tls=None if plain else tls.files(), path=path, limits=receiving.policy.limits
    )
    with listener_process(order, listen.bind()) as listener:

        def take(receiver: Receiver, stop: Event) -> None:
            def ready(host: str, port: int) -> None:
                asked = "none: HTTP in the clear, every message is refused" if plain else tls.asked_of_senders
                receiving.listening(TransportKind.HTTP, host_and_port(host, port), asked)

            listener.run(receiver, stop, ready, at_most=receiving.count)
            stop.set()  # it ends in order by a signal, if only by one of its own, or because --count is reached

        receiving.run(TransportKind.HTTP, take)
