"""`smartcard-dm verify`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from smartcard_dm.cli.exits import exit_code, reported
from smartcard_dm.cli.options import card_option, json_option, open_for, pin_options, policy_option
from smartcard_dm.cli.output import console, print_json
from smartcard_dm.credentials import read_credentials
from smartcard_dm.errors import VerificationError
from smartcard_dm.report.forms import authorized_form, refused_form
from smartcard_dm.report.verdicts import authorized_lines, refused_lines
from smartcard_dm.trust.policy import POLICIES
from smartcard_dm.trust.transport import Transport
from smartcard_dm.trust.verifier import Verifier

if TYPE_CHECKING:
    from typing import BinaryIO


@click.command()
@click.argument("file", type=click.File("rb"))
@card_option
@pin_options
@policy_option
@click.option(
    "--transport",
    type=click.Choice(["local"]),
    default="local",
    show_default=True,
    help="How the message came; local: you hand it over and answer for the way it came.",
)
@click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%SZ"]),
    help="The moment to verify for, UTC, such as 2026-07-01T12:00:00Z; default now.",
)
@json_option
def command(
    file: BinaryIO,
    card_uri: str,
    pin_env: str | None,
    policy_name: str,
    transport: str,  # noqa: ARG001 - one choice so far, shown in the verdict
    at: datetime | None,
    *,
    use_last_try: bool,
    as_json: bool,
) -> None:
    """Authorize or refuse a sessionless message with the accounts of a card.

    FILE holds one WBXML message; - is standard input.
    """
    with reported(as_json=as_json):
        octets = file.read()
        with open_for(card_uri, pin_env, use_last_try=use_last_try) as card:
            credentials = read_credentials(card)
        moment = datetime.now(UTC) if at is None else at.replace(tzinfo=UTC)
        verifier = Verifier(credentials, policy=POLICIES[policy_name]())
        try:
            message = verifier.verify(octets, transport=Transport.local(), at=moment)
        except VerificationError as error:
            if as_json:
                print_json(refused_form(error))
            else:
                console().print(refused_lines(error))
            click.echo(f"smartcard-dm: {error}", err=True)
            sys.exit(exit_code(error))
        if as_json:
            print_json(authorized_form(message))
        else:
            console().print(authorized_lines(message))
