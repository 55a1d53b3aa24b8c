"""What every `receive` command shares: its options, and the run from opening a card or tree to the last row.

Guarantees: what was taken is judged and has its row before the process ends, by a signal or by the end of its input;
a verdict's line follows its row. Ended by a signal: exit 0. At the end of its input: 0 all authorized, 1 one was
refused, 4 when all that were refused are malformed. Leaves to its caller: the listener.
"""

from __future__ import annotations

import functools
import json
import shutil
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NoReturn, TypeVar

import click

from smartcard_dm.cli.card_access import CardAccess, optional_card_options
from smartcard_dm.cli.device_key_access import DeviceKeyAccess, device_key_options
from smartcard_dm.cli.exits import FAULT, MALFORMED, REFUSED, fail, leave, reported
from smartcard_dm.cli.options import policy_option, tree_option
from smartcard_dm.cli.output import STDOUT, print_problem, print_value, stdout_is_terminal, write_octets
from smartcard_dm.cli.signals import stop_on_signals
from smartcard_dm.cli.usage import usage_error
from smartcard_dm.credentials import read_credentials, read_provisioning
from smartcard_dm.errors import SmartcardDmError
from smartcard_dm.push.apart import ListenerLostError
from smartcard_dm.receive.audit import Audits, FileAudit, TreeAudit
from smartcard_dm.receive.judges import CardJudge, TreeJudge
from smartcard_dm.receive.outcome import Verdict
from smartcard_dm.receive.receiver import Receiver
from smartcard_dm.report import received
from smartcard_dm.tree import DeviceTree, ProcessingPolicy, ReplayPolicy
from smartcard_dm.trust.policy import POLICIES

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from smartcard_dm.card.session import CardSession
    from smartcard_dm.receive.audit import Audit
    from smartcard_dm.receive.judges import Judge
    from smartcard_dm.receive.outcome import Outcome
    from smartcard_dm.report.forms import Form
    from smartcard_dm.trust.credentials import Credentials
    from smartcard_dm.trust.policy import Policy
    from smartcard_dm.trust.transport import TransportKind

