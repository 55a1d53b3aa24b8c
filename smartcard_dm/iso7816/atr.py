"""Answer to reset: what the card offers, and what its historical bytes hint at.

Guarantees: the structure is read strictly, with its check byte; any octets give an `Atr` or `ApduError`. Historical
bytes in a form nobody can read make no error: the fields that depend on them are None. Leaves to its caller: telling
a UICC from a SIM, which no answer to reset proves.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import xor

from smartcard_dm.errors import ApduError

_LONGEST = 33
_NAME = "answer to reset"
_GLOBAL_ONLY = 15


@dataclass(frozen=True, slots=True)
class InterfaceBytes:
    """One group TAi, TBi, TCi, TDi; a byte that is absent is None."""

    ta: int | None
    tb: int | None
    tc: int | None
    td: int | None


@dataclass(frozen=True, slots=True)
class CardCapabilities:
    """The card capabilities of the historical bytes, as far as they are given.

    Spec: ISO/IEC 7816-4 (historical bytes).
    """

    octets: bytes
    """One to three octets, as they stand."""

    @property
    def selects_by_full_df_name(self) -> bool:
        """Whether SELECT takes a full application identifier."""
        return bool(self.octets[0] & 0x80)

    @property
    def selects_by_path(self) -> bool:
        """Whether SELECT takes a path."""
        return bool(self.octets[0] & 0x20)

    @property
    def selects_by_file_id(self) -> bool:
        """Whether SELECT takes a file identifier."""
        return bool(self.octets[0] & 0x10)

    @property
    def short_file_ids(self) -> bool:
        """Whether READ BINARY and READ RECORD take a short file identifier."""
        return bool(self.octets[0] & 0x04)

    @property
    def extended_length(self) -> bool:
        """Whether Lc and Le may be extended, so that more than 256 octets come at once."""
        return bool(self._third & 0x40)

    @property
    def command_chaining(self) -> bool:
        """Whether long commands may be sent in parts."""
        return bool(self._third & 0x80)

    @property
    def card_chooses_channel(self) -> bool:
        """Whether MANAGE CHANNEL may leave the number to the card."""
        return bool(self._third & 0x10)

    @property
    def logical_channels(self) -> int:
        """Logical channels that can be open at a time, the basic one counted; 8 stands for eight or more."""
        return (self._third & 0x07) + 1 if self._third & 0x18 else 1

    @property
    def _third(self) -> int:
        return self.octets[2] if len(self.octets) > 2 else 0


@dataclass(frozen=True, slots=True)
class ServiceData:
    """The card service data byte of the historical bytes.

    Spec: ISO/IEC 7816-4 (historical bytes).
    """

    octet: int

    @property
    def selects_by_full_aid(self) -> bool:
        """Whether applications are selected by full identifier."""
        return bool(self.octet & 0x80)

    @property
    def selects_by_partial_aid(self) -> bool:
        """Whether applications are selected by a partial identifier."""
        return bool(self.octet & 0x40)

    @property
    def has_ef_dir(self) -> bool:
        """Whether EF.DIR lists the applications."""
        return bool(self.octet & 0x20)


@dataclass(frozen=True, slots=True)
class Atr:
    """An answer to reset."""

    octets: bytes
    inverse_convention: bool
    """True when TS is 3F."""

    interface: tuple[InterfaceBytes, ...]
    """The groups of interface bytes in order, one for T0 and one for each TD."""

    protocols: tuple[int, ...]
    """Transmission protocols offered, in order: 0, 1, ... T=15 is none and is left out."""

    historical: bytes

    @property
    def is_uicc_hint(self) -> bool:
        """Whether the historical bytes begin as those of a UICC do: 80 31 xx 73. A hint, never a proof.

        Spec: ETSI TS 102 221, Annex D.
        """
        return self.historical[:2] == b"\x80\x31" and self.historical[3:4] == b"\x73"

    @property
    def capabilities(self) -> CardCapabilities | None:
        """What the card says it can do, or None where it says nothing readable."""
        found = self._compact(0x7)
        return CardCapabilities(found) if found is not None and 1 <= len(found) <= 3 else None

    @property
    def service_data(self) -> ServiceData | None:
        """How applications are found, or None where the card says nothing readable."""
        found = self._compact(0x3)
        return ServiceData(found[0]) if found is not None and len(found) == 1 else None

    def _compact(self, tag: int) -> bytes | None:
        """Return the first COMPACT-TLV object with this tag; the rest of a cut list is not looked at."""
        # Category 00 ends with three status octets outside the list, category 80 has everything inside it.
        if self.historical[:1] not in {b"\x00", b"\x80"}:
            return None
        end = len(self.historical) - (3 if self.historical[0] == 0 else 0)
        position = 1
        while position < end:
            length = self.historical[position] & 0x0F
            value = self.historical[position + 1 : min(end, position + 1 + length)]
            if len(value) < length:
                return None
            if self.historical[position] >> 4 == tag:
                return value
            position += 1 + length
        return None


def parse_atr(octets: bytes) -> Atr:
    """Return an answer to reset, read from its octets.

    Spec: ISO/IEC 7816-3, 8.2.

    Raises:
        ApduError: a byte is missing or too many, TS is unknown, or the check byte is wrong.
    """
    if len(octets) > _LONGEST:
        raise ApduError(_NAME, "too long", offset=_LONGEST, wanted=f"at most {_LONGEST} octets", found=str(len(octets)))
    initial = _byte(octets, 0, "TS")
    if initial not in {0x3B, 0x3F}:
        raise ApduError(_NAME, "TS is unknown", offset=0, wanted="3B or 3F", found=f"{initial:02X}")
    present = _byte(octets, 1, "T0")
    history = present & 0x0F
    position = 2
    groups: list[InterfaceBytes] = []
    offered: list[int] = []
    while True:
        found: list[int | None] = []
        for bit, letter in ((0x10, "TA"), (0x20, "TB"), (0x40, "TC"), (0x80, "TD")):
            name = f"{letter}{len(groups) + 1}"
            found.append(_byte(octets, position, name) if present & bit else None)
            position += bool(present & bit)
        groups.append(InterfaceBytes(*found))
        last = groups[-1].td
        if last is None:
            break
        present = last
        offered.append(last & 0x0F)
    if offered[:1] == [_GLOBAL_ONLY]:
        raise ApduError(_NAME, "TD1 offers T=15, which is no protocol", offset=position - 1, found=f"{present:02X}")
    end = position + history
    if end > len(octets):
        raise ApduError(
            _NAME,
            "the historical bytes are cut",
            offset=position,
            wanted=f"{history} octets",
            found=str(len(octets) - position),
        )
    # TCK is there unless T=0 is the only thing indicated, T=15 counted.
    _check_end(octets, end, checked=bool(set(offered) - {0}))
    protocols = tuple(dict.fromkeys(number for number in offered if number != _GLOBAL_ONLY)) or (0,)
    return Atr(octets, initial == 0x3F, tuple(groups), protocols, octets[position:end])


def _check_end(octets: bytes, end: int, *, checked: bool) -> None:
    if checked:
        check = _byte(octets, end, "TCK")
        wanted = reduce(xor, octets[1:end])
        if check != wanted:
            raise ApduError(_NAME, "TCK is wrong", offset=end, wanted=f"{wanted:02X}", found=f"{check:02X}")
        end += 1
    if end != len(octets):
        raise ApduError(_NAME, "octets after the end", offset=end, wanted="none", found=str(len(octets) - end))


def _byte(octets: bytes, position: int, name: str) -> int:
    if position >= len(octets):
        raise ApduError(_NAME, f"{name} is missing", offset=position, wanted="1 octet", found="none")
    return octets[position]
