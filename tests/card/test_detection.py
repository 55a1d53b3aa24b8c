"""Which kind of card it is: found by probing, with few commands, and told as a sentence."""

from __future__ import annotations

import pytest

from smartcard_dm.card.session import CardSession
from smartcard_dm.credentials import read_accounts
from smartcard_dm.errors import CardConnectionError, CardReadError
from smartcard_dm.identity import Generation
from tests.card.cards import (
    ATR,
    ATR_SIM,
    ICCID,
    NO_DIR,
    RUIM,
    SIM,
    T0,
    UICC_AS_SIM,
    Change,
    Tap,
    Twist,
    beside,
    quirks,
    session,
    tap,
)
from vendor_pcsc.errors import ReaderError

HINT: Change = (f"atr: {ATR_SIM}", f"atr: {ATR}")
NO_DF_GSM: Change = ("df: 7F20", "df: 7F21")
BOTH: Change = beside("df: 7F25, files: []")
EITHER: Change = ("generation: uicc", "generation: uicc-2g")
"""The first command decides."""
CLOSED_NUMBER: Change = ("ef: 2FE2, access: public", "ef: 2FE2, access: closed")
NO_NUMBER: Change = ("ef: 2FE2", "ef: 2FE3")


def class_00_answers(answer: str) -> Twist:
    return lambda command, real: bytes.fromhex(answer) if command[0] == 0x00 else real


def detected(*changes: Change, twist: Twist | None = None) -> tuple[Generation, str]:
    with session(*changes, twist=twist) as card:
        assert card.identity.iccid == ICCID
        return card.identity.generation, card.detection


@pytest.mark.parametrize(
    ("changes", "generation", "told"),
    [
        ([], Generation.UICC, "it takes commands of class 00"),
        ([quirks("fcp: none")], Generation.UICC, "it takes commands of class 00"),
        ([quirks("path_select: not_supported")], Generation.UICC, "it takes commands of class 00"),
        ([EITHER], Generation.UICC, "it takes commands of class 00"),
        ([*SIM], Generation.SIM, "DF GSM (7F20) and no DF CDMA (7F25)"),
        ([*SIM, NO_DIR, HINT], Generation.SIM, "DF GSM (7F20) and no DF CDMA (7F25)"),
        ([*SIM, NO_DF_GSM], Generation.SIM, "neither DF GSM (7F20) nor DF CDMA (7F25) and is taken for a SIM"),
        ([*SIM, HINT], Generation.UICC_2G, "its answer to reset is that of a UICC and it has EF.DIR"),
        ([*UICC_AS_SIM], Generation.UICC_2G, "its answer to reset is that of a UICC and it has EF.DIR"),
        ([*RUIM], Generation.RUIM, "it has DF CDMA (7F25)"),
        ([*SIM, BOTH], Generation.RUIM, "it has DF CDMA (7F25)"),
    ],
)
def test_the_generation_is_found_and_explained(changes: list[Change], generation: Generation, told: str) -> None:
    found, reason = detected(*changes)
    assert found is generation
    assert reason.endswith(told)


def test_the_refusal_of_class_00_is_part_of_the_explanation() -> None:
    assert detected(*SIM)[1].startswith(
        "it does not take commands of class 00 (6E00: class unknown) and takes those of"
    )


@pytest.mark.parametrize(
    ("changes", "commands"),
    [([], 2), ([T0], 3), ([*SIM], 8), ([*RUIM], 6), ([*UICC_AS_SIM], 6)],
    ids=["uicc", "uicc, T=0", "sim", "ruim", "uicc-2g"],
)
def test_knowing_a_card_costs_few_commands_and_no_reset(changes: list[Change], commands: int) -> None:
    wire = tap(*changes)
    with CardSession(wire) as card:
        assert card.identity.iccid == ICCID
        assert card.detection
        assert card.files
    assert (len(wire.commands), wire.resets) == (commands, 0)


def test_after_a_refusal_that_may_have_begun_something_the_card_is_reset() -> None:
    wire = tap(*SIM, twist=class_00_answers("6F00"))
    with CardSession(wire) as card:
        assert card.identity.generation is Generation.SIM
        assert "6F00: technical problem" in card.detection
    assert wire.resets == 1


