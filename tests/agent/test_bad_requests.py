"""Octets that are no requests, requests without an end, and clients that do not read: all of it is bounded."""

from __future__ import annotations

import json
import os
import random
import socket
from contextlib import ExitStack
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartcard_dm.limits import DEFAULT_LIMITS
from tests.agent.moved import MovedSource
from tests.agent.serving import DM_WBXML, SHORT, SIGNED, USIM, ServedAgent, all_of

if TYPE_CHECKING:
    from collections.abc import Iterator

VERIFY = f"POST /v1/verify?transport=local HTTP/1.1\r\nHost: x\r\nContent-Type: {DM_WBXML}\r\n"
MEMORY_OCTETS = 64 * 1024 * 1024
"""More than one body, less than what would be there if all of them were kept."""


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedAgent]:
    with ServedAgent(MovedSource(USIM), tmp_path_factory.mktemp("agent"), limits=SHORT) as served:
        yield served


@pytest.fixture(autouse=True)
def still_serving(agent: ServedAgent) -> Iterator[None]:
    yield
    assert agent.verify().form["verdict"]["verdict"] == "authorized"


def sent(agent: ServedAgent, octets: bytes, *, end: bool = False) -> bytes:
    """Send octets and return all that comes until the agent closes."""
    with agent.connect() as connection:
        try:
            connection.sendall(octets)
            if end:
                connection.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return all_of(connection)


def problem(octets: bytes) -> tuple[int, str]:
    head, _, body = octets.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    assert b"connection: close" in head.lower()
    return int(head.split()[1]), str(json.loads(body)["code"])


@pytest.mark.parametrize(
    "octets",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET / SPDY/3\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/card HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET /v1/card HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET /v1/card HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n",
        b"GET /v1/card HTTP/1.1\r\nHost x\r\n\r\n",
        b"GET /v1/card HTTP/1.1\r\nHost: x\r\n X: folded\r\n\r\n",
    ],
)
def test_what_is_no_http_is_a_problem_or_nothing(agent: ServedAgent, octets: bytes) -> None:
    answer = sent(agent, octets)
    if answer:
        assert problem(answer) in {(400, "request-malformed"), (408, "request-timeout")}


def test_a_head_without_end_is_bounded(agent: ServedAgent) -> None:
    line = b"X-Long: " + 1000 * b"a" + b"\r\n"
    for octets in (
        b"GET /v1/card HTTP/1.1\r\n" + 100 * line,
        b"GET /v1/card HTTP/1.1\r\n" + 100 * line + b"\r\n",
        b"GET /" + 100_000 * b"a" + b" HTTP/1.1\r\n\r\n",
        b"GET /v1/card HTTP/1.1\r\n" + 20_000 * b"A:\r\n",
    ):
        assert problem(sent(agent, octets)) == (431, "headers-too-large")


def test_a_head_that_fits_is_taken(agent: ServedAgent) -> None:
    head = b"GET /v1/card HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Long: " + 15_000 * b"a" + b"\r\n\r\n"
    assert sent(agent, head).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("octets", "answered"),
    [(b"", False), (b"\r\n\r\n", False), (b"GET /v1/card HT", True), (b"GET /v1/card HTTP/1.1\r\nHost: x\r\n", True)],
)
def test_a_connection_that_stops_is_ended(agent: ServedAgent, octets: bytes, *, answered: bool) -> None:
    started = monotonic()
    answer = sent(agent, octets)
    assert monotonic() - started < 5 * SHORT.receive_seconds
    assert bool(answer) is answered
    if answered:
        assert problem(answer) == (408, "request-timeout")


def test_line_ends_do_not_keep_a_connection_open(agent: ServedAgent) -> None:
    with agent.connect(timeout=0.2) as connection:
        started = monotonic()
        while monotonic() - started < 5 * SHORT.receive_seconds:
            try:
                connection.sendall(b"\r\n")
                if connection.recv(1) == b"":
                    break
            except TimeoutError:
                continue
            except (BrokenPipeError, ConnectionResetError):
                break
        assert monotonic() - started < 3 * SHORT.receive_seconds


def test_a_body_that_stops_is_ended(agent: ServedAgent) -> None:
    octets = f"{VERIFY}Content-Length: {len(SIGNED)}\r\n\r\n".encode() + SIGNED[:-1]
    assert problem(sent(agent, octets)) == (408, "request-timeout")


def test_a_body_cut_off_by_its_sender_is_no_request(agent: ServedAgent) -> None:
    octets = f"{VERIFY}Content-Length: {len(SIGNED)}\r\n\r\n".encode() + SIGNED[:-1]
    assert sent(agent, octets, end=True) == b""


def test_a_body_that_is_too_large_is_refused_before_it_is_read(agent: ServedAgent) -> None:
    maximum = DEFAULT_LIMITS.message_octets
    for length in (str(maximum + 1), 30 * "9"):
        answer = sent(agent, f"{VERIFY}Content-Length: {length}\r\n\r\n".encode())
        assert problem(answer) in {(413, "body-too-large"), (400, "request-malformed")}


