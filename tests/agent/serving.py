"""An agent in a thread of a test, on a socket in the test's folder, and clients that show what is on the wire."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import socket
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Final, Self

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from smartcard_dm.agent.events import EventLog
from smartcard_dm.agent.keeper import CardKeeper
from smartcard_dm.agent.metrics import Metrics
from smartcard_dm.agent.peers import AllowedPeers
from smartcard_dm.agent.provisioned_tree import ProvisionedTree
from smartcard_dm.agent.server import AgentServer
from smartcard_dm.agent.service import AgentService, Releases
from smartcard_dm.agent.socket_file import SocketFile
from smartcard_dm.limits import DEFAULT_LIMITS, Limits
from smartcard_dm.trust.policy import Policy
from smartcard_dm.trust.transport import TransportKind
from tests.agent.moved import NOW, QUICK

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from smartcard_dm.agent.keeper import Patience
    from smartcard_dm.agent.sources import CardSource
    from smartcard_dm.tree import DeviceTree

ROOT: Final = Path(__file__).parents[2]
USIM: Final = f"profile:{ROOT / 'fixtures/cards/usim.yaml'}"
SIGNED: Final = (ROOT / "fixtures/messages/signed.wbxml").read_bytes()
DOCUMENT: Final[dict[str, Any]] = json.loads((ROOT / "docs/openapi/agent-v1.json").read_text("utf-8"))
DM_WBXML: Final = "application/vnd.syncml.dm+wbxml"
WAIT_SECONDS: Final = 20.0
FIRST_GENERATION: Final = 1000
SHORT: Final = replace(DEFAULT_LIMITS, receive_seconds=1)
"""Bounds for tests that wait until a time is over."""

_REGISTRY: Final = Registry[Any]().with_resource("urn:agent", Resource.opaque(DOCUMENT))


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def code(self) -> str:
        return str(self.form["code"])


class ServedAgent:
    """An agent with its server in a thread; a context manager."""

    def __init__(
        self,
        source: CardSource,
        folder: Path,
        *,
        listening: socket.socket | None = None,
        allowed: AllowedPeers | None = None,
        limits: Limits = DEFAULT_LIMITS,
        releases: Releases | None = None,
        tree: DeviceTree | None = None,
        heartbeat_seconds: float = 15.0,
        connections: int | None = None,
        patience: Patience = QUICK,
    ) -> None:
        self.path = folder / "run" / "agent.sock"
        self.events = EventLog("abc")
        self.keeper = CardKeeper(
            source,
            self.events,
            clock=lambda: NOW,
            key=bytes(32),
            patience=patience,
            first_generation=FIRST_GENERATION,
        )
        self.metrics = Metrics()
        if connections is not None:
            limits = replace(limits, agent_connections=connections)
        self.service = AgentService(
            self.keeper,
            self.events,
            origin="pcsc:",
            clock=lambda: NOW,
            policy=Policy.default().over(*TransportKind),
            releases=releases,
            tree=None if tree is None else ProvisionedTree(tree, lambda: self.keeper.snapshot),
        )
        self.metrics.follow(self.service, lambda: self.keeper.apdus)
        self._file = None if listening is not None else SocketFile(self.path)
        self._server = AgentServer(
            self.service,
            listening if listening is not None else self._own_socket(),
            allowed=allowed or AllowedPeers(frozenset({os.geteuid()})),
            metrics=self.metrics,
            limits=limits,
            heartbeat_seconds=heartbeat_seconds,
        )
        self._ready = Event()
        self._seen = 0
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = Thread(target=self._run, name="served agent", daemon=True)

    def __enter__(self) -> Self:
        self.keeper.start()
        assert self.keeper.settled(WAIT_SECONDS)
        self._thread.start()
        assert self._ready.wait(WAIT_SECONDS)
        self._seen = self.generation
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        assert self.keeper.stop()
        if self._file is not None:
            self._file.close()

    def stop(self) -> None:
        """End the server and wait for that."""
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(WAIT_SECONDS)
        assert not self._thread.is_alive()

    def becomes(self, state: str) -> None:
        """Wait until the card has a state, in another generation than the one this was called for before."""
        deadline = monotonic() + WAIT_SECONDS
        while self.keeper.snapshot.state.value != state or self.generation <= self._seen:
            assert monotonic() < deadline, self.keeper.snapshot
            sleep(0.002)
        self._seen = self.generation

    def becomes_present_at_last(self) -> None:
        """Wait until the first card was read."""
        self._seen = FIRST_GENERATION
        self.becomes("present")

    @property
    def generation(self) -> int:
        return self.keeper.snapshot.generation

    # Clients ---------------------------------------------------------------------------------------------------------

    def connect(self, timeout: float = WAIT_SECONDS) -> socket.socket:
        return connected(self.path, timeout)

    def ask(
        self, method: str, target: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Send a request on a connection of its own; the answer is held against the document."""
        connection = UnixConnection(self.path)
        try:
            connection.request(method, target, body=body, headers=dict(headers or {}))
            response = connection.getresponse()
            lines = {name.lower(): value for name, value in response.getheaders()}
            reply = Reply(response.status, lines, response.read())
        finally:
            connection.close()
        check_against_document(method, target, reply)
        return reply

    def get(self, target: str, **headers: str) -> Reply:
        return self.ask("GET", target, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def verify(self, message: bytes = SIGNED, query: str = "transport=local", **headers: str) -> Reply:
        return self._send("verify", message, query, headers)

    def apply(self, message: bytes = SIGNED, query: str = "transport=local", **headers: str) -> Reply:
        return self._send("apply", message, query, headers)

    def post(self, target: str, form: object, **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask(
            "POST", target, body=json.dumps(form).encode(), headers={"Content-Type": "application/json", **named}
        )

    def counts(self, name: str, value: float, **labels: str) -> None:
        """Wait until a counter says so: a request is counted once its answer is on its way."""
        deadline = monotonic() + WAIT_SECONDS
        while (found := self.metrics.registry.get_sample_value(f"smartcard_dm_agent_{name}", labels)) != value:
            assert monotonic() < deadline, (name, labels, found)
            sleep(0.002)

    def _send(self, operation: str, message: bytes, query: str, headers: Mapping[str, str]) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("POST", f"/v1/{operation}?{query}", body=message, headers={"Content-Type": DM_WBXML, **named})

    # -----------------------------------------------------------------------------------------------------------------

    def _own_socket(self) -> socket.socket:
        assert self._file is not None
        return self._file.socket

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        await self._server.serve(self._stop, self._ready.set)


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket, by the standard library."""

    def __init__(self, path: Path, timeout: float = WAIT_SECONDS) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = connected(self._path, WAIT_SECONDS)


def connected(path: Path, timeout: float) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.settimeout(timeout)
    made.connect(str(path))
    return made


def all_of(connection: socket.socket) -> bytes:
    """Return everything until the other end closes."""
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def check_against_document(method: str, target: str, reply: Reply) -> None:
    """Hold an answer against the schema that the document has for its status."""
    operation = DOCUMENT["paths"].get(target.partition("?")[0], {}).get(method.lower())
    media = reply.headers.get("content-type", "").partition(";")[0]
    assert reply.headers["x-request-id"]
    assert reply.headers["cache-control"] == "no-store"
    if operation is None:
        assert reply.status in {404, 405}
        schema: dict[str, Any] = {"$ref": "urn:agent#/components/schemas/Problem"}
    else:
        content = operation["responses"][str(reply.status)]["content"]
        found = next(each for name, each in content.items() if name.partition(";")[0] == media)
        if media in {"text/plain", "text/event-stream"}:
            return
        schema = json.loads(json.dumps(found["schema"]).replace("#/components", "urn:agent#/components"))
    Draft202012Validator(schema, registry=_REGISTRY).validate(reply.form)
    if reply.status >= 400:
        assert media == "application/problem+json"
        assert reply.form["status"] == reply.status
        assert reply.form["request_id"] == reply.headers["x-request-id"]
