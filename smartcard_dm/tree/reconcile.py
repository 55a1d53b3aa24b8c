"""Making the tree hold what the card holds: accounts and connectivity objects come, change and go with the card.

    an object of the card      in the tree                        done
    new                        -                                  added below the holder of its kind
    as it was                  there                              kept, with what messages changed in it
    as it was                  removed by a message               added again: a card is applied at each power-on
    changed                    there                              put in the place of the old one
    gone from the same card    there                              removed
    of another card            there                              removed
    not supported              -                                  left out, and said so
    an account                 another one with its ServerID,     removed: the card is what accounts are trusted by
                               added by a message

Rights: the ACLs that the card's data give; where they give none, a new object gives its own server what a server gets
that adds an interior node (Add, Delete, Replace), and client provisioning gives Get, Replace and Delete.

Guarantees: it works from credentials that were read whole; a card that could not be read never comes here, so that an
account is never dropped because of a reader. Leaves to its caller: the transaction and the reading.

Spec: OMA-TS-DM_Bootstrap-V1_2_1, 5.3.4, 5.3.5.1, 5.4.6; OMA-TS-DM_TND-V1_2_1, 7.7.1.3; design decision D8.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from smartcard_dm.dm import NodeUri, TndsDocument, build_tnds
from smartcard_dm.dm.namespaces import DMACC_VERSIONS
from smartcard_dm.errors import DecodeError, DmError, UnsupportedError
from smartcard_dm.tree.draft import draft
from smartcard_dm.tree.grafting import add_branch, want_new
from smartcard_dm.tree.journal import Skipped
from smartcard_dm.tree.nodes import path_of, uri_of
from smartcard_dm.tree.placing import InnerNode, Placement, is_taken_in, place_by_kind, references_to
from smartcard_dm.tree.provenance import ProvidedRow
from smartcard_dm.tree.rights import Rights
from smartcard_dm.tree.server_ids import accounts_of
from smartcard_dm.tree.status import CommandRefused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smartcard_dm.dm import ProvidedObject
    from smartcard_dm.identity import CardIdentity
    from smartcard_dm.tree.context import Context
    from smartcard_dm.tree.objects import ObjectHandler
    from smartcard_dm.tree.provenance import Provenance


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One object that the card holds and the device supports."""

    key: str
    object: ProvidedObject
    digest: bytes


@dataclass(slots=True)
class Reconciled:
    """What a card changed in the tree, as URIs."""

    kept: list[str]
    added: list[str]
    replaced: list[str]
    removed: list[str]


def card_name(identity: CardIdentity) -> str:
    """Return what tells one card from another: its ICCID, or its answer to reset when it has none."""
    return identity.iccid or f"ATR {identity.atr}"


def reconcile(context: Context, provenance: Provenance, card: str, objects: Iterable[ProvidedObject]) -> Reconciled:
    """Make the tree hold what the card holds.

    Args:
        context: with the rights of the device itself.
        provenance: what came from cards before.
        card: name of the card, see `card_name`.
        objects: everything its bootstrap objects hold.

    Raises:
        DmError: an object of the card cannot be put into the tree; nothing may be committed then.
    """
    wanted = {each.key: each for each in _wanted(context, objects)}
    done = Reconciled([], [], [], [])
    places: dict[str, NodeUri] = {}
    for row in provenance.rows():
        known = wanted.get(row.key) if row.card == card else None
        present = context.nodes.get(row.path) is not None
        if known is not None and present and known.digest == row.digest:
            places[row.key] = _uri(row.path)
            done.kept.append(uri_of(row.path))
            continue
        if present:
            context.nodes.remove(row.path)
        provenance.forget(row)  # not left to the journal: another object of the card may get the place
        if known is not None and present:
            places[row.key] = _uri(row.path)  # the changed object gets the place of the old one
            done.replaced.append(uri_of(row.path))
        elif present:
            done.removed.append(uri_of(row.path))
    _clear_the_way(context, wanted.values(), places, done)
    for group in _groups(wanted.values()):
        placed = _place(context, group, places)
        references = references_to(
            placed.values(),
            {name: handler.holder for name, handler in context.descriptions.register.by_identifier.items()},
        )
        for each in group:
            placement = placed[each.key]
            uri = str(placement.uri)
            if uri in done.kept:
                continue
            _add(context, each, placement, references)
            if uri not in done.replaced:
                done.added.append(uri)
            _note(provenance, card, each, placement)
    return done


