"""Rules on what items are addressed to.

Spec: OMA-TS-DM_TND-V1_2_1, 5 and 7.7; OMA-TS-DM_StdObj-V1_2_1, 5.3.2 to 5.3.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smartcard_dm.dm import (
    INBOX_URI,
    CommandKind,
    NodeUri,
    PropertyUri,
    TextData,
    parse_acl,
    parse_target,
)
from smartcard_dm.dm.properties import CHANGEABLE_PROPERTIES, PROPERTIES
from smartcard_dm.dm.tnds_read import MAX_TITLE_OCTETS
from smartcard_dm.dm.uri import segment_fault
from smartcard_dm.errors import DecodeError, LimitExceededError, UnsupportedError
from smartcard_dm.server.lint.rules import LintRule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smartcard_dm.server.lint.finding import Finding
    from smartcard_dm.server.lint.view import Entry, View

_ORDERLESS: Final = frozenset({CommandKind.GET})
"""Commands of which two for one target do no harm to each other."""


def check_targets(view: View) -> Iterator[Finding]:
    """Look at the target, and for Copy at the source, of every item."""
    for entry in view.entries:
        yield from _target(view, entry)
        if entry.kind is CommandKind.COPY:
            yield from _source(view, entry)
        if isinstance(entry.target, PropertyUri):
            yield from _property(view, entry, entry.target)
        elif isinstance(entry.target, NodeUri):
            yield from _inbox(view, entry, entry.target)
            yield from _read_only(view, entry, entry.target)


def check_duplicates(view: View) -> Iterator[Finding]:
    """Look for nodes that two items are about."""
    first: dict[str, Entry] = {}
    for entry in view.entries:
        for key in _concerned(entry):
            before = first.setdefault(key, entry)
            if before is entry and not _twice_in(entry, key):
                continue
            ordered = before.scope is not None and before.scope == entry.scope and before is not entry
            both_add = before.kind is entry.kind is CommandKind.ADD
            if not ordered or both_add:
                detail = f"{before.place} is about the same node" if before is not entry else "it holds the node twice"
                yield view.policy.finding(LintRule.DUPLICATE_TARGET, entry.place, detail, key)


def _concerned(entry: Entry) -> list[str]:
    """Return the nodes or properties that an item is about."""
    if entry.kind in _ORDERLESS or entry.target is None or isinstance(entry.target, DecodeError | UnsupportedError):
        return []
    if entry.to_inbox:
        return []
    if entry.document is None:
        return [str(entry.target)]
    return list(dict.fromkeys(str(placed.uri) for placed in entry.placed()))


def _twice_in(entry: Entry, key: str) -> bool:
    return sum(str(placed.uri) == key for placed in entry.placed()) > 1


def _target(view: View, entry: Entry) -> Iterator[Finding]:
    if entry.target is None:
        detail = f"{entry.kind.value} without a target"
        yield view.policy.finding(LintRule.TARGET_MISSING, entry.place, detail)
    elif isinstance(entry.target, DecodeError | UnsupportedError):
        yield _uri_finding(view, entry, entry.target, "Target", entry.node)


def _source(view: View, entry: Entry) -> Iterator[Finding]:
    if entry.item.source is None:
        yield view.policy.finding(LintRule.TARGET_MISSING, entry.place, "Copy without a source", entry.node)
        return
    try:
        source = parse_target(entry.item.source, limits=view.policy.limits)
    except (DecodeError, UnsupportedError) as error:
        yield _uri_finding(view, entry, error, "Source", entry.item.source)
        return
    if isinstance(source, PropertyUri):
        yield view.policy.finding(LintRule.PROPERTY, entry.place, "a property cannot be copied", str(source))


def _uri_finding(view: View, entry: Entry, error: DecodeError | UnsupportedError, end: str, uri: str | None) -> Finding:
    rule = LintRule.URI_BOUNDS if isinstance(error, LimitExceededError) else LintRule.URI
    if isinstance(error, LimitExceededError):
        detail = f"the URI is too long or too deep: {error.wanted}, found {error.found}"
    else:
        detail = error.detail if isinstance(error, DecodeError) else "?list= is for Get with a response"
    return view.policy.finding(rule, f"{entry.place}/{end}/LocURI", detail, uri[:80] if uri else None)


def _property(view: View, entry: Entry, target: PropertyUri) -> Iterator[Finding]:
    finding, node = view.policy.finding, str(target)
    if entry.kind is CommandKind.GET:
        return
    if entry.kind is not CommandKind.REPLACE:
        yield finding(LintRule.PROPERTY, entry.place, f"{entry.kind.value} has no use for a property", node)
    elif target.property not in CHANGEABLE_PROPERTIES:
        known = target.property in PROPERTIES
        detail = f"{target.property} is for Get only" if known else f"there is no property {target.property[:40]}"
        yield finding(LintRule.PROPERTY, entry.place, detail, node)
    elif not isinstance(entry.item.data, TextData):
        yield finding(LintRule.VALUE_MISSING, entry.place, f"no text for the property {target.property}", node)
    else:
        yield from _property_value(view, entry, target, entry.item.data.text)


def _property_value(view: View, entry: Entry, target: PropertyUri, text: str) -> Iterator[Finding]:
    finding, node = view.policy.finding, str(target)
    if target.property == "ACL":
        try:
            parse_acl(text.strip())
        except DecodeError as error:
            yield finding(LintRule.ACL_VALUE, entry.data_place, error.detail, node)
        return
    if target.property == "Name":
        fault = segment_fault(text)
    else:
        fault = f"more than {MAX_TITLE_OCTETS} octets" if len(text.encode()) > MAX_TITLE_OCTETS else None
    if fault is not None:
        yield finding(LintRule.PROPERTY, entry.data_place, f"not a {target.property}: {fault}", node)


def _inbox(view: View, entry: Entry, target: NodeUri) -> Iterator[Finding]:
    if not entry.to_inbox or entry.kind is CommandKind.GET:
        return
    if entry.kind is not CommandKind.ADD:
        detail = f"{entry.kind.value} at {INBOX_URI}"
    elif entry.document is None and not entry.item.more_data:
        detail = f"{INBOX_URI} gets something else than a TNDS object"
    elif target != INBOX_URI:
        detail = f"the target is below {INBOX_URI}"
    else:
        return
    yield view.policy.finding(LintRule.INBOX_USE, entry.place, detail, entry.node)


def _read_only(view: View, entry: Entry, target: NodeUri) -> Iterator[Finding]:
    if entry.kind is CommandKind.GET or entry.to_inbox:
        return
    for table in view.policy.objects:
        own = table.description
        if own.is_permanent and target.segments[:1] == (own.name,) and own.below(target.segments[1:]) is not None:
            detail = f"it belongs to {own.name}, which is permanent"
            yield view.policy.finding(LintRule.READ_ONLY, entry.place, detail, entry.node)
