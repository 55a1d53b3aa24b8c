"""The command line: `smartcard-dm`.

Guarantees: a command's module is imported only when that command runs, so that `--help` is quick.
"""

from __future__ import annotations

from typing import Final

import click

from smartcard_dm.cli.program import Program

_COMMANDS: Final = {
    "demo": ("smartcard_dm.cli.demo", "The whole way on an embedded card, in seconds, no hardware."),
    "readers": ("smartcard_dm.cli.readers", "List PC/SC readers and what is in them; --watch follows changes."),
    "card": ("smartcard_dm.cli.card", "Look at a card: files, PKCS#15 objects, access rules."),
    "accounts": ("smartcard_dm.cli.accounts", "List the DM accounts of a card and their origin."),
    "verify": ("smartcard_dm.cli.verify", "Authorize or refuse a message, and say why."),
    "apply": ("smartcard_dm.cli.apply", "Verify a message and carry it out on a device's tree."),
    "tree": ("smartcard_dm.cli.tree", "Make, provision and look at a device's tree."),
    "issue": ("smartcard_dm.cli.issue", "Compose, sign and encode a sessionless message."),
    "push": ("smartcard_dm.cli.push", "Push a message to a device over WAP, HTTP or SIP."),
    "receive": ("smartcard_dm.cli.receive", "Take in what is pushed, judge it, apply it."),
    "conformance": ("smartcard_dm.cli.conformance", "Examine the draft's conformance requirements, with evidence."),
    "vcard": ("smartcard_dm.cli.vcard", "Put a virtual card behind pcscd, for any PC/SC program."),
    "agent": ("smartcard_dm.cli.agent", "Keep a card for other programs, and ask whoever keeps it."),
    "wbxml": ("smartcard_dm.cli.wbxml", "Decode and encode WBXML documents."),
}


class SmartcardDm(Program):
    """The program with its commands."""

    table = _COMMANDS


@click.group(
    name="smartcard-dm",
    cls=SmartcardDm,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Begin with: smartcard-dm demo",
)
@click.version_option(package_name="smartcard-dm", prog_name="smartcard-dm")
def main() -> None:
    """Trust for OMA Device Management, rooted in the subscriber card.

    A subscriber card holds the accounts of the servers that may manage a device. A server pushes one signed message;
    this program reads the card, judges the message, and says why.

    \b
    Exit codes:
      0  done, or authorized
      1  refused
      2  usage
      3  card or reader
      4  malformed input
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
