"""EF(TokenInfo): about the token as a whole, and when it was last changed.

Guarantees: both the form of PKCS#15 and that of ISO/IEC 7816-15 are read. Leaves to its caller: doing without the
file, which many cards with bootstrap data have not.

Spec: PKCS#15 v1.1, 6.9; ISO/IEC 7816-15 (CIAInfo).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from smartcard_dm.limits import DEFAULT_LIMITS, Limits
from smartcard_dm.pkcs15.directory import read_entries
from smartcard_dm.pkcs15.path import read_path
from smartcard_dm.pkcs15.schema import Schema, decode
from smartcard_dm.pkcs15.where import Where

if TYPE_CHECKING:
    from smartcard_dm.iso7816.file_path import FilePath


class TokenFlag(IntEnum):
    """Bits of the flags of a token. Spec: PKCS#15 v1.1, 6.9."""

    READ_ONLY = 0
    LOGIN_REQUIRED = 1
    PRN_GENERATION = 2
    EID_COMPLIANT = 3


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """What EF(TokenInfo) says; what is absent is None."""

    version: int = 0
    """0 is version 1; 1 is version 2 of ISO/IEC 7816-15."""

    serial_number: bytes | None = None
    manufacturer: str | None = None
    label: str | None = None
    flags: frozenset[int] = frozenset()
    issuer_id: str | None = None
    holder_id: str | None = None
    last_update: str | None = None
    """Time of the last change as written: compare for equality, nothing more."""

    last_update_path: FilePath | None = None
    """Where that time is kept instead."""

    preferred_language: str | None = None
    warnings: tuple[str, ...] = ()

    def has(self, flag: TokenFlag) -> bool:
        """Tell whether a flag is set."""
        return flag in self.flags


def parse_token_info(octets: bytes, *, limits: Limits = DEFAULT_LIMITS) -> TokenInfo:
    """Return the content of EF(TokenInfo).

    Raises:
        Pkcs15Error: not exactly one such structure, or it is malformed or cut.
        LimitExceededError: the file is larger than `Limits.card_file_octets`, or a path too long.
    """
    where = Where("EF.TokenInfo", limits)
    tlvs, warnings = read_entries(octets, where)
    if len(tlvs) != 1 or tlvs[0].tag != 0x30:
        found = " ".join(f"{tlv.tag:02X}" for tlv in tlvs[:8]) or "nothing"
        raise where.error("not one TokenInfo", 0, wanted="tag 30", found=found)
    # lastUpdate is a choice under an explicit tag (A5); some cards have the time itself under the tag (85).
    inside = where.level(tlvs[0].value, tlvs[0].value_offset)
    plain = any(part.tag == 0x85 for part in inside)
    schema = Schema.PLAIN_TIME_TOKEN_INFO if plain else Schema.TOKEN_INFO
    node = decode(schema, tlvs[0], where)
    updated = node.fields.get("lastUpdate")
    elsewhere = updated is not None and updated.chosen == "path"
    return TokenInfo(
        version=node.number("version") or 0,
        serial_number=node.octets("serialNumber"),
        manufacturer=node.text("manufacturerID"),
        label=node.text("label"),
        flags=node.bits("tokenflags"),
        issuer_id=node.text("issuerId"),
        holder_id=node.text("holderId"),
        last_update=node.text("lastUpdate") if updated is None or updated.chosen != "url" else None,
        last_update_path=read_path(updated, where.inside("lastUpdate", "path")) if updated and elsewhere else None,
        preferred_language=node.text("preferredLanguage"),
        warnings=warnings,
    )