Command = TypeVar("Command", bound="Callable[..., object]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiving:
    """What a command line says of judging what comes in."""

    access: CardAccess | None
    tree_file: str | None
    policy_name: str
    audit_file: str | None
    count: int | None
    this_device_only: bool
    monotonic: bool
    device: DeviceKeyAccess
    as_json: bool

    @property
    def policy(self) -> Policy:
        """The policy that was named, with its limits; for no transport yet."""
        return POLICIES[self.policy_name]()

    def run(
        self,
        kind: TransportKind,
        listen: Callable[[Receiver, Event], None],
        *,
        read_card: Callable[[CardSession], None] | None = None,
    ) -> None:
        """Open everything, have everything judged that the listener puts in, and leave with the exit code.

        Args:
            kind: the transport; messages over any other are refused.
            listen: runs in this thread; puts what comes into the receiver (an `Inlet`) and returns when the event is
                set, or when its input ends. Errors of the library that it raises become the command's error; a
                `ListenerLostError` is told when everything is judged, and the exit code says that it is a fault.
            read_card: is shown the card before anything else is read from it, in the same session; not called without
                a card.

        Raises:
            click.exceptions.Exit: with the exit code.
        """
        self.device.check()
        policy = self.policy.over(kind)
        with ExitStack() as stack:
            tell = _Teller(as_json=self.as_json)
            with reported(as_json=self.as_json, thing=self.device.name, advice=self.device.advice):
                decryptor = self.device.decryptor()
            tree = self._open_tree(stack)
            credentials = self._read_card(read_card, whole=tree is None)
            audits: list[Audit] = []
            judge: Judge
            if tree is not None:
                with reported(as_json=self.as_json, thing=tree.name):
                    if credentials is not None:
                        tree.sync(credentials, at=datetime.now(UTC))
                    accounts = len(tree.credentials().accounts)
                processing = ProcessingPolicy(
                    replay=ReplayPolicy(monotonic=self.monotonic), this_device_only=self.this_device_only
                )
                judge = TreeJudge(tree, policy=policy, processing=processing, decryptor=decryptor)
                audits.append(TreeAudit(tree, policy.limits))
            else:
                assert credentials is not None  # noqa: S101 - one of the two was checked for
                accounts = len(credentials.accounts)
                judge = CardJudge(credentials, policy=policy, decryptor=decryptor)
            if self.audit_file is not None:
                with reported(as_json=self.as_json):
                    audits.append(stack.enter_context(FileAudit(self.audit_file, received.received_form)))
            elif tree is None:
                print_problem("no audit is kept: --audit FILE or --tree DB would keep one")
            lost: ListenerLostError | None = None
            with stop_on_signals() as stop:
                tell.begin(self.tree_file, credentials, accounts)
                receiver = Receiver(
                    judge,
                    Audits(audits),
                    tell.outcome,
                    lambda: datetime.now(UTC),
                    on_end=stop.set,
                    at_most=self.count,
                    limits=policy.limits,
                )
                with reported(as_json=False), receiver:
                    try:
                        listen(receiver, stop)
                    except ListenerLostError as error:
                        lost = error
                    by_signal = stop.is_set() and not receiver.reached and receiver.trouble is None
            tell.end(receiver.not_taken)
        _leave(receiver.trouble or lost)
        if not by_signal:
            tell.leave()

    def listening(self, kind: TransportKind, address: str, security: str) -> None:
        """Tell where messages are listened for, once that is so.

        Args:
            kind: the transport.
            address: host and port as they are, such as "127.0.0.1:2948".
            security: what is asked of a sender, in words, such as "TLS".
        """
        _Teller(as_json=self.as_json).listening(kind, address, security)

    def _open_tree(self, stack: ExitStack) -> DeviceTree | None:
        if self.tree_file is None:
            return None
        with reported(as_json=self.as_json, thing=self.tree_file):
            return stack.enter_context(DeviceTree.open(self.tree_file))

    def _read_card(self, read_card: Callable[[CardSession], None] | None, *, whole: bool) -> Credentials | None:
        if self.access is None:
            return None
        with (
            reported(as_json=self.as_json, thing=self.access.uri),
            self.access.open() as card,
        ):
            if read_card is not None:
                read_card(card)
            # A card without provisioning empties a tree of what came from it; alone it is nothing to judge by.
            return read_credentials(card) if whole else read_provisioning(card)


def receiving_options(function: Command) -> Command:
    """Add what every `receive` command has; the command gets it as one `receiving`."""

    @functools.wraps(function)
    def command(
        *arguments: object,
        access: CardAccess | None,
        tree_file: str | None,
        policy_name: str,
        audit_file: str | None,
        count: int | None,
        device: DeviceKeyAccess,
        this_device_only: bool,
        monotonic: bool,
        as_json: bool,
        **others: object,
    ) -> object:
        if access is None and tree_file is None:
            raise usage_error("give --card, whose accounts judge, or --tree, which is also applied to; or both")
        if tree_file is None and (this_device_only or monotonic):
            raise usage_error("--this-device-only and --monotonic go with --tree")
        receiving = Receiving(
            access=access,
            tree_file=tree_file,
            policy_name=policy_name,
            audit_file=audit_file,
            count=count,
            this_device_only=this_device_only,
            monotonic=monotonic,
            device=device,
            as_json=as_json,
        )
        return function(*arguments, receiving=receiving, **others)

    options = (
        tree_option(required=False),
        optional_card_options,
        policy_option,
        click.option(
            "--audit",
            "audit_file",
            metavar="FILE",
            help="Append a line of JSON for each message, accepted or not, and bring it to the disk before the verdict "
            "is told; nothing bounds this file. A full disk ends the command. A tree keeps its own audit.",
        ),
        click.option("--count", type=click.IntRange(min=1), metavar="N", help="End after N messages; for scripts."),
        click.option(
            "--this-device-only",
            is_flag=True,
            help="Carry out only a message whose Target is this device's DevId, or ./ for any device.",
        ),
        click.option(
            "--monotonic",
            is_flag=True,
            help="Refuse a message whose SessionID and MsgID do not grow from message to message.",
        ),
        device_key_options,
        click.option("--json", "as_json", is_flag=True, help="Print JSON Lines instead of text."),
    )
    decorated: Callable[..., object] = command
    for option in reversed(options):
        decorated = option(decorated)
    return decorated  # type: ignore[return-value] # the same command to click, whatever its arguments are


class _Teller:
    """Prints what happens, each thing at once, and counts it."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._width = shutil.get_terminal_size().columns if stdout_is_terminal() else None
        self._counts: Counter[Verdict] = Counter()
        self._malformed = 0

    def begin(self, tree_file: str | None, credentials: Credentials | None, accounts: int) -> None:
        """Tell what is judged by."""
        if self._as_json:
            _print(received.begin_form(tree_file, credentials, accounts))
        else:
            print_value("\n".join(received.begin_lines(tree_file, credentials, accounts, self._width)))

    def listening(self, kind: TransportKind, address: str, security: str) -> None:
        """Tell where messages are listened for."""
        if self._as_json:
            _print(received.listening_form(kind, address, security))
        else:
            print_value("\n".join(received.listening_lines(kind, address, security, self._width)))

    def outcome(self, outcome: Outcome) -> None:
        """Tell what became of one push."""
        self._counts[outcome.verdict] += 1
        self._malformed += outcome.malformed
        if self._as_json:
            _print(received.received_form(outcome))
        else:
            print_value("\n".join(received.received_lines(outcome, self._width)))

    def leave(self) -> None:
        """Leave with an exit code, when not everything was authorized."""
        total = sum(self._counts.values())
        others = total - self._counts[Verdict.AUTHORIZED]
        if others:
            print_problem(f"{others} of {total} messages are not authorized; their lines say why")
            raise click.exceptions.Exit(MALFORMED if self._malformed == others else REFUSED)

    def end(self, not_taken: int) -> None:
        """Tell the counts."""
        if self._as_json:
            _print(received.end_form(self._counts, not_taken))
        else:
            print_value("\n".join(received.end_lines(self._counts, not_taken, self._width)))


def _print(form: Form) -> None:
    write_octets(STDOUT, json.dumps(form, separators=(",", ":")).encode("ascii") + b"\n")


def leave_lost(error: ListenerLostError) -> NoReturn:
    """Leave, because the process that listens is gone; what it handed on before has been judged."""
    text = f"the process that listens is lost: {error}; start this command again"
    leave("ListenerLostError", text, FAULT, as_json=False)


def _leave(trouble: Exception | None) -> None:
    """Leave, if something ended the receiver before its time; stdout holds lines, so the error is told on stderr."""
    if isinstance(trouble, SmartcardDmError):
        fail(trouble, as_json=False)
    if isinstance(trouble, ListenerLostError):
        leave_lost(trouble)
    if trouble is not None:
        raise trouble
