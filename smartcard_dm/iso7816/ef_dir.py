"""EF.DIR: the applications of a card and the way to them.

Guarantees: any octets give values or `TlvError` (`LimitExceededError` for bounds); a record that holds no template is
None, not an error. Leaves to its caller: looking at every record, since the one wanted may stand anywhere, and trying
the identifier where the path of a template leads nowhere.

Spec: ISO/IEC 7816-4 (EF.DIR); PKCS#15 v1.1 (DIRRecord); ETSI TS 102 221, 13.1.
"""

from __future__ import annotations

from dataclasses import dataclass

from smartcard_dm.errors import LimitExceededError, TlvError
from smartcard_dm.iso7816.aid import AID
from smartcard_dm.iso7816.file_path import FilePath, check_path_length, parse_path_content, path_fault
from smartcard_dm.iso7816.tlv import Tlv, encode_tlv, read_padded, read_tlvs
from smartcard_dm.limits import DEFAULT_LIMITS, Limits

_NAME = "EF.DIR"
_TEMPLATE = 0x61
_ONCE = frozenset((0x4F, 0x50, 0x51, 0x73))
_PROVIDER = bytes.fromhex("2A864886F70D010F0401")  # 1.2.840.113549.1.15.4.1, as in the examples of PKCS#15


@dataclass(frozen=True, slots=True)
class Pkcs15Locations:
    """The discretionary data of a PKCS#15 application: where its files are when not at their usual place."""

    oid: bytes
    """Content octets of the provider's object identifier."""

    odf_path: FilePath | None
    """EF.ODF, to be used instead of 5031."""

    token_info_path: FilePath | None
    unused_path: FilePath | None


@dataclass(frozen=True, slots=True)
class ApplicationTemplate:
    """One application that EF.DIR names."""

    aid: bytes
    """Application identifier as the card has it: select with all of it."""

    label: str | None
    """For display; octets that are no UTF-8 are shown as escapes."""

    path: FilePath | None
    """Where the application's directory is; mandatory in PKCS#15, optional elsewhere."""

    discretionary: bytes | None
    """Value of tag 73 as it stands."""

    locations: Pkcs15Locations | None
    """Tag 73 read, where it has the form that PKCS#15 gives it."""

    warnings: tuple[str, ...] = ()

    @property
    def application(self) -> AID | None:
        """Which known application this is, or None."""
        return AID.of(self.aid)


def parse_dir_record(record: bytes, *, limits: Limits = DEFAULT_LIMITS) -> ApplicationTemplate | None:
    """Return the template in one record, or None for a record that does not begin with one.

    Raises:
        TlvError: a template begins and is malformed.
        LimitExceededError: a path in it is longer than `Limits.path_octets`.
    """
    if record[:1] != bytes((_TEMPLATE,)):
        return None
    tlvs, warnings = read_padded(record, structure=_NAME)
    if len(tlvs) > 1:
        warnings += (f"{_NAME}: objects after the template in one record, from offset {tlvs[1].offset}",)
    return _template(tlvs[0], warnings, limits)


def parse_dir_file(
    octets: bytes, *, limits: Limits = DEFAULT_LIMITS
) -> tuple[tuple[ApplicationTemplate, ...], tuple[str, ...]]:
    """Return the templates of a transparent EF.DIR, where they follow one another, and warnings.

    Raises:
        TlvError: an object is malformed.
        LimitExceededError: more templates than `Limits.dir_records`, or a path that is too long.
    """
    tlvs, warnings = read_padded(octets, structure=_NAME)
    if len(tlvs) > limits.dir_records:
        raise LimitExceededError(_NAME, "dir_records", limits.dir_records, found=str(len(tlvs)))
    others = tuple(
        f"{_NAME}: object {tlv.tag:02X} at offset {tlv.offset} is no template and is skipped"
        for tlv in tlvs
        if tlv.tag != _TEMPLATE
    )
    return tuple(_template(tlv, (), limits) for tlv in tlvs if tlv.tag == _TEMPLATE), warnings + others


