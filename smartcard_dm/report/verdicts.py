"""Verdicts as text for a terminal of 80 columns, readable without colour too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.text import Text

from smartcard_dm.dm import walk_commands
from smartcard_dm.report.forms import step_name
from smartcard_dm.report.remedies import remedy
from smartcard_dm.report.tables import columns, pairs
from smartcard_dm.rules import Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from smartcard_dm.dm import DmMessage
    from smartcard_dm.errors import VerificationError
    from smartcard_dm.trust.content import ContentTrust
    from smartcard_dm.trust.verified import VerifiedMessage

_SHOWN_COMMANDS: Final = 8


def authorized_lines(message: VerifiedMessage, *, steps: bool = False, commands: bool = True) -> RenderableType:
    """Return the verdict on a message that was authorized.

    Args:
        message: the message.
        steps: whether every step passed stands before it.
        commands: whether its commands are listed.
    """
    head = Text("AUTHORIZED", style="bold green").append(f"  {message.server_id}", style="not bold default")
    rows = [
        ("account", message.account_name),
        ("signature", f"{message.signature.algorithm.identifier}, by {message.signature.key_origin}"),
        ("transport", f"{message.transport.kind.value}: {message.transport.evidence}"),
    ]
    rows += [("commands", "\n".join(command_lines(message.message)))] if commands else []
    rows += [("content", content_line(content)) for content in message.content_trust]
    return Group(*([step_table(message)] if steps else []), head, pairs(*rows))


def refused_lines(error: VerificationError) -> RenderableType:
    """Return the verdict on a message that was refused."""
    head = Text("REFUSED", style="bold red").append(
        f"  at step {int(error.step)}, {step_name(error.step)}", style="not bold default"
    )
    rows = [("why", error.detail)]
    rows += [("place", error.place)] if error.place else []
    claimed = " (claimed)" if error.step <= Step.DIGEST else ""
    rows += [("server", f"{error.server_id}{claimed}")] if error.server_id else []
    rows += [("account", account) for account in error.accounts]
    rows += [("rule", error.rule.identifier), ("clause", error.clause)]
    rows += [("requirement", error.rule.scr)] if error.rule.scr else []
    return Group(head, pairs(*rows, ("remedy", remedy(error))))


def refused_summary(error: VerificationError) -> str:
    """Return a refusal in one line: step, rule, clause and remedy."""
    return (
        f"refused at step {int(error.step)}, {step_name(error.step)}, by {error.rule.identifier} "
        f"[{error.clause}]; {remedy(error)}"
    )


def step_table(message: VerifiedMessage) -> RenderableType:
    """Return the steps a message passed, with what each established."""
    return columns(
        *(
            (Text(f"{int(passed.step):>2}", style="green"), Text(step_name(passed.step)), passed.established)
            for passed in message.steps
        )
    )


def content_line(content: ContentTrust) -> str:
    """Return who vouches for an item's content, in one line; never the content."""
    opened = f"opened ({content.encryption})" if content.encryption is not None else ""
    if content.refusal is not None:
        said = f"refused by {content.refusal.rule.identifier}: {content.refusal.detail}"
    elif content.algorithm is not None:
        said = f"signed with {content.algorithm.identifier} by {content.key_origin}"
    else:
        said = ""
    return f"{content.target or content.place}: {', '.join(filter(None, (opened, said)))}"


def command_lines(message: DmMessage) -> Iterator[str]:
    """Yield what a message would do, a line for each command, as many as fit a screen; no data."""
    lines = []
    for command in walk_commands(message.commands):
        targets = [item.target for item in getattr(command, "items", ()) if item.target]
        lines.append(" ".join([command.kind.value, ", ".join(targets)]).rstrip())
    yield from lines[:_SHOWN_COMMANDS]
    if len(lines) > _SHOWN_COMMANDS:
        yield f"and {len(lines) - _SHOWN_COMMANDS} more"
    if not lines:
        yield "none"