def _clear_the_way(context: Context, wanted: Iterable[_Wanted], places: dict[str, NodeUri], done: Reconciled) -> None:
    """Remove accounts that messages added for servers of which the card has one: the verifier would refuse both."""
    own = {path_of(uri) for uri in places.values()}
    for each in wanted:
        identifier = each.object.node.mo_id or ""
        if identifier not in DMACC_VERSIONS:
            continue
        handler = context.descriptions.register.by_identifier[identifier]
        for path in accounts_of(context.nodes, handler.key(each.object.node) or ""):
            if path not in own:
                context.nodes.remove(path)
                context.journal.moves.append((path, None))
                done.removed.append(uri_of(path))


def _wanted(context: Context, objects: Iterable[ProvidedObject]) -> list[_Wanted]:
    """Return the objects that are supported, each with a key of its own; the others are noted as left out."""
    handlers = context.descriptions.register.by_identifier
    found: list[_Wanted] = []
    numbers: dict[str, int] = {}
    for each in objects:
        handler = handlers.get(each.node.mo_id or "")
        if handler is None or handler.holder is None:
            why = "the device does not support this management object, or has one of its own"
            context.journal.skipped.append(Skipped(f"./Inbox/{each.path}", each.node.mo_id or "", why))
            continue
        key = _key(handler, each)
        number = numbers[key] = numbers.get(key, 0) + 1
        # Two accounts of one ServerID are both taken in: the verifier has to see them to refuse them.
        found.append(_Wanted(key if number == 1 else f"{key} ({number})", each, _digest(each)))
    return found


def _key(handler: ObjectHandler, each: ProvidedObject) -> str:
    return f"{handler.family} {handler.key(each.node) or each.node.name or each.path}"


def _digest(each: ProvidedObject) -> bytes:
    octets = build_tnds(TndsDocument((replace(each.node, path=NodeUri()),)))
    return hashlib.sha256(octets + f"\n{each.server_id or ''}\n{each.path}".encode()).digest()


def _groups(wanted: Iterable[_Wanted]) -> list[list[_Wanted]]:
    """Return objects by the TNDS object they came in: references never leave one."""
    groups: dict[tuple[str, int], list[_Wanted]] = {}
    for each in wanted:
        groups.setdefault((str(each.object.origin), each.object.group), []).append(each)
    return list(groups.values())


def _place(context: Context, group: list[_Wanted], places: dict[str, NodeUri]) -> dict[str, Placement]:
    """Return the place of each object: the one it has, else one that is free."""
    new = [each for each in group if each.key not in places]
    chosen = place_by_kind(
        (InnerNode(each.object.node, each.object.path) for each in new),
        context.descriptions.register.by_identifier,
        _taken(context, places.values()),
    )
    found = {each.key: placement for each, placement in zip(new, chosen, strict=True)}
    for each in group:
        if each.key in places:
            uri, source = places[each.key], each.object
            node = replace(source.node, name=uri.name, path=None)
            found[each.key] = Placement(uri, node, source.path, source.node.name)
    places.update((key, placement.uri) for key, placement in found.items())
    return found


def _taken(context: Context, places: Iterable[NodeUri]) -> _Taken:
    return _Taken(context, frozenset(places))


class _Taken:
    """Whether a place has a node, or will have one."""

    def __init__(self, context: Context, promised: frozenset[NodeUri]) -> None:
        self._there = is_taken_in(context.nodes)
        self._promised = promised

    def __call__(self, uri: NodeUri) -> bool:
        return uri in self._promised or self._there(uri)


def _add(context: Context, each: _Wanted, placement: Placement, references: dict[str, str]) -> None:
    line = context.nodes.line(placement.uri)
    handler = context.descriptions.register.by_identifier[placement.node.mo_id or ""]
    node = placement.node
    if node.acl is None and each.object.server_id is not None:
        acl = Rights(each.object.server_id).given_to_new(line.rows)
        node = replace(node, acl=acl) if not acl.is_empty else node
    try:
        handler.check(node, str(placement.uri))
        want_new(context, line)
        add_branch(context, line, draft(context, replace(placement, node=node), line.rows, references))
    except (CommandRefused, DecodeError, UnsupportedError) as error:
        what = f"{each.object.origin}: {placement.uri} cannot be put into the tree"
        raise DmError("object of the card", f"{what}: {error}") from error


def _note(provenance: Provenance, card: str, each: _Wanted, placement: Placement) -> None:
    origin = each.object.origin
    provenance.keep(
        ProvidedRow(
            card,
            each.key,
            path_of(placement.uri),
            each.digest,
            None if each.object.server_id is None else str(each.object.server_id),
            origin.object if origin is not None else "",
            origin.path if origin is not None else "",
            origin.oid if origin is not None else "",
        )
    )


def _uri(path: str) -> NodeUri:
    return NodeUri(tuple(path.split("/")))
