"""A value that cannot be printed, compared in variable time, or pickled by accident.

Guarantees: no `str`, `repr`, `format` or pickle of a `Secret` holds its octets; equality takes constant time
for equal lengths. Leaves to its caller: what happens to the octets after `reveal`.
"""

from __future__ import annotations

import hmac
from typing import Final, NoReturn, final

REDACTED: Final = "(redacted)"


@final
class Secret:
    """Octets of a PIN, password or key that leave only through `reveal`.

    Args:
        octets: the secret; text is refused so that its encoding is always the caller's decision.

    Raises:
        TypeError: `octets` is not bytes.
    """

    __slots__ = ("_octets",)

    def __init__(self, octets: bytes) -> None:
        if not isinstance(octets, bytes):
            raise TypeError(f"a Secret holds bytes, found {type(octets).__name__}")
        self._octets = octets

    def reveal(self) -> bytes:
        """Return the octets; every place that calls this is a place to review."""
        return self._octets

    def __repr__(self) -> str:
        return f"Secret{REDACTED}"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __len__(self) -> int:
        return len(self._octets)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._octets, other._octets)

    def __hash__(self) -> int:
        raise TypeError("a Secret is not hashable: a dictionary key would be compared in variable time")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled: call reveal() where it has to leave")
