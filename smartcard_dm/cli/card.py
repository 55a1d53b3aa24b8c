"""`smartcard-dm card show | read | record`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from smartcard_dm.card.named import read_named
from smartcard_dm.card.survey import survey_card
from smartcard_dm.cli.card_access import CardAccess, card_options
from smartcard_dm.cli.exits import reported
from smartcard_dm.cli.options import json_option
from smartcard_dm.cli.output import STDOUT, print_json, print_line, print_text, write_octets
from smartcard_dm.cli.program import CommandGroup
from smartcard_dm.credentials import read_accounts, read_credentials
from smartcard_dm.errors import CardConnectionError, SmartcardDmError
from smartcard_dm.report.card import card_lines
from smartcard_dm.report.forms import show_form
from smartcard_dm.report.named import named_form, named_lines
from vendor_pcsc.record import Recorder, Redact, format_transcript, to_pcap

if TYPE_CHECKING:
    from smartcard_dm.card.session import CardSession
    from smartcard_dm.dm import DmAccount
    from vendor_pcsc.connection import CardConnection


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
        # Nothing listed means no account, and the survey has said why.
        accounts, odd = _accounts(card) if survey.objects else ((), ())
        if as_json:
            print_json(show_form(survey, accounts, odd))
        else:
            print_text(card_lines(survey, accounts, odd))


def _accounts(card: CardSession) -> tuple[tuple[DmAccount, ...], tuple[str, ...]]:
    """Return the accounts of a card that is looked at, and what was odd; why there are none is odd too."""
    try:
        found = read_accounts(card)
    except CardConnectionError:
        raise
    except SmartcardDmError as error:
        return (), (f"no account was read: {error}",)
    return found.accounts, found.warnings


@command.command(short_help="Read one file or object by its name or path.")
@click.argument("name", metavar="NAME")
@card_options
@click.option("-o", "--output", metavar="FILE", help="Write the octets to FILE; records one after the other.")
@json_option
def read(name: str, access: CardAccess, output: str | None, *, as_json: bool) -> None:
    """Read one file or object of a card and show its octets.

    NAME is a name of the standards such as EF.DIR, a path such as 7F50/5031, or the label, object identifier or place
    of an object as `card show` lists it. Objects that hold accounts are described only, since a secret may be among
    their octets; -o writes them.

    \b
    Examples:
      smartcard-dm card read EF.DIR --card pcsc:
      smartcard-dm card read 2.23.43.7.1 --card profile:usim.yaml -o bootstrap.wbxml
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    with (
        reported(as_json=as_json, thing=access.uri),
        access.open() as card,
    ):
        content = read_named(card, name)
    if output is not None:
        write_octets(output, b"".join(content.parts), private=content.secret)
    if as_json:
        print_json(named_form(content, output))
    elif output != STDOUT:
        print_text(*named_lines(content))


@command.command(short_help="Write a transcript of reading the card.")
@click.argument("file", metavar="FILE")
@card_options
@click.option(
    "--redact",
    type=click.Choice([each.value for each in Redact]),
    metavar="HOW",
    default=Redact.PRIVATE.value,
    show_default=True,
    help="Content that stays out: private, what a PIN opened; all-content, every file; pins, PINs only (test cards).",
)
@click.option("--pcap", metavar="FILE", help="Also write a capture that Wireshark reads (GSMTAP).")
@json_option
def record(file: str, access: CardAccess, redact: str, pcap: str | None, *, as_json: bool) -> None:
    """Read the card as every other command does, and write what passed to FILE, for replay:FILE.

    PINs are never written. Bootstrap files hold shared secrets and are usually readable without a PIN: keep the
    transcript as you keep the card, or use --redact all-content, which cannot be replayed to accounts.

    \b
    Examples:
      smartcard-dm card record card.jsonl --card pcsc:
      smartcard-dm accounts --card replay:card.jsonl
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    recorders: list[Recorder] = []

    def wrap(connection: CardConnection) -> CardConnection:
        recorders.append(Recorder(connection, redact=Redact(redact)))
        return recorders[0]

    with reported(as_json=as_json, thing=access.uri):
        try:
            with access.open(wrap) as card:
                read_credentials(card)
                survey_card(card)
        finally:
            # What was read before a failure is what a lab engineer wants to see.
            for recorder in recorders:
                write_octets(file, format_transcript(recorder.transcript).encode())
                if pcap is not None:
                    write_octets(pcap, to_pcap(recorder.transcript))
        form = {"file": file, "pcap": pcap, "apdus": card.apdu_count, "redact": redact}
        if as_json:
            print_json(form)
        else:
            print_line(f"{file}: {card.apdu_count} APDUs, redact {redact}" + (f"; {pcap}" if pcap else ""))
