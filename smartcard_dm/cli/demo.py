"""`smartcard-dm demo`: the whole way on an embedded card."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import click
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from rich.text import Text

from smartcard_dm.card.survey import Survey, survey_card
from smartcard_dm.card_uri import open_card
from smartcard_dm.cli.exits import REFUSED, reported
from smartcard_dm.cli.options import json_option
from smartcard_dm.cli.output import console, print_json
from smartcard_dm.credentials import read_credentials
from smartcard_dm.dm import parse_server_id
from smartcard_dm.errors import VerificationError
from smartcard_dm.report.accounts import account_lines
from smartcard_dm.report.card import card_tree
from smartcard_dm.report.forms import account_form, authorized_form, refused_form, survey_form
from smartcard_dm.report.verdicts import authorized_lines, refused_lines
from smartcard_dm.server import issue
from smartcard_dm.trust.policy import Policy
from smartcard_dm.trust.transport import Transport
from smartcard_dm.trust.verifier import Verifier
from smartcard_dm.xmlsec import PrivateSigningKey

if TYPE_CHECKING:
    from smartcard_dm.trust.credentials import Credentials
    from smartcard_dm.trust.verified import VerifiedMessage

SERVER_ID: Final = "com.example.dms"
_WORD: Final = b"new platform"
_TAMPERED_WORD: Final = b"old platform"


@dataclass(frozen=True, slots=True)
class Shown:
    """What the demonstration found, in its order."""

    survey: Survey
    credentials: Credentials
    message: bytes
    tampered: bytes
    authorized: VerifiedMessage
    refused: VerificationError


@click.command()
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Keep card, key and messages there, to go on with the other commands.",
)
@json_option
def command(keep: Path | None, *, as_json: bool) -> None:
    """Walk a virtual USIM, find an account, authorize a signed message, refuse a tampered copy."""
    with reported(as_json=as_json), TemporaryDirectory() as scratch:
        folder = Path(scratch) if keep is None else keep
        folder.mkdir(parents=True, exist_ok=True)
        _lay_out(folder)
        shown = _run(folder)
        if as_json:
            print_json(
                {
                    "card": survey_form(shown.survey),
                    "accounts": [account_form(account) for account in shown.credentials.accounts],
                    "authorized": authorized_form(shown.authorized),
                    "tampered": refused_form(shown.refused),
                }
            )
        else:
            _show(shown, keep)


def _lay_out(folder: Path) -> None:
    """Write the card, a server key made for this run with its certificate, and the commands to send."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, SERVER_ID)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "server-key.pem").touch(mode=0o600)
    (folder / "server-key.pem").write_bytes(pem)
    (folder / "server-cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    here = files("smartcard_dm.cli")
    (folder / "card.yaml").write_bytes(here.joinpath("demo_card.yaml").read_bytes())
    (folder / "commands.xml").write_bytes(here.joinpath("demo_commands.xml").read_bytes())


def _run(folder: Path) -> Shown:
    with open_card(f"profile:{folder / 'card.yaml'}") as card:
        survey = survey_card(card)
        credentials = read_credentials(card)
    key = PrivateSigningKey.from_pem((folder / "server-key.pem").read_bytes())
    message = issue((folder / "commands.xml").read_bytes(), parse_server_id(SERVER_ID), key)
    tampered = message.replace(_WORD, _TAMPERED_WORD)
    (folder / "message.wbxml").write_bytes(message)
    (folder / "tampered.wbxml").write_bytes(tampered)
    verifier = Verifier(credentials, policy=Policy.default())
    now = datetime.now(UTC)
    authorized = verifier.verify(message, transport=Transport.local(), at=now)
    try:
        verifier.verify(tampered, transport=Transport.local(), at=now)
    except VerificationError as error:
        return Shown(survey, credentials, message, tampered, authorized, error)
    click.echo("smartcard-dm: the tampered copy was authorized, which must never happen", err=True)
    raise SystemExit(REFUSED)


def _show(shown: Shown, keep: Path | None) -> None:
    out = console()

    def heading(number: int, text: str) -> None:
        out.print()
        out.print(Text(f"{number}. {text}", style="bold reverse"))

    heading(1, "A subscriber card, walked file by file ")
    out.print(card_tree(shown.survey))
    heading(2, "The account it holds ")
    for account in shown.credentials.accounts:
        out.print(account_lines(account))
    for anchor in shown.credentials.anchors:
        out.print(Text(f"anchor: {anchor.origin}"))
    heading(3, "A message from that server, signed as a whole ")
    out.print(f"{len(shown.message)} octets of WBXML, one Replace, sent once and never answered:")
    out.print(Text(_first_octets(shown.message), style="dim"))
    heading(4, "The verdict, step by step ")
    out.print(authorized_lines(shown.authorized, steps=True))
    heading(5, f"The same message with {_WORD.decode()!r} changed to {_TAMPERED_WORD.decode()!r} ")
    out.print(refused_lines(shown.refused))
    if keep is not None:
        out.print()
        out.print(f"Kept in {keep}. Go on with:")
        out.print(Text(f"  smartcard-dm verify {keep}/tampered.wbxml --card profile:{keep}/card.yaml"))


def _first_octets(message: bytes) -> str:
    shown = message[:48]
    lines = [shown[start : start + 16] for start in range(0, len(shown), 16)]
    return "\n".join(f"  {16 * number:04X}  {line.hex(' ')}" for number, line in enumerate(lines)) + "  ..."
