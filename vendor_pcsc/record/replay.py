"""A card that answers from a transcript.

Guarantees: an answer is one that the recorded card gave, octet by octet, or there is none: what was not recorded, and
what was masked, is a `TransmitError` that names the line. No error holds the data field of a command.
Leaves to its caller: which PIN was given; the transcript does not know it, so that every value is answered alike.
"""

from __future__ import annotations

from contextlib import contextmanager
from enum import Enum
from threading import RLock
from typing import TYPE_CHECKING

from vendor_pcsc.errors import TransmitError
from vendor_pcsc.record.command import describe
from vendor_pcsc.record.fields import ERRORS
from vendor_pcsc.record.model import Comment, Exchange, Reset, line_of
from vendor_pcsc.record.state import CardState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vendor_pcsc.record.model import Item, Transcript
    from vendor_pcsc.record.state import Key


class ReplayMode(Enum):
    """Which command may come next."""

    STRICT = "strict"
    """The recorded ones in the recorded order."""
    MAP = "map"
    """Any that was recorded with the card in the same state, as often as wanted."""


class ReplayConnection:
    """A `CardConnection` to a recorded card.

    In strict mode a wrong command changes nothing: the one that was wanted is wanted still. In map mode a command that
    was recorded several times in one state gets the answers in their order, then the last one again. A reset begins at
    what was recorded after it: a card keeps over resets what the state does not show, such as the tries of a PIN.

    Args:
        transcript: what the card answered.
        mode: which command may come next.
    """

    def __init__(self, transcript: Transcript, *, mode: ReplayMode = ReplayMode.STRICT) -> None:
        self._name = f"replay {transcript.header.name}"
        self._mode = mode
        self._atr = transcript.header.atr
        self._steps = [(line_of(at), item) for at, item in enumerate(transcript.items) if not isinstance(item, Comment)]
        self._map = _Map(self._atr, self._steps)
        self._next = 0
        self._closed = False
        self._held = RLock()

    def __repr__(self) -> str:
        return f"ReplayConnection({self._name!r}, mode={self._mode})"

    @property
    def atr(self) -> bytes:
        """The answer to the last reset."""
        return self._atr

    @property
    def name(self) -> str:
        """What a user calls this connection: `replay` and the name of the recorded one."""
        return self._name

    @property
    def remaining(self) -> int:
        """Recorded exchanges and resets that strict mode still waits for; not counted in map mode."""
        return len(self._steps) - self._next if self._mode is ReplayMode.STRICT else 0

    def transmit(self, apdu: bytes) -> bytes:
        """Return the recorded answer to a command.

        Raises:
            TransmitError: the command was not recorded here, its answer was masked, or the connection is closed.
            BridgeError: one was recorded in place of an answer.
        """
        with self.transaction():
            line, exchange = self._expected(apdu) if self._mode is ReplayMode.STRICT else self._map.find(apdu, self)
            if exchange.error:
                raise ERRORS[exchange.error](f"{self._name}, line {line}: recorded in place of an answer")
            if exchange.data_masked:
                raise TransmitError(
                    f"{self._name}, line {line}: the answer to {_describe(exchange)} is masked "
                    f"({exchange.data_masked} octets): record again with the file named as public"
                )
            return exchange.data + exchange.sw

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the card; other threads wait.

        Raises:
            TransmitError: the connection is closed.
        """
        if self._closed:
            raise TransmitError(f"{self._name}: the connection is closed")
        with self._held:
            yield

    def reset(self) -> bytes:
        """Return the recorded answer to reset; in map mode that of the last reset when none was recorded.

        Raises:
            TransmitError: no reset was recorded here, or the connection is closed.
            BridgeError: one was recorded in place of an answer.
        """
        with self.transaction():
            if self._mode is ReplayMode.STRICT:
                line, item = self._step("a reset")
                if not isinstance(item, Reset):
                    raise TransmitError(f"{self._name}, line {line}: wanted {_describe(item)}, got a reset")
                self._next += 1
            else:
                line, item = self._map.reset()
            if item.error:
                raise ERRORS[item.error](f"{self._name}, line {line}: recorded in place of a reset")
            self._atr = item.atr
            return self._atr

    def close(self) -> None:
        """Leave the card; closing twice is allowed."""
        self._closed = True

    def _expected(self, apdu: bytes) -> tuple[int, Exchange]:
        line, item = self._step(describe(apdu, len(apdu)))
        if not isinstance(item, Exchange) or not _matches(item, apdu):
            where = f"; they differ from octet {_differ(item, apdu)} on" if isinstance(item, Exchange) else ""
            raise TransmitError(
                f"{self._name}, line {line}: wanted {_describe(item)}, got {describe(apdu, len(apdu))}{where}"
            )
        self._next += 1
        return line, item

    def _step(self, got: str) -> tuple[int, Exchange | Reset]:
        if self._next == len(self._steps):
            last = self._steps[-1][0] if self._steps else 1
            raise TransmitError(f"{self._name}: the transcript ends at line {last}, got {got}")
        return self._steps[self._next]


class _Map:
    """Recorded answers by command and state, and the state of the replayed card."""

    def __init__(self, atr: bytes, steps: list[tuple[int, Exchange | Reset]]) -> None:
        self._answers: dict[Key, list[tuple[int, Exchange]]] = {}
        self._used: set[int] = set()
        self._begin = 0
        self._resets = [(line, item) for line, item in steps if isinstance(item, Reset)]
        self._state = CardState(atr)
        state = CardState(atr)
        for line, item in steps:
            if isinstance(item, Reset):
                _reset(state, item)
                continue
            self._answers.setdefault(_key(state, item.command, item.command_length), []).append((line, item))
            state.follow(item)

    def find(self, apdu: bytes, connection: ReplayConnection) -> tuple[int, Exchange]:
        """Return the next recorded answer to a command in this state; the state moves on with it.

        Raises:
            TransmitError: there is none.
        """
        alike = self._answers.get(_key(self._state, apdu, len(apdu)), [])
        found = [(line, exchange) for line, exchange in alike if _matches(exchange, apdu)]
        if not found:
            raise TransmitError(f"{connection.name}: {self._missing(apdu)}")
        unused = [pair for pair in found if pair[0] not in self._used]
        line, exchange = next((pair for pair in unused if pair[0] > self._begin), (unused or found[-1:])[0])
        self._used.add(line)
        self._state.follow(exchange)
        return line, exchange

    def reset(self) -> tuple[int, Reset]:
        """Return the next recorded reset, or one with the ATR the card has."""
        line, item = self._resets.pop(0) if self._resets else (1, Reset(self._state.atr))
        _reset(self._state, item)
        self._used.clear()
        self._begin = line
        return line, item

    def _missing(self, apdu: bytes) -> str:
        lines = [line for pairs in self._answers.values() for line, exchange in pairs if _matches(exchange, apdu)]
        got = describe(apdu, len(apdu))
        if not lines:
            return f"{got} is not in the transcript"
        shown = ", ".join(map(str, sorted(lines)[:5]))
        return f"{got} was recorded with the card in another state only (line {shown})"


def _reset(state: CardState, item: Reset) -> None:
    if not item.error:
        state.reset(item.atr)


def _key(state: CardState, octets: bytes, length: int) -> Key:
    return (octets[:4], length, *state.key(octets))


def _matches(exchange: Exchange, apdu: bytes) -> bool:
    return len(apdu) == exchange.command_length and apdu.startswith(exchange.command)


def _differ(exchange: Exchange, apdu: bytes) -> int:
    """Return the octet, counted from 0, from which on two commands are not the same."""
    pairs = enumerate(zip(exchange.command, apdu, strict=False))
    shorter = min(exchange.command_length, len(apdu))
    return next((at for at, (ours, theirs) in pairs if ours != theirs), shorter)


def _describe(item: Item) -> str:
    return describe(item.command, item.command_length) if isinstance(item, Exchange) else "a reset"
