"""CHV1 and CHV2: status first, presented once and with consent, in the directory of the application."""

from __future__ import annotations

import pytest

from smartcard_dm.card.directory import Directory
from smartcard_dm.card.session import CardSession
from smartcard_dm.credentials import read_accounts
from smartcard_dm.errors import CardError, CardReadError, PinBlockedError, PinError, PinRequiredError
from smartcard_dm.secret import Secret
from tests.card.cards import (
    PIN,
    PRIVATE_BOOTSTRAP,
    RUIM,
    SIM,
    UICC_AS_SIM,
    WRONG_PIN,
    Change,
    Tap,
    Twist,
    beside,
    dm_file,
    dm_object,
    dodf,
    inside,
    profile,
    session,
    tap,
)
from vendor_pcsc.virtual import VirtualCard, VirtualConnection

ONE_TRY: Change = ('value: "4711", attempts: 3', 'value: "4711", attempts: 1')
DISABLED: Change = ('value: "4711", attempts: 3', 'value: "4711", attempts: 3, enabled: false')
BLOCK = bytes.fromhex("A020000108") + b"00000000"
PRIVATE_SIM = (*SIM, PRIVATE_BOOTSTRAP)


def behind(rule: str) -> Change:
    """The bootstrap file asks for something else."""
    return ("ef: 6431, access: public", f"ef: 6431, access: {rule}")


def verify_answers(sw: str) -> Twist:
    return lambda command, answer: bytes.fromhex(sw) if command[1] == 0x20 else answer


def statuses(octets: str, file_id: str = "7F20") -> Twist:
    """What is told about a directory ends with other status octets."""

    def twist(command: bytes, answer: bytes) -> bytes:
        is_home = command[1] == 0xC0 and answer[4:6] == bytes.fromhex(file_id)
        return answer[:18] + bytes.fromhex(octets) + answer[22:] if is_home else answer

    return twist


def selected_before_verify(wire: Tap) -> bytes:
    """Return the identifier of the last SELECT before the PIN."""
    at = wire.commands.index(wire.presented[0])
    return [command for command in wire.commands[:at] if command[1] == 0xA4][-1][5:7]


@pytest.mark.parametrize(
    ("changes", "home"),
    [
        ([*SIM], "7F20"),
        ([*RUIM], "7F25"),
        ([*RUIM, beside("df: 7F20, files: []")], "7F25"),
        ([*SIM, ("df: 7F20", "df: 7F21")], "7F50"),
        ([*UICC_AS_SIM], "7F50"),
    ],
    ids=["DF GSM", "DF CDMA", "DF CDMA before DF GSM", "the file's own", "a UICC without DF GSM"],
)
def test_a_private_file_is_read_with_the_right_pin_given_to_its_application(changes: list[Change], home: str) -> None:
    wire = tap(*changes, PRIVATE_BOOTSTRAP)
    with CardSession(wire, pin=PIN) as card:
        assert [str(account.server_id) for account in read_accounts(card).accounts] == ["com.example.dms"]
    assert wire.presented == [bytes.fromhex("A020000108") + b"4711\xff\xff\xff\xff"]
    assert selected_before_verify(wire).hex().upper() == home


def test_without_a_pin_the_chv_is_named_and_nothing_is_sent() -> None:
    wire = tap(*PRIVATE_SIM)
    with CardSession(wire) as card, pytest.raises(PinRequiredError, match="7F50/6431 is behind CHV1: give the PIN"):
        read_accounts(card)
    assert not [command for command in wire.commands if command[1] == 0x20]


def test_the_pin_of_an_open_card_is_never_presented() -> None:
    wire = tap(*SIM)
    with CardSession(wire, pin=PIN) as card:
        read_accounts(card)
    assert not [command for command in wire.commands if command[1] == 0x20]


def test_the_tries_are_never_asked_by_a_command_that_could_cost_one() -> None:
    wire = tap(*PRIVATE_SIM)
    with CardSession(wire, pin=PIN) as card:
        read_accounts(card)
    assert [len(command) for command in wire.commands if command[1] == 0x20] == [13]


