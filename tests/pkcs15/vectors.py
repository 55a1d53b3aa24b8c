"""The octets that smartcard specifications, readers and cards show, by the number of the fact that cites them."""

from smartcard_dm.iso7816 import encode_tlv

_LWM2M = b"LwM2M Bootstrap".hex()
_GP = b"GP SE Acc Ctl".hex()

ODF_LWM2M = bytes.fromhex("A7 06 30 04 04 02 64 30")
"""Fact 59."""

DODF_TWICE = bytes.fromhex(f"A1 27 30 00 30 11 0C 0F {_LWM2M} A1 10 30 0E 06 06 06 04 67 2B 09 01 30 04 04 02 64 32")
"""Fact 59, as the later texts of LwM2M print it."""

DODF_ONCE = bytes.fromhex(f"A1 25 30 00 30 11 0C 0F {_LWM2M} A1 0E 30 0C 06 04 67 2B 09 01 30 04 04 02 64 32")
"""Fact 59, corrected."""

ODF_AOSP = bytes.fromhex("A7 06 30 04 04 02 52 07")
"""Fact 60."""

DODF_AOSP = bytes.fromhex(f"A1 29 30 00 30 0F 0C 0D {_GP} A1 14 30 12 06 0A 2A864886FC6B81480101 30 04 04 02 42 00")
"""Fact 60."""

DODF_DM_OID = bytes.fromhex("A1 1A 30 00 30 06 06 04 67 2B 07 01 A1 0E 30 0C 06 04 67 2B 07 01 30 04 04 02 64 31")
"""Fact 62, OMA DM."""

DODF_CP_OID = bytes.fromhex("A1 1A 30 00 30 06 06 04 67 2B 05 01 A1 0E 30 0C 06 04 67 2B 05 01 30 04 04 02 64 31")
"""Fact 62, CP Bootstrap."""

DODF_DM_OPAQUE = bytes.fromhex("30 15 30 03 0C 01 58 30 06 06 04 67 2B 07 01 A1 06 30 04 04 02 64 31")
"""Fact 63."""

DODF_INTEL = bytes.fromhex("A1 1C 30 00 30 06 06 04 67 2B 05 01 A1 10 30 0E 06 04 67 2B 05 01 30 06 04 04 3F FF 64 31")
"""Fact 64: the path has four octets, a directory or 3FFF and the file."""

DODF_VECTORS = {
    "fact_59_twice": DODF_TWICE,
    "fact_59_once": DODF_ONCE,
    "fact_60_aosp": DODF_AOSP,
    "fact_62_dm": DODF_DM_OID,
    "fact_62_cp": DODF_CP_OID,
    "fact_63_opaque": DODF_DM_OPAQUE,
    "fact_64_intel": DODF_INTEL,
}


def entry(tag: int, common: str = "", attributes: str = "", types: str = "", below: str | None = None) -> bytes:
    """Return an object of a directory from the hexadecimal contents of its parts."""
    parts = encode_tlv(0x30, bytes.fromhex(common)) + encode_tlv(0x30, bytes.fromhex(attributes))
    parts += encode_tlv(0xA0, bytes.fromhex(below)) if below is not None else b""
    return encode_tlv(tag, parts + encode_tlv(0xA1, bytes.fromhex(types)))


def opaque(common: str = "", attributes: str = "", types: str = "3004 04026431") -> bytes:
    """Return an opaque data object."""
    return entry(0x30, common, attributes, types)
