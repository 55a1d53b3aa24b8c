"""What a message or a card changed in a tree, as text for a terminal of 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.padding import Padding
from rich.text import Text

from smartcard_dm.report.tables import columns, pairs
from smartcard_dm.report.tree import warning_lines
from smartcard_dm.report.values import quoted, shown_acl, shown_value
from smartcard_dm.report.verdicts import authorized_lines, refused_lines
from smartcard_dm.tree.diff import ChangeKind
from smartcard_dm.tree.events import AccountAdded, AccountRemoved, ExecRequested
from smartcard_dm.tree.status import StatusCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from smartcard_dm.errors import VerificationError
    from smartcard_dm.tree import Applied, CommandReport, DeviceEvent, Effects, Synced
    from smartcard_dm.tree.diff import Change, NodeState
    from smartcard_dm.tree.journal import Rewritten

_MARKS: Final = {
    ChangeKind.ADDED: ("+", "green"),
    ChangeKind.CHANGED: ("~", "yellow"),
    ChangeKind.REMOVED: ("-", "red"),
    ChangeKind.RENAMED: ("~", "yellow"),
}
_NOT_TELLING: Final = frozenset({"", "text/plain", "application/octet-stream"})
_LONGEST_CMD_ID: Final = 8


def applied_lines(applied: Applied, synced: RenderableType | None, *, steps: bool = False) -> RenderableType:
    """Return the verdict on a message that was authorized, what became of its commands, and what changed."""
    return Group(
        *_card_first(synced),
        authorized_lines(applied.message, steps=steps, commands=False),
        outcome_lines(applied),
        *dry_run_lines(applied.effects, "the message can still be applied, once"),
    )


def outcome_lines(applied: Applied) -> RenderableType:
    """Return what became of the commands of a message, and what changed."""
    return Group(
        _title("commands", len(applied.report)),
        _indented(columns(*map(_report_row, applied.report))),
        *effects_lines(applied.effects),
    )


def not_applied_lines(error: VerificationError, synced: RenderableType | None) -> RenderableType:
    """Return the verdict on a message that was refused."""
    return Group(*_card_first(synced), refused_lines(error))


def synced_lines(synced: Synced, warnings: Sequence[str]) -> RenderableType:
    """Return what a card changed; `warnings` are those of its reading."""
    return Group(
        card_summary(synced),
        *effects_lines(synced.effects),
        *warning_lines(warnings),
    )


def card_summary(synced: Synced) -> RenderableType:
    """Return what became of the objects of a card, without the nodes."""
    done = synced.reconciled
    groups = (("added", done.added), ("replaced", done.replaced), ("removed", done.removed), ("kept", done.kept))
    rows = [(name, "\n".join(uris)) for name, uris in groups if uris]
    rows += [] if rows else [("objects", "none")]
    head = Text(f"card {synced.card}", style="bold")
    anchors = (
        "1 trusted certificate or key" if synced.anchors == 1 else f"{synced.anchors} trusted certificates or keys"
    )
    return Group(head, pairs(*rows, ("anchors", anchors if synced.anchors_changed else f"{anchors}, as before")))


def effects_lines(effects: Effects) -> Iterator[RenderableType]:
    """Yield what changed and what goes with it, each kind under its title."""
    yield _title("changes", len(effects.diff))
    if effects.diff:
        yield _indented(columns(*map(_change_row, effects.diff)))
    if effects.rewritten:
        yield _title("references that follow", len(effects.rewritten))
        yield _indented(columns(*map(_rewritten_row, effects.rewritten)))
    if effects.skipped:
        yield _title("left out", len(effects.skipped))
        yield _indented(columns(*((Text(f"{each.uri}  {each.what}\n{each.why}"),) for each in effects.skipped)))
    if effects.events:
        yield _title("events", len(effects.events))
        yield _indented(columns(*((Text(event_text(event)),) for event in effects.events)))
    yield from warning_lines(effects.warnings)


def event_text(event: DeviceEvent) -> str:
    """Return an event in words."""
    if isinstance(event, AccountRemoved):
        return f"the account of {event.server_id} is gone; no ACL names it any more"
    if isinstance(event, AccountAdded):
        return f"the account of {event.server_id} is new, at {event.uri}"
    if isinstance(event, ExecRequested):
        named = f", correlator {quoted(event.correlator)}" if event.correlator is not None else ""
        return f"{event.server_id} requested Exec at {event.uri}{named}: noted; this program executes nothing"
    return f"the device should begin a session with {event.server_id}: {event.reason}"


def _card_first(synced: RenderableType | None) -> list[RenderableType]:
    return [] if synced is None else [synced, ""]


def dry_run_lines(effects: Effects, still: str) -> list[Text]:
    """Return what has to be said at the end of a dry run."""
    return [Text(f"dry run: nothing was changed; {still}", style="bold")] if effects.dry_run else []


def _title(name: str, count: int) -> Text:
    return Text(name, style="bold").append(f"  {count or 'none'}", style="not bold dim")


def _indented(content: RenderableType) -> Padding:
    return Padding(content, (0, 0, 0, 2))


def _rewritten_row(each: Rewritten) -> tuple[Text]:
    return (Text(f"{each.uri}\n  {quoted(each.before)} -> {quoted(each.after)}"),)


def _report_row(row: CommandReport) -> tuple[Text, ...]:
    style = "green" if row.status.is_success else "yellow" if row.status is StatusCode.NOT_EXECUTED else "red"
    body = Text(row.target or "")
    if row.status is not StatusCode.OK:  # what a command that succeeded left out has a list of its own
        said = ": ".join([row.status.text, *([row.detail] if row.detail else [])])
        body.append(("\n" if row.target else "") + said, style="dim")
    return (
        Text(row.cmd_id[:_LONGEST_CMD_ID], style="dim"),
        Text(row.command.value),
        Text(str(int(row.status)), style=style),
        body,
    )


def _change_row(change: Change) -> tuple[Text, Text]:
    mark, style = _MARKS[change.kind]
    body = Text(change.uri, style=style)
    rest = Text(style="default")
    if change.old_uri is not None:
        rest.append(f"\nwas {change.old_uri}")
    if change.before is None or change.after is None:
        state = change.after or change.before
        assert state is not None  # noqa: S101 - a change has one of them
        _tell_state(rest, state)
    else:
        _tell_difference(rest, change.before, change.after, renamed=change.old_uri is not None)
    return Text(mark, style=style), body.append_text(rest)


def _tell_state(text: Text, state: NodeState) -> None:
    value = shown_value(state.format, state.value, secret=state.secret)
    told = [state.format] if state.format not in {"node", "chr"} else []
    told += [state.type] if state.type not in _NOT_TELLING else []
    told += [f"title {quoted(state.title)}"] if state.title else []
    text.append(f"  {value}" if value else "")
    text.append(f"  {', '.join(told)}" if told else "", style="dim")
    text.append(f"\nACL {shown_acl(state.acl)}" if state.acl else "", style="dim")


def _tell_difference(text: Text, before: NodeState, after: NodeState, *, renamed: bool) -> None:
    old, new = (shown_value(state.format, state.value, secret=state.secret) for state in (before, after))
    told = []
    if before.value != after.value or before.format != after.format:
        told.append(f"{old or 'no value'} -> {new or 'no value'}")
    for name in ("format", "type", "acl", "title"):
        was, now = getattr(before, name), getattr(after, name)
        if was != now:
            label = "ACL" if name == "acl" else name
            told.append(f"{label} {shown_acl(was or 'none')} -> {shown_acl(now or 'none')}")
    if not told and not renamed:
        told.append("another secret")
    for line in told:
        text.append(f"\n{line}")
