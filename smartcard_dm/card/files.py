"""Selecting and reading files of a card, each as few times as possible, whichever class of commands it takes.

Guarantees: a file is read with the size that the card tells for it; "not there" (CardNotFoundError, which only SELECT
can answer) and "could not read" (CardReadError, PIN errors) are different answers; no PIN is presented for a file that
only an administrative code opens; nothing is ever written.
Leaves to its caller: remembering what was read; to its two kinds, `UiccFiles` and `GsmFiles`: how files are selected.

Spec: ETSI TS 102 221, 11.1; GSM 11.11 (3GPP TS 51.011), 9.2.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final

from smartcard_dm.card.directory import Directory
from smartcard_dm.errors import CardNotFoundError, CardReadError, LimitExceededError
from smartcard_dm.iso7816 import SW, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smartcard_dm.card.exchange import Exchange
    from smartcard_dm.card.file_info import FileInfo
    from smartcard_dm.card.pins import PinPad
    from smartcard_dm.iso7816 import ResponseApdu
    from smartcard_dm.limits import Limits

SHORT_READ: Final = 256
"""Octets that one command may ask for without extended length."""

_LAST_RECORD: Final = 254


class CardFiles(ABC):
    """The files of a card.

    Args:
        exchange: sends.
        pins: presents a PIN where a file asks for one.
        limits: bounds of files and records.
        longest_read: octets one READ BINARY may ask for: 256, or more where the card offers extended length.
        highest_offset: the highest offset of READ BINARY.
    """

    def __init__(
        self, exchange: Exchange, pins: PinPad, limits: Limits, *, longest_read: int = SHORT_READ, highest_offset: int
    ) -> None:
        self._exchange = exchange
        self._pins = pins
        self._limits = limits
        self._longest_read = longest_read
        self._highest_offset = highest_offset
        self._current: Directory | None = None
        self.answered = False
        """Whether the card ever found a file, or said that it has it not: it takes commands of this class then."""

    @property
    def opened_by_pin(self) -> bool:
        """Whether a PIN was verified since the last reset, so that what is read now may be private."""
        return self._pins.any_verified

    @abstractmethod
    def select(self, directory: Directory, file_ids: tuple[int, ...]) -> FileInfo:
        """Select a file below a directory; return what the card tells about it.

        Raises:
            CardNotFoundError: it is not there.
            CardReadError: the card refused.
        """

    @abstractmethod
    def access(self, directory: Directory, info: FileInfo) -> tuple[str, ...]:
        """Return in words who may do what with a file that was selected; empty when the card does not tell.

        Args:
            directory: where the file stands.
            info: what was told about it.

        Raises:
            CardReadError: the rules are malformed, or the card refused.
        """

    @abstractmethod
    def _go_to(self, directory: Directory) -> FileInfo:
        """Select a directory; raises as `select`."""

    @abstractmethod
    def _read_binary(self, offset: int, length: int) -> ResponseApdu:
        """Send one READ BINARY for the selected file."""

    @abstractmethod
    def _read_record(self, number: int, length: int) -> ResponseApdu:
        """Send one READ RECORD for the selected file."""

    @abstractmethod
    def _open(self, directory: Directory, file_ids: tuple[int, ...], info: FileInfo) -> None:
        """Verify the PIN that reading a file asks for.

        Raises:
            CardReadError: no PIN of the cardholder opens it.
            PinRequiredError, PinError, PinBlockedError: as `PinPad.verify`.
        """

    def enter(self, directory: Directory) -> Directory:
        """Make a directory the current one; return it with the identifier the card tells for it.

        Raises:
            CardNotFoundError: it is not there.
            CardReadError: the card refused.
        """
        self._current = None
        info = self._go_to(directory)
        if directory.aid and info.file_id is not None:
            directory = Directory(directory.aid, (info.file_id,))
        self._current = directory
        return directory

    def read(self, directory: Directory, file_ids: tuple[int, ...], selected: FileInfo | None = None) -> bytes:
        """Return the content of a transparent file.

        Reading is tried before a PIN is asked for: it costs no try, and a PIN that is disabled or was verified already
        needs no more.

        Args:
            directory: where the file stands.
            file_ids: the way to it from there.
            selected: what selecting it told, where it is the selected file already.

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
            info = selected or self.select(directory, file_ids)
            if info.size == 0:
                return b""
            response = self._read_from(0, info.size, name)
            if response.outcome is Outcome.SECURITY:
                self._open(directory, file_ids, info)
                info = self.select(directory, file_ids)
                response = self._read_from(0, info.size, name)
            return b"".join(self._blocks(response, info.size, name))

    def read_records(
        self, directory: Directory, file_ids: tuple[int, ...], most: int, selected: FileInfo | None = None
    ) -> tuple[bytes, ...]:
        """Return the records of a file in order, at most `most`; see `read` for the other arguments.

        Raises:
            CardNotFoundError: it is not there.
            CardReadError: the card refused, or gave fewer than it announced.
            LimitExceededError: there are more.
        """
        name = directory.name(*file_ids)
        with self._exchange.transaction():
            info = selected or self.select(directory, file_ids)
            count = info.record_count
            if count is not None and count > most:
                raise LimitExceededError(name, "dir_records", most, found=f"{count} records")
            records: list[bytes] = []
            last = min(most + 1 if count is None else count, _LAST_RECORD)
            for number in range(1, last + 1):
                response = self._read_record(number, info.record_length or SHORT_READ)
                if response.sw == SW.RECORD_NOT_FOUND and count is None:
                    break
                if number > most:
                    raise LimitExceededError(name, "dir_records", most, found=f"a record {number}")
                _require_data(response, f"record {number} of {name}")
                records.append(response.data)
            return tuple(records)

    def forget_place(self) -> None:
        """Forget where the card stands: another program may have moved it since the last transaction."""
        self._current = None

    def after_reset(self) -> None:
        """Forget what a reset ended: where the card stood, and that it was this card."""
        self.forget_place()
        self.answered = False

    def _found(self, response: ResponseApdu, name: str) -> None:
        """Require a SELECT that found its file; a warning counts only where the card tells what it found.

        A warning that brings nothing may come from a command that was not carried out: what is read then is the file
        selected before.

        Raises:
            CardNotFoundError: it is not there.
            CardReadError: the card refused.
        """
        if response.outcome is Outcome.NOT_FOUND:
            raise CardNotFoundError(f"{name} is not on this card ({response.description})")
        told = response.outcome is Outcome.WARNING and response.data
        if response.outcome not in {Outcome.OK, Outcome.MORE_DATA} and not told:
            raise refused(response, name)

    def _read_from(self, offset: int, size: int | None, name: str) -> ResponseApdu:
        if size is not None and size > self._limits.card_file_octets:
            raise self._too_large(name, f"a file of {size} octets")
        if offset > self._highest_offset:
            raise CardReadError(f"{name}: READ BINARY reaches no further than {self._highest_offset}")
        return self._read_binary(offset, self._longest_read if size is None else min(self._longest_read, size - offset))

    def _blocks(self, response: ResponseApdu, size: int | None, name: str) -> Iterator[bytes]:
        """Give the blocks of a file, the first of which is in `response`."""
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
            if offset >= (self._highest_offset + 1 if size is None else size):
                return
            if response.sw == SW.END_OF_FILE or not response.data:
                if size is None:
                    return
                raise CardReadError(f"{name}: the file has {size} octets and the card gave {offset}", sw=response.sw)
            response = self._read_from(offset, size, name)

    def _too_large(self, name: str, found: str) -> LimitExceededError:
        return LimitExceededError(name, "card_file_octets", self._limits.card_file_octets, found=found)


def refused(response: ResponseApdu, name: str) -> CardReadError:
    """Make the error for an answer that gives nothing to rely on."""
    return CardReadError(f"{name} could not be read ({response.description})", sw=response.sw)


def closed_to_cardholder(response_sw: int, name: str, described: str) -> CardReadError:
    """Make the error for a file that no PIN of the cardholder opens."""
    text = f"{name}: the card refuses to read it and no PIN of the cardholder opens it ({described})"
    return CardReadError(text, sw=response_sw)


def _require_data(response: ResponseApdu, name: str) -> None:
    """Refuse an answer to reading that brings no data to rely on; a file that was selected cannot be "not there"."""
    if response.outcome not in {Outcome.OK, Outcome.WARNING} or response.sw == SW.DATA_MAY_BE_CORRUPTED:
        raise refused(response, name)