def test_a_wrong_pin_uses_one_try_and_is_not_sent_again() -> None:
    card = VirtualCard(profile(*PRIVATE_SIM))
    wire = Tap(VirtualConnection(card))
    with CardSession(wire, pin=WRONG_PIN) as reader:
        with pytest.raises(PinError, match="CHV1 is wrong, 2 tries left") as caught:
            read_accounts(reader)
        assert caught.value.attempts_remaining == 2
        for _ in range(3):
            with pytest.raises(PinError, match="CHV1 was wrong before and is not sent twice") as caught:
                read_accounts(reader)
            assert caught.value.attempts_remaining == 2
    assert len(wire.presented) == 1


def test_several_private_files_cost_one_presentation() -> None:
    private = inside(dm_file("6432", "com.example.second").replace("public", "private"))
    wire = tap(*PRIVATE_SIM, private, dodf(dm_object("6431"), dm_object("6432")))
    with CardSession(wire, pin=PIN) as card:
        assert len(read_accounts(card).accounts) == 2
    assert len(wire.presented) == 1


def test_a_blocked_chv_is_told_and_not_presented() -> None:
    card = VirtualCard(profile(*PRIVATE_SIM))
    for _ in range(3):
        card.process(BLOCK)
    wire = Tap(VirtualConnection(card))
    with CardSession(wire, pin=PIN) as reader, pytest.raises(PinBlockedError, match="CHV1 is blocked: unblock"):
        read_accounts(reader)
    assert wire.presented == []


def test_the_last_try_is_not_used_without_consent() -> None:
    wire = tap(*PRIVATE_SIM, ONE_TRY)
    with CardSession(wire, pin=PIN) as reader, pytest.raises(PinBlockedError, match="CHV1 has one try left"):
        read_accounts(reader)
    assert wire.presented == []


def test_the_last_try_is_used_with_consent() -> None:
    wire = tap(*PRIVATE_SIM, ONE_TRY)
    with CardSession(wire, pin=PIN, use_last_try=True) as reader:
        assert len(read_accounts(reader).accounts) == 1
    wrong = tap(*PRIVATE_SIM, ONE_TRY)
    with (
        CardSession(wrong, pin=WRONG_PIN, use_last_try=True) as reader,
        pytest.raises(PinBlockedError, match="blocked now"),
    ):
        read_accounts(reader)
    assert len(wire.presented) == len(wrong.presented) == 1


def test_a_disabled_chv1_is_open() -> None:
    wire = tap(*PRIVATE_SIM, DISABLED)
    with CardSession(wire) as reader:
        assert len(read_accounts(reader).accounts) == 1
    assert wire.presented == []


def test_a_chv1_that_is_disabled_where_the_file_stays_closed_is_not_presented() -> None:
    def twist(command: bytes, answer: bytes) -> bytes:
        return b"\x98\x04" if command[1] == 0xB0 and command[4] != 10 else answer

    wire = tap(*PRIVATE_SIM, DISABLED, twist=twist)
    with CardSession(wire, pin=PIN) as reader, pytest.raises(CardReadError, match="9804"):
        read_accounts(reader)
    assert wire.presented == []


def test_a_chv_that_is_verified_already_is_not_presented() -> None:
    card = VirtualCard(profile(*PRIVATE_SIM))
    wire = Tap(VirtualConnection(card))
    card.process(bytes.fromhex("A020000108") + b"4711\xff\xff\xff\xff")
    with CardSession(wire, pin=PIN) as reader:
        assert len(read_accounts(reader).accounts) == 1
    assert wire.presented == []


def test_chv2_is_presented_under_its_own_number() -> None:
    wire = tap(*SIM, behind("second"))
    with CardSession(wire, pin=Secret(b"2580")) as reader:
        assert len(read_accounts(reader).accounts) == 1
    assert [command[3] for command in wire.presented] == [0x02]


@pytest.mark.parametrize("rule", ["issuer", "closed"])
def test_what_no_chv_opens_is_never_tried(rule: str) -> None:
    wire = tap(*SIM, behind(rule))
    with CardSession(wire, pin=PIN) as reader, pytest.raises(CardReadError, match="no PIN of the cardholder opens it"):
        read_accounts(reader)
    assert wire.presented == []


