"""`smartcard-dm agent watch`."""

from __future__ import annotations

import asyncio
import json
import signal
from typing import TYPE_CHECKING, Final

import click

from smartcard_dm.cli.exits import reported
from smartcard_dm.cli.options import json_option
from smartcard_dm.cli.output import print_line, print_value
from smartcard_dm.cli.usage import usage_error
from smartcard_dm.errors import AgentCardError
from smartcard_dm.report.events import agent_event_form, agent_event_lines, agent_now_form

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from smartcard_dm.client import AsyncAgentClient
    from smartcard_dm.client.values import AgentEvent, CardAnswer
    from smartcard_dm.report.forms import Form

_ID_CHARACTERS: Final = 64
_PRESENT: Final = "present"


@click.command()
@click.option("--socket", metavar="PATH", help="The agent's socket.  [default: where agent serve puts it]")
@click.option("--after", metavar="ID", help="Go on behind this event.  [default: what is there now, then on]")
@click.option("--count", metavar="N", type=click.IntRange(min=1), help="Leave after N events.")
@json_option
def command(socket: str | None, after: str | None, count: int | None, *, as_json: bool) -> None:
    """Print what is at an agent's card and what happens to it, until Ctrl-C or SIGTERM.

    The first line, "now", is no event: it says what is there; with --after there is none. Goes on when the agent is
    started again. A line "gap" says that events are lost: read everything again. With --json each one is a line of
    JSON.

    \b
    Examples:
      smartcard-dm agent watch
      smartcard-dm agent watch --json --count 1
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    if after is not None and not (after.isascii() and after.isprintable() and 0 < len(after) <= _ID_CHARACTERS):
        raise usage_error("--after: an event's ID is EPOCH-N, as its line shows it")
    try:
        from smartcard_dm.client import AsyncAgentClient  # noqa: PLC0415 - HTTP is loaded with it
    except ImportError as error:
        raise usage_error("an agent is asked with httpcore: pip install smartcard-dm[client]") from error
    with reported(as_json=as_json):
        asyncio.run(_follow(AsyncAgentClient(socket), after, count, as_json=as_json))


async def _follow(client: AsyncAgentClient, after: str | None, count: int | None, *, as_json: bool) -> None:
    printing = asyncio.ensure_future(_print(client, after, count, as_json=as_json))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, printing.cancel)
    try:
        await printing
    except asyncio.CancelledError:
        pass  # what ends a watch
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        await client.aclose()


async def _print(client: AsyncAgentClient, after: str | None, count: int | None, *, as_json: bool) -> None:
    if after is None:
        card, accounts = await _now(client)
        _show(agent_now_form(card, accounts), as_json=as_json)
        after = card.provenance.event_id
    events: AsyncIterator[AgentEvent] = client.watch(after)
    left = count
    async for event in events:
        _show(agent_event_form(event), as_json=as_json)
        if left is not None:
            left -= 1
            if not left:
                return


async def _now(client: AsyncAgentClient) -> tuple[CardAnswer, tuple[str, ...]]:
    """Return the card and the ServerIDs of its accounts, both of one moment."""
    while True:
        card = await client.card()
        if card.state != _PRESENT:
            return card, ()
        try:
            found = await client.accounts(expect_generation=card.provenance.generation)
        except AgentCardError:  # it was moved in between
            continue
        return card, tuple(account.server_id for account in found.accounts)


def _show(form: Form, *, as_json: bool) -> None:
    if as_json:
        print_line(json.dumps(form, ensure_ascii=True))
        return
    for line in agent_event_lines(form):
        print_value(line)
