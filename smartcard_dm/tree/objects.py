"""Management objects a device supports: what a handler knows of one, and the register of handlers.

Guarantees: handlers are asked, never guessed at; two handlers for one identifier are refused when the register is made.
Leaves to its caller: putting objects into the tree.

A handler of one's own is a class like `StandardObject`, named in the entry-point group `smartcard_dm.mo_handlers`;
each entry is called without arguments and returns the handler, or several of them in a tuple.

Spec: OMA-TS-DM_Sessionless 5.5 (an object that is not supported, several versions of one); OMA-TS-DM_StdObj-V1_2_1, 5.2
(identifiers), 5.3.4 (Inbox).
"""

from __future__ import annotations

from importlib.metadata import entry_points
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from smartcard_dm.dm import NodeUri, TndsNode
    from smartcard_dm.dm.description import NodeDescription

ENTRY_POINT_GROUP: Final = "smartcard_dm.mo_handlers"


class ObjectHandler(Protocol):
    """What the device knows of one management object, in all the versions it supports."""

    @property
    def family(self) -> str:
        """The object's name without a version, such as `urn:oma:mo:oma-dm-dmacc`."""

    @property
    def versions(self) -> Mapping[str, tuple[int, ...]]:
        """Every identifier that is supported, with the version it names; several may name one."""

    @property
    def holder(self) -> NodeUri | None:
        """The node below which an object sent to the Inbox goes; None when none is ever taken from there."""

    @property
    def description(self) -> NodeDescription:
        """The object's own node and what stands below it."""

    def key(self, node: TndsNode) -> str | None:
        """Return what tells two instances apart whatever their names, such as the ServerID; None when it is missing."""

    def name(self, node: TndsNode) -> str | None:
        """Return a name for an object that came without one; None to have it numbered."""

    def check(self, node: TndsNode, place: str) -> None:
        """Refuse an object that is broken.

        Raises:
            DmError: a node is missing, unknown or has a value that it may not have; the node is named.
            UnsupportedError: well-formed, not handled.
        """


_MEMBERS: Final = ("family", "versions", "holder", "description", "key", "name", "check")


class ObjectRegister:
    """The handlers of a device, found by identifier.

    Raises:
        ValueError: two handlers are for one identifier.
    """

    def __init__(self, handlers: Iterable[ObjectHandler]) -> None:
        self.handlers = tuple(handlers)
        seen: dict[str, ObjectHandler] = {}
        for handler in self.handlers:
            for identifier in handler.versions:
                if identifier in seen:
                    raise ValueError(f"two handlers for the management object {identifier}")
                seen[identifier] = handler
        self._by_identifier = MappingProxyType(seen)

    @property
    def by_identifier(self) -> Mapping[str, ObjectHandler]:
        """The handler of each identifier that is supported."""
        return self._by_identifier


def installed_handlers() -> tuple[ObjectHandler, ...]:
    """Return the handlers that other distributions name in the entry-point group, in the order of their names.

    Raises:
        ValueError: an entry cannot be loaded, or gives no handler.
    """
    found: list[ObjectHandler] = []
    for entry in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda entry: entry.name):
        try:
            made = entry.load()()
        except Exception as error:
            raise ValueError(f"entry point {entry.name} of {ENTRY_POINT_GROUP} cannot be used: {error}") from error
        given = made if isinstance(made, tuple | list) else (made,)
        if not given or not all(hasattr(each, name) for each in given for name in _MEMBERS):
            raise ValueError(f"entry point {entry.name} of {ENTRY_POINT_GROUP} gives no handler")
        found += given
    return tuple(found)
