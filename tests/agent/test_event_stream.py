"""The events as a client sees them on the wire."""

from __future__ import annotations

import json
import socket
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import pytest

from smartcard_dm.agent.events import CAPACITY, EventType
from tests.agent.moved import NOW, MovedSource
from tests.agent.serving import SHORT, USIM, ServedAgent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

    from tests.agent.cards import Cards


class Watcher:
    """A client that follows the events; a context manager."""

    def __init__(self, agent: ServedAgent, last_event_id: str | None = None) -> None:
        self._connection = agent.connect()
        named = "" if last_event_id is None else f"Last-Event-ID: {last_event_id}\r\n"
        self._connection.sendall(f"GET /v1/events HTTP/1.1\r\nHost: x\r\n{named}\r\n".encode())
        self._stream = self._connection.makefile("rb")
        self.head = b""
        while (line := self._stream.readline()) not in {b"\r\n", b""}:
            self.head += line
        assert self._block() == [b": events\n"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()
        self._connection.close()

    def next(self) -> dict[str, Any]:
        """Return the data of the next event."""
        while (lines := self._block()) and lines[0].startswith(b":"):
            pass
        fields = dict(line.rstrip(b"\n").decode().split(": ", 1) for line in lines)
        data: dict[str, Any] = json.loads(fields["data"])
        assert (fields["id"], fields["event"]) == (data["id"], data["kind"])
        return data

    def heartbeat(self) -> bool:
        return self._block() == [b": heartbeat\n"]

    def ended(self) -> bool:
        return self._block() == []

    def _block(self) -> list[bytes]:
        """Return the lines up to an empty one, without the marks of chunks."""
        lines = []
        while (line := self._stream.readline()) not in {b"\n", b""}:
            if not line.endswith(b"\r\n"):
                lines.append(line)
            elif line == b"0\r\n":
                break
        return lines


@pytest.fixture
def source() -> MovedSource:
    return MovedSource(USIM)


@pytest.fixture
def agent(source: MovedSource, tmp_path: Path) -> Iterator[ServedAgent]:
    with ServedAgent(source, tmp_path, limits=SHORT, heartbeat_seconds=0.2) as served:
        yield served


def test_a_removal_is_told_at_once(agent: ServedAgent, source: MovedSource, cards: Cards) -> None:
    with Watcher(agent) as watcher:
        assert b"text/event-stream" in watcher.head
        source.leave()
        kinds = [watcher.next() for _ in range(3)]
        assert [each["kind"] for each in kinds] == ["card-removed", "account-removed", "account-removed"]
        assert {each["subject"] for each in kinds[1:]} == {"com.example.dms", "com.example.backup"}
        assert kinds[0]["provenance"]["state"] == "absent"
        assert kinds[0]["provenance"]["event_id"] == kinds[0]["id"]
        source.insert(cards.other())
        assert watcher.next()["kind"] == "card-inserted"


def test_a_client_resumes_where_it_was(agent: ServedAgent, source: MovedSource) -> None:
    known = agent.get("/v1/accounts").form["provenance"]["event_id"]
    source.leave()
    agent.becomes("absent")
    with Watcher(agent, known) as watcher:
        assert watcher.next()["kind"] == "card-removed"
        last = watcher.next()["id"]
    with Watcher(agent, last) as watcher:
        after = watcher.next()
        assert after["kind"] == "account-removed"
        assert int(after["id"].rpartition("-")[2]) == int(last.rpartition("-")[2]) + 1


@pytest.mark.parametrize("stale", ["other-1", "abc-999999", "abc", "", "\u00e9"])
def test_an_event_of_another_start_is_a_gap(agent: ServedAgent, source: MovedSource, stale: str) -> None:
    with Watcher(agent, stale) as watcher:
        gap = watcher.next()
        assert (gap["kind"], gap["data"]) == ("gap", {"reason": "unknown-epoch"})
        source.leave()
        assert watcher.next()["kind"] == "card-removed"


def test_an_event_that_is_no_longer_kept_is_a_gap(agent: ServedAgent) -> None:
    for _ in range(CAPACITY + 5):
        agent.events.append(EventType.READER_BACK, NOW, agent.generation, "a reader")
    with Watcher(agent, "abc-1") as watcher:
        gap, first = watcher.next(), watcher.next()
    assert gap["data"] == {"reason": "too-old"}
    assert int(first["id"].rpartition("-")[2]) == int(gap["id"].rpartition("-")[2]) + 1


def test_a_slow_client_is_told_that_it_missed_some(tmp_path: Path) -> None:
    with ServedAgent(MovedSource(USIM), tmp_path) as agent, Watcher(agent) as watcher:
        kinds = set()
        for _ in range(5 * CAPACITY):  # more than the socket's buffers and the log hold
            agent.events.append(EventType.READER_BACK, NOW, agent.generation, 200 * "r")
        while "gap" not in kinds:
            found = watcher.next()
            kinds.add(found["kind"])
            if found["kind"] == "gap":
                assert found["data"] == {"reason": "slow"}


def test_a_client_that_stops_reading_is_let_go(agent: ServedAgent) -> None:
    with Watcher(agent) as watcher:
        watcher._connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        for _ in range(3):
            for _ in range(CAPACITY):
                agent.events.append(EventType.READER_BACK, NOW, agent.generation, 500 * "r")
        agent.counts("watchers", 1)
        agent.counts("watchers", 0)
        agent.counts("connections", 0)
    assert agent.events.subscribers == 1  # the agent's own


def test_nothing_happening_is_said_too(agent: ServedAgent) -> None:
    with Watcher(agent) as watcher:
        assert watcher.heartbeat()
        assert watcher.heartbeat()


def test_a_client_that_leaves_is_forgotten(agent: ServedAgent) -> None:
    with Watcher(agent):
        agent.counts("watchers", 1)
    agent.counts("watchers", 0)


def test_the_stream_ends_with_the_agent(agent: ServedAgent) -> None:
    with Watcher(agent) as watcher:
        agent.stop()
        assert watcher.ended()


def test_there_are_only_so_many_watchers(source: MovedSource, tmp_path: Path) -> None:
    with ServedAgent(source, tmp_path, limits=replace(SHORT, agent_watchers=1)) as agent, Watcher(agent):
        reply = agent.get("/v1/events")
        assert (reply.status, reply.code, reply.headers["retry-after"]) == (429, "busy", "1")


def test_events_so_far_without_following(agent: ServedAgent, source: MovedSource) -> None:
    body = agent.get("/v1/events?follow=false").body.decode()
    assert body.count("event: account-added\n") == 2
    assert "event: gap" in agent.get("/v1/events?follow=false", Last_Event_ID="x-1").body.decode()
    last = agent.get("/v1/card").form["provenance"]["event_id"]
    assert "event:" not in agent.get("/v1/events?follow=false", Last_Event_ID=last).body.decode()
    source.leave()
    agent.becomes("absent")
    assert "event: card-removed" in agent.get("/v1/events?follow=false", Last_Event_ID=last).body.decode()
