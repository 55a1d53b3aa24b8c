"""Connections to a Unix socket whose other end was checked before anything is sent.

Guarantees: a connection that is refused, or that fails to be made, is closed at once. Leaves to its caller: HTTP, which
is httpcore's.

Spec: httpcore, "Network backends".
"""

from __future__ import annotations

import select
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpcore

from smartcard_dm.client.peer import check_peer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from smartcard_dm.client.exchange import Setting


class Backend(httpcore.NetworkBackend):
    """Connects for `AgentClient`.

    httpcore's own leaves a socket that could not be connected to the garbage collector.
    """

    def __init__(self, asked: Setting) -> None:
        self._asked = asked

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002 - the interface's
    ) -> httpcore.NetworkStream:
        """Connect, and check who is there."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with _mapped(httpcore.ConnectTimeout, httpcore.ConnectError):
                connection.settimeout(timeout)
                connection.connect(path)
            check_peer(connection, self._asked.trusted, self._asked.name)
        except BaseException:
            connection.close()
            raise
        return Stream(connection)


class Stream(httpcore.NetworkStream):
    """A connected socket."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return what is there next; nothing at the end."""
        with _mapped(httpcore.ReadTimeout, httpcore.ReadError):
            self._connection.settimeout(timeout)
            return self._connection.recv(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of it."""
        with _mapped(httpcore.WriteTimeout, httpcore.WriteError):
            self._connection.settimeout(timeout)
            self._connection.sendall(buffer)

    def close(self) -> None:
        """Close it."""
        self._connection.close()

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - the interface's
        """Tell whether there is something to read, which on an idle connection is its end."""
        if info != "is_readable":
            return None
        poll = select.poll()
        poll.register(self._connection, select.POLLIN)
        return bool(poll.poll(0))


class AsyncBackend(httpcore.AsyncNetworkBackend):
    """Connects for `AsyncAgentClient`."""

    def __init__(self, asked: Setting) -> None:
        self._asked = asked
        self._backend = httpcore.AnyIOBackend()

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface's
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect, and check who is there."""
        stream = await self._backend.connect_unix_socket(path, timeout, socket_options)
        try:
            check_peer(stream.get_extra_info("socket"), self._asked.trusted, self._asked.name)
        except BaseException:
            await stream.aclose()
            raise
        return stream

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._backend.sleep(seconds)


@contextmanager
def _mapped(late: type[Exception], failed: type[Exception]) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise late(str(error)) from error
    except OSError as error:
        raise failed(str(error)) from error
