"""One file or one object of a card, by the name under which `card show` lists it, or by its path.

Guarantees: only what leads to the name is read; what a DM bootstrap or client provisioning object holds is marked as
secret, whatever it says. Leaves to its caller: showing it.

Spec: design section 4 (`card read`); PKCS#15 v1.1, 6; the files of `catalogue`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from smartcard_dm.card.catalogue import (
    APPLICATION_FILES,
    CONTENT,
    GSM_DIRECTORIES,
    MASTER_FILES,
    PKCS15_FILES,
)
from smartcard_dm.card.directory import MASTER, Directory
from smartcard_dm.card.ladder import read_dir
from smartcard_dm.errors import CardNotFoundError, CardReadError, DecodeError
from smartcard_dm.identity import Generation
from smartcard_dm.iso7816 import MF, FileStructure
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.pkcs15 import CP_OIDS, DM_BOOTSTRAP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smartcard_dm.card.provisioning import ProvisioningApplication
    from smartcard_dm.card.session import CardSession
    from smartcard_dm.limits import Limits
    from smartcard_dm.pkcs15 import ObjectValue

_PATH: Final = re.compile(r"[0-9A-Fa-f]{4}(/[0-9A-Fa-f]{4})*")
_PROVISIONED: Final = frozenset({DM_BOOTSTRAP, *CP_OIDS})


@dataclass(frozen=True, slots=True)
class NamedContent:
    """What was read."""

    name: str
    """Its name in the standards, its label, or its path."""
    kind: str
    """`file`, or which kind of object."""
    place: str
    """Where it stands, such as 7F50/6431."""
    parts: tuple[bytes, ...]
    """The content of a transparent file or an object; of a file with records, each of them."""
    secret: bool
    """Whether it may hold secrets of accounts, so that it is not for showing."""
    meaning: str = ""
    """What it says, where this project reads it."""


def read_named(card: CardSession, name: str, *, limits: Limits = DEFAULT_LIMITS) -> NamedContent:
    """Return a file or an object of a card.

    Args:
        card: an open session.
        name: a name of the standards (EF.ICCID), a path from the master file (7F50/5031), or the label, the object
            identifier or the place of an object that the provisioning application lists.
        limits: bounds of files and directories.

    Raises:
        CardNotFoundError: the card has nothing of that name.
        CardReadError, PinRequiredError, PinError, PinBlockedError: it could not be read.
        DecodeError: what leads to it is malformed.
        UnsupportedError: its value is not on the card.
    """
    _ = card.identity
    if _PATH.fullmatch(name):
        return _by_path(card, name.upper(), limits)
    for home, file_id in _standard_places(card, name.upper(), limits):
        try:
            return _read(card, home, (file_id,), name.upper(), limits)
        except CardNotFoundError:
            continue
    found = _object(card.provisioning, name)
    if found is None:
        raise CardNotFoundError(f"the card has no file and no object called {name!r}")
    return found


def _standard_places(card: CardSession, name: str, limits: Limits) -> Iterator[tuple[Directory, int]]:
    """Give the places where a file of a standard may be, in the order in which they are tried."""
    yield from ((MASTER, file_id) for file_id, known in MASTER_FILES if known == name)
    if card.identity.generation is Generation.UICC:
        if any(known == name for listed in APPLICATION_FILES.values() for _, known in listed):
            for template in read_dir(card.files, limits):
                listed = APPLICATION_FILES.get(template.application, ()) if template.application is not None else ()
                yield from ((Directory(template.aid), file_id) for file_id, known in listed if known == name)
        return
    for home, _, listed in GSM_DIRECTORIES:
        yield from ((home, file_id) for file_id, known in listed if known == name)
    for file_id, known in PKCS15_FILES:
        if known == name:
            path = card.provisioning.path
            yield Directory(b"", tuple(int(part, 16) for part in path.split("/"))), file_id


def _by_path(card: CardSession, path: str, limits: Limits) -> NamedContent:
    ids = tuple(int(part, 16) for part in path.split("/"))
    *above, file_id = ids[1:] if ids[:1] == (MF,) and len(ids) > 1 else ids
    content = _read(card, Directory(b"", tuple(above)), (file_id,), path, limits)
    return NamedContent(path, content.kind, content.place, content.parts, _may_hold_accounts(card, content), "")


def _may_hold_accounts(card: CardSession, content: NamedContent) -> bool:
    """Tell whether a file is one that the provisioning application keeps accounts in; one that cannot tell may be."""
    try:
        objects = card.provisioning.data_objects
    except CardNotFoundError:
        return False
    except (CardReadError, DecodeError):
        return True
    # One file may be reached by a path and by an application's identifier: its own identifier is what both end in.
    files = {placed.place.rpartition("/")[2] for placed in objects if placed.object.oid in _PROVISIONED}
    return content.place.rpartition("/")[2] in files


def _read(card: CardSession, home: Directory, file_ids: tuple[int, ...], name: str, limits: Limits) -> NamedContent:
    files = card.files
    place = home.name(*file_ids)
    info = files.select(files.enter(home) if home != MASTER else home, file_ids)
    if info.structure in {None, FileStructure.NONE}:
        raise CardReadError(f"{place} is a directory: give a file below it")
    if info.structure is FileStructure.TRANSPARENT:
        octets = files.read(home, file_ids)
        decode = CONTENT.get(file_ids[-1]) if name.startswith("EF.") else None
        return NamedContent(name, "file", place, (octets,), secret=False, meaning=decode(octets) if decode else "")
    return NamedContent(name, "file", place, files.read_records(home, file_ids, limits.dir_records), secret=False)


def _object(application: ProvisioningApplication, name: str) -> NamedContent | None:
    for kind, label, oid, place, value in _objects(application):
        if name and name in {label, oid, place}:
            octets = application.read_value(value)
            return NamedContent(label or name, kind, place, (octets,), secret=oid in _PROVISIONED)
    return None


def _objects(application: ProvisioningApplication) -> Iterator[tuple[str, str, str, str, ObjectValue]]:
    """Give kind, label, object identifier, place and value of every object that has a value."""
    for data in application.data_objects:
        item = data.object
        yield "data object", item.name, item.oid or "", data.place, item.value
    for certificate in application.trusted_certificates:
        listed = certificate.object
        yield "trusted certificate", listed.label or listed.id.hex(), "", certificate.place, listed.value
    for key in application.trusted_public_keys:
        known = key.object
        yield "trusted public key", known.label or known.id.hex(), "", key.place, known.value
