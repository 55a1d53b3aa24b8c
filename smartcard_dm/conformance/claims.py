"""What is claimed of a requirement, and whether it held when it was tried.

Guarantees: a claim that could not be tried did not hold, and says why. Leaves to its caller: what to claim.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from smartcard_dm.errors import VerificationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from smartcard_dm.rules import Rule


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that was tried."""

    text: str
    """What should be so, as a sentence."""
    holds: bool
    seen: str
    """What was seen, in a few words; never a secret."""


class Claims:
    """The claims of one requirement, in the order in which they were tried."""

    def __init__(self) -> None:
        self.tried: list[Claim] = []

    def equal(self, text: str, found: object, wanted: object) -> None:
        """Claim that something is what it should be."""
        seen = str(found) if found == wanted else f"{found}, wanted {wanted}"
        self.tried.append(Claim(text, found == wanted, seen))

    def same(self, text: str, found: bytes, wanted: bytes) -> None:
        """Claim that octets are those that they should be, without showing them."""
        seen = f"{len(wanted)} octets" if found == wanted else f"{len(found)} octets, which are others"
        self.tried.append(Claim(text, found == wanted, seen))

    def refused(self, text: str, judge: Callable[[], object], rule: Rule) -> None:
        """Claim that a message is refused, by one rule and no other."""
        try:
            judge()
        except VerificationError as error:
            seen = f"step {int(error.step)}, {error.rule.identifier}"
            self.tried.append(Claim(text, error.rule is rule, seen))
        else:
            self.tried.append(Claim(text, holds=False, seen="it was authorized"))

    def failed(self, text: str, why: str) -> None:
        """Claim what an error kept from being tried."""
        self.tried.append(Claim(text, holds=False, seen=why))
