"""Selecting and reading files on one channel of a card, each as few times as possible.

Guarantees: a file is read with sizes from its FCP, and not selected again while its directory is the current one;
"not there" (CardNotFoundError) and "could not read" (CardReadError, PIN errors) are different answers; nothing is
ever written. Leaves to its caller: remembering what was read.

Spec: ETSI TS 102 221, 8.4, 11.1.1, 11.1.3, 11.1.5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smartcard_dm.card.directory import MASTER, Directory
from smartcard_dm.errors import (
    CardNotFoundError,
    CardReadError,
    DecodeError,
    LimitExceededError,
    PinRequiredError,
    TlvError,
)
from smartcard_dm.iso7816 import (
    SW,
    AccessMode,
    AllOf,
    AnyOf,
    Outcome,
    Pin,
    parse_access_rules,
    parse_fcp,
    read_binary,
    read_record,
    select_aid,
    select_file,
    select_path,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smartcard_dm.card.exchange import Exchange
    from smartcard_dm.card.pins import PinPad
    from smartcard_dm.iso7816 import AccessRule, CommandApdu, Condition, Fcp, ResponseApdu
    from smartcard_dm.limits import Limits

_MF_ID: Final = 0x3F00
_SHORT_READ: Final = 256


class CardFiles:
    """The files of a card as one logical channel sees them.

    Args:
        exchange: sends.
        channel: the logical channel; 0 is the basic one.
        pins: verifies a PIN where a file asks for one.
        limits: bounds of files and records.
        longest_read: octets one READ BINARY may ask for: 256, or more where the card offers extended length.
    """

    def __init__(
        self, exchange: Exchange, channel: int, pins: PinPad, limits: Limits, longest_read: int = _SHORT_READ
    ) -> None:
        self._exchange = exchange
        self._channel = channel
        self._pins = pins
        self._limits = limits
        self._longest_read = longest_read
        self._current: Directory | None = None
        self._rule_records: dict[tuple[Directory, int, int], bytes | None] = {}

    @property
    def channel(self) -> int:
        """The logical channel."""
        return self._channel

    def enter(self, directory: Directory) -> Directory:
        """Make a directory the current one; return it with the identifier the card tells for it.

        Raises:
            CardNotFoundError: it is not there.
            CardReadError: the card refused.
        """
        fcp = self._enter(directory)
        if directory.aid and fcp is not None and fcp.file_id is not None:
            self._current = Directory(directory.aid, (fcp.file_id,))
        return self._current or directory

    def select(self, directory: Directory, file_ids: tuple[int, ...]) -> Fcp | None:
        """Select a file below a directory; return its parameters, or None when the card gives none.

        Raises:
            CardNotFoundError: it is not there.
            CardReadError: the card refused.
        """
        if self._current != directory:
            if not directory.aid:
                fcp = self._select_from_master((*directory.file_ids, *file_ids))
                self._current = Directory(b"", (*directory.file_ids, *file_ids[:-1]))
                return fcp
            self._enter(directory)
        fcp = None
        for position, file_id in enumerate(file_ids, 1):
            fcp = self._selected(self._send(select_file(file_id)), directory.name(*file_ids[:position]))
        if len(file_ids) > 1:
            self._current = None
        return fcp

    def read(self, directory: Directory, file_ids: tuple[int, ...]) -> tuple[bytes, Fcp | None]:
        """Return the content of a transparent file and its parameters.

        Raises:
            CardNotFoundError: it is not there.
            CardReadError: the card refused, or gave less than it announced.
            PinRequiredError: it is behind a PIN and none was given.
            PinError: the PIN is wrong.
            PinBlockedError: the PIN is blocked, or at its last try.
            LimitExceededError: it is larger than `Limits.card_file_octets`.
        """
        name = directory.name(*file_ids)
        with self._exchange.transaction():
            fcp = self.select(directory, file_ids)
            response = self._read_from(0, fcp, name)
            if response.outcome is Outcome.SECURITY:
                self._open(directory, fcp, name)
                fcp = self.select(directory, file_ids)
                response = self._read_from(0, fcp, name)
            return b"".join(self._blocks(response, fcp, name)), fcp

    def read_records(self, directory: Directory, file_ids: tuple[int, ...], most: int) -> tuple[bytes, ...]:
        """Return the records of a file in order, at most `most`.

        Raises:
            As `read`.
        """
        name = directory.name(*file_ids)
        with self._exchange.transaction():
            fcp = self.select(directory, file_ids)
            descriptor = None if fcp is None else fcp.descriptor
            count = descriptor.record_count if descriptor is not None else None
            length = (descriptor.record_length if descriptor is not None else None) or _SHORT_READ
            if count is not None and count > most:
                raise LimitExceededError(name, "dir_records", most, found=f"{count} records")
            records: list[bytes] = []
            for number in range(1, (count or most) + 1):
                response = self._send(read_record(number, length))
                if response.sw == SW.RECORD_NOT_FOUND and count is None:
                    break
                self._require(response, f"record {number} of {name}")
                records.append(response.data)
            return tuple(records)

    def _enter(self, directory: Directory) -> Fcp | None:
        self._current = None
        if directory.aid:
            fcp = self._selected(self._send(select_aid(directory.aid)), f"application {directory.aid.hex().upper()}")
        elif directory.file_ids:
            fcp = self._select_from_master(directory.file_ids)
        else:
            fcp = self._selected(self._send(select_file(_MF_ID)), "the master file")
        self._current = directory
        return fcp

    def _read_from(self, offset: int, fcp: Fcp | None, name: str) -> ResponseApdu:
        size = None if fcp is None else fcp.file_size
        if size is not None and size > self._limits.card_file_octets:
            raise LimitExceededError(
                name, "card_file_octets", self._limits.card_file_octets, found=f"a file of {size} octets"
            )
        wanted = self._longest_read if size is None else min(self._longest_read, size - offset)
        return self._send(read_binary(offset, max(wanted, 1)))

    def _blocks(self, response: ResponseApdu, fcp: Fcp | None, name: str) -> Iterator[bytes]:
        """Give the blocks of a file, the first of which is in `response`."""
        size = None if fcp is None else fcp.file_size
        if size == 0:
            return
        offset = 0
        while True:
            past_the_end = size is None and response.sw == SW.WRONG_OFFSET
            if past_the_end:
                return
            self._require(response, name)
            yield response.data
            offset += len(response.data)
            if offset >= (self._limits.card_file_octets if size is None else size):
                return
            if response.sw == SW.END_OF_FILE or not response.data:
                if size is None:
                    return
                raise CardReadError(f"{name}: the file has {size} octets and the card gave {offset}", sw=response.sw)
            response = self._read_from(offset, fcp, name)

    def _open(self, directory: Directory, fcp: Fcp | None, name: str) -> None:
        """Verify the PIN a file asks for, if one was given."""
        reference = self._pin_reference(directory, fcp)
        if reference is None:
            raise CardReadError(
                f"{name}: the card refuses to read it and no PIN opens it (6982: security status not satisfied)",
                sw=SW.SECURITY_STATUS_NOT_SATISFIED,
            )
        if not self._pins.has_pin:
            raise PinRequiredError(f"{name} is behind PIN {reference:02X}: give the PIN (--pin-env NAME)")
        self._pins.verify(reference, self._channel)

    def access_rules(self, directory: Directory, fcp: Fcp | None) -> tuple[AccessRule, ...]:
        """Return the access rules of a file below `directory`; empty when the card does not tell them.

        Raises:
            CardReadError: the rules are malformed, or the card refused.
        """
        if fcp is None:
            return ()
        record = fcp.expanded_rules
        if record is None and fcp.security is not None and fcp.security.arr_file_id is not None:
            number = fcp.security.record_for()
            record = None if number is None else self._rule_record(directory, fcp.security.arr_file_id, number)
        try:
            return () if record is None else parse_access_rules(record, limits=self._limits)
        except DecodeError as error:
            raise CardReadError(f"the access rules of a file below {directory} cannot be read: {error}") from error

    def _pin_reference(self, directory: Directory, fcp: Fcp | None) -> int | None:
        """Return the reference of the PIN that opens a file for reading, from its access rules."""
        rules = self.access_rules(directory, fcp)
        conditions = (rule.condition for rule in rules if AccessMode.READ in rule.modes)
        return next((pin.reference for condition in conditions for pin in _pins_of(condition)), None)

    def _rule_record(self, directory: Directory, arr_file_id: int, number: int) -> bytes | None:
        """Return a record of EF.ARR, which stands beside the file or below the master file; read once."""
        key = (directory, arr_file_id, number)
        if key not in self._rule_records:
            self._rule_records[key] = self._read_rule_record(directory, arr_file_id, number)
        return self._rule_records[key]

    def _read_rule_record(self, directory: Directory, arr_file_id: int, number: int) -> bytes | None:
        for place in dict.fromkeys((directory, MASTER)):
            try:
                fcp = self.select(place, (arr_file_id,))
            except CardNotFoundError:
                continue
            descriptor = None if fcp is None else fcp.descriptor
            length = (descriptor.record_length if descriptor is not None else None) or _SHORT_READ
            response = self._send(read_record(number, length))
            if response.outcome in {Outcome.OK, Outcome.WARNING}:
                return response.data
        return None

    def _select_from_master(self, file_ids: tuple[int, ...]) -> Fcp | None:
        """Select by path from the master file; where the card has no such selection, one identifier after another."""
        name = Directory(b"", file_ids).name()
        path = b"".join(file_id.to_bytes(2, "big") for file_id in file_ids)
        response = self._send(select_path(path))
        if response.outcome in {Outcome.OK, Outcome.WARNING}:
            return self._selected(response, name)
        fcp = self._selected(self._send(select_file(_MF_ID)), "the master file")
        for file_id in file_ids:
            fcp = self._selected(self._send(select_file(file_id)), name)
        return fcp

    def _selected(self, response: ResponseApdu, name: str) -> Fcp | None:
        self._require(response, name)
        if not response.data:
            return None
        try:
            return parse_fcp(response.data)
        except TlvError as error:
            raise CardReadError(f"{name}: {error}", sw=response.sw) from error

    def _require(self, response: ResponseApdu, name: str) -> None:
        match response.outcome:
            case Outcome.OK | Outcome.WARNING:
                return
            case Outcome.NOT_FOUND:
                raise CardNotFoundError(f"{name} is not on this card ({response.description})")
            case _:
                raise CardReadError(f"{name} could not be read ({response.description})", sw=response.sw)

    def _send(self, command: CommandApdu) -> ResponseApdu:
        return self._exchange.send(command.on_channel(self._channel))


def _pins_of(condition: Condition) -> Iterator[Pin]:
    """Give the PINs that each alone open a condition."""
    if isinstance(condition, Pin):
        yield condition
    elif isinstance(condition, AnyOf) or (isinstance(condition, AllOf) and len(condition.conditions) == 1):
        for part in condition.conditions:
            yield from _pins_of(part)
