"""`smartcard-dm issue`."""

from __future__ import annotations

import functools
import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from smartcard_dm import wbxml
from smartcard_dm.cli.addresses import SERVER_ID
from smartcard_dm.cli.batch_options import batch_options
from smartcard_dm.cli.encryption_access import encryption_options
from smartcard_dm.cli.exits import reported
from smartcard_dm.cli.inputs import INPUT_FILE, InputFile
from smartcard_dm.cli.issue_report import Issued, tell_findings
from smartcard_dm.cli.key_access import key_options
from smartcard_dm.cli.lint_options import lint_options
from smartcard_dm.cli.options import TEXT, json_option, policy_option, wbxml_version_option
from smartcard_dm.cli.output import STDOUT, stdout_is_terminal, write_octets
from smartcard_dm.cli.usage import usage_error
from smartcard_dm.errors import DmError, LimitExceededError
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.server import Header, PushSizes, compile_source, lint, receiver_view, sign_and_encode
from smartcard_dm.server.lint import find_secrets, has_errors
from smartcard_dm.trust.policy import POLICIES
from smartcard_dm.xmlsec.algorithms import SIGNATURE_BY_NAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from smartcard_dm.cli.batch_options import BatchOptions
    from smartcard_dm.cli.encryption_access import EncryptionAccess
    from smartcard_dm.cli.key_access import KeyAccess
    from smartcard_dm.cli.lint_options import LintChoice
    from smartcard_dm.dm import ServerId
    from smartcard_dm.server.confidential import Encrypted
    from smartcard_dm.server.template import Template
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
    metavar="FILE",
    help="Where the message goes; - is standard output, unless it is a terminal.  [required, but for --lint-only]",
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
    "--session-id", type=TEXT, metavar="TEXT", help="SessionID.  [default: the document's, else the time in ms]"
)
@click.option("--msg-id", type=TEXT, metavar="TEXT", help="MsgID.  [default: the document's, else 1]")
@click.option(
    "--target", type=TEXT, metavar="URI", help="The device.  [default: the document's, else ./, whichever reads it]"
)
@wbxml_version_option
@encryption_options
@batch_options
@lint_options
@click.option("--lint-only", is_flag=True, help="Say what is wrong and sign nothing; no key and no -o are needed.")
@click.option("--explain", is_flag=True, help="Show the message as its receiver sees it; secrets are hidden.")
@json_option
def command(  # noqa: PLR0913 - one argument for each option
    commands: InputFile,
    *,
    server_id: ServerId,
    output: str | None,
    signer: KeyAccess,
    algorithm: str | None,
    key_name: str | None,
    policy_name: str,
    session_id: str | None,
    msg_id: str | None,
    target: str | None,
    version: str,
    encryption: EncryptionAccess | None,
    batch: BatchOptions | None,
    choice: LintChoice,
    lint_only: bool,
    explain: bool,
    as_json: bool,
) -> None:
    """Compose, lint, encrypt, sign and encode a sessionless message.

    COMMANDS is XML (a SyncML document, whose header is completed, or a bare SyncBody) or the short YAML form of
    docs/issuing.md; - is standard input. What no client could use is not signed; what may surprise is told. Sign with
    a private key (--key), in a file or on a token that it never leaves, or with a secret shared with the device
    (--secret-env, --secret-file). With --encrypt what is confidential is encrypted before it is signed, to the device's
    certificate (--to-certificate) or to the secret of its account (--to-secret-env, --to-secret-file).

    With --batch each target of a file gets a message of its own; the same command again goes on where the last run
    ended. It leaves with 4 when some target has no message.

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
          --key dms.pem --encrypt data --to-certificate device.crt \\
          -o message.wbxml
      smartcard-dm issue commands.xml --server-id com.example.dms \\
          --secret-env SECRET -o - | smartcard-dm wbxml decode -
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    _check_usage(signer, commands, output, lint_only=lint_only, explain=explain, as_json=as_json)
    if encryption is not None:
        encryption.check(commands, signer.key, recipient=not lint_only)
    lint_policy = choice.policy()
    header = Header(session_id, msg_id, target, version, default_session_id=str(time.time_ns() // 1_000_000))
    policy = POLICIES[policy_name]().algorithms
    if batch is not None:
        from smartcard_dm.cli.issue_batch import BatchMessage, issue_batch  # noqa: PLC0415 - one message needs none of it

        _check_batch(lint_only=lint_only, explain=explain, encrypt=encryption is not None)
        with reported(as_json=as_json, thing=signer.name, advice=signer.advice):
            key = signer.load()
        method = _method(key, algorithm, policy)
        said = BatchMessage(commands, server_id, signer, key, method, key_name, policy, header, choice)
        issue_batch(batch, said, functools.partial(_template, commands), str(output), as_json=as_json)
        return
    with reported(as_json=as_json, thing=commands.name):
        xml = plain = _compose(commands, server_id, header)
        if encryption is not None:
            lint_policy = replace(lint_policy, encrypted=encryption.places(xml))
        findings = lint(xml, server_id, lint_policy)
        sizes = PushSizes(len(wbxml.from_xml(xml, version)))
    encrypted = None
    if encryption is not None and encryption.has_recipient and not has_errors(findings):
        xml, encrypted = _encrypt(plain, encryption, commands, as_json=as_json)
        sizes = PushSizes(len(wbxml.from_xml(xml, version)))
    if lint_only:
        findings += choice.size_findings(sizes, lint_policy)
        tell_findings(commands.name, findings, sizes, signed=False, output=None, as_json=as_json)
        return
    tell = functools.partial(tell_findings, commands.name, output=output, as_json=as_json)
    if has_errors(findings):
        tell(findings, sizes, signed=False)
    with reported(as_json=as_json, thing=signer.name, advice=signer.advice):
        key = signer.load()
    method = _method(key, algorithm, policy)
    with reported(as_json=as_json, thing=commands.name):
        message = sign_and_encode(xml, key, algorithm=method, key_name=key_name, policy=policy, version=version)
        sizes = PushSizes(len(message))
        findings += choice.size_findings(sizes, lint_policy)
        if has_errors(findings):
            tell(findings, sizes, signed=True)
        secrets = find_secrets(plain, server_id, lint_policy) if explain else ()
        view = receiver_view(message, (secret.octets for secret in secrets)) if explain else None
    write_octets(str(output), message)
    Issued(
        message,
        output=str(output),
        server_id=server_id,
        method=method,
        key=key,
        encrypted=encrypted,
        findings=findings,
        sizes=sizes,
        view=view,
    ).tell(as_json=as_json)


def _encrypt(
    xml: bytes, encryption: EncryptionAccess, commands: InputFile, *, as_json: bool
) -> tuple[bytes, Encrypted]:
    with reported(as_json=as_json, thing=encryption.name, advice=encryption.advice):
        recipient = encryption.load()
    with reported(as_json=as_json, thing=commands.name):
        return encryption.encrypt(xml, recipient)


def _compose(commands: InputFile, server_id: ServerId, header: Header) -> bytes:
    """Return the composed message; there is nobody who could give values to variables."""
    template = _template(commands, commands.read(DEFAULT_LIMITS.xml_octets), server_id, header)
    if template.variables:
        names = ", ".join(template.variables)
        detail = "variables without a value; write $${ for the characters themselves"
        raise DmError("commands to issue", detail, found=names)
    return template.fill({})


def _template(commands: InputFile, source: bytes, server_id: ServerId, header: Header) -> Template:
    return compile_source(source, server_id, header, read_file=_files_beside(commands))


def _files_beside(commands: InputFile) -> Callable[[str], bytes]:
    """Return a reader of files that commands name, seen from the directory of the commands."""
    folder = os.path.dirname(commands.path) or os.curdir  # noqa: PTH120 - a path as given, for the lines about it

    def read(name: str) -> bytes:
        octets = InputFile(os.path.join(folder, name)).read(DEFAULT_LIMITS.xml_octets)  # noqa: PTH118 - same
        if len(octets) > DEFAULT_LIMITS.xml_octets:
            raise LimitExceededError(name, "xml_octets", DEFAULT_LIMITS.xml_octets)
        return octets

    return read


def _check_batch(*, lint_only: bool, explain: bool, encrypt: bool) -> None:
    if lint_only or explain:
        raise usage_error("--lint-only and --explain show one message: leave --batch out")
    if encrypt:
        raise usage_error("--encrypt is for one device: leave --batch out")


def _check_usage(
    signer: KeyAccess, commands: InputFile, output: str | None, *, lint_only: bool, explain: bool, as_json: bool
) -> None:
    if lint_only and explain:
        raise usage_error("--explain shows a signed message and --lint-only signs none: give one of them")
    if lint_only:
        return
    signer.check(commands)
    if output is None:
        raise usage_error("the message needs a place: give -o FILE, or --lint-only")
    if output == STDOUT and as_json:
        raise usage_error("-o - and --json both want standard output: give -o FILE")
    if output == STDOUT and explain:
        raise usage_error("-o - and --explain both want standard output: give -o FILE")
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
