"""Access control rules inside an object: what the cardholder must have proved to read or update it.

Guarantees: a condition that is not understood is an error, never "open". Leaves to its caller: the card's own rules,
which decide; these only tell which PIN to ask for.

Spec: PKCS#15 v1.1, 6.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from smartcard_dm.iso7816.tlv import Tlv
    from smartcard_dm.pkcs15.node import Node
    from smartcard_dm.pkcs15.where import Where


@dataclass(frozen=True, slots=True)
class AuthIdCondition:
    """Holds after the authentication object with this identifier was satisfied."""

    auth_id: bytes


@dataclass(frozen=True, slots=True)
class NotCondition:
    """Holds when the condition does not."""

    condition: SecurityCondition


@dataclass(frozen=True, slots=True)
class AndCondition:
    """Holds when all conditions do."""

    conditions: tuple[SecurityCondition, ...]


@dataclass(frozen=True, slots=True)
class OrCondition:
    """Holds when one of the conditions does."""

    conditions: tuple[SecurityCondition, ...]


SecurityCondition: TypeAlias = AuthIdCondition | NotCondition | AndCondition | OrCondition


@dataclass(frozen=True, slots=True)
class AccessControlRule:
    """One condition and the uses it guards."""

    read: bool
    update: bool
    execute: bool
    condition: SecurityCondition


def read_rules(node: Node | None, where: Where) -> tuple[AccessControlRule, ...]:
    """Return the rules of an element that the schema has read as SEQUENCE OF AccessControlRule, or none.

    Raises:
        Pkcs15Error: a condition is malformed.
        LimitExceededError: conditions nest deeper than `Limits.tlv_depth`.
    """
    if node is None:
        return ()
    rules: list[AccessControlRule] = []
    for number, item in enumerate(node.items, 1):
        modes = item.bits("accessMode")
        place = where.inside(f"item {number}", "securityCondition")
        condition = _condition(item.fields["securityCondition"].tlv, place, 1)
        rules.append(AccessControlRule(0 in modes, 1 in modes, 2 in modes, condition))
    return tuple(rules)


def _condition(tlv: Tlv, where: Where, depth: int) -> SecurityCondition:
    if depth > where.limits.tlv_depth:
        raise where.too_large("tlv_depth", tlv.offset)
    if tlv.tag == 0x04:
        return AuthIdCondition(tlv.value)
    if tlv.tag not in {0xA0, 0xA1, 0xA2}:
        wanted = "tag 04, A0, A1 or A2"
        raise where.error("a security condition", tlv.offset, wanted=wanted, found=f"{tlv.tag:02X}")
    inside = where.level(tlv.value, tlv.value_offset)
    parts = tuple(_condition(part, where, depth + 1) for part in inside)
    if not parts or (tlv.tag == 0xA0 and len(parts) != 1):
        raise where.error("conditions inside a condition", tlv.offset, found=str(len(parts)))
    if tlv.tag == 0xA0:
        return NotCondition(parts[0])
    return AndCondition(parts) if tlv.tag == 0xA1 else OrCondition(parts)
