"""`smartcard-dm agent get`."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import click

from smartcard_dm.cli.card_access import CardAccess, optional_card_options
from smartcard_dm.cli.exits import REFUSED, exit_code
from smartcard_dm.cli.inputs import STDIN, InputFile
from smartcard_dm.cli.options import policy_option
from smartcard_dm.cli.output import print_json, print_problem
from smartcard_dm.cli.usage import usage_error
from smartcard_dm.client.helper import answer_form, error_form, invalid, parse_request
from smartcard_dm.errors import (
    AgentCardError,
    AgentError,
    PinBlockedError,
    PinError,
    PinRequiredError,
    SmartcardDmError,
)
from smartcard_dm.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smartcard_dm.agent.one_shot import OneShot
    from smartcard_dm.client.helper import HelperRequest, Operation

_REQUEST_OCTETS: Final = 2 * DEFAULT_LIMITS.message_octets
"""Octets of a request: a message of the largest size in base64, and more than enough beside it."""


@click.command()
@click.option("--socket", metavar="PATH", help="The agent's socket.  [default: where agent serve puts it]")
@optional_card_options
@policy_option
@click.option(
    "--allow-basic",
    metavar="ID",
    multiple=True,
    help="With --card: compute BASIC for the account of this server, or all.",
)
@click.option(
    "--allow-secret-release",
    metavar="ID",
    multiple=True,
    help="With --card: print secrets of the account of this server, or all.",
)
@click.option("--audit", metavar="FILE", help="With --card: where each release is noted before it takes place.")
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True, max=3600),
    default=30.0,
    show_default=True,
    help="How long the agent may take.",
)
def command(
    socket: str | None,
    access: CardAccess | None,
    policy_name: str,
    allow_basic: tuple[str, ...],
    allow_secret_release: tuple[str, ...],
    audit: str | None,
    timeout: float,
) -> None:
    """Answer one JSON request on standard input with one JSON document on standard output.

    The answer comes from a running agent; with --card this program reads the card itself and no agent is needed.
    Operations: list, get, verify, authenticate, secret (docs/agent.md). An error is JSON too. A secret is printed only
    where the agent allows it, or with --card what the --allow options name.

    \b
    Examples:
      echo '{"version": 1, "operation": "list"}' | smartcard-dm agent get
      echo '{"version": 1, "operation": "get", "server_id": "com.example.dms"}' |
        smartcard-dm agent get --card profile:usim.yaml
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    if access is None and (allow_basic or allow_secret_release or audit):
        raise usage_error("the policy is the agent's: --allow-basic, --allow-secret-release and --audit go with --card")
    if access is not None and socket is not None:
        raise usage_error("give one of --card and --socket")
    if access is not None and access.pin_prompt:
        raise usage_error("standard input holds the request: use --pin-env or --pin-fd")
    if (allow_basic or allow_secret_release) and audit is None:
        raise usage_error("what may be released needs --audit FILE")
    operation: Operation | None = None
    try:
        octets = InputFile(STDIN).read(_REQUEST_OCTETS)
        if len(octets) > _REQUEST_OCTETS:
            raise invalid(f"it is larger than {_REQUEST_OCTETS} octets")
        request = parse_request(octets)
        operation = request.operation
        with ExitStack() as stack:
            if access is None:
                answer = _from_agent(request, socket, timeout)
            else:
                answer = _one_shot(stack, access, policy_name, allow_basic, allow_secret_release, audit).ask(request)
    except AgentError as error:
        _fail(operation, error)
    _finish(request, answer)


def _finish(request: HelperRequest, answer: Mapping[str, object]) -> None:
    print_json(answer_form(request.operation, answer))
    verdict = answer.get("verdict")
    if isinstance(verdict, dict) and verdict.get("verdict") != "authorized":
        print_problem(f"refused: {verdict.get('detail')}")
        sys.exit(REFUSED)


def _fail(operation: Operation | None, error: AgentError) -> NoReturn:
    code = exit_code(error)
    print_json(error_form(operation, error, code))
    print_problem(f"{error}; {error.remedy}")
    sys.exit(code)


def _from_agent(request: HelperRequest, socket: str | None, timeout: float) -> Mapping[str, object]:
    try:
        from smartcard_dm.client import AgentClient  # noqa: PLC0415 - a card needs no HTTP
    except ImportError as error:
        raise usage_error("an agent is asked with httpcore: pip install smartcard-dm[client]") from error
    with AgentClient(socket, timeout=timeout) as client:
        return client.send(request.call)


def _one_shot(
    stack: ExitStack,
    access: CardAccess,
    policy_name: str,
    allow_basic: tuple[str, ...],
    allow_secret_release: tuple[str, ...],
    audit: str | None,
) -> OneShot:
    try:
        from smartcard_dm.agent.one_shot import OneShot  # noqa: PLC0415 - an agent is asked without
    except ImportError as error:
        raise usage_error("--card needs parts of the agent: pip install smartcard-dm[agent]") from error
    from smartcard_dm.agent.release import Allowed, AuditFile  # noqa: PLC0415 - same
    from smartcard_dm.agent.service import Releases  # noqa: PLC0415 - same
    from smartcard_dm.credentials import read_credentials  # noqa: PLC0415 - same
    from smartcard_dm.trust.policy import POLICIES  # noqa: PLC0415 - same

    kept = None
    if audit is not None:
        try:
            kept = stack.enter_context(AuditFile(Path(audit)))
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            reason = getattr(error, "strerror", None) or str(error)
            raise usage_error(f"--audit: {audit} cannot be written: {reason}") from error
    releases = Releases(basic=Allowed.named(allow_basic), secret=Allowed.named(allow_secret_release), audit=kept)
    try:
        with access.open() as card:
            credentials = read_credentials(card)
    except SmartcardDmError as error:
        raise _card_problem(access.uri, error) from error
    return OneShot(access.uri, credentials, datetime.now(UTC), POLICIES[policy_name](), releases)


def _card_problem(uri: str, error: SmartcardDmError) -> AgentCardError:
    from smartcard_dm.report.remedies import remedy  # noqa: PLC0415 - only on this way out

    locked = isinstance(error, PinRequiredError | PinError | PinBlockedError)
    detail = str(error).removeprefix(f"{uri}: ")
    return AgentCardError("card-locked" if locked else "card-unreadable", detail, remedy(error), name=uri)
