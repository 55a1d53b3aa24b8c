"""The page about transcripts holds: its program runs, its example is one, its tables name every key."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.record.cards import REPOSITORY
from vendor_pcsc.record import Redact, ReplayMode, format_transcript, parse_transcript

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (REPOSITORY / "docs/transcripts.md").read_text("utf-8")
SCHEMA: dict[str, Any] = json.loads((REPOSITORY / "docs/schemas/transcript.schema.json").read_text("utf-8"))
[PROGRAM] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
[EXAMPLE] = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
KEYS = sorted({key for part in SCHEMA["$defs"].values() for key in part.get("properties", {})})


def test_the_program_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = (REPOSITORY / "vendor_pcsc/virtual/README.md").read_text("utf-8")
    example = re.findall(r"```yaml\n(.*?)```", card, re.DOTALL)[0].partition("faults:")[0]
    (tmp_path / "card.yaml").write_text(example, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    exec(compile(PROGRAM, "docs/transcripts.md", "exec"), {})  # noqa: S102 - it is our own page
    assert (tmp_path / "card.pcap").stat().st_size > 24


def test_the_example_is_a_transcript_in_its_own_form() -> None:
    assert format_transcript(parse_transcript(EXAMPLE)) == EXAMPLE


def test_the_example_has_every_key_but_none_twice_said() -> None:
    shown = {key for line in EXAMPLE.splitlines() for key in json.loads(line)}
    assert shown == set(KEYS)


@pytest.mark.parametrize("word", [*KEYS, *Redact, *(f"ReplayMode.{mode.name}" for mode in ReplayMode)])
def test_the_page_names_it(word: str) -> None:
    assert f"`{word}`" in PAGE


def test_every_object_of_the_schema_is_closed() -> None:
    objects = [part for part in SCHEMA["$defs"].values() if part.get("type") == "object"]
    assert len(objects) == 4
    assert all(part["additionalProperties"] is False for part in objects)
