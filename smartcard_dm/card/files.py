"""Selecting and reading files on one channel of a card, each as few times as possible.

Guarantees: a file is read with sizes from its FCP, and its directory is not selected again while it is the current
one; "not there" (CardNotFoundError, which only SELECT can answer) and "could not read" (CardReadError, PIN errors) are
different answers; no PIN is presented for a file that only an administrative code opens; nothing is ever written.
Leaves to its caller: remembering what was read.

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
    LONGEST_OFFSET,
    SW,
    AccessMode,
    AllOf,
    AnyOf,
    FileKind,
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
_LAST_RECORD: Final = 254
_CARDHOLDER_PINS: Final = frozenset({*range(0x01, 0x09), 0x11, *range(0x81, 0x89)})
"""Application PINs, universal PIN and second PINs; the others are administrative codes. Spec: TS 102 221, 9.5.1."""


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
        self._rule_records: dict[tuple[Directory, tuple[int, ...], int], bytes | None] = {}

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
        if self._current != directory and directory.aid:
            self._enter(directory)
        # Where the card stands is known again only after the last step: a walk may end in the middle.
        current, self._current = self._current, None
        if current != directory:
            fcp = self._select_from_master((*directory.file_ids, *file_ids))
            now: Directory | None = Directory(b"", (*directory.file_ids, *file_ids[:-1]))
        else:
            fcp = None
            for position, file_id in enumerate(file_ids, 1):
                fcp = self._selected(self._send(select_file(file_id)), directory.name(*file_ids[:position]))
            now = directory if len(file_ids) == 1 else None
        is_directory = fcp is not None and fcp.descriptor is not None and fcp.descriptor.kind is FileKind.DIRECTORY
        self._current = None if is_directory else now
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
            if fcp is not None and fcp.file_size == 0:
                return b"", fcp
            response = self._read_from(0, fcp, name)
            if response.outcome is Outcome.SECURITY:
                self._open(directory, file_ids, fcp)
                fcp = self.select(directory, file_ids)
                response = self._read_from(0, fcp, name)
            return b"".join(self._blocks(response, fcp, name)), fcp

    def read_records(self, directory: Directory, file_ids: tuple[int, ...], most: int) -> tuple[bytes, ...]:
        """Return the records of a file in order, at most `most`.

        Raises:
            CardNotFoundError: it is not there.
            CardReadError: the card refused, or gave fewer than it announced.
            LimitExceededError: there are more.
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
            last = min(most + 1 if count is None else count, _LAST_RECORD)
            for number in range(1, last + 1):
                response = self._send(read_record(number, length))
                if response.sw == SW.RECORD_NOT_FOUND and count is None:
                    break
                if number > most:
                    raise LimitExceededError(name, "dir_records", most, found=f"a record {number}")
                _require_data(response, f"record {number} of {name}")
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
            raise self._too_large(name, f"a file of {size} octets")
        if offset > LONGEST_OFFSET:
            raise CardReadError(f"{name}: READ BINARY reaches no further than {LONGEST_OFFSET}")
        wanted = self._longest_read if size is None else min(self._longest_read, size - offset)
        response = self._send(read_binary(offset, wanted))
        if response.sw == SW.WRONG_LENGTH and wanted > _SHORT_READ:
            # The card offers extended length and the way to it does not carry it.
            self._longest_read = _SHORT_READ
            return self._send(read_binary(offset, _SHORT_READ))
        return response

    def _blocks(self, response: ResponseApdu, fcp: Fcp | None, name: str) -> Iterator[bytes]:
        """Give the blocks of a file, the first of which is in `response`."""
        size = None if fcp is None else fcp.file_size
        offset = 0
        while True:
            past_the_end = size is None and response.sw == SW.WRONG_OFFSET
            if past_the_end:
                return
            _require_data(response, name)
            yield response.data
            offset += len(response.data)
            if size is None and offset > self._limits.card_file_octets:
                raise self._too_large(name, f"{offset} octets and more")
            if offset >= (LONGEST_OFFSET + 1 if size is None else size):
                return
            if response.sw == SW.END_OF_FILE or not response.data:
                if size is None:
                    return
                raise CardReadError(f"{name}: the file has {size} octets and the card gave {offset}", sw=response.sw)
            response = self._read_from(offset, fcp, name)

    def _too_large(self, name: str, found: str) -> LimitExceededError:
        return LimitExceededError(name, "card_file_octets", self._limits.card_file_octets, found=found)

    def _open(self, directory: Directory, file_ids: tuple[int, ...], fcp: Fcp | None) -> None:
        """Verify the PIN a file asks for, if one was given."""
        name = directory.name(*file_ids)
        rules = self.access_rules(directory, fcp, below=file_ids[:-1])
        conditions = (rule.condition for rule in rules if AccessMode.READ in rule.modes)
        asked = [pin.reference for condition in conditions for pin in _pins_of(condition)]
        reference = next((reference for reference in asked if reference in _CARDHOLDER_PINS), None)
        if reference is None:
            raise CardReadError(
                f"{name}: the card refuses to read it and no PIN of the cardholder opens it "
                "(6982: security status not satisfied)",
                sw=SW.SECURITY_STATUS_NOT_SATISFIED,
            )
        if not self._pins.has_pin:
            raise PinRequiredError(f"{name} is behind PIN {reference:02X}: give the PIN (--pin-env NAME)")
        self._pins.verify(reference, self._channel)

    def access_rules(
        self, directory: Directory, fcp: Fcp | None, *, below: tuple[int, ...] = ()
    ) -> tuple[AccessRule, ...]:
        """Return the access rules of a file; empty when the card does not tell them.

        Args:
            directory: where the file stands.
            fcp: its parameters.
            below: directories between `directory` and the file.

        Raises:
            CardReadError: the rules are malformed, or the card refused.
        """
        if fcp is None:
            return ()
        record = fcp.expanded_rules
        if record is None and fcp.security is not None and fcp.security.arr_file_id is not None:
            number = fcp.security.record_for()
            place = (*below, fcp.security.arr_file_id)
            record = None if number is None else self._rule_record(directory, place, number)
        try:
            return () if record is None else parse_access_rules(record, limits=self._limits)
        except DecodeError as error:
            raise CardReadError(f"the access rules of a file below {directory} cannot be read: {error}") from error

    def _rule_record(self, directory: Directory, arr: tuple[int, ...], number: int) -> bytes | None:
        """Return a record of EF.ARR, which stands beside the file or below the master file; read once."""
        key = (directory, arr, number)
        if key not in self._rule_records:
            self._rule_records[key] = self._read_rule_record(directory, arr, number)
        return self._rule_records[key]

    def _read_rule_record(self, directory: Directory, arr: tuple[int, ...], number: int) -> bytes | None:
        for place, file_ids in dict.fromkeys(((directory, arr), (MASTER, arr[-1:]))):
            try:
                fcp = self.select(place, file_ids)
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
        if response.outcome is Outcome.NOT_FOUND:
            raise CardNotFoundError(f"{name} is not on this card ({response.description})")
        if response.outcome not in {Outcome.OK, Outcome.WARNING}:
            raise _refused(response, name)
        if not response.data:
            return None
        try:
            return parse_fcp(response.data)
        except TlvError as error:
            raise CardReadError(f"{name}: {error}", sw=response.sw) from error

    def _send(self, command: CommandApdu) -> ResponseApdu:
        return self._exchange.send(command.on_channel(self._channel))


def _require_data(response: ResponseApdu, name: str) -> None:
    """Refuse an answer to reading that brings no data to rely on; a file that was selected cannot be "not there"."""
    if response.outcome not in {Outcome.OK, Outcome.WARNING} or response.sw == SW.DATA_MAY_BE_CORRUPTED:
        raise _refused(response, name)


def _refused(response: ResponseApdu, name: str) -> CardReadError:
    return CardReadError(f"{name} could not be read ({response.description})", sw=response.sw)


def _pins_of(condition: Condition) -> Iterator[Pin]:
    """Give the PINs that each alone open a condition."""
    if isinstance(condition, Pin):
        yield condition
    elif isinstance(condition, AnyOf) or (isinstance(condition, AllOf) and len(condition.conditions) == 1):
        for part in condition.conditions:
            yield from _pins_of(part)
