"""`smartcard-dm verify --batch`: one verdict for each message of a folder, a file of JSON Lines or an outbox.

Guarantees: verdicts come in the order of the messages, one line each, in constant memory; the card or tree is read once
by each process. Leaves with 0 when every message is authorized, with 1 when one is refused, with 4 when none is and one
cannot be read at all.
"""

from __future__ import annotations

import json
import os
import pickle
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import click

from smartcard_dm.cli.crews import crew_for
from smartcard_dm.cli.exits import MALFORMED, REFUSED, exit_code, reported
from smartcard_dm.cli.inputs import STDIN
from smartcard_dm.cli.output import STDOUT, print_line, print_problem, write_octets
from smartcard_dm.cli.usage import usage_error
from smartcard_dm.credentials import read_credentials
from smartcard_dm.errors import VerificationError
from smartcard_dm.report.forms import verdict_form
from smartcard_dm.server.batch_messages import read_messages
from smartcard_dm.server.batch_run import in_order
from smartcard_dm.trust.message_decryption import MessageDecryptor
from smartcard_dm.trust.policy import POLICIES
from smartcard_dm.trust.transport import Transport
from smartcard_dm.trust.verifier import Verifier

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from smartcard_dm.cli.card_access import CardAccess
    from smartcard_dm.report.forms import Form
    from smartcard_dm.server.batch_crew import Crew
    from smartcard_dm.server.batch_messages import Found
    from smartcard_dm.trust.verified import VerifiedMessage

_CHUNK: Final = 128
"""Messages that are handed over at one time."""
_MANY: Final = 1 << 20
"""How many messages there may be is not known before they are read; enough that other processes are worth it."""
_SHORT: Final = {"authorized": "AUTHORIZED", "refused": "REFUSED", "unreadable": "UNREADABLE"}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What messages are judged by; sent to other processes, so it holds no secret."""

    access: CardAccess | None
    tree_file: str | None
    policy_name: str
    at: datetime


class _Judge(Protocol):
    def __call__(self, octets: bytes) -> VerifiedMessage: ...


def verify_batch(place: str, judgement: Judgement, *, jobs: int | None, scheduler: str | None, as_json: bool) -> None:
    """Print a verdict for each message and leave."""
    if place == STDIN:
        raise usage_error("--batch reads a folder, a file of JSON Lines or an outbox: give its name")
    thing = judgement.access.uri if judgement.access is not None else judgement.tree_file
    with reported(as_json=as_json, thing=thing):
        packed = pickle.dumps(judgement)
        _judges[packed] = _judge(judgement)
    counts: Counter[str] = Counter()
    malformed = 0
    with reported(as_json=as_json), crew_for(jobs, scheduler, _MANY, _only_here(judgement)) as crew:
        for form in _verdicts(place, judgement, packed, crew):
            verdict = str(form["verdict"])
            counts[verdict] += 1
            malformed += verdict != "authorized" and form["exit_code"] == MALFORMED
            _print(form, as_json=as_json)
    total = sum(counts.values())
    if as_json:
        _print_line({verdict: counts[verdict] for verdict in _SHORT})
    else:
        print_line(f"{total} messages: " + ", ".join(f"{counts[verdict]} {verdict}" for verdict in _SHORT))
    others = total - counts["authorized"]
    if others:
        print_problem(f"{place}: {others} of {total} messages are not authorized; their lines say why")
        raise click.exceptions.Exit(MALFORMED if malformed == others else REFUSED)


def _verdicts(place: str, judgement: Judgement, packed: bytes, crew: Crew) -> Iterator[Form]:
    found = read_messages(Path(place), limits=POLICIES[judgement.policy_name]().limits)
    with closing(in_order(crew, judge_chunk, ((packed, chunk) for chunk in _chunks(found)))) as shares:
        for share in shares:
            yield from share


def _chunks(found: Iterator[Found]) -> Iterator[list[Found]]:
    while chunk := list(islice(found, _CHUNK)):
        yield chunk


def _only_here(judgement: Judgement) -> str | None:
    """Return what of the card or tree is there once only, for this process."""
    access = judgement.access
    if access is None:
        return "a tree"
    if access.pin_fd is not None or access.pin_prompt:
        return "a PIN that is asked for once"
    return None if access.uri.partition(":")[0] in {"profile", "replay"} else "a card in a reader"


_judges: Final[dict[bytes, _Judge]] = {}


def judge_chunk(packed: bytes, found: Sequence[Found]) -> list[Form]:
    """Return the verdicts on some messages; this is what other processes run.

    Args:
        packed: a `Judgement`; only read by a process that does not know it yet.
        found: the messages.
    """
    judge = _judges.get(packed)
    if judge is None:
        _judges.clear()
        judge = _judges[packed] = _judge(pickle.loads(packed))  # noqa: S301 - sent by the process that asks
    return [_verdict(judge, each) for each in found]


def _judge(judgement: Judgement) -> _Judge:
    policy = POLICIES[judgement.policy_name]()
    decryptor = MessageDecryptor(random=os.urandom)  # what is encrypted to an account's secret
    if judgement.access is not None:
        with judgement.access.open() as card:
            verifier = Verifier(read_credentials(card), policy=policy, decryptor=decryptor)
        return lambda octets: verifier.verify(octets, transport=Transport.local(), at=judgement.at)
    from smartcard_dm.tree import DeviceTree  # noqa: PLC0415 - a card needs none of it

    assert judgement.tree_file is not None  # noqa: S101 - exactly one of the two was checked for
    tree = DeviceTree.open(judgement.tree_file)
    context = click.get_current_context(silent=True)
    if context is not None:
        context.call_on_close(tree.close)
    return lambda octets: tree.verify(
        octets, transport=Transport.local(), at=judgement.at, policy=policy, decryptor=decryptor
    )


def _verdict(judge: _Judge, found: Found) -> Form:
    if found.octets is None:
        return verdict_form(found, None, found.problem or "", MALFORMED)
    try:
        message = judge(found.octets)
        _ = message.message  # read here, so that a verdict is never about commands nobody could read
    except VerificationError as error:
        return verdict_form(found, error, "", exit_code(error))
    return verdict_form(found, message, "", 0)


def _print(form: Form, *, as_json: bool) -> None:
    if as_json:
        _print_line({name: value for name, value in form.items() if name != "exit_code"})
        return
    verdict = str(form["verdict"])
    target = f" ({form['target']})" if form["target"] else ""
    step = f" at step {form['step']} by {form['rule']}" if form["rule"] else ""
    print_line(f"{_SHORT[verdict]} {form['message']}{target}{step}: {form['detail']}")


def _print_line(form: Form) -> None:
    write_octets(STDOUT, json.dumps(form).encode("ascii") + b"\n")
