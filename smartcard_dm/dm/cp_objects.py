"""Management objects of a client provisioning document: its accounts, network access points and proxies.

    NAPDEF      network access point  NAPID, NAME, NAP-ADDRESS, NAP-ADDRTYPE, BEARER, NAPAUTHINFO
    PXLOGICAL   proxy                 PROXY-ID, NAME, DOMAIN, and of its one PXPHYSICAL: PXADDR, PXADDRTYPE,
                                      PXADDR-FQDN, TO-NAPID, PORT, DOMAIN

Guarantees: an object holds only nodes whose names are confirmed; each parm that has none is told. Values are those of
the document, not translated, but for references: one that names an object of the document becomes `./Inbox/` and that
object's path. What is broken here never stops the reading: it is left out and told, since no account depends on it.
Rights: Delete, Get and Replace for the server of the account; without one account that all is for, no ACL is given,
and nobody is to get rights.
Leaves to its caller: the objects' `origin`, and whether connectivity is supported at all.

OMA-DDS-DM_ConnMO-V1_0 could not be read. Names and nesting of nodes are those that public descriptions of devices
agree on; the identifiers are those of the OMNA registry.
Spec: OMA-TS-DM_Bootstrap-V1_2_1, 5.3.4 (rights); OMA-WAP-TS-ProvCont-V1_1 (parms).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from smartcard_dm.dm.account_write import build_dmacc
from smartcard_dm.dm.acl import Acl, AclCommand
from smartcard_dm.dm.connectivity import (
    AccessPoint,
    ConnectionAuth,
    Proxy,
    ProxyPort,
    build_access_point,
    build_proxy,
)
from smartcard_dm.dm.cp_fields import CpFields
from smartcard_dm.dm.cp_place import steps
from smartcard_dm.dm.provided_object import ProvidedObject
from smartcard_dm.dm.uri import INBOX_URI, segment_fault
from smartcard_dm.errors import DmError
from smartcard_dm.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from smartcard_dm.dm.account import DmAccount
    from smartcard_dm.dm.cp_accounts import CpAccounts
    from smartcard_dm.dm.server_id import ServerId
    from smartcard_dm.dm.tnds import TndsNode

_GROUP: Final = 1
"""A document is one group: its names are known in all of it."""
_NAPDEF: Final = "NAPDEF"
_NAMED_BY: Final = {_NAPDEF: "NAPID", "PXLOGICAL": "PROXY-ID"}
_RIGHTS: Final = (AclCommand.DELETE, AclCommand.GET, AclCommand.REPLACE)


@dataclass(frozen=True, slots=True)
class CpObjects:
    """What a provisioning document says as management objects."""

    objects: tuple[ProvidedObject, ...] = ()
    """The accounts, then connectivity in the order of the document."""
    warnings: tuple[str, ...] = ()
    """What has no place in an object, with its place in the document."""


def objects_from_accounts(found: CpAccounts) -> CpObjects:
    """Return what was found in a provisioning document as management objects, each account's among them."""
    warnings: list[str] = []
    named = _named(found, warnings)
    owner = found.accounts[0].server_id if len(found.accounts) == 1 else None
    paths = {each.identifier: each.path for each in named}
    objects = [_account(account, paths) for account in found.accounts]
    access_points = {each.identifier: each.path for each in named if each.is_access_point}
    for each in named:
        builder = _Builder(warnings, access_points)
        node = builder.access_point(each) if each.is_access_point else builder.proxy(each)
        objects.append(ProvidedObject(_owned(node, owner), each.path, _GROUP, owner))
    return CpObjects(tuple(objects), tuple(warnings))


class _Named(NamedTuple):
    """A characteristic of connectivity whose name is known."""

    fields: CpFields
    identifier: str
    """What references call it."""
    path: str
    """Name of its node."""
    is_access_point: bool


def _named(found: CpAccounts, warnings: list[str]) -> list[_Named]:
    """Find out what each characteristic is called; one without a name of its own could not be told from another."""
    named: list[_Named] = []
    taken = {account.node_name for account in found.accounts}
    places = steps("characteristic", (each.type for each in found.connectivity))
    for number, (characteristic, place) in enumerate(zip(found.connectivity, places, strict=True), 1):
        fields = CpFields(characteristic, place, "")
        try:
            identifier = fields.required(_NAMED_BY[characteristic.type])
        except DmError as error:
            warnings.append(f"{error.place}: {error.detail}; no object is made")
            continue
        path = str(number) if segment_fault(identifier) else identifier
        if {identifier, path} & taken:
            warnings.append(f"{place}: something before it has its name; no object is made")
            continue
        taken |= {identifier, path}
        named.append(_Named(fields, identifier, path, characteristic.type == _NAPDEF))
    return named


