"""Finding the provisioning application: a ladder of ways, tried in order until one counts.

    1  AID on a logical channel            (nothing else on the card is disturbed)
    2  AID on the basic channel
    3  the path that EF.DIR names for the AID, and the ODF path beside it
    4  3F00/7F50
    5  3F00/5015
    6  5031 directly below the master file

Cards of class A0 have neither channels nor selection by AID: there the ladder begins with 3.

Guarantees: a candidate counts only when its EF.ODF was selected, read and parsed, since cards exist that answer 9000
to any AID; a channel that led nowhere is closed. "Not there" is the answer only when every rung said so, EF.DIR
included; an EF.ODF behind a PIN ends the search, for it is there.

Spec: design decision D8; OMA-WAP-TS-ProvSC and OMA-TS-DM_Bootstrap could be read in part only (docs/supported.md).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from smartcard_dm.card.directory import MASTER, Directory
from smartcard_dm.errors import (
    CardNotFoundError,
    CardReadError,
    DecodeError,
    PinBlockedError,
    PinError,
    PinRequiredError,
    SmartcardDmError,
)
from smartcard_dm.iso7816 import AID, SW, FileStructure, parse_dir_file, parse_dir_record
from smartcard_dm.pkcs15 import parse_odf, resolve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smartcard_dm.card.channels import Channels
    from smartcard_dm.card.file_info import FileInfo
    from smartcard_dm.card.files import CardFiles
    from smartcard_dm.iso7816 import ApplicationTemplate, FilePath
    from smartcard_dm.limits import Limits
    from smartcard_dm.pkcs15 import Odf

EF_DIR: Final = 0x2F00
EF_ODF: Final = 0x5031
FIXED_PATHS: Final = ((0x7F50,), (0x5015,))
"""Directories of the application where nothing tells which it is: of a SIM, and of PKCS#15 itself."""


@dataclass(frozen=True, slots=True)
class FoundApplication:
    """The provisioning application, on the channel it was found on."""

    files: CardFiles
    directory: Directory
    odf: Odf
    way: str
    """Which rung led to it."""
    private: bool = False
    """Whether a PIN may have been what opened its EF.ODF."""


@dataclass(frozen=True, slots=True)
class _Rung:
    way: str
    files: CardFiles
    directory: Directory
    odf: tuple[int, ...] = (EF_ODF,)


@dataclass(slots=True)
class _Search:
    """What was tried so far."""

    tried: list[str] = field(default_factory=list)
    unreadable: bool = False
    """Whether anything but "not there" was the answer."""

    def missed(self, way: str, error: SmartcardDmError) -> None:
        self.tried.append(f"{way}: {error}")
        self.unreadable = self.unreadable or not isinstance(error, CardNotFoundError)


def find_application(basic: CardFiles, channels: Channels | None, limits: Limits) -> FoundApplication:
    """Return the provisioning application of a card.

    Args:
        basic: the files of the card, on its basic channel where it has channels.
        channels: opens a channel of our own; None for a card of class A0.
        limits: bounds of EF.DIR and EF.ODF.

    Raises:
        CardNotFoundError: every rung says that it is not there.
        CardReadError: none counts, and at least one could not be read.
        PinRequiredError, PinError, PinBlockedError: an EF.ODF is behind a PIN.
        CardConnectionError: the way to the card failed.
    """
    search = _Search()
    for rung in _rungs(basic, channels, limits, search):
        try:
            directory, octets = _read_odf(rung)
            odf = parse_odf(octets, limits=limits)
        except (CardNotFoundError, CardReadError, DecodeError) as error:
            search.missed(rung.way, error)
        except (PinRequiredError, PinError, PinBlockedError):
            leave(rung.files, channels)
            raise
        else:
            return FoundApplication(rung.files, directory, odf, rung.way, private=rung.files.opened_by_pin)
        leave(rung.files, channels)
    told = "; ".join(search.tried)
    if search.unreadable:
        raise CardReadError(f"the PKCS#15 application could not be read: {told}")
    raise CardNotFoundError(f"no PKCS#15 application on this card: {told}")


