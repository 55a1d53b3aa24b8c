"""Class A0: CHV1 and CHV2."""

from __future__ import annotations

from tests.vendor_pcsc.gsm_cards import CHV1, CHV2, NEW, UNBLOCK1, UNBLOCK2, WRONG, GsmTerminal

DISABLED = ('value: "1234"', 'value: "1234", enabled: "false"')


def reads_private(terminal: GsmTerminal) -> str:
    terminal.select("3F00", "7F20", "6F07")
    return terminal("A0B0000009")[-4:]


def test_a_verified_chv_opens_until_the_reset() -> None:
    terminal = GsmTerminal()
    assert reads_private(terminal) == "9804"
    assert terminal.verify(1, CHV1) == "9000"
    assert reads_private(terminal) == "9000"
    terminal.card.reset()
    assert reads_private(terminal) == "9804"


def test_wrong_values_are_counted_over_sessions_and_the_last_one_says_blocked() -> None:
    terminal = GsmTerminal()
    assert terminal.verify(1, WRONG) == "9804"
    terminal.card.reset()
    assert terminal.verify(1, WRONG) == "9804"
    assert terminal.verify(1, WRONG) == "9840"
    assert terminal.verify(1, CHV1) == "9840"


def test_a_right_value_gives_all_attempts_back() -> None:
    terminal = GsmTerminal()
    terminal.verify(1, WRONG)
    terminal.verify(1, CHV1)
    assert terminal.chv_status() == "838A838A"


def test_rights_are_lost_when_the_chv_is_blocked_and_not_before() -> None:
    terminal = GsmTerminal()
    terminal.verify(1, CHV1)
    terminal.verify(1, WRONG)
    terminal.verify(1, WRONG)
    assert reads_private(terminal) == "9000"
    terminal.verify(1, WRONG)
    assert reads_private(terminal) == "9804"


def test_a_wrong_value_gives_no_rights() -> None:
    terminal = GsmTerminal()
    terminal.verify(1, WRONG)
    assert reads_private(terminal) == "9804"


def test_a_disabled_chv_opens_and_cannot_be_presented() -> None:
    terminal = GsmTerminal(DISABLED)
    assert reads_private(terminal) == "9000"
    assert terminal.verify(1, CHV1) == "9808"
    assert terminal(f"A024000110{CHV1}{NEW}") == "9808"
    assert terminal(f"A026000108{CHV1}") == "9808"
    assert terminal.chv_status() == "838A838A"


def test_disable_and_enable() -> None:
    terminal = GsmTerminal()
    assert terminal(f"A028000108{CHV1}") == "9808"
    assert terminal(f"A026000108{WRONG}") == "9804"
    assert terminal(f"A026000108{CHV1}") == "9000"
    terminal.card.reset()
    assert reads_private(terminal) == "9000"
    assert terminal(f"A028000108{WRONG}") == "9804"
    assert terminal(f"A028000108{CHV1}") == "9000"
    terminal.card.reset()
    assert reads_private(terminal) == "9804"


def test_change() -> None:
    terminal = GsmTerminal()
    assert terminal(f"A024000110{WRONG}{NEW}") == "9804"
    assert terminal(f"A024000110{CHV1}{NEW}") == "9000"
    assert reads_private(terminal) == "9000"
    assert terminal.verify(1, CHV1) == "9804"
    assert terminal.verify(1, NEW) == "9000"


def test_change_of_chv2() -> None:
    terminal = GsmTerminal()
    assert terminal(f"A024000210{CHV2}{NEW}") == "9000"
    assert terminal.verify(2, NEW) == "9000"


def test_unblock_sets_enables_and_verifies() -> None:
    terminal = GsmTerminal(DISABLED)
    assert terminal(f"A02C000010{UNBLOCK1}{NEW}") == "9000"
    assert terminal.told("3F00")[26:28] == "01"
    assert reads_private(terminal) == "9000"
    assert terminal.verify(1, NEW) == "9000"


def test_unblock_of_chv2_has_p2_02() -> None:
    terminal = GsmTerminal()
    for _ in range(3):
        terminal.verify(2, WRONG)
    assert terminal.verify(2, CHV2) == "9840"
    assert terminal(f"A02C000210{UNBLOCK2}{NEW}") == "9000"
    assert terminal.verify(2, NEW) == "9000"


def test_wrong_unblocking_codes_are_counted() -> None:
    terminal = GsmTerminal(('unblock: "12345678", unblock_attempts: 10', 'unblock: "12345678", unblock_attempts: 2'))
    assert terminal(f"A02C000010{WRONG}{NEW}") == "9804"
    assert terminal(f"A02C000010{WRONG}{NEW}") == "9840"
    assert terminal(f"A02C000010{UNBLOCK1}{NEW}") == "9840"
    assert terminal.verify(1, CHV1) == "9000"


def test_a_card_without_chv2() -> None:
    terminal = GsmTerminal(
        ('  chv2: {reference: "81", value: "5678", attempts: 3, unblock: "87654321", unblock_attempts: 10}\n', ""),
        ("update: chv2", "update: chv1"),
    )
    assert terminal.verify(2, CHV2) == "9802"
    assert terminal(f"A024000210{CHV2}{NEW}") == "9802"
    assert terminal(f"A02C000210{UNBLOCK2}{NEW}") == "9802"


def test_a_chv_without_unblocking_code() -> None:
    terminal = GsmTerminal((', unblock: "12345678", unblock_attempts: 10', ""))
    assert terminal(f"A02C000010{UNBLOCK1}{NEW}") == "9802"
