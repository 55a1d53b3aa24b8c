"""`smartcard-dm verify`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NoReturn

import click

from smartcard_dm.cli.card_access import CardAccess, optional_card_options
from smartcard_dm.cli.crews import crew_options
from smartcard_dm.cli.device_key_access import device_key_options
from smartcard_dm.cli.exits import exit_code, reported
from smartcard_dm.cli.inputs import INPUT_FILE
from smartcard_dm.cli.options import json_option, tree_option, verification_options
from smartcard_dm.cli.output import print_json, print_problem, print_text
from smartcard_dm.cli.usage import usage_error
from smartcard_dm.credentials import read_credentials
from smartcard_dm.errors import VerificationError
from smartcard_dm.report.forms import authorized_form, refused_form
from smartcard_dm.report.verdicts import authorized_lines, refused_lines, refused_summary
from smartcard_dm.trust.policy import POLICIES
from smartcard_dm.trust.transport import Transport
from smartcard_dm.trust.verifier import Verifier

if TYPE_CHECKING:
    from smartcard_dm.cli.device_key_access import DeviceKeyAccess
    from smartcard_dm.cli.inputs import InputFile
    from smartcard_dm.trust.message_decryption import MessageDecryptor
    from smartcard_dm.trust.policy import Policy
    from smartcard_dm.trust.verified import VerifiedMessage


@click.command()
@click.argument("file", type=INPUT_FILE)
@optional_card_options
@tree_option(required=False)
@verification_options
@device_key_options
@click.option("--batch", is_flag=True, help="FILE holds many messages: a folder, JSON Lines or an outbox of a batch.")
@crew_options
@json_option
def command(  # noqa: PLR0913 - one argument for each option
    file: InputFile,
    access: CardAccess | None,
    tree_file: str | None,
    policy_name: str,
    transport: str,  # noqa: ARG001 - one choice so far, shown in the verdict
    at: datetime | None,
    device: DeviceKeyAccess,
    jobs: int | None,
    scheduler: str | None,
    *,
    steps: bool,
    batch: bool,
    as_json: bool,
) -> None:
    """Authorize or refuse a sessionless message with the accounts of a card, or of a device's tree.

    FILE holds one WBXML message; - is standard input. Nothing is applied. Give --card or --tree: a tree also
    remembers which messages took effect. What is encrypted to the shared secret of its account is opened with that;
    what is encrypted to the device's certificate needs --device-key.

    Exit: 0 authorized, 1 refused, 4 when FILE is too large or no WBXML at all. With --batch: a line for each message,
    0 when all are authorized; JSON is then JSON Lines, the counts last.

    \b
    Examples:
      smartcard-dm verify message.wbxml --card profile:usim.yaml
      smartcard-dm verify message.wbxml --card pcsc: --device-pin-env PIN \\
          --device-key 'pkcs11:token=device;object=key?module-name=softhsm2'
      smartcard-dm verify - --tree t.db --json < message.wbxml
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    if (access is None) == (tree_file is None):
        raise usage_error("give exactly one of --card and --tree")
    device.check(file)
    if batch:
        from smartcard_dm.cli.verify_batch import Judgement, verify_batch  # noqa: PLC0415 - one message needs none of it

        if steps:
            raise usage_error("--steps shows one message: leave --batch out")
        if device.key is not None:
            raise usage_error("--device-key opens what is for one device: leave --batch out")
        judgement = Judgement(access, tree_file, policy_name, at or datetime.now(UTC))
        verify_batch(file.path, judgement, jobs=jobs, scheduler=scheduler, as_json=as_json)
        return
    if jobs is not None or scheduler is not None:
        raise usage_error("--jobs and --scheduler go with --batch")
    policy = POLICIES[policy_name]()
    octets = file.read(policy.limits.message_octets)
    moment = at or datetime.now(UTC)
    with reported(as_json=as_json, thing=device.name, advice=device.advice):
        decryptor = device.decryptor()
    try:
        if access is not None:
            message = _by_card(octets, access, policy, moment, decryptor, as_json=as_json)
        else:
            assert tree_file is not None  # noqa: S101 - exactly one was checked for
            message = _by_tree(octets, tree_file, policy, moment, decryptor, as_json=as_json)
    except VerificationError as error:
        _refuse(error, file, as_json=as_json)
    if as_json:
        print_json(authorized_form(message))
    else:
        print_text(authorized_lines(message, steps=steps))


def _by_card(
    octets: bytes, access: CardAccess, policy: Policy, at: datetime, decryptor: MessageDecryptor, *, as_json: bool
) -> VerifiedMessage:
    with (
        reported(as_json=as_json, thing=access.uri),
        access.open() as card,
    ):
        credentials = read_credentials(card)
    verifier = Verifier(credentials, policy=policy, decryptor=decryptor)
    message = verifier.verify(octets, transport=Transport.local(), at=at)
    _ = message.message  # read here, so that a verdict is never about commands nobody could read
    return message


def _by_tree(
    octets: bytes, tree_file: str, policy: Policy, at: datetime, decryptor: MessageDecryptor, *, as_json: bool
) -> VerifiedMessage:
    from smartcard_dm.tree import DeviceTree  # noqa: PLC0415 - a card needs none of it

    with reported(as_json=as_json, thing=tree_file, passed=VerificationError), DeviceTree.open(tree_file) as tree:
        return tree.verify(octets, transport=Transport.local(), at=at, policy=policy, decryptor=decryptor)


def _refuse(error: VerificationError, file: InputFile, *, as_json: bool) -> NoReturn:
    if as_json:
        print_json(refused_form(error))
    else:
        print_text(refused_lines(error))
    print_problem(f"{file.name}: {refused_summary(error)}")
    raise click.exceptions.Exit(exit_code(error))
