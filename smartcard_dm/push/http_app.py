"""The ASGI application that takes pushed documents.

Every answer is empty. 202 says that a document was taken, and comes as soon as the inlet took it: nothing of its
verdict is known yet, so neither the answer nor its time can tell. 400 is the one answer to all that is wrong with a
request, 429 and 503 say that a push may come again later.

Guarantees: no more of a body is kept than `Limits.message_octets`, and no request takes longer than
`Limits.receive_seconds`; whatever is refused is told to the inlet, with its rule. Leaves to its caller: the server,
which alone knows what a connection proved; without its word a push counts as unsecured.
Spec: ASGI 3.0, HTTP 2.3; RFC 9110; OMA-TS-DM_Sessionless 5.3; decision 0027.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

from smartcard_dm.errors import EnvelopeError
from smartcard_dm.limits import DEFAULT_LIMITS, Limits
from smartcard_dm.push.arrival import APPLICATION_ID, CP_WBXML, DM_WBXML, Arrival, Inlet
from smartcard_dm.push.http_rules import HttpRule
from smartcard_dm.push.rate import PushRate
from smartcard_dm.push.shown import shown
from smartcard_dm.rules import Rule
from smartcard_dm.trust.transport import Transport, TransportKind

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

PEER: Final = "smartcard_dm.peer"
"""Extension of the scope: the `HttpPeer` of the connection."""

TAKEN: Final = 202
REFUSED: Final = 400
TOO_MANY: Final = 429
NO_ROOM: Final = 503

_STRUCTURE: Final = "HTTP request"
_TYPES: Final = {kind.encode(): kind for kind in (DM_WBXML, CP_WBXML)}
_VERSIONS: Final = ("1.1", "1.0", "2", "3")
"""Those ASGI knows of; a server may take HTTP/0.9 for one, which has no fields."""
_APPLICATIONS: Final = (APPLICATION_ID.encode(), b"x-wap-application:*")
_HOST: Final = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~%!$&'()*+,;=\-]*)(?::[0-9]*)?")
"""RFC 9110, 7.2; it may be empty."""
_ONCE: Final = frozenset(
    (b"host", b"content-type", b"content-length", b"content-encoding", b"transfer-encoding", b"x-wap-application-id")
)
_BODY: Final[Message] = {"type": "http.response.body", "body": b""}
_STARTS: Final[dict[int, Message]] = {
    status: {
        "type": "http.response.start",
        "status": status,
        # Who sent something wrong, or too much, has to come again: what is left of its request is not read.
        "headers": [(b"content-length", b"0"), *([(b"connection", b"close")] if status in {REFUSED, TOO_MANY} else [])],
    }
    for status in (TAKEN, REFUSED, TOO_MANY, NO_ROOM)
}


@dataclass(slots=True)
class HttpPeer:
    """What a server knows of the connection that a request came on."""

    transport: Transport
    """What was proved."""
    source: str
    """Host and port of the other end."""
    deadline: float | None = None
    """Moment of the loop's clock at which the request has to be whole; None: counted from when it is handed over."""
    refused: bool = False
    """Whether the inlet was told of a fault already: the connection ends, and has no other."""


