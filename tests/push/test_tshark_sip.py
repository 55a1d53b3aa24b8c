"""Wireshark's dissector of SIP looks at what is sent and answered: the same fields, and nothing malformed."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lxml import etree

from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.push.arrival import DM_WBXML
from smartcard_dm.push.sip_client import build_message
from smartcard_dm.push.sip_message import SipRequest, SipResponse, build
from smartcard_dm.push.sip_reader import SipReader
from smartcard_dm.push.sip_uri import parse_sip_uri
from smartcard_dm.push.sip_user_agent import Peer, UserAgent
from smartcard_dm.trust.transport import Transport, TransportKind
from tests.push.sip_lab import SERVER, Inlet, request

if TYPE_CHECKING:
    from collections.abc import Sequence

SIGNED: Final = (Path(__file__).parents[2] / "fixtures" / "messages" / "signed.wbxml").read_bytes()
_SECONDS: Final = 60
_NO_TEXT: Final = re.compile(r"[^\x09\x0a\x0d\x20-\ud7ff\ue000-\ufffd]")
_PEER: Final = Peer("192.0.2.1", 40_000)
_TLS: Final = Transport.proved(TransportKind.SIP, "TLS")


def dissected(messages: Sequence[bytes], folder: Path) -> list[etree._Element]:
    """Return what Wireshark sees in messages, each alone in a segment of TCP."""
    dump, capture = folder / "messages.txt", folder / "messages.pcap"
    dump.write_text("".join(f"0000 {octets.hex(' ')}\n\n" for octets in messages))
    _run("text2pcap", "-q", "-4", "192.0.2.1,192.0.2.2", "-T", "40000,5060", str(dump), str(capture))
    # What it shows of a binary body is no text; the values in hexadecimal are.
    text = _run("tshark", "-n", "-r", str(capture), "-T", "pdml").decode("utf-8", "replace")
    root = etree.fromstring(_NO_TEXT.sub("?", text).encode())
    packets = root.findall("packet")
    assert len(packets) == len(messages)
    return packets


def sip_of(packet: etree._Element) -> etree._Element:
    """Return the SIP part of a packet in which nothing is malformed."""
    assert packet.find("proto[@name='_ws.malformed']") is None
    assert packet.find(".//field[@name='_ws.malformed']") is None
    found = packet.findall("proto[@name='sip']")
    assert len(found) == 1
    return found[0]


def shown(sip: etree._Element, name: str) -> str:
    """Return the value of the first field of a name."""
    found = sip.find(f".//field[@name='{name}']")
    assert found is not None, name
    return found.get("show", "")


def body_of(sip: etree._Element, message: bytes) -> bytes:
    """Return what Wireshark takes for the body, and hands on to its dissector of WBXML."""
    found = sip.find(".//field[@name='sip.msg_body']")
    assert found is not None
    wbxml = found.find("proto[@name='wbxml']")
    assert wbxml is not None
    assert "SYNCML:SYNCML1.2" in wbxml.get("showname", "") or "SyncML 1.2" in wbxml.get("showname", "")
    begin = int(found.get("pos", "")) - int(sip.get("pos", ""))
    return message[begin : begin + int(found.get("size", ""))]


def _run(*command: str) -> bytes:
    return subprocess.run(command, capture_output=True, check=True, timeout=_SECONDS).stdout


def message(document: bytes, uri: str = "sip:device@127.0.0.1:5060;transport=tcp") -> SipRequest:
    return build_message(parse_sip_uri(uri), document, SERVER, ("192.0.2.1", 40_000), lambda count: bytes(range(count)))


def test_what_is_pushed(tmp_path: Path) -> None:
    messages = [message(SIGNED), message(SIGNED, "sips:[2001:db8::1]"), message(SIGNED, "sip:+1-5@host.example")]
    for sent, packet in zip(messages, dissected([build(one) for one in messages], tmp_path), strict=True):
        sip = sip_of(packet)
        assert shown(sip, "sip.Method") == "MESSAGE"
        assert shown(sip, "sip.r-uri") == sent.uri
        assert shown(sip, "sip.Call-ID") == sent.first("call-id")
        assert shown(sip, "sip.CSeq.seq") == "1"
        assert shown(sip, "sip.CSeq.method") == "MESSAGE"
        assert shown(sip, "sip.Max-Forwards") == "70"
        assert shown(sip, "sip.Content-Type") == DM_WBXML
        assert shown(sip, "sip.Content-Length") == str(len(sent.body))
        assert shown(sip, "sip.Via.branch") == "z9hG4bK000102030405060708090a0b"
        assert shown(sip, "sip.from.tag") == "000102030405060708090a0b"
        assert shown(sip, "sip.to.addr") in (sent.first("to") or "")
        assert shown(sip, "sip.Accept-Contact") == sent.first("accept-contact")
        assert body_of(sip, build(sent)) == SIGNED


def test_what_is_answered(tmp_path: Path) -> None:
    agent = UserAgent(Inlet(), DEFAULT_LIMITS, b"key")
    asked = [request(), request("OPTIONS", b""), request("INVITE", b""), request(Content_Type="text/plain"),
             request(more="Require: 100rel\r\n"), request("CANCEL", b"")]  # fmt: skip
    said: list[SipResponse] = []
    for octets in asked:
        (event,) = SipReader(DEFAULT_LIMITS).feed(octets)
        assert isinstance(event, SipRequest)
        response = agent.answer(event, _PEER, _TLS, 0.0)
        assert response is not None
        said.append(response)
    assert [response.status for response in said] == [200, 200, 405, 415, 420, 200]
    for response, packet in zip(said, dissected([build(one) for one in said], tmp_path), strict=True):
        sip = sip_of(packet)
        assert shown(sip, "sip.Status-Code") == str(response.status)
        assert shown(sip, "sip.Content-Length") == "0"
        assert shown(sip, "sip.Via.received") == "192.0.2.1"
        assert shown(sip, "sip.Via.rport") == "40000"
        assert shown(sip, "sip.to.tag") in (response.first("to") or "")
        for name in ("allow", "accept", "unsupported"):
            if (value := response.first(name)) is not None:
                assert shown(sip, f"sip.{name.title()}") == value
