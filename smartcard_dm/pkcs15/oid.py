"""Object identifiers: OMA's own, and both ways in which cards write them.

Guarantees: any content octets give dotted text or `Pkcs15Error`; encoding gives back what was decoded.
Leaves to its caller: which identifier matters.
"""

from __future__ import annotations

from typing import Final

CP_BOOTSTRAP: Final = "2.23.43.5.1"
"""EF(Bootstrap) of client provisioning. Registered by WAP-186-PROVSC."""

CP_CONFIG1: Final = "2.23.43.5.2"
CP_CONFIG2: Final = "2.23.43.5.3"

DM_BOOTSTRAP: Final = "2.23.43.7.1"
"""EF(DM_Bootstrap). Registered by OMA-TS-DM_Bootstrap-V1_2."""

LWM2M_BOOTSTRAP: Final = "2.23.43.9.1"
"""Not ours; named so that a report can tell what else is on a card."""

OID_NAMES: Final = {
    CP_BOOTSTRAP: "CP Bootstrap",
    CP_CONFIG1: "CP Config1",
    CP_CONFIG2: "CP Config2",
    DM_BOOTSTRAP: "DM bootstrap",
    LWM2M_BOOTSTRAP: "LwM2M bootstrap",
}
"""Identifier to name, for people."""

CP_OIDS: Final = (CP_BOOTSTRAP, CP_CONFIG1, CP_CONFIG2)
"""The CP files in the order in which the first non-empty one wins."""

_LONGEST_ARC = 19
"""Octets of one arc: 128 bits, as in identifiers made from UUIDs."""


def encode_oid(text: str) -> bytes:
    """Return the content octets of a dotted identifier.

    Raises:
        ValueError: not an identifier of two arcs or more.
    """
    parts = text.split(".")
    if len(parts) < 2 or not all(part.isascii() and part.isdigit() for part in parts):
        raise ValueError(f"an object identifier is numbers joined by dots, found {text!r}")
    arcs = [int(part) for part in parts]
    if arcs[0] > 2 or (arcs[0] < 2 and arcs[1] > 39) or max(arcs) >= 1 << 128:
        raise ValueError(f"no object identifier has the arcs of {text!r}")
    return b"".join(_arc(arc) for arc in (arcs[0] * 40 + arcs[1], *arcs[2:]))


def decode_oid(content: bytes) -> str | None:
    """Return the dotted identifier in content octets, or None where they are none.

    Spec: X.690, 8.19.
    """
    if not content or content[-1] & 0x80:
        return None
    arcs: list[int] = []
    arc = octets = 0
    for octet in content:
        # A leading 80 would be a second spelling of the same arc.
        if (octets == 0 and octet == 0x80) or octets >= _LONGEST_ARC:
            return None
        arc, octets = arc << 7 | octet & 0x7F, octets + 1
        if octet < 0x80:
            arcs.append(arc)
            arc = octets = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - first * 40, *arcs[1:])))


def read_oid(content: bytes) -> tuple[str | None, bool]:
    """Return the identifier in content octets that may hold a whole encoding, and whether they do.

    The examples of LwM2M 1.0 and 1.1 encode the identifier twice (06 06 06 04 ...), and live cards follow them. Read
    once, such octets would name 0.6.4.103.43.9.1, below an arc that does not exist, so nothing real is lost.
    """
    if content[:1] == b"\x06" and len(content) > 2 and content[1] == len(content) - 2:
        inner = decode_oid(content[2:])
        if inner is not None:
            return inner, True
    return decode_oid(content), False


def _arc(value: int) -> bytes:
    octets = [value & 0x7F]
    while value := value >> 7:
        octets.append(value & 0x7F | 0x80)
    return bytes(reversed(octets))
