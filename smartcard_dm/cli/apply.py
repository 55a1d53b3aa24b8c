"""`smartcard-dm apply`."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NoReturn

import click

from smartcard_dm.cli.card_access import CardAccess, optional_card_options
from smartcard_dm.cli.device_key_access import device_key_options
from smartcard_dm.cli.exits import exit_code, reported
from smartcard_dm.cli.inputs import INPUT_FILE
from smartcard_dm.cli.options import json_option, tree_option, verification_options
from smartcard_dm.cli.output import print_json, print_problem, print_text
from smartcard_dm.credentials import read_provisioning
from smartcard_dm.errors import VerificationError
from smartcard_dm.report.effects import applied_lines, not_applied_lines, synced_lines
from smartcard_dm.report.tree_forms import applied_form, not_applied_form, tree_sync_form
from smartcard_dm.report.verdicts import refused_summary
from smartcard_dm.tree import DeviceTree, ProcessingPolicy, ReplayPolicy
from smartcard_dm.tree.events import Noting
from smartcard_dm.trust.policy import POLICIES
from smartcard_dm.trust.transport import Transport

if TYPE_CHECKING:
    from rich.console import RenderableType

    from smartcard_dm.cli.device_key_access import DeviceKeyAccess
    from smartcard_dm.cli.inputs import InputFile
    from smartcard_dm.tree import Synced
    from smartcard_dm.trust.credentials import Credentials


@click.command()
@click.argument("file", type=INPUT_FILE)
@tree_option()
@optional_card_options
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing; the card's part too.")
@click.option(
    "--this-device-only",
    is_flag=True,
    help="Carry out only a message whose Target is this device's DevId, or ./ for any device.",
)
@click.option(
    "--monotonic", is_flag=True, help="Refuse a message whose SessionID and MsgID do not grow from message to message."
)
@verification_options
@device_key_options
@json_option
def command(  # noqa: PLR0913 - one argument for each option
    file: InputFile,
    access: CardAccess | None,
    tree_file: str,
    policy_name: str,
    transport: str,  # noqa: ARG001 - one choice so far, shown in the verdict
    at: datetime | None,
    device: DeviceKeyAccess,
    *,
    dry_run: bool,
    this_device_only: bool,
    monotonic: bool,
    steps: bool,
    as_json: bool,
) -> None:
    """Verify a sessionless message and carry out its commands on a device's tree, with the rights of its server.

    FILE holds one WBXML message; - is standard input. Its effects are in the tree together or not at all, and the
    same message is refused from then on. With --card the tree first takes in the card, as with `tree sync`; that
    stays even when the message is refused. A request to execute (Exec) is noted; nothing executes it. Encrypted parts
    are opened as `verify` opens them.

    Exit: 0 authorized, whatever its commands' status; 1 refused, 4 when FILE is too large or no WBXML at all.

    \b
    Examples:
      smartcard-dm apply message.wbxml --tree t.db --dry-run
      smartcard-dm apply message.wbxml --tree t.db --card pcsc: --json
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    device.check(file)
    policy = POLICIES[policy_name]()
    processing = ProcessingPolicy(replay=ReplayPolicy(monotonic=monotonic), this_device_only=this_device_only)
    octets = file.read(policy.limits.message_octets)
    with reported(as_json=as_json, thing=device.name, advice=device.advice):
        decryptor = device.decryptor()
    taken: tuple[Synced, Credentials] | None = None
    with (
        reported(as_json=as_json, thing=tree_file),
        DeviceTree.open(tree_file) as tree,
    ):
        credentials = _read(access, as_json=as_json)
        moment = at or datetime.now(UTC)
        with tree.trial() if dry_run else nullcontext():
            if credentials is not None:
                taken = tree.sync(credentials, at=moment), credentials
            try:
                applied = tree.apply(
                    octets,
                    transport=Transport.local(),
                    at=moment,
                    policy=policy,
                    processing=processing,
                    decryptor=decryptor,
                    listener=Noting(),
                )
            except VerificationError as error:
                _refuse(error, file, taken, dry_run=dry_run, as_json=as_json)
    if as_json:
        print_json(applied_form(applied, _sync_form(taken)))
    else:
        print_text(applied_lines(applied, _sync_lines(taken), steps=steps))


def _read(access: CardAccess | None, *, as_json: bool) -> Credentials | None:
    if access is None:
        return None
    with (
        reported(as_json=as_json, thing=access.uri),
        access.open() as card,
    ):
        return read_provisioning(card)


def _refuse(
    error: VerificationError,
    file: InputFile,
    taken: tuple[Synced, Credentials] | None,
    *,
    dry_run: bool,
    as_json: bool,
) -> NoReturn:
    if as_json:
        print_json(not_applied_form(error, _sync_form(taken), dry_run=dry_run))
    else:
        print_text(not_applied_lines(error, _sync_lines(taken)))
    print_problem(f"{file.name}: {refused_summary(error)}")
    raise click.exceptions.Exit(exit_code(error))


def _sync_lines(taken: tuple[Synced, Credentials] | None) -> RenderableType | None:
    return None if taken is None else synced_lines(taken[0], taken[1].warnings)


def _sync_form(taken: tuple[Synced, Credentials] | None) -> dict[str, object] | None:
    return None if taken is None else tree_sync_form(*taken)
