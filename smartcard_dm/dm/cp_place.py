"""How places in a provisioning document are named.

Guarantees: a place is short and printable, whatever the document holds, and never shows the value of a parm.
Leaves to its caller: counting.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHOWN: Final = 40
"""Characters of a type or name that a place shows."""


def step(kind: str, name: str | None, position: int, total: int) -> str:
    """Return one step of a place, such as `characteristic[APPLICATION][2]`.

    Args:
        kind: `characteristic` or `parm`.
        name: its type or name; None where it has none.
        position: counted from 1 among those of one name side by side.
        total: how many these are; the position is shown where there are several.
    """
    shown = "?" if name is None else name[:_SHOWN]
    text = f"{kind}[{shown if shown.isprintable() else ascii(shown)}]"
    return f"{text}[{position}]" if total > 1 else text


def steps(kind: str, names: Iterable[str]) -> list[str]:
    """Return the steps of all that stand side by side, in their order."""
    listed = list(names)
    totals = Counter(listed)
    positions: Counter[str] = Counter()
    found: list[str] = []
    for name in listed:
        positions[name] += 1
        found.append(step(kind, name, positions[name], totals[name]))
    return found
