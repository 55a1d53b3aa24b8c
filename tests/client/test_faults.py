"""What a client says when there is no agent, a strange one, or one that breaks off; both clients by one table."""

from __future__ import annotations

import json
import os
import socket
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.client import exchange
from smartcard_dm.client.event_stream import EventStream
from smartcard_dm.client.resume import Resume
from smartcard_dm.errors import (
    AgentCardError,
    AgentError,
    AgentPeerError,
    AgentPolicyError,
    AgentProtocolError,
    AgentRequestError,
    AgentUnreachableError,
)
from smartcard_dm.limits import DEFAULT_LIMITS
from tests.client.agents import CARD, CLIENTS, EPOCH, PROVENANCE, STREAM, event, http, problem, says, scripted, sse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.client.agents import Waiting

each_client = pytest.mark.parametrize("client", CLIENTS, ids=lambda kind: kind.__name__)

ACCOUNTS = {"provenance": PROVENANCE, "accounts": [], "warnings": []}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.sock"


@contextmanager
def no_rights(path: Path) -> Iterator[None]:
    """Take away the right to open a socket; root, who has it always, is somebody else meanwhile."""
    path.chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


@each_client
def test_nobody_there(client: type[Waiting], path: Path) -> None:
    with pytest.raises(AgentUnreachableError, match="there is no socket") as found:
        client(path).call("card")
    assert (found.value.code, found.value.name, found.value.status) == ("unreachable", str(path), None)
    assert "agent serve" in found.value.remedy