def enter_again(found: FoundApplication, channels: Channels | None) -> FoundApplication:
    """Return the application as it is reached after a reset, in the way it was found before; its EF.ODF stays.

    Raises:
        CardNotFoundError: it is not there any more.
        CardReadError: the card refused, or has no channel to give.
        CardConnectionError: the way to the card failed.
    """
    files = found.files
    if channels is not None and files is not channels.basic:
        files = channels.open()
    try:
        directory = files.enter(Directory(found.directory.aid)) if found.directory.aid else found.directory
    except (CardNotFoundError, CardReadError):
        leave(files, channels)
        raise
    return replace(found, files=files, directory=directory)


def leave(files: CardFiles, channels: Channels | None) -> None:
    """Close the channel of files that are not needed any more, where they have one of their own."""
    if channels is not None:
        channels.close(files)


def _read_odf(rung: _Rung) -> tuple[Directory, bytes]:
    # An application's own identifier is only known from its FCP; it is what relative paths may begin with.
    directory = rung.files.enter(rung.directory) if rung.directory.aid else rung.directory
    return directory, rung.files.read(directory, rung.odf)


def _rungs(basic: CardFiles, channels: Channels | None, limits: Limits, search: _Search) -> Iterator[_Rung]:
    if channels is not None:
        yield from _by_identifier(channels, search)
    try:
        templates = read_dir(basic, limits)
    except (CardNotFoundError, CardReadError, DecodeError) as error:
        search.missed("EF.DIR", error)
    else:
        yield from _named_by_dir(basic, templates, search)
    for path in FIXED_PATHS:
        yield _Rung(f"path 3F00/{path[0]:04X}", basic, Directory(b"", path))
    yield _Rung("5031 below the master file", basic, MASTER)


def _by_identifier(channels: Channels, search: _Search) -> Iterator[_Rung]:
    application = Directory(bytes(AID.PKCS15))
    try:
        extra = channels.open()
    except (CardReadError, DecodeError) as error:
        # No channel says nothing about the card's content; the basic channel will.
        search.tried.append(f"AID on a logical channel: {error}")
    else:
        yield _Rung(f"AID on logical channel {extra.channel}", extra, application)
    yield _Rung("AID on the basic channel", channels.basic, application)


def _named_by_dir(basic: CardFiles, templates: tuple[ApplicationTemplate, ...], search: _Search) -> Iterator[_Rung]:
    for template in templates:
        if template.application is not AID.PKCS15 or template.path is None:
            continue
        ids = template.path.file_ids
        home = Directory(b"", ids[1:] if template.path.is_absolute else ids)
        locations = template.locations
        if locations is not None and locations.odf_path is not None:
            try:
                named = _odf_path(basic, home, locations.odf_path)
            except (CardReadError, DecodeError) as error:
                search.missed("ODF path in EF.DIR", error)
            else:
                yield named
        yield _Rung("path in EF.DIR", basic, home)


def _odf_path(basic: CardFiles, home: Directory, path: FilePath) -> _Rung:
    resolved = resolve(path, home.file_ids[-1] if home.file_ids else None)
    if not resolved.segments:
        raise CardReadError(f"the path {path} names a directory, not a file")
    if not resolved.absolute:
        return _Rung("ODF path in EF.DIR", basic, home, resolved.segments)
    return _Rung("ODF path in EF.DIR", basic, Directory(b"", resolved.segments[:-1]), resolved.segments[-1:])


def read_dir(files: CardFiles, limits: Limits) -> tuple[ApplicationTemplate, ...]:
    """Return the applications EF.DIR names, whichever structure it has.

    Raises:
        CardNotFoundError: the card has no EF.DIR.
        CardReadError: it could not be read.
        TlvError: a record is malformed.
        LimitExceededError: too many records.
    """
    info = files.select(MASTER, (EF_DIR,))
    if info.structure is FileStructure.TRANSPARENT:
        return _read_transparent_dir(files, info, limits)
    try:
        records = files.read_records(MASTER, (EF_DIR,), limits.dir_records, info)
    except CardReadError as error:
        if info.structure is None and error.sw == SW.COMMAND_INCOMPATIBLE_WITH_FILE:
            return _read_transparent_dir(files, info, limits)
        raise
    found = (parse_dir_record(record, limits=limits) for record in records)
    return tuple(template for template in found if template is not None)


def _read_transparent_dir(files: CardFiles, info: FileInfo, limits: Limits) -> tuple[ApplicationTemplate, ...]:
    return parse_dir_file(files.read(MASTER, (EF_DIR,), info), limits=limits)[0]
