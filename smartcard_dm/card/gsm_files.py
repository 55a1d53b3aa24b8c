"""Files of a card of class A0: a SIM, an R-UIM, or a UICC that plays one.

Guarantees: files are selected by identifier, one after another, from the master file or from the current directory;
what the card tells is fetched for the last one only.

Spec: GSM 11.11 (3GPP TS 51.011), 6 and 9.2; C.S0023 for the R-UIM.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from smartcard_dm.card.directory import Directory
from smartcard_dm.card.file_info import FileInfo
from smartcard_dm.card.files import CardFiles, closed_to_cardholder
from smartcard_dm.card.gsm_chv import GsmChv
from smartcard_dm.errors import ApduError, CardNotFoundError, CardReadError, PinRequiredError
from smartcard_dm.iso7816 import (
    GSM_CLASS,
    MF,
    SW,
    GsmAccess,
    GsmDirectory,
    GsmFile,
    describe,
    parse_gsm_select,
    read_binary,
    read_record,
    select_file,
)

if TYPE_CHECKING:
    from smartcard_dm.card.exchange import Exchange
    from smartcard_dm.card.pins import PinPad
    from smartcard_dm.iso7816 import ResponseApdu
    from smartcard_dm.limits import Limits

DF_GSM: Final = Directory(b"", (0x7F20,))
DF_TELECOM: Final = Directory(b"", (0x7F10,))
DF_CDMA: Final = Directory(b"", (0x7F25,))

_HIGHEST_OFFSET: Final = 0xFFFF
_CHVS: Final = {GsmAccess.CHV1: 1, GsmAccess.CHV2: 2}
_WORDS: Final = {GsmAccess.ALWAYS: "always", GsmAccess.NEVER: "never", GsmAccess.RESERVED: "nobody (reserved)"}


class GsmFiles(CardFiles):
    """The files of a card of class A0; it has one channel, and no selection by application or path."""

    def __init__(self, exchange: Exchange, pins: PinPad, limits: Limits) -> None:
        super().__init__(exchange, pins, limits, highest_offset=_HIGHEST_OFFSET)
        self.application = DF_GSM
        """Where CHVs are asked about and presented before the directory of the file itself."""

    def select(self, directory: Directory, file_ids: tuple[int, ...]) -> FileInfo:
        """Select a file below a directory; raises as `CardFiles.select`."""
        response, name = self._walk(directory, file_ids, fetch=True)
        try:
            info = _described(parse_gsm_select(response.data))
        except ApduError as error:
            raise CardReadError(f"{name}: {error}", sw=response.sw) from error
        self.answered = True
        way = (*directory.file_ids, *file_ids)
        self._current = Directory(b"", way if info.is_directory else way[:-1])
        return info

    def has(self, directory: Directory, *file_ids: int) -> bool:
        """Tell whether a file can be selected; what the card tells about it is not fetched.

        Raises:
            CardConnectionError: the way to the card failed.
        """
        try:
            self._walk(directory, file_ids, fetch=False)
        except (CardNotFoundError, CardReadError):
            return False
        return True

    def access(self, directory: Directory, info: FileInfo) -> tuple[str, ...]:  # noqa: ARG002 - one interface
        """Return who may read and update a file; raises nothing."""
        if not isinstance(info.told, GsmFile):
            return ()
        return f"read: {_who(info.told.read)}", f"update: {_who(info.told.update)}"

    def _go_to(self, directory: Directory) -> FileInfo:
        return self.select(directory, ())

    def _read_binary(self, offset: int, length: int) -> ResponseApdu:
        return self._exchange.send(read_binary(offset, length, cla=GSM_CLASS))

    def _read_record(self, number: int, length: int) -> ResponseApdu:
        return self._exchange.send(read_record(number, length, cla=GSM_CLASS))

    def _open(self, directory: Directory, file_ids: tuple[int, ...], info: FileInfo) -> None:
        name = directory.name(*file_ids)
        number = _CHVS.get(info.told.read) if isinstance(info.told, GsmFile) else None
        if number is None:
            sw = SW.GSM_ACCESS_NOT_FULFILLED
            raise closed_to_cardholder(sw, name, describe(sw))
        own = Directory(b"", (*directory.file_ids, *file_ids[:-1]))
        homes = tuple(partial(self._describe, home) for home in dict.fromkeys((self.application, own)))
        chv = GsmChv(self._exchange, number, homes)
        if not self._pins.has_pin:
            raise PinRequiredError(
                f"{name} is behind {chv.name}: give the PIN (--pin-env NAME)", tries_left=chv.tries_left
            )
        self._pins.verify(chv)

    def _describe(self, directory: Directory) -> GsmDirectory | None:
        try:
            told = self.select(directory, ()).told
        except CardNotFoundError:
            return None
        return told if isinstance(told, GsmDirectory) else None

    def _walk(self, directory: Directory, file_ids: tuple[int, ...], *, fetch: bool) -> tuple[ResponseApdu, str]:
        """Select one identifier after another; return the last answer and the name of the file it is about.

        Where the card stands afterwards is for the caller to say, who knows whether the last one is a directory.

        Reached from a directory are its children, and the master file from anywhere: other ways that GSM 11.11 knows
        save a command or two, and could lead to another file of the same identifier.
        """
        if directory.aid:
            aid = directory.aid.hex().upper()
            raise CardReadError(f"application {aid} cannot be selected: class A0 knows no application identifiers")
        way = (*directory.file_ids, *file_ids)
        # Where the card stands is known again only after the last step: a walk may end in the middle.
        current, self._current = self._current, None
        below = None if current is None else current.file_ids
        from_current = below is not None and way[: len(below)] == below and len(way) > len(below)
        steps = way[len(below or ()) :] if from_current else (MF, *way)
        for file_id in steps[:-1]:
            self._require(self._exchange.probe(select_file(file_id, cla=GSM_CLASS)), file_id, way)
        last = select_file(steps[-1], cla=GSM_CLASS)
        response = self._exchange.send(last) if fetch else self._exchange.probe(last)
        return response, self._require(response, steps[-1], way)

    def _require(self, response: ResponseApdu, file_id: int, way: tuple[int, ...]) -> str:
        """Require that a step found its file; return the file's name."""
        whole = Directory(b"", way)
        name = "the master file" if file_id == MF else str(whole)
        self.answered = self.answered or response.sw == SW.GSM_FILE_NOT_FOUND
        self._found(response, name)
        return name


def _described(told: GsmFile | GsmDirectory) -> FileInfo:
    if isinstance(told, GsmDirectory):
        return FileInfo(told.file_id, is_directory=True, told=told)
    return FileInfo(
        told.file_id,
        size=told.size,
        structure=told.structure,
        record_length=told.record_length,
        record_count=told.record_count,
        told=told,
    )


def _who(access: GsmAccess) -> str:
    if access in _CHVS:
        return f"CHV{_CHVS[access]}"
    return _WORDS.get(access, f"administrative code {access:X}")
