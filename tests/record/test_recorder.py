"""The recorder is a connection like the one it records, and writes as it goes."""

from __future__ import annotations

import pytest

from tests.record.cards import ATR, PKCS15, Scripted, record, send, uicc
from vendor_pcsc.connection import CardConnection
from vendor_pcsc.errors import CardRemovedError, ProfileError, ReaderError, TransmitError
from vendor_pcsc.record import Comment, Exchange, Recorder, Reset, format_transcript, parse_transcript

MF = "00A40004023F00"
AID = f"00A404040C{PKCS15}"


class NoAtr(Scripted):
    """A connection that lost its card before the answer to reset was asked for."""

    @property
    def atr(self) -> bytes:
        raise CardRemovedError("gone")

    @atr.setter
    def atr(self, value: bytes) -> None:
        """Take it and forget it."""


def test_it_is_a_connection() -> None:
    recorder = Recorder(uicc())
    assert isinstance(recorder, CardConnection)
    assert (recorder.name, recorder.atr.hex().upper()) == ("profile small", ATR)
    assert repr(recorder) == "Recorder('profile small')"
    assert recorder.transcript.header.name == "profile small"


def test_every_line_is_written_as_soon_as_it_is_complete() -> None:
    lines: list[str] = []
    recorder = Recorder(Scripted("9000", "3B00"), sink=lines.append)
    assert len(lines) == 1
    send(recorder, MF)
    assert len(lines) == 2
    recorder.reset()
    recorder.comment("done")
    assert "".join(lines) == format_transcript(recorder.transcript)
    assert [type(item) for item in recorder.transcript.items] == [Exchange, Reset, Comment]
    assert parse_transcript("".join(lines)) == recorder.transcript


def test_times_are_those_of_the_clock_from_the_start() -> None:
    clock = iter([100.0, 100.25, 101.5, 99.0]).__next__
    recorder = Recorder(Scripted("9000", "3B00", "9000"), clock=clock)
    send(recorder, MF)
    recorder.reset()
    send(recorder, MF)
    items = recorder.transcript.items
    assert [item.at_us for item in items if not isinstance(item, Comment)] == [250_000, 1_500_000, 0]


def test_without_a_clock_two_recordings_of_one_reading_are_equal() -> None:
    first, second = (record([(MF, "9000")]) for _ in range(2))
    assert first == second
    assert first.exchanges[0].at_us is None


def test_transactions_are_those_of_the_connection() -> None:
    wire = Scripted("9000")
    recorder = Recorder(wire)
    with recorder.transaction(), recorder.transaction():
        assert wire.held == 2
        send(recorder, MF)
    assert wire.held == 0
    assert len(recorder.transcript.items) == 1


def test_leaving_twice_is_allowed_and_ends_the_recording() -> None:
    wire = Scripted("9000", "9000")
    recorder = Recorder(wire)
    send(recorder, MF)
    recorder.close()
    recorder.close()
    assert wire.closed == 2
    with pytest.raises(TransmitError, match="scripted: the connection is closed"):
        send(recorder, MF)
    with pytest.raises(TransmitError, match="scripted: the connection is closed"):
        recorder.reset()
    assert len(recorder.transcript.items) == 1


def test_a_virtual_card_that_was_left_holds_no_transaction() -> None:
    recorder = Recorder(uicc())
    recorder.close()
    with pytest.raises(TransmitError), recorder.transaction():
        pass


def test_errors_pass_on_and_are_recorded_without_their_text() -> None:
    recorder = Recorder(Scripted(CardRemovedError("in the office"), ProfileError("a", "b"), ReaderError("in Rome")))
    with pytest.raises(CardRemovedError, match="in the office"):
        send(recorder, MF)
    with pytest.raises(ProfileError):
        send(recorder, MF)
    with pytest.raises(ReaderError):
        recorder.reset()
    text = format_transcript(recorder.transcript)
    assert [exchange.error for exchange in recorder.transcript.exchanges] == ["CardRemovedError", "TransmitError"]
    assert recorder.transcript.items[-1] == Reset(b"", "ReaderError")
    assert "office" not in text
    assert "Rome" not in text


def test_a_connection_without_an_answer_to_reset_cannot_be_recorded() -> None:
    with pytest.raises(CardRemovedError):
        Recorder(NoAtr())


