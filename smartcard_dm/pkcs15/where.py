"""The place a parser has reached in a PKCS#15 file, so that every error can name it.

Guarantees: an error made here names the file, the entry and the fields down to the fault, and its offset in the file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from smartcard_dm.errors import LimitExceededError, Pkcs15Error, TlvError
from smartcard_dm.iso7816.tlv import Tlv, read_tlvs

if TYPE_CHECKING:
    from smartcard_dm.limits import Limits


@dataclass(frozen=True, slots=True)
class Where:
    """A file, the way down into it, and the bounds that hold there."""

    structure: str
    """Name of the file, such as "EF.DODF"."""

    limits: Limits
    trail: tuple[str, ...] = ()
    """Entry and field names from the outside in."""

    @property
    def place(self) -> str | None:
        """The trail in one line, or None at the top of the file."""
        return ", ".join(self.trail) or None

    def inside(self, *names: str) -> Where:
        """Return the place one or more fields further in."""
        return replace(self, trail=self.trail + names)

    def error(self, detail: str, offset: int, *, wanted: str | None = None, found: str | None = None) -> Pkcs15Error:
        """Return an error about this place."""
        return Pkcs15Error(self.structure, detail, offset=offset, place=self.place, wanted=wanted, found=found)

    def too_large(self, limit: str, offset: int, found: int | None = None) -> LimitExceededError:
        """Return an error about a bound that is exceeded at this place."""
        maximum: int = getattr(self.limits, limit)
        shown = None if found is None else str(found)
        return LimitExceededError(self.structure, limit, maximum, offset=offset, place=self.place, found=shown)

    def translate(self, error: TlvError) -> Pkcs15Error:
        """Return what the TLV reader found wrong as an error about this place."""
        offset, wanted, found = error.offset, error.wanted, error.found
        return Pkcs15Error(self.structure, error.detail, offset=offset, place=self.place, wanted=wanted, found=found)

    def level(self, octets: bytes, base: int) -> tuple[Tlv, ...]:
        """Return the data objects that fill `octets`, with offsets in the file.

        Raises:
            Pkcs15Error: one is malformed or cut.
        """
        try:
            return read_tlvs(octets, structure=self.structure, base=base)
        except TlvError as error:
            raise self.translate(error) from error
