"""Every status word has a command that gives it, from the state right after reset."""

from __future__ import annotations

import pytest

from tests.vendor_pcsc.cards import ADM1, PIN1, USIM, WRONG, Terminal

CASES = [
    ("short of a header", "00A400", "6700"),
    ("nothing at all", "", "6700"),
    ("Lc says more than there is", "00A4000C023F", "6700"),
    ("octets after Le", "00A4000C023F000000", "6700"),
    ("extended length on a card without it", "00A4000C0000023F00", "6700"),
    ("extended length cut", "00A4000C0002", "6700"),
    ("identifier of one octet", "00A4000C013F", "6700"),
    ("path of three octets", "00A4080C037F1000", "6700"),
    ("path of none", "00A4080C", "6700"),
    ("parent with a data field", "00A4030C023F00", "6700"),
    ("AID of none", "00A40404", "6700"),
    ("AID of 17 octets", "00A4040411" + 17 * "A0", "6700"),
    ("READ BINARY with data", "00B0000001AA", "6700"),
    ("READ BINARY without Le", "00B08200", "6700"),
    ("READ RECORD without Le", "00B201F4", "6700"),
    ("VERIFY with seven octets", "0020000107" + 7 * "31", "6700"),
    ("VERIFY with an Le in place of data", "0020000108", "6700"),
    ("CHANGE with eight octets", f"0024000108{PIN1}", "6700"),
    ("ENABLE with no data", "00280081", "6700"),
    ("DISABLE with no data", "00260001", "6700"),
    ("UNBLOCK with eight octets", f"002C000108{PIN1}", "6700"),
    ("UNBLOCK with an Le in place of data", "002C000108", "6700"),
    ("MANAGE CHANNEL open without Le", "00700000", "6700"),
    ("MANAGE CHANNEL with data", "0070000001AA", "6700"),
    ("STATUS with data", "80F2000001AA", "6700"),
    ("channel not open", "01A4000C023F00", "6881"),
    ("channel beyond the first four", "40A4000C023F00", "6881"),
    ("close of a closed channel", "00708001", "6881"),
    ("secure messaging", "04A4000C023F00", "6882"),
    ("secure messaging on a further channel", "60A4000C023F00", "6882"),
    ("record file read as octets", "00B09E0000", "6981"),
    ("octets read as records", "00B2011400", "6981"),
    ("PIN disabled", f"0020008108{WRONG}", "6984"),
    ("counter of a disabled PIN", "00200081", "6984"),
    ("CHANGE of a disabled PIN", f"0024008110{WRONG}{WRONG}", "6984"),
    ("DISABLE of a disabled PIN", f"0026008108{WRONG}", "6984"),
    ("ENABLE of an enabled PIN", f"0028000108{PIN1}", "6985"),
    ("DISABLE of an administrative code", f"0026000A08{ADM1}", "6985"),
    ("READ BINARY with no EF", "00B0000000", "6986"),
    ("READ RECORD with no EF", "00B2010400", "6986"),
    ("UPDATE BINARY with no EF", "00D6000001AA", "6986"),
    ("UPDATE RECORD with no EF", "00DC010401AA", "6986"),
    ("unknown identifier", "00A4000C026F07", "6A82"),
    ("unknown AID", "00A4040405A000000099", "6A82"),
    ("7FFF with no application", "00A4000C027FFF", "6A82"),
    ("path from 7FFF with no application", "00A4080C047FFF6F07", "6A82"),
    ("path through an EF", "00A4080C042FE20000", "6A82"),
    ("path with the MF in it", "00A4080C043F002FE2", "6A82"),
    ("parent of the MF", "00A4030C", "6A82"),
    ("child directory that is an EF", "00A4010C022FE2", "6A82"),
    ("unknown short identifier", "00B09D0000", "6A82"),
    ("unknown short identifier of a record file", "00B201EC00", "6A82"),
    ("record beyond the last", "00B204F400", "6A83"),
    ("current record when there is none", "00B200F400", "6A83"),
    ("SELECT by an unknown way", "00A4020C023F00", "6A86"),
    ("SELECT for an unknown answer", "00A40008023F00", "6A86"),
    ("SELECT for another occurrence of an identifier", "00A4000E023F00", "6A86"),
    ("SELECT with an unknown session control", "00A4042C07A0000000871002", "6A86"),
    ("session termination by identifier", "00A4004C023F00", "6A86"),
    ("short identifier 0", "00B0800000", "6A86"),
    ("short identifier 31", "00B09F0000", "6A86"),
    ("short identifier with a foreign bit", "00B0C20000", "6A86"),
    ("record mode 0", "00B201F000", "6A86"),
    ("next record with a number", "00B201F200", "6A86"),
    ("record short identifier 31", "00B201FC00", "6A86"),
    ("VERIFY with P1", f"0020010108{PIN1}", "6A86"),
    ("STATUS with unknown P1", "80F2030000", "6A86"),
    ("STATUS with unknown P2", "80F2000200", "6A86"),
    ("close of the basic channel", "00708000", "6A86"),
    ("MANAGE CHANNEL with unknown P1", "0070400000", "6A86"),
    ("unknown PIN", f"0020000208{PIN1}", "6A88"),
    ("UNBLOCK of a PIN without a code", "002C000A", "6A88"),
    ("STATUS of no application", "80F2000100", "6A88"),
    ("offset at the end", "00B0820A01", "6B00"),
    ("offset in an empty file", "00B0870001", "6B00"),
    ("unknown instruction", "00010000", "6D00"),
    ("SEARCH RECORD", "00A2010400", "6D00"),
    ("GET CHALLENGE", "0084000008", "6D00"),
    ("GET RESPONSE with T=1", "00C0000000", "6D00"),
    ("class of the other generation", "A0A40000023F00", "6E00"),
    ("class with command chaining", "10A4000C023F00", "6E00"),
    ("SELECT with a proprietary class", "80A4000C023F00", "6E00"),
    ("STATUS with an interindustry class", "00F2000000", "6E00"),
    ("administrative code wrong", f"0020000A08{WRONG}", "63C9"),
    ("counter", "00200001", "63C3"),
    ("counter with Le", "0020000100", "63C3"),
    ("counter of the unblocking code", "002C000100", "63C2"),
    ("STATUS with no answer", "80F2000C", "9000"),
    ("SELECT with no data field", "00A4000C", "9000"),
]


