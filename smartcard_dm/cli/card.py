"""`smartcard-dm card show`."""

from __future__ import annotations

import click

from smartcard_dm.card.survey import survey_card
from smartcard_dm.cli.exits import reported
from smartcard_dm.cli.options import card_option, json_option, open_for, pin_options
from smartcard_dm.cli.output import console, print_json
from smartcard_dm.report.card import card_tree
from smartcard_dm.report.forms import survey_form


@click.group()
def command() -> None:
    """Look at a card; nothing is ever written to it."""


@command.command()
@card_option
@pin_options
@json_option
def show(card_uri: str, pin_env: str | None, *, use_last_try: bool, as_json: bool) -> None:
    """Show a card as a tree: files with sizes and access rules, PKCS#15 objects and where they stand."""
    with reported(as_json=as_json), open_for(card_uri, pin_env, use_last_try=use_last_try) as card:
        survey = survey_card(card)
        if as_json:
            print_json(survey_form(survey))
        else:
            console().print(card_tree(survey))
