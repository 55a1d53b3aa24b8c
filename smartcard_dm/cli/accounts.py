"""`smartcard-dm accounts`."""

from __future__ import annotations

import click

from smartcard_dm.cli.exits import reported
from smartcard_dm.cli.options import card_option, json_option, open_for, pin_options
from smartcard_dm.cli.output import print_json, print_text
from smartcard_dm.credentials import read_accounts
from smartcard_dm.report.accounts import accounts_lines
from smartcard_dm.report.forms import accounts_form


@click.command()
@card_option
@pin_options
@json_option
def command(card_uri: str, pin_env: str | None, *, use_last_try: bool, as_json: bool) -> None:
    """List the DM accounts of a card and where on the card each was found.

    A secret is only said to be there; no command shows one.

    \b
    Example:
      smartcard-dm accounts --card profile:usim.yaml
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    with (
        reported(as_json=as_json, thing=card_uri),
        open_for(card_uri, pin_env, use_last_try=use_last_try) as card,
    ):
        found = read_accounts(card)
        if as_json:
            print_json(accounts_form(card, found.accounts, found.warnings))
        else:
            print_text(accounts_lines(card, found.accounts, found.warnings))
