"""`smartcard-dm demo`: the whole way on an embedded card."""

from __future__ import annotations

import os
import shlex
from contextlib import contextmanager
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
from rich.rule import Rule
from rich.text import Text

from smartcard_dm.card.survey import Survey, survey_card
from smartcard_dm.card_uri import open_card
from smartcard_dm.cli.exits import reported
from smartcard_dm.cli.options import json_option
from smartcard_dm.cli.output import print_json, print_text
from smartcard_dm.cli.usage import usage_error
from smartcard_dm.credentials import read_credentials
from smartcard_dm.dm import parse_server_id
from smartcard_dm.errors import VerificationError
from smartcard_dm.report.accounts import account_lines
from smartcard_dm.report.card import card_tree, object_tree
from smartcard_dm.report.effects import card_summary, outcome_lines
from smartcard_dm.report.tree_forms import demo_form
from smartcard_dm.report.verdicts import authorized_lines, refused_lines, refused_summary
from smartcard_dm.server import issue
from smartcard_dm.tree import Applied, DeviceInformation, DeviceTree, Synced
from smartcard_dm.trust.policy import Policy
from smartcard_dm.trust.transport import Transport
from smartcard_dm.trust.verifier import Verifier
from smartcard_dm.xmlsec import PrivateSigningKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import RenderableType

    from smartcard_dm.trust.credentials import Credentials
    from smartcard_dm.trust.verified import VerifiedMessage

SERVER_ID: Final = "com.example.dms"
_WORD: Final = b"new platform"
_TAMPERED_WORD: Final = b"old platform"
_CARD: Final = "card.yaml"
_KEY: Final = "server-key.pem"
_CERTIFICATE: Final = "server-cert.pem"
_COMMANDS: Final = "commands.xml"
_MESSAGE: Final = "message.wbxml"
_TAMPERED: Final = "tampered.wbxml"
_TREE: Final = "t.db"
_DEVICE: Final = DeviceInformation(
    dev_id="urn:example:demo", man="smartcard-dm", mod="demo device", lang="en", dev_type="lab"
)
_LINE: Final = 16
_SHOWN_LINES: Final = 3


@dataclass(frozen=True, slots=True)
class Shown:
    """What the demonstration found, in its order."""

    survey: Survey
    credentials: Credentials
    message: bytes
    authorized: VerifiedMessage
    tampered: VerificationError
    synced: Synced
    applied: Applied
    again: VerificationError


