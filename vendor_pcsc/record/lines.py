"""A transcript as text: one JSON object a line, the header first.

Guarantees: `parse_transcript` returns a value or raises `TranscriptError` with line and reason, whatever it is given;
what `format_transcript` writes is read back as the same value. Leaves to its caller: whether the exchanges make sense.

Spec: docs/transcripts.md; docs/schemas/transcript.schema.json.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from vendor_pcsc.record.fields import Fields, JsonValue
from vendor_pcsc.record.model import (
    MOST_LINE,
    MOST_LINES,
    MOST_OCTETS,
    VERSION,
    Comment,
    Exchange,
    Header,
    Item,
    Redact,
    Reset,
    Transcript,
    TranscriptError,
)

if TYPE_CHECKING:
    from pathlib import Path

_NEXT = {"command": "an exchange", "reset": "a reset", "comment": "a comment"}


def format_transcript(transcript: Transcript) -> str:
    """Return a transcript as text, every line with its end."""
    return format_header(transcript.header) + "".join(map(format_item, transcript.items))


def format_header(header: Header) -> str:
    """Return the first line with its end."""
    return _line(
        {
            "transcript": VERSION,
            "name": header.name,
            "atr": header.atr.hex().upper(),
            "redact": header.redact.value,
            "note": header.note or None,
        }
    )


def format_item(item: Item) -> str:
    """Return the line of an item with its end."""
    if isinstance(item, Comment):
        return _line({"comment": item.text})
    if isinstance(item, Reset):
        return _line({"at_us": item.at_us, "reset": item.atr.hex().upper(), "error": item.error or None})
    return _line(
        {
            "at_us": item.at_us,
            "command": item.command.hex().upper(),
            "command_masked": item.command_masked or None,
            "file": item.file or None,
            "data": item.data.hex().upper() or None,
            "data_masked": item.data_masked or None,
            "sw": None if item.error else item.sw.hex().upper(),
            "error": item.error or None,
        }
    )


def _line(values: dict[str, JsonValue]) -> str:
    return json.dumps({key: value for key, value in values.items() if value is not None}) + "\n"


def read_transcript(path: Path) -> Transcript:
    """Return the transcript in a file.

    Raises:
        TranscriptError: it cannot be read, or is malformed.
    """
    try:
        with path.open("rb") as file:
            octets = file.read(MOST_OCTETS + 1)
    except OSError as error:
        raise TranscriptError(0, f"{path} cannot be read: {error.strerror or error}") from error
    return parse_transcript(octets)


def parse_transcript(source: str | bytes) -> Transcript:
    """Return the transcript a text holds; octets are UTF-8.

    Raises:
        TranscriptError: the text is no transcript.
    """
    if len(source) > MOST_OCTETS:
        raise TranscriptError(0, f"longer than {MOST_OCTETS} octets")
    text = _text(source)
    if text.count("\n") > MOST_LINES:
        raise TranscriptError(0, f"more than {MOST_LINES} lines")
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    if not lines:
        raise TranscriptError(1, "empty; wanted the header")
    header = _header(_fields(lines[0], 1))
    return Transcript(header, tuple(_item(_fields(text, number)) for number, text in enumerate(lines[1:], 2)))


def _text(source: str | bytes) -> str:
    if isinstance(source, str):
        return source
    try:
        return source.decode("utf-8")
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        raise TranscriptError(line, "not UTF-8") from error


def _fields(text: str, line: int) -> Fields:
    if len(text) > MOST_LINE:
        raise TranscriptError(line, f"longer than {MOST_LINE} characters")
    if not text.strip():
        raise TranscriptError(line, "empty; wanted one JSON object a line")

    def pairs(items: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
        keys = [key for key, _ in items]
        repeated = sorted({key for key in keys if keys.count(key) > 1}) if len(set(keys)) < len(keys) else []
        if repeated:
            raise TranscriptError(line, f"{repeated[0]!r} stands there twice")
        return dict(items)

    try:
        value = json.loads(text, object_pairs_hook=pairs)
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "nested or written beyond bounds"
        raise TranscriptError(line, f"no JSON: {reason}") from error
    if not isinstance(value, dict):
        raise TranscriptError(line, "wanted a JSON object")
    return Fields(line, value)


def _header(fields: Fields) -> Header:
    if "transcript" not in fields:
        raise TranscriptError(1, "no header: the first line has the key 'transcript'")
    version = fields.number("transcript")
    if version != VERSION:
        raise TranscriptError(1, f"format version {version}; this program reads version {VERSION}")
    redact = fields.text("redact")
    if redact not in list(Redact):
        raise TranscriptError(1, f"redact: wanted one of {', '.join(Redact)}")
    header = Header(fields.text("name"), fields.octets("atr"), Redact(redact), fields.text("note", default=""))
    fields.done()
    return header


def _item(fields: Fields) -> Item:
    kinds = [key for key in _NEXT if key in fields]
    if len(kinds) != 1:
        raise TranscriptError(fields.line, f"wanted one of {', '.join(map(repr, _NEXT))}, found {len(kinds)} of them")
    item: Item
    if kinds == ["comment"]:
        item = Comment(fields.text("comment"))
    elif kinds == ["reset"]:
        item = _reset(fields)
    else:
        item = _exchange(fields)
    fields.done()
    return item


def _reset(fields: Fields) -> Reset:
    item = Reset(fields.octets("reset"), fields.error(), fields.optional_number("at_us"))
    if item.error and item.atr:
        raise TranscriptError(fields.line, "a reset has an ATR or an error, not both")
    return item


def _exchange(fields: Fields) -> Exchange:
    line = fields.line
    error = fields.error()
    if error and any(key in fields for key in ("data", "data_masked", "sw")):
        raise TranscriptError(line, "an exchange has an answer or an error, not both")
    item = Exchange(
        command=fields.octets("command"),
        command_masked=fields.count("command_masked"),
        data=fields.octets("data", default=b""),
        data_masked=fields.count("data_masked"),
        sw=b"" if error else fields.octets("sw"),
        error=error,
        at_us=fields.optional_number("at_us"),
        file=fields.file(),
    )
    if len(item.sw) not in {0, 2}:
        raise TranscriptError(line, "sw: wanted two octets, or none for an answer without a status word")
    if not item.sw and item.data_length > 1:
        raise TranscriptError(line, "sw: an answer of two octets and more has a status word")
    if item.data and item.data_masked:
        raise TranscriptError(line, "data are there or masked, not both")
    return item
