"""EF(ARR): the access rules of a profile in the form a card shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vendor_pcsc.virtual.model import AccessRule, Condition, ElementaryFile, Structure
from vendor_pcsc.virtual.tlv import tlv

if TYPE_CHECKING:
    from collections.abc import Sequence

_READ = 0x01
_UPDATE = 0x02


def build_rule(rule: AccessRule) -> bytes:
    """Return a record of EF(ARR), not padded: access mode and condition, for reading and for updating.

    Spec: TS 102 221, 9.2; ISO/IEC 7816-4 (expanded security attributes).
    """
    return b"".join(
        tlv(0x80, bytes([mode])) + _condition(condition)
        for mode, condition in ((_READ, rule.read), (_UPDATE, rule.update))
    )


def build_ef_arr(file_id: int, rules: Sequence[AccessRule], own_rule: AccessRule) -> ElementaryFile:
    """Return an EF(ARR) whose record n is `rules[n - 1]`, protected by `own_rule`. Spec: TS 102 221, 13.4."""
    records = [build_rule(rule) for rule in rules]
    length = max(map(len, records))
    return ElementaryFile(
        file_id=file_id,
        name="EF.ARR",
        structure=Structure.LINEAR_FIXED,
        rule=own_rule,
        content=b"".join(record.ljust(length, b"\xff") for record in records),
        record_length=length,
        short_id=file_id & 0x1F,
    )


def _condition(condition: Condition) -> bytes:
    if condition.reference is None:
        return tlv(0x90 if condition.allowed else 0x97, b"")
    # A4: a control reference template that names the key; usage qualifier 08 is user authentication by PIN.
    return tlv(0xA4, tlv(0x83, bytes([condition.reference])) + tlv(0x95, b"\x08"))
