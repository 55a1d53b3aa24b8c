"""Octets of a stream of server-sent events to events.

Guarantees: linear in what arrives, whatever the size of its pieces; a line or an event above a bound is an error, so
a stream without line ends does not grow. Pure: no transport, no clock.

Spec: WHATWG HTML, "Server-sent events" (9.2.5 parsing, 9.2.6 interpreting). Left out because the agent's API has no use
for it: `retry`; a reader who resumes has its own pauses (`resume.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smartcard_dm.client.answers import event
from smartcard_dm.client.form import Form, no_form

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smartcard_dm.client.values import AgentEvent


class EventStream:
    """Reads one stream from its beginning.

    Args:
        name: the socket, for errors.
        at_most: octets of one event, and of one line of it.
    """

    def __init__(self, name: str, at_most: int) -> None:
        self._name = name
        self._at_most = at_most
        self._line = bytearray()
        self._data: list[bytes] = []
        self._octets = 0
        self._after_cr = False

    def feed(self, octets: bytes) -> Iterator[AgentEvent]:
        """Yield the events that end in the next octets.

        Raises:
            AgentProtocolError: an event is none of this API, or too large.
        """
        # A line ends with CR LF, LF or CR: bytes.splitlines knows these three and no other.
        for piece in octets.splitlines(keepends=True):
            text = piece.rstrip(b"\r\n")
            if self._after_cr and piece == b"\n":
                self._after_cr = False
                continue
            self._after_cr = False
            self._keep(text)
            if len(text) < len(piece):
                self._after_cr = piece.endswith(b"\r")
                line = bytes(self._line)
                self._line.clear()
                yield from self._ended(line)

    def _keep(self, text: bytes) -> None:
        self._line += text
        self._octets += len(text)
        if self._octets > self._at_most:
            raise no_form(self._name, f"an event is larger than {self._at_most} octets")

    def _ended(self, line: bytes) -> Iterator[AgentEvent]:
        if not line:
            data = b"\n".join(self._data)
            self._data.clear()
            self._octets = 0
            if data:
                yield event(Form.parse(self._name, "event", data))
            return
        # Only the data count: they hold the identifier and the kind too. A comment is a heartbeat.
        field, _, value = line.partition(b":")
        if field == b"data":
            self._data.append(value.removeprefix(b" "))
        else:
            self._octets -= len(line)
