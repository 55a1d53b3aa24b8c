"""EF(AODF): the PINs that guard private objects.

Guarantees: every PIN object; keys, biometrics and unknown kinds are counted and skipped. Leaves to its caller:
matching `auth_id` of an object with `pin_id` here, and whether to ask anybody.

Spec: PKCS#15 v1.1, 6.8.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from smartcard_dm.limits import DEFAULT_LIMITS, Limits
from smartcard_dm.pkcs15.directory import ObjectDirectory, Pkcs15Object, read_common, read_objects
from smartcard_dm.pkcs15.path import read_path
from smartcard_dm.pkcs15.schema import Schema
from smartcard_dm.pkcs15.where import Where

if TYPE_CHECKING:
    from smartcard_dm.iso7816.file_path import FilePath
    from smartcard_dm.pkcs15.node import Node


class PinFlag(IntEnum):
    """Bits of the flags of a PIN. Spec: PKCS#15 v1.1, 6.8."""

    CASE_SENSITIVE = 0
    LOCAL = 1
    CHANGE_DISABLED = 2
    UNBLOCK_DISABLED = 3
    INITIALIZED = 4
    NEEDS_PADDING = 5
    UNBLOCKING_PIN = 6
    SO_PIN = 7
    DISABLE_ALLOWED = 8
    INTEGRITY_PROTECTED = 9
    CONFIDENTIALITY_PROTECTED = 10
    EXCHANGE_REF_DATA = 11


class PinType(IntEnum):
    """How a PIN is written. Spec: PKCS#15 v1.1, 6.8."""

    BCD = 0
    ASCII_NUMERIC = 1
    UTF8 = 2
    HALF_NIBBLE_BCD = 3
    ISO9564_1 = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class PinObject(Pkcs15Object):
    """One PIN. Its inherited `auth_id` is the PIN that guards this entry, not its own identifier."""

    pin_id: bytes | None
    """What objects name in their `auth_id`."""

    flags: frozenset[int] = frozenset()
    """Bits that are set, those of `PinFlag` and any others."""

    pin_type: int = PinType.ASCII_NUMERIC
    """A `PinType`, or a number that the standard has not."""

    min_length: int = 4
    stored_length: int = 8
    """Octets that VERIFY carries."""

    max_length: int | None = None
    reference: int = 0
    """P2 of VERIFY, 0 to 255."""

    pad_char: int | None = None
    path: FilePath | None = None
    """Directory to select before VERIFY."""

    last_change: str | None = None

    def has(self, flag: PinFlag) -> bool:
        """Tell whether a flag is set."""
        return flag in self.flags


def parse_aodf(octets: bytes, *, limits: Limits = DEFAULT_LIMITS) -> ObjectDirectory[PinObject]:
    """Return the PINs of EF(AODF), in its order.

    Raises:
        Pkcs15Error: a PIN object is malformed or cut.
        LimitExceededError: more objects than `Limits.directory_objects`, or another bound.
    """
    return read_objects(octets, Where("EF.AODF", limits), Schema.AUTHENTICATION, (0x30,), _object)


def _object(node: Node, where: Where) -> PinObject:
    types = node.fields["typeAttributes"]
    place = where.inside("typeAttributes")
    pad = types.octets("padChar")
    if pad is not None and len(pad) != 1:
        raise place.error("padChar", types.fields["padChar"].tlv.offset, wanted="1 octet", found=str(len(pad)))
    path = types.fields.get("path")
    # An empty path stands for the current directory: there is nothing to select.
    named = path is not None and path.octets("path") != b""
    return PinObject(
        **read_common(node, where),
        pin_id=node.fields["classAttributes"].octets("authId"),
        flags=types.bits("pinFlags"),
        pin_type=types.number("pinType") or 0,
        min_length=_octet(types, "minLength", place) or 0,
        stored_length=_octet(types, "storedLength", place) or 0,
        max_length=_octet(types, "maxLength", place),
        # Cards write the references 80 to FF in one octet, which ASN.1 reads as a negative number.
        reference=(_octet(types, "pinReference", place, lowest=-0x80) or 0) % 0x100,
        pad_char=pad[0] if pad is not None else None,
        path=read_path(path, place.inside("path")) if path is not None and named else None,
        last_change=types.text("lastPinChange"),
    )


def _octet(types: Node, name: str, where: Where, *, lowest: int = 0) -> int | None:
    value = types.number(name)
    if value is not None and not lowest <= value <= 0xFF:
        wanted = f"{lowest} to 255"
        raise where.error(name, types.fields[name].tlv.offset, wanted=wanted, found=f"{value:#x}")
    return value
