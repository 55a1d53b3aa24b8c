"""A walk over one characteristic whose meaning is known.

Guarantees: every parm is taken by name; what nobody took is listed by name; every error names the parm and none shows
a value that may be secret.
Leaves to its caller: which parms the characteristic has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smartcard_dm.dm.cp_place import steps
from smartcard_dm.errors import DmError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smartcard_dm.dm.provisioning_document import Characteristic, Parm

STRUCTURE: Final = "provisioning account"


class CpFields:
    """The parms and characteristics inside one characteristic.

    Args:
        characteristic: the one.
        place: where it stands in its document.
        origin: where the document stands, in front of the place in errors; empty for nothing.
    """

    def __init__(self, characteristic: Characteristic, place: str, origin: str) -> None:
        self.place = place
        self._origin = origin
        self._parms = _by_name((parm.name, parm) for parm in characteristic.parms)
        below = characteristic.characteristics
        self._below: dict[str, list[tuple[str, Characteristic]]] = {}
        for inside, where in zip(below, steps("characteristic", (each.type for each in below)), strict=True):
            self._below.setdefault(inside.type, []).append((f"{place}/{where}", inside))

    def fault(self, detail: str, name: str, *, wanted: str | None = None, found: str | None = None) -> DmError:
        """Make the error that names a parm."""
        place = self.at(name)
        return DmError(STRUCTURE, detail, place=place, wanted=wanted, found=found)

    def at(self, name: str) -> str:
        """Return the place of a parm as errors show it."""
        place = f"{self.place}/{steps('parm', [name])[0]}"
        return f"{self._origin}/{place}" if self._origin else place

    def flag(self, name: str) -> bool:
        """Take a parm that says something by being there."""
        return bool(self._parms.pop(name, ()))

    def optional(self, name: str) -> str | None:
        """Take the value of a parm; None when it is not there or has no value, or an empty one.

        Raises:
            DmError: the parm is there more than once.
        """
        parms = self._parms.pop(name, [])
        if len(parms) > 1:
            raise self.fault("the parm stands more than once", name, wanted="at most one", found=str(len(parms)))
        return parms[0].value or None if parms else None

    def required(self, name: str) -> str:
        """Take the value of a parm that has to be there.

        Raises:
            DmError: it is not there, is there more than once, or has no value.
        """
        value = self.optional(name)
        if value is None:
            raise self.fault("the parm is missing or has no value", name)
        return value

    def several(self, *names: str) -> tuple[str, ...]:
        """Take the values of all parms of these names, in the order of the names.

        Raises:
            DmError: one has no value.
        """
        values: list[str] = []
        for name in names:
            for parm in self._parms.pop(name, []):
                if not parm.value:
                    raise self.fault("the parm has no value", name)
                values.append(parm.value)
        return tuple(values)

    def characteristics(self, type_: str) -> list[CpFields]:
        """Take the characteristics of a type."""
        return [CpFields(inside, place, self._origin) for place, inside in self._below.pop(type_, [])]

    def rest(self) -> list[str]:
        """Return the places of what nobody took, each name once."""
        parms = [f"{self.place}/{where}" for where in steps("parm", self._parms)]
        return parms + [place for below in self._below.values() for place, _ in below]


def _by_name(named: Iterable[tuple[str, Parm]]) -> dict[str, list[Parm]]:
    found: dict[str, list[Parm]] = {}
    for name, parm in named:
        found.setdefault(name, []).append(parm)
    return found
