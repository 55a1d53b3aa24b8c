"""`smartcard-dm agent serve`."""

from __future__ import annotations

import os
import secrets
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smartcard_dm.cli.card_access import CardAccess, card_options
from smartcard_dm.cli.device_key_access import device_key_options
from smartcard_dm.cli.exits import reported
from smartcard_dm.cli.options import policy_option, tree_option
from smartcard_dm.cli.output import print_line
from smartcard_dm.cli.secret_sources import secret_from_descriptor, secret_from_prompt
from smartcard_dm.cli.usage import usage_error
from smartcard_dm.client.places import default_socket
from smartcard_dm.dm import parse_server_id
from smartcard_dm.errors import DmError
from smartcard_dm.trust.policy import POLICIES

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from smartcard_dm.agent.peers import AllowedPeers
    from smartcard_dm.agent.pin_entry import PinEntry
    from smartcard_dm.agent.service import Releases
    from smartcard_dm.agent.snapshot import Snapshot
    from smartcard_dm.agent.sources import CardSource
    from smartcard_dm.cli.device_key_access import DeviceKeyAccess
    from smartcard_dm.tree import DeviceTree

_ALL = "all"


@click.command(name="serve")
@card_options
@click.option("--pinentry", metavar="PROGRAM", help="Ask for the PIN with this program, such as pinentry-curses.")
@click.option(
    "--pin-tries",
    type=click.IntRange(1, 10),
    default=1,
    show_default=True,
    help="How many PINs may be wrong while a card stays in; the same wrong one is never presented twice.",
)
@click.option(
    "--socket",
    "socket_file",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Where to listen; its folder is made, or must be yours alone.  "
    "[default: smartcard-dm/agent.sock in $XDG_RUNTIME_DIR, or the socket that systemd passes]",
)
@click.option("--allow-uid", "uids", multiple=True, metavar="USER", help="A user who may connect, besides your own.")
@click.option("--allow-gid", "gids", multiple=True, metavar="GROUP", help="A group whose processes may connect.")
@tree_option(required=False)
@policy_option
@device_key_options
@click.option(
    "--allow-basic",
    "basic",
    multiple=True,
    metavar="ACCOUNT",
    help="An account, or all: basic credentials of it are given, which are its secret in another spelling.",
)
@click.option(
    "--allow-secret-release",
    "released",
    multiple=True,
    metavar="ACCOUNT",
    help="An account, or all: its secrets are given to whoever may connect.",
)
@click.option(
    "--audit",
    "audit_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="JSON Lines: each secret that was asked for, before it is given. With --tree the tree's audit is the default.",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    help="How much is told on stderr, in JSON Lines.",
)
def command(  # noqa: PLR0913 - one argument for each option
    access: CardAccess,
    pinentry: str | None,
    pin_tries: int,
    socket_file: Path | None,
    uids: tuple[str, ...],
    gids: tuple[str, ...],
    tree_file: str | None,
    policy_name: str,
    device: DeviceKeyAccess,
    *,
    basic: tuple[str, ...],
    released: tuple[str, ...],
    audit_file: Path | None,
    log_level: str,
) -> None:
    """Serve a card's accounts and verdicts to other programs of this machine, until Ctrl-C or SIGTERM.

    HTTP and JSON on a Unix socket; docs/agent.md has the calls. Only your own user may connect, unless others are
    named. When the card leaves, what it vouched for is withdrawn at once; when one comes, it is read. With --tree the
    tree takes in each card that comes, and messages can be applied to it.

    \b
    Examples:
      smartcard-dm agent serve --card pcsc: --pinentry pinentry-curses
      smartcard-dm agent serve --card pcsc: --socket mine/agent.sock --tree t.db
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    _check_parts()
    from smartcard_dm.agent import logs  # noqa: PLC0415 - what a server needs is loaded for a server only
    from smartcard_dm.agent.running import Setup, run  # noqa: PLC0415 - same

    device.check()
    allowed = _allowed(uids, gids)
    if (basic or released) and audit_file is None and tree_file is None:
        raise usage_error("--allow-basic and --allow-secret-release need --audit FILE, or --tree whose audit is used")
    with ExitStack() as stack:
        handler = logs.configure(log_level, sys.stderr)
        stack.callback(logs.remove, handler)
        with reported(as_json=False, thing=device.name, advice=device.advice):
            decryptor = device.decryptor()
        tree = _tree(tree_file, stack)
        releases = _releases(basic, released, audit_file, tree, stack)
        source = _source(access.uri)
        listening, place = _listening(socket_file, stack)
        setup = Setup(
            origin=access.uri,
            source=source,
            listening=listening,
            allowed=allowed,
            policy=POLICIES[policy_name](),
            pin=_pin_entry(access, pinentry, pin_tries),
            use_last_try=access.use_last_try,
            tree=tree,
            decryptor=decryptor,
            releases=releases,
        )

        def ready(snapshot: Snapshot) -> None:
            print_line(f"listening on {place}; card {snapshot.state.value}")

        run(setup, environment=os.environ, ready=ready)


def _check_parts() -> None:
    try:
        import fastapi  # noqa: F401, PLC0415 - asked for here, so that one line says what is missing
        import httptools  # noqa: F401, PLC0415
        import prometheus_client  # noqa: F401, PLC0415
        import uvicorn  # noqa: F401, PLC0415
    except ImportError as error:
        missing = error.name or "a part of it"
        raise usage_error(f"a server needs {missing}: pip install smartcard-dm[agent]") from error


def _allowed(uids: Sequence[str], gids: Sequence[str]) -> AllowedPeers:
    from smartcard_dm.agent.peers import allowed_peers  # noqa: PLC0415 - same

    try:
        return allowed_peers(uids, gids, os.geteuid())
    except ValueError as error:
        raise usage_error(f"--allow-uid, --allow-gid: {error}") from error


def _tree(tree_file: str | None, stack: ExitStack) -> DeviceTree | None:
    if tree_file is None:
        return None
    from smartcard_dm.tree import DeviceTree  # noqa: PLC0415 - without a tree none of it is needed

    with reported(as_json=False, thing=tree_file):
        return stack.enter_context(DeviceTree.open(tree_file))


def _releases(
    basic: Sequence[str], released: Sequence[str], audit_file: Path | None, tree: DeviceTree | None, stack: ExitStack
) -> Releases:
    from smartcard_dm.agent.release import Allowed, AuditFile, ReleaseAudit, TreeAudit  # noqa: PLC0415 - same as above
    from smartcard_dm.agent.service import Releases  # noqa: PLC0415 - same

    for name in (*basic, *released):
        try:
            if name != _ALL:
                parse_server_id(name)
        except DmError as error:
            raise usage_error(f"--allow-basic, --allow-secret-release: {error.detail}") from error
    audit: ReleaseAudit | None = None
    if audit_file is not None:
        try:
            audit = stack.enter_context(AuditFile(audit_file))
        except OSError as error:
            raise usage_error(f"--audit: {audit_file} cannot be written: {error.strerror}") from error
    elif tree is not None:
        audit = TreeAudit(tree)
    return Releases(basic=Allowed.named(basic), secret=Allowed.named(released), audit=audit)


def _source(uri: str) -> CardSource:
    from smartcard_dm.agent.sources import source_for  # noqa: PLC0415 - same as above
    from smartcard_dm.card_uri import CardUriError  # noqa: PLC0415 - same

    try:
        return source_for(uri)
    except CardUriError as error:
        raise usage_error(f"--card: {error}") from error


def _listening(path: Path | None, stack: ExitStack) -> tuple[socket.socket, str]:
    from smartcard_dm.agent.socket_file import SocketFile, SocketFileError  # noqa: PLC0415 - same as above
    from smartcard_dm.agent.systemd import ActivationError, activated_socket  # noqa: PLC0415 - same

    try:
        passed = activated_socket(os.environ)
    except ActivationError as error:
        raise usage_error(f"socket activation: {error}; pass one ListenStream= with a path") from error
    if passed is not None:
        stack.enter_context(passed)
        if path is not None:
            raise usage_error("a listening socket was passed to this process: leave --socket out")
        passed.setblocking(False)
        return passed, f"the socket that was passed ({passed.getsockname()})"
    try:
        made = stack.enter_context(SocketFile(path or default_socket(os.environ)))
    except SocketFileError as error:
        raise usage_error(str(error)) from error
    return made.socket, str(made.path)


def _pin_entry(access: CardAccess, pinentry: str | None, tries: int) -> PinEntry | None:
    from smartcard_dm.agent.pin_entry import EnvironmentPin, GivenPin, PinEntry, PinSource  # noqa: PLC0415 - same
    from smartcard_dm.agent.pinentry import PinentryPin, PinentryProgram  # noqa: PLC0415 - same

    ways = [access.pin_env is not None, access.pin_fd is not None, access.pin_prompt, pinentry is not None]
    if sum(ways) > 1:
        raise usage_error("give one of --pin-env, --pin-fd, --pin-prompt and --pinentry")
    source: PinSource
    if pinentry is not None:
        source = PinentryPin(PinentryProgram.here(pinentry, os.environ))
    elif access.pin_env is not None:
        source = EnvironmentPin(access.pin_env, os.environ)
    elif access.pin_fd is not None:
        source = GivenPin(secret_from_descriptor(access.pin_fd, "--pin-fd", "PIN"))
    elif access.pin_prompt:
        source = GivenPin(secret_from_prompt("--pin-prompt", "PIN", "--pin-env, --pin-fd or --pinentry"))
    else:
        return None
    return PinEntry(source, key=secrets.token_bytes(32), tries=tries)
