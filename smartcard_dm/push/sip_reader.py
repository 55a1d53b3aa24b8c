"""SIP messages cut out of a stream, whatever pieces it comes in.

Guarantees: no I/O; the same octets give the same events however they are cut; never more is kept than the bounds of
`Limits` for one message. After a `SipFault` nothing more is read, because nobody knows where the next message begins.
Leaves to its caller: answering, closing, and time.
Spec: RFC 3261, 7.5 and 18.3 (Content-Length rules on a stream); RFC 5626, 3.5.1 (keep-alive).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from smartcard_dm.errors import EnvelopeError
from smartcard_dm.push.sip_message import BrokenHeadError, SipMessage, SipRequest, read_head
from smartcard_dm.push.sip_rules import SipRule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smartcard_dm.limits import Limits
    from smartcard_dm.push.sip_message import SipHead

_CRLF: Final = b"\r\n"
_END: Final = b"\r\n\r\n"
_FIRST: Final = frozenset(range(0x21, 0x7F))
"""Octets that can begin a start line."""


@dataclass(frozen=True, slots=True)
class SipKeepAlive:
    """Two line ends between messages: the other end asks whether this one is alive, and wants one line end."""


@dataclass(frozen=True, slots=True)
class SipFault:
    """What came is no message, and the stream is worth nothing from here on."""

    error: EnvelopeError
    heard: SipRequest | None
    """The request as far as it could be read, from which an answer can be made."""
    status: int
    """What that answer would say."""


SipEvent = SipMessage | SipKeepAlive | SipFault
KEEP_ALIVE: Final = SipKeepAlive()
PONG: Final = _CRLF
"""The answer to a keep-alive."""


class SipReader:
    """Reads one direction of one connection.

    Args:
        limits: `sip_header_octets` and `message_octets` are held.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._octets = bytearray()
        self._searched = 0
        self._head: SipHead | None = None
        self._dead = False

    @property
    def midway(self) -> bool:
        """Whether a message has begun and is not whole."""
        return self._head is not None or bool(self._octets.strip(_CRLF))

    def feed(self, octets: bytes) -> tuple[SipEvent, ...]:
        """Take the next octets and return what is whole now, in order; a fault is the last of all."""
        if self._dead:
            return ()
        self._octets += octets
        return tuple(self._events())

    def _events(self) -> Iterator[SipEvent]:
        while not self._dead and (event := self._next()) is not None:
            yield event

    def _next(self) -> SipEvent | None:
        if self._head is None:
            if (found := self._line_ends()) is not None:
                return found
            try:
                self._head = self._read_head()
            except BrokenHeadError as broken:
                self._dead = True
                self._octets.clear()
                return SipFault(broken.error, broken.heard, broken.status)
        if self._head is None or len(self._octets) < self._head.length:
            return None
        head, self._head = self._head, None
        body = bytes(self._octets[: head.length])
        del self._octets[: head.length]
        return replace(head.message, body=body)

    def _line_ends(self) -> SipKeepAlive | None:
        """Take line ends from between two messages: a pair is a keep-alive, one alone means nothing."""
        if self._octets.startswith(_END):
            del self._octets[:4]
            return KEEP_ALIVE
        if self._octets.startswith(_CRLF) and len(self._octets) > 2 and self._octets[2:4] != b"\r":
            del self._octets[:2]
        return None

    def _read_head(self) -> SipHead | None:
        if _END.startswith(self._octets):
            return None  # the line ends between two messages, as far as they came
        if self._octets[0] not in _FIRST:  # seen at once, so that TLS on this port does not wait for an end
            error = EnvelopeError(
                SipRule.START_LINE, "SIP start line", "no text", offset=0, found=f"octet {self._octets[0]:02X}"
            )
            raise BrokenHeadError(error, None, 400)
        maximum = self._limits.sip_header_octets
        end = self._octets.find(_END, max(0, self._searched - 3))
        self._searched = len(self._octets)
        size = len(self._octets) if end < 0 else end + len(_END)
        if size > maximum or (end < 0 and size == maximum):
            error = EnvelopeError(
                SipRule.HEADER_SIZE,
                "SIP headers",
                "larger than the bound Limits.sip_header_octets",
                wanted=f"at most {maximum} octets",
            )
            raise BrokenHeadError(error, None, 400)
        if end < 0:
            return None
        head = bytes(self._octets[:size])
        del self._octets[:size]
        self._searched = 0
        return read_head(head, self._limits.message_octets)