@click.command()
@click.option(
    "--keep",
    metavar="DIR",
    help="Keep card, key and messages in this folder, to go on with the other commands; nothing there is overwritten.",
)
@json_option
def command(keep: str | None, *, as_json: bool) -> None:
    """Walk a virtual USIM, authorize a signed message, apply it to a device's tree once, refuse a tampered copy.

    No hardware is used; the card, the server and its key are made for this run.

    \b
    Example:
      smartcard-dm demo --keep lab
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    with reported(as_json=as_json), _folder(keep) as folder:
        shown = _run(folder)
    if as_json:
        print_json(
            demo_form(
                shown.survey,
                shown.credentials.accounts,
                shown.authorized,
                shown.applied,
                shown.again,
                shown.tampered,
                keep,
            )
        )
    else:
        print_text(*_sections(shown))
        if keep is not None:
            print_text("", Rule("Go on with", align="left", style="bold"))
            print_text(*_next_commands(Path(keep)), wrap=False)


@contextmanager
def _folder(keep: str | None) -> Iterator[Path]:
    """Give the folder to work in, laid out."""
    try:
        if keep is None:
            with TemporaryDirectory() as scratch:
                _lay_out(Path(scratch))
                yield Path(scratch)
            return
        folder = Path(keep)
        folder.mkdir(parents=True, exist_ok=True)
        _lay_out(folder)
        yield folder
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        where = "the temporary folder" if keep is None else f"--keep {keep}"
        if isinstance(error, FileExistsError):
            raise usage_error(f"{where}: {error.filename} is there already; give a new or empty folder") from error
        reason = getattr(error, "strerror", None) or str(error)
        raise usage_error(f"{where} cannot be written: {reason}; give a folder that can be written") from error


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
    here = files("smartcard_dm.cli")
    _write_new(folder / _CARD, here.joinpath("demo_card.yaml").read_bytes())
    _write_new(folder / _COMMANDS, here.joinpath("demo_commands.xml").read_bytes())
    _write_new(folder / _CERTIFICATE, certificate.public_bytes(serialization.Encoding.PEM))
    _write_new(folder / _KEY, pem, mode=0o600)


def _run(folder: Path) -> Shown:
    with open_card(f"profile:{folder / _CARD}") as card:
        survey = survey_card(card)
        credentials = read_credentials(card)
    key = PrivateSigningKey.from_pem((folder / _KEY).read_bytes())
    message = issue((folder / _COMMANDS).read_bytes(), parse_server_id(SERVER_ID), key)
    tampered = message.replace(_WORD, _TAMPERED_WORD)
    _write_new(folder / _MESSAGE, message)
    _write_new(folder / _TAMPERED, tampered)
    verifier = Verifier(credentials, policy=Policy.default())
    now = datetime.now(UTC)
    authorized = verifier.verify(message, transport=Transport.local(), at=now)
    with DeviceTree.create(None, _DEVICE, at=now) as tree:

        def apply() -> Applied:
            return tree.apply(message, transport=Transport.local(), at=now, policy=Policy.default())

        synced, applied = tree.sync(credentials, at=now), apply()
        again = _refusal(apply)
    refused = _refusal(lambda: verifier.verify(tampered, transport=Transport.local(), at=now))
    return Shown(survey, credentials, message, authorized, refused, synced, applied, again)


def _refusal(judge: Callable[[], object]) -> VerificationError:
    try:
        judge()
    except VerificationError as error:
        return error
    raise AssertionError("a message was authorized that must be refused")


def _write_new(path: Path, octets: bytes, *, mode: int = 0o666) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(octets)


def _sections(shown: Shown) -> Iterator[RenderableType]:
    yield _heading(1, "A subscriber card, walked file by file")
    yield card_tree(shown.survey)
    yield ""
    yield _heading(2, "What its provisioning application lists")
    yield object_tree(shown.survey)
    yield ""
    yield _heading(3, "The account it holds, and the key it trusts for it")
    for account in shown.credentials.accounts:
        yield account_lines(account)
    for anchor in shown.credentials.anchors:
        yield Text(str(anchor.origin))
    yield ""
    yield _heading(4, "A message from that server, signed as a whole")
    yield f"{len(shown.message)} octets of WBXML, sent once and never answered:"
    yield Text(_first_octets(shown.message), style="dim")
    yield ""
    yield _heading(5, "The verdict, step by step")
    yield authorized_lines(shown.authorized, steps=True)
    yield ""
    yield _heading(6, "A device's tree takes in the card, then carries the message out")
    yield card_summary(shown.synced)
    yield outcome_lines(shown.applied)
    yield ""
    yield _heading(7, "The same message once more")
    yield Text(refused_summary(shown.again))
    yield ""
    yield _heading(8, f"The same message with {_WORD.decode()!r} changed to {_TAMPERED_WORD.decode()!r}")
    yield refused_lines(shown.tampered)


def _heading(number: int, text: str) -> RenderableType:
    return Rule(Text(f"{number}. {text}", style="bold"), align="left", style="dim")


def _next_commands(keep: Path) -> Iterator[Text]:
    def at(name: str) -> str:
        return shlex.quote(str(keep / name))

    card = f"--card {shlex.quote(f'profile:{keep / _CARD}')}"
    yield Text(f"smartcard-dm card show {card}")
    yield Text(f"smartcard-dm accounts {card}")
    yield Text(f"smartcard-dm verify {at(_MESSAGE)} {card} --steps")
    yield Text(f"smartcard-dm verify {at(_TAMPERED)} {card}")
    yield Text(f"smartcard-dm tree init {at(_TREE)}")
    yield Text(f"smartcard-dm apply {at(_MESSAGE)} {card} --tree {at(_TREE)}")
    yield Text(f"smartcard-dm tree show --tree {at(_TREE)}")
    yield Text(f"smartcard-dm wbxml decode {at(_MESSAGE)} --tokens")
    yield Text(f"smartcard-dm issue {at(_COMMANDS)} --server-id {SERVER_ID} --key {at(_KEY)} -o {at('mine.wbxml')}")


def _first_octets(message: bytes) -> str:
    starts = range(0, len(message), _LINE)[:_SHOWN_LINES]
    lines = [
        f"  {start:04X}  {message[start : start + _LINE].hex(' ')}  {_ascii(message[start : start + _LINE])}"
        for start in starts
    ]
    return "\n".join(lines)


def _ascii(octets: bytes) -> str:
    return "".join(chr(octet) if 0x20 <= octet < 0x7F else "." for octet in octets)