@pytest.mark.parametrize(("command", "answer"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_new_card_answers(command: str, answer: str) -> None:
    assert Terminal()(command) == answer


@pytest.mark.parametrize(
    ("file_id", "command", "answer"),
    [
        ("2F03", "00B0000000", "6982"),
        ("2F05", "00B0000000", "6982"),
        ("2FE2", "00D6000001AA", "6982"),
        ("2F00", "00DC010404AAAAAAAA", "6982"),
        ("2F09", "00B2010400", "6982"),
        ("2F02", "00B0000000", "6984"),
        ("2F0A", "00B2010400", "6984"),
        ("2F05", "00D6000800", "6B00"),
        ("2F05", "00D6000702AAAA", "6700"),
        ("2F05", "00D60000", "6700"),
    ],
)
def test_a_selected_file_answers(file_id: str, command: str, answer: str) -> None:
    terminal = Terminal()
    terminal.select(file_id)
    assert terminal(command) == answer


def test_a_deactivated_file_is_selected_with_a_warning_and_its_fcp_says_so() -> None:
    assert Terminal()("00A40004022F0200") == "621482024121" + "83022F02" + "8A0104" + "8B032F0601" + "80020006" + "6283"


def test_a_refused_command_changes_no_selection() -> None:
    terminal = Terminal()
    terminal.select("2FE2")
    assert terminal.select("6FFF") == "6A82"
    assert terminal("00B0000001") == "989000"


def test_an_application_is_told_by_status() -> None:
    terminal = Terminal()
    terminal.select_aid(USIM)
    assert terminal("80F2000100") == f"8410{USIM}9000"
    assert terminal("80F2000104") == "6C12"


def test_status_tells_the_current_directory() -> None:
    terminal = Terminal()
    selected = terminal.select_aid(USIM)
    terminal.select("6F07")
    assert terminal("80F2000000") == selected