class HttpApp:
    """Takes pushes on one path.

    Args:
        inlet: where documents and refusals go.
        clock: gives seconds that never go back, for the rate of pushes.
        path: the one path.
        limits: `message_octets`, `receive_seconds`, `receive_per_second`.
    """

    def __init__(
        self, inlet: Inlet, *, clock: Callable[[], float], path: str = "/", limits: Limits = DEFAULT_LIMITS
    ) -> None:
        self._inlet = inlet
        self._clock = clock
        self._path = path
        self._limits = limits
        self._rate = PushRate(limits.receive_per_second)
        self._notes = PushRate(1)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await _decline(scope["type"], receive, send)
            return
        peer = _peer(scope)
        if not self._rate.take(self._clock()):
            # Noting each of them would only move the flood to whoever reads the notes.
            if self._notes.take(self._clock()):
                wanted = f"at most {self._limits.receive_per_second} pushes a second"
                self._refuse(EnvelopeError(HttpRule.RATE, _STRUCTURE, "too many pushes", wanted=wanted), peer)
            status = TOO_MANY
        else:
            try:
                content_type = self._check(scope)
                loop = asyncio.get_running_loop()
                async with asyncio.timeout_at(peer.deadline or loop.time() + self._limits.receive_seconds):
                    octets = await self._body(receive)
            except TimeoutError:
                wanted = f"within {self._limits.receive_seconds} s"
                error = EnvelopeError(HttpRule.SLOW, _STRUCTURE, "it was not whole in time", wanted=wanted)
                status = self._refuse(error, peer)
            except _Gone:
                detail = "the connection ended before it was whole"
                self._refuse(EnvelopeError(HttpRule.CUT, _STRUCTURE, detail), peer)
                return
            except EnvelopeError as error:
                status = self._refuse(error, peer)
            else:
                arrival = Arrival(octets, content_type, peer.transport, peer.source)
                status = TAKEN if self._inlet.take(arrival) else NO_ROOM
        await send(_STARTS[status])
        await send(_BODY)

    def _refuse(self, error: EnvelopeError, peer: HttpPeer) -> int:
        if not peer.refused:
            peer.refused = True
            self._inlet.refuse(error, TransportKind.HTTP, peer.source)
        return REFUSED

    def _check(self, scope: Message) -> str:
        """Return the content type, if the head of the request is that of a push."""
        if scope["http_version"] not in _VERSIONS:
            raise _error(HttpRule.MALFORMED, "another version", found=scope["http_version"].encode())
        if scope["method"] != "POST":
            raise _error(HttpRule.METHOD, "another method", wanted="POST", found=scope["method"].encode())
        if scope["path"] != self._path or scope["query_string"]:
            found = scope["path"].encode("utf-8", "replace") + (b"?" if scope["query_string"] else b"")
            raise _error(HttpRule.PATH, "another path", wanted=self._path, found=found)
        fields = _fields(scope["headers"])
        _check_version(scope["http_version"], fields)
        for name in (b"content-encoding", b"transfer-encoding"):
            value = fields.get(name, b"")
            if value and (name, value.lower()) != (b"transfer-encoding", b"chunked"):
                raise _error(HttpRule.CONTENT_ENCODING, "an encoding", wanted="the document as it is", found=value)
        self._check_length(fields)
        application = fields.get(b"x-wap-application-id")
        if application is not None and application.strip().lower() not in _APPLICATIONS:
            raise _error(HttpRule.APPLICATION, "another application", wanted=APPLICATION_ID, found=application)
        given = fields.get(b"content-type", b"")
        content_type = _TYPES.get(given.partition(b";")[0].strip().lower())
        if content_type is None:
            raise _error(
                HttpRule.CONTENT_TYPE, "another content type", wanted=" or ".join(_TYPES.values()), found=given
            )
        return content_type

    def _check_length(self, fields: dict[bytes, bytes]) -> None:
        declared = fields.get(b"content-length")
        if declared is None:
            return
        if not declared.isdigit() or b"transfer-encoding" in fields:
            raise _error(HttpRule.MALFORMED, "a length that is none, or one beside chunks", found=declared)
        if len(declared) > len(str(self._limits.message_octets)) or int(declared) > self._limits.message_octets:
            raise self._too_large()

    def _too_large(self) -> EnvelopeError:
        wanted = f"at most {self._limits.message_octets} octets"
        return _error(HttpRule.BODY_SIZE, "the body is larger than Limits.message_octets", wanted=wanted)

    async def _body(self, receive: Receive) -> bytes:
        parts: list[bytes] = []
        size = 0
        while True:
            event = await receive()
            if event["type"] != "http.request":
                raise _Gone
            part: bytes = event.get("body", b"")
            size += len(part)
            if size > self._limits.message_octets:
                raise self._too_large()
            if part:
                parts.append(part)
            if not event.get("more_body", False):
                break
        if not size:
            raise _error(HttpRule.NO_DOCUMENT, "the body is empty")
        return parts[0] if len(parts) == 1 else b"".join(parts)


class _Gone(Exception):  # noqa: N818 - no error: the other end left
    pass


def _peer(scope: Message) -> HttpPeer:
    found = (scope.get("extensions") or {}).get(PEER)
    if isinstance(found, HttpPeer):
        return found
    client = scope.get("client")
    source = "an unknown host" if not client else host_and_port(*client)
    evidence = "the server says nothing of TLS"
    return HttpPeer(Transport.unproved(TransportKind.HTTP, Rule.HTTP_NO_TLS, evidence), source)


def _fields(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Return the fields that are looked at; each stands there once."""
    fields: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _ONCE:
            if name in fields:
                raise _error(HttpRule.FIELD_REPEATED, "a field stands there twice", found=name)
            fields[name] = value
    return fields


def _check_version(version: str, fields: Mapping[bytes, bytes]) -> None:
    """Check what a version of HTTP has to say, and what it cannot (RFC 9112, 3.2 and 6.1)."""
    if b"host" not in fields and version == "1.1":
        raise _error(HttpRule.HOST, "no Host")
    if not _HOST.fullmatch(fields.get(b"host", b"")):
        raise _error(HttpRule.HOST, "no host and port", found=fields[b"host"])
    if version == "1.0" and b"transfer-encoding" in fields:
        raise _error(HttpRule.MALFORMED, "chunks in a version without them", found=fields[b"transfer-encoding"])


def host_and_port(host: str, port: int) -> str:
    """Return an address as people write it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _error(rule: HttpRule, detail: str, *, wanted: str | None = None, found: bytes | None = None) -> EnvelopeError:
    """Return an error that shows the beginning of what a stranger sent."""
    said = None if found is None else shown(found.decode("ascii", "backslashreplace"))
    return EnvelopeError(rule, _STRUCTURE, detail, wanted=wanted, found=said)


async def _decline(kind: str, receive: Receive, send: Send) -> None:
    """Take part in the life of a server; refuse a web socket."""
    if kind == "websocket":
        await send({"type": "websocket.close"})
    while kind == "lifespan":
        event = await receive()
        await send({"type": f"{event['type']}.complete"})
        if event["type"] == "lifespan.shutdown":
            return
