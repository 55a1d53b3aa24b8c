"""The golden comparison: the first difference, in words, without secrets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.record.cards import PIN_DIGITS, VERIFY, record, transcript
from vendor_pcsc.record import Comment, Exchange, Reset, Transcript, compare

MF, EF, READ = "00A40004023F00", "00A40004022FE2", "00B0000004"
PAIRS = ((MF, "9000"), (EF, "62009000"), (READ, "CAFECAFE9000"))
A = transcript(*PAIRS)
SELECT = "SELECT 00A40004 of 7 octets"
BINARY = "READ BINARY 00B00000 of 5 octets"


def test_equal_transcripts_have_no_difference() -> None:
    assert compare(A, transcript(*PAIRS)) is None
    assert compare(transcript(), transcript()) is None


def test_names_times_comments_and_notes_make_none() -> None:
    header = replace(A.header, name="other", note="a note")
    first = replace(A.exchanges[0], at_us=5, file="2FE2")
    assert compare(A, Transcript(header, (Comment("x"), first, *A.items[1:], Comment("y")))) is None


def test_masked_octets_are_equal_to_any_of_the_same_count() -> None:
    shown = transcript((VERIFY, "9000"), *PAIRS)
    masked = record([(VERIFY, "9000"), *PAIRS])
    assert masked.exchanges[-1].data_masked == 4
    assert compare(shown, masked) is None
    assert compare(masked, shown) is None


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ((0, (EF, "9000")), f"command: {SELECT} (023F00) in a, {SELECT} (022FE2) in b"),
        ((1, (EF, "62006283")), f"answers to {SELECT} (022FE2): 9000 in a, 6283 in b"),
        ((1, (EF, "6A82")), f"answers to {SELECT} (022FE2): 9000 in a, 6A82 in b"),
        ((2, (READ, "CAFECA9000")), f"answers to {BINARY}: 4 octets of data in a, 3 in b"),
        ((2, (READ, "CA00CA009000")), f"answers to {BINARY}: data differ in 2 of 4 octets, first at octet 1"),
        ((2, ("00B0000005", "CAFECAFE9000")), f"command: {BINARY} in a, {BINARY} in b; they differ at octet 4"),
        ((2, (f"{READ}00", "CAFECAFE9000")), f"command: {BINARY} in a, READ BINARY 00B00000 of 6 octets in b"),
    ],
)
def test_the_first_difference_is_told(changed: tuple[int, tuple[str, str]], what: str) -> None:
    pairs = list(PAIRS)
    pairs[changed[0]] = changed[1]
    difference = compare(A, transcript(*pairs))
    assert difference is not None
    assert difference.what == what
    assert (difference.line_a, difference.line_b) == (changed[0] + 2, changed[0] + 2)


def test_the_report_says_where_what_and_how_much() -> None:
    b = transcript(*PAIRS[:1], ("0070000001", "019000"), *PAIRS[1:2])
    assert str(compare(A, b)) == (
        "first difference at line 3 of a and line 3 of b: command: SELECT 00A40004 of 7 octets (022FE2) in a, "
        "MANAGE CHANNEL 00700000 of 5 octets in b\n"
        "a: 3 commands, 6 octets of data (hand)\n"
        "b: 3 commands, 3 octets of data (hand)\n"
        "more in a: 1 READ BINARY\n"
        "more in b: 1 MANAGE CHANNEL"
    )


@pytest.mark.parametrize(("first", "second", "name"), [(3, 2, "a"), (2, 3, "b")])
def test_a_transcript_that_ends_before_the_other_differs(first: int, second: int, name: str) -> None:
    difference = compare(transcript(*PAIRS[:first]), transcript(*PAIRS[:second]))
    assert difference is not None
    assert difference.what == f"only {name} goes on, with READ BINARY 00B00000 of 5 octets"
    other = "b" if name == "a" else "a"
    assert f"line 4 of {name}" in str(difference)
    assert f"the end of {other}" in str(difference)


def test_resets_and_errors_are_compared() -> None:
    reset = Transcript(A.header, (Reset(b"\x3b\x00"),))
    lost = Transcript(A.header, (Reset(b"", "ReaderError"),))
    gone = Transcript(A.header, (Exchange(bytes.fromhex(MF), error="CardRemovedError"),))
    odd = Transcript(A.header, (Exchange(b"\x00"),))
    texts = [str(compare(*pair)) for pair in ((reset, lost), (reset, A), (A, gone), (A, odd), (odd, reset))]
    assert "a reset (3B00) in a, a reset (ReaderError) in b" in texts[0]
    assert "a reset (3B00) in a, SELECT 00A40004 of 7 octets (023F00) in b" in texts[1]
    assert "answers to SELECT 00A40004 of 7 octets (023F00): 9000 in a, CardRemovedError in b" in texts[2]
    assert "00 of 1 octets in b" in texts[3]
    assert "more in b: 1 no instruction" in texts[3]
    assert compare(reset, reset) is None


def test_another_card_is_told_first() -> None:
    difference = compare(A, transcript(*PAIRS[:1], atr="3B00"))
    assert difference is not None
    assert difference.what.startswith("answer to reset: 3B9F")
    assert difference.what.endswith("3B00 in b")


def test_no_report_holds_content_or_a_pin() -> None:
    b = transcript((VERIFY, "9000"), (READ, "DEADBEEF9000"))
    for pair in ((A, b), (b, A), (transcript((READ, "CAFECAFE9000")), transcript((READ, "DEADBEEF9000")))):
        report = str(compare(*pair))
        assert not any(octets in report for octets in ("CAFE", "BEEF", PIN_DIGITS.encode().hex().upper()))
