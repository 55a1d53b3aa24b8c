"""The line format: what is written is read, what is wrong is named, and it is what the schema says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.record.cards import ATR, REPOSITORY
from vendor_pcsc.errors import BridgeError
from vendor_pcsc.record import (
    Comment,
    Exchange,
    Header,
    Redact,
    Reset,
    Transcript,
    TranscriptError,
    format_transcript,
    parse_transcript,
    read_transcript,
)
from vendor_pcsc.record.fields import ERRORS

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = Draft202012Validator(json.loads((REPOSITORY / "docs/schemas/transcript.schema.json").read_text("utf-8")))
HEADER = f'{{"transcript": 1, "name": "x", "atr": "{ATR}", "redact": "private"}}\n'
OK = '"command": "00A4000C023F00", "sw": "9000"'
ONE_POINT_NULL = f'{{{OK}, "at_us": 1.0}}'
"""JSON Schema takes 1.0 for a whole number."""

times = st.none() | st.integers(0, 2**53 - 1)
octets = st.binary(max_size=40)
errors = st.sampled_from(sorted(ERRORS))


@st.composite
def exchanges(draw: st.DrawFn) -> Exchange:
    at_us, command = draw(times), draw(octets)
    masked = draw(st.integers(0, 65_546))
    file = draw(st.sampled_from(["", "?", "2FE2", "7F50/6431", "A000000063504B43532D3135/?"]))
    if draw(st.booleans()):
        return Exchange(command, masked, error=draw(errors), at_us=at_us, file=file)
    if draw(st.booleans()):
        return Exchange(command, masked, data_masked=draw(st.integers(0, 65_546)), sw=b"\x90\x00", at_us=at_us)
    sw = draw(st.sampled_from([b"", b"\x90\x00", b"\x6a\x82"]))
    data = draw(octets if sw else st.binary(max_size=1))
    return Exchange(command, masked, data, sw=sw, at_us=at_us, file=file)


resets = st.builds(Reset, octets, at_us=times) | st.builds(Reset, st.just(b""), errors, times)
items = exchanges() | resets | st.builds(Comment, st.text())
headers = st.builds(Header, st.text(), octets, st.sampled_from(Redact), st.text())
transcripts = st.builds(Transcript, headers, st.lists(items, max_size=6).map(tuple))


@given(transcripts)
def test_what_is_written_is_read_again_and_fits_the_schema(transcript: Transcript) -> None:
    text = format_transcript(transcript)
    assert text.isascii()
    assert parse_transcript(text) == parse_transcript(text.encode()) == transcript
    assert format_transcript(parse_transcript(text)) == text
    for line in text.splitlines():
        SCHEMA.validate(json.loads(line))


def test_every_end_of_line_is_read() -> None:
    text = f"{HEADER}{{{OK}}}\n"
    wanted = parse_transcript(text)
    assert parse_transcript(text.rstrip("\n")) == parse_transcript(text.replace("\n", "\r\n")) == wanted


WRONG_LINES = {
    "": "empty; wanted one JSON object a line",
    "   ": "empty; wanted one JSON object a line",
    "# a comment": "no JSON: Expecting value",
    '{"comment": "cut': "no JSON: Unterminated string",
    "[]": "wanted a JSON object",
    "1": "wanted a JSON object",
    "{}": "wanted one of 'command', 'reset', 'comment', found 0 of them",
    f'{{"comment": "", {OK}}}': "found 2 of them",
    '{"comment": 1}': "comment: wanted text",
    '{"comment": "", "x": 1}': "unknown key 'x'",
    '{"comment": "a", "comment": "b"}': "'comment' stands there twice",
    '{"comment": {"a": 1, "a": 2}}': "'a' stands there twice",
    '{"command": "00A4000C023F00"}': "no 'sw'",
    '{"command": "00a4", "sw": "9000"}': "command: wanted pairs of hexadecimal digits in capitals",
    '{"command": "00 A4", "sw": "9000"}': "command: wanted pairs",
    '{"command": "00A", "sw": "9000"}': "command: wanted pairs",
    '{"command": "00A4\\n", "sw": "9000"}': "command: wanted pairs",
    '{"command": "\u0660\u0660", "sw": "9000"}': "command: wanted pairs",
    '{"command": "00A4", "sw": "90"}': "sw: wanted two octets",
    '{"command": "00A4", "sw": "900000"}': "sw: wanted two octets",
    '{"command": "00A4", "data": "0102", "sw": ""}': "sw: an answer of two octets and more",
    '{"command": "00A4", "data": "0102", "data_masked": 2, "sw": "9000"}': "there or masked, not both",
    '{"command": "00A4", "error": "ReaderError", "sw": "9000"}': "an answer or an error, not both",
    '{"command": "00A4", "error": "ReaderError", "data": "00"}': "an answer or an error, not both",
    '{"command": "00A4", "error": "OSError"}': "error: wanted one of CardRemovedError, ReaderError, TransmitError",
    '{"command": "00A4", "error": "", "sw": "9000"}': "error: wanted one of",
    f'{{{OK}, "command_masked": 0}}': "command_masked: wanted 1 to 65546",
    f'{{{OK}, "data_masked": 65547}}': "data_masked: wanted 1 to 65546",
    f'{{{OK}, "data_masked": true}}': "data_masked: wanted a whole number",
    f'{{{OK}, "at_us": -1}}': "at_us: wanted a whole number",
    ONE_POINT_NULL: "at_us: wanted a whole number",
    f'{{{OK}, "at_us": NaN}}': "at_us: wanted a whole number",
    f'{{{OK}, "at_us": null}}': "at_us: wanted a whole number",
    f'{{{OK}, "at_us": {2**53}}}': "at_us: wanted a whole number",
    f'{{{OK}, "at_us": {"9" * 5000}}}': "no JSON: nested or written beyond bounds",
    f'{{{OK}, "file": ""}}': "file: wanted identifiers",
    f'{{{OK}, "file": "../x"}}': "file: wanted identifiers",
    '{"reset": "3B00", "error": "ReaderError"}': "an ATR or an error, not both",
    '{"reset": 1}': "reset: wanted text",
    '{"transcript": 1}': "found 0 of them",
    "[" * 100_000: "no JSON: nested or written beyond bounds",
    f'{{"comment": "{"x" * 400_000}"}}': "longer than 400000 characters",
}


@pytest.mark.parametrize("line", WRONG_LINES, ids=lambda line: line[:60])
def test_a_wrong_line_is_named_with_its_reason(line: str) -> None:
    with pytest.raises(TranscriptError) as caught:
        parse_transcript(f'{HEADER}{{"comment": "fine"}}\n{line}\n{{"comment": "fine"}}\n')
    assert caught.value.line == 3
    assert WRONG_LINES[line] in caught.value.reason
    assert str(caught.value) == f"transcript line 3: {caught.value.reason}"


@pytest.mark.parametrize("line", [line for line in WRONG_LINES if line.startswith("{")], ids=lambda line: line[:60])
def test_the_schema_refuses_it_too_unless_json_itself_hides_it(line: str) -> None:
    told = WRONG_LINES[line]
    beyond = ("stands there twice", "no JSON", "longer than", "an answer of two octets and more", "an ATR or an error")
    if not any(word in told for word in beyond) and line not in {
        '{"command": "00A4\\n", "sw": "9000"}',
        ONE_POINT_NULL,
    }:
        assert not SCHEMA.is_valid(json.loads(line))


WRONG_HEADERS = {
    "": "empty; wanted the header",
    f"{{{OK}}}\n": "no header",
    HEADER.replace("1", "2", 1): "format version 2; this program reads version 1",
    HEADER.replace("1", '"1"', 1): "transcript: wanted a whole number",
    HEADER.replace("private", "none"): "redact: wanted one of pins, private, all-content",
    HEADER.replace(', "redact": "private"', ""): "no 'redact'",
    HEADER.replace('"name": "x", ', ""): "no 'name'",
    HEADER.replace(ATR, "3b"): "atr: wanted pairs",
    HEADER.replace('"x"', '"x", "y": 1'): "unknown key 'y'",
}


@pytest.mark.parametrize("header", WRONG_HEADERS, ids=WRONG_HEADERS.values())
def test_a_wrong_header_is_named_with_its_reason(header: str) -> None:
    with pytest.raises(TranscriptError) as caught:
        parse_transcript(header)
    assert caught.value.line == 1
    assert WRONG_HEADERS[header] in caught.value.reason


def test_octets_that_are_no_text_are_named_by_their_line() -> None:
    with pytest.raises(TranscriptError, match="line 2: not UTF-8"):
        parse_transcript(HEADER.encode() + b'{"comment": "\xff"}')


def test_a_transcript_has_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TranscriptError, match="more than 1000000 lines"):
        parse_transcript("\n" * 1_000_001)
    monkeypatch.setattr("vendor_pcsc.record.lines.MOST_OCTETS", 100)
    with pytest.raises(TranscriptError, match="longer than 100 octets"):
        parse_transcript("x" * 101)


def test_a_transcript_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "card.transcript"
    path.write_text(HEADER, encoding="utf-8")
    assert read_transcript(path).header.name == "x"
    with pytest.raises(TranscriptError, match=r"transcript: .* cannot be read: No such file") as caught:
        read_transcript(tmp_path / "none")
    assert isinstance(caught.value, BridgeError)
    assert caught.value.line == 0


def parses_or_tells(source: str | bytes) -> None:
    try:
        transcript = parse_transcript(source)
    except TranscriptError as error:
        told = bool(error.reason) and error.line >= 0
    else:
        told = parse_transcript(format_transcript(transcript)) == transcript
    assert told


@given(st.text() | st.binary())
def test_any_text_gives_a_value_or_an_error(source: str | bytes) -> None:
    parses_or_tells(source)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("00A4"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
KEYS = ["transcript", "name", "atr", "redact", "note", "command", "command_masked", "data", "data_masked"]
keys = st.sampled_from([*KEYS, "sw", "error", "at_us", "file", "reset", "comment", "x"])


@given(st.lists(st.dictionaries(keys, json_values, max_size=5), max_size=3))
def test_any_json_gives_a_value_or_an_error(lines: list[dict[str, object]]) -> None:
    parses_or_tells("".join(json.dumps(line) + "\n" for line in lines))
    parses_or_tells(HEADER + "".join(json.dumps(line) + "\n" for line in lines))


@given(transcripts, st.data())
def test_any_damage_gives_a_value_or_an_error(transcript: Transcript, data: st.DataObject) -> None:
    text = format_transcript(transcript).encode()
    at = data.draw(st.integers(0, len(text)))
    parses_or_tells(text[:at])
    parses_or_tells(text[:at] + data.draw(st.binary(max_size=3)) + text[at + data.draw(st.integers(0, 3)) :])
