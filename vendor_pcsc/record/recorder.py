"""A connection that writes down what passes through it.

Guarantees: the card and its user notice nothing; secrets are masked before anything is kept (`masking`), so that
nothing here holds one longer than its exchange takes.
Leaves to its caller: where the lines go, the clock, and that nothing was presented to the card before: `reset` makes
sure of it.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from vendor_pcsc.errors import BridgeError, TransmitError
from vendor_pcsc.record.fields import ERRORS
from vendor_pcsc.record.lines import format_header, format_item
from vendor_pcsc.record.masking import Masker
from vendor_pcsc.record.model import Comment, Exchange, Header, Item, Redact, Reset, Transcript, note_for
from vendor_pcsc.record.state import CardState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from vendor_pcsc.connection import CardConnection


class Recorder:
    """A `CardConnection` that records another one; one thread at a time uses it.

    Args:
        connection: the way to the card; closed with the recorder.
        redact: which content stays out.
        public: names of files whose content is kept though `redact` says otherwise, such as
            `A000000063504B43532D3135/6440`; the path must be the one by which the file was selected.
        private: names of files whose content is never kept.
        sink: gets every line, its end included, as soon as it is complete; a file's `write`. What it raises passes on.
        clock: seconds that only grow; without it no times are recorded, and two recordings of one reading are equal.

    Raises:
        ValueError: a name is none, or stands in both lists.
        BridgeError: the connection does not tell the ATR.
    """

    def __init__(
        self,
        connection: CardConnection,
        *,
        redact: Redact = Redact.PRIVATE,
        public: Iterable[str] = (),
        private: Iterable[str] = (),
        sink: Callable[[str], object] | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        names = tuple(public)
        self._masker = Masker(redact, public=names, private=private)
        self._connection = connection
        self._sink = sink
        self._clock = clock
        self._start = clock() if clock else 0.0
        self._state = CardState(connection.atr)
        self._header = Header(connection.name, self._state.atr, redact, note_for(redact, names))
        self._items: list[Item] = []
        self._closed = False
        self._write(format_header(self._header))

    def __repr__(self) -> str:
        return f"Recorder({self._connection.name!r})"

    @property
    def atr(self) -> bytes:
        """The answer to reset, as the connection tells it."""
        return self._connection.atr

    @property
    def name(self) -> str:
        """What a user calls the connection."""
        return self._connection.name

    @property
    def transcript(self) -> Transcript:
        """What was recorded so far."""
        return Transcript(self._header, tuple(self._items))

    def transmit(self, apdu: bytes) -> bytes:
        """Send one command APDU, return the response APDU and record both.

        Raises:
            TransmitError: the recorder is closed.
            BridgeError: as the connection; that is recorded too.
        """
        if self._closed:
            raise TransmitError(f"{self.name}: the connection is closed")
        at_us = self._now()
        try:
            answer = self._connection.transmit(apdu)
        except BridgeError as error:
            self._add_exchange(self._masker.exchange(self._state, apdu, b"", error=_name(error), at_us=at_us))
            raise
        self._add_exchange(self._masker.exchange(self._state, apdu, answer, at_us=at_us))
        return answer

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the card as the connection does; transactions are not recorded.

        Raises:
            BridgeError: as the connection.
        """
        with self._connection.transaction():
            yield

    def reset(self) -> bytes:
        """Reset the card, record it and return the ATR.

        Raises:
            TransmitError: the recorder is closed.
            BridgeError: as the connection; that is recorded too.
        """
        if self._closed:
            raise TransmitError(f"{self.name}: the connection is closed")
        at_us = self._now()
        try:
            atr = self._connection.reset()
        except BridgeError as error:
            self._add(Reset(b"", _name(error), at_us))
            raise
        self._state.reset(atr)
        self._masker.reset()
        self._add(Reset(atr, at_us=at_us))
        return atr

    def comment(self, text: str) -> None:
        """Write a line for people."""
        self._add(Comment(text))

    def close(self) -> None:
        """Leave the card; nothing is recorded afterwards.

        Raises:
            BridgeError: as the connection.
        """
        self._closed = True
        self._connection.close()

    def _now(self) -> int | None:
        return max(0, round((self._clock() - self._start) * 1_000_000)) if self._clock else None

    def _add_exchange(self, exchange: Exchange) -> None:
        # What the state learns is what a reader of the transcript can learn too: both follow the kept octets.
        self._state.follow(exchange)
        self._add(exchange)

    def _add(self, item: Item) -> None:
        self._items.append(item)
        self._write(format_item(item))

    def _write(self, line: str) -> None:
        if self._sink is not None:
            self._sink(line)


def _name(error: BridgeError) -> str:
    """Return the name under which an error of the bridge is recorded; its text may name people and places."""
    return next((name for name, kind in ERRORS.items() if isinstance(error, kind)), TransmitError.__name__)
