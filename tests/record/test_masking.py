"""What may be written down: every rule, on commands and answers of the test's own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.record.cards import PIN_DIGITS, PKCS15, VERIFY, Scripted, last, record, text_of
from vendor_pcsc.errors import CardRemovedError
from vendor_pcsc.record import Recorder, Redact, format_transcript

PIN_HEX = PIN_DIGITS.encode().hex().upper()
READ = ("00B0000004", "CAFECAFE9000")
SECRET = "CAFECAFE"
FILE = ("00A40804047F50643100", "9000")
PIN_CODES = ["20", "21", "24", "25", "26", "27", "28", "29", "2C", "2D"]


@pytest.mark.parametrize("redact", Redact)
@pytest.mark.parametrize("cla", ["00", "A0", "01", "41", "80", "0C", "10", "FF"])
@pytest.mark.parametrize("ins", PIN_CODES)
def test_data_of_a_pin_command_are_never_kept(ins: str, cla: str, redact: Redact) -> None:
    recorded = record([(f"{cla}{ins}000108{PIN_HEX}", "9000")], redact=redact)
    assert (last(recorded).command.hex().upper(), last(recorded).command_masked) == (f"{cla}{ins}000108", 8)
    assert PIN_HEX not in text_of(recorded)


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (f"10{PIN_HEX}{PIN_HEX}", "10"),
        (f"08{PIN_HEX}00", "08"),
        (f"000008{PIN_HEX}", "000008"),
        (f"000008{PIN_HEX}0000", "000008"),
        (PIN_HEX, ""),
        (f"07{PIN_HEX}", "07"),
        (f"06{PIN_HEX}", ""),
        (f"0A{PIN_HEX}", ""),
        (f"00{PIN_HEX}", ""),
        ("009081", ""),
        ("9081", ""),
        ("08", "08"),
        ("00", "00"),
        ("", ""),
    ],
)
def test_lengths_that_do_not_agree_show_nothing(body: str, kept: str) -> None:
    exchange = last(record([(f"00200001{body}", "6700")]))
    assert exchange.command.hex().upper() == f"00200001{kept}"
    assert exchange.command_length == len(f"00200001{body}") // 2


@given(
    st.sampled_from(PIN_CODES),
    st.binary(max_size=20),
    st.binary(max_size=20),
    st.sampled_from(list(Redact)),
)
def test_no_form_of_a_pin_command_shows_two_octets_of_its_data(
    ins: str, before: bytes, after: bytes, redact: Redact
) -> None:
    value = bytes.fromhex(PIN_HEX)
    recorded = record([(f"00{ins}0001{before.hex()}{PIN_HEX}{after.hex()}", f"{PIN_HEX}9000")], redact=redact)
    exchange = last(recorded)
    assert len(exchange.command) <= 7
    assert exchange.data == b""
    assert all(value[at : at + 3] not in exchange.command[4:] for at in range(6))


def test_what_a_pin_command_answers_is_not_kept_either() -> None:
    exchange = last(record([(VERIFY, f"{PIN_HEX}9000")]))
    assert (exchange.data, exchange.data_masked, exchange.sw) == (b"", 8, b"\x90\x00")


@pytest.mark.parametrize("redact", Redact)
def test_answers_of_authentication_are_never_kept(redact: Redact) -> None:
    pairs = [("A088000010" + "11" * 16, "9F0C"), ("A0C000000C", "C0DE" * 6 + "9000")]
    assert "C0DE" not in text_of(record(pairs, redact=redact))
    assert "1111" not in text_of(record(pairs, redact=redact))


@pytest.mark.parametrize("command", ["80E2000003C0DE03", "00D6000003C0DE03", "80C2000003C0DE03", "00C0000003C0DE03"])
def test_commands_that_are_not_known_to_be_harmless_keep_no_data(command: str) -> None:
    assert "C0DE" not in text_of(record([(command, "C0DE9000")]))


def test_get_response_without_a_command_before_is_masked() -> None:
    assert last(record([("00C0000004", "CAFECAFE9000")])).data_masked == 4


def test_get_response_is_masked_as_its_command() -> None:
    pairs = [FILE, (VERIFY, "9000"), ("00B0000004", "6104"), ("00C0000004", f"{SECRET}9000")]
    assert last(record(pairs)).data_masked == 4
    assert last(record([FILE, ("00A40004023F00", "6104"), ("00C0000004", "620282009000")])).data_masked == 0


def test_get_response_after_reset_has_no_command_before() -> None:
    assert last(record([FILE, ("reset", "3B00"), ("00C0000004", f"{SECRET}9000")])).data_masked == 4


def test_an_answer_without_status_word_follows_the_same_rule() -> None:
    exchange = last(record([(VERIFY, "31")]))
    assert (exchange.data, exchange.data_masked, exchange.sw) == (b"", 1, b"")
    assert last(record([("00A40004023F00", "31")])).data == b"1"


@pytest.mark.parametrize(
    ("between", "kept"),
    [
        ([], True),
        ([("0020000100", "63C3")], True),
        ([(VERIFY, "63C2")], True),
        ([(VERIFY, "6983")], True),
        ([(VERIFY, "9804")], True),
        ([(VERIFY, "9000")], False),
        ([(VERIFY, "910F")], False),
        ([(VERIFY, "")], False),
        ([("00200001", "9000")], False),
        ([(f"002C000110{PIN_HEX}{PIN_HEX}", "9000")], False),
        ([(f"0028000108{PIN_HEX}", "9000")], False),
        ([(VERIFY, "9000"), ("reset", "3B00"), FILE], True),
        ([(f"0026000108{PIN_HEX}", "9000"), ("reset", "3B00"), FILE], False),
        ([(f"0026000108{PIN_HEX}", "63C2"), ("reset", "3B00"), FILE], True),
        ([("00B0000004", "6982")], False),
        ([("00B0000004", "9804"), ("reset", "3B00"), FILE], False),
        ([("00B0000004", "6986")], True),
    ],
)
def test_content_is_private_after_a_pin_or_a_refusal(between: list[tuple[str, str]], *, kept: bool) -> None:
    recorded = record([FILE, *between, READ])
    assert (last(recorded).data.hex().upper() == SECRET) is kept
    assert (SECRET in text_of(recorded)) is kept
    assert last(record([FILE, *between, READ], redact=Redact.PINS)).data_masked == 0
    assert last(record([FILE, *between, READ], redact=Redact.ALL_CONTENT)).data_masked == 4
    assert last(record([FILE, *between, READ], public=["7F50/6431"])).data_masked == 0 or between[:1] == [
        ("00B0000004", "6982")
    ]


def test_a_lost_answer_to_a_pin_counts_as_success() -> None:
    recorder = Recorder(Scripted("9000", CardRemovedError("gone"), READ[1]))
    recorder.transmit(bytes.fromhex(FILE[0]))
    with pytest.raises(CardRemovedError):
        recorder.transmit(bytes.fromhex(VERIFY))
    recorder.transmit(bytes.fromhex(READ[0]))
    assert last(recorder.transcript).data_masked == 4
    assert PIN_HEX not in format_transcript(recorder.transcript)


AID = (f"00A404040C{PKCS15}00", "9000")


@pytest.mark.parametrize(
    "way",
    [
        [("00A40804047F506431", "9000")],
        [("00A40804063F007F506431", "9000")],
        [AID, ("00A4000C026431", "9000")],
        [AID, ("00A4020C026431", "9000")],
        [AID, ("00A4090C026431", "9000")],
        [AID, ("00A4080C047FFF6431", "9000")],
        [("00A4000C027F50", "9000"), ("00A4000C026431", "9000")],
        [("00A4000C025031", "9000"), ("00A4000C026431", "9000")],
        [AID],
        [("00A4000C037F50", "9000")],
    ],
)
def test_a_file_named_as_private_is_masked_whatever_way_leads_to_it(way: list[tuple[str, str]]) -> None:
    for redact in Redact:
        assert SECRET not in text_of(record([*way, READ], redact=redact, private=["7f50/6431"]))


@pytest.mark.parametrize("read", ["00B0910004", "00B2018C04", "00B1000004", "00B3010404"])
def test_a_file_that_is_not_known_may_be_the_private_one(read: str) -> None:
    pairs = [("00A4000C022FE2", "9000"), (read, READ[1])]
    assert SECRET in text_of(record(pairs))
    assert SECRET not in text_of(record(pairs, private=["6431"]))


@pytest.mark.parametrize(
    "pairs",
    [
        [("00A4000C027F50", "9000"), ("00B0910004", READ[1])],
        [(f"00A404040C{PKCS15}00", "6204820241219000"), READ],
    ],
)
def test_a_file_in_a_known_directory_may_be_the_private_one_too(pairs: list[tuple[str, str]]) -> None:
    assert SECRET in text_of(record(pairs))
    assert SECRET not in text_of(record(pairs, private=["7F50/6431"]))


def test_other_files_are_kept_beside_a_private_one() -> None:
    pairs = [FILE, READ, ("00A4080C047F516431", "9000"), ("00B0000004", "BEEFBEEF9000")]
    text = text_of(record(pairs, private=["7F50/6431"]))
    assert SECRET not in text
    assert "BEEFBEEF" in text


@pytest.mark.parametrize(
    ("way", "kept"),
    [
        ([("00A4080C047F506431", "9000")], True),
        ([AID, ("00A4000C026431", "9000")], False),
        ([("00A4080C047F516431", "9000")], False),
        ([("00A4040C00", "9000"), ("00A4000C027F50", "9000"), ("00A4000C026431", "9000")], True),
    ],
)
def test_a_public_file_is_the_one_at_this_very_path(way: list[tuple[str, str]], *, kept: bool) -> None:
    pairs = [(VERIFY, "9000"), *way, READ]
    assert (SECRET in text_of(record(pairs, public=["3F00/7F50/6431"]))) is kept
    assert (SECRET in text_of(record(pairs, public=["3F00/7F50/6431"], redact=Redact.ALL_CONTENT))) is kept


def test_content_that_is_written_is_kept_for_test_cards_alone() -> None:
    update = ("00D6000004CAFECAFE", "9000")
    assert SECRET in text_of(record([FILE, update], redact=Redact.PINS))
    assert SECRET not in text_of(record([FILE, update], redact=Redact.PINS, private=["6431"]))
    assert SECRET not in text_of(record([FILE, update]))


@pytest.mark.parametrize("name", ["", "643", "EF.IMSI", "7F50/", "/6431", "6431/A000000063504B43532D3135", "64 31"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no file"):
        Recorder(Scripted(), private=[name])


def test_a_file_cannot_be_public_and_private() -> None:
    with pytest.raises(ValueError, match="7F50/6431 cannot be public and private"):
        Recorder(Scripted(), public=["7F50/6431"], private=["3f00/7f50/6431"])


def test_the_header_says_in_plain_words_what_is_in_the_file() -> None:
    notes = {redact: record([], redact=redact).header.note for redact in Redact}
    assert "THE SECRETS OF THESE ACCOUNTS" in notes[Redact.PRIVATE]
    assert "THE CONTENT OF PRIVATE FILES IS HERE" in notes[Redact.PINS]
    assert "cannot be replayed" in notes[Redact.ALL_CONTENT]
    assert record([], public=["2FE2"]).header.note.endswith("here in any case: 2FE2.")
