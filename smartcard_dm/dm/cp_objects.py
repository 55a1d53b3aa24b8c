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
from smartcard_dm.dm.cp_fields import CpFields
from smartcard_dm.dm.cp_place import steps
from smartcard_dm.dm.formats import NodeFormat
from smartcard_dm.dm.namespaces import MO_NAP, MO_PROXY
from smartcard_dm.dm.provided_object import ProvidedObject
from smartcard_dm.dm.tnds import NodeType, TndsNode, TypeKind
from smartcard_dm.dm.uri import INBOX_URI, segment_fault
from smartcard_dm.errors import DmError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from smartcard_dm.dm.account import DmAccount
    from smartcard_dm.dm.cp_accounts import CpAccounts
    from smartcard_dm.dm.server_id import ServerId

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
        children = [
            _leaf("NapId", named.identifier),
            *self._text(fields, "Name", "NAME"),
            *self._text(fields, "Addr", "NAP-ADDRESS"),
            *self._text(fields, "AddrType", "NAP-ADDRTYPE"),
            *_holder("Bearer", self._text(fields, "BearerType", "BEARER")),
        ]
        credentials = self._only(fields, "NAPAUTHINFO")
        if credentials is not None:
            parms = {"AuthType": "AUTHTYPE", "AuthName": "AUTHNAME", "AuthSecret": "AUTHSECRET"}
            leaves = [leaf for name, parm in parms.items() for leaf in self._text(credentials, name, parm)]
            children += _holder("AuthInfo", leaves)
            self._end(credentials)
        self._end(fields)
        return _interior(named.path, children, mo_id=MO_NAP)

    def proxy(self, named: _Named) -> TndsNode:
        """Make the node of a PXLOGICAL; what its PXPHYSICAL says too counts as that says it."""
        fields = named.fields
        children = [_leaf("ProxyId", named.identifier), *self._text(fields, "Name", "NAME")]
        physical = self._only(fields, "PXPHYSICAL")
        places = [fields] if physical is None else [physical, fields]
        if physical is not None:
            children += self._text(physical, "AddrType", "PXADDRTYPE")
            children += self._text(physical, "Addr", "PXADDR")
            children += self._text(physical, "AddrFQDN", "PXADDR-FQDN")
            references = (_reference(each, self._access_points) for each in self._texts(physical, "TO-NAPID"))
            children += _list("ConRefs", ([_leaf("ConRef", each)] for each in references))
        domains: Iterable[tuple[str, ...]] = (self._texts(each, "DOMAIN") for each in places)
        children += _list("Domains", ([_leaf("DomainName", each)] for each in next(filter(None, domains), ())))
        ports = next(filter(None, (each.characteristics("PORT") for each in places)), [])
        children += _list("Ports", filter(None, map(self._port, ports)))
        for each in places:
            self._end(each)
        return _interior(named.path, children, mo_id=MO_PROXY)

    def _port(self, fields: CpFields) -> list[TndsNode]:
        number = self._text(fields, "PortNbr", "PORTNBR")
        services = _list("Services", ([_leaf("ServiceName", each)] for each in self._texts(fields, "SERVICE")))
        self._end(fields)
        return [*number, *services]

    def _only(self, fields: CpFields, type_: str) -> CpFields | None:
        """Take the characteristic of a type; of several the first, since the object has place for one."""
        found = fields.characteristics(type_)
        self._warnings += [f"{each.place}: the object has place for one; left out" for each in found[1:]]
        return found[0] if found else None

    def _text(self, fields: CpFields, name: str, parm: str) -> list[TndsNode]:
        try:
            value = fields.optional(parm)
        except DmError as error:
            self._warnings.append(f"{error.place}: {error.detail}; left out")
            return []
        return [] if value is None else [_leaf(name, value)]

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


def _interior(name: str, children: Iterable[TndsNode], *, mo_id: str = "") -> TndsNode:
    type_ = NodeType(TypeKind.DDF_NAME, mo_id)
    return TndsNode(name=name, format=NodeFormat.NODE, children=tuple(children), type=type_)


def _leaf(name: str, value: str) -> TndsNode:
    return TndsNode(name=name, format=NodeFormat.CHR, value=value, type=NodeType(TypeKind.MIME, "text/plain"))


def _holder(name: str, children: list[TndsNode]) -> list[TndsNode]:
    return [_interior(name, children)] if children else []


def _list(name: str, entries: Iterable[list[TndsNode]]) -> list[TndsNode]:
    """Make `name/1`, `name/2` and so on, each with the nodes of an entry."""
    return _holder(name, [_interior(str(number), nodes) for number, nodes in enumerate(entries, 1)])