@pytest.mark.parametrize(
    ("commands", "file"),
    [
        (["00A40004023F00", "00A4000C022FE2", "00B0000001"], "2FE2"),
        (["00A40804022FE2", "00B0000001"], "2FE2"),
        (["00A40804047F506431", "00B0000001"], "7F50/6431"),
        ([AID, "00A40004026431", "00B0000001"], f"{PKCS15}/6431"),
        (["00B09E0001"], "?"),
        (["00B2014C01"], "?"),
        (["A0A40000027F10", "A0A40000025F50", "A0A40000025F51", "A0A40000024F01", "A0B0900001"], "7F10/5F51/4F01"),
        (["A0A40000027F10", "A0A40000025F50", "A0A40000027F10", "A0A40000026F40", "A0B2010401"], "7F10/6F40"),
        (["00A40004027F10", "00A4000C027F10", "00A4020C026F40", "00B0000001"], "7F10/6F40"),
        (["00A40004027F10", "00A4010C024F50", "00A40300", "00A4020C026F40", "00B0000001"], "7F10/6F40"),
        (["00A4000C027F10", "00A40000", "00A4020C022FE2", "00B0000001"], "2FE2"),
        (["00A4040C00", "00A4020C022FE2", "00B0000001"], "2FE2"),
        (["00A4000C037F1001", "00A4020C022FE2", "00B0000001"], "?/2FE2"),
        (["00A4000C047F105F50", "00A4020C022FE2", "00B0000001"], "?/2FE2"),
        (["00A4000C047F105F50", "00A40300", "00A4020C022FE2", "00B0000001"], "?/2FE2"),
        (["00A4050C027F10", "00A4020C022FE2", "00B0000001"], "?/2FE2"),
        (["00A4000C027FFF", "00A4020C026F07", "00B0000001"], "?/6F07"),
        (["00A4040605A000000001", "00A4020C026F07", "00B0000001"], "?/6F07"),
        ([AID, "00A4080C047FFF5031", "00B0000001"], f"{PKCS15}/5031"),
        ([AID, "00A4000C027FFF", "00A4000C025031", "00B0000001"], f"{PKCS15}/5031"),
        (["00A40004027F10", "00A4090C045F504F01", "00B0000001"], "7F10/5F50/4F01"),
        (["00A4000C022FE2", "00B0820001", "00B0000001"], "?"),
    ],
)
def test_a_read_names_its_file(commands: list[str], file: str) -> None:
    recorded = record([(command, "9000") for command in commands])
    assert recorded.exchanges[-1].file == file
    assert not any(exchange.file for exchange in recorded.exchanges[:-2])


@pytest.mark.parametrize(
    ("pairs", "file"),
    [
        ([("00A40004025015", "62048202782183009000")], "5015/6431"),
        ([("00A40004025015", "6204820241218300" + "9000")], "6431"),
        ([("00A40004025015", "6281058202782183009000")], "5015/6431"),
        ([("00A40004025015", "620283009000")], "6431"),
        ([("00A40004025015", "620880020010820278219000")], "5015/6431"),
        ([("00A40004025015", "62009000")], "6431"),
        ([("00A40004025015", "6106"), ("00C0000006", "6F04820278219000")], "5015/6431"),
        ([("00A40004025015", "6106"), ("00C0000006", "9000"), ("00C0000006", "6F04820278219000")], "6431"),
        ([("00A40004027F10", "6106"), ("00C0000006", "6204820201219000")], "6431"),
        ([("00A4000C027F10", "6A82")], "6431"),
        ([("A0A40000025015", "9F0F"), ("A0C000000F", "000000005015020000000000000000" + "9000")], "5015/6431"),
        ([("A0A40000025015", "9F0F"), ("A0C000000F", "000000005015040000000000000000" + "9000")], "6431"),
        ([("A0A40000025015", "9F0F"), ("A0C000000F", "000000005015090000000000000000" + "9000")], "6431"),
        ([("A0A40000025015", "9F04"), ("A0C0000004", "000000009000")], "6431"),
        ([("0070000001", "019000"), ("00A4080C027F10", "9000")], "7F10/6431"),
    ],
)
def test_what_the_card_says_about_a_file_is_believed(pairs: list[tuple[str, str]], file: str) -> None:
    cla = pairs[-1][0][:2]
    read = [(f"{cla}A40000026431", "9000"), (f"{cla}B0000001", "9000")]
    assert record([*pairs, *read]).exchanges[-1].file == file


@pytest.mark.parametrize(
    ("pairs", "file"),
    [
        ([("00A4000C027F10", "9000"), ("0070000001", "019000")], "6431"),
        ([("00A4000C027F10", "9000"), ("00700001", "9000")], "6431"),
        ([("0070000001", "6881")], "?/6431"),
        ([("0070000001", "9000")], "?/6431"),
        ([("0070000001", "019000"), ("00708001", "9000")], "?/6431"),
        ([("0070000001", "019000"), ("01708000", "9000")], "?/6431"),
        ([("0070000001", "029000"), ("02A4000C027F10", "9000"), ("0270000001", "019000")], "7F10/6431"),
    ],
)
def test_every_channel_has_a_selection_of_its_own(pairs: list[tuple[str, str]], file: str) -> None:
    read = [("01A40000026431", "9000"), ("01B0000001", "9000")]
    assert record([*pairs, *read]).exchanges[-1].file == file


def test_channels_from_four_on_are_told_apart() -> None:
    pairs = [("0070000005", "059000"), ("41A40804027F10", "9000"), ("41A4000C026F07", "9000"), ("41B0000001", "9000")]
    assert record(pairs).exchanges[-1].file == "7F10/6F07"
    assert record([*pairs, ("42B0000001", "9000")]).exchanges[-1].file == "?/?"