def test_a_body_in_chunks_is_bounded(agent: ServedAgent) -> None:
    chunk = b"10000\r\n" + 0x10000 * b"a" + b"\r\n"
    with agent.connect() as connection:
        connection.sendall(f"{VERIFY}Transfer-Encoding: chunked\r\n\r\n".encode())
        try:
            for _ in range(64):
                connection.sendall(chunk)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert problem(all_of(connection)) == (413, "body-too-large")


@pytest.mark.parametrize("octets", [b"ZZ\r\n", b"2\r\nhi\r\nZZ\r\n", b"FFFFFFFFFFFFFFFFF\r\nhi", b"2\r\nhi!"])
def test_a_body_in_broken_chunks_is_a_problem(agent: ServedAgent, octets: bytes) -> None:
    answer = sent(agent, f"{VERIFY}Transfer-Encoding: chunked\r\n\r\n".encode() + octets)
    assert problem(answer) == (400, "request-malformed")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_a_broken_request_behind_a_good_one_is_not_the_answer_to_that(agent: ServedAgent) -> None:
    broken = f"{VERIFY}Transfer-Encoding: chunked\r\n\r\nZZ\r\n".encode()
    assert b"HTTP/1.1 400 " not in sent(agent, b"GET /v1/card HTTP/1.1\r\nHost: x\r\n\r\n" + broken)


def test_bodies_together_are_bounded(agent: ServedAgent, tmp_path_factory: pytest.TempPathFactory) -> None:
    largest = DEFAULT_LIMITS.message_octets
    limits = replace(SHORT, agent_body_octets=4 * largest, receive_seconds=3)
    before = resident()
    with ServedAgent(MovedSource(USIM), tmp_path_factory.mktemp("full"), limits=limits) as full, ExitStack() as stack:
        connections = [stack.enter_context(full.connect()) for _ in range(24)]
        for connection in connections:
            connection.sendall(f"{VERIFY}Content-Length: {largest}\r\n\r\n".encode())
            try:
                connection.sendall((largest - 1) * b"a")
            except (BrokenPipeError, ConnectionResetError):
                continue
        answers = [problem(all_of(connection)) for connection in connections]
        assert answers.count((408, "request-timeout")) <= 4
        assert answers.count((429, "busy")) >= 20
        assert full.verify().status == 200
    assert resident() - before < limits.agent_body_octets + MEMORY_OCTETS
    assert agent.get("/v1/card").status == 200


def test_requests_one_after_the_other_on_one_connection(agent: ServedAgent) -> None:
    request = f"{VERIFY}Content-Length: {len(SIGNED)}\r\n\r\n".encode() + SIGNED
    last = b"GET /v1/card HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = sent(agent, 20 * request + last)
    assert answer.count(b"HTTP/1.1 200 OK") == 21
    assert answer.count(b'"verdict":"authorized"') == 20


def test_an_upgrade_is_not_taken(agent: ServedAgent) -> None:
    octets = b"GET /v1/card HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n"
    assert sent(agent, octets).startswith(b"HTTP/1.1 200 ")


def test_there_are_only_so_many_connections(agent: ServedAgent, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("few")
    with ServedAgent(MovedSource(USIM), folder, limits=SHORT, connections=3) as few, ExitStack() as stack:
        for _ in range(3):
            connection = stack.enter_context(few.connect())
            connection.sendall(b"GET /v1/card HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(10)
        with few.connect() as one_more:
            assert all_of(one_more) == b""
        few.counts("connections_closed_total", 1, reason="limit")
    assert agent.get("/v1/card").status == 200


def test_a_client_that_does_not_read_is_let_go(agent: ServedAgent, tmp_path_factory: pytest.TempPathFactory) -> None:
    limits = replace(SHORT, agent_seconds=1)
    folder = tmp_path_factory.mktemp("stuck")
    with ServedAgent(MovedSource(USIM), folder, limits=limits) as stuck, stuck.connect() as connection:
        connection.setblocking(False)
        try:
            for _ in range(200):
                connection.send(20 * b"GET /v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n")
        except BlockingIOError:
            pass
        stuck.counts("connections", 1)
        stuck.counts("connections", 0)
    assert agent.get("/v1/card").status == 200


def test_the_end_does_not_wait_for_a_client(agent: ServedAgent, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("end")
    with ServedAgent(MovedSource(USIM), folder, limits=SHORT) as ending, ending.connect() as connection:
        connection.sendall(f"{VERIFY}Content-Length: 10\r\n\r\n".encode())
        started = monotonic()
        ending.stop()
        assert monotonic() - started < 10
    assert agent.get("/v1/card").status == 200


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 8))
def test_damaged_requests_get_an_answer_or_an_end(agent: ServedAgent, seed: int, count: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - damage, not secrets
    request = bytearray(f"{VERIFY}Content-Length: {len(SIGNED)}\r\nConnection: close\r\n\r\n".encode() + SIGNED)
    for _ in range(count):
        request[chance.randrange(len(request))] = chance.randrange(256)
    answer = sent(agent, bytes(request), end=True)
    if answer:
        assert answer.startswith(b"HTTP/1.1 ")
        assert int(answer.split()[1]) < 500


def resident() -> int:
    """Return the octets of memory this process, and with it the agent, has."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - no file
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
