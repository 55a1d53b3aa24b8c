"""The FCP template a card answers to SELECT and STATUS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vendor_pcsc.virtual.model import DF_ARR_ID, MF_ARR_ID, DirectoryFile, DirectoryKind, ElementaryFile, Lifecycle
from vendor_pcsc.virtual.tlv import tlv

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vendor_pcsc.virtual.model import AccessRule, Profile

_DIRECTORY_DESCRIPTOR = 0x78
_DATA_CODING = 0x21
# Tag 80 in A5: clock stop allowed; voltage classes A, B and C. Spec: TS 102 221, 11.1.1.4.6.1.
_UICC_CHARACTERISTICS = 0x71


def build_fcp(
    profile: Profile,
    file: ElementaryFile | DirectoryFile,
    parent: DirectoryFile,
    pin_enabled: Mapping[int, bool],
) -> bytes:
    """Return the FCP template of `file`, whose directory is `parent` (the MF is its own).

    `pin_enabled` tells for each PIN reference whether the PIN is enabled now.
    Spec: TS 102 221, 11.1.1.3 and 11.1.1.4.
    """
    rule = _access(profile, file.rule, parent)
    if isinstance(file, ElementaryFile):
        return tlv(0x62, _elementary(file, rule))
    return tlv(0x62, _directory(file, rule, pin_enabled))


def build_pin_status(references: Sequence[int], pin_enabled: Mapping[int, bool]) -> bytes:
    """Return the PIN status template, or nothing when no PIN is listed.

    In PS_DO the highest bit stands for the first PIN listed. Spec: TS 102 221, 9.5.2 and 11.1.1.4.10.
    """
    if not references:
        return b""
    octets = (len(references) + 7) // 8
    bits = sum(pin_enabled[reference] << (octets * 8 - 1 - at) for at, reference in enumerate(references))
    listed = b"".join(tlv(0x83, bytes([reference])) for reference in references)
    return tlv(0xC6, tlv(0x90, bits.to_bytes(octets)) + listed)


def _elementary(file: ElementaryFile, rule: bytes) -> bytes:
    descriptor = bytes([file.structure.descriptor, _DATA_CODING])
    if file.record_length:
        descriptor += file.record_length.to_bytes(2) + bytes([file.record_count])
    return b"".join(
        [
            tlv(0x82, descriptor),
            tlv(0x83, file.file_id.to_bytes(2)),
            tlv(0x8A, bytes([file.lifecycle.octet])),
            rule,
            tlv(0x80, len(file.content).to_bytes(2)),
            b"" if file.short_id_tag is None else tlv(0x88, file.short_id_tag),
        ]
    )


def _directory(file: DirectoryFile, rule: bytes, pin_enabled: Mapping[int, bool]) -> bytes:
    return b"".join(
        [
            tlv(0x82, bytes([_DIRECTORY_DESCRIPTOR, _DATA_CODING])),
            b"" if file.file_id is None else tlv(0x83, file.file_id.to_bytes(2)),
            b"" if file.aid is None else tlv(0x84, file.aid),
            tlv(0xA5, tlv(0x80, bytes([_UICC_CHARACTERISTICS]))),
            tlv(0x8A, bytes([Lifecycle.ACTIVATED.octet])),
            rule,
            build_pin_status(file.pin_references, pin_enabled),
        ]
    )


def _access(profile: Profile, rule: AccessRule, parent: DirectoryFile) -> bytes:
    arr_id = MF_ARR_ID if parent.kind is DirectoryKind.MF else DF_ARR_ID
    return tlv(0x8B, arr_id.to_bytes(2) + bytes([profile.rule_number(rule)]))
