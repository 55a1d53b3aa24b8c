"""Class A0: every status word has a command that gives it, from the state right after reset."""

from __future__ import annotations

import pytest

from tests.vendor_pcsc.gsm_cards import CHV1, CHV2, UNBLOCK1, WRONG, GsmTerminal

CASES = [
    ("short of a header", "A0A400", "6700"),
    ("nothing at all", "", "6700"),
    ("short of a header in another class", "00A400", "6700"),
    ("P3 says more than there is", "A0A40000023F", "6700"),
    ("octets after Le", "A0A40000023F000000", "6700"),
    ("extended length", "A0A400000000023F00", "6700"),
    ("SELECT without data", "A0A4000002", "6702"),
    ("SELECT with P3 00", "A0A40000", "6702"),
    ("SELECT of four octets", "A0A40000047F106F3A", "6702"),
    ("VERIFY with seven octets", f"A020000107{CHV1[2:]}", "6708"),
    ("VERIFY without data", "A020000100", "6708"),
    ("VERIFY with P3 in place of data", "A020000108", "6708"),
    ("CHANGE with eight octets", f"A024000108{CHV1}", "6710"),
    ("DISABLE with no data", "A0260001", "6708"),
    ("ENABLE with no data", "A0280001", "6708"),
    ("UNBLOCK with eight octets", f"A02C000008{UNBLOCK1}", "6710"),
    ("STATUS with P3 00", "A0F2000000", "6716"),
    ("STATUS with data", "A0F2000001AA", "6700"),
    ("READ BINARY with data", "A0B0000001AA", "6700"),
    ("READ RECORD with data", "A0B2010401AA", "6700"),
    ("UPDATE BINARY without data", "A0D6000001", "6700"),
    ("GET RESPONSE with data", "A0C0000001AA", "6700"),
    ("GET RESPONSE beyond what waits", "A0C0000017", "6716"),
    ("READ BINARY with no EF", "A0B0000001", "9400"),
    ("UPDATE BINARY with no EF", "A0D6000001AA", "9400"),
    ("READ RECORD with no EF", "A0B2010401", "9400"),
    ("UPDATE RECORD with no EF", "A0DC010401AA", "9400"),
    ("unknown identifier", "A0A40000026F07", "9404"),
    ("wrong CHV1", f"A020000108{WRONG}", "9804"),
    ("wrong CHV2", f"A020000208{WRONG}", "9804"),
    ("ENABLE of the enabled CHV1", f"A028000108{CHV1}", "9808"),
    ("SELECT by AID", "A0A4040002A000", "6B00"),
    ("SELECT without answer", "A0A4000C023F00", "6B00"),
    ("STATUS with P1", "A0F2010016", "6B00"),
    ("STATUS with P2", "A0F2000116", "6B00"),
    ("GET RESPONSE with P1", "A0C0010016", "6B00"),
    ("READ RECORD with no mode", "A0B2010001", "6B00"),
    ("READ RECORD by short identifier", "A0B2011401", "6B00"),
    ("UPDATE RECORD with no mode", "A0DC010001AA", "6B00"),
    ("VERIFY of CHV 0", f"A020000008{CHV1}", "6B00"),
    ("VERIFY of CHV 3", f"A020000308{CHV1}", "6B00"),
    ("VERIFY of an administrative code", f"A020000A08{CHV1}", "6B00"),
    ("VERIFY with P1", f"A020010108{CHV1}", "6B00"),
    ("DISABLE of CHV2", f"A026000208{CHV2}", "6B00"),
    ("ENABLE of CHV2", f"A028000208{CHV2}", "6B00"),
    ("UNBLOCK with P2 01", f"A02C000110{UNBLOCK1}{CHV1}", "6B00"),
    ("INVALIDATE", "A0040000", "6D00"),
    ("REHABILITATE", "A0440000", "6D00"),
    ("SEEK", "A0A2000001AA", "6D00"),
    ("MANAGE CHANNEL", "A070000001", "6D00"),
    ("RUN GSM ALGORITHM", "A0880000", "6D00"),
    ("class 00", "00A40004023F00", "6E00"),
    ("class 00 with extended length", "00B0000000FFFF", "6E00"),
    ("class 80", "80F2000000", "6E00"),
    ("another channel", "01A4000C023F00", "6E00"),
    ("class A1", "A1A40000023F00", "6E00"),
    ("MF", "A0A40000023F00", "9F16"),
    ("EF", "A0A40000022FE2", "9F0F"),
    ("CHV1", f"A020000108{CHV1}", "9000"),
    ("CHV2", f"A020000208{CHV2}", "9000"),
]


@pytest.mark.parametrize("generation", ["sim", "ruim"])
@pytest.mark.parametrize(("command", "answer"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_new_card_answers(generation: str, command: str, answer: str) -> None:
    assert GsmTerminal(("generation: sim", f"generation: {generation}"))(command) == answer


def test_get_response_out_of_sequence() -> None:
    terminal = GsmTerminal()
    terminal("A0F2000016")
    assert terminal("A0C0000016") == "6F00"


def test_a_refused_verify_uses_no_attempt() -> None:
    terminal = GsmTerminal()
    for command in ("A020000100", "A020000108", f"A020000107{CHV1[2:]}", f"0020000108{WRONG}"):
        terminal(command)
    assert terminal.chv_status() == "838A838A"


def test_an_r_uim_has_its_files_below_df_cdma() -> None:
    terminal = GsmTerminal(("generation: sim", "generation: ruim"), ("df: 7F20", "df: 7F25"))
    assert terminal.told("7F25")[8:14] == "7F2502"
    assert terminal.select("3F00", "7F20") == "9404"