def test_a_card_that_is_held_by_class_00_is_reset_before_class_a0_is_given_up() -> None:
    wire = tap(EITHER, twist=class_00_answers("6E00"))
    with CardSession(wire) as card:
        assert card.identity.generation is Generation.UICC_2G
        assert len(read_accounts(card).accounts) == 1
    assert wire.resets == 1


@pytest.mark.parametrize(
    "answer",
    [
        "000000003F0001000000000009810204040083 8A838A 9000",
        "000000102FE204000CFF0001020000 9000",
        "9404",
        "9F0F",
    ],
    ids=["a directory", "a file", "not found", "an announcement"],
)
def test_answers_of_class_a0_to_class_00_make_no_uicc(answer: str) -> None:
    def twist(command: bytes, real: bytes) -> bytes:
        return bytes.fromhex("6F00" if command[1] == 0xC0 else answer) if command[0] == 0x00 else real

    wire = tap(*SIM, twist=twist)
    with CardSession(wire) as card:
        assert card.identity.generation is Generation.SIM
        assert len(read_accounts(card).accounts) == 1
    assert wire.resets == 1


@pytest.mark.parametrize(("sw", "resets"), [("6E00", 1), ("6D00", 1), ("6F00", 1), ("6881", 1)])
def test_a_card_that_takes_neither_class_could_not_be_read(sw: str, resets: int) -> None:
    wire = tap(twist=lambda _command, _answer: bytes.fromhex(sw))
    with CardSession(wire) as card:
        with pytest.raises(CardReadError, match=rf"neither class 00 nor class A0: .*{sw}.*; .*{sw}"):
            _ = card.identity
        assert (wire.resets, len(wire.commands) < 6) == (resets, True)
        with pytest.raises(CardReadError):
            _ = card.provisioning
        with pytest.raises(CardReadError):
            _ = card.files


@pytest.mark.parametrize("changes", [[], [*SIM]])
def test_a_card_that_refuses_its_number_could_not_be_read(changes: list[Change]) -> None:
    wire = tap(*changes, CLOSED_NUMBER)
    with CardSession(wire) as card, pytest.raises(CardReadError, match="2FE2"):
        _ = card.identity
    assert wire.resets == 0


def test_a_card_that_loses_its_number_after_a_reset_could_not_be_read() -> None:
    def twist(command: bytes, answer: bytes) -> bytes:
        if command[0] == 0x00:
            return b"\x6e\x00"
        return b"\x69\x82" if command[1] == 0xB0 else answer

    with session(EITHER, twist=twist) as card, pytest.raises(CardReadError, match="2FE2"):
        _ = card.identity


@pytest.mark.parametrize("changes", [[], [*SIM], [*RUIM], [*UICC_AS_SIM]])
def test_a_card_without_a_number_has_an_empty_one(changes: list[Change]) -> None:
    with session(*changes, NO_NUMBER) as card:
        assert card.identity.iccid == ""
        assert len(read_accounts(card).accounts) == 1


def test_a_card_without_a_master_file_is_read_as_far_as_it_goes() -> None:
    def twist(command: bytes, answer: bytes) -> bytes:
        return b"\x94\x04" if command[5:7] == b"\x3f\x00" else answer

    with session(*SIM, twist=twist) as card:
        assert (card.identity.iccid, card.identity.generation) == ("", Generation.SIM)


def test_an_answer_to_reset_that_is_none_is_no_hint() -> None:
    class OddAtr(Tap):
        @property
        def atr(self) -> bytes:
            return b"\x3b"

    with CardSession(OddAtr(tap(*SIM))) as card:
        assert card.identity.generation is Generation.SIM


def test_a_reset_that_fails_is_a_lost_connection() -> None:
    class NoReset(Tap):
        def reset(self) -> bytes:
            raise ReaderError("the reader is gone")

    wire = NoReset(tap(*SIM, twist=class_00_answers("6F00")))
    with CardSession(wire) as card, pytest.raises(CardConnectionError, match="the reader is gone"):
        _ = card.identity


@pytest.mark.parametrize("changes", [[*SIM], [*RUIM], [*UICC_AS_SIM]])
def test_a_card_removed_at_any_command_is_a_lost_connection_and_nothing_else(changes: list[Change]) -> None:
    whole = tap(*changes)
    with CardSession(whole) as card:
        read_accounts(card)
    for at in range(len(whole.commands)):
        with pytest.raises(CardConnectionError), CardSession(tap(*changes, removed_at=at)) as card:
            read_accounts(card)