def test_a_card_that_refuses_what_it_calls_open_could_not_be_read() -> None:
    def twist(command: bytes, answer: bytes) -> bytes:
        return b"\x98\x04" if command[1] == 0xB0 and command[4] != 10 else answer

    wire = tap(*SIM, twist=twist)
    with CardSession(wire, pin=PIN) as reader, pytest.raises(CardReadError, match="no PIN of the cardholder"):
        read_accounts(reader)
    assert wire.presented == []


def test_a_code_that_is_not_initialised_is_not_presented() -> None:
    pad = "00000000"
    wire = tap(*PRIVATE_SIM, twist=lambda c, a: statuses(pad, "7F50")(c, statuses(pad)(c, a)))
    with CardSession(wire, pin=PIN) as reader, pytest.raises(CardReadError, match="CHV1 is not initialised"):
        read_accounts(reader)
    assert wire.presented == []


def test_a_directory_without_the_code_leaves_the_file_s_own() -> None:
    wire = tap(*PRIVATE_SIM, twist=statuses("00000000"))
    with CardSession(wire, pin=PIN) as reader:
        assert len(read_accounts(reader).accounts) == 1
    assert selected_before_verify(wire) == b"\x7f\x50"


def test_an_elementary_file_in_the_place_of_a_directory_is_no_home() -> None:
    wire = tap(*PRIVATE_SIM, ("df: 7F20", "df: 7F21"), beside("ef: 7F20, access: public, content: {ascii: odd}"))
    with CardSession(wire, pin=PIN) as reader:
        assert len(read_accounts(reader).accounts) == 1
    assert selected_before_verify(wire) == b"\x7f\x50"


@pytest.mark.parametrize(
    ("verify", "error", "told"),
    [
        ("9804", PinError, "2 tries left"),
        ("9840", PinBlockedError, "blocked now"),
        ("9808", PinError, "2 tries left"),
        ("6F00", CardReadError, "could not be verified"),
        ("9240", CardReadError, "could not be verified"),
        ("6708", CardReadError, "could not be verified"),
    ],
)
def test_whatever_the_card_answers_the_pin_is_sent_once(verify: str, error: type[CardError], told: str) -> None:
    wire = tap(*PRIVATE_SIM, twist=verify_answers(verify))
    with CardSession(wire, pin=WRONG_PIN) as reader:
        with pytest.raises(error, match=told):
            read_accounts(reader)
        with pytest.raises((error, PinError)):
            read_accounts(reader)
    assert len(wire.presented) == 1


def test_a_card_that_says_wrong_and_then_disabled_could_not_be_read() -> None:
    sent: list[bytes] = []

    def twist(command: bytes, answer: bytes) -> bytes:
        if command[1] == 0x20:
            sent.append(command)
            return b"\x98\x04"
        return answer[:13] + b"\x81" + answer[14:] if sent and len(answer) == 24 else answer

    with (
        session(*PRIVATE_SIM, pin=WRONG_PIN, twist=twist) as reader,
        pytest.raises(CardReadError, match="CHV1 could not be verified"),
    ):
        read_accounts(reader)


@pytest.mark.parametrize("sw", ["6F00", "9804"])
def test_a_directory_that_is_refused_gets_no_pin(sw: str) -> None:
    def twist(command: bytes, answer: bytes) -> bytes:
        return bytes.fromhex(sw) if command[5:7] == b"\x7f\x20" and armed else answer

    armed: list[bool] = []
    wire = tap(*PRIVATE_SIM, twist=twist)
    with CardSession(wire, pin=PIN) as reader:
        assert reader.identity
        armed.append(True)
        with pytest.raises(CardReadError, match=sw):
            read_accounts(reader)
    assert wire.presented == []


def test_the_subscriber_is_read_where_it_stands() -> None:
    wire = tap(*SIM)
    with CardSession(wire, pin=PIN) as reader:
        assert len(reader.files.read(Directory(b"", (0x7F20,)), (0x6F07,))) == 9
    assert selected_before_verify(wire) == b"\x7f\x20"
