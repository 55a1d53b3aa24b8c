"""The syntax of variables in what an operator writes: `${name}`; before `{`, two `$` stand for one.

Guarantees: every text is read as pieces, none of which is lost. Leaves to its caller: where a variable may stand.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from smartcard_dm.errors import DmError

_SIGNS: Final = re.compile(r"(\$+)\{")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")


class Variable(NamedTuple):
    """The place of a value that is not known yet."""

    name: str


def pieces(text: str, *, structure: str, place: str | None) -> tuple[str | Variable, ...]:
    """Return the fixed parts and the variables of a text, in order; no empty part.

    Raises:
        DmError: `${` without a name and `}`.
    """
    found: list[str | Variable] = []
    fixed, end = "", 0
    while match := _SIGNS.search(text, end):
        signs = len(match[1])
        fixed += text[end : match.start()] + "$" * (signs // 2)
        end = match.end()
        if signs % 2 == 0:
            fixed += "{"
            continue
        name, closed, _ = text[end:].partition("}")
        if not closed or not _NAME.fullmatch(name):
            wanted = "${name}, or $${ for the characters themselves"
            raise DmError(structure, "not a variable", place=place, wanted=wanted, found=repr("${" + name[:40]))
        end += len(name) + 1
        found += ([fixed] if fixed else []) + [Variable(name)]
        fixed = ""
    fixed += text[end:]
    return (*found, fixed) if fixed else tuple(found)


def sole_variable(text: str) -> bool:
    """Whether a text is one variable and nothing else."""
    return text.startswith("${") and text.endswith("}") and _NAME.fullmatch(text[2:-1]) is not None
