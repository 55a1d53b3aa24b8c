"""PINs: counters, blocking, and what each command leaves behind."""

from __future__ import annotations

import pickle

import pytest

from tests.vendor_pcsc.cards import ADM1, NEW, PIN1, PIN2, UNBLOCK1, WRONG, Terminal, profile
from vendor_pcsc.virtual.pin_value import PinValue

OPEN = "7365637265749000"


def read_private(terminal: Terminal) -> str:
    terminal.select("3F00", "2F03")
    return terminal("00B0000006")


def test_wrong_values_count_down_until_the_pin_is_blocked() -> None:
    terminal = Terminal()
    assert [terminal.verify("01", WRONG) for _ in range(4)] == ["63C2", "63C1", "63C0", "6983"]
    assert terminal.verify("01", PIN1) == "6983"
    assert terminal("00200001") == "6983"
    assert terminal(f"0024000110{PIN1}{NEW}") == "6983"


def test_the_right_value_opens_files_and_refills_the_counter() -> None:
    terminal = Terminal()
    assert read_private(terminal) == "6982"
    terminal.verify("01", WRONG)
    assert terminal.verify("01", PIN1) == "9000"
    assert terminal("00200001") == "63C3"
    assert read_private(terminal) == OPEN


def test_asking_for_the_counter_uses_no_attempt() -> None:
    terminal = Terminal()
    terminal.verify("01", WRONG)
    assert [terminal("00200001") for _ in range(3)] == ["63C2"] * 3


def test_a_wrong_value_takes_back_what_was_verified() -> None:
    terminal = Terminal()
    terminal.verify("01", PIN1)
    terminal.verify("01", WRONG)
    assert read_private(terminal) == "6982"


def test_one_pin_does_not_open_what_another_protects() -> None:
    terminal = Terminal()
    assert terminal.verify("0A", ADM1) == "9000"
    assert read_private(terminal) == "6982"


def test_a_counter_outlives_a_reset_and_a_verified_pin_does_not() -> None:
    terminal = Terminal()
    terminal.verify("0A", WRONG)
    terminal.verify("01", PIN1)
    terminal.card.reset()
    assert terminal("0020000A") == "63C9"
    assert read_private(terminal) == "6982"


def test_a_changed_pin_is_verified_and_outlives_a_reset() -> None:
    terminal = Terminal()
    assert terminal(f"0024000110{WRONG}{NEW}") == "63C2"
    assert terminal(f"0024000110{PIN1}{NEW}") == "9000"
    assert terminal("00200001") == "63C3"
    assert read_private(terminal) == OPEN
    terminal.card.reset()
    assert terminal.verify("01", PIN1) == "63C2"
    assert terminal.verify("01", NEW) == "9000"


def test_a_disabled_pin_protects_nothing() -> None:
    terminal = Terminal()
    assert terminal(f"0026000108{WRONG}") == "63C2"
    assert terminal(f"0026000108{PIN1}") == "9000"
    terminal.card.reset()
    assert read_private(terminal) == OPEN
    assert terminal.verify("01", PIN1) == "6984"


def test_an_enabled_pin_protects_again() -> None:
    terminal = Terminal()
    terminal.select("2F04")
    assert terminal("00B0000000") == "7365636F6E649000"
    assert terminal(f"0028008108{WRONG}") == "63C2"
    assert terminal(f"0028008108{PIN2}") == "9000"
    assert terminal("00B0000000") == "7365636F6E649000"
    terminal.card.reset()
    terminal.select("2F04")
    assert terminal("00B0000000") == "6982"


def test_unblocking_sets_a_new_value_and_refills_both_counters() -> None:
    terminal = Terminal()
    for _ in range(3):
        terminal.verify("01", WRONG)
    assert terminal(f"002C000110{WRONG}{NEW}") == "63C1"
    assert terminal(f"002C000110{UNBLOCK1}{NEW}") == "9000"
    assert read_private(terminal) == OPEN
    assert terminal("00200001") == "63C3"
    assert terminal("002C0001") == "63C2"
    assert terminal.verify("01", NEW) == "9000"


def test_unblocking_enables_the_pin() -> None:
    terminal = Terminal()
    terminal(f"0026000108{PIN1}")
    assert terminal(f"002C000110{UNBLOCK1}{NEW}") == "9000"
    assert terminal("00200001") == "63C3"


def test_a_used_up_unblocking_code_is_blocked_for_good() -> None:
    terminal = Terminal()
    assert [terminal(f"002C000110{WRONG}{NEW}") for _ in range(3)] == ["63C1", "63C0", "6983"]
    assert terminal(f"002C000110{UNBLOCK1}{NEW}") == "6983"
    assert terminal("002C0001") == "6983"


def test_two_cards_of_one_profile_count_apart() -> None:
    first, second = Terminal(), Terminal()
    first.verify("01", WRONG)
    assert second("00200001") == "63C3"


def test_no_secret_is_in_any_repr() -> None:
    terminal = Terminal()
    small = profile()
    shown = " ".join(map(repr, [small, small.pins, small.mf, terminal.card]))
    value = small.pins[0].value
    shown += f"{value} {value!r} {value:>30}"
    for secret in ("1234", "5678", "31323334", "secret content", "F1F2F3F4", "12345678"):
        assert secret not in shown.replace(repr(small.atr), "")


def test_a_pin_value_leaves_only_by_reveal() -> None:
    value = PinValue.from_text("1234")
    assert value.reveal() == b"1234\xff\xff\xff\xff"
    assert value == PinValue.from_text("31323334FFFFFFFF")
    assert value != PinValue.from_text("1235")
    assert value != "1234"
    with pytest.raises(TypeError, match="not hashable"):
        hash(value)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(value)
    with pytest.raises(ValueError, match="8 octets, found 3"):
        PinValue(b"abc")
