"""Two transcripts held against each other: the golden comparison.

Guarantees: the first difference is found; names, notes, times, comments and `file` make none; masked octets are equal
to any octets of the same count. No report holds content of a file: of data that differ, only where they do.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, TypeAlias

from vendor_pcsc.record.command import SELECT, describe, name_of
from vendor_pcsc.record.model import Comment, Exchange, Reset, line_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vendor_pcsc.record.model import Transcript

_Step: TypeAlias = Exchange | Reset


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two transcripts part; as text, a report for people."""

    line_a: int | None
    """Line in the first transcript; None: it ended before."""
    line_b: int | None
    """Line in the second transcript; None: it ended before."""
    what: str
    """In one sentence."""
    summary: tuple[str, ...]
    """What each of them holds in all, and what one has more of than the other."""

    def __str__(self) -> str:
        where = " and ".join(
            f"the end of {name}" if line is None else f"line {line} of {name}"
            for name, line in (("a", self.line_a), ("b", self.line_b))
        )
        return "\n".join((f"first difference at {where}: {self.what}", *self.summary))


def compare(a: Transcript, b: Transcript) -> Difference | None:
    """Return the first difference between two transcripts, or None when there is none."""
    if a.header.atr != b.header.atr:
        return Difference(
            1, 1, f"answer to reset: {_hex(a.header.atr)} in a, {_hex(b.header.atr)} in b", _summary(a, b)
        )
    for ours, theirs in zip_longest(_steps(a), _steps(b)):
        line_a, line_b = ours and ours[0], theirs and theirs[0]
        what = _parting(ours and ours[1], theirs and theirs[1])
        if what:
            return Difference(line_a, line_b, what, _summary(a, b))
    return None


def _steps(transcript: Transcript) -> Iterator[tuple[int, _Step]]:
    for at, item in enumerate(transcript.items):
        if not isinstance(item, Comment):
            yield line_of(at), item


def _parting(a: _Step | None, b: _Step | None) -> str:
    if a is None or b is None:
        return f"only {'b' if a is None else 'a'} goes on, with {_describe(a or b)}"
    if isinstance(a, Reset) or isinstance(b, Reset):
        return "" if _reset_of(a) == _reset_of(b) else f"{_describe(a)} in a, {_describe(b)} in b"
    kept = min(len(a.command), len(b.command))
    if a.command_length != b.command_length or a.command[:kept] != b.command[:kept]:
        ours, theirs = _describe(a), _describe(b)
        at = f"; they differ at octet {_first(a.command, b.command)}" if ours == theirs else ""
        return f"command: {ours} in a, {theirs} in b{at}"
    same = f"answers to {_describe(a)}"
    if (a.error, a.sw) != (b.error, b.sw):
        return f"{same}: {a.error or _hex(a.sw)} in a, {b.error or _hex(b.sw)} in b"
    if a.data_length != b.data_length:
        return f"{same}: {a.data_length} octets of data in a, {b.data_length} in b"
    count = sum(ours != theirs for ours, theirs in zip(a.data, b.data, strict=False))
    first = _first(a.data, b.data)
    return f"{same}: data differ in {count} of {a.data_length} octets, first at octet {first}" if count else ""


def _first(a: bytes, b: bytes) -> int:
    """Return the octet, counted from 0, at which two strings of octets are no longer the same."""
    pairs = enumerate(zip(a, b, strict=False))
    return next((at for at, (ours, theirs) in pairs if ours != theirs), min(len(a), len(b)))


def _reset_of(step: _Step) -> tuple[bytes, str] | None:
    return (step.atr, step.error) if isinstance(step, Reset) else None


def _describe(step: _Step | None) -> str:
    if isinstance(step, Exchange):
        header = describe(step.command, step.command_length)
        # What a SELECT selects is no secret, and the one thing a reader of the report wants to know.
        return f"{header} ({step.command[4:].hex().upper()})" if step.command[1:2] == bytes((SELECT,)) else header
    return f"a reset ({step.error or _hex(step.atr)})" if step else "nothing"


def _hex(octets: bytes) -> str:
    return octets.hex().upper() or "nothing"


def _summary(a: Transcript, b: Transcript) -> tuple[str, ...]:
    counts = [Counter(name_of(exchange.command) for exchange in each.exchanges) for each in (a, b)]
    lines = [_total(name, each) for name, each in (("a", a), ("b", b))]
    for name, more in (("a", counts[0] - counts[1]), ("b", counts[1] - counts[0])):
        if more:
            lines.append(f"more in {name}: {', '.join(f'{count} {what}' for what, count in sorted(more.items()))}")
    return tuple(lines)


def _total(name: str, transcript: Transcript) -> str:
    exchanges = transcript.exchanges
    octets = sum(exchange.data_length for exchange in exchanges)
    return f"{name}: {len(exchanges)} commands, {octets} octets of data ({transcript.header.name})"
