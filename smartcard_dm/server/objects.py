"""Composing a TNDS object: accounts, connectivity and free nodes, with their ACLs and the references among them.

Guarantees: every node knows its ACL before the message is made, as the draft wants it; a connectivity reference that
names a connectivity object of the same TNDS object becomes `./Inbox/` and that object's path.
Leaves to its caller: the embedding, and whether the object fits its table.

Spec: OMA-TS-DM_Sessionless 5.4 (ACL), 5.5 (references); OMA-TS-DM_TNDS-V1_2, 6.2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from smartcard_dm.dm import (
    INBOX_URI,
    NodeType,
    NodeUri,
    TndsDocument,
    TypeKind,
    build_access_point,
    build_dmacc,
    build_proxy,
)
from smartcard_dm.errors import DmError
from smartcard_dm.server.markup import STRUCTURE

if TYPE_CHECKING:
    from smartcard_dm.dm import AccessPoint, Acl, DmAccount, Proxy, TndsNode


@dataclass(frozen=True, slots=True)
class ObjectBuilder:
    """The parts of one TNDS object, in the order in which they were asked for."""

    accounts: tuple[tuple[DmAccount, Acl | None], ...] = ()
    access_points: tuple[tuple[AccessPoint, Acl | None], ...] = ()
    proxies: tuple[tuple[Proxy, Acl | None], ...] = ()
    nodes: tuple[TndsNode, ...] = ()

    def account(self, account: DmAccount, *, acl: Acl | None = None) -> ObjectBuilder:
        """Put in a DM account."""
        return replace(self, accounts=(*self.accounts, (account, acl)))

    def access_point(self, access_point: AccessPoint, *, acl: Acl | None = None) -> ObjectBuilder:
        """Put in a network access point."""
        return replace(self, access_points=(*self.access_points, (access_point, acl)))

    def proxy(self, proxy: Proxy, *, acl: Acl | None = None) -> ObjectBuilder:
        """Put in a proxy."""
        return replace(self, proxies=(*self.proxies, (proxy, acl)))

    def node(self, *nodes: TndsNode) -> ObjectBuilder:
        """Put in nodes as they are, with the ACLs they have."""
        return replace(self, nodes=(*self.nodes, *nodes))

    def build(
        self, *, acl: Acl | None = None, at_target: bool = False, man: str | None = None, mod: str | None = None
    ) -> TndsDocument:
        """Return the TNDS object.

        Args:
            acl: for every node directly below MgmtTree that has none.
            at_target: whether the object goes to a target of its own and not to `./Inbox`; its nodes then say so with
                a Path, `.` where they have no other.
            man: manufacturer the object is for.
            mod: model the object is for.

        Raises:
            DmError: nothing is in it, two nodes have one place, or a reference may mean two objects.
            ValueError: a node name given cannot be one.
        """
        paths = self._paths()
        nodes = [
            *(_owned(build_dmacc(_referring_account(each, paths)), own) for each, own in self.accounts),
            *(_owned(build_access_point(each), own) for each, own in self.access_points),
            *(_owned(build_proxy(_referring_proxy(each, paths)), own) for each, own in self.proxies),
            *self.nodes,
        ]
        if not nodes:
            raise DmError(STRUCTURE, "an object without nodes", wanted="at least one")
        taken: set[tuple[str, ...]] = set()
        for node in nodes:
            place = _place(node)
            if node.name and place in taken:
                raise DmError(STRUCTURE, "two nodes of an object have one place", place="/".join(place)[:80])
            taken.add(place)
        finished = tuple(_finished(node, acl, at_target=at_target) for node in nodes)
        return TndsDocument(finished, man=man, mod=mod)

    def _paths(self) -> dict[str, str]:
        """Return the path of each connectivity object by the names that references may call it."""
        paths: dict[str, str] = {}
        named = [(each.identifier, each.node_name) for each, _ in self.access_points]
        named += [(each.identifier, each.node_name) for each, _ in self.proxies]
        for identifier, node_name in named:
            for name in {identifier, node_name} - {""}:
                if name in paths:
                    raise DmError(STRUCTURE, "two connectivity objects have one name", place=name[:80])
                paths[name] = node_name
        return paths


def _reference(text: str, paths: dict[str, str]) -> str:
    """Return a reference as the TNDS object has it; one that it does not know means something of the device."""
    path = paths.get(text)
    if path is None:
        return text
    if not path:
        raise DmError(STRUCTURE, "a reference needs an object with a node name", place=text[:80])
    return f"{INBOX_URI}/{path}"


def _referring_account(account: DmAccount, paths: dict[str, str]) -> DmAccount:
    preferred = account.pref_con_ref
    return replace(
        account,
        pref_con_ref=None if preferred is None else _reference(preferred, paths),
        to_con_refs=tuple(_reference(each, paths) for each in account.to_con_refs),
    )


def _referring_proxy(proxy: Proxy, paths: dict[str, str]) -> Proxy:
    return replace(proxy, con_refs=tuple(_reference(each, paths) for each in proxy.con_refs))


def _owned(node: TndsNode, acl: Acl | None) -> TndsNode:
    return node if acl is None else replace(node, acl=acl)


def _place(node: TndsNode) -> tuple[str, ...]:
    return (*(node.path.segments if node.path is not None else ()), node.name)


def _finished(node: TndsNode, acl: Acl | None, *, at_target: bool) -> TndsNode:
    if at_target and node.path is None:
        node = replace(node, path=NodeUri())
    if acl is None or node.acl is not None:
        return node
    # A node that was read without run-time properties gets some, to hold the ACL.
    return replace(node, acl=acl, type=node.type or NodeType(TypeKind.DDF_NAME))
