"""The capture, read by tshark: every field of its gsm_sim dissector that says something about an exchange."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcard_dm.card.session import CardSession
from smartcard_dm.credentials import read_credentials
from tests.card.cards import usim
from tests.record.cards import ATR_EXTENDED, PIN_DIGITS, VERIFY, record, transcript
from vendor_pcsc.record import Comment, Exchange, Header, Recorder, Redact, Transcript, to_pcap
from vendor_pcsc.virtual import VirtualCard, VirtualConnection

if TYPE_CHECKING:
    from pathlib import Path

FIELDS = {
    "frame": "ip.id",
    "time": "frame.time_relative",
    "protocols": "frame.protocols",
    "payload": "udp.payload",
    "port": "udp.dstport",
    "channel": "gsm_sim.apdu.cla.log_chan",
    "ins": "gsm_sim.apdu.ins",
    "p1": "gsm_sim.apdu.p1",
    "p2": "gsm_sim.apdu.p2",
    "file": "gsm_sim.file_id",
    "aid": "gsm_sim.aid",
    "offset": "gsm_sim.bin_offset",
    "record": "gsm_sim.record_nr",
    "number": "gsm_sim.chan_nr",
    "operation": "gsm_sim.chan_op",
    "le": "gsm_sim.le",
    "data": "gsm_sim.apdu.data",
    "sw": "gsm_sim.apdu.sw",
    "expert": "_ws.expert.message",
    "info": "_ws.col.Info",
}
Packet = dict[str, str]


def dissect(transcript: Transcript, folder: Path) -> list[Packet]:
    """Return what tshark says about every packet; checksums are checked too."""
    capture = folder / "card.pcap"
    capture.write_bytes(to_pcap(transcript))
    fields = [word for field in FIELDS.values() for word in ("-e", field)]
    options = ["-n", "-o", "ip.check_checksum:TRUE", "-T", "fields", "-E", "separator=|", "-E", "occurrence=a"]
    command = ["tshark", "-r", str(capture), *options, *fields]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    packets = [dict(zip(FIELDS, line.split("|"), strict=True)) for line in done.stdout.splitlines()]
    for packet in packets:
        packet["frame"] = str(int(packet["frame"], 16))
        head = "0204040000000000"
        assert (packet["protocols"], packet["port"], packet["expert"]) == ("ip:udp:gsmtap:gsm_sim", "4729", ""), packet
        assert packet["payload"][:32] == f"{head}{int(packet['frame']):08x}00000000"
        assert "Malformed" not in packet["info"]
    return packets


def one(packets: list[Packet], *names: str) -> dict[str, str]:
    [packet] = packets
    return {name: packet[name] for name in names}


def test_selecting_an_application_is_dissected(tmp_path: Path) -> None:
    recorded = transcript(("01A404040CA000000063504B43532D313500", "6204820278219000"))
    first, second = dissect(recorded, tmp_path)
    assert first["ins"] == "0xa4"
    assert (first["channel"], first["aid"], first["sw"]) == ("1", "a000000063504b43532d3135", "0x6106")
    assert (second["ins"], second["channel"], second["le"]) == ("0xc0", "1", "6")
    assert (second["data"], second["sw"]) == ("620482027821", "0x9000")
    assert [first["frame"], second["frame"]] == ["2", "2"]


def test_selecting_files_is_dissected(tmp_path: Path) -> None:
    pairs = [("00A4000C022FE2", "9000"), ("00A4080C047F506431", "6A82"), ("A0A40000027F20", "9F16")]
    single, path, gsm = dissect(transcript(*pairs), tmp_path)
    assert (single["ins"], single["file"], single["sw"]) == ("0xa4", "0x2fe2", "0x9000")
    assert (path["file"], path["sw"]) == ("0x7f50,0x6431", "0x6a82")
    assert (gsm["file"], gsm["sw"]) == ("0x7f20", "0x9f16")


def test_reading_is_dissected(tmp_path: Path) -> None:
    pairs = [
        ("00B000000A", "988812010000400310F09000"),
        ("00B0012C00", "AABB6282"),
        ("00B2030404", "610247009000"),
        ("00B0000010", "6982"),
        ("00B2010410", "6A83"),
    ]
    binary, short, one_record, refused, missing = dissect(transcript(*pairs), tmp_path)
    assert (binary["ins"], binary["offset"], binary["le"]) == ("0xb0", "0", "10")
    assert (binary["data"], binary["sw"]) == ("988812010000400310f0", "0x9000")
    assert (short["offset"], short["le"], short["data"], short["sw"]) == ("300", "2", "aabb", "0x6282")
    assert (one_record["ins"], one_record["record"], one_record["data"]) == ("0xb2", "3", "61024700")
    assert (refused["le"], refused["sw"]) == ("0", "0x6982")
    assert (missing["record"], missing["sw"]) == ("1", "0x6a83")


@pytest.mark.parametrize("count", [255, 256, 257, 745])
def test_long_answers_are_dissected_whole(count: int, tmp_path: Path) -> None:
    data = bytes(at % 251 for at in range(count)).hex()
    packets = dissect(transcript(("00B00000000000", f"{data}9000")), tmp_path)
    assert "".join(packet["data"] for packet in packets) == data
    assert [packet["ins"] for packet in packets] == ["0xb0", *["0xc0"] * (len(packets) - 1)]
    assert [packet["sw"] for packet in packets][-1] == "0x9000"
    assert all(packet["sw"].startswith("0x61") for packet in packets[:-1])


def test_long_commands_are_there_whole(tmp_path: Path) -> None:
    update = f"00D60000000200{'AA' * 512}"
    packets = dissect(transcript((update, "9000")), tmp_path)
    assert [(packet["ins"], packet["sw"]) for packet in packets] == [("0xd6", "0x9000")] * 3


def test_channels_are_dissected(tmp_path: Path) -> None:
    opened, closed = dissect(transcript(("0070000001", "019000"), ("00708001", "9000")), tmp_path)
    assert (opened["ins"], opened["operation"], opened["le"]) == ("0x70", "0x00", "1")
    assert (closed["operation"], closed["number"], closed["sw"]) == ("0x80", "1", "0x9000")


def test_a_pin_command_is_dissected_and_filled_with_stars(tmp_path: Path) -> None:
    recorded = record([("00200001", "63C3"), (VERIFY, "9000"), ("00B0000004", "CAFECAFE9000")])
    counter, verify, read = dissect(recorded, tmp_path)
    assert (counter["ins"], counter["sw"]) == ("0x20", "0x63c3")
    assert "CHV=1" in counter["info"]
    assert (verify["ins"], verify["sw"]) == ("0x20", "0x9000")
    assert read["data"] == "2a2a2a2a"
    capture = to_pcap(recorded)
    assert b"\x00\x20\x00\x01\x08********\x90\x00" in capture
    assert PIN_DIGITS.encode() not in capture


def test_what_the_dissector_cannot_tell_is_left_out(tmp_path: Path) -> None:
    header = Header("x", bytes.fromhex(ATR_EXTENDED))
    items = (
        Comment("first"),
        Exchange(b"\x00\xa4", sw=b"\x67\x00"),
        Exchange(bytes.fromhex("00A40004023F00"), error="CardRemovedError"),
        Exchange(bytes.fromhex("00A40004023F00"), data=b"\x90"),
        Exchange(bytes.fromhex("00F20000"), sw=b"\x90\x00", at_us=2_500_000),
    )
    assert one(dissect(Transcript(header, items), tmp_path), "frame", "ins") == {"frame": "6", "ins": "0xf2"}
    assert dissect(Transcript(header), tmp_path) == []


def test_times_are_those_of_the_transcript(tmp_path: Path) -> None:
    header = Header("x", b"\x3b\x00")
    status = bytes.fromhex("00F20000")
    items = tuple(Exchange(status, sw=b"\x90\x00", at_us=at) for at in (1_000_000, 1_000_250, 3_000_000))
    packets = dissect(Transcript(header, items), tmp_path)
    assert [packet["time"] for packet in packets] == ["0.000000000", "0.000250000", "2.000000000"]


@pytest.mark.parametrize("redact", Redact)
def test_a_whole_reading_is_dissected(redact: Redact, tmp_path: Path) -> None:
    recorder = Recorder(VirtualConnection(VirtualCard(usim())), redact=redact)
    with CardSession(recorder) as card:
        read_credentials(card) if redact is not Redact.ALL_CONTENT else card.identity
    packets = dissect(recorder.transcript, tmp_path)
    lines: dict[str, list[Packet]] = {}
    for packet in packets:
        lines.setdefault(packet["frame"], []).append(packet)
    assert list(lines) == [str(line) for line in range(2, len(recorder.transcript.items) + 2)]
    for exchange, parts in zip(recorder.transcript.exchanges, lines.values(), strict=True):
        assert parts[0]["ins"] == f"0x{exchange.command[1]:02x}"
        assert parts[0]["channel"] == str(exchange.command[0] & 3)
        assert parts[-1]["sw"] == f"0x{exchange.sw.hex()}"
        if exchange.command[1] in {0xA4, 0xB0}:
            wanted = (exchange.data or b"*" * exchange.data_masked).hex()
            assert "".join(part["data"].replace("<MISSING>", "") for part in parts) == wanted


@given(st.binary(max_size=300), st.integers(0, 300), st.binary(max_size=300), st.binary(min_size=2, max_size=2))
def test_any_exchange_gives_packets_with_all_its_octets(command: bytes, masked: int, data: bytes, sw: bytes) -> None:
    exchange = Exchange(command, masked, data, sw=sw)
    capture = to_pcap(Transcript(Header("x", b""), (exchange,)))
    at, total = 24, 0
    while at < len(capture):
        length = int.from_bytes(capture[at + 8 : at + 12], "little")
        packet = capture[at + 16 : at + 16 + length]
        assert int.from_bytes(packet[2:4], "big") == len(packet) == length
        total += len(packet) - 44 - 7
        at += 16 + length
    assert at == len(capture)
    assert total >= len(data) if exchange.command_length >= 4 else total == 0
