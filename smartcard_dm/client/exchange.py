"""What both clients need beside their way to send: the setting, bounded bodies, and what failures mean.

Guarantees: an answer is read up to a bound and a moment, whoever sends it; every failure of the way is an `AgentError`
that names the socket. The only module that maps errors of httpcore.
"""

from __future__ import annotations

import errno
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpcore

from smartcard_dm.client.form import no_form
from smartcard_dm.client.places import default_socket
from smartcard_dm.errors import AgentError, AgentPeerError, AgentUnreachableError
from smartcard_dm.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from collections.abc import Iterable

URL: Final = "http://agent"
"""A host has to be named; it means nothing over a socket."""

HEADERS: Final = ((b"accept-encoding", b"identity"), (b"user-agent", b"smartcard-dm"))

FAILURES: Final = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)
"""What httpcore raises when the way fails."""

DEFAULT_TIMEOUT: Final = 30.0
QUIET_SECONDS: Final = 60.0
"""Seconds without an octet, heartbeats included, until a stream of events counts as broken: 15 between heartbeats."""

_START: Final = "start it with `smartcard-dm agent serve`, or name its socket"
_LOG: Final = "look at the agent's log: it may be ending, or serve other users only"
_AGAIN: Final = "try again; the agent's log says what it was doing"
_ROOT: Final = 0


@dataclass(frozen=True, slots=True)
class Setting:
    """What a client was made with."""

    path: Path
    timeout: float
    trusted: frozenset[int]
    limits: Limits

    @property
    def name(self) -> str:
        """What errors call the agent."""
        return str(self.path)


def setting(
    socket: str | os.PathLike[str] | None,
    timeout: float,
    trusted_uids: Iterable[int] | None,
    limits: Limits | None,
) -> Setting:
    """Return a setting with its defaults filled in.

    Raises:
        ValueError: the timeout is no positive number, or nobody is trusted.
    """
    if not timeout > 0:
        raise ValueError(f"a timeout is a positive number of seconds, found {timeout!r}")
    trusted = frozenset({os.getuid(), _ROOT} if trusted_uids is None else trusted_uids)
    if not trusted:
        raise ValueError("an agent of nobody is trusted: name a user")
    path = default_socket(os.environ) if socket is None else Path(socket)
    return Setting(path, timeout, trusted, limits or DEFAULT_LIMITS)


def extensions(asked: Setting, *, quiet: float | None = None) -> dict[str, Any]:
    """Return the bounds for each step of a request; the bound for the whole is `Body`'s.

    Args:
        asked: its timeout is the bound of every step.
        quiet: seconds between two pieces of an answer, where that is another one.
    """
    bound = asked.timeout
    return {"timeout": {"connect": bound, "write": bound, "pool": bound, "read": quiet or bound}}


def headers(added: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Return the headers of a request."""
    return [*HEADERS, *((name.encode(), value.encode()) for name, value in added)]


def header(response: httpcore.Response, name: bytes) -> str:
    """Return a header of an answer; empty where it is not there."""
    return next((value.decode("latin-1") for key, value in response.headers if key.lower() == name), "")


class Body:
    """The octets of one answer as they arrive.

    Args:
        asked: bounds its octets and its time, which begins now.
    """

    def __init__(self, asked: Setting) -> None:
        self._asked = asked
        self._octets = bytearray()
        self._until = time.monotonic() + asked.timeout

    def add(self, octets: bytes) -> None:
        """Keep what arrived.

        Raises:
            AgentProtocolError: it is too much.
            AgentUnreachableError: it is too late.
        """
        self._octets += octets
        bound = self._asked.limits.agent_answer_octets
        if len(self._octets) > bound:
            raise no_form(self._asked.name, f"the answer is larger than {bound} octets")
        if time.monotonic() > self._until:
            raise too_late(self._asked)

    def whole(self) -> bytes:
        """Return all of it."""
        return bytes(self._octets)


def too_late(asked: Setting) -> AgentUnreachableError:
    """Return the error for an answer that did not come in time."""
    return AgentUnreachableError(
        "timeout", f"no whole answer within {asked.timeout:g} seconds", _AGAIN, name=asked.name
    )


def ended(asked: Setting) -> AgentUnreachableError:
    """Return the error for a stream of events that the agent ended."""
    return AgentUnreachableError("broke-off", "the agent ended the stream of events", _AGAIN, name=asked.name)


def failure(error: Exception, asked: Setting) -> AgentError:
    """Return what a failure of the way means."""
    if isinstance(error, httpcore.TimeoutException):
        return too_late(asked)
    number = _errno(error)
    if isinstance(error, httpcore.ConnectError):
        if number in {errno.EACCES, errno.EPERM}:
            return AgentPeerError(
                "socket-denied", "this user may not open the socket", "ask its owner to allow you", name=asked.name
            )
        known = {errno.ENOENT: "there is no socket", errno.ECONNREFUSED: "nobody listens there"}
        detail = known.get(number or 0) or (os.strerror(number) if number else "it cannot be connected to")
        return AgentUnreachableError("unreachable", detail, _START, name=asked.name)
    # h11 has one error for octets that are no HTTP and for an answer that was cut short.
    cut_short = any(words in str(error) for words in ("closed connection", "disconnected"))
    if isinstance(error, httpcore.RemoteProtocolError) and not cut_short:
        return no_form(asked.name, "the answer is no HTTP")
    return AgentUnreachableError("broke-off", "the connection ended before the answer did", _LOG, name=asked.name)


def _errno(error: BaseException | None) -> int | None:
    """Return the number of the system's error that an error comes from."""
    while error is not None:
        if isinstance(error, OSError) and error.errno is not None:
            return error.errno
        error = error.__cause__ or error.__context__
    return None
