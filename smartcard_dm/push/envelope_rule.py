"""What a rule of envelopes is: a stable name, what it stops, and the clause it rests on.

Guarantees: a member is its name, so that errors, lines and rows hold that. Leaves to its modules: the rules.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class EnvelopeRule(StrEnum):
    """One way an envelope is refused; each transport has its own."""

    stops: str
    """What the rule stops, for people."""
    clause: str
    """The clause it rests on; "profile" where it is this project's."""

    def __new__(cls, name: str, stops: str, clause: str) -> Self:
        """Make a member that is its name."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.stops = stops
        member.clause = clause
        return member
