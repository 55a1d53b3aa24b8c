from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from smartcard_dm.limits import DEFAULT_LIMITS
from tests.cli.running import COMMANDS, SIGNED, error_of, run, schema

if TYPE_CHECKING:
    from pathlib import Path


def test_a_document_is_decoded_and_encoded_again(tmp_path: Path) -> None:
    xml, again = tmp_path / "message.xml", tmp_path / "again.wbxml"
    assert run("wbxml", "decode", SIGNED, "-o", xml).stdout == ""
    assert run("wbxml", "encode", xml, "-o", again).stdout == ""
    assert run("wbxml", "decode", again).octets == xml.read_bytes()


def test_documents_go_through_pipes() -> None:
    xml = run("wbxml", "decode", "-", stdin=SIGNED.read_bytes()).octets
    assert xml.startswith(b'<SyncML xmlns="SYNCML:SYNCML1.2">')
    octets = run("wbxml", "encode", "-", "--wbxml-version", "1.3", stdin=xml).octets
    assert octets[0] == 3


def test_a_decoded_document_is_of_the_documented_form(tmp_path: Path) -> None:
    outcome = run("wbxml", "decode", SIGNED, "--json", "-o", tmp_path / "message.xml")
    schema("wbxml-decode").validate(outcome.json)
    assert outcome.json["xml"].encode() == (tmp_path / "message.xml").read_bytes()
    assert outcome.json == run("wbxml", "decode", SIGNED, "--json").json


def test_an_encoded_document_is_of_the_documented_form(tmp_path: Path) -> None:
    xml = run("wbxml", "decode", SIGNED).octets
    outcome = run("wbxml", "encode", "-", "--json", "-o", tmp_path / "message.wbxml", stdin=xml)
    schema("wbxml-encode").validate(outcome.json)
    assert bytes.fromhex(outcome.json["hex"]) == (tmp_path / "message.wbxml").read_bytes()
    assert outcome.json == run("wbxml", "encode", "-", "--json", stdin=xml).json


def test_tokens_are_listed_with_offset_and_octets(tmp_path: Path) -> None:
    outcome = run("wbxml", "decode", SIGNED, "--tokens")
    first = outcome.stdout.splitlines()[0]
    assert first.startswith("000000  02 a4 01 6a")
    assert "WBXML 1.2" in first
    assert not any(line.endswith(" ") for line in outcome.stdout.splitlines())
    run("wbxml", "decode", SIGNED, "--tokens", "-o", tmp_path / "tokens.txt")
    assert (tmp_path / "tokens.txt").read_bytes() == outcome.octets


def test_a_list_of_tokens_is_of_the_documented_form(tmp_path: Path) -> None:
    outcome = run("wbxml", "decode", SIGNED, "--tokens", "--json", "-o", tmp_path / "tokens.txt")
    schema("wbxml-decode-tokens").validate(outcome.json)
    assert outcome.json["tokens"][0]["offset"] == 0
    assert len((tmp_path / "tokens.txt").read_text().splitlines()) == len(outcome.json["tokens"])


def test_the_tokens_before_a_fault_are_listed() -> None:
    octets = SIGNED.read_bytes()[:600]
    outcome = run("wbxml", "decode", "-", "--tokens", stdin=octets)
    assert outcome.code == 4
    assert "TAG <SyncML" in outcome.stdout
    assert "standard input: " in outcome.line


def test_a_file_of_tokens_is_whole_or_not_written(tmp_path: Path) -> None:
    octets = SIGNED.read_bytes()[:600]
    assert run("wbxml", "decode", "-", "--tokens", "-o", tmp_path / "tokens.txt", stdin=octets).code == 4
    assert list(tmp_path.iterdir()) == []


def test_control_characters_of_a_document_are_shown_as_escapes() -> None:
    table = "evil\x1b[31m\u202e".encode() + b"\0"
    octets = bytes([2, 0xA4, 0x01, 0x6A, len(table)]) + table + b"\x2d"
    outcome = run("wbxml", "decode", "-", "--tokens", stdin=octets)
    assert "\\x1b[31m\\u202e" in outcome.stdout


@pytest.mark.parametrize("octets", [b"", b"\x02", b"\x09\x01\x6a\x00", COMMANDS.read_bytes(), b"\x02\x01\x6a\x00\xff"])
@pytest.mark.parametrize("tokens", [(), ("--tokens",)])
def test_octets_that_are_no_wbxml_are_malformed_input(octets: bytes, tokens: tuple[str, ...]) -> None:
    outcome = run("wbxml", "decode", "-", "--json", *tokens, stdin=octets)
    assert "standard input" in error_of(outcome)["message"]
    assert outcome.code == 4
    assert run("wbxml", "decode", "-", *tokens, stdin=octets).code == 4


@pytest.mark.parametrize("xml", [b"", b"<a", b"<unknown/>", b"<!DOCTYPE a><a/>", b"\xff\xfe"])
def test_xml_that_has_no_wbxml_form_is_malformed_input(xml: bytes) -> None:
    outcome = run("wbxml", "encode", "-", "--json", stdin=xml)
    assert error_of(outcome)["exit_code"] == 4


def test_a_document_that_is_too_large_is_malformed_input_and_read_no_further(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as stream:
        stream.truncate(1 << 32)
    assert "Limits.message_octets" in run("wbxml", "decode", path).line
    outcome = run("wbxml", "encode", path)
    assert "Limits.xml_octets" in outcome.line
    assert str(DEFAULT_LIMITS.xml_octets) in outcome.line
    assert outcome.code == 4


@pytest.mark.parametrize("command", ["decode", "encode"])
@pytest.mark.parametrize("file", ["no-such-file", "."])
def test_a_file_that_cannot_be_read_is_wrong_usage(command: str, file: str) -> None:
    outcome = run("wbxml", command, file, "--json")
    assert file in error_of(outcome)["message"]
    assert outcome.code == 2


def test_a_version_that_is_none_is_wrong_usage() -> None:
    assert run("wbxml", "encode", SIGNED, "--wbxml-version", "2.0").code == 2


def test_an_output_that_cannot_be_written_is_wrong_usage(tmp_path: Path) -> None:
    assert run("wbxml", "decode", SIGNED, "-o", tmp_path).code == 2
