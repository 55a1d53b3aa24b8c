"""Writing of the short BER-TLV objects a card answers."""

from __future__ import annotations


def tlv(tag: int, value: bytes) -> bytes:
    """Return one data object with a one-octet tag and a value of at most 255 octets.

    Spec: ISO/IEC 8825-1, 8.1. Raises OverflowError when the value is longer.
    """
    length = len(value).to_bytes(1)
    return bytes([tag]) + (length if len(value) < 0x80 else b"\x81" + length) + value
