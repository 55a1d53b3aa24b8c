"""Which texts are values of which Format.

Guarantees: nothing of a value is shown. Leaves to its caller: whether a node may have this Format.
Spec: OMA-TS-DM_TND-V1_2_1, 7.7.2 (Format); XML Schema part 2 for the forms it refers to.
"""

from __future__ import annotations

import re
from typing import Final

from smartcard_dm.dm.formats import NodeFormat

_FORMS: Final = {
    NodeFormat.BOOL: re.compile(r"true|false"),
    NodeFormat.INT: re.compile(r"[+-]?[0-9]{1,10}"),
    NodeFormat.FLOAT: re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?INF|NaN"),
    NodeFormat.DATE: re.compile(r"[0-9]{4}-?(0[1-9]|1[0-2])-?(0[1-9]|[12][0-9]|3[01])"),
    NodeFormat.TIME: re.compile(r"([01][0-9]|2[0-3]):?[0-5][0-9]:?[0-5][0-9](\.[0-9]+)?(Z|[+-][0-9]{2}:?[0-9]{2})?"),
}
_INT_BOUND: Final = 1 << 31


def value_fault(format_: NodeFormat, value: str | bytes | None) -> str | None:
    """Say why a value is not one of a Format, or return None when it is.

    Octets and texts of free form fit wherever their type does, which `TndsNode` and the readers hold.
    """
    form = _FORMS.get(format_)
    if form is None or not isinstance(value, str):
        return None
    fits = form.fullmatch(value) is not None
    if fits and format_ is NodeFormat.INT:
        fits = -_INT_BOUND <= int(value) < _INT_BOUND
    return None if fits else f"the value is not one of Format {format_.value}"
