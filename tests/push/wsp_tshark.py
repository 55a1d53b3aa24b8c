"""Wireshark's dissector of WSP beside ours: pushes go into UDP datagrams of a capture, and what it saw comes back."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_TIMEOUT: Final = 60


@dataclass(frozen=True)
class Seen:
    """One push as Wireshark sees it."""

    fields: tuple[tuple[str, str, str, str], ...]
    """Name, value as shown, whole line as shown, octets in hexadecimal; in their order."""
    body_at: int | None
    """Where what it takes for a document begins, counted from the push; None where it sees none."""

    def shown(self, name: str) -> list[str]:
        """Return the values of a field."""
        return [show for found, show, _, _ in self.fields if found == name]

    def lines(self, name: str) -> list[str]:
        """Return the whole lines of a field."""
        return [line for found, _, line, _ in self.fields if found == name]

    def octets(self, name: str) -> list[str]:
        """Return the octets of a field."""
        return [octets for found, _, _, octets in self.fields if found == name]


def dissect(pushes: Sequence[bytes], folder: Path, port: int = 2948) -> list[Seen]:
    """Return what Wireshark sees in pushes, each alone in a datagram."""
    dump, capture = folder / "pushes.txt", folder / "pushes.pcap"
    dump.write_text("".join(f"0000 {octets.hex(' ')}\n\n" for octets in pushes))
    _run("text2pcap", "-q", "-4", "192.0.2.1,192.0.2.2", "-u", f"9200,{port}", str(dump), str(capture))
    root = etree.fromstring(_run("tshark", "-n", "-r", str(capture), "-T", "pdml"))
    packets = root.findall("packet")
    assert len(packets) == len(pushes)
    return [_seen(packet) for packet in packets]


def _seen(packet: etree._Element) -> Seen:
    wsp = packet.find("proto[@name='wsp']")
    assert wsp is not None
    after = [proto for proto in wsp.itersiblings("proto") if not str(proto.get("name")).startswith("_ws")]
    inside = [field for field in wsp.iter("field") if field.get("name") == "data"]
    fields = tuple(
        (field.get("name", ""), field.get("show", ""), field.get("showname", ""), field.get("value", ""))
        for field in wsp.iter("field")
    )
    start = int(wsp.get("pos", ""))
    return Seen(fields, next((int(found.get("pos", "")) - start for found in (*inside, *after)), None))


def _run(*words: str) -> bytes:
    return subprocess.run(words, capture_output=True, check=True, timeout=_TIMEOUT).stdout
