"""Rules on TNDS objects: their form, their tables, their places, their ACLs and the references in them.

Spec: OMA-TS-DM_Sessionless 5.4 and 5.5; OMA-TS-DM_TNDS-V1_2, 6.2; OMA-TS-DM_StdObj-V1_2_1, 5.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smartcard_dm.dm import INBOX_URI, AclCommand, CommandKind, TextData
from smartcard_dm.errors import DecodeError, LimitExceededError, UnsupportedError
from smartcard_dm.server.lint.rules import LintRule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smartcard_dm.server.lint.finding import Finding
    from smartcard_dm.server.lint.view import Entry, Placed, View

_INBOX: Final = str(INBOX_URI)
_URI_LIMITS: Final = frozenset({"node_uri_octets", "node_uri_segments"})


def check_objects(view: View) -> Iterator[Finding]:
    """Look at every TNDS object."""
    for entry in view.entries:
        document = entry.document
        if isinstance(document, DecodeError | UnsupportedError):
            yield _malformed(view, entry, document)
            continue
        if document is None:
            continue
        for placed in entry.placed():
            yield from _bounds(view, entry, placed)
            yield from _tables(view, entry, placed)
            yield from _acl(view, entry, placed)
            if entry.to_inbox:
                yield from _inbox_place(view, entry, placed)
            elif placed.node.path is None:
                yield view.policy.finding(
                    LintRule.PATH_MISSING, entry.data_place, "a node without Path", str(placed.uri)
                )


def check_references(view: View) -> Iterator[Finding]:
    """Look at every value that begins with `./Inbox`."""
    for entry in view.entries:
        if not entry.writes:
            continue
        data = entry.item.data
        if entry.document is None and isinstance(data, TextData) and _is_reference(data.text):
            detail = "a reference into the Inbox stands outside a TNDS object"
            yield view.policy.finding(LintRule.INBOX_REFERENCE, entry.data_place, detail, entry.node)
        everything = [placed for top in entry.placed() for placed in top.walk()]
        objects = {f"{_INBOX}/{placed.inner}" for placed in everything if placed.node.mo_id is not None}
        for placed in everything:
            value = placed.node.value
            if isinstance(value, str) and _is_reference(value) and value not in objects:
                detail = "a reference names no object of the same TNDS object"
                yield view.policy.finding(LintRule.INBOX_REFERENCE, entry.data_place, detail, str(placed.uri))


def _is_reference(text: str) -> bool:
    return text == _INBOX or text.startswith(f"{_INBOX}/")


def _malformed(view: View, entry: Entry, error: DecodeError | UnsupportedError) -> Finding:
    rule = LintRule.OBJECT_MALFORMED
    if isinstance(error, LimitExceededError) and error.limit in _URI_LIMITS:
        rule = LintRule.URI_BOUNDS
    return view.policy.finding(rule, entry.data_place, _told(error), entry.node)


def _told(error: DecodeError | UnsupportedError) -> str:
    """Return what an error says, without what it found: that may be a value."""
    if isinstance(error, UnsupportedError):
        return str(error)
    place = f" at {error.place}" if error.place else ""
    wanted = f" (wanted {error.wanted})" if error.wanted else ""
    return f"{error.detail}{place}{wanted}"


def _bounds(view: View, entry: Entry, top: Placed) -> Iterator[Finding]:
    limits = view.policy.limits
    for placed in top.walk():
        deep = len(placed.uri.segments) > limits.node_uri_segments
        if deep or len(str(placed.uri).encode()) > limits.node_uri_octets:
            detail = f"more than {limits.node_uri_segments} segments or {limits.node_uri_octets} octets"
            yield view.policy.finding(LintRule.URI_BOUNDS, entry.data_place, detail, str(placed.uri)[:80])
            return


def _tables(view: View, entry: Entry, top: Placed) -> Iterator[Finding]:
    """Hold every object against its table; what stands inside a known one is its table's business."""
    rest = [top]
    while rest:
        placed = rest.pop()
        table = view.table(placed.node)
        if table is not None:
            try:
                table.check(placed.node, str(placed.uri))
            except DecodeError as error:
                yield view.policy.finding(LintRule.OBJECT_UNFIT, entry.data_place, _told(error), str(placed.uri))
            except UnsupportedError as error:
                yield view.policy.finding(LintRule.OBJECT_UNKNOWN, entry.data_place, str(error), str(placed.uri))
        elif placed.node.mo_id is not None:
            detail = f"unknown management object {placed.node.mo_id[:80]!r}"
            yield view.policy.finding(LintRule.OBJECT_UNKNOWN, entry.data_place, detail, str(placed.uri))
        else:
            rest += reversed(list(placed.below()))


def _acl(view: View, entry: Entry, top: Placed) -> Iterator[Finding]:
    if entry.kind is not CommandKind.ADD:
        return
    finding, uri = view.policy.finding, str(top.uri)
    acls = [node.acl for node in top.node.walk() if node.acl is not None and not node.acl.is_empty]
    if not acls:
        yield finding(LintRule.ACL_MISSING, entry.data_place, "a new object without any ACL property", uri)
        return
    own = top.node.acl
    if own is not None and not own.is_empty and not own.may(AclCommand.REPLACE, view.server_id):
        detail = f"its ACL does not let {view.server_id} replace it"
        yield finding(LintRule.ACL_LOCKOUT, entry.data_place, detail, uri)


def _inbox_place(view: View, entry: Entry, top: Placed) -> Iterator[Finding]:
    finding = view.policy.finding
    begins = [placed for placed in top.walk() if placed.node.mo_id is not None]
    if not begins:
        detail = "nothing in it begins a management object, so that no place is known for it"
        yield finding(LintRule.INBOX_PLACE, entry.data_place, detail, str(top.uri))
    for placed in begins:
        table = view.table(placed.node)
        if table is not None and table.holder is None:
            detail = f"a device has one {table.family} of its own and takes none from the Inbox"
            yield finding(LintRule.INBOX_PLACE, entry.data_place, detail, str(placed.uri))
