"""`card record`, and what replay: makes of it; and a card in a reader, by pcsc:."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.personalise import GENERATORS
from tests.cli.running import ROOT, run, schema
from vendor_pcsc.virtual import insert_card, load_profile

if TYPE_CHECKING:
    from pathlib import Path

    from vendor_pcsc.virtual.lab import PcscLab

CARDS = ["usim", "sim", "uicc-2g", "ruim", "cp"]


@pytest.mark.parametrize("name", CARDS)
def test_a_transcript_is_as_good_as_the_card(name: str, tmp_path: Path) -> None:
    card = f"profile:fixtures/cards/{name}.yaml"
    transcript, capture = tmp_path / "card.jsonl", tmp_path / "card.pcap"
    recorded = run("card", "record", transcript, "--card", card, "--pcap", capture, "--json")
    assert recorded.code == 0
    form = json.loads(recorded.stdout)
    schema("card-record").validate(form)
    assert form["apdus"] + 2 >= transcript.read_text().count("\n") > form["apdus"]
    assert capture.read_bytes()[:4] in {b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4"}
    for command in (["accounts"], ["card", "show"], ["verify", "fixtures/messages/signed.wbxml"]):
        from_card = run(*command, "--card", card, "--json")
        replayed = run(*command, "--card", f"replay:{transcript}", "--json")
        assert (replayed.code, replayed.stdout) == (0, from_card.stdout)


def test_a_transcript_without_content_cannot_be_replayed_to_accounts(tmp_path: Path) -> None:
    transcript = tmp_path / "card.jsonl"
    card = "profile:fixtures/cards/usim.yaml"
    assert run("card", "record", transcript, "--card", card, "--redact", "all-content").code == 0
    replayed = run("accounts", "--card", f"replay:{transcript}")
    assert replayed.code == 3
    assert "masked" in replayed.line


def test_a_transcript_that_is_wrong_or_missing_is_one_line(tmp_path: Path) -> None:
    assert run("accounts", "--card", f"replay:{tmp_path / 'none'}").code == 3
    assert run("accounts", "--card", "replay:README.md").code == 4


@pytest.mark.parametrize("name", CARDS)
def test_the_accounts_of_a_card_in_a_reader_are_those_of_its_profile(lab: PcscLab, name: str) -> None:
    path = ROOT / f"fixtures/cards/{name}.yaml"
    lab.put(insert_card(load_profile(path, generators=GENERATORS)))
    from_reader = json.loads(run("accounts", "--card", "pcsc:", "--json").stdout)
    from_profile = json.loads(run("accounts", "--card", f"profile:{path}", "--json").stdout)
    assert from_reader["accounts"] == from_profile["accounts"] != []
    assert from_reader["card"] == from_profile["card"]


def test_a_reader_is_named_by_part_of_its_name_or_refused(lab: PcscLab) -> None:
    reader = lab.put(insert_card(load_profile(ROOT / "fixtures/cards/usim.yaml", generators=GENERATORS)))
    assert run("accounts", "--card", f"pcsc:{reader.lower()}").code == 0
    unknown = run("accounts", "--card", "pcsc:no such reader")
    assert unknown.code == 3
    assert reader in unknown.line


def test_an_empty_reader_is_a_card_error(lab: PcscLab) -> None:
    outcome = run("accounts", "--card", f"pcsc:{lab.readers[0]}")
    assert outcome.code == 3
    assert "no card" in outcome.line


def test_a_pin_comes_from_a_descriptor_too() -> None:
    command = [sys.executable, "-m", "smartcard_dm", "card", "show", "--card", "profile:fixtures/cards/usim.yaml"]
    done = subprocess.run(
        [*command, "--pin-fd", "0"], cwd=ROOT, input="1234\n", capture_output=True, text=True, timeout=60, check=True
    )
    assert "001010123456789" in done.stdout


def test_one_way_to_give_the_pin_is_enough() -> None:
    card = ("card", "show", "--card", "profile:fixtures/cards/usim.yaml")
    assert run(*card, "--pin-fd", "0", "--pin-env", "PIN").code == 2
    assert run(*card, "--pin-fd", "77").code == 2
    assert run(*card, "--pin-prompt").code == 2
