"""Management objects that a device description file makes the device support.

An object whose own node a file describes, with its identifier as DFType, is supported as the file says: its nodes are
held against the file, and one sent to the Inbox goes below the described parent when the file leaves its name open.

Guarantees: a handler for each identifier, the first description of it counting. Leaves to its caller: handlers of
the same identifier that know more than a file can say; they go first.

Spec: OMA-TS-DM_TND-V1_2_1, 7.8.4 (DFType, DDFName); OMA-TS-DM_Sessionless 5.5 (objects a client supports).
"""

from __future__ import annotations

import re
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from smartcard_dm.dm import NodeFormat, NodeUri
from smartcard_dm.dm.standard_object import StandardObject

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

    from smartcard_dm.dm.description import DescribedBranch

_VERSION: Final = re.compile(r"(?<=[:/])[0-9]+(\.[0-9]+)*(?=/|$)")


def described_objects(branches: Iterable[DescribedBranch], known: Container[str]) -> Iterator[StandardObject]:
    """Yield a handler for each object that files describe.

    Args:
        branches: what the files describe.
        known: identifiers that have a handler already.
    """
    seen: set[str] = set()
    for branch in branches:
        for names, description in branch.node.walk():
            if description.format is not NodeFormat.NODE or len(description.types) != 1:
                continue
            (identifier,) = description.types
            if not identifier or identifier in known or identifier in seen:
                continue
            seen.add(identifier)
            line = (*branch.parent.segments, branch.node.name, *names)
            open_name = not line[-1] and all(line[:-1])
            yield StandardObject(
                family=_VERSION.sub("", identifier),
                versions=MappingProxyType({identifier: _version(identifier)}),
                holder=NodeUri(line[:-1]) if open_name else None,
                description=replace(description, name=""),
            )


def _version(identifier: str) -> tuple[int, ...]:
    found = _VERSION.search(identifier)
    return (0,) if found is None else tuple(int(number) for number in found.group().split("."))