@each_client
def test_a_socket_left_over(client: type[Waiting], path: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    with pytest.raises(AgentUnreachableError, match="nobody listens"):
        client(path).call("card")


@each_client
def test_a_socket_that_may_not_be_opened(client: type[Waiting], path: Path) -> None:
    with scripted(path, says(http(CARD))), no_rights(path), pytest.raises(AgentPeerError) as found:
        client(path).call("card")
    assert found.value.code == "socket-denied"


@each_client
def test_an_agent_of_somebody_else_is_told_nothing(client: type[Waiting], path: Path) -> None:
    somebody = os.getuid() + 1
    with scripted(path, says(http(CARD))) as heads:
        with pytest.raises(AgentPeerError, match=f"of user {os.getuid()}, trusted are {somebody}") as found:
            client(path, trusted_uids=[somebody]).call("secret", "a")
        with pytest.raises(AgentPeerError):
            client(path, trusted_uids=[somebody]).watch(1, f"{EPOCH}-1")
    assert found.value.code == "peer-untrusted"
    assert heads == []


NO_FORM = {
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "HTML": http(b"<html>", media="text/html"),
    "no JSON": http(b"{"),
    "no UTF-8": http(b'{"a": "\xff"}'),
    "deep": http(b"[" * 100_000),
    "a list": http(b"[]"),
    "nothing": http({}),
    "null": http({**CARD, "state": None}),
    "a number": http({**CARD, "state": 1}),
    "no number": http({**CARD, "provenance": {**PROVENANCE, "generation": True}}),
    "no moment": http({**CARD, "since": "yesterday"}),
    "no time zone": http({**CARD, "since": "2026-01-01T00:00:00"}),
    "a redirection": http(b"", status=302),
    "a bare error": http(b"", status=500),
    "a problem that is none": http({"code": "card-absent"}, status=409, media="application/problem+json"),
}


@each_client
@pytest.mark.parametrize("answer", NO_FORM.values(), ids=NO_FORM)
def test_an_answer_of_another_form(client: type[Waiting], path: Path, answer: bytes) -> None:
    with scripted(path, says(answer)), pytest.raises(AgentProtocolError) as found:
        client(path).call("card")
    assert found.value.code == "protocol"
    assert "yesterday" not in str(found.value)


BROKEN = {
    "hangs up": b"",
    "in the head": b"HTTP/1.1 200 OK\r\ncontent-ty",
    "in the body": http(json.dumps(CARD).encode()[:50], octets=500),
}


@each_client
@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
def test_an_answer_that_breaks_off(client: type[Waiting], path: Path, answer: bytes) -> None:
    with scripted(path, says(answer)), pytest.raises(AgentUnreachableError) as found:
        client(path).call("card")
    assert found.value.code == "broke-off"


@each_client
def test_too_large_an_answer(client: type[Waiting], path: Path) -> None:
    def endless(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n")
        while True:
            connection.sendall(b" " * 4096)

    limits = replace(DEFAULT_LIMITS, agent_answer_octets=20_000)
    with scripted(path, endless), pytest.raises(AgentProtocolError, match="larger than 20000"):
        client(path, limits=limits).call("card")


def drip(connection: socket.socket, _head: bytes) -> None:
    connection.sendall(http(b" ", octets=1000))
    for _ in range(100):
        time.sleep(0.05)
        connection.sendall(b" ")


@each_client
@pytest.mark.parametrize("script", [lambda connection, _head: connection.recv(1), drip], ids=["silent", "dripping"])
def test_too_slow_an_answer(client: type[Waiting], path: Path, script: Callable[[socket.socket, bytes], None]) -> None:
    begun = time.monotonic()
    with scripted(path, script), pytest.raises(AgentUnreachableError, match=r"within 0\.3 seconds") as found:
        client(path, timeout=0.3).call("card")
    assert found.value.code == "timeout"
    assert time.monotonic() - begun < 3


PROBLEMS = {
    "card-absent": (409, AgentCardError),
    "card-removed": (410, AgentCardError),
    "card-changed": (409, AgentCardError),
    "card-unreadable": (409, AgentCardError),
    "card-locked": (409, AgentCardError),
    "reader-lost": (409, AgentCardError),
    "starting": (409, AgentCardError),
    "account-unknown": (404, AgentRequestError),
    "account-several": (409, AgentRequestError),
    "auth-unavailable": (409, AgentRequestError),
    "nonce-missing": (409, AgentRequestError),
    "basic-denied": (403, AgentPolicyError),
    "secret-denied": (403, AgentPolicyError),
    "tree-none": (409, AgentPolicyError),
    "tree-unprovisioned": (409, AgentRequestError),
    "tree-unavailable": (503, AgentUnreachableError),
    "audit-unavailable": (503, AgentUnreachableError),
    "not-found": (404, AgentRequestError),
    "method-not-allowed": (405, AgentRequestError),
    "request-malformed": (400, AgentRequestError),
    "request-invalid": (422, AgentRequestError),
    "content-type": (415, AgentRequestError),
    "body-too-large": (413, AgentRequestError),
    "headers-too-large": (431, AgentRequestError),
    "request-timeout": (408, AgentUnreachableError),
    "busy": (429, AgentUnreachableError),
    "overloaded": (503, AgentUnreachableError),
    "internal": (500, AgentUnreachableError),
    "of-a-later-release": (418, AgentRequestError),
}


@each_client
@pytest.mark.parametrize("code", PROBLEMS)
def test_a_problem_is_the_error_of_its_code(client: type[Waiting], path: Path, code: str) -> None:
    status, kind = PROBLEMS[code]
    with scripted(path, says(problem(code, status))), pytest.raises(AgentError) as found:
        client(path).call("accounts")
    assert type(found.value) is kind
    assert str(found.value) == f"{path}: a detail ({code})"
    told = (found.value.code, found.value.status, found.value.remedy, found.value.request_id, found.value.committed)
    assert told == (code, status, "a remedy", "r-1", False)
    assert (found.value.generation, found.value.state) == (PROVENANCE["generation"], "absent")


@each_client
def test_what_took_effect_all_the_same(client: type[Waiting], path: Path) -> None:
    with scripted(path, says(problem("card-removed", 410, committed=True))), pytest.raises(AgentCardError) as found:
        client(path).call("apply", b"", transport="local")
    assert found.value.committed


WRONG = {
    "transport": ("verify", (b"",), {"transport": "pigeon"}),
    "type": ("authenticate", ("a", "digest"), {}),
    "hmac without a body": ("authenticate", ("a", "hmac"), {}),
    "md5 with a body": ("authenticate", ("a", "md5"), {"body": b""}),
    "basic with a nonce": ("authenticate", ("a", "basic"), {"nonce": b""}),
    "a long ServerID": ("account", ("a" * 1025,), {}),
}


@each_client
@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_wrong_use_is_a_value_error(
    client: type[Waiting], path: Path, case: tuple[str, tuple[object, ...], dict[str, object]]
) -> None:
    name, arguments, named = case
    with pytest.raises(ValueError, match=r"found|goes with|takes no"):
        client(path).call(name, *arguments, **named)


@each_client
@pytest.mark.parametrize("options", [{"timeout": 0}, {"trusted_uids": []}])
def test_a_client_that_cannot_be(client: type[Waiting], path: Path, options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"positive|trusted"):
        client(path, **options).call("card")


@each_client
def test_a_watch_goes_on_behind_the_last_event(client: type[Waiting], path: Path) -> None:
    first = STREAM + b": heartbeat\n\n" + sse(event(43), event(44)) + sse(event(45))[:40]
    second = STREAM + sse(event(45), event(46))
    with scripted(path, says(http(CARD)), says(first), says(b""), says(second)) as heads:
        found = client(path).watch(4)
    assert [each.id for each in found] == [f"{EPOCH}-{number}" for number in (43, 44, 45, 46)]
    asked = [line for head in heads for line in head.decode().split("\r\n") if line.startswith("last-event-id")]
    assert asked == [f"last-event-id: {EPOCH}-{number}" for number in (42, 44, 44)]


@each_client
def test_a_watch_tells_a_gap(client: type[Waiting], path: Path) -> None:
    gap = event(0, "gap", id="0aa-7", data={"reason": "unknown-epoch"})
    with scripted(path, says(STREAM + sse(gap)), says(STREAM + sse(event(8, id="0aa-8")))) as heads:
        found = client(path).watch(2, f"{EPOCH}-9")
    assert [each.is_gap for each in found] == [True, False]
    assert found[0].data == {"reason": "unknown-epoch"}
    assert b"last-event-id: 0aa-7\r\n" in heads[1]


@each_client
def test_a_watch_that_is_given_up(client: type[Waiting], path: Path) -> None:
    with scripted(path, says(STREAM + sse(event(1))), says(b"")), pytest.raises(AgentUnreachableError):
        client(path).watch(2, f"{EPOCH}-0", patience=0.3)


@each_client
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (http(CARD), AgentProtocolError),
        (STREAM + b"data: {}\n\n", AgentProtocolError),
        (STREAM + b"data: " + b"a" * 70_000, AgentProtocolError),
        (problem("busy", 429), AgentUnreachableError),
        (problem("request-invalid", 422), AgentRequestError),
        (b"", AgentUnreachableError),
    ],
)
def test_a_watch_that_cannot_begin(client: type[Waiting], path: Path, answer: bytes, kind: type[AgentError]) -> None:
    with scripted(path, says(answer)), pytest.raises(AgentError) as found:
        client(path).watch(1, f"{EPOCH}-0")
    assert type(found.value) is kind


