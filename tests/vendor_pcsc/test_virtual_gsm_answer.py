"""Class A0: what SELECT tells, octet by octet."""

from __future__ import annotations

import pytest

from tests.vendor_pcsc.gsm_cards import APPLICATIONS, CHV1, UICC_2G, WRONG, GsmTerminal
from vendor_pcsc.virtual import VirtualCard, load_profile

NO_CODES = (
    ', unblock: "87654321", unblock_attempts: 10}\n  adm1: {reference: "0A", value: "F1F2F3F4F5F6F7F8", attempts: 10}',
    '}\n  adm1: {reference: "0A", value: "F1F2F3F4F5F6F7F8", attempts: 10}',
)


def test_the_mf_of_a_card_in_the_field() -> None:
    """CHV1 disabled, two directories, twelve files, four codes with all their attempts."""
    files = "".join(f"  - {{ef: {0x2F10 + n:04X}, access: fixed}}\n" for n in range(12))
    card = VirtualCard(
        load_profile(
            "profile: 1\nname: x\ngeneration: sim\natr: 3B00\nprotocol: t0\n"
            "access: {fixed: {read: always, update: never}}\n"
            "pins:\n"
            '  chv1: {reference: "01", value: "1234", enabled: false, unblock: "12345678"}\n'
            '  chv2: {reference: "02", value: "5678", unblock: "87654321"}\n'
            f"files:\n{files}  - {{df: 7F10, files: []}}\n  - {{df: 7F20, files: []}}\n"
        )
    )
    answer = card.process(bytes.fromhex("A0C0000016"))
    assert answer.hex().upper() == "000000003F000100000000000981020C0400838A838A" + "9000"


def test_a_record_file_of_a_card_in_the_field() -> None:
    assert GsmTerminal().told("7F10", "6F40") == "000000346F40040011FFFF0102011A"


def test_a_transparent_file_has_the_same_shape() -> None:
    assert GsmTerminal().told("2FE2") == "0000000A2FE204000FFFFF01020000"


def test_a_directory() -> None:
    # 7F20: type 02, nine octets follow; clock stop, no directory, one file, five codes; CHV1 and CHV2.
    assert GsmTerminal().told("7F20") == "0000" + "0000" + "7F20" + "02" + "0000000000" + "09" + "01000105" + "00" + (
        "838A838A"
    )


@pytest.mark.parametrize(
    ("file_ids", "nibbles"),
    [
        (["2FE2"], "0F"),
        (["2F05"], "00"),
        (["7F10", "6F40"], "11"),
        (["7F10", "6F3B"], "12"),
        (["7F10", "6F3C"], "F4"),
        (["7F10", "6F3F"], "04"),
    ],
)
def test_access_nibbles(file_ids: list[str], nibbles: str) -> None:
    assert GsmTerminal().told(*file_ids)[16:22] == nibbles + "FFFF"


def test_chv2_is_reference_81_before_02_and_what_a_sim_cannot_ask_for_is_never() -> None:
    both = 'chv2: {reference: "81", value: "5678"'
    terminal = GsmTerminal(UICC_2G, (both, 'other: {reference: "02", value: "1111"}\n  ' + both), ("chv2}", "other}"))
    assert terminal.told("7F10", "6F3B")[16:18] == "1F"
    alone = GsmTerminal(('reference: "81"', 'reference: "02"'))
    assert alone.told("7F10", "6F3B")[16:18] == "12"
    universal = GsmTerminal(UICC_2G, ('reference: "81"', 'reference: "11"'))
    assert universal.told("7F10", "6F3B")[16:18] == "1F"


@pytest.mark.parametrize(
    ("file_id", "structure"), [("6F3B", "020000"), ("6F3A", "020102"), ("6F44", "020302"), ("6F40", "02011A")]
)
def test_structure_and_record_length(file_id: str, structure: str) -> None:
    assert GsmTerminal().told("7F10", file_id)[24:] == structure


@pytest.mark.parametrize(("file_id", "status"), [("6F3B", "01"), ("6F3D", "00")])
def test_octet_12_tells_an_invalidated_file(file_id: str, status: str) -> None:
    assert GsmTerminal().told("7F10", file_id)[22:24] == status


def test_children_are_counted_as_class_a0_sees_them() -> None:
    terminal = GsmTerminal()
    assert terminal.told("3F00")[28:32] == "0202"
    assert terminal.told("7F10")[28:32] == "0108"
    with_applications = GsmTerminal(UICC_2G, APPLICATIONS)
    assert with_applications.told("3F00")[28:32] == "0302"


def test_octet_14_tells_that_chv1_is_disabled() -> None:
    terminal = GsmTerminal()
    assert terminal.told("7F20")[26:28] == "01"
    terminal(f"A026000108{CHV1}")
    assert terminal.told("7F20")[26:28] == "81"


def test_octets_19_to_22_count_the_attempts() -> None:
    terminal = GsmTerminal()
    assert terminal.chv_status() == "838A838A"
    terminal.verify(1, WRONG)
    terminal(f"A02C000210{WRONG}{CHV1}")
    assert terminal.chv_status() == "828A8389"
    for _ in range(2):
        terminal.verify(1, WRONG)
    assert terminal.chv_status() == "808A8389"


def test_a_code_that_is_not_there_is_not_initialised() -> None:
    without_unblock = GsmTerminal(NO_CODES)
    assert without_unblock.chv_status() == "838A8300"
    assert without_unblock.told("3F00")[32:34] == "04"
    universal = GsmTerminal(UICC_2G, ('reference: "81"', 'reference: "11"'))
    assert universal.chv_status() == "838A0000"
    without_chv1 = GsmTerminal(UICC_2G, ('reference: "01"', 'reference: "11"'))
    assert without_chv1.chv_status() == "0000838A"
    assert without_chv1.told("3F00")[26:28] == "81"
