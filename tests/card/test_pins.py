"""The PIN: presented once, with consent, for files that ask for it, and never seen anywhere."""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.card.session import CardSession
from smartcard_dm.card.uicc_pin import UiccPin
from smartcard_dm.credentials import read_accounts
from smartcard_dm.errors import CardError, CardReadError, PinBlockedError, PinError, PinRequiredError
from smartcard_dm.secret import Secret
from tests.card.cards import (
    NAMELESS,
    NO_CHANNELS,
    PIN,
    PRIVATE_BOOTSTRAP,
    T0,
    WRONG_PIN,
    Change,
    Tap,
    dm_file,
    dm_object,
    dodf,
    inside,
    profile,
    quirks,
    session,
    tap,
)
from vendor_pcsc.virtual import VirtualCard, VirtualConnection

if TYPE_CHECKING:
    from tests.card.cards import Twist

ONE_TRY: Change = ('value: "4711", attempts: 3', 'value: "4711", attempts: 1')
DISABLED: Change = ('value: "4711", attempts: 3', 'value: "4711", attempts: 3, enabled: false')
BLOCK = bytes.fromhex("0020000108") + b"00000000"


def behind(rule: str) -> Change:
    """The bootstrap file asks for something else."""
    return ("ef: 6431, access: public", f"ef: 6431, access: {rule}")


def answering(verify: str, counter: str = "63C3") -> Twist:
    """VERIFY is answered otherwise, with data and without."""

    def twist(command: bytes, answer: bytes) -> bytes:
        if command[1] != 0x20:
            return answer
        return bytes.fromhex(verify if len(command) > 5 else counter)

    return twist


@pytest.mark.parametrize("changes", [[], [T0], [NO_CHANNELS], [NAMELESS], [quirks("path_select: not_supported")]])
def test_a_private_file_is_read_with_the_right_pin(changes: list[Change]) -> None:
    wire = tap(PRIVATE_BOOTSTRAP, *changes)
    with CardSession(wire, pin=PIN) as card:
        assert [str(account.server_id) for account in read_accounts(card).accounts] == ["com.example.dms"]
    assert len(wire.presented) == 1


def test_without_a_pin_the_reference_is_named_and_nothing_is_sent() -> None:
    wire = tap(PRIVATE_BOOTSTRAP)
    with CardSession(wire) as card, pytest.raises(PinRequiredError, match=r"7F50/6431 is behind PIN 01"):
        read_accounts(card)
    assert not [command for command in wire.commands if command[1] == 0x20]


def test_the_pin_of_an_open_card_is_never_presented() -> None:
    wire = tap()
    with CardSession(wire, pin=PIN) as card:
        read_accounts(card)
    assert not [command for command in wire.commands if command[1] == 0x20]


def test_the_pin_pad_itself_refuses_without_a_pin() -> None:
    with session() as reader, pytest.raises(PinRequiredError, match="PIN 01 is needed"):
        reader._pins.verify(UiccPin(reader._exchange, 0x01, 0))


def test_a_wrong_pin_uses_one_try_and_tells_how_many_are_left() -> None:
    card = VirtualCard(profile(PRIVATE_BOOTSTRAP))
    wire = Tap(VirtualConnection(card))
    with CardSession(wire, pin=WRONG_PIN) as reader, pytest.raises(PinError, match="2 tries left") as caught:
        read_accounts(reader)
    assert caught.value.attempts_remaining == 2
    assert len(wire.presented) == 1
    assert card.process(bytes.fromhex("00200001")) == b"\x63\xc2"


def test_a_wrong_pin_is_not_sent_again() -> None:
    wire = tap(PRIVATE_BOOTSTRAP)
    with CardSession(wire, pin=WRONG_PIN) as reader:
        with pytest.raises(PinError):
            read_accounts(reader)
        for _ in range(3):
            with pytest.raises(PinError, match="is not sent twice") as caught:
                read_accounts(reader)
            assert caught.value.attempts_remaining == 2
    assert len(wire.presented) == 1


def test_several_private_files_cost_one_presentation() -> None:
    private = inside(dm_file("6432", "com.example.second").replace("public", "private"))
    wire = tap(PRIVATE_BOOTSTRAP, private, dodf(dm_object("6431"), dm_object("6432")))
    with CardSession(wire, pin=PIN) as card:
        assert len(read_accounts(card).accounts) == 2
    assert len(wire.presented) == 1


def test_a_blocked_pin_is_told_and_not_presented() -> None:
    card = VirtualCard(profile(PRIVATE_BOOTSTRAP))
    for _ in range(3):
        card.process(BLOCK)
    wire = Tap(VirtualConnection(card))
    with CardSession(wire, pin=PIN) as reader, pytest.raises(PinBlockedError, match="PIN 01 is blocked"):
        read_accounts(reader)
    assert wire.presented == []


def test_the_last_try_is_not_used_without_consent() -> None:
    wire = tap(PRIVATE_BOOTSTRAP, ONE_TRY)
    with CardSession(wire, pin=PIN) as reader, pytest.raises(PinBlockedError, match="one try left"):
        read_accounts(reader)
    assert wire.presented == []


