"""`smartcard-dm readers`."""

from __future__ import annotations

import json

import click

from smartcard_dm.cli.exits import reported
from smartcard_dm.cli.options import json_option
from smartcard_dm.cli.output import print_json, print_line, print_text
from smartcard_dm.cli.signals import stop_on_signals
from smartcard_dm.errors import CardConnectionError
from smartcard_dm.report.forms import reader_event_form, reader_form
from smartcard_dm.report.readers import event_line, reader_lines
from vendor_pcsc.errors import BridgeError
from vendor_pcsc.monitor import watch
from vendor_pcsc.readers import list_readers


@click.command()
@click.option("--watch", "follow", is_flag=True, help="Go on, and print every change, until Ctrl-C or SIGTERM.")
@json_option
def command(*, follow: bool, as_json: bool) -> None:
    """List PC/SC readers and what is in them.

    No card is connected to or powered up. With --watch and --json each event is one line of JSON.

    \b
    Examples:
      smartcard-dm readers
      smartcard-dm readers --watch
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    with reported(as_json=as_json, thing="PC/SC"):
        try:
            if follow:
                _follow(as_json=as_json)
            else:
                _list(as_json=as_json)
        except BridgeError as error:
            raise CardConnectionError(str(error)) from error


def _list(*, as_json: bool) -> None:
    found = list_readers()
    if as_json:
        print_json({"readers": [reader_form(state) for state in found]})
    else:
        print_text(reader_lines(found))


def _follow(*, as_json: bool) -> None:
    with stop_on_signals() as stop:
        for event in watch(stop):
            if as_json:
                print_line(json.dumps(reader_event_form(event), ensure_ascii=True))
            else:
                print_line(event_line(event))