def _account(account: DmAccount, paths: Mapping[str, str]) -> ProvidedObject:
    preferred = account.pref_con_ref
    referring = replace(
        account,
        pref_con_ref=None if preferred is None else _reference(preferred, paths),
        to_con_refs=tuple(_reference(each, paths) for each in account.to_con_refs),
    )
    node = _owned(build_dmacc(referring), account.server_id)
    return ProvidedObject(node, node.name, _GROUP, account.server_id)


def _owned(node: TndsNode, owner: ServerId | None) -> TndsNode:
    return node if owner is None else replace(node, acl=Acl.of(dict.fromkeys(_RIGHTS, frozenset({owner}))))


class _Builder:
    """Makes the nodes of one object, and tells what it leaves out."""

    def __init__(self, warnings: list[str], access_points: Mapping[str, str]) -> None:
        self._warnings = warnings
        self._access_points = access_points

    def access_point(self, named: _Named) -> TndsNode:
        """Make the node of a NAPDEF."""
        fields = named.fields
        access_point = AccessPoint(
            identifier=named.identifier,
            node_name=named.path,
            name=self._text(fields, "NAME"),
            addr=self._text(fields, "NAP-ADDRESS"),
            addr_type=self._text(fields, "NAP-ADDRTYPE"),
            bearer=self._text(fields, "BEARER"),
            auth=self._auth(fields),
        )
        self._end(fields)
        return build_access_point(access_point)

    def _auth(self, fields: CpFields) -> ConnectionAuth | None:
        credentials = self._only(fields, "NAPAUTHINFO")
        if credentials is None:
            return None
        type_, name = self._text(credentials, "AUTHTYPE"), self._text(credentials, "AUTHNAME")
        secret = self._text(credentials, "AUTHSECRET")
        self._end(credentials)
        return ConnectionAuth(type=type_, name=name, secret=None if secret is None else Secret(secret.encode()))

    def proxy(self, named: _Named) -> TndsNode:
        """Make the node of a PXLOGICAL; what its PXPHYSICAL says too counts as that says it."""
        fields = named.fields
        name = self._text(fields, "NAME")
        physical = self._only(fields, "PXPHYSICAL")
        proxy = Proxy(identifier=named.identifier, node_name=named.path, name=name)
        places = [fields] if physical is None else [physical, fields]
        if physical is not None:
            proxy = replace(
                proxy,
                addr_type=self._text(physical, "PXADDRTYPE"),
                addr=self._text(physical, "PXADDR"),
                addr_fqdn=self._text(physical, "PXADDR-FQDN"),
                con_refs=tuple(_reference(each, self._access_points) for each in self._texts(physical, "TO-NAPID")),
            )
        domains: Iterable[tuple[str, ...]] = (self._texts(each, "DOMAIN") for each in places)
        proxy = replace(proxy, domains=next(filter(None, domains), ()))
        ports = next(filter(None, (each.characteristics("PORT") for each in places)), [])
        proxy = replace(proxy, ports=tuple(map(self._port, ports)))
        for each in places:
            self._end(each)
        return build_proxy(proxy)

    def _port(self, fields: CpFields) -> ProxyPort:
        port = ProxyPort(number=self._text(fields, "PORTNBR"), services=self._texts(fields, "SERVICE"))
        self._end(fields)
        return port

    def _only(self, fields: CpFields, type_: str) -> CpFields | None:
        """Take the characteristic of a type; of several the first, since the object has place for one."""
        found = fields.characteristics(type_)
        self._warnings += [f"{each.place}: the object has place for one; left out" for each in found[1:]]
        return found[0] if found else None

    def _text(self, fields: CpFields, parm: str) -> str | None:
        try:
            return fields.optional(parm)
        except DmError as error:
            self._warnings.append(f"{error.place}: {error.detail}; left out")
            return None

    def _texts(self, fields: CpFields, parm: str) -> tuple[str, ...]:
        try:
            return fields.several(parm)
        except DmError as error:
            self._warnings.append(f"{error.place}: {error.detail}; left out")
            return ()

    def _end(self, fields: CpFields) -> None:
        self._warnings += [f"{place} has no place in the object and is left out" for place in fields.rest()]


def _reference(name: str, paths: Mapping[str, str]) -> str:
    """Return a reference as a TNDS object has it; one that the document does not know means something of the device."""
    return f"{INBOX_URI}/{paths[name]}" if name in paths else name