def test_the_last_try_is_used_with_consent() -> None:
    wire = tap(PRIVATE_BOOTSTRAP, ONE_TRY)
    with CardSession(wire, pin=PIN, use_last_try=True) as reader:
        assert len(read_accounts(reader).accounts) == 1
    assert len(wire.presented) == 1


def test_a_wrong_pin_at_the_last_try_blocks_and_says_so() -> None:
    with (
        session(PRIVATE_BOOTSTRAP, ONE_TRY, pin=WRONG_PIN, use_last_try=True) as reader,
        pytest.raises(PinBlockedError, match="blocked now"),
    ):
        read_accounts(reader)


def test_a_disabled_pin_counts_as_fulfilled() -> None:
    wire = tap(PRIVATE_BOOTSTRAP, DISABLED)
    with CardSession(wire) as reader:
        assert len(read_accounts(reader).accounts) == 1
    assert wire.presented == []


def test_a_pin_that_is_disabled_where_the_file_stays_closed_is_not_presented() -> None:
    wire = tap(behind("closed"), twist=answering("9000", "6984"))
    with CardSession(wire, pin=PIN) as reader, pytest.raises(CardReadError):
        read_accounts(reader)
    private = tap(PRIVATE_BOOTSTRAP, twist=answering("9000", "6984"))
    with CardSession(private, pin=PIN) as reader, pytest.raises(CardReadError, match="6982"):
        read_accounts(reader)
    assert wire.presented == private.presented == []


def test_a_pin_that_is_verified_already_is_not_presented() -> None:
    card = VirtualCard(profile(PRIVATE_BOOTSTRAP))
    wire = Tap(VirtualConnection(card))
    card.process(bytes.fromhex("0020000108") + b"4711\xff\xff\xff\xff")
    with CardSession(wire, pin=PIN) as reader:
        assert len(read_accounts(reader).accounts) == 1
    assert wire.presented == []


def test_a_card_that_says_verified_and_stays_closed_could_not_be_read() -> None:
    with session(PRIVATE_BOOTSTRAP, pin=WRONG_PIN, twist=answering("9000")) as reader:
        for _ in range(2):
            with pytest.raises(CardReadError, match="6982"):
                read_accounts(reader)


def test_an_administrative_code_is_never_tried_with_the_pin_of_the_cardholder() -> None:
    wire = tap(behind("issuer"))
    with CardSession(wire, pin=PIN) as reader, pytest.raises(CardReadError, match="no PIN of the cardholder"):
        read_accounts(reader)
    assert not [command for command in wire.commands if command[1] == 0x20]


def test_the_second_pin_is_presented_under_its_own_reference() -> None:
    wire = tap(behind("second"))
    with CardSession(wire, pin=Secret(b"2580")) as reader:
        assert len(read_accounts(reader).accounts) == 1
    assert [command[3] for command in wire.presented] == [0x81]


def test_a_file_without_access_rules_is_not_opened_by_a_pin() -> None:
    wire = tap(PRIVATE_BOOTSTRAP, quirks("fcp: none"))
    with CardSession(wire, pin=PIN) as reader, pytest.raises(CardReadError, match="no PIN"):
        read_accounts(reader)
    assert wire.presented == []


def test_the_rule_of_a_file_is_looked_for_beside_the_file() -> None:
    def twist(command: bytes, answer: bytes) -> bytes:
        # EF.ARR of the application names another PIN than EF.ARR of the directory below it.
        if command[1] == 0xB2 and directory[-1] == 0x7F50:
            return answer.replace(bytes.fromhex("830101"), bytes.fromhex("830181"))
        if command[1] == 0xA4:
            directory.append(0x5F01 if command.hex().find("5f01") >= 0 else directory[-1])
        return answer

    directory = [0x7F50]
    below = inside(f"df: 5F01, files: [{{{dm_file('6431', 'com.example.below').replace('public', 'private')}}}]")
    wire = tap(below, dodf(dm_object("5F016431")), twist=twist)
    with CardSession(wire, pin=PIN) as reader:
        assert len(read_accounts(reader).accounts) == 1
    assert [command[3] for command in wire.presented] == [0x01]


@pytest.mark.parametrize(
    ("verify", "error", "told"),
    [
        ("63C2", PinError, "2 tries left"),
        ("63C1", PinError, "1 try left"),
        ("63C0", PinBlockedError, "blocked now"),
        ("6983", PinBlockedError, "blocked now"),
        ("6A88", CardReadError, "could not be verified"),
        ("6C08", CardReadError, "could not be verified"),
        ("6200", CardReadError, "could not be verified"),
    ],
)
def test_whatever_the_card_answers_the_pin_is_sent_once(verify: str, error: type[CardError], told: str) -> None:
    wire = tap(PRIVATE_BOOTSTRAP, twist=answering(verify))
    with CardSession(wire, pin=WRONG_PIN) as reader:
        with pytest.raises(error, match=told):
            read_accounts(reader)
        with pytest.raises((error, PinError)):
            read_accounts(reader)
    assert len(wire.presented) == 1


