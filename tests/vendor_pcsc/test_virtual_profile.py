"""Profiles: what is read, and what is refused with its place."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vendor_pcsc.cards import ATR, PROFILE, profile
from tests.vendor_pcsc.gsm_cards import ALWAYS_2G, APPLICATIONS, UICC_2G, gsm_profile
from vendor_pcsc.errors import ProfileError
from vendor_pcsc.virtual import load_profile
from vendor_pcsc.virtual.atr import check_atr
from vendor_pcsc.virtual.document import MAX_NODES, MAX_SOURCE_LENGTH, parse_document
from vendor_pcsc.virtual.model import ALWAYS, NEVER, Activation, DirectoryFile, ElementaryFile, Generation

if TYPE_CHECKING:
    from pathlib import Path

ICCID = 'access: fixed, content: {iccid: "8988211000000430010"}'
DIR = "record_length: 4, record_count: 3,"

ERRORS = [
    ("missing key", "name: small\n", "", "the root", "missing: name"),
    ("unknown key", "name: small", "name: small\nnames: x", "the root", "unknown key 'names'; allowed here: profile"),
    ("another version", "profile: 1", "profile: 2", "profile", "from 1 to 1, found '2'"),
    ("another generation", "generation: uicc", "generation: usim", "generation",
     "wanted one of sim, ruim, uicc, uicc-2g, found 'usim'"),
    ("activation of a UICC", "protocol: t1", "protocol: t1\nactivation: 2g", "activation", "generation uicc-2g only"),
    ("unknown activation", "generation: uicc", "generation: uicc-2g\nactivation: 3g", "activation",
     "wanted one of first-command, 2g, found '3g'"),
    ("another protocol", "protocol: t1", "protocol: t2", "protocol", "wanted one of t0, t1"),
    ("ATR of nine digits", f"atr: {ATR}", "atr: 3B9F96811", "atr", "hexadecimal"),
    ("ATR with a wrong check octet", "3031C9", "3031C8", "atr", "check octet of the ATR is C9, found C8"),
    ("21 channels", "logical_channels: 4", "logical_channels: 21", "logical_channels", "from 1 to 20"),
    ("text for a truth", "protocol: t1", "protocol: t1\nextended_length: yes", "extended_length", "true or false"),
    ("text for a mapping", '{reference: "81", value: "5678", enabled: "false"}', "x", "pins.pin2", "a mapping"),
    ("PIN reference", 'reference: "81"', 'reference: "12"', "pins.pin2.reference", "found 12"),
    ("PIN reference twice", 'reference: "81"', 'reference: "01"', "pins.pin2", "01 is there twice"),
    ("PIN called always", "pin2: {", "always: {", "pins.always", "not called always"),
    ("PIN value", 'value: "5678"', 'value: "567"', "pins.pin2.value", "4 to 8 decimal digits"),
    ("unblocking code", 'unblock: "12345678"', 'unblock: "x"', "pins.pin1.unblock", "4 to 8 decimal digits"),
    ("attempts", "attempts: 10}", "attempts: 16}", "pins.adm1.attempts", "from 1 to 15, found (not shown)"),
    ("unknown key of a PIN", "enabled:", "on:", "pins.pin2", "unknown key (not shown)"),
    ("unknown PIN in a rule", "read: pin2", "read: pin3", "access.second.read", "always, never, pin1, pin2, adm1"),
    ("half a rule", "fixed: {read: always, update: never}", "fixed: {read: always}", "access.fixed", "missing: update"),
    ("rule without a name", "fixed: {", '"": {', "access", "each with a name"),
    ("unknown rule", ICCID, "access: none", "files[0].access", "unknown access rule 'none'; known: fixed, public"),
    ("rule that is nothing", ICCID, 'access: ""', "files[0].access", "unknown access rule ''"),
    ("no rule", ICCID, "size: 1", "files[0]", "missing: access"),
    ("no file", "- {ef: 2FE2,", "- {", "files[0]", "one of the keys ef, df, adf"),
    ("list for text", "name: EF.ICCID", "name: [x]", "files[0].name", "wanted text, found a list"),
    ("text for a list", "files: []", "files: x", "files[12].files", "wanted a list, found text"),
    ("reserved identifier", "ef: 2FE2", "ef: 3F00", "files[0].ef", "3F00 is reserved"),
    ("identifier of EF(ARR)", "ef: 2FE2", "ef: 2F06", "files[0].ef", "made from the access rules"),
    ("identifier twice", "ef: 2F00", "ef: 2FE2", "files[1]", "file identifier 2FE2 is there twice"),
    ("identifier of the directory", "ef: 6F3A", "ef: 7F10", "files[11].files[0]", "7F10 is there twice"),
    ("short identifier twice", "sfi: 1E", 'sfi: "02"', "files[1]", "short file identifier 02 is there twice"),
    ("short identifier 31", "sfi: 1E", "sfi: 1F", "files[1].sfi", "from 01 to 1E, or none"),
    ("unknown structure", "structure: cyclic", "structure: ring", "files[8].structure", "transparent, linear-fixed"),
    ("size of a record file", DIR, DIR + " size: 4,", "files[1]", "unknown key 'size'"),
    ("record file without length", DIR, "", "files[1]", "missing: record_length"),
    ("record length 0", DIR, "record_length: 0,", "files[1].record_length", "from 1 to 255"),
    ("more records than counted", "record_count: 3", "record_count: 1", "files[1]", "all of them counted; found 2"),
    ("no record", "records: [{hex: AAAA}]", "records: []", "files[9]", "1 to 254 records"),
    ("too long a record", "{hex: 61024F00}", "{hex: 61024F0000}", "files[1].records[0]", "at most 4 octets, found 5"),
    ("too many octets of records", "record_length: 4, record_count: 3", "record_length: 255, record_count: 254",
     "files[1]", "at most 32768"),
    ("too long a content", "size: 32", "size: 7", "files[15].files[0].content", "at most 7 octets, found 8"),
    ("size of 33 KiB", "size: 600", "size: 33000", "files[2].size", "from 0 to 32768"),
    ("padding", 'padding: "00"', 'padding: "0"', "files[2].padding", "1 octets"),
    ("life cycle", "lifecycle: deactivated, content", "lifecycle: dead, content", "files[3].lifecycle", "activated"),
    ("unknown generator", '{hex: "0102030405"}', "{odf: []}", "files[2].content", "unknown generator 'odf'"),
    ("AID of four octets", "adf: A000000063504B43532D3135", "adf: A0000000", "files[15].adf", "5 to 16 octets"),
    ("AID twice", "8907090001", "8907090000", "files[14].adf", "is there twice"),
    ("ADF in a DF", "df: 5F50", "adf: A000000099", "files[11].files[1]", "directly below the MF"),
    ("unknown PIN of an ADF", "pin: pin1\n", "pin: pin3\n", "files[13].pin", "unknown PIN 'pin3'; known: pin1"),
    ("PIN of a DF", "name: DF.TELECOM", "pin: pin1", "files[11]", "unknown key 'pin'"),
    ("unknown quirk", "description: a card for tests", "quirks: {aid: x}", "quirks", "unknown key 'aid'"),
    ("value of a quirk", "description: a card for tests", "quirks: {fcp: fci}", "quirks.fcp", "wanted none, or no"),
    ("duplicate key", "name: small", "name: small\nname: x", "the root", "duplicate key 'name', first on line 3"),
    ("tag", "name: small", "name: !!int 5", "name", "a tag is not allowed here, found tag:yaml.org,2002:int"),
    ("key that is a list", "name: small", "[name]: small", "the root", "wanted text as key"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "place", "detail"), [c[1:] for c in ERRORS], ids=[c[0] for c in ERRORS])
def test_a_wrong_profile_is_refused_at_its_place(old: str, new: str, place: str, detail: str) -> None:
    with pytest.raises(ProfileError) as caught:
        profile((old, new))
    assert caught.value.place.startswith(f"{place} (line ")
    assert detail in caught.value.detail


@pytest.mark.parametrize(
    ("text", "place", "detail"),
    [
        ("", "the whole text", "found nothing"),
        ("- x", "the root (line 1)", "wanted a mapping, found a list"),
        ("a: b: c", "line 1", "not YAML"),
        ("a: *b", "line 1", "undefined alias"),
        ("--- a\n--- b", "line 2", "not YAML"),
        ("a: \x01", "the whole text", "may not stand there"),
        ('"\\U00110000"', "the whole text", "may not stand there"),
        (b"\xff\xfe\xff", "the whole text", "may not stand there"),
        ("[" * 40, "line 1", "32 levels of nesting"),
        ("a: &a [*a]", "a[0][0]", "32 levels of nesting"),
        ("x" * (MAX_SOURCE_LENGTH + 1), "the whole text", "at most 1048576"),
    ],
)
def test_a_text_that_is_no_document_is_refused(text: str | bytes, place: str, detail: str) -> None:
    with pytest.raises(ProfileError) as caught:
        load_profile(text)
    assert caught.value.place.startswith(place)
    assert detail in caught.value.detail


def test_aliases_cannot_stand_for_millions_of_values() -> None:
    text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in range(1, 9):
        text += f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n"
    with pytest.raises(ProfileError, match=f"at most {MAX_NODES} values"):
        load_profile(text)


def test_a_card_cannot_hold_more_than_4_mib() -> None:
    files = "".join(f"\n      - {{ef: {n:04X}, access: fixed, size: 32768}}" for n in range(0x4000, 0x4081))
    with pytest.raises(ProfileError, match=r"files\[12\].*more than 4194304 octets"):
        profile(("  - {df: 7F11, files: []}", f"  - df: 7F11\n    files:{files}"))


def test_scalars_stay_text() -> None:
    document = parse_document("a: 5031\nb: 2F00\nc: 0x10\nd: yes\ne: 1e3\nf: ~\ng:\nh: [1, {i: 2026-01-01}]")
    plain = document.plain()
    assert isinstance(plain, dict)
    assert list(plain.values()) == ["5031", "2F00", "0x10", "yes", "1e3", "~", "", ["1", {"i": "2026-01-01"}]]


def test_a_wrong_pin_is_not_in_the_error() -> None:
    for old, new in [
        ('value: "5678"', 'value: "98765x"'),
        ('value: "5678"', '"98765x": ""'),
        ('value: "5678"', 'attempts: "98765x", value: "5678"'),
        ('value: "5678"', '"98765x": "", "98765x": ""'),
    ]:
        with pytest.raises(ProfileError) as caught:
            profile((old, new))
        assert "98765x" not in str(caught.value)


def test_what_is_read_is_what_stands_there() -> None:
    small = profile()
    assert (small.name, small.description, small.logical_channels) == ("small", "a card for tests", 4)
    assert small.atr.hex().upper() == ATR
    assert [pin.name for pin in small.pins] == ["pin1", "pin2", "adm1"]
    assert (small.rules[0].read, small.rules[0].update) == (ALWAYS, NEVER)
    names = [file.name for file in small.mf.walk()]
    assert names[:4] == ["MF", "EF.ARR", "EF.ICCID", "EF 2F00"]
    assert {"DF.TELECOM", "DF 5F50", "ADF.USIM", "ADF A0000000871002FFFFFFFF8907090001"} <= set(names)


def test_every_directory_begins_with_its_ef_arr() -> None:
    for file in profile().mf.walk():
        if isinstance(file, DirectoryFile):
            first = file.files[0]
            assert isinstance(first, ElementaryFile)
            assert first.file_id == (0x2F06 if file.kind.value == "mf" else 0x6F06)
            assert first.record_count == 5


def test_what_may_be_left_out_has_its_usual_value() -> None:
    shortest = load_profile("{profile: 1, name: x, generation: uicc, atr: 3B00, protocol: t1, access: {}, files: []}")
    assert (shortest.description, shortest.logical_channels, shortest.extended_length) == ("", 4, False)
    assert shortest.pins == ()
    assert len(shortest.rules) == 1
    pin = profile(('attempts: 3, unblock: "12345678", unblock_attempts: 2', 'unblock: "12345678"')).pins[0]
    assert (pin.attempts, pin.unblock_attempts, pin.enabled) == (3, 10, True)


def test_a_profile_file_is_the_base_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(b"body")
    text = PROFILE.replace("{ascii: secret content}", "{file: body}")
    path = tmp_path / "card.yaml"
    path.write_text(text, encoding="utf-8")
    for loaded in (load_profile(path), load_profile(text, base=tmp_path)):
        contents = [file.content for file in loaded.mf.walk() if isinstance(file, ElementaryFile)]
        assert b"body" in contents
    with pytest.raises(ProfileError, match="there is no file 'body'"):
        load_profile(text)


def test_a_profile_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"none\.yaml: the file cannot be read"):
        load_profile(tmp_path / "none.yaml")


@pytest.mark.parametrize("atr", ["3B00", "3F021122", "3B800181", "3B80800101", ATR])
def test_a_whole_atr_is_taken(atr: str) -> None:
    check_atr(bytes.fromhex(atr))


@pytest.mark.parametrize(
    ("atr", "detail"),
    [
        ("3B", "2 to 33 octets, found 1"),
        ("3B" + "00" * 33, "found 34"),
        ("3C00", "begins with 3B or 3F, found 3C"),
        ("3BF011", "interface octets up to 6, found 3"),
        ("3B02AA", "announces 4 octets, found 3"),
        ("3B00AA", "announces 2 octets, found 3"),
        ("3B800180", "check octet of the ATR is 81, found 80"),
    ],
)
def test_a_broken_atr_is_refused(atr: str, detail: str) -> None:
    with pytest.raises(ValueError, match=detail):
        check_atr(bytes.fromhex(atr))


@settings(deadline=None)
@given(st.one_of(st.text(max_size=200), st.binary(max_size=200)))
def test_any_text_is_a_profile_or_a_profile_error(text: str | bytes) -> None:
    with pytest.raises(ProfileError):
        load_profile(text)


@settings(deadline=None)
@given(st.data())
def test_any_damage_to_a_profile_is_taken_or_refused(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(PROFILE)))
    end = data.draw(st.integers(start, min(start + 20, len(PROFILE))))
    text = PROFILE[:start] + data.draw(st.text(max_size=5)) + PROFILE[end:]
    with suppress(ProfileError):
        load_profile(text)


SIM_ERRORS = [
    ("T=1", ("protocol: t0", "protocol: t1"), "protocol", "generation sim goes with protocol t0 only"),
    ("application", APPLICATIONS, "files[0]", "no AIDs: wanted df in place of adf"),
    ("PIN 3", ('reference: "81"', 'reference: "03"'), "pins", "0A to 0E and 8A to 8E, found 03"),
    ("universal PIN", ('reference: "81"', 'reference: "11"'), "pins", "found 11"),
    ("CHV2 twice", ("  chv2: {", '  chv3: {reference: "02", value: "1111"}\n  chv2: {'), "pins", "found 81"),
]


@pytest.mark.parametrize(("change", "place", "detail"), [c[1:] for c in SIM_ERRORS], ids=[c[0] for c in SIM_ERRORS])
def test_a_sim_has_what_a_sim_can_have(change: tuple[str, str], place: str, detail: str) -> None:
    with pytest.raises(ProfileError) as caught:
        gsm_profile(change)
    assert caught.value.place.startswith(f"{place} (line ")
    assert detail in caught.value.detail
    gsm_profile(UICC_2G, change)


def test_the_generation_and_its_activation_are_read() -> None:
    assert gsm_profile().generation is Generation.SIM
    assert gsm_profile(UICC_2G).activation is Activation.FIRST_COMMAND
    assert gsm_profile(ALWAYS_2G).activation is Activation.GSM