@each_client
def test_a_stream_without_heartbeats_is_opened_again(
    client: type[Waiting], path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(STREAM + sse(event(1)))
        connection.recv(1)

    monkeypatch.setattr(exchange, "QUIET_SECONDS", 0.2)
    with scripted(path, silent, says(STREAM + sse(event(2)))) as heads:
        found = client(path).watch(2, f"{EPOCH}-0")
    assert [each.id for each in found] == [f"{EPOCH}-1", f"{EPOCH}-2"]
    assert f"last-event-id: {EPOCH}-1".encode() in heads[1]


LINE_ENDS = [b"\n", b"\r\n", b"\r"]


@pytest.mark.parametrize("end", LINE_ENDS)
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_a_stream_is_read_whatever_its_pieces_are(end: bytes, size: int) -> None:
    octets = b": comment\n\nretry: 5\n\n" + sse(event(1), event(2)).replace(b'"kind"', b'\ndata:"kind"', 1)
    octets = octets.replace(b"\n", end)
    stream = EventStream("a", 4096)
    found = [each for i in range(0, len(octets), size) for each in stream.feed(octets[i : i + size])]
    assert [each.id for each in found] == [f"{EPOCH}-1", f"{EPOCH}-2"]


def test_heartbeats_do_not_add_up_to_an_event() -> None:
    stream = EventStream("a", 100)
    assert list(stream.feed(b": heartbeat\n" * 1000)) == []


def test_pauses_grow_and_begin_anew() -> None:
    lost = AgentUnreachableError("broke-off", "a", "b", name="c")
    resume = Resume("e-1", patience=100)
    with pytest.raises(AgentUnreachableError):
        resume.lost(lost, 0)
    resume.opened()
    assert [resume.lost(lost, 1) for _ in range(8)] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    resume.opened()
    assert resume.lost(lost, 200) == 0.1
    with pytest.raises(AgentUnreachableError):
        resume.lost(lost, 300)
    with pytest.raises(AgentPolicyError):
        resume.lost(AgentPolicyError("a", "b", "c", name="d"), 200)
