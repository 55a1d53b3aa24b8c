"""The agent as a server: one event loop on one listening Unix socket, until it is told to stop.

Guarantees: events streams, requests and connections end in order when it stops, or after a time without it; each
generation's card is taken in by the tree, and what was made for an earlier one is let go. Signals are its caller's.
Leaves to its caller: the socket, the keeper of the card, and telling anybody that it is ready.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

import uvicorn

from smartcard_dm.agent.api import create_app
from smartcard_dm.agent.connections import AgentConnection, Door
from smartcard_dm.agent.event_stream import HEARTBEAT_SECONDS
from smartcard_dm.agent.logs import log, place_of
from smartcard_dm.agent.problems import Problem
from smartcard_dm.agent.socket_file import BACKLOG
from smartcard_dm.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from smartcard_dm.agent.api import Api
    from smartcard_dm.agent.metrics import Metrics
    from smartcard_dm.agent.peers import AllowedPeers
    from smartcard_dm.agent.service import AgentService
    from smartcard_dm.limits import Limits

KEEP_ALIVE_SECONDS: Final = 60
"""Seconds a connection may stay open without a request."""
SHUTDOWN_SECONDS: Final = 5
"""Seconds that requests have to end when the agent stops."""


class AgentServer:
    """One server.

    Args:
        service: what is done.
        listening: a listening Unix stream socket; it is closed at the end.
        allowed: who may connect.
        metrics: what is counted.
        limits: bounds of connections and requests.
        heartbeat_seconds: of the events.
    """

    def __init__(
        self,
        service: AgentService,
        listening: socket.socket,
        *,
        allowed: AllowedPeers,
        metrics: Metrics,
        limits: Limits = DEFAULT_LIMITS,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        self._service = service
        self._listening = listening
        self._metrics = metrics
        self._door = Door(allowed, limits, metrics, service)
        self._heartbeat_seconds = heartbeat_seconds

    async def serve(self, stop: asyncio.Event, ready: Callable[[], None]) -> None:
        """Serve until `stop` is set.

        Args:
            stop: is set by whoever ends it, in this event loop.
            ready: is called once connections are taken.
        """
        app = create_app(
            self._service,
            metrics=self._metrics,
            limits=self._door.limits,
            heartbeat_seconds=self._heartbeat_seconds,
        )
        api: Api = app.state.api
        config = uvicorn.Config(
            app,
            http=partial(AgentConnection, self._door),  # type: ignore[arg-type] # called as the class would be
            loop="asyncio",
            ws="none",
            lifespan="on",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[self._listening]))
        following = asyncio.create_task(self._follow(api))
        stopping = asyncio.create_task(_set(stop))
        started = asyncio.create_task(_set(server.ready))
        try:
            await asyncio.wait({serving, started, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if server.ready.is_set():
                ready()
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            api.closing.set()
            server.should_exit = True
            for task in (following, stopping, started):
                task.cancel()
            await serving
            await asyncio.gather(following, stopping, started, return_exceptions=True)

    async def _follow(self, api: Api) -> None:
        """Do what follows from a change of the card."""
        async with self._service.events.subscribe() as changes:
            while True:
                self._service.tidy()
                if self._service.tree is not None:
                    await self._provision(api)
                await changes.next()

    async def _provision(self, api: Api) -> None:
        try:
            await api.workers.at_the_desk(self._service.provision)
        except Problem as problem:
            # Told to whoever applies a message too; here for the operator, who may look before that.
            log(logging.ERROR, "tree", code=problem.code.code, detail=problem.detail)
        except Exception as error:  # noqa: BLE001 - following goes on: the next card may be a better one
            log(logging.ERROR, "fault", place=place_of(error))


class _Server(uvicorn.Server):
    """Uvicorn's server without signals, and with an event for its start."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Take connections."""
        await super().startup(sockets)
        if self.started:
            self.ready.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the program."""
        yield


async def _set(event: asyncio.Event) -> None:
    await event.wait()
