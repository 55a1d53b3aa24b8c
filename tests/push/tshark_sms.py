"""Short messages as Wireshark's dissector reads them: text2pcap writes a capture, tshark its fields."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lxml import etree

from smartcard_dm.push.sms_tpdu import Deliver, Tpdu

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_USER_DLT: Final = 147
_OPTIONS: Final = (
    f'uat:user_dlts:"User 0 (DLT={_USER_DLT})","gsm_sms","0","","0",""',
    "gsm_sms.reassemble:TRUE",
    "gsm_sms_ud.port_number_udh_means_wsp:TRUE",
)


@dataclass(frozen=True, slots=True)
class Dissected:
    """What tshark says of one message."""

    fields: dict[str, list[str]]
    """Values by field name, in order."""
    octets: dict[str, list[str]]
    """Their octets in hexadecimal."""
    texts: dict[str, list[str]]
    """Fields as tshark shows them to people."""
    protocols: tuple[str, ...]

    def only(self, name: str) -> str:
        """Return the value of a field that stands there once."""
        (value,) = self.fields[name]
        return value

    def number(self, name: str) -> int:
        """Return the number of a field that stands there once."""
        return int(self.only(name), 0)


def dissect(messages: Sequence[Tpdu], folder: Path) -> list[Dissected]:
    """Return what tshark says of messages, read in one capture so that it puts parts together."""
    text = folder / "messages.txt"
    capture = folder / "messages.pcapng"
    lines = []
    for message in messages:
        # A message type means one thing for each direction: a DELIVER goes out from the network, a SUBMIT comes in.
        direction = "O" if isinstance(message, Deliver) else "I"
        lines.append(f"{direction}\n000000 {message.encode().hex(' ')}\n")
    text.write_text("".join(lines))
    subprocess.run(["text2pcap", "-q", "-D", "-l", str(_USER_DLT), text, capture], check=True, timeout=60)
    options = [part for option in _OPTIONS for part in ("-o", option)]
    # No name servers are asked, and no settings of somebody are read.
    command = ["tshark", "-r", str(capture), "-T", "pdml", "-n", "-C", "Default", *options]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "LC_ALL": "C.UTF-8"}
    output = subprocess.run(command, check=True, capture_output=True, timeout=120, env=environment).stdout
    found = [_dissected(packet) for packet in etree.fromstring(output).iterfind("packet")]
    assert len(found) == len(messages)
    return found


def _dissected(packet: etree._Element) -> Dissected:
    fields: dict[str, list[str]] = {}
    octets: dict[str, list[str]] = {}
    texts: dict[str, list[str]] = {}
    for field in packet.iter("field"):
        texts.setdefault(field.get("name", ""), []).append(field.get("showname", ""))
        fields.setdefault(field.get("name", ""), []).append(field.get("show", ""))
        octets.setdefault(field.get("name", ""), []).append(field.get("value", ""))
    return Dissected(fields, octets, texts, tuple(proto.get("name", "") for proto in packet.iter("proto")))
