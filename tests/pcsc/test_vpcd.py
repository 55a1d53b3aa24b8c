"""The card's side of vpcd, against a reader played by the test, and behind the real one."""

from __future__ import annotations

import socket
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest

from tests.pcsc.cards import SELECT_ICCID, T1_ATR, WatchedCard, uicc
from vendor_pcsc.errors import CardRemovedError, ReaderError
from vendor_pcsc.virtual.vpcd import VpcdEvent, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vendor_pcsc.pyscard_bridge import PcscConnection
    from vendor_pcsc.virtual.lab import PcscLab
    from vendor_pcsc.virtual.vpcd import Card

PATIENCE_SECONDS = 10.0


class PlayedReader:
    """A vpcd whose every octet the test decides."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(PATIENCE_SECONDS)
        self.port = self._server.getsockname()[1]
        self.events: list[VpcdEvent] = []
        self._connection: socket.socket | None = None
        self._stop = Event()
        self._thread: Thread | None = None

    def take(self, card: Card) -> None:
        options = {"port": self.port, "stop": self._stop, "on_event": self.events.append}
        self._thread = Thread(target=serve, args=(card,), kwargs=options)
        self._thread.start()
        self.accept()

    def accept(self) -> None:
        self.hang_up()
        self._connection, _ = self._server.accept()
        self._connection.settimeout(PATIENCE_SECONDS)

    def write(self, octets: bytes) -> None:
        assert self._connection is not None
        self._connection.sendall(octets)

    def send(self, frame: str) -> None:
        octets = bytes.fromhex(frame)
        self.write(len(octets).to_bytes(2) + octets)

    def read(self) -> str:
        """Return the next frame, or nothing when the card left."""
        assert self._connection is not None
        length = self._connection.recv(2, socket.MSG_WAITALL)
        return self._connection.recv(int.from_bytes(length), socket.MSG_WAITALL).hex() if length else ""

    def hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def ended(self) -> bool:
        assert self._thread is not None
        self._thread.join(PATIENCE_SECONDS)
        return not self._thread.is_alive()

    def end(self) -> None:
        self._stop.set()
        if self._thread is not None:
            assert self.ended()
        self.hang_up()
        self._server.close()


@pytest.fixture
def reader() -> Iterator[PlayedReader]:
    played = PlayedReader()
    yield played
    played.end()


def test_power_reset_and_commands(reader: PlayedReader) -> None:
    card = WatchedCard(uicc())
    reader.take(card)
    reader.send("04")
    assert reader.read() == T1_ATR.hex()
    resets = card.resets
    for control in ("01", "00", "01", "02"):
        reader.send(control)
    reader.send("00A4000C022FE2")
    assert reader.read() == "9000"
    assert card.resets == resets + 3
    assert card.commands == [SELECT_ICCID]
    assert reader.events == [VpcdEvent.INSERTED, VpcdEvent.POWERED, VpcdEvent.POWERED, VpcdEvent.RESET]


def test_frames_may_come_in_pieces_or_together(reader: PlayedReader) -> None:
    reader.take(uicc())
    for octet in bytes.fromhex("0007 00A4000C022FE2"):
        reader.write(bytes((octet,)))
    assert reader.read() == "9000"
    reader.write(bytes.fromhex("000104 0005 00B0000002 000104"))
    assert [reader.read() for _ in range(3)] == [T1_ATR.hex(), "98889000", T1_ATR.hex()]


def test_unknown_controls_and_empty_frames_are_passed_over(reader: PlayedReader) -> None:
    reader.take(uicc())
    reader.write(bytes.fromhex("0000 000103 0001FF 000104"))
    assert reader.read() == T1_ATR.hex()


def test_an_answer_no_frame_can_hold_is_a_wrong_length(reader: PlayedReader) -> None:
    class Talker:
        def process(self, apdu: bytes) -> bytes:
            return bytes(0xFFFE) + apdu[:2] if apdu[0] else bytes(0xFFFF - 2) + b"\x90\x00"

        def reset(self) -> bytes:
            return T1_ATR

    reader.take(Talker())
    reader.send("01B0000000")
    assert reader.read() == "6700"
    reader.send("00B0000000")
    assert len(reader.read()) == 2 * 0xFFFF


def test_a_reader_that_comes_back_gets_the_card_again(reader: PlayedReader) -> None:
    reader.take(uicc())
    reader.send("04")
    reader.read()
    reader.accept()
    reader.send("04")
    assert reader.read() == T1_ATR.hex()
    assert reader.events == [VpcdEvent.INSERTED, VpcdEvent.LOST, VpcdEvent.INSERTED]


def test_a_reader_lost_in_the_middle_of_a_frame_is_looked_for_again(reader: PlayedReader) -> None:
    reader.take(uicc())
    reader.write(b"\x00\x07\x00\xa4")
    reader.accept()
    reader.send("00A4000C022FE2")
    assert reader.read() == "9000"


@pytest.mark.parametrize("frame", ["00A4000C022FE2", "02"])
def test_a_card_that_is_pulled_leaves_for_good(reader: PlayedReader, frame: str) -> None:
    pulled = Event()

    class Loose:
        def process(self, _apdu: bytes) -> bytes:
            raise CardRemovedError("pulled")

        def reset(self) -> bytes:
            if pulled.is_set():
                raise CardRemovedError("pulled")
            return T1_ATR

    reader.take(Loose())
    reader.send("04")
    reader.read()
    pulled.set()
    reader.send(frame)
    assert reader.read() == ""
    assert reader.ended()
    assert VpcdEvent.LOST not in reader.events


def test_stopping_takes_the_card_out(reader: PlayedReader) -> None:
    reader.take(uicc())
    reader._stop.set()
    assert reader.read() == ""
    assert reader.ended()
    assert VpcdEvent.LOST not in reader.events


def test_no_reader_in_time_is_an_error_with_a_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    with pytest.raises(ReaderError, match=f"no virtual reader at 127.0.0.1, port {free}: is pcscd running"):
        serve(uicc(), port=free, stop=Event(), wait_seconds=0.2)


@pytest.mark.parametrize("host", ["192.0.2.1", "reader.example", "0.0.0.0", "::"])  # noqa: S104 - refused here
def test_only_loopback_unless_told(host: str) -> None:
    with pytest.raises(ReaderError, match="only loopback addresses"):
        serve(uicc(), host, stop=Event())


def test_another_machine_is_reached_when_told() -> None:
    stop = Event()
    stop.set()
    serve(uicc(), "192.0.2.1", stop=stop, allow_remote=True)
    for host in ("localhost", "127.0.0.2", "::1"):
        serve(uicc(), host, stop=stop)


def test_a_restarted_client_is_a_new_card(lab: PcscLab, opened: Callable[..., PcscConnection]) -> None:
    card = WatchedCard(uicc())
    reader = lab.put(card)
    assert opened(reader).transmit(SELECT_ICCID) == b"\x90\x00"
    lab.remove()
    lab.put(card)
    assert opened(reader).transmit(SELECT_ICCID) == b"\x90\x00"
    assert len(card.commands) == 2
