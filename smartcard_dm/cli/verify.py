"""`smartcard-dm verify`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NoReturn

import click

from smartcard_dm.cli.card_access import CardAccess, card_options
from smartcard_dm.cli.exits import exit_code, reported
from smartcard_dm.cli.inputs import INPUT_FILE
from smartcard_dm.cli.options import MOMENT, json_option, policy_option
from smartcard_dm.cli.output import print_json, print_problem, print_text
from smartcard_dm.credentials import read_credentials
from smartcard_dm.errors import VerificationError
from smartcard_dm.report.forms import authorized_form, refused_form
from smartcard_dm.report.verdicts import authorized_lines, refused_lines, refused_summary
from smartcard_dm.trust.policy import POLICIES
from smartcard_dm.trust.transport import Transport
from smartcard_dm.trust.verifier import Verifier

if TYPE_CHECKING:
    from smartcard_dm.cli.inputs import InputFile


@click.command()
@click.argument("file", type=INPUT_FILE)
@card_options
@policy_option
@click.option(
    "--transport",
    type=click.Choice(["local"]),
    metavar="KIND",
    default="local",
    show_default=True,
    help="How the message came; local: you hand it over and answer for the way it came.",
)
@click.option(
    "--at",
    type=MOMENT,
    metavar="TIME",
    help="The moment to verify for, in UTC, such as 2026-07-01T12:00:00Z.  [default: now]",
)
@click.option("--steps", is_flag=True, help="Show what each step of the verification established.")
@json_option
def command(
    file: InputFile,
    access: CardAccess,
    policy_name: str,
    transport: str,  # noqa: ARG001 - one choice so far, shown in the verdict
    at: datetime | None,
    *,
    steps: bool,
    as_json: bool,
) -> None:
    """Authorize or refuse a sessionless message with the accounts of a card.

    FILE holds one WBXML message; - is standard input. Nothing is applied.

    Exit: 0 authorized, 1 refused, 4 when FILE is too large or no WBXML at all.

    \b
    Examples:
      smartcard-dm verify message.wbxml --card profile:usim.yaml
      smartcard-dm verify - --card profile:usim.yaml --json < message.wbxml
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    policy = POLICIES[policy_name]()
    octets = file.read(policy.limits.message_octets)
    with (
        reported(as_json=as_json, thing=access.uri),
        access.open() as card,
    ):
        credentials = read_credentials(card)
    moment = at or datetime.now(UTC)
    try:
        message = Verifier(credentials, policy=policy).verify(octets, transport=Transport.local(), at=moment)
        _ = message.message  # read here, so that a verdict is never about commands nobody could read
    except VerificationError as error:
        _refuse(error, file, as_json=as_json)
    if as_json:
        print_json(authorized_form(message))
    else:
        print_text(authorized_lines(message, steps=steps))


def _refuse(error: VerificationError, file: InputFile, *, as_json: bool) -> NoReturn:
    if as_json:
        print_json(refused_form(error))
    else:
        print_text(refused_lines(error))
    print_problem(f"{file.name}: {refused_summary(error)}")
    raise click.exceptions.Exit(exit_code(error))
