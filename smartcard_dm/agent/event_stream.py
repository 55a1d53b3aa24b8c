"""The agent's events as server-sent events.

Guarantees: a client that names the last event it has gets each one after it once, or is told of a gap; one that does
not read is let go after a time, and costs no memory until then; the stream ends when the agent does.
Leaves to its caller: how many there are.

Spec: WHATWG HTML, server-sent events; `id`, `event` and `data` only, and comments as heartbeats.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from smartcard_dm.agent.events import AgentEvent
from smartcard_dm.agent.service import Moment, moment_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive, Scope, Send

    from smartcard_dm.agent.events import EventLog, Gap, Subscription
    from smartcard_dm.agent.service import AgentService

CONTENT_TYPE: Final = "text/event-stream"
HEARTBEAT_SECONDS: Final = 15.0
"""Seconds without an event until a comment is sent, by which both ends notice that the other one is gone."""
_HEARTBEAT: Final = b": heartbeat\n\n"
_OPENING: Final = b": events\n\n"
_HEADERS: Final = [(b"content-type", CONTENT_TYPE.encode()), (b"x-accel-buffering", b"no")]


class EventStream:
    """One client that follows the events: an ASGI response.

    Args:
        service: whose events.
        last_event_id: as the client sent it; None: from now on.
        closing: is set when the agent ends.
        send_seconds: how long one event may wait for a client that does not read.
        heartbeat_seconds: how long nothing may be said.
        ended: is called once, at the end.
    """

    def __init__(
        self,
        service: AgentService,
        last_event_id: str | None,
        *,
        closing: asyncio.Event,
        send_seconds: float,
        heartbeat_seconds: float,
        ended: Callable[[], None],
    ) -> None:
        self._service = service
        self._last_event_id = last_event_id
        self._closing = closing
        self._send_seconds = send_seconds
        self._heartbeat_seconds = heartbeat_seconds
        self._ended = ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the client leaves, does not read, or the agent ends."""
        del scope
        tasks: set[asyncio.Task[None]] = set()
        try:
            # The place in the log comes before the head of the answer: whoever has the head misses nothing.
            async with self._service.events.subscribe(self._last_event_id) as subscription:
                await send({"type": "http.response.start", "status": 200, "headers": list(_HEADERS)})
                tasks = {
                    asyncio.create_task(self._send_all(subscription, send)),
                    asyncio.create_task(_left(receive)),
                    asyncio.create_task(_set(self._closing)),
                }
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            if self._closing.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(1.0):
                        await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            for task in tasks:
                task.cancel()
            self._ended()

    async def _send_all(self, subscription: Subscription, send: Send) -> None:
        await self._send(_OPENING, send)
        position = _Position(self._service.events, self._last_event_id)
        while True:
            try:
                async with asyncio.timeout(self._heartbeat_seconds):
                    item = await subscription.next()
            except TimeoutError:
                text = _HEARTBEAT
            else:
                text = sse(self._service, item, position.reason_of(item))
            await self._send(text, send)

    async def _send(self, text: bytes, send: Send) -> None:
        async with asyncio.timeout(self._send_seconds):
            await send({"type": "http.response.body", "body": text, "more_body": True})


class _Position:
    """Knows why a gap is one."""

    def __init__(self, log: EventLog, last_event_id: str | None) -> None:
        self._first = None
        if last_event_id is not None:
            self._first = "too-old" if log.number(last_event_id) is not None else "unknown-epoch"

    def reason_of(self, item: AgentEvent | Gap) -> str:
        """Return the reason a gap has; for an event, nothing."""
        first, self._first = self._first, None
        if isinstance(item, AgentEvent):
            return ""
        return first or "slow"


def events_so_far(service: AgentService, last_event_id: str | None) -> bytes:
    """Return what a client would get at once: events after one, or all that are kept."""
    log = service.events
    number = 0 if last_event_id is None else log.number(last_event_id)
    events, complete = log.after(-1 if number is None else number)
    parts = [_OPENING]
    if not complete:
        first = events[0].id if events else log.last + 1
        reason = "unknown-epoch" if number is None else "too-old"
        parts.append(_gap(service, first, reason))
    return b"".join((*parts, *(sse(service, event, "") for event in events)))


def sse(service: AgentService, item: AgentEvent | Gap, reason: str) -> bytes:
    """Return one event, or a gap with its reason, as it is sent."""
    if not isinstance(item, AgentEvent):
        return _gap(service, item.resumes_at, reason)
    form: dict[str, object] = {
        "kind": item.kind.value,
        "at": moment_text(item.at),
        "generation": item.generation,
        "subject": item.subject or None,
        "data": dict(item.data),
    }
    return _framed(service, service.events.text(item), form)


def _gap(service: AgentService, resumes_at: int, reason: str) -> bytes:
    snapshot = service.snapshot
    form: dict[str, object] = {
        "kind": "gap",
        "at": moment_text(snapshot.since),
        "generation": snapshot.generation,
        "subject": None,
        "data": {"reason": reason},
    }
    return _framed(service, service.events.text(resumes_at - 1), form)


def _framed(service: AgentService, event_id: str, form: dict[str, object]) -> bytes:
    # The provenance is that of the moment of sending, but for the place in the log: that is the event's own.
    provenance = service.provenance(Moment(service.snapshot, event_id))
    data = json.dumps({"id": event_id, **form, "provenance": provenance}, separators=(",", ":"))
    return f"id: {event_id}\nevent: {form['kind']}\ndata: {data}\n\n".encode()


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _set(event: asyncio.Event) -> None:
    await event.wait()
