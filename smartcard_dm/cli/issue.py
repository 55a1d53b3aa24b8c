"""`smartcard-dm issue`."""

from __future__ import annotations

import hashlib
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smartcard_dm.cli.exits import reported
from smartcard_dm.cli.options import json_option, policy_option, secret_from_environment
from smartcard_dm.cli.output import print_json
from smartcard_dm.dm import parse_server_id
from smartcard_dm.server import Header, issue
from smartcard_dm.trust.policy import POLICIES
from smartcard_dm.xmlsec import PrivateSigningKey, SecretSigningKey
from smartcard_dm.xmlsec.algorithms import SIGNATURE_BY_NAME

if TYPE_CHECKING:
    from typing import BinaryIO

    from smartcard_dm.secret import Secret
    from smartcard_dm.xmlsec import SigningKey


@click.command()
@click.argument("commands", type=click.File("rb"))
@click.option("--server-id", required=True, metavar="ID", help="Your ServerID; becomes SyncHdr/Source/LocURI.")
@click.option(
    "--key",
    "key_file",
    metavar="PEM",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Private key: RSA, EC (P-256, P-384, P-521) or Ed25519.",
)
@click.option("--key-password-env", metavar="NAME", help="Environment variable with the password of the private key.")
@click.option("--secret-env", metavar="NAME", help="Environment variable with the shared secret, for an HMAC.")
@click.option("--algorithm", type=click.Choice(list(SIGNATURE_BY_NAME)), help="Default: the one that fits the key.")
@click.option("--key-name", metavar="NAME", help="Written as KeyName, a hint for the receiver.")
@policy_option
@click.option("--session-id", metavar="TEXT", help="Default: the document's, else the time in seconds.")
@click.option("--msg-id", metavar="TEXT", help="Default: the document's, else 1.")
@click.option("--target", metavar="URI", help="The device; default: the document's, else ./ (whichever reads it).")
@click.option(
    "--wbxml-version",
    "version",
    type=click.Choice(["1.1", "1.2", "1.3"]),
    default="1.2",
    show_default=True,
    help="Version octet of the message.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True),
    required=True,
    metavar="FILE",
    help="Where the message goes; - is standard output.",
)
@json_option
def command(  # noqa: PLR0913 - one argument for each option
    commands: BinaryIO,
    *,
    server_id: str,
    key_file: Path | None,
    key_password_env: str | None,
    secret_env: str | None,
    algorithm: str | None,
    key_name: str | None,
    policy_name: str,
    session_id: str | None,
    msg_id: str | None,
    target: str | None,
    version: str,
    output: str,
    as_json: bool,
) -> None:
    """Compose, sign and encode a sessionless message.

    COMMANDS is XML: a SyncML document or a bare SyncBody; - is standard input.
    """
    if (key_file is None) == (secret_env is None):
        raise click.UsageError("give exactly one of --key and --secret-env")
    if output == "-" and (as_json or sys.stdout.isatty()):
        raise click.UsageError("a message is binary: give -o FILE, or pipe it and leave out --json")
    secret = secret_from_environment(secret_env, "--secret-env")
    password = secret_from_environment(key_password_env, "--key-password-env")
    with reported(as_json=as_json):
        key = _key(key_file, password, secret)
        method = key.default_algorithm if algorithm is None else SIGNATURE_BY_NAME[algorithm]
        message = issue(
            commands.read(),
            parse_server_id(server_id),
            key,
            header=Header(session_id, msg_id, target, default_session_id=str(int(time.time()))),
            algorithm=method,
            key_name=key_name,
            policy=POLICIES[policy_name]().algorithms,
            version=version,
        )
    _write(output, message)
    if as_json:
        print_json(
            {
                "file": output,
                "octets": len(message),
                "server_id": server_id,
                "algorithm": method.identifier,
                "sha256": hashlib.sha256(message).hexdigest(),
            }
        )
    elif output != "-":
        click.echo(f"{output}: {len(message)} octets, from {server_id}, {method.identifier}")


def _write(output: str, message: bytes) -> None:
    """Write a message whole, or leave what was there as it was."""
    if output == "-":
        sys.stdout.buffer.write(message)
        return
    path = Path(output)
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_bytes(message)
        part.replace(path)
    except OSError as error:
        raise click.FileError(output, hint=error.strerror) from error


def _key(key_file: Path | None, password: Secret | None, secret: Secret | None) -> SigningKey:
    if key_file is not None:
        return PrivateSigningKey.from_pem(key_file.read_bytes(), password)
    assert secret is not None  # noqa: S101 - exactly one of the two was checked for
    return SecretSigningKey(secret)
