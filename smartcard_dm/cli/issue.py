"""`smartcard-dm issue`."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import click

from smartcard_dm.cli.addresses import SERVER_ID
from smartcard_dm.cli.batch_options import batch_options
from smartcard_dm.cli.exits import reported
from smartcard_dm.cli.inputs import INPUT_FILE
from smartcard_dm.cli.key_access import key_options
from smartcard_dm.cli.options import TEXT, json_option, policy_option, wbxml_version_option
from smartcard_dm.cli.output import STDOUT, print_json, print_text, stdout_is_terminal, write_octets
from smartcard_dm.cli.usage import usage_error
from smartcard_dm.errors import LimitExceededError
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.report.forms import issued_form
from smartcard_dm.server import Header, issue
from smartcard_dm.server.source import compile_source
from smartcard_dm.trust.policy import POLICIES
from smartcard_dm.xmlsec.algorithms import SIGNATURE_BY_NAME

if TYPE_CHECKING:
    from smartcard_dm.cli.batch_options import BatchOptions
    from smartcard_dm.cli.inputs import InputFile
    from smartcard_dm.cli.key_access import KeyAccess
    from smartcard_dm.dm import ServerId
    from smartcard_dm.xmlsec import AlgorithmPolicy, SignatureAlgorithm, SigningKey


@click.command()
@click.argument("commands", type=INPUT_FILE)
@click.option(
    "--server-id",
    required=True,
    type=SERVER_ID,
    metavar="ID",
    help="Your ServerID, as the accounts of the devices have it; becomes SyncHdr/Source/LocURI.",
)
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE",
    help="Where the message goes; - is standard output, unless it is a terminal.",
)
@key_options
@click.option(
    "--algorithm",
    type=click.Choice(list(SIGNATURE_BY_NAME)),
    metavar="NAME",
    help="hmac-, rsa-, rsa-pss- or ecdsa- with sha256, sha384 or sha512, such as rsa-pss-sha384; or eddsa-ed25519; "
    "by the legacy policy rsa-sha1 too.  [default: what fits the key]",
)
@click.option("--key-name", type=TEXT, metavar="NAME", help="Written as KeyName, a hint for the receiver.")
@policy_option
@click.option(
    "--session-id", type=TEXT, metavar="TEXT", help="SessionID.  [default: the document's, else the time in seconds]"
)
@click.option("--msg-id", type=TEXT, metavar="TEXT", help="MsgID.  [default: the document's, else 1]")
@click.option(
    "--target", type=TEXT, metavar="URI", help="The device.  [default: the document's, else ./, whichever reads it]"
)
@wbxml_version_option
@batch_options
@json_option
def command(  # noqa: PLR0913 - one argument for each option
    commands: InputFile,
    *,
    server_id: ServerId,
    output: str,
    signer: KeyAccess,
    algorithm: str | None,
    key_name: str | None,
    policy_name: str,
    session_id: str | None,
    msg_id: str | None,
    target: str | None,
    version: str,
    batch: BatchOptions | None,
    as_json: bool,
) -> None:
    """Compose, sign and encode a sessionless message.

    COMMANDS is XML: a SyncML document, whose header is completed, or a bare SyncBody; - is standard input. Sign with
    a private key (--key), in a file or on a token that it never leaves, or with a secret shared with the device
    (--secret-env, --secret-file).

    With --batch, each target of a file gets a message of its own; running the same command again goes on where the
    last run ended. It leaves with 4 when some targets have no message.

    \b
    Examples:
      smartcard-dm issue commands.xml --server-id com.example.dms \\
          --key dms.pem -o message.wbxml
      smartcard-dm issue commands.xml --server-id com.example.dms \\
          --key dms.pem --batch targets.csv -o outbox.db
      smartcard-dm issue commands.xml --server-id com.example.dms --pin-env PIN \\
          --key 'pkcs11:token=dms;object=signer?module-name=softhsm2' \\
          -o message.wbxml
      smartcard-dm issue commands.xml --server-id com.example.dms \\
          --secret-env SECRET -o - | smartcard-dm wbxml decode -
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    signer.check(commands)
    if batch is None:
        _check_output(output, as_json=as_json)
    policy = POLICIES[policy_name]().algorithms
    source = commands.read(DEFAULT_LIMITS.xml_octets)
    with reported(as_json=as_json, thing=signer.name, advice=signer.advice):
        key = signer.load()
    method = _method(key, algorithm, policy)
    header = Header(session_id, msg_id, target, version=version, default_session_id=str(int(time.time())))
    if batch is not None:
        from smartcard_dm.cli.issue_batch import BatchMessage, issue_batch  # noqa: PLC0415 - one message needs none of it

        composed = partial(compile_source, source, server_id)
        said = BatchMessage(composed, server_id, signer, key, method, key_name, policy, header)
        issue_batch(batch, said, commands.name, output, as_json=as_json)
        return
    with reported(as_json=as_json, thing=commands.name):
        if len(source) > DEFAULT_LIMITS.xml_octets:
            raise LimitExceededError("commands to issue", "xml_octets", DEFAULT_LIMITS.xml_octets)
        message = issue(
            source,
            server_id,
            key,
            header=header,
            algorithm=method,
            key_name=key_name,
            policy=policy,
            version=version,
        )
    write_octets(output, message)
    if as_json:
        print_json(issued_form(output, message, server_id, method, key_kind=key.kind, key_label=key.label))
    elif output != STDOUT:
        print_text(f"{output}: {len(message)} octets from {server_id}, signed with {method.identifier}", wrap=False)


def _check_output(output: str, *, as_json: bool) -> None:
    if output == STDOUT and as_json:
        raise usage_error("-o - and --json both want standard output: give -o FILE")
    if output == STDOUT and stdout_is_terminal():
        raise usage_error("a message is binary and standard output is a terminal: give -o FILE")


def _method(key: SigningKey, name: str | None, policy: AlgorithmPolicy) -> SignatureAlgorithm:
    """Return the algorithm to sign with; one that fits neither key nor policy is a wrong command line."""
    method = key.default_algorithm if name is None else SIGNATURE_BY_NAME[name]
    fitting = [other for other in SIGNATURE_BY_NAME.values() if other.family is key.family]
    if method not in fitting:
        names = ", ".join(other.identifier for other in fitting if other in policy.signatures)
        raise usage_error(
            f"--algorithm {method.identifier} does not fit a key of kind {key.family.value}: give {names}"
        )
    if method not in policy.signatures:
        raise usage_error(
            f"--algorithm {method.identifier} is not allowed by policy {policy.name}: "
            "give one with SHA-2, or --policy oma_1_2_legacy for a device that knows no better"
        )
    return method
