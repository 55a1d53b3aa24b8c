"""`smartcard-dm tree sync`."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from smartcard_dm.cli.card_access import CardAccess, card_options
from smartcard_dm.cli.exits import reported
from smartcard_dm.cli.options import json_option, tree_option
from smartcard_dm.cli.output import print_json, print_text
from smartcard_dm.credentials import read_provisioning
from smartcard_dm.report.effects import dry_run_lines, synced_lines
from smartcard_dm.report.tree_forms import tree_sync_form
from smartcard_dm.tree import DeviceTree


@click.command(short_help="Make the tree hold what a card holds.")
@card_options
@tree_option()
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@json_option
def sync(access: CardAccess, tree_file: str, *, dry_run: bool, as_json: bool) -> None:
    """Make a device's tree hold the accounts, objects and trusted keys of a card, as a device does at power-on.

    What came from another card, or is no longer on this one, goes; what messages changed in objects that the card
    still holds unchanged, stays. A card that says it has no provisioning data holds nothing. A card that cannot be
    read is an error, and the tree stays as it is.

    \b
    Examples:
      smartcard-dm tree sync --card profile:usim.yaml --tree t.db
      smartcard-dm tree sync --card pcsc: --tree t.db --dry-run
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    # The tree comes first: no try of a PIN is spent for a file that cannot be opened.
    with reported(as_json=as_json, thing=tree_file), DeviceTree.open(tree_file) as tree:
        with (
            reported(as_json=as_json, thing=access.uri),
            access.open() as card,
        ):
            credentials = read_provisioning(card)
        synced = tree.sync(credentials, at=datetime.now(UTC), dry_run=dry_run)
    if as_json:
        print_json(tree_sync_form(synced, credentials))
    else:
        print_text(
            synced_lines(synced, credentials.warnings),
            *dry_run_lines(synced.effects, "the card can still be taken in"),
        )