@pytest.mark.parametrize("counter", ["6A88", "6D00", "6F00", "6C03"])
def test_a_card_that_does_not_tell_the_tries_gets_no_pin(counter: str) -> None:
    wire = tap(PRIVATE_BOOTSTRAP, twist=answering("9000", counter))
    with CardSession(wire, pin=PIN) as reader, pytest.raises(CardReadError, match="does not tell its tries"):
        read_accounts(reader)
    assert wire.presented == []


@pytest.mark.parametrize(
    ("condition", "opens"),
    [
        ("A4 06 83 01 01 95 01 08", True),
        ("A0 0A A4 03 83 01 0A A4 03 83 01 01", True),
        ("AF 05 A4 03 83 01 01", True),
        ("AF 0A A4 03 83 01 01 A4 03 83 01 81", False),
        ("A4 06 83 01 01 95 01 40", False),
        ("97 00", False),
        ("9E 01 10", False),
    ],
)
def test_a_pin_is_presented_where_it_alone_opens_the_file(condition: str, opens: bool) -> None:  # noqa: FBT001 - a table
    def twist(command: bytes, answer: bytes) -> bytes:
        return bytes.fromhex("80 01 01" + condition + "9000") if command[1] == 0xB2 else answer

    wire = tap(PRIVATE_BOOTSTRAP, twist=twist)
    with CardSession(wire, pin=PIN) as reader:
        if opens:
            assert len(read_accounts(reader).accounts) == 1
        else:
            with pytest.raises(CardReadError, match="no PIN of the cardholder"):
                read_accounts(reader)
    assert len(wire.presented) == opens


def test_rules_that_are_malformed_open_nothing() -> None:
    def twist(command: bytes, answer: bytes) -> bytes:
        return b"\x80\x01\x90\x00" if command[1] == 0xB2 else answer

    with session(PRIVATE_BOOTSTRAP, pin=PIN, twist=twist) as reader, pytest.raises(CardReadError, match="access rules"):
        read_accounts(reader)


def test_rules_that_the_card_does_not_show_open_nothing() -> None:
    def twist(command: bytes, answer: bytes) -> bytes:
        return b"\x69\x82" if command[1] == 0xB2 else answer

    with session(PRIVATE_BOOTSTRAP, pin=PIN, twist=twist) as reader, pytest.raises(CardReadError, match="no PIN"):
        read_accounts(reader)


@pytest.mark.parametrize(
    ("security", "opens"),
    [
        ("AB 0B 80 01 01 A4 06 83 01 01 95 01 08", True),
        ("8B 06 6F 06 01 02 00 01", True),
        ("8B 04 6F 06 00 02", False),
        ("8B 01 02", False),
        ("8B 03 6F 07 02", False),
    ],
)
def test_rules_are_found_in_every_form_of_reference(security: str, opens: bool) -> None:  # noqa: FBT001 - a table
    def twist(command: bytes, answer: bytes) -> bytes:
        at = answer.find(bytes.fromhex("8B036F06"))
        if command[1] != 0xA4 or command[5:7] != b"\x64\x31":
            return answer
        body = answer[2:at] + bytes.fromhex(security) + answer[at + 5 : -2]
        return bytes((0x62, len(body))) + body + b"\x90\x00"

    wire = tap(PRIVATE_BOOTSTRAP, twist=twist)
    with CardSession(wire, pin=PIN) as reader:
        if opens:
            assert len(read_accounts(reader).accounts) == 1
        else:
            with pytest.raises(CardReadError, match="no PIN"):
                read_accounts(reader)
    assert len(wire.presented) == opens


@pytest.mark.parametrize("pin", [b"", b"123", b"123456789", b"12a4", "١٢٣٤".encode(), b"1234\xff"])
def test_a_pin_that_is_none_is_refused_before_the_card_is_touched(pin: bytes) -> None:
    wire = tap()
    with pytest.raises(ValueError, match="four to eight ASCII digits") as caught:
        CardSession(wire, pin=Secret(pin))
    assert wire.commands == []
    assert pin.decode(errors="replace") not in str(caught.value) or not pin


@pytest.mark.parametrize(
    "changes", [[PRIVATE_BOOTSTRAP], [PRIVATE_BOOTSTRAP, ONE_TRY], [behind("issuer")], [behind("closed")]]
)
def test_the_pin_is_seen_in_no_error_no_text_and_no_log(
    changes: list[Change], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with session(*changes, pin=WRONG_PIN) as reader:
        with pytest.raises(CardError) as caught:
            read_accounts(reader)
        shown = "".join(traceback.format_exception(caught.value)) + repr(vars(reader)) + repr(vars(caught.value))
        shown += repr(vars(reader._channels._pins)) + caplog.text
    for form in ("9753", "39373533"):
        assert form not in shown
