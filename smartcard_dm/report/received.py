"""What became of each push, as a line and as a JSON form.

Guarantees: as in `forms`; what a stranger wrote is cut. Leaves to its caller: printing, and making it printable.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from typing import TYPE_CHECKING, Final

from smartcard_dm.receive.outcome import Document, Verdict
from smartcard_dm.report.forms import card_form
from smartcard_dm.tree.audit import report_form
from smartcard_dm.tree.replay import moment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smartcard_dm.receive.outcome import Outcome
    from smartcard_dm.report.forms import Form
    from smartcard_dm.trust.credentials import Credentials
    from smartcard_dm.trust.transport import TransportKind

_LONGEST: Final = 512
"""Characters of a text that comes from a sender."""
_MOST: Final = 64
"""Entries of a list that comes from a sender."""


def received_form(outcome: Outcome) -> Form:
    """Return the form of one push: a line of `receive --json`, and a row of `--audit`."""
    applied = outcome.applied
    return {
        "event": "received",
        "at": moment(outcome.at),
        "document": outcome.document.value,
        "verdict": outcome.verdict.value,
        "step": None if outcome.step is None else int(outcome.step),
        "rule": outcome.rule,
        "clause": outcome.clause,
        "place": _cut(outcome.place),
        "detail": _cut(outcome.detail),
        "server_id": _cut(outcome.server_id),
        "account": _cut(outcome.account),
        "transport": {"kind": outcome.kind.value, "secured": outcome.secured, "evidence": _cut(outcome.evidence)},
        "source": _cut(outcome.source),
        "octets": outcome.octets,
        "sha256": None if outcome.sha256 is None else outcome.sha256.hex(),
        "commands": outcome.commands,
        "report": None if applied is None else report_form(applied.report),
        "changes": None if applied is None else len(applied.effects.diff),
        "provisions": [_cut(each) for each in outcome.provisions[:_MOST]],
    }


def received_lines(outcome: Outcome, width: int | None) -> list[str]:
    """Return what became of one push in words.

    Args:
        outcome: what became of it.
        width: columns of the terminal; None for one line of any length.
    """
    text = f"{_verdict(outcome)}, {outcome.kind.value} from {_cut(outcome.source)}: {_said(outcome)}"
    return _wrapped(text, width)


def begin_form(tree_file: str | None, credentials: Credentials | None, accounts: int) -> Form:
    """Return the form of what a receiver judges by."""
    identity = None if credentials is None else credentials.identity
    return {
        "event": "begin",
        "card": None if identity is None else card_form(identity),
        "tree": tree_file,
        "accounts": accounts,
        "warnings": [] if credentials is None else list(credentials.warnings),
    }


def begin_lines(tree_file: str | None, credentials: Credentials | None, accounts: int, width: int | None) -> list[str]:
    """Return what a receiver judges by, in words."""
    identity = None if credentials is None else credentials.identity
    card = "" if identity is None else f"card {identity.iccid or identity.atr}"
    by = " and ".join(filter(None, (card, tree_file and f"tree {tree_file}")))
    count = "1 account" if accounts == 1 else f"{accounts} accounts"
    lines = _wrapped(f"{by}: {count}", width)
    for warning in () if credentials is None else credentials.warnings:
        lines += _wrapped(f"warning: {warning}", width)
    return lines


def listening_form(kind: TransportKind, address: str, security: str) -> Form:
    """Return the form of where a receiver listens."""
    return {"event": "listening", "transport": kind.value, "address": address, "security": security}


def listening_lines(kind: TransportKind, address: str, security: str, width: int | None) -> list[str]:
    """Return where a receiver listens, in words."""
    return _wrapped(f"listening for {kind.value} push on {address}, {security}", width)


def end_form(counts: Mapping[Verdict, int], not_taken: int) -> Form:
    """Return the form of how many pushes had which verdict."""
    return {
        "event": "end",
        "received": sum(counts.values()),
        **{verdict.value: counts.get(verdict, 0) for verdict in Verdict},
        "not_taken": not_taken,
    }


def end_lines(counts: Mapping[Verdict, int], not_taken: int, width: int | None) -> list[str]:
    """Return how many pushes had which verdict, in words."""
    told = [
        f"{counts.get(verdict, 0)} {verdict.value}" for verdict in Verdict if _always(verdict) or counts.get(verdict)
    ]
    told += [f"{not_taken} not taken, too many came"] if not_taken else []
    return _wrapped(f"{sum(counts.values())} received: {', '.join(told)}", width)


def _always(verdict: Verdict) -> bool:
    return verdict in {Verdict.AUTHORIZED, Verdict.REFUSED}


def _verdict(outcome: Outcome) -> str:
    if outcome.verdict is Verdict.AUTHORIZED:
        return f"AUTHORIZED {outcome.server_id}" if outcome.document is Document.MESSAGE else "READ, NOT APPLIED"
    if outcome.verdict is not Verdict.REFUSED:
        return outcome.verdict.name
    step = f" at step {int(outcome.step)}" if outcome.step is not None else ""
    return f"REFUSED{step} by {outcome.rule}"


def _said(outcome: Outcome) -> str:
    if outcome.verdict is not Verdict.AUTHORIZED:
        claimed = f" ({_cut(outcome.server_id)})" if outcome.server_id else ""
        return f"{_cut(outcome.detail)}{claimed}"
    if outcome.document is Document.PROVISIONING:
        would = ", ".join(str(_cut(each)) for each in outcome.provisions[:_MOST]) or "nothing"
        return f"a client provisioning document that would provision {would}; {outcome.evidence}"
    return f"{_commands(outcome)}; {outcome.evidence}"


def _commands(outcome: Outcome) -> str:
    commands = "1 command" if outcome.commands == 1 else f"{outcome.commands} commands"
    if outcome.applied is None:
        return commands
    counted = Counter(int(row.status) for row in outcome.applied.report)
    statuses = ", ".join(f"{count} x {status}" for status, count in sorted(counted.items()))
    changes = len(outcome.applied.effects.diff)
    return f"{commands}{f' ({statuses})' if statuses else ''}, {changes} {'change' if changes == 1 else 'changes'}"


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _wrapped(text: str, width: int | None) -> list[str]:
    line = " ".join(text.split())
    return [line] if width is None else textwrap.wrap(line, width, subsequent_indent="  ", break_on_hyphens=False)
