"""A survey of a card: the files a subscriber card is known for, and everything its provisioning application lists.

Guarantees: only files of the catalogue below are selected, since a card cannot be asked what it holds; a file that is
not there is left out, one that is refused is listed with the reason. Leaves to its caller: drawing it.

Spec: ETSI TS 102 221, 13 (files below the MF); 3GPP TS 31.102, 4.2; PKCS#15 v1.1, 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from smartcard_dm.card.directory import MASTER, Directory
from smartcard_dm.card.ladder import EF_DIR, read_dir
from smartcard_dm.errors import CardConnectionError, CardError, CardNotFoundError, DecodeError
from smartcard_dm.iso7816 import AID, FileStructure, decode_iccid, decode_imsi
from smartcard_dm.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from smartcard_dm.card.files import CardFiles
    from smartcard_dm.card.provisioning import ProvisioningApplication
    from smartcard_dm.card.session import CardSession
    from smartcard_dm.identity import CardIdentity
    from smartcard_dm.iso7816 import ApplicationTemplate, Fcp
    from smartcard_dm.limits import Limits


@dataclass(frozen=True, slots=True)
class SurveyedFile:
    """One file."""

    name: str
    """Its name in the standards, such as EF.ICCID."""
    path: str
    """Where it stands, such as 7F50/5031."""
    size: int | None
    """Octets; None when the card does not say."""
    structure: str
    """Transparent, or records and how many."""
    access: tuple[str, ...]
    """Access rules in words; empty when the card does not tell them."""
    content: str = ""
    """What it says, where this project reads it; never a secret."""


@dataclass(frozen=True, slots=True)
class SurveyedObject:
    """One object of the provisioning application."""

    kind: str
    """Data object, trusted certificate, PIN and so on."""
    name: str
    """Label, or what its identifier says."""
    listed_in: str
    """The directory file."""
    place: str
    """The file of its value."""
    oid: str = ""
    """Object identifier, where it has one."""
    private: bool = False
    """Whether a PIN is needed to read it."""


@dataclass(frozen=True, slots=True)
class SurveyedDirectory:
    """The files found in one directory."""

    name: str
    files: tuple[SurveyedFile, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """What a card shows of itself."""

    identity: CardIdentity
    directories: tuple[SurveyedDirectory, ...]
    provisioning: str
    """Which way led to the provisioning application, or why none did."""
    objects: tuple[SurveyedObject, ...]
    warnings: tuple[str, ...]


_MASTER_FILES: Final = ((0x2FE2, "EF.ICCID"), (EF_DIR, "EF.DIR"), (0x2F05, "EF.PL"), (0x2F06, "EF.ARR"))
_USIM_FILES: Final = ((0x6F07, "EF.IMSI"), (0x6F38, "EF.UST"), (0x6F46, "EF.SPN"), (0x6FAD, "EF.AD"))
_ISIM_FILES: Final = ((0x6F02, "EF.IMPI"), (0x6F03, "EF.DOMAIN"), (0x6F04, "EF.IMPU"), (0x6FAD, "EF.AD"))
_PKCS15_FILES: Final = ((0x5031, "EF.ODF"), (0x5032, "EF.TokenInfo"))
_CATALOGUE: Final = {AID.USIM: _USIM_FILES, AID.ISIM: _ISIM_FILES, AID.PKCS15: _PKCS15_FILES}
_CONTENT: Final[dict[int, Callable[[bytes], str]]] = {0x2FE2: decode_iccid, 0x6F07: decode_imsi}


def survey_card(card: CardSession, *, limits: Limits = DEFAULT_LIMITS) -> Survey:
    """Return what a card shows of itself.

    Raises:
        CardConnectionError: the way to the card failed.
        CardReadError: not even the master file can be read.
        UnsupportedError: the card is of class A0.
    """
    identity = card.identity
    files = card.files
    warnings: list[str] = []
    directories = [SurveyedDirectory("MF 3F00", tuple(_files(files, MASTER, _MASTER_FILES)))]
    for template in _applications(files, limits, warnings):
        known = template.application
        listed = _CATALOGUE.get(known, ()) if known is not None else ()
        label = template.label or (known.name if known is not None else "application")
        directories.append(
            SurveyedDirectory(
                f"{label} {template.aid.hex().upper()}", tuple(_application_files(files, template, listed))
            )
        )
    try:
        application = card.provisioning
    except CardConnectionError:
        raise
    except CardError as error:
        return Survey(identity, tuple(directories), str(error), (), tuple(warnings))
    objects = tuple(_objects(application, warnings))
    way = f"{application.path}, by {application.way}"
    return Survey(identity, tuple(directories), way, objects, (*application.warnings, *warnings))


def _applications(files: CardFiles, limits: Limits, warnings: list[str]) -> tuple[ApplicationTemplate, ...]:
    try:
        return read_dir(files, limits)
    except CardConnectionError:
        raise
    except CardNotFoundError:
        return ()
    except (CardError, DecodeError) as error:
        warnings.append(f"the applications of EF.DIR are left out: {error}")
        return ()


def _application_files(
    files: CardFiles, template: ApplicationTemplate, listed: tuple[tuple[int, str], ...]
) -> Iterator[SurveyedFile]:
    if not listed:
        return
    try:
        home = files.enter(Directory(template.aid))
    except CardConnectionError:
        raise
    except (CardError, DecodeError) as error:
        yield SurveyedFile("ADF", template.aid.hex().upper(), None, "", (), f"({error})")
        return
    yield from _files(files, home, listed)


def _files(files: CardFiles, home: Directory, listed: tuple[tuple[int, str], ...]) -> Iterator[SurveyedFile]:
    for file_id, name in listed:
        try:
            fcp = files.select(home, (file_id,))
        except CardNotFoundError:
            continue
        except CardConnectionError:
            raise
        except (CardError, DecodeError) as error:
            yield SurveyedFile(name, home.name(file_id), None, "", (), f"({error})")
            continue
        rules = _access(files, home, fcp)
        size = None if fcp is None else fcp.file_size
        yield SurveyedFile(name, home.name(file_id), size, _structure(fcp), rules, _content(files, home, file_id))


def _access(files: CardFiles, home: Directory, fcp: Fcp | None) -> tuple[str, ...]:
    try:
        return tuple(str(rule) for rule in files.access_rules(home, fcp))
    except CardConnectionError:
        raise
    except (CardError, DecodeError) as error:
        return (f"({error})",)


def _structure(fcp: Fcp | None) -> str:
    descriptor = None if fcp is None else fcp.descriptor
    if descriptor is None:
        return ""
    if descriptor.structure is FileStructure.TRANSPARENT or descriptor.record_count is None:
        return descriptor.structure.value
    return f"{descriptor.structure.value}, {descriptor.record_count} records of {descriptor.record_length}"


def _content(files: CardFiles, home: Directory, file_id: int) -> str:
    decode = _CONTENT.get(file_id)
    if decode is None:
        return ""
    try:
        return decode(files.read(home, (file_id,))[0])
    except CardConnectionError:
        raise
    except (CardError, DecodeError) as error:
        return f"({error})"


def _objects(application: ProvisioningApplication, warnings: list[str]) -> Iterator[SurveyedObject]:
    """Give the objects of every kind; a kind that cannot be read is a warning, and the others are given."""
    for listed in (_data_objects, _certificates, _public_keys, _auth_objects):
        try:
            yield from listed(application)
        except CardConnectionError:
            raise
        except (CardError, DecodeError) as error:
            warnings.append(str(error))


def _data_objects(application: ProvisioningApplication) -> Iterator[SurveyedObject]:
    for data in application.data_objects:
        item = data.object
        yield SurveyedObject("data object", item.name, data.directory, data.place, item.oid or "", private=item.private)


def _certificates(application: ProvisioningApplication) -> Iterator[SurveyedObject]:
    for certificate in application.trusted_certificates:
        item = certificate.object
        name, place = item.label or item.id.hex(), certificate.place
        yield SurveyedObject("trusted certificate", name, certificate.directory, place, private=item.private)


def _public_keys(application: ProvisioningApplication) -> Iterator[SurveyedObject]:
    for key in application.trusted_public_keys:
        item = key.object
        name = item.label or item.id.hex()
        yield SurveyedObject("trusted public key", name, key.directory, key.place, private=item.private)


def _auth_objects(application: ProvisioningApplication) -> Iterator[SurveyedObject]:
    for pin in application.auth_objects:
        yield SurveyedObject("authentication object", pin.object.label or "PIN", pin.directory, pin.place)
