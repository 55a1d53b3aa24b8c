"""`smartcard-dm card show`."""

from __future__ import annotations

import click

from smartcard_dm.card.survey import survey_card
from smartcard_dm.cli.card_access import CardAccess, card_options
from smartcard_dm.cli.exits import reported
from smartcard_dm.cli.options import json_option
from smartcard_dm.cli.output import print_json, print_text
from smartcard_dm.cli.program import CommandGroup
from smartcard_dm.report.card import card_lines
from smartcard_dm.report.forms import survey_form


@click.group(cls=CommandGroup)
def command() -> None:
    """Look at a card; nothing is ever written to it."""


@command.command(short_help="Files, access rules and PKCS#15 objects as a tree.")
@card_options
@json_option
def show(access: CardAccess, *, as_json: bool) -> None:
    """Show a card as a tree: files with sizes and access rules, PKCS#15 objects and where they stand.

    \b
    Examples:
      smartcard-dm card show --card profile:usim.yaml
      PIN=... smartcard-dm card show --card profile:usim.yaml --pin-env PIN
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    with (
        reported(as_json=as_json, thing=access.uri),
        access.open() as card,
    ):
        survey = survey_card(card)
        if as_json:
            print_json(survey_form(survey))
        else:
            print_text(card_lines(survey))
