"""Agents that misbehave on purpose, and the two clients as one: what a table of cases is run against."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from smartcard_dm.client import AgentClient, AsyncAgentClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from smartcard_dm.client.values import AgentEvent

EPOCH = "6f1c2d3e4a5b6c7d"
PROVENANCE: dict[str, Any] = {
    "origin": "pcsc:",
    "card_id": "8988211000000430010",
    "generation": 1767225600,
    "state": "present",
    "not_after": None,
    "cache": "until-event",
    "event_id": f"{EPOCH}-42",
}
CARD: dict[str, Any] = {
    "provenance": PROVENANCE,
    "card": {"iccid": "8988211000000430010", "generation": "uicc", "atr": "3B9F"},
    "state": "present",
    "reason": "",
    "since": "2026-01-01T00:00:00.000000Z",
}


def event(number: int, kind: str = "card-removed", **others: object) -> dict[str, Any]:
    """Return the data of an event."""
    return {
        "id": f"{EPOCH}-{number}",
        "kind": kind,
        "at": "2026-01-01T00:00:00Z",
        "generation": 7,
        "subject": None,
        "data": {},
        "provenance": PROVENANCE,
        **others,
    }


def sse(*events: dict[str, Any]) -> bytes:
    """Return events as they are on the wire."""
    return b"".join(
        f"id: {each['id']}\nevent: {each['kind']}\ndata: {json.dumps(each)}\n\n".encode() for each in events
    )


def http(
    body: bytes | dict[str, Any], *, status: int = 200, media: str = "application/json", octets: int | None = None
) -> bytes:
    """Return a whole answer.

    Args:
        body: what it holds.
        status: its status.
        media: its type.
        octets: what Content-Length says; None: the truth.
    """
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    length = len(content) if octets is None else octets
    head = f"HTTP/1.1 {status} S\r\ncontent-type: {media}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    return head.encode() + content


def problem(code: str, status: int, **others: object) -> bytes:
    """Return a problem as an answer."""
    form = {
        "type": f"urn:smartcard-dm:problem:{code}",
        "title": "a title",
        "status": status,
        "detail": "a detail",
        "remedy": "a remedy",
        "code": code,
        "request_id": "r-1",
        "provenance": {**PROVENANCE, "state": "absent"},
        "committed": False,
        **others,
    }
    return http(form, status=status, media="application/problem+json")


STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nconnection: close\r\n\r\n"
"""The head of a stream that ends with its connection."""


@contextmanager
def scripted(path: Path, *scripts: Callable[[socket.socket, bytes], None]) -> Iterator[list[bytes]]:
    """Run an agent that treats each connection by its script, the last one from then on; gives the requests' heads."""
    heads: list[bytes] = []
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()
    ending = threading.Event()

    def serve() -> None:
        number = 0
        while not ending.is_set():
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with closing(connection):
                connection.settimeout(5)
                try:
                    head = b""
                    while b"\r\n\r\n" not in head and (more := connection.recv(65536)):
                        head += more
                    if not head:
                        continue
                    heads.append(head)
                    scripts[min(number, len(scripts) - 1)](connection, head)
                except OSError:
                    pass  # the client left, which is what some cases are about
                number += 1

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield heads
    finally:
        ending.set()
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        server.close()
        path.unlink(missing_ok=True)


def says(octets: bytes) -> Callable[[socket.socket, bytes], None]:
    """Return a script that says something and hangs up."""
    return lambda connection, _head: connection.sendall(octets)


class Waiting:
    """The client for programs that wait, as the table of cases uses it."""

    def __init__(self, path: Path, **options: Any) -> None:  # noqa: ANN401 - those of the client
        self._path = path
        self._options = options

    def call(self, name: str, *arguments: object, **named: object) -> Any:  # noqa: ANN401 - of each method
        """Make one call with a client of its own."""
        with AgentClient(self._path, **self._options) as client:
            return getattr(client, name)(*arguments, **named)

    def watch(self, count: int, after: str | None = None, patience: float | None = 2) -> list[AgentEvent]:
        """Return the first events of a watch."""
        with AgentClient(self._path, **self._options) as client:
            events = client.watch(after, patience=patience)
            found = [each for _, each in zip(range(count), events, strict=False)]
            events.close()  # type: ignore[attr-defined] # it is a generator
            return found


class Asynchronous(Waiting):
    """The client of asyncio."""

    def call(self, name: str, *arguments: object, **named: object) -> Any:  # noqa: ANN401 - of each method
        """Make one call with a client of its own."""

        async def run() -> object:
            async with AsyncAgentClient(self._path, **self._options) as client:
                return await getattr(client, name)(*arguments, **named)

        return asyncio.run(run())

    def watch(self, count: int, after: str | None = None, patience: float | None = 2) -> list[AgentEvent]:
        """Return the first events of a watch."""

        async def run() -> list[AgentEvent]:
            found: list[AgentEvent] = []
            async with AsyncAgentClient(self._path, **self._options) as client:
                events: AsyncIterator[AgentEvent] = client.watch(after, patience=patience)
                async for each in events:
                    found.append(each)
                    if len(found) == count:
                        break
                await events.aclose()  # type: ignore[attr-defined] # it is a generator
            return found

        return asyncio.run(run())


CLIENTS = (Waiting, Asynchronous)
