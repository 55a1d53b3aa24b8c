"""EF.ARR: which command on a file needs what.

Guarantees: any octets give rules or `TlvError` (`LimitExceededError` for nesting); what is not understood is kept as
`Unknown` and never read as open. Leaves to its caller: finding the record (`Fcp.security`).

Spec: ETSI TS 102 221, 9.2 and 13.4; ISO/IEC 7816-4 (security attributes, expanded format).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from typing import TypeAlias

from smartcard_dm.errors import LimitExceededError, TlvError
from smartcard_dm.iso7816.tlv import Tlv, read_padded, read_tlvs
from smartcard_dm.limits import DEFAULT_LIMITS, Limits

_NAME = "EF.ARR"
_DEPTH = "tlv_depth"


class AccessMode(IntFlag):
    """Commands on an elementary file; for a directory, bits 1 to 3 stand for delete child, create EF, create DF.

    Spec: ISO/IEC 7816-4 (access mode bytes of files).
    """

    READ = 0x01
    UPDATE = 0x02
    WRITE = 0x04
    DEACTIVATE = 0x08
    ACTIVATE = 0x10
    TERMINATE = 0x20
    DELETE = 0x40
    PROPRIETARY = 0x80


@dataclass(frozen=True, slots=True)
class Always:
    """Open to everybody."""

    def __str__(self) -> str:
        return "always"


@dataclass(frozen=True, slots=True)
class Never:
    """Open to nobody."""

    def __str__(self) -> str:
        return "never"


@dataclass(frozen=True, slots=True)
class Pin:
    """Open after this PIN was verified; `reference` is P2 of VERIFY."""

    reference: int

    def __str__(self) -> str:
        return f"PIN {self.reference:02X}"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Open when one of the conditions holds; there is at least one."""

    conditions: tuple[Condition, ...]

    def __str__(self) -> str:
        return "(" + " or ".join(str(condition) for condition in self.conditions) + ")"


@dataclass(frozen=True, slots=True)
class AllOf:
    """Open when all of the conditions hold; there is at least one."""

    conditions: tuple[Condition, ...]

    def __str__(self) -> str:
        return "(" + " and ".join(str(condition) for condition in self.conditions) + ")"


@dataclass(frozen=True, slots=True)
class Unknown:
    """A condition this table has not; treat it as closed."""

    octets: bytes

    def __str__(self) -> str:
        return f"unknown condition {self.octets.hex().upper()}"


Condition: TypeAlias = Always | Never | Pin | AnyOf | AllOf | Unknown


@dataclass(frozen=True, slots=True)
class AccessRule:
    """One condition and the commands it guards."""

    modes: AccessMode
    """Commands by kind; no bit when only `instructions` tell."""

    instructions: bytes
    """Commands by instruction byte (tag 84)."""

    condition: Condition

    def __str__(self) -> str:
        names = [str(mode.name).lower() for mode in AccessMode if mode in self.modes]
        names += [f"INS {octet:02X}" for octet in self.instructions]
        return f"{', '.join(names) or 'other commands'}: {self.condition}"


def parse_access_rules(record: bytes, *, limits: Limits = DEFAULT_LIMITS) -> tuple[AccessRule, ...]:
    """Return the rules of one record of EF.ARR, or of tag AB in an FCP.

    Access mode objects (80 to 8F, 9C) gather until the security conditions that follow them; several conditions in
    a row are alternatives.

    Raises:
        TlvError: an object is malformed, or modes and conditions do not pair.
        LimitExceededError: conditions nest deeper than `Limits.tlv_depth`.
    """
    rules: list[AccessRule] = []
    modes, instructions, conditions = AccessMode(0), b"", list[Condition]()
    waiting = False
    tlvs, _ = read_padded(record, structure=_NAME)
    for tlv in tlvs:
        if 0x80 <= tlv.tag <= 0x8F or tlv.tag == 0x9C:
            if conditions:
                rules.append(AccessRule(modes, instructions, _one(conditions)))
                modes, instructions, conditions = AccessMode(0), b"", []
            waiting = True
            if tlv.tag == 0x80:
                modes |= AccessMode(_octet(tlv))
            elif tlv.tag == 0x84:
                instructions += tlv.value
        elif not waiting:
            raise TlvError(_NAME, "a condition without an access mode", offset=tlv.offset, found=f"{tlv.tag:02X}")
        else:
            conditions.append(_condition(tlv, 1, limits))
    if conditions:
        rules.append(AccessRule(modes, instructions, _one(conditions)))
    elif waiting:
        raise TlvError(_NAME, "an access mode without a condition", offset=tlvs[-1].offset)
    return tuple(rules)


def _one(conditions: list[Condition]) -> Condition:
    return conditions[0] if len(conditions) == 1 else AnyOf(tuple(conditions))


def _octet(tlv: Tlv) -> int:
    if len(tlv.value) != 1:
        raise TlvError(_NAME, "access mode", offset=tlv.offset, wanted="1 octet", found=str(len(tlv.value)))
    return tlv.value[0]


def _condition(tlv: Tlv, depth: int, limits: Limits) -> Condition:
    if depth > limits.tlv_depth:
        raise LimitExceededError(_NAME, _DEPTH, limits.tlv_depth, offset=tlv.offset)
    match tlv.tag:
        case 0x90 | 0x97 if not tlv.value:
            return Always() if tlv.tag == 0x90 else Never()
        case 0xA0 | 0xAF if tlv.value:
            inside = read_tlvs(tlv.value, structure=_NAME, base=tlv.value_offset)
            parts = tuple(_condition(part, depth + 1, limits) for part in inside)
            return AnyOf(parts) if tlv.tag == 0xA0 else AllOf(parts)
        case 0xA4:
            return _pin(tlv)
        case _:
            return Unknown(tlv.octets)


def _pin(tlv: Tlv) -> Condition:
    """Read an authentication template: exactly one key reference, used for verification (95 01 08)."""
    parts = {part.tag: part.value for part in read_tlvs(tlv.value, structure=_NAME, base=tlv.value_offset)}
    if len(parts.get(0x83, b"")) != 1 or parts.get(0x95, b"\x08") != b"\x08" or not parts.keys() <= {0x83, 0x95}:
        return Unknown(tlv.octets)
    return Pin(parts[0x83][0])
