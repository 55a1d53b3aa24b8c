"""Files of a UICC as one logical channel sees them.

Guarantees: a file is found by one SELECT where the card takes a path; its directory is not selected again while it is
the current one.

Spec: ETSI TS 102 221, 8.4, 11.1.1, 11.1.3, 11.1.5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smartcard_dm.card.access_rules import AccessRules, pin_for_reading
from smartcard_dm.card.directory import Directory
from smartcard_dm.card.file_info import FileInfo
from smartcard_dm.card.files import SHORT_READ, CardFiles, closed_to_cardholder, refused
from smartcard_dm.card.uicc_pin import UiccPin
from smartcard_dm.errors import CardNotFoundError, CardReadError, PinRequiredError, TlvError
from smartcard_dm.iso7816 import (
    LONGEST_OFFSET,
    MF,
    SW,
    Fcp,
    FileKind,
    Outcome,
    describe,
    parse_fcp,
    read_binary,
    read_record,
    select_aid,
    select_file,
    select_path,
)

if TYPE_CHECKING:
    from smartcard_dm.card.exchange import Exchange
    from smartcard_dm.card.pins import PinPad
    from smartcard_dm.iso7816 import CommandApdu, ResponseApdu
    from smartcard_dm.limits import Limits


class UiccFiles(CardFiles):
    """The files of a UICC on one channel.

    Args:
        exchange: sends.
        channel: the logical channel; 0 is the basic one.
        pins: presents a PIN where a file asks for one.
        limits: bounds of files and records.
        longest_read: octets one READ BINARY may ask for: 256, or more where the card offers extended length.
    """

    def __init__(
        self, exchange: Exchange, channel: int, pins: PinPad, limits: Limits, longest_read: int = SHORT_READ
    ) -> None:
        super().__init__(exchange, pins, limits, longest_read=longest_read, highest_offset=LONGEST_OFFSET)
        self._channel = channel
        self._rules = AccessRules(self._rule_record, limits)

    @property
    def channel(self) -> int:
        """The logical channel."""
        return self._channel

    def select(self, directory: Directory, file_ids: tuple[int, ...]) -> FileInfo:
        """Select a file below a directory; raises as `CardFiles.select`."""
        if self._current != directory and directory.aid:
            self.enter(directory)
            self._current = directory
        # Where the card stands is known again only after the last step: a walk may end in the middle.
        current, self._current = self._current, None
        info = FileInfo()
        now: Directory | None = directory if len(file_ids) == 1 else None
        if current != directory:
            info = self._select_from_master((*directory.file_ids, *file_ids))
            now = Directory(b"", (*directory.file_ids, *file_ids[:-1]))
        else:
            for position, file_id in enumerate(file_ids, 1):
                info = self._selected(self._send(select_file(file_id)), directory.name(*file_ids[:position]))
        self._current = None if info.is_directory else now
        return info

    def access(self, directory: Directory, info: FileInfo) -> tuple[str, ...]:
        """Return the access rules of a file; raises as `CardFiles.access`."""
        return tuple(str(rule) for rule in self._rules.of(directory, _fcp(info)))

    def after_reset(self) -> None:
        """Forget what a reset ended, and the access rules."""
        super().after_reset()
        self._rules.forget()

    def _go_to(self, directory: Directory) -> FileInfo:
        if directory.aid:
            return self._selected(self._send(select_aid(directory.aid)), f"application {directory.aid.hex().upper()}")
        if directory.file_ids:
            return self._select_from_master(directory.file_ids)
        return self._selected(self._send(select_file(MF)), "the master file")

    def _read_binary(self, offset: int, length: int) -> ResponseApdu:
        response = self._send(read_binary(offset, length))
        if response.sw == SW.WRONG_LENGTH and length > SHORT_READ:
            # The card offers extended length and the way to it does not carry it.
            self._longest_read = SHORT_READ
            return self._send(read_binary(offset, SHORT_READ))
        return response

    def _read_record(self, number: int, length: int) -> ResponseApdu:
        return self._send(read_record(number, length))

    def _open(self, directory: Directory, file_ids: tuple[int, ...], info: FileInfo) -> None:
        name = directory.name(*file_ids)
        reference = pin_for_reading(self._rules.of(directory, _fcp(info), below=file_ids[:-1]))
        if reference is None:
            sw = SW.SECURITY_STATUS_NOT_SATISFIED
            raise closed_to_cardholder(sw, name, describe(sw))
        pin = UiccPin(self._exchange, reference, self._channel)
        if not self._pins.has_pin:
            raise PinRequiredError(
                f"{name} is behind {pin.name}: give the PIN (--pin-env NAME)", tries_left=pin.tries_left
            )
        self._pins.verify(pin)

    def _rule_record(self, directory: Directory, file_ids: tuple[int, ...], number: int) -> bytes | None:
        try:
            info = self.select(directory, file_ids)
        except CardNotFoundError:
            return None
        response = self._read_record(number, info.record_length or SHORT_READ)
        return response.data if response.outcome in {Outcome.OK, Outcome.WARNING} else None

    def _select_from_master(self, file_ids: tuple[int, ...]) -> FileInfo:
        """Select by path from the master file; where the card has no such selection, one identifier after another."""
        name = Directory(b"", file_ids).name()
        path = b"".join(file_id.to_bytes(2, "big") for file_id in file_ids)
        response = self._send(select_path(path))
        if response.sw in {SW.CLASS_UNKNOWN, SW.INSTRUCTION_UNKNOWN}:
            raise refused(response, name)
        if response.outcome in {Outcome.OK, Outcome.WARNING}:
            return self._selected(response, name)
        info = self._selected(self._send(select_file(MF)), "the master file")
        for file_id in file_ids:
            info = self._selected(self._send(select_file(file_id)), name)
        return info

    def _selected(self, response: ResponseApdu, name: str) -> FileInfo:
        self.answered = self.answered or response.sw == SW.FILE_NOT_FOUND
        self._found(response, name)
        try:
            info = _described(parse_fcp(response.data)) if response.data else FileInfo()
        except TlvError as error:
            raise CardReadError(f"{name}: {error}", sw=response.sw) from error
        self.answered = True
        return info

    def _send(self, command: CommandApdu) -> ResponseApdu:
        return self._exchange.send(command.on_channel(self._channel))


def _described(fcp: Fcp) -> FileInfo:
    descriptor = fcp.descriptor
    return FileInfo(
        file_id=fcp.file_id,
        is_directory=descriptor is not None and descriptor.kind is FileKind.DIRECTORY,
        size=fcp.file_size,
        structure=None if descriptor is None else descriptor.structure,
        record_length=None if descriptor is None else descriptor.record_length,
        record_count=None if descriptor is None else descriptor.record_count,
        told=fcp,
    )


def _fcp(info: FileInfo) -> Fcp | None:
    return info.told if isinstance(info.told, Fcp) else None
