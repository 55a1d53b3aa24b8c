"""The GSM 7-bit default alphabet and the packing of its septets into octets.

Guarantees: septets come out of packing as they went in; any septets give text or `ValueError`. Leaves to its caller:
national language tables, which no originator's address uses.

Spec: 3GPP TS 23.038, 6.1.2.1 (packing), 6.2.1 (default alphabet and its extension).
"""

from __future__ import annotations

from typing import Final

ESCAPE: Final = 0x1B
_DEFAULT: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION: Final = {
    0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~", 0x3E: "]", 0x40: "|", 0x65: "€",
}  # fmt: skip
_SEPTETS: Final = {character: bytes((at,)) for at, character in enumerate(_DEFAULT) if at != ESCAPE} | {
    character: bytes((ESCAPE, at)) for at, character in _EXTENSION.items()
}


def pack(septets: bytes, fill_bits: int = 0) -> bytes:
    """Return septets, one in each octet given, packed with the first one in the lowest bits.

    Args:
        septets: values of 00 to 7F.
        fill_bits: zero bits in front, which bring the text behind a header to its septet boundary.
    """
    packed = 0
    for at, septet in enumerate(septets):
        packed |= (septet & 0x7F) << (7 * at)
    return (packed << fill_bits).to_bytes((7 * len(septets) + fill_bits + 7) // 8, "little")


def unpack(octets: bytes, count: int, fill_bits: int = 0) -> bytes:
    """Return the first `count` septets, one to an octet; what the octets do not hold is zero."""
    packed = int.from_bytes(octets, "little") >> fill_bits
    return bytes(packed >> 7 * at & 0x7F for at in range(count))


def decode(septets: bytes) -> str:
    """Return the text of septets.

    Raises:
        ValueError: an escape at the end, or one before a septet the extension does not have.
    """
    text: list[str] = []
    position = 0
    while position < len(septets):
        septet = septets[position]
        position += 1
        if septet == ESCAPE:
            escaped = _EXTENSION.get(septets[position]) if position < len(septets) else None
            if escaped is None:
                raise ValueError("an escape that leads to no character")
            text.append(escaped)
            position += 1
        else:
            text.append(_DEFAULT[septet & 0x7F])
    return "".join(text)


def encode(text: str) -> bytes:
    """Return the septets of text, one to an octet.

    Raises:
        ValueError: a character that the alphabet and its extension do not have.
    """
    try:
        return b"".join(_SEPTETS[character] for character in text)
    except KeyError as error:
        raise ValueError(f"no character of the GSM alphabet: {error.args[0]!r}") from None
