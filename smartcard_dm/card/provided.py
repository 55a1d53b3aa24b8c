"""What the bootstrap objects of a card provide: DM accounts, other management objects, connectivity.

    DM bootstrap  2.23.43.7.1  every object, in the card's order
    CP Bootstrap  2.23.43.5.1  the first of these three that is not empty, in this order;
    CP Config1    2.23.43.5.2  the others are warned about if they are filled too
    CP Config2    2.23.43.5.3

A card may hold both: accounts of DM bootstrap come first, then those of client provisioning, and both are given, since
neither text says that one hides the other. Two accounts with one ServerID are given too.

Guarantees: an error names the object and its file; no warning holds a secret; every account is among the management
objects too.

Spec: OMA-TS-DM_Bootstrap-V1_2, 5.3.5.1 and 5.4.6; OMA-WAP-TS-ProvSC-V1_1 (which could not be read: that the first file
wins is what implementations do); design decision D8.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from smartcard_dm.dm import (
    accounts_from_document,
    objects_from_accounts,
    parse_bootstrap,
    parse_provisioning_document,
)
from smartcard_dm.errors import (
    CardConnectionError,
    CardError,
    DecodeError,
    LimitExceededError,
    UnsupportedError,
)
from smartcard_dm.identity import Origin
from smartcard_dm.pkcs15 import CP_OIDS, DM_BOOTSTRAP, OID_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from smartcard_dm.card.provisioning import Placed, ProvisioningApplication
    from smartcard_dm.dm import Characteristic, DmAccount, ProvidedObject
    from smartcard_dm.limits import Limits
    from smartcard_dm.pkcs15 import DataObject


@dataclass(frozen=True, slots=True)
class Provided:
    """What bootstrap objects say."""

    accounts: tuple[DmAccount, ...] = ()
    connectivity: tuple[Characteristic, ...] = ()
    """Proxies and network access points of client provisioning, as they stand."""
    warnings: tuple[str, ...] = ()
    objects: tuple[ProvidedObject, ...] = ()
    """Management objects, those of the accounts too; their groups are numbered through all the bootstrap objects."""
    object_warnings: tuple[str, ...] = ()
    """What client provisioning says that has no place in a management object; it takes nothing from an account."""


def read_provided(application: ProvisioningApplication, limits: Limits) -> Provided:
    """Return what the bootstrap objects of an application provide.

    Raises:
        CardReadError, PinRequiredError, PinError, PinBlockedError: an object could not be read.
        DecodeError: an object is malformed; it is named.
        LimitExceededError: more accounts than `Limits.accounts`.
        UnsupportedError: an object on a network, enciphered, or with content that is not handled.
    """
    objects = application.data_objects
    parts = [_dm(application, placed, limits) for placed in objects if placed.object.oid == DM_BOOTSTRAP]
    # `sorted` keeps the card's order among objects of one kind.
    files = sorted((placed for placed in objects if placed.object.oid in CP_OIDS), key=_rank)
    parts.append(_cp(application, files, limits))
    accounts = tuple(account for part in parts for account in part.accounts)
    if len(accounts) > limits.accounts:
        raise LimitExceededError("accounts of the card", "accounts", limits.accounts, found=str(len(accounts)))
    connectivity = tuple(one for part in parts for one in part.connectivity)
    warnings = tuple(warning for part in parts for warning in part.warnings)
    object_warnings = tuple(warning for part in parts for warning in part.object_warnings)
    return Provided(accounts, connectivity, warnings, tuple(_numbered(parts)), object_warnings)


def _numbered(parts: Iterable[Provided]) -> Iterator[ProvidedObject]:
    """Give the objects group numbers that are distinct through all parts."""
    numbers: dict[tuple[int, int], int] = {}
    for number, part in enumerate(parts):
        for provided in part.objects:
            yield replace(provided, group=numbers.setdefault((number, provided.group), len(numbers) + 1))


def _dm(application: ProvisioningApplication, placed: Placed[DataObject], limits: Limits) -> Provided:
    origin = _origin(placed)
    with _named(origin):
        bootstrap = parse_bootstrap(_octets(application, placed), limits=limits)
    odd = [f"{origin}: the file is empty"] if bootstrap.empty else []
    odd += [f"{origin}: {warning}" for warning in bootstrap.warnings]
    odd += _left_out(origin, bootstrap.skipped)
    accounts = tuple(replace(account, origin=origin) for account in bootstrap.accounts)
    return Provided(accounts, (), tuple(odd), _from(origin, bootstrap.objects))


def _cp(application: ProvisioningApplication, files: list[Placed[DataObject]], limits: Limits) -> Provided:
    """Read files until one is not empty; of the rest it is only said whether they are."""
    odd: list[str] = []
    for position, placed in enumerate(files):
        origin = _origin(placed)
        with _named(origin):
            document = parse_provisioning_document(_octets(application, placed), limits=limits)
        if document.empty:
            odd.append(f"{origin}: the file is empty")
            continue
        with _named(origin):
            found = accounts_from_document(document, origin_place="", limits=limits)
            made = objects_from_accounts(found)
        odd += [f"{origin}: {warning}" for warning in found.warnings]
        odd += _left_out(origin, found.skipped)
        odd += (_unused(application, other) for other in files[position + 1 :])
        accounts = tuple(replace(account, origin=origin) for account in found.accounts)
        left_out = tuple(f"{origin}: {warning}" for warning in made.warnings)
        objects = _from(origin, made.objects)
        return Provided(accounts, found.connectivity, tuple(filter(None, odd)), objects, left_out)
    return Provided(warnings=tuple(odd))


def _unused(application: ProvisioningApplication, placed: Placed[DataObject]) -> str:
    """Say what is to be said about a file that another one goes before; nothing about an empty one."""
    origin = _origin(placed)
    try:
        empty = not _octets(application, placed).strip(b"\xff\x00")
    except CardConnectionError:
        raise
    except (CardError, DecodeError, UnsupportedError) as error:
        return f"{origin}: not used, and not looked at ({error})"
    return "" if empty else f"{origin}: filled too, not used"


def _octets(application: ProvisioningApplication, placed: Placed[DataObject]) -> bytes:
    direct = placed.object.direct_octets
    return application.read_value(placed.object.value) if direct is None else direct


def _from(origin: Origin, objects: Iterable[ProvidedObject]) -> tuple[ProvidedObject, ...]:
    return tuple(replace(provided, origin=origin) for provided in objects)


def _left_out(origin: Origin, skipped: Iterable[str]) -> list[str]:
    return [f"{origin}: {name} gives no account" for name in skipped]


def _origin(placed: Placed[DataObject]) -> Origin:
    oid = placed.object.oid or ""
    return Origin(OID_NAMES[oid], placed.place, oid)


def _rank(placed: Placed[DataObject]) -> int:
    return CP_OIDS.index(placed.object.oid or "")


@contextmanager
def _named(origin: Origin) -> Iterator[None]:
    """Put the object in front of what an error about its content says."""
    try:
        yield
    except (DecodeError, UnsupportedError) as error:
        error.args = (f"{origin}: {error}",)
        raise
