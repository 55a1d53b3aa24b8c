"""The syntax of variables in what an operator writes: `${name}`; `$${` stands for the two characters `${`.

Guarantees: every text is read as pieces, none of which is lost. Leaves to its caller: where a variable may stand.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from smartcard_dm.errors import DmError

_PIECE: Final = re.compile(r"\$\$\{|\$\{([^}]*)(\}?)")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")


class Variable(NamedTuple):
    """The place of a value that is not known yet."""

    name: str


def pieces(text: str, *, structure: str, place: str | None) -> tuple[str | Variable, ...]:
    """Return the fixed parts and the variables of a text, in order; no empty part.

    Raises:
        DmError: `${` without a name and `}`.
    """
    if "${" not in text:
        return (text,) if text else ()
    found: list[str | Variable] = []
    fixed, end = "", 0
    for match in _PIECE.finditer(text):
        fixed += text[end : match.start()]
        end = match.end()
        if match[0] == "$${":
            fixed += "${"
            continue
        if not match[2] or not _NAME.fullmatch(match[1]):
            wanted = "${name}, or $${ for the characters themselves"
            raise DmError(structure, "not a variable", place=place, wanted=wanted, found=repr(match[0][:40]))
        if fixed:
            found.append(fixed)
            fixed = ""
        found.append(Variable(match[1]))
    fixed += text[end:]
    return (*found, fixed) if fixed else tuple(found)


def sole_variable(text: str) -> bool:
    """Whether a text is one variable and nothing else."""
    return text.startswith("${") and text.endswith("}") and _NAME.fullmatch(text[2:-1]) is not None
