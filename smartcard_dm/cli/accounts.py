"""`smartcard-dm accounts`."""

from __future__ import annotations

import click

from smartcard_dm.cli.card_access import CardAccess, card_options
from smartcard_dm.cli.exits import reported
from smartcard_dm.cli.options import json_option
from smartcard_dm.cli.output import print_json, print_text
from smartcard_dm.credentials import read_accounts
from smartcard_dm.report.accounts import accounts_lines
from smartcard_dm.report.forms import accounts_form


@click.command()
@card_options
@json_option
def command(access: CardAccess, *, as_json: bool) -> None:
    """List the DM accounts of a card and where on the card each was found.

    A secret is only said to be there; no command shows one.

    \b
    Example:
      smartcard-dm accounts --card profile:usim.yaml
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    with (
        reported(as_json=as_json, thing=access.uri),
        access.open() as card,
    ):
        found = read_accounts(card)
        if as_json:
            print_json(accounts_form(card, found.accounts, found.warnings))
        else:
            print_text(accounts_lines(card, found.accounts, found.warnings))
