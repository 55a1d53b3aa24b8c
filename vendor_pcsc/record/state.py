"""Where a card stands after what was sent to it, as far as it can be seen from outside.

Guarantees: what is not known is said to be unknown (`?`); the same exchanges lead to the same state, also when read
from a transcript in which secrets are masked. Leaves to its caller: what follows from the state.

Spec: ETSI TS 102 221, 8.4 and 11.1.1; 3GPP TS 51.011, 6.5 and 9.2.1; ISO/IEC 7816-4, 11.1.1 and 11.1.2.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from vendor_pcsc.record.command import (
    DISABLE,
    GET_RESPONSE,
    GSM_CLASS,
    HARMLESS,
    MANAGE_CHANNEL,
    PIN_INSTRUCTIONS,
    READ_BINARY,
    READ_RECORD,
    READS,
    SEARCH_RECORD,
    SELECT,
    STATUS,
    Command,
    take_apart,
)
from vendor_pcsc.record.selecting import UNKNOWN, FilePath, describes_directory, select

if TYPE_CHECKING:
    from vendor_pcsc.record.model import Exchange

_FAILED: Final = frozenset({0x63, *range(0x64, 0x70), 0x94, 0x98})
"""SW1 of a command that did nothing; any other may be success, 91xx of a card with a pending command included."""

_OF_DIRECTORY: Final = PIN_INSTRUCTIONS | {SELECT, STATUS}
"""Instructions whose answer depends on the current directory and not on the file."""

Key: TypeAlias = tuple[object, ...]
"""Equal for two commands that a card without surprises answers alike."""


@dataclass(slots=True)
class _Channel:
    directory: FilePath = ()
    file: FilePath | None = None
    """What was selected last; None: nothing but the directory."""
    moves: tuple[bytes, ...] = ()
    """Commands since the selection that move the record pointer."""
    chain: tuple[bytes, ...] = ()
    """The last command that was no GET RESPONSE, and every GET RESPONSE after it."""


@dataclass(slots=True)
class CardState:
    """Selections, channels and PINs of one card."""

    atr: bytes
    opened: bool = False
    """Whether a PIN may be verified, so that the card gives what it does not give to anyone."""
    pins: int = 0
    """Commands with a PIN since the last reset."""
    changes: int = 0
    """Commands that may have changed the card's content."""
    _family: bool | None = None
    _unprotected: bool = False
    _channels: dict[int, _Channel] = field(default_factory=dict)

    def reset(self, atr: bytes) -> None:
        """Forget what a reset ends; a PIN that was disabled stays so, and another ATR is another card."""
        self.changes += atr != self.atr
        self.atr = atr
        self.opened = self._unprotected
        self.pins = 0
        self._family = None
        self._channels.clear()

    def file_read(self, command: Command) -> FilePath | None:
        """Return the file a command reads; None for another command, `?` at its end for a file that is not known."""
        if command.ins not in READS:
            return None
        channel = self._channel(command.channel)
        if _by_short_name(command) or channel.file is None:
            return (*channel.directory, UNKNOWN)
        return channel.file

    def key(self, octets: bytes) -> Key:
        """Return what, beside the command itself, an answer to it depends on."""
        command = take_apart(octets)
        family = command.cla == GSM_CLASS if self._family is None else self._family
        card = (family, self.pins, self.changes, self.atr)
        if command.ins == MANAGE_CHANNEL or _is_absolute(command):
            return card
        channel = self._channel(command.channel)
        if command.ins == GET_RESPONSE:
            return (*card, channel.directory, channel.chain)
        if command.ins in _OF_DIRECTORY or _by_short_name(command):
            return (*card, channel.directory)
        moves = channel.moves if command.ins in {READ_RECORD, SEARCH_RECORD} else ()
        return (*card, channel.directory, channel.file, moves)

    def follow(self, exchange: Exchange) -> None:
        """Take notice of an exchange; without a status word the command may have done anything."""
        octets = exchange.command
        command = take_apart(octets)
        done = not exchange.sw or exchange.sw[0] not in _FAILED
        if self._family is None and len(octets) >= 4:
            self._family = command.cla == GSM_CLASS
        channel = self._channel(command.channel)
        if command.ins == GET_RESPONSE:
            self._continue(channel, exchange.data, command.cla)
            channel.chain = (*channel.chain, octets)
            return
        channel.chain = (octets,)
        if done:
            self._take_effect(channel, command, exchange)
        if command.ins in PIN_INSTRUCTIONS:
            self.pins += command.has_data or bool(exchange.command_masked)
        elif command.ins not in HARMLESS:
            self.changes += 1

    def _take_effect(self, channel: _Channel, command: Command, exchange: Exchange) -> None:
        if command.ins in PIN_INSTRUCTIONS:
            self.opened = True
            self._unprotected = self._unprotected or command.ins in {DISABLE, DISABLE + 1}
        elif command.ins == MANAGE_CHANNEL:
            self._open_or_close(command, channel, exchange.data)
        elif command.ins == SELECT:
            self._select(channel, command, exchange.data)
        elif command.ins in READS | {SEARCH_RECORD}:
            if _by_short_name(command):
                channel.file, channel.moves = self.file_read(command), ()
            if _moves_pointer(command):
                channel.moves = (*channel.moves, exchange.command)

    def _channel(self, number: int) -> _Channel:
        start: FilePath = (UNKNOWN,) if number else ()
        return self._channels.setdefault(number, _Channel(start))

    def _select(self, channel: _Channel, command: Command, data: bytes) -> None:
        path, is_directory = select(channel.directory, command)
        told = describes_directory(data, gsm=command.cla == GSM_CLASS)
        self._stand(channel, path, is_directory=is_directory if told is None else told)

    def _continue(self, channel: _Channel, data: bytes, cla: int) -> None:
        """See what kind of file was selected, once GET RESPONSE tells it."""
        told = describes_directory(data, gsm=cla == GSM_CLASS)
        selected = len(channel.chain) == 1 and take_apart(channel.chain[0]).ins == SELECT
        if selected and told is not None:
            self._stand(channel, channel.file or channel.directory, is_directory=told)

    @staticmethod
    def _stand(channel: _Channel, path: FilePath, *, is_directory: bool) -> None:
        is_directory = is_directory or not path
        channel.directory = path if is_directory else path[:-1]
        channel.file = None if is_directory else path
        channel.moves = ()

    def _open_or_close(self, command: Command, origin: _Channel, data: bytes) -> None:
        if command.p1 == 0x80:
            self._channels.pop(command.p2 or command.channel, None)
            return
        number = command.p2 or (data[0] if data else 0)
        if number:
            self._channels[number] = _Channel(origin.directory if command.channel else ())


def _by_short_name(command: Command) -> bool:
    """Return whether a READ names its file by a short identifier, or in the data field."""
    if command.cla == GSM_CLASS or command.ins not in READS:
        return False
    return bool({READ_BINARY: command.p1 & 0x80, READ_RECORD: command.p2 >> 3}.get(command.ins, 1))


def _moves_pointer(command: Command) -> bool:
    return command.ins == SEARCH_RECORD or (command.ins == READ_RECORD and command.p2 & 0x07 in {0x02, 0x03})


def _is_absolute(command: Command) -> bool:
    """Return whether a SELECT leads to the same place from everywhere."""
    if command.ins != SELECT:
        return False
    if command.p1 == 0x04:
        return command.p2 & 0x03 == 0
    if command.p1 == 0x08:
        return command.data[:2] != b"\x7f\xff"
    return command.p1 == 0x00 and command.data in {b"", b"\x3f\x00"}
