"""A survey of a card: the files a subscriber card is known for, and everything its provisioning application lists.

Guarantees: only files of `catalogue` are selected, since a card cannot be asked what it holds; a file that is
not there is left out, one that is refused is listed with the reason. Leaves to its caller: drawing it.

Spec: design section 4 (`card show`); PKCS#15 v1.1, 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from smartcard_dm.card.catalogue import (
    APPLICATION_FILES,
    CONTENT,
    GSM_DIRECTORIES,
    MASTER_FILES,
    PKCS15_FILES,
    PKCS15_PATHS,
)
from smartcard_dm.card.directory import MASTER, Directory
from smartcard_dm.card.ladder import read_dir
from smartcard_dm.errors import CardConnectionError, CardError, CardNotFoundError, DecodeError
from smartcard_dm.identity import Generation
from smartcard_dm.iso7816 import AID, MF, FileStructure
from smartcard_dm.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smartcard_dm.card.file_info import FileInfo
    from smartcard_dm.card.files import CardFiles
    from smartcard_dm.card.provisioning import ProvisioningApplication
    from smartcard_dm.card.session import CardSession
    from smartcard_dm.identity import CardIdentity
    from smartcard_dm.iso7816 import ApplicationTemplate
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
    generation_reason: str = ""
    """How the generation was found, as a sentence."""


def survey_card(card: CardSession, *, limits: Limits = DEFAULT_LIMITS) -> Survey:
    """Return what a card shows of itself.

    Raises:
        CardConnectionError: the way to the card failed.
        CardReadError: the card takes commands of neither class, or its number cannot be read.
    """
    identity, reason = card.identity, card.detection
    files = card.files
    warnings: list[str] = []
    directories = [SurveyedDirectory("MF 3F00", tuple(_files(files, MASTER, MASTER_FILES)))]
    templates = _applications(files, limits, warnings)
    if identity.generation is Generation.UICC:
        directories += _by_identifier(files, templates)
    else:
        directories += _by_path(files, templates)
    try:
        application = card.provisioning
    except CardConnectionError:
        raise
    except CardError as error:
        return Survey(identity, tuple(directories), str(error), (), tuple(warnings), reason)
    objects = tuple(_objects(application, warnings))
    way = f"{application.path}, by {application.way}"
    return Survey(identity, tuple(directories), way, objects, (*application.warnings, *warnings), reason)


def _by_identifier(files: CardFiles, templates: tuple[ApplicationTemplate, ...]) -> Iterator[SurveyedDirectory]:
    """Give the applications of a UICC that EF.DIR names."""
    for template in templates:
        known = template.application
        listed = APPLICATION_FILES.get(known, ()) if known is not None else ()
        label = template.label or (known.name if known is not None else "application")
        found = tuple(_application_files(files, template, listed))
        yield SurveyedDirectory(f"{label} {template.aid.hex().upper()}", found)


def _by_path(files: CardFiles, templates: tuple[ApplicationTemplate, ...]) -> Iterator[SurveyedDirectory]:
    """Give the directories that a card of class A0 is known for, and that of the PKCS#15 application."""
    named = [template.path.file_ids for template in templates if template.application is AID.PKCS15 and template.path]
    paths = (ids[1:] if ids[:1] == (MF,) else ids for ids in named)
    known = [(Directory(b"", ids), "DF PKCS-15", PKCS15_FILES) for ids in dict.fromkeys((*paths, *PKCS15_PATHS))]
    for home, name, listed in (*GSM_DIRECTORIES, *known):
        try:
            files.enter(home)
        except CardNotFoundError:
            continue
        except CardConnectionError:
            raise
        except (CardError, DecodeError) as error:
            unreadable = SurveyedFile("DF", str(home), None, "", (), f"({error})")
            yield SurveyedDirectory(f"{name} {home}", (unreadable,))
            continue
        yield SurveyedDirectory(f"{name} {home}", tuple(_files(files, home, listed)))


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
            info = files.select(home, (file_id,))
        except CardNotFoundError:
            continue
        except CardConnectionError:
            raise
        except (CardError, DecodeError) as error:
            yield SurveyedFile(name, home.name(file_id), None, "", (), f"({error})")
            continue
        rules = _access(files, home, info)
        yield SurveyedFile(name, home.name(file_id), info.size, _structure(info), rules, _content(files, home, file_id))


def _access(files: CardFiles, home: Directory, info: FileInfo) -> tuple[str, ...]:
    try:
        return files.access(home, info)
    except CardConnectionError:
        raise
    except (CardError, DecodeError) as error:
        return (f"({error})",)


def _structure(info: FileInfo) -> str:
    if info.structure is None:
        return ""
    if info.structure is FileStructure.TRANSPARENT or info.record_count is None:
        return info.structure.value
    return f"{info.structure.value}, {info.record_count} records of {info.record_length}"


def _content(files: CardFiles, home: Directory, file_id: int) -> str:
    decode = CONTENT.get(file_id)
    if decode is None:
        return ""
    try:
        return decode(files.read(home, (file_id,)))
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
