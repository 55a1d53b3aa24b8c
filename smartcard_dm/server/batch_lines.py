"""Lines of a file, one at a time and bounded.

Guarantees: memory for one line of at most a bound; a longer one is passed over and told by its number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO


class Line(NamedTuple):
    """One line without its end."""

    number: int
    """From 1."""
    octets: bytes | None
    """None for a line that is longer than the bound."""


def bounded_lines(stream: BinaryIO, bound: int) -> Iterator[Line]:
    """Yield the lines of a stream; a line ends with LF or CR LF.

    Args:
        stream: is read to its end.
        bound: octets of the longest line, its end not counted.
    """
    number = 0
    while octets := stream.readline(bound + 2):
        number += 1
        ended = octets.endswith(b"\n")
        content = octets.removesuffix(b"\n").removesuffix(b"\r") if ended else octets
        if len(content) <= bound:
            yield Line(number, content)
            continue
        while octets and not octets.endswith(b"\n"):
            octets = stream.readline(bound + 2)
        yield Line(number, None)
