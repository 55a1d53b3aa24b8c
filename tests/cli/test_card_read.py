"""`card read` as its user meets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.running import CARD, SHARED_SECRET, check_layout, run, schema

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_dumped_with_what_it_says() -> None:
    outcome = run("card", "read", "EF.ICCID", "--card", CARD)
    assert outcome.code == 0
    assert outcome.stdout.splitlines() == [
        "EF.ICCID  file, 2FE2, 10 octets",
        "  8988211000000430010",
        "  0000  98 88 12 01 00 00 40 03 10 f0                    ......@...",
    ]


@pytest.mark.parametrize("name", ["EF.DIR", "2.23.43.7.1", "com.example.dms", "7F50/5031"])
def test_json_follows_its_schema(name: str) -> None:
    outcome = run("card", "read", name, "--card", CARD, "--json")
    schema("card-read").validate(outcome.json)
    assert (outcome.json["parts"] is None) == outcome.json["secret"] == (name == "2.23.43.7.1")
    check_layout(run("card", "read", name, "--card", CARD).stdout)


def test_what_may_hold_secrets_is_written_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "bootstrap.wbxml"
    outcome = run("card", "read", "2.23.43.7.1", "--card", CARD, "-o", str(file))
    assert outcome.code == 0
    assert SHARED_SECRET not in outcome.stdout
    assert "-o FILE" in outcome.stdout
    assert SHARED_SECRET.encode() in file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600


def test_octets_go_to_standard_output_alone() -> None:
    outcome = run("card", "read", "EF.ICCID", "--card", CARD, "-o", "-")
    assert outcome.octets == bytes.fromhex("988812010000400310F0")


def test_what_is_not_there_is_one_line() -> None:
    outcome = run("card", "read", "EF.NOPE", "--card", CARD)
    assert outcome.code == 3
    assert "no file and no object called 'EF.NOPE'" in outcome.line
