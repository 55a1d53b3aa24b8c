"""Where the objects of one TNDS object go, and what becomes of references among them.

To a target of its own an object goes as written: the target, the Path, the names; an empty NodeName stands for the
target itself. To `./Inbox` the device finds the place: each object, wherever in the TNDS object it stands, goes below
the holder of its kind, under its own name if that is free, else under one made from it.

A connectivity reference may name an object of the same TNDS object as `./Inbox/` and its path in there, as that path
with or without `./`, by the name of its node, or below the holder of its kind; all of these become its final URI.

Guarantees: two objects never get one place; names are chosen before anything is added.
Leaves to its caller: rights, and adding the nodes.

Spec: OMA-TS-DM_Sessionless 5.5 (renaming; references that begin with `./Inbox`); OMA-TS-DM_StdObj-V1_2_1, 5.3.4;
OMA-TS-DM_TNDS-V1_2, 6.2.3 (Path, NodeName).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from smartcard_dm.dm import INBOX_URI, NodeUri
from smartcard_dm.tree.journal import Skipped
from smartcard_dm.tree.nodes import path_of
from smartcard_dm.tree.status import CommandRefused, StatusCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from smartcard_dm.dm import TndsNode
    from smartcard_dm.tree.nodes import Nodes
    from smartcard_dm.tree.objects import ObjectHandler

_MOST_NAMES: Final = 100_000
"""Names tried for one object before the device gives up."""


@dataclass(frozen=True, slots=True)
class Placement:
    """One node of a TNDS object and the place it gets."""

    uri: NodeUri
    node: TndsNode
    """With its final name."""
    inner: str
    """Its path inside the TNDS object; empty when it had no name."""
    named: str
    """The name it had there."""


@dataclass(frozen=True, slots=True)
class InnerNode:
    """A node of a TNDS object with its path inside."""

    node: TndsNode
    inner: str


def place_at(target: NodeUri, nodes: Iterable[TndsNode]) -> list[Placement]:
    """Return the places of the nodes of a TNDS object that was sent to a target of its own.

    Raises:
        CommandRefused: status 405, two nodes for one place, or one for the root.
    """
    placed: list[Placement] = []
    taken: set[tuple[str, ...]] = set()
    on_the_way: set[tuple[str, ...]] = set()
    for node in nodes:
        uri = place_of(target, node)
        if uri.is_root:
            raise CommandRefused(StatusCode.COMMAND_NOT_ALLOWED, "the root is there already and is never replaced")
        line = {uri.segments[:length] for length in range(1, len(uri.segments) + 1)}
        if not line.isdisjoint(taken) or uri.segments in on_the_way:
            raise CommandRefused(StatusCode.COMMAND_NOT_ALLOWED, f"two nodes of the object have the place {uri}")
        taken.add(uri.segments)
        on_the_way |= line
        placed.append(Placement(uri, replace(node, name=uri.name, path=None), _inner(node, ""), node.name))
    return placed


def place_of(target: NodeUri, node: TndsNode) -> NodeUri:
    """Return where a top node of a TNDS object goes that was sent to a target; one without a name is the target."""
    above = target if node.path is None else target.join(node.path)
    return above.child(node.name) if node.name else above


def place_by_kind(
    objects: Iterable[InnerNode], handlers: Mapping[str, ObjectHandler], is_taken: Callable[[NodeUri], bool]
) -> list[Placement]:
    """Return the places that the device chooses for objects.

    Args:
        objects: each begins a management object that is supported.
        handlers: by identifier.
        is_taken: whether a node is there already.

    Raises:
        CommandRefused: status 405, an object that never comes by the Inbox.
    """
    placed: list[Placement] = []
    chosen: set[NodeUri] = set()
    numbers: dict[NodeUri, int] = {}
    for found in objects:
        handler = handlers[found.node.mo_id or ""]
        if handler.holder is None:
            detail = f"the device has one {handler.family} of its own and takes none from the Inbox"
            raise CommandRefused(StatusCode.COMMAND_NOT_ALLOWED, detail)
        uri = _free(handler, found.node, lambda uri: uri in chosen or is_taken(uri), numbers)
        chosen.add(uri)
        node = replace(found.node, name=uri.name, path=None)
        placed.append(Placement(uri, node, found.inner, found.node.name))
    return placed


def objects_of(nodes: Iterable[TndsNode], skipped: list[Skipped]) -> Iterator[InnerNode]:
    """Yield the objects of a TNDS object sent to the Inbox, none inside another; what is in none is left out."""
    rest = [(node, _inner(node, "")) for node in nodes]
    rest.reverse()
    while rest:
        node, inner = rest.pop()
        if node.mo_id is not None:
            yield InnerNode(node, inner)
        elif node.is_interior and node.children:
            rest += [(child, f"{inner}/{child.name}" if inner else child.name) for child in reversed(node.children)]
        else:
            why = "it belongs to no management object, so that the Inbox knows no place for it"
            skipped.append(Skipped(f"{INBOX_URI}/{inner}", node.name, why))


def references_to(placed: Iterable[Placement], holders: Mapping[str, NodeUri | None]) -> dict[str, str]:
    """Return what references among these objects may say, with what each will say; ambiguous ones are left as they are.

    Args:
        placed: every object of one TNDS object with its place; objects further inside count too.
        holders: the holder of each identifier that is supported.
    """
    final: dict[str, str] = {}
    weak: dict[str, set[str]] = {}
    for placement in placed:
        uri = str(placement.uri)
        if placement.inner:
            final[f"{INBOX_URI}/{placement.inner}"] = uri
            weak.setdefault(f"./{placement.inner}", set()).add(uri)
            weak.setdefault(placement.inner, set()).add(uri)
        if placement.named:
            weak.setdefault(placement.named, set()).add(uri)
            holder = holders.get(placement.node.mo_id or "")
            if holder is not None:
                weak.setdefault(str(holder.child(placement.named)), set()).add(uri)
    for text, uris in weak.items():
        if len(uris) == 1:
            final.setdefault(text, *uris)
    return final


def inner_objects(placed: Iterable[Placement]) -> Iterator[Placement]:
    """Yield the objects that placed nodes are, or hold further inside, with the place each gets."""
    for placement in placed:
        rest = [placement]
        while rest:
            found = rest.pop()
            if found.node.mo_id is not None:
                yield found
            for child in found.node.children:
                if child.name and child.is_interior:
                    inner = f"{found.inner}/{child.name}" if found.inner else child.name
                    rest.append(Placement(found.uri.child(child.name), child, inner, child.name))


def is_taken_in(nodes: Nodes) -> Callable[[NodeUri], bool]:
    """Return the question whether a node is there already."""
    return lambda uri: nodes.get(path_of(uri)) is not None


def _inner(node: TndsNode, above: str) -> str:
    names = [*((node.path.segments) if node.path is not None else ()), *([node.name] if node.name else [])]
    return "/".join([*([above] if above else []), *names])


def _free(
    handler: ObjectHandler, node: TndsNode, is_taken: Callable[[NodeUri], bool], numbers: dict[NodeUri, int]
) -> NodeUri:
    """Return a place below the holder: the object's own name, else what its handler calls it, else a number.

    `numbers` holds the next number to try for a name, so that many objects of one name cost no more than one each.
    """
    assert handler.holder is not None  # noqa: S101 - asked before
    wanted = node.name or handler.name(node) or ""
    plain = handler.holder.child(wanted) if wanted else handler.holder
    if wanted and not is_taken(plain):
        return plain
    for number in range(numbers.get(plain, 2 if wanted else 1), _MOST_NAMES):
        uri = handler.holder.child(f"{wanted}-{number}" if wanted else str(number))
        if not is_taken(uri):
            numbers[plain] = number + 1
            return uri
    raise CommandRefused(StatusCode.COMMAND_FAILED, f"no name is left below {handler.holder}")
