"""`smartcard-dm accounts`."""

from __future__ import annotations

import click

from smartcard_dm.cli.exits import reported
from smartcard_dm.cli.options import card_option, json_option, open_for, pin_options
from smartcard_dm.cli.output import console, print_json
from smartcard_dm.credentials import read_accounts
from smartcard_dm.report.accounts import accounts_lines
from smartcard_dm.report.forms import accounts_form


@click.command()
@card_option
@pin_options
@json_option
def command(card_uri: str, pin_env: str | None, *, use_last_try: bool, as_json: bool) -> None:
    """List the DM accounts of a card and their origin; no secret is shown."""
    with reported(as_json=as_json), open_for(card_uri, pin_env, use_last_try=use_last_try) as card:
        found = read_accounts(card)
        if as_json:
            print_json(accounts_form(card, found.accounts, found.warnings))
        else:
            console().print(accounts_lines(card, found.accounts, found.warnings))
