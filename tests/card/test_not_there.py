""" "Not there" and "could not read" are different answers: accounts are dropped only after the first."""

from __future__ import annotations

import pytest

from smartcard_dm.card.session import CardSession
from smartcard_dm.credentials import read_accounts, read_credentials
from smartcard_dm.errors import (
    ApduError,
    CardConnectionError,
    CardNotFoundError,
    CardReadError,
    DecodeError,
    PinRequiredError,
)
from tests.card.cards import (
    AID,
    BROKEN_DIR,
    BROKEN_ODF,
    EMPTY_DIR,
    NO_APPLICATION,
    NO_CHANNELS,
    NO_DIR,
    T0,
    Change,
    dir_records,
    dm_object,
    dodf,
    odf,
    profile,
    quirks,
    session,
    tap,
    template,
)
from vendor_pcsc.virtual import VirtualCard, VirtualConnection


@pytest.mark.parametrize("changes", [[EMPTY_DIR], [NO_DIR], [NO_CHANNELS], [T0]])
def test_a_card_without_the_application_has_nothing_there(changes: list[Change]) -> None:
    with session(NO_APPLICATION, *changes) as card, pytest.raises(CardNotFoundError, match="no PKCS#15 application"):
        read_credentials(card)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(BROKEN_ODF, id="a malformed ODF"),
        pytest.param(("ef: 5031, access: public", "ef: 5031, access: closed"), id="an ODF that nobody may read"),
        pytest.param(("ef: 5031, access: public", "ef: 5031, access: issuer"), id="an ODF for the issuer"),
        pytest.param(("ef: 5031, access: public", "ef: 5031, lifecycle: deactivated, access: public"), id="6984"),
        pytest.param(("ef: 6430, access: public", "ef: 6430, access: closed"), id="a DODF that nobody may read"),
        pytest.param(("ef: 6431, access: public", "ef: 6431, access: closed"), id="a file that nobody may read"),
        pytest.param(("ef: 6430", "ef: 6439"), id="a DODF that is named and missing"),
        pytest.param(("ef: 6431", "ef: 6439"), id="a bootstrap file that is named and missing"),
        pytest.param(odf("{data_objects: 3F00}"), id="a DODF path without a file"),
        pytest.param(dodf(dm_object("3FFF")), id="a bootstrap path without a file"),
    ],
)
def test_what_is_there_and_cannot_be_read_could_not_be_read(change: Change) -> None:
    with session(change) as card, pytest.raises(CardReadError):
        read_accounts(card)


def test_an_odf_behind_a_pin_asks_for_the_pin() -> None:
    with (
        session(("ef: 5031, access: public", "ef: 5031, access: private")) as card,
        pytest.raises(PinRequiredError, match=r"5031 is behind PIN 01"),
    ):
        read_accounts(card)


def test_a_malformed_ef_dir_may_hide_the_application() -> None:
    with session(NO_APPLICATION, BROKEN_DIR) as card, pytest.raises(CardReadError, match=r"EF\.DIR"):
        read_accounts(card)


def test_an_ef_dir_that_nobody_may_read_may_hide_the_application() -> None:
    closed = ("ef: 2F00, access: public", "ef: 2F00, access: closed")
    with session(NO_APPLICATION, closed) as card, pytest.raises(CardReadError, match=r"EF\.DIR: record 1 of 2F00"):
        read_accounts(card)


def test_an_odf_path_that_leads_nowhere_may_hide_the_application() -> None:
    record = template(f"aid: {AID}, path: 3F007F50, odf_path: 3F00")
    with (
        session(NO_APPLICATION, dir_records(record)) as card,
        pytest.raises(CardReadError, match=r"ODF path in EF\.DIR: the path 3F00 names a directory"),
    ):
        read_accounts(card)


def test_a_card_that_refuses_selection_by_identifier_has_not_said_that_nothing_is_there() -> None:
    with (
        session(NO_APPLICATION, NO_DIR, quirks("aid_select: not_supported")) as card,
        pytest.raises(CardReadError, match="6A86"),
    ):
        read_accounts(card)


@pytest.mark.parametrize("sw", ["6A82", "6A83", "6982", "6F00", "6281", "9804", "6B00", "6CFF", "6881"])
@pytest.mark.parametrize("instruction", [0xB0])
def test_a_file_that_was_selected_and_gives_no_data_could_not_be_read(instruction: int, sw: str) -> None:
    def twist(command: bytes, answer: bytes) -> bytes:
        return answer[:-2] + bytes.fromhex(sw) if command[1] == instruction else answer

    with session(twist=twist) as card, pytest.raises(CardReadError):
        read_accounts(card)


def test_a_record_that_was_announced_and_is_missing_could_not_be_read() -> None:
    def twist(command: bytes, answer: bytes) -> bytes:
        return b"\x6a\x83" if command[1] == 0xB2 and command[2] == 3 else answer

    with session(NO_APPLICATION, twist=twist) as card, pytest.raises(CardReadError, match=r"record 3 of 2F00"):
        read_accounts(card)


def test_a_file_that_ends_early_could_not_be_read() -> None:
    def twist(command: bytes, answer: bytes) -> bytes:
        return answer[:-3] + b"\x62\x82" if command[1] == 0xB0 else answer

    with session(twist=twist) as card, pytest.raises(CardReadError, match=r"the file has \d+ octets and the card gave"):
        read_accounts(card)


@pytest.mark.parametrize("answer", [b"", b"\x90"])
def test_an_answer_without_a_status_word_is_no_answer(answer: bytes) -> None:
    with (
        session(twist=lambda command, real: answer if command[1] == 0xA4 else real) as card,
        pytest.raises((ApduError, CardReadError)),
    ):
        read_credentials(card)


def test_file_parameters_that_are_malformed_make_a_file_unreadable() -> None:
    with (
        session(twist=lambda command, real: b"\x62\x05\x90\x00" if command[1] == 0xA4 else real) as card,
        pytest.raises(CardReadError, match="FCP"),
    ):
        read_credentials(card)


def test_a_card_that_refuses_its_identity_could_not_be_read() -> None:
    with (
        session(("ef: 2FE2, access: public", "ef: 2FE2, access: closed")) as card,
        pytest.raises(CardReadError, match="2FE2"),
    ):
        _ = card.identity


def cold_read(removed_at: int | None, *changes: Change) -> list[bytes]:
    wire = tap(*changes, removed_at=removed_at)
    with CardSession(wire) as card:
        read_credentials(card)
    return wire.commands


@pytest.mark.parametrize("changes", [[], [T0], [NO_CHANNELS], [quirks("aid_select: not_supported")]])
def test_a_card_removed_at_any_command_is_a_lost_connection_and_nothing_else(changes: list[Change]) -> None:
    whole = cold_read(None, *changes)
    ends_with_a_channel = whole[-1][1] == 0x70
    for at in range(len(whole) - ends_with_a_channel):
        with pytest.raises(CardConnectionError, match="the card was removed"):
            cold_read(at, *changes)


def test_a_card_removed_after_everything_was_read_does_no_harm() -> None:
    whole = cold_read(None)
    assert cold_read(len(whole) - 1) == whole[:-1]


def test_a_card_removed_before_the_first_command_is_a_lost_connection() -> None:
    connection = VirtualConnection(VirtualCard(profile()))
    connection.remove()
    with pytest.raises(CardConnectionError, match="removed"), CardSession(connection) as card:
        read_credentials(card)


def test_malformed_content_names_the_file_and_the_place() -> None:
    with session(dodf(dm_object("7F503F006431"))) as card, pytest.raises(DecodeError, match="a start inside the path"):
        read_accounts(card)
