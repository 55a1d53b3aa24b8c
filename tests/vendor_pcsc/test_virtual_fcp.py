"""FCP templates, octet by octet."""

from __future__ import annotations

from tests.vendor_pcsc.cards import PIN1, PKCS15, SECOND, USIM, Terminal
from vendor_pcsc.virtual import VirtualCard, load_profile
from vendor_pcsc.virtual.fcp import build_pin_status

TEN_RULES = """
profile: 1
name: ten rules
generation: uicc
atr: 3B00
protocol: t1
access: {a: &r {read: always, update: never}, b: *r, c: *r, d: *r, e: *r, f: *r, g: *r, h: *r, i: *r, last: *r}
files:
  - adf: A0000000871002
    files: [{ef: 6F07, sfi: "07", access: last, content: {imsi: "001010123456789"}}]
"""


def joined(text: str) -> str:
    return text.replace(" ", "")


def test_the_odf_of_a_card_read_in_the_field() -> None:
    terminal = Terminal()
    terminal.select_aid(PKCS15)
    assert terminal("00A4000402503100") == "621682024121830250318A01058B036F06028002002088009000"


def test_the_imsi_file_of_a_card_read_in_the_field() -> None:
    card = VirtualCard(load_profile(TEN_RULES))
    card.process(bytes.fromhex("00A4040C07A0000000871002"))
    answer = card.process(bytes.fromhex("00A40004026F0700"))
    assert answer.hex().upper() == "62178202412183026F078A01058B036F060A800200098801389000"


def test_a_directory_without_pins_has_no_pin_status() -> None:
    card = VirtualCard(load_profile(TEN_RULES))
    answer = card.process(bytes.fromhex("00A40004023F0000")).hex().upper()
    assert answer == joined("62 15  82 02 7821  83 02 3F00  A5 03 80 01 71  8A 01 05  8B 03 2F0601  9000")


def test_the_mf_lists_the_global_pins() -> None:
    answer = Terminal()("00A40004023F0000")
    pins = "C6 09  90 01 C0  83 01 01  83 01 0A"
    assert answer == joined(f"62 20  82 02 7821  83 02 3F00  A5 03 80 01 71  8A 01 05  8B 03 2F0601  {pins}  9000")


def test_an_application_has_its_name_and_its_own_pin_first() -> None:
    answer = Terminal().select_aid(USIM)
    pins = "C6 0C  90 01 A0  83 01 01  83 01 81  83 01 0A"
    assert answer == joined(
        f"62 35  82 02 7821  83 02 7FF0  84 10 {USIM}  A5 03 80 01 71  8A 01 05  8B 03 2F0601  {pins}  9000"
    )


def test_an_application_without_identifier_has_no_tag_83() -> None:
    answer = Terminal().select_aid(SECOND)
    pins = "C6 09  90 01 40  83 01 81  83 01 0A"
    assert answer == joined(f"62 2E  82 02 7821  84 10 {SECOND}  A5 03 80 01 71  8A 01 05  8B 03 2F0601  {pins}  9000")


def test_a_directory_has_the_pins_of_what_it_stands_in_and_its_own_rule() -> None:
    terminal = Terminal()
    pins = "C6 09  90 01 C0  83 01 01  83 01 0A"
    assert terminal("00A40004027F1000") == joined(
        f"62 20  82 02 7821  83 02 7F10  A5 03 80 01 71  8A 01 05  8B 03 2F0602  {pins}  9000"
    )
    assert terminal("00A40004025F5000") == joined(
        f"62 20  82 02 7821  83 02 5F50  A5 03 80 01 71  8A 01 05  8B 03 6F0601  {pins}  9000"
    )


def test_a_linear_fixed_file_tells_record_length_and_count() -> None:
    answer = Terminal()("00A40004022F0000")
    assert answer == joined("62 1A  82 05 4221 0004 03  83 02 2F00  8A 01 05  8B 03 2F0602  80 02 000C  88 01 F0  9000")


def test_a_cyclic_file_has_its_own_descriptor_and_no_tag_88_when_none_is_given() -> None:
    answer = Terminal()("00A40004022F0800")
    assert answer == joined("62 17  82 05 4621 0002 03  83 02 2F08  8A 01 05  8B 03 2F0602  80 02 0006  9000")


def test_the_pin_status_follows_the_card() -> None:
    terminal = Terminal()
    terminal(f"0026000108{PIN1}")
    assert "C609900140830101" in terminal("00A40004023F0000")


def test_nine_pins_need_two_octets_of_status() -> None:
    references = range(1, 10)
    status = build_pin_status(references, {reference: reference in {1, 9} for reference in references})
    assert status[:6].hex().upper() == "C61F90028080"
