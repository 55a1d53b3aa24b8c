"""A transcript as a capture file that Wireshark and tshark read.

Guarantees: every answered exchange is there, in order, all of its octets; what was masked is filled with 2A (`*`).
Leaves out: answers to reset, comments, exchanges without a status word, which the dissector cannot tell from commands.

The dissector reads what a sniffer sees at a T=0 card, so a command is written in that form, whatever carried it: P3 is
the length of the data that follow it, and an answer that does not fit comes by GET RESPONSE in further packets.

Spec: pcap (draft-ietf-opsawg-pcap), LINKTYPE_IPV4; GSMTAP version 2 (libosmocore, gsmtap.h); ISO/IEC 7816-3, 12.2.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from vendor_pcsc.record.command import GET_RESPONSE, GSM_CLASS, take_apart
from vendor_pcsc.record.model import Exchange, line_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vendor_pcsc.record.model import Transcript

PORT: Final = 4729
"""UDP port of GSMTAP."""
_MAGIC: Final = 0xA1B2C3D4
"""A file with times in microseconds."""
_LINKTYPE_IPV4: Final = 228
_SNAP: Final = 65535
_VERSION: Final = 2
_WORDS: Final = 4
"""Length of the GSMTAP header in words of four octets."""
_TYPE_SIM: Final = 0x04
_LOOPBACK: Final = bytes((127, 0, 0, 1))
_MASK: Final = b"\x2a"
_BLOCK: Final = 255
"""Data octets of one packet: P3 cannot say 256 to the dissector, which takes 00 as none."""


def to_pcap(transcript: Transcript) -> bytes:
    """Return a transcript as a capture: GSMTAP in UDP in IPv4.

    The line of the transcript stands in GSMTAP as frame number and, since tshark shows none of GSMTAP when it carries a
    SIM, its low 16 bits as identification in IPv4.

    Times are those of the transcript; all are 0 when it has none.
    """
    packets = [struct.pack("<IHHiIII", _MAGIC, 2, 4, 0, 0, _SNAP, _LINKTYPE_IPV4)]
    for at, item in enumerate(transcript.items):
        if isinstance(item, Exchange) and item.sw and item.command_length >= 4:
            packets += (_packet(payload, line_of(at), item.at_us or 0) for payload in _payloads(item))
    return b"".join(packets)


def _payloads(exchange: Exchange) -> Iterator[bytes]:
    """Give the packets' contents for one exchange."""
    octets = exchange.command + _MASK * exchange.command_masked
    sent = _blocks(take_apart(octets).data)
    received = _blocks(exchange.data + _MASK * exchange.data_masked)
    waiting = exchange.data_length
    head = octets[:4]
    for block in sent[:-1]:
        yield head + bytes((len(block),)) + block + b"\x90\x00"
    if sent:
        yield head + bytes((len(sent[-1]),)) + sent[-1] + _announced(octets[0], waiting, exchange.sw)
        head = bytes((octets[0], GET_RESPONSE, 0, 0))
    for block in received if sent else received or [b""]:
        waiting -= len(block)
        yield head + bytes((len(block),)) + block + _announced(octets[0], waiting, exchange.sw)
        head = bytes((octets[0], GET_RESPONSE, 0, 0))


def _blocks(octets: bytes) -> list[bytes]:
    return [octets[at : at + _BLOCK] for at in range(0, len(octets), _BLOCK)]


def _announced(cla: int, waiting: int, sw: bytes) -> bytes:
    """Return the status word while data wait, or the real one when none do."""
    if not waiting:
        return sw
    return bytes((0x9F if cla == GSM_CLASS else 0x61, min(waiting, _BLOCK)))


def _packet(payload: bytes, frame: int, at_us: int) -> bytes:
    gsmtap: bytes = struct.pack(">BBBBHbBIBBBB", _VERSION, _WORDS, _TYPE_SIM, 0, 0, 0, 0, frame, 0, 0, 0, 0) + payload
    udp = struct.pack(">HHHH", PORT, PORT, 8 + len(gsmtap), 0) + gsmtap
    packet: bytes = _ipv4_header(20 + len(udp), frame) + udp
    seconds, microseconds = divmod(at_us, 1_000_000)
    record: bytes = struct.pack("<IIII", seconds & 0xFFFFFFFF, microseconds, len(packet), len(packet))
    return record + packet


def _ipv4_header(length: int, frame: int) -> bytes:
    """Return a header without options. Spec: RFC 791, 3.1; RFC 1071 (checksum)."""
    header: bytes = struct.pack(">BBHHHBBH4s4s", 0x45, 0, length, frame & 0xFFFF, 0, 64, 17, 0, _LOOPBACK, _LOOPBACK)
    total: int = sum(struct.unpack(">10H", header))
    checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    return header[:10] + checksum.to_bytes(2, "big") + header[12:]
