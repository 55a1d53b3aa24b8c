"""The provisioning application of a card: its directories and objects, each read once and only when asked for.

Guarantees: every directory of a kind is looked into, in the order of EF.ODF, which is their priority; an object keeps
the place it was found at. A file that a directory names and the card has not is "could not read" (CardReadError): only
a card without the application says "not there". What outlives a reset was readable without a PIN, and only where
EF.TokenInfo says that nothing changed. Leaves to its caller: what the octets of an object mean.

Spec: PKCS#15 v1.1, 6; design decision D8.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from smartcard_dm.card.directory import Directory
from smartcard_dm.card.ladder import enter_again, leave
from smartcard_dm.errors import (
    CardConnectionError,
    CardError,
    CardNotFoundError,
    CardReadError,
    DecodeError,
    Pkcs15Error,
    UnsupportedError,
)
from smartcard_dm.iso7816 import AID
from smartcard_dm.pkcs15 import (
    CertificateObject,
    DataObject,
    DirectoryKind,
    DirectValue,
    FilePath,
    IndirectPath,
    IndirectUrl,
    InPlaceObjects,
    PinObject,
    PublicKeyObject,
    parse_aodf,
    parse_cdf,
    parse_dodf,
    parse_pukdf,
    parse_token_info,
    part,
    resolve,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from smartcard_dm.card.channels import Channels
    from smartcard_dm.card.ladder import FoundApplication
    from smartcard_dm.limits import Limits
    from smartcard_dm.pkcs15 import ObjectDirectory, ObjectValue, Odf, TokenInfo

    _Place = tuple[Directory, tuple[int, ...]]
    """Where a file stands: a directory and the way from there."""

EF_TOKEN_INFO: Final = 0x5032

T = TypeVar("T")


class _Listed(Protocol):
    """What every kind of object says of itself."""

    @property
    def private(self) -> bool: ...


L = TypeVar("L", bound=_Listed)


@dataclass(frozen=True, slots=True)
class Placed(Generic[T]):
    """An object of a directory, and where its value stands."""

    object: T
    directory: str
    """The directory file it was listed in, such as 7F50/6430."""
    place: str
    """The file of its value, such as 7F50/6431; the directory file for a value that stands in it."""


class ProvisioningApplication:
    """The PKCS#15 application that holds the provisioning data."""

    def __init__(self, found: FoundApplication, limits: Limits) -> None:
        self._found = found
        self._files = found.files
        self._home = found.directory
        self._limits = limits
        self._content: dict[_Place, bytes] = {}
        self._private: set[_Place] = set()
        self._token_info: TokenInfo | None = None
        self.odf: Odf = found.odf
        """EF.ODF."""
        self.way = found.way
        """Which way led to it."""
        self.warnings: list[str] = list(found.odf.warnings)
        """What was odd in the directories read so far."""

    @property
    def path(self) -> str:
        """The application's directory, such as 7F50."""
        return str(self._home)

    @cached_property
    def data_objects(self) -> tuple[Placed[DataObject], ...]:
        """The objects of every DODF.

        Raises:
            CardReadError, PinRequiredError, PinError, PinBlockedError: a directory file could not be read.
            Pkcs15Error: a directory file, or a path to one, is malformed.
            LimitExceededError: a directory file is too large, or has too many objects.
        """
        return self._objects(DirectoryKind.DATA_OBJECTS, parse_dodf, lambda item: item.value)

    @cached_property
    def trusted_certificates(self) -> tuple[Placed[CertificateObject], ...]:
        """The objects of every directory of trusted certificates; raises as `data_objects`."""
        return self._objects(DirectoryKind.TRUSTED_CERTIFICATES, parse_cdf, lambda item: item.value)

    @cached_property
    def trusted_public_keys(self) -> tuple[Placed[PublicKeyObject], ...]:
        """The objects of every directory of trusted public keys; raises as `data_objects`."""
        return self._objects(DirectoryKind.TRUSTED_PUBLIC_KEYS, parse_pukdf, lambda item: item.value)

    @cached_property
    def auth_objects(self) -> tuple[Placed[PinObject], ...]:
        """The objects of every AODF; raises as `data_objects`."""
        return self._objects(DirectoryKind.AUTH_OBJECTS, parse_aodf, lambda _: None)

    @property
    def token_info(self) -> TokenInfo:
        """EF.TokenInfo; raises as `data_objects`, and CardNotFoundError, since a card need not have it."""
        if self._token_info is None:
            self._token_info = parse_token_info(self._files.read(self._home, (EF_TOKEN_INFO,)), limits=self._limits)
        return self._token_info

    def note_last_update(self) -> None:
        """Read EF.TokenInfo, so that it can be told after a reset whether anything changed; it need not be there.

        Raises:
            CardConnectionError: the way to the card failed.
        """
        try:
            _ = self.token_info
        except CardConnectionError:
            raise
        except (CardError, DecodeError):
            self._token_info = None

    def after_reset(self, channels: Channels | None) -> ProvisioningApplication | None:
        """Return the application as it stands after a reset, with what was read before; None where it may differ.

        It is the same when EF.TokenInfo was read before, says when it was updated last, and says so still. An update
        time that is kept in another file counts as none. What a PIN may have opened is left behind.

        Raises:
            CardConnectionError: the way to the card failed.
        """
        before = self._token_info.last_update if self._token_info is not None else None
        if before is None or self._found.private:
            return None
        try:
            again = ProvisioningApplication(enter_again(self._found, channels), self._limits)
        except (CardNotFoundError, CardReadError, DecodeError):
            return None
        again.note_last_update()
        if again._token_info is None or again._token_info.last_update != before:
            leave(again._files, channels)
            return None
        again._content = {place: octets for place, octets in self._content.items() if place not in self._private}
        return again

    def read_value(self, value: ObjectValue) -> bytes:
        """Return the octets of an object's value.

        Raises:
            CardReadError, PinRequiredError, PinError, PinBlockedError: the file could not be read.
            Pkcs15Error: the path leads nowhere, or beyond the file.
            UnsupportedError: the value is on a network, or enciphered with a key nobody here has.
        """
        match value:
            case DirectValue():
                return value.octets
            case IndirectPath():
                directory, file_ids = self._locate(value.path)
                octets = self._read(directory, file_ids)
                start, length = part(value.path, len(octets))
                return octets[start : start + length]
            case IndirectUrl():
                raise UnsupportedError("objects on a network", value.url)
            case _:
                raise UnsupportedError("objects enciphered with a key of the card")

    def _objects(
        self,
        kind: DirectoryKind,
        parse: Callable[..., ObjectDirectory[L]],
        value_of: Callable[[L], ObjectValue | None],
    ) -> tuple[Placed[L], ...]:
        found: list[Placed[L]] = []
        for entry in self.odf.of_kind(kind):
            match entry.reference:
                case FilePath():
                    directory, file_ids = self._locate(entry.reference)
                    name, octets = directory.name(*file_ids), self._read(directory, file_ids)
                case InPlaceObjects():
                    name, octets = self._home.name(0x5031), b"".join(entry.reference.octets)
                case _:
                    self.warnings.append(f"EF.ODF: a {kind.name} directory is enciphered and is not read")
                    continue
            listed = parse(octets, limits=self._limits)
            self.warnings += listed.warnings
            found += (Placed(item, name, self._place(value_of(item), name, private=item.private)) for item in listed)
        return tuple(found)

    def _place(self, value: ObjectValue | None, listed_in: str, *, private: bool) -> str:
        if not isinstance(value, IndirectPath):
            return listed_in
        try:
            directory, file_ids = self._locate(value.path)
        except (CardReadError, Pkcs15Error):
            return str(value.path)  # an error for whoever reads the value; other objects do not suffer from it
        if private:
            self._private.add((directory, file_ids))
        return directory.name(*file_ids)

    def _locate(self, path: FilePath) -> _Place:
        """Return the directory to be in and the identifiers to select from there."""
        home = self._home if path.aid in {b"", bytes(AID.PKCS15), self._home.aid} else Directory(path.aid)
        own = home.file_ids
        resolved = resolve(path, own[-1] if own else None)
        segments = resolved.segments
        if not segments:
            raise CardReadError(f"the path {path} names a directory, not a file")
        if not resolved.absolute:
            return home, segments
        if own and segments[: len(own)] == own and len(segments) > len(own):
            return home, segments[len(own) :]
        return Directory(b"", segments[:-1]), segments[-1:]

    def _read(self, directory: Directory, file_ids: tuple[int, ...]) -> bytes:
        place = (directory, file_ids)
        if place not in self._content:
            try:
                self._content[place] = self._files.read(directory, file_ids)
            except CardNotFoundError as error:
                raise CardReadError(f"the card names {directory.name(*file_ids)} and has it not: {error}") from error
            if self._files.opened_by_pin:
                self._private.add(place)
        return self._content[place]
