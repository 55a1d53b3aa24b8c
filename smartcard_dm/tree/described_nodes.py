"""The permanent nodes of device description files: they are there from the beginning, as no server can make them.

A node is made when its file says that it is permanent and occurs at least once, and the same holds for every node above
it in that file. A leaf without a default value is empty; where its Format has no empty value it is left to the device.

Guarantees: parents first, each once, none inside an object that comes and goes.
Leaves to its caller: storing the rows.

Spec: OMA-TS-DM_TND-V1_2_1, 7.2.3 (permanent nodes), 7.8.4.3 (Scope, Occurrence, DefaultValue).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smartcard_dm.dm import NodeFormat
from smartcard_dm.tree.nodes import NodeRow
from smartcard_dm.tree.status import CommandRefused
from smartcard_dm.tree.values import check_value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smartcard_dm.dm.description import NodeDescription
    from smartcard_dm.tree.described import Descriptions

_EMPTY: Final[dict[NodeFormat, str | bytes | None]] = {
    NodeFormat.NODE: None,
    NodeFormat.NULL: None,
    NodeFormat.CHR: "",
    NodeFormat.XML: "",
    NodeFormat.BIN: b"",
    NodeFormat.B64: b"",
}


def described_rows(descriptions: Descriptions, there: Iterable[NodeRow], tstamp: str) -> list[NodeRow]:
    """Return the nodes that files want from the beginning, and those missing above them.

    Args:
        descriptions: what the files describe.
        there: the nodes that the tree has already.
        tstamp: the moment of making them.
    """
    known = {row.path: row for row in there}
    made: list[NodeRow] = []
    for names, description in descriptions.permanent():
        row = _row("/".join(names), description, tstamp)
        above = ["/".join(names[:length]) for length in range(1, len(names))]
        missing = [path for path in above if path not in known]
        if row is None or row.path in known or not all(known[path].is_interior for path in above if path in known):
            continue
        if any(_in_object(descriptions, path) for path in missing):
            continue
        new = [*(NodeRow(path, NodeFormat.NODE.value, tstamp=tstamp) for path in missing), row]
        known |= {each.path: each for each in new}
        made += new
    return made


def _row(path: str, description: NodeDescription, tstamp: str) -> NodeRow | None:
    format_ = description.format
    if format_ is None or (description.default is None and format_ not in _EMPTY):
        return None
    value = _EMPTY.get(format_) if description.default is None else description.default
    try:
        check_value(format_, value)
    except CommandRefused:
        return None  # a default value that is not of its Format is none
    type_ = description.types[0] if len(description.types) == 1 else ""
    if not type_ and format_ is NodeFormat.CHR:
        type_ = "text/plain"
    return NodeRow(path, format_.value, value, "", None, tstamp, type_)


def _in_object(descriptions: Descriptions, path: str) -> bool:
    """Whether a place belongs to an object, such as an account: nobody but a server or a card makes one."""
    found = descriptions.of(path.split("/"), [])
    return found is None or found.handler is not None