def build_dir_record(
    aid: bytes,
    *,
    label: str | None = None,
    path: bytes | None = None,
    odf_path: bytes | None = None,
    token_info_path: bytes | None = None,
    provider_oid: bytes = _PROVIDER,
    record_length: int | None = None,
) -> bytes:
    """Return a record of EF.DIR, filled up with FF to `record_length`.

    Args:
        aid: application identifier.
        label: text of tag 50.
        path: octets of tag 51.
        odf_path: octets of the path of EF.ODF, for tag 73.
        token_info_path: octets of the path of EF.TokenInfo, for tag 73.
        provider_oid: content octets of the object identifier that tag 73 begins with.
        record_length: octets of the record; None leaves it as long as it is.

    Raises:
        ValueError: the record is longer than `record_length`.
    """
    body = encode_tlv(0x4F, aid)
    body += encode_tlv(0x50, label.encode()) if label is not None else b""
    body += encode_tlv(0x51, path) if path is not None else b""
    if odf_path is not None or token_info_path is not None:
        pointers = encode_tlv(0x06, provider_oid)
        pointers += encode_tlv(0x30, encode_tlv(0x04, odf_path)) if odf_path is not None else b""
        pointers += encode_tlv(0xA0, encode_tlv(0x04, token_info_path)) if token_info_path is not None else b""
        body += encode_tlv(0x73, pointers)
    record = encode_tlv(_TEMPLATE, body)
    if record_length is not None and len(record) > record_length:
        raise ValueError(f"the record has {len(record)} octets, more than {record_length}")
    return record.ljust(record_length or 0, b"\xff")


def _template(template: Tlv, warnings: tuple[str, ...], limits: Limits) -> ApplicationTemplate:
    once: dict[int, Tlv] = {}
    for tlv in read_tlvs(template.value, structure=_NAME, base=template.value_offset):
        if tlv.tag in _ONCE and tlv.tag in once:
            raise TlvError(_NAME, f"tag {tlv.tag:02X} stands twice", offset=tlv.offset)
        once.setdefault(tlv.tag, tlv)
    aid = once.get(0x4F)
    if aid is None or not 1 <= len(aid.value) <= 16:
        at = template.value_offset if aid is None else aid.offset
        found = "none" if aid is None else str(len(aid.value))
        raise TlvError(_NAME, "application identifier", offset=at, wanted="tag 4F of 1 to 16 octets", found=found)
    label = once.get(0x50)
    extra = once.get(0x73)
    return ApplicationTemplate(
        aid=aid.value,
        label=label.value.decode(errors="backslashreplace") if label is not None else None,
        path=_path(once.get(0x51), limits),
        discretionary=extra.value if extra is not None else None,
        # Other applications put their own data under 73: only a list that begins with an OID is PKCS#15's.
        locations=_locations(extra, limits) if extra is not None and extra.value[:1] == b"\x06" else None,
        warnings=warnings,
    )


def _path(tlv: Tlv | None, limits: Limits) -> FilePath | None:
    if tlv is None or not tlv.value:
        return None
    fault = path_fault(tlv.value, None, None)
    if fault:
        raise TlvError(_NAME, fault, offset=tlv.value_offset)
    check_path_length(tlv.value, limits, structure=_NAME, offset=tlv.value_offset)
    return FilePath(tlv.value)


def _locations(extra: Tlv, limits: Limits) -> Pkcs15Locations:
    parts = read_tlvs(extra.value, structure=_NAME, base=extra.value_offset)
    paths: dict[int, FilePath] = {}
    for part in parts[1:]:
        if part.tag in paths:
            raise TlvError(_NAME, f"tag {part.tag:02X} stands twice", offset=part.offset)
        if part.tag in {0x30, 0xA0, 0xA1}:
            content, base = part.value, part.value_offset
            paths[part.tag] = parse_path_content(content, structure=_NAME, base=base, limits=limits)
    return Pkcs15Locations(parts[0].value, paths.get(0x30), paths.get(0xA0), paths.get(0xA1))
