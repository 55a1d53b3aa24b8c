"""Text of a stranger as an error may show it.

Guarantees: short, quoted, on one line; a run of digits that could be a subscriber's identity (IMSI, MSISDN) is masked.
Leaves to its caller: deciding that it is worth showing.
"""

from __future__ import annotations

import re
from typing import Final

_MOST: Final = 48
_IDENTITY: Final = re.compile(r"[0-9]{6,}")


def shown(text: str) -> str:
    """Return the beginning of a text, quoted and masked."""
    masked = _IDENTITY.sub("(digits)", text)
    return repr(masked[:_MOST]) + ("..." if len(masked) > _MOST else "")
