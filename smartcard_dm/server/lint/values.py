"""Rules on the values that items and TNDS nodes give.

Spec: OMA-TS-DM_TND-V1_2_1, 7.7.2; OMA-TS-DM_RepPro-V1_2_1 (Add, Replace, Data).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smartcard_dm.dm import CommandKind, InlineTree, NodeFormat, NodeUri, TextData
from smartcard_dm.dm.formats import decode_base64
from smartcard_dm.dm.values import value_fault
from smartcard_dm.errors import DmError
from smartcard_dm.server.lint.rules import LintRule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smartcard_dm.server.lint.finding import Finding
    from smartcard_dm.server.lint.view import Entry, View

_FORMATS: Final = {each.value: each for each in NodeFormat}


def check_values(view: View) -> Iterator[Finding]:
    """Look at the values of items and of the nodes of TNDS objects."""
    for entry in view.entries:
        if not entry.writes or entry.item.more_data:
            continue
        if entry.document is None:
            if isinstance(entry.target, NodeUri) and not entry.to_inbox:
                yield from _item(view, entry)
            continue
        for top in entry.placed():
            for placed in top.walk():
                fault = value_fault(placed.node.format, placed.node.value)
                if fault is not None:
                    yield view.policy.finding(LintRule.VALUE, entry.data_place, fault, str(placed.uri))


def _item(view: View, entry: Entry) -> Iterator[Finding]:
    finding, data = view.policy.finding, entry.item.data
    said = entry.meta.format
    if said is not None and said not in _FORMATS:
        yield finding(LintRule.FORMAT, f"{entry.place}/Meta/Format", f"unknown Format {said[:20]!r}", entry.node)
        return
    format_ = None if said is None else _FORMATS[said]
    if isinstance(data, InlineTree):
        yield finding(LintRule.VALUE, entry.data_place, "elements stand where a value belongs", entry.node)
    elif format_ is NodeFormat.NODE:
        if entry.kind is CommandKind.REPLACE:
            yield finding(LintRule.VALUE, entry.place, "an interior node has no value to replace", entry.node)
        elif isinstance(data, TextData) and data.text.strip():
            yield finding(LintRule.VALUE, entry.data_place, "an interior node has a value", entry.node)
    elif data is None and format_ is not NodeFormat.NULL:
        yield finding(LintRule.VALUE_MISSING, entry.place, f"{entry.kind.value} without Data", entry.node)
    else:
        if said is None and entry.kind is CommandKind.ADD:
            yield finding(LintRule.FORMAT_MISSING, entry.place, "a node is added without Format", entry.node)
        if isinstance(data, TextData):
            fault = _text_fault(data.text, format_, entry.meta.size)
            if fault is not None:
                yield finding(LintRule.VALUE, entry.data_place, fault, entry.node)


def _text_fault(text: str, format_: NodeFormat | None, size: int | None) -> str | None:
    """Say why a text is no value of a Format, or not of the size said; None when it is."""
    value: str | bytes = text
    if format_ is NodeFormat.NULL:
        return "a node of Format null has a value" if text else None
    if format_ is not None and format_.is_binary:
        try:
            value = decode_base64(text, structure="value", place=None)
        except DmError as error:
            return error.detail
    elif format_ is not None:
        fault = value_fault(format_, text)
        if fault is not None:
            return fault
    octets = len(value if isinstance(value, bytes) else value.encode())
    return None if size is None or size == octets else f"Meta says a Size of {size} octets, the value has {octets}"
