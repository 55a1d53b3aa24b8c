"""`smartcard-dm push sip`."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

import click

from smartcard_dm.cli.exits import reported
from smartcard_dm.cli.inputs import INPUT_FILE, STDIN
from smartcard_dm.cli.options import json_option
from smartcard_dm.cli.output import print_json, print_text
from smartcard_dm.cli.pushing import DOCUMENT_ADVICE, as_is_option, document_in, timeout_option
from smartcard_dm.cli.tls_access import sender_tls_options
from smartcard_dm.cli.usage import usage_error
from smartcard_dm.push.sip_client import TIMER_F, SipSender, push_sip, sip_context
from smartcard_dm.push.sip_uri import SipUri, parse_sip_uri
from smartcard_dm.report.pushed import pushed_form, pushed_lines

if TYPE_CHECKING:
    from smartcard_dm.cli.inputs import InputFile
    from smartcard_dm.cli.tls_access import SenderTls

    _SipParam = click.ParamType[SipUri]
else:
    _SipParam = click.ParamType  # older releases of click have no type argument


class SipUriType(_SipParam):
    """The type of an argument that names a SIP address."""

    name = "uri"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> SipUri:
        """Return the address."""
        if isinstance(value, SipUri):
            return value
        try:
            return parse_sip_uri(str(value))
        except ValueError as error:
            self.fail(f"no address to push to or from: {error}", param, ctx)


SIP_URI: Final = SipUriType()


@click.command()
@click.argument("to", metavar="URI", type=SIP_URI)
@click.argument("file", type=INPUT_FILE, default=STDIN)
@click.option(
    "--from",
    "from_uri",
    type=SIP_URI,
    metavar="URI",
    default="sip:anonymous@anonymous.invalid",
    show_default=True,
    help="Who pushes. It proves nothing; --cert does.",
)
@as_is_option
@sender_tls_options
@timeout_option(TIMER_F)
@click.option("--unsecured", is_flag=True, help="Allow an address with transport=tcp, in a lab; devices refuse it.")
@json_option
def command(
    to: SipUri,
    file: InputFile,
    from_uri: SipUri,
    tls: SenderTls,
    timeout: float,
    *,
    unsecured: bool,
    as_is: bool,
    as_json: bool,
) -> None:
    """Push a message in a SIP MESSAGE request, over TLS.

    URI is the device: sip:USER@HOST:PORT or sips:..., whose HOST is connected to and has to be what its certificate
    is for. FILE holds the message (WBXML); - is standard input. An answer says that it was taken, and not what became
    of it.

    Exit: 0 taken, 1 not taken or nobody knows, 4 FILE holds no message.

    \b
    Examples:
      smartcard-dm push sip sip:device@ims.example.com message.wbxml --ca ims.pem
      smartcard-dm push sip sips:127.0.0.1 --ca ca.pem --cert dms.pem --key dms.key < message.wbxml
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    tls.check()
    if not to.secured and not unsecured:
        raise usage_error("transport=tcp is in the clear: leave it out, or give --unsecured in a lab")
    with reported(as_json=as_json, thing=file.name, advice=DOCUMENT_ADVICE["dm"]):
        document = document_in(file, as_is=as_is)
    context = tls.context(sip_context, as_json=as_json) if to.secured else None
    sender = SipSender(from_uri=from_uri, tls=context, unsecured_ok=unsecured, timeout=timeout)
    with reported(as_json=as_json, thing=to.name):
        pushed = push_sip(to, document, sender, secrets.token_bytes)
    if as_json:
        print_json(pushed_form(pushed))
    else:
        print_text(pushed_lines(pushed))
