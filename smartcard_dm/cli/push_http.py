"""`smartcard-dm push http`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from smartcard_dm.cli.exits import reported
from smartcard_dm.cli.inputs import INPUT_FILE, STDIN
from smartcard_dm.cli.options import json_option
from smartcard_dm.cli.output import print_json, print_text
from smartcard_dm.cli.pushing import DOCUMENT_ADVICE, as_is_option, document_in, timeout_option
from smartcard_dm.cli.tls_access import sender_tls_options
from smartcard_dm.push.arrival import CP_WBXML, DM_WBXML
from smartcard_dm.push.http_client import DEFAULT_SECONDS, HttpSender, push_http
from smartcard_dm.push.tls import client_context
from smartcard_dm.report.pushed import pushed_form, pushed_lines

if TYPE_CHECKING:
    from smartcard_dm.cli.inputs import InputFile
    from smartcard_dm.cli.tls_access import SenderTls

_CONTENT: Final = {"dm": DM_WBXML, "cp": CP_WBXML}


@click.command()
@click.argument("url")
@click.argument("file", type=INPUT_FILE, default=STDIN)
@click.option(
    "--content",
    type=click.Choice(list(_CONTENT)),
    metavar="KIND",
    default="dm",
    show_default=True,
    help="What FILE holds: dm, a message, or cp, a client provisioning document.",
)
@as_is_option
@sender_tls_options
@timeout_option(DEFAULT_SECONDS)
@json_option
def command(
    url: str, file: InputFile, content: str, tls: SenderTls, timeout: float, *, as_is: bool, as_json: bool
) -> None:
    """Push a message to a receiver with one POST over HTTPS.

    URL is that of the receiver, https://HOST[:PORT][/PATH], whose HOST has to be what its certificate is for. FILE
    holds the message (WBXML); - is standard input. No proxy is used, and no redirect followed. An empty answer, 200 or
    202, says that the message was taken, and not what became of it.

    Exit: 0 taken, 1 not taken or nobody knows, 4 FILE holds no message.

    \b
    Examples:
      smartcard-dm push http https://device.example.com:8443/ message.wbxml --ca ca.pem
      smartcard-dm push http https://127.0.0.1:8443/ --ca ca.pem --cert dms.pem --key dms.key < message.wbxml
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    tls.check()
    with reported(as_json=as_json, thing=file.name, advice=DOCUMENT_ADVICE[content]):
        document = document_in(file, content=content, as_is=as_is)
    sender = HttpSender(
        tls=tls.context(client_context, as_json=as_json), timeout=timeout, content_type=_CONTENT[content]
    )
    with reported(as_json=as_json):
        pushed = push_http(url, document, sender)
    if as_json:
        print_json(pushed_form(pushed))
    else:
        print_text(pushed_lines(pushed))
