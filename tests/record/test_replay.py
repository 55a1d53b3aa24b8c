"""A transcript as a card: the recorded answers and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.record.cards import ATR, PIN_DIGITS, VERIFY, Scripted, record, send, sim, transcript, uicc
from vendor_pcsc.connection import CardConnection
from vendor_pcsc.errors import BridgeError, CardRemovedError, ReaderError, TransmitError
from vendor_pcsc.record import Comment, Recorder, ReplayConnection, ReplayMode, Transcript

if TYPE_CHECKING:
    from collections.abc import Sequence

MF, DF, EF = "00A40004023F00", "00A40004027F50", "00A40004026431"
READ = "00B0000004"
MODES = pytest.mark.parametrize("mode", ReplayMode)


def ask(connection: CardConnection, *commands: str) -> str:
    return [connection.transmit(bytes.fromhex(command)).hex().upper() for command in commands][-1]


def mapped(*pairs: tuple[str, str]) -> ReplayConnection:
    return ReplayConnection(record(pairs, public=["6431", "7F50/6431"]), mode=ReplayMode.MAP)


@MODES
def test_it_is_a_connection(mode: ReplayMode) -> None:
    connection = ReplayConnection(transcript((MF, "9000")), mode=mode)
    assert isinstance(connection, CardConnection)
    assert (connection.name, connection.atr.hex().upper()) == ("replay hand", ATR)
    assert repr(connection) == f"ReplayConnection('replay hand', mode={mode})"


def test_strict_mode_wants_every_command_in_order() -> None:
    connection = ReplayConnection(transcript((MF, "6F00"), (EF, "9000")))
    with pytest.raises(TransmitError) as caught:
        ask(connection, EF)
    assert str(caught.value) == (
        "replay hand, line 2: wanted SELECT 00A40004 of 7 octets, got SELECT 00A40004 of 7 octets; "
        "they differ from octet 5 on"
    )
    assert connection.remaining == 2
    assert ask(connection, MF, EF) == "9000"
    assert connection.remaining == 0
    with pytest.raises(TransmitError, match="the transcript ends at line 3, got READ BINARY 00B00000 of 5 octets"):
        ask(connection, READ)


@pytest.mark.parametrize(
    ("got", "text"),
    [
        (READ, "wanted SELECT 00A40004 of 7 octets, got READ BINARY 00B00000 of 5 octets; they differ from octet 1 on"),
        (f"{MF}00", "got SELECT 00A40004 of 8 octets; they differ from octet 7 on"),
        ("00A4", "got SELECT 00A4 of 2 octets; they differ from octet 2 on"),
        ("", "got an empty command"),
        ("00FF0000", "got 00FF0000 of 4 octets; they differ from octet 1 on"),
    ],
)
def test_the_error_says_what_was_wanted_and_what_came(got: str, text: str) -> None:
    with pytest.raises(TransmitError) as caught:
        ReplayConnection(transcript((MF, "9000"))).transmit(bytes.fromhex(got))
    assert text in str(caught.value)


def test_no_error_holds_data_of_a_command() -> None:
    for mode in ReplayMode:
        with pytest.raises(TransmitError) as caught:
            ask(ReplayConnection(transcript((MF, "9000")), mode=mode), VERIFY)
        assert PIN_DIGITS.encode().hex().upper() not in str(caught.value)


def test_an_empty_transcript_answers_nothing() -> None:
    with pytest.raises(TransmitError, match="ends at line 1"):
        ask(ReplayConnection(transcript()), MF)
    with pytest.raises(TransmitError, match="ends at line 1, got a reset"):
        ReplayConnection(transcript()).reset()


@MODES
def test_a_masked_command_is_matched_by_its_header_and_length(mode: ReplayMode) -> None:
    recorded = record([(VERIFY, "9000"), (VERIFY, "9000")])
    connection = ReplayConnection(recorded, mode=mode)
    with pytest.raises(TransmitError):
        ask(connection, "0020008108" + "30" * 8)
    with pytest.raises(TransmitError):
        ask(connection, "0020000104" + "30" * 4)
    assert ask(connection, "0020000108" + "30" * 8) == "9000"


@MODES
def test_errors_are_raised_again(mode: ReplayMode) -> None:
    wire = Scripted(CardRemovedError("a place"), ReaderError("a name"), TransmitError("x"), ReaderError("y"), "9000")
    recorder = Recorder(wire)
    for command in (MF, DF, EF):
        with pytest.raises(BridgeError):
            send(recorder, command)
    with pytest.raises(ReaderError):
        recorder.reset()
    send(recorder, READ)
    connection = ReplayConnection(recorder.transcript, mode=mode)
    for command, kind in ((MF, CardRemovedError), (DF, ReaderError), (EF, TransmitError)):
        with pytest.raises(kind, match=r"line \d: recorded in place of an answer"):
            ask(connection, command)
    with pytest.raises(ReaderError, match=r"line 5: recorded in place of a reset"):
        connection.reset()
    assert ask(connection, READ) == "9000"


@MODES
def test_a_reset_gives_the_recorded_answer(mode: ReplayMode) -> None:
    connection = ReplayConnection(record([(MF, "9000"), ("reset", "3B00"), (MF, "6F00")]), mode=mode)
    assert ask(connection, MF) == "9000"
    assert connection.reset() == connection.atr == b"\x3b\x00"
    assert ask(connection, MF) == "6F00"


def test_strict_mode_wants_resets_where_they_were() -> None:
    connection = ReplayConnection(record([(MF, "9000"), ("reset", "3B00")]))
    with pytest.raises(TransmitError, match="line 2: wanted SELECT 00A40004 of 7 octets, got a reset"):
        connection.reset()
    ask(connection, MF)
    with pytest.raises(TransmitError, match="line 3: wanted a reset, got SELECT 00A40004 of 7 octets"):
        ask(connection, MF)


def test_map_mode_may_be_reset_at_any_time() -> None:
    connection = mapped((MF, "9000"))
    assert ask(connection, MF, MF) == "9000"
    assert connection.reset().hex().upper() == ATR
    assert ask(connection, MF) == "9000"
    assert connection.remaining == 0


@MODES
def test_leaving_twice_is_allowed_and_ends_it(mode: ReplayMode) -> None:
    connection = ReplayConnection(transcript((MF, "9000")), mode=mode)
    with connection.transaction(), connection.transaction():
        assert ask(connection, MF) == "9000"
    connection.close()
    connection.close()
    for use in (connection.reset, lambda: ask(connection, MF), connection.transaction().__enter__):
        with pytest.raises(TransmitError, match="closed"):
            use()


@MODES
def test_comments_are_passed_over_and_count_as_lines(mode: ReplayMode) -> None:
    recorded = transcript((MF, "9000"))
    commented = Transcript(recorded.header, (Comment("first"), *recorded.items, Comment("last")))
    connection = ReplayConnection(commented, mode=mode)
    assert ask(connection, MF) == "9000"
    if mode is ReplayMode.STRICT:
        with pytest.raises(TransmitError, match="line 3"):
            ask(connection, MF)


@MODES
def test_answers_too_short_for_a_status_word_are_given_as_they_were(mode: ReplayMode) -> None:
    connection = ReplayConnection(record([(MF, ""), (DF, "90")]), mode=mode)
    assert (ask(connection, MF), ask(connection, DF)) == ("", "90")


def test_map_mode_takes_any_order_of_ways_from_the_master_file() -> None:
    connection = mapped(("00A40804022FE2", "9000"), (READ, "11119000"), ("00A40804022F05", "9000"), (READ, "22229000"))
    assert ask(connection, "00A40804022F05", READ) == "22229000"
    assert ask(connection, "00A40804022FE2", READ, READ) == "11119000"


def test_map_mode_knows_where_a_command_was_recorded() -> None:
    connection = mapped((MF, "9000"), (DF, "9000"), (EF, "9000"), (READ, "9000"))
    with pytest.raises(
        TransmitError, match=r"READ BINARY 00B00000 of 5 octets was .* in another state only \(line 5\)"
    ):
        ask(connection, MF, READ)
    with pytest.raises(TransmitError, match="READ RECORD 00B20104 of 5 octets is not in the transcript"):
        ask(connection, "00B2010404")


def test_map_mode_tells_the_time_before_a_pin_from_that_after_it() -> None:
    connection = mapped((MF, "9000"), (EF, "9000"), (READ, "6982"), (VERIFY, "9000"), (READ, "1234"), ("reset", ATR))
    assert ask(connection, MF, EF, READ) == ask(connection, READ) == "6982"
    assert ask(connection, VERIFY, READ) == "1234"
    connection.reset()
    assert ask(connection, MF, EF, READ) == "6982"


def test_map_mode_gives_several_answers_in_order_and_the_last_again() -> None:
    connection = mapped((MF, "6F00"), (MF, "6F01"), (MF, "9000"))
    assert [ask(connection, MF) for _ in range(4)] == ["6F00", "6F01", "9000", "9000"]


def test_map_mode_tells_records_apart_that_follow_each_other() -> None:
    following = "00B2000204"
    connection = mapped((MF, "9000"), (EF, "9000"), (following, "AA9000"), (following, "BB9000"), (following, "6A83"))
    assert [ask(connection, MF, EF, following), ask(connection, following)] == ["AA9000", "BB9000"]
    assert ask(connection, EF, following) == "AA9000"


def test_map_mode_takes_reads_by_short_identifier_at_any_time() -> None:
    short, following = "00B0820004", "00B2001A04"
    connection = mapped((MF, "9000"), (short, "11119000"), (EF, "9000"), (following, "AA9000"), (READ, "22229000"))
    assert ask(connection, MF, following, READ) == "22229000"
    assert ask(connection, EF, short, short, MF, short) == "11119000"


def test_map_mode_knows_what_get_response_belongs_to() -> None:
    fetch = "00C0000002"
    connection = mapped((MF, "6102"), (fetch, "11119000"), (DF, "6102"), (fetch, "22229000"))
    assert ask(connection, MF, fetch) == "11119000"
    assert ask(connection, DF, fetch) == "22229000"
    assert ask(connection, MF, fetch) == "11119000"


def test_map_mode_knows_changes_of_content() -> None:
    connection = mapped((MF, "9000"), (EF, "9000"), (READ, "11119000"), ("00D600000111", "9000"), (READ, "22229000"))
    assert ask(connection, MF, EF, READ) == "11119000"
    assert ask(connection, "00D600000133", READ) == "22229000"


def test_map_mode_knows_which_class_came_first() -> None:
    gsm = "A0A40000023F00"
    connection = mapped((gsm, "9F16"), (MF, "6E00"), ("reset", ATR), (MF, "9000"), (gsm, "6E00"))
    assert ask(connection, gsm, MF) == "6E00"
    connection.reset()
    assert ask(connection, MF) == "9000"


def test_map_mode_knows_another_card() -> None:
    connection = mapped((MF, "9000"), ("reset", "3B00"), (MF, "6F00"), ("reset", "3B01"), (MF, "6F01"))
    assert ask(connection, MF) == "9000"
    assert [(connection.reset().hex(), ask(connection, MF)) for _ in range(2)] == [("3b00", "6F00"), ("3b01", "6F01")]


READINGS: dict[str, Sequence[str]] = {
    "a sim": (
        *("A0A40000023F00", "A0C0000016", "A0A40000022FE2", "A0C000000F", "A0B000000A", "A0A40000027F10"),
        *("A0A40000026F3A", "A0B2000202", "A0B2000202", "A0B2000202", "A0B2000202", "A0B2010402"),
        *("A0A40000027F20", "A0A40000026F07", "A0B0000009", "A020000108" + b"1234".hex() + "FFFFFFFF", "A0B0000009"),
    ),
    "a uicc": (
        *("0070000001", "01A404040CA000000063504B43532D313500", "01A400040250310000", "01A4000402503100", "01B0000005"),
        *("02A4000402503100", "00A40804022FE200", "00B000000A", "00B201F43C", "00708001", "01B0000005"),
    ),
}


@MODES
@pytest.mark.parametrize("name", READINGS)
def test_a_virtual_card_is_replayed_octet_by_octet(name: str, mode: ReplayMode) -> None:
    recorder = Recorder(sim() if name == "a sim" else uicc(), public=["7F20/6F07"])
    answers = [send(recorder, command) for command in READINGS[name]]
    connection = ReplayConnection(recorder.transcript, mode=mode)
    assert [ask(connection, command) for command in READINGS[name]] == answers
