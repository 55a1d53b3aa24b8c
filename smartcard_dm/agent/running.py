"""An agent from its start to its end: the keeper of the card, the service, the server, and who is told of its state.

Guarantees: it ends in order on SIGTERM and SIGINT, and with the terminal it was started from; nothing of a card is
served while it ends. SIGHUP otherwise means that the card is read again. The service manager hears when it is ready,
what it sees, and that it stops. Leaves to its caller: what it is made of, and closing that.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from smartcard_dm.agent.events import EventLog
from smartcard_dm.agent.keeper import CardKeeper
from smartcard_dm.agent.logs import log
from smartcard_dm.agent.metrics import Metrics
from smartcard_dm.agent.provisioned_tree import ProvisionedTree
from smartcard_dm.agent.server import AgentServer
from smartcard_dm.agent.service import AgentService, Releases
from smartcard_dm.agent.snapshot import CardState
from smartcard_dm.agent.systemd import notify
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.trust.transport import TransportKind

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, MutableMapping

    from smartcard_dm.agent.peers import AllowedPeers
    from smartcard_dm.agent.pin_entry import PinEntry
    from smartcard_dm.agent.snapshot import Snapshot
    from smartcard_dm.agent.sources import CardSource
    from smartcard_dm.limits import Limits
    from smartcard_dm.tree import DeviceTree
    from smartcard_dm.trust.points import Decryptor
    from smartcard_dm.trust.policy import Policy

FIRST_READING_SECONDS: Final = 2.0
"""Seconds the first reading of the card may take before the agent says that it is ready; a card takes 0.1 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What an agent is made of."""

    origin: str
    """The card's URI."""
    source: CardSource
    listening: socket.socket
    allowed: AllowedPeers
    policy: Policy
    """Of the verifier; messages are taken over every transport, since a client that may say `local` may say anything:
    what it says of another one is checked for being secured, and is in the verdict."""
    pin: PinEntry | None = None
    use_last_try: bool = False
    tree: DeviceTree | None = None
    decryptor: Decryptor | None = None
    releases: Releases = field(default_factory=Releases)
    limits: Limits = DEFAULT_LIMITS


def run(setup: Setup, *, environment: MutableMapping[str, str], ready: Callable[[Snapshot], None]) -> None:
    """Run an agent until SIGTERM or SIGINT, or until its terminal is gone; in the main thread.

    Args:
        setup: what it is made of.
        environment: where a service manager said how it is told.
        ready: is called when connections are taken, with what is known of the card.
    """
    asyncio.run(_run(setup, environment, ready))


async def _run(setup: Setup, environment: MutableMapping[str, str], ready: Callable[[Snapshot], None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    events = EventLog(secrets.token_hex(8))
    keeper = CardKeeper(
        setup.source,
        events,
        clock=_now,
        key=secrets.token_bytes(32),
        pin=setup.pin,
        use_last_try=setup.use_last_try,
        limits=setup.limits,
        first_generation=int(_now().timestamp() * 1e3),
    )
    metrics = Metrics()
    service = AgentService(
        keeper,
        events,
        origin=setup.origin,
        clock=_now,
        policy=setup.policy.over(*TransportKind),
        releases=setup.releases,
        tree=None if setup.tree is None else ProvisionedTree(setup.tree, lambda: keeper.snapshot),
        decryptor=setup.decryptor,
    )
    metrics.follow(service, lambda: keeper.apdus)
    server = AgentServer(service, setup.listening, allowed=setup.allowed, metrics=metrics, limits=setup.limits)

    def is_ready() -> None:
        log(logging.INFO, "ready", state=keeper.snapshot.state.value, generation=keeper.snapshot.generation)
        notify(environment, "READY=1", _status(keeper.snapshot))
        ready(keeper.snapshot)

    def hang_up() -> None:
        if ends_with_terminal and not _has_terminal():
            stop.set()
            return
        log(logging.INFO, "reread", generation=keeper.snapshot.generation)
        keeper.reread()

    # Under nohup the signal is ignored: whoever did that wants it to outlive the terminal.
    ends_with_terminal = _has_terminal() and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
    loop.add_signal_handler(signal.SIGHUP, hang_up)
    keeper.start()
    telling = asyncio.create_task(_tell(keeper, events, environment))
    try:
        await asyncio.to_thread(keeper.settled, FIRST_READING_SECONDS)
        await server.serve(stop, is_ready)
    finally:
        notify(environment, "STOPPING=1", "STATUS=ending")
        telling.cancel()
        ended = await asyncio.to_thread(keeper.stop)
        log(logging.INFO, "ended", reader_let_go=ended)


async def _tell(keeper: CardKeeper, events: EventLog, environment: MutableMapping[str, str]) -> None:
    """Tell the log and the service manager of every change."""
    told = None
    async with events.subscribe() as changes:
        while True:
            await changes.next()
            snapshot = keeper.snapshot
            if snapshot is told:
                continue
            told = snapshot
            log(logging.INFO, "card", state=snapshot.state.value, generation=snapshot.generation)
            notify(environment, _status(snapshot))


def _has_terminal() -> bool:
    """Whether this process belongs to a terminal. One that was closed cannot be opened any more."""
    try:
        os.close(os.open(os.ctermid(), os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def _status(snapshot: Snapshot) -> str:
    if snapshot.state is CardState.PRESENT and snapshot.credentials is not None:
        return f"STATUS=card present, {len(snapshot.credentials.accounts)} accounts"
    return f"STATUS=card {snapshot.state.value}"


def _now() -> datetime:
    return datetime.now(UTC)
