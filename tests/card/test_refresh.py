"""After a reset: what may stand in for reading again, and what never does."""

from __future__ import annotations

import pytest

from smartcard_dm.card.session import CardSession
from smartcard_dm.credentials import read_accounts, read_credentials
from smartcard_dm.errors import CardConnectionError, PinError, PinRequiredError
from smartcard_dm.identity import Generation
from tests.card.cards import (
    PIN,
    PRIVATE_BOOTSTRAP,
    RUIM,
    SIM,
    UICC_AS_SIM,
    WRONG_PIN,
    Change,
    Tap,
    bootstrap_content,
    dm_file,
    dm_object,
    dodf,
    inside,
    profile,
    quirks,
    tap,
)
from vendor_pcsc.virtual import VirtualCard, VirtualConnection

INFO = "ef: 5032, access: public, content: {token_info: {serial: '01', last_update: 20260101000000Z}}"
STAMPED = inside(INFO)
UNDATED = inside(INFO.replace(", last_update: 20260101000000Z", ""))
RED_LIGHT = inside(INFO.replace("public", "closed"))
LATER = inside(INFO.replace("20260101", "20260102"))
BROKEN = inside("ef: 5032, access: public, content: {hex: 3082}")
OTHER_NUMBER: Change = ('iccid: "8988211000000430010"', 'iccid: "8988211000000430099"')
NO_NUMBER: Change = ("ef: 2FE2", "ef: 2FE3")
OTHER_ATR: Change = ("3B9F96811FC78031E073FE2113444D4C4142303031C9", "3B1794444D2053494D31")
SERVER = bootstrap_content(
    "{dm_bootstrap: {accounts: [{server_id: com.example.new, addresses: [{addr: 'https://new.example.com'}]}]}}"
)


class Reader(Tap):
    """A reader whose card can be changed; the other one answers after the next reset."""

    def __init__(self, *changes: Change) -> None:
        super().__init__(VirtualConnection(VirtualCard(profile(*changes))))

    def insert(self, *changes: Change) -> None:
        self._connection = VirtualConnection(VirtualCard(profile(*changes)))
        self.commands.clear()


def server_ids(card: CardSession) -> list[str]:
    return [str(account.server_id) for account in read_accounts(card).accounts]


def generation(card: CardSession) -> Generation:
    return card.identity.generation


@pytest.mark.parametrize(
    ("changes", "cost"),
    [
        ([], 6),
        ([quirks("aid_select: not_supported")], 4),
        ([*SIM], 8),
        ([*RUIM], 8),
        ([*UICC_AS_SIM], 8),
    ],
    ids=["uicc", "uicc by path", "sim", "ruim", "uicc-2g"],
)
def test_an_unchanged_card_costs_number_application_and_token_info(changes: list[Change], cost: int) -> None:
    wire = tap(*changes, STAMPED)
    with CardSession(wire, refreshable=True) as card:
        first = read_credentials(card)
        detection = card.detection
        for _ in range(2):
            wire.commands.clear()
            assert card.refresh()
            assert len(wire.commands) == cost
            assert read_credentials(card) == first
            assert (len(wire.commands), card.detection) == (cost, detection)
    assert wire.resets == 2


def test_token_info_costs_two_commands_with_the_application() -> None:
    counts = []
    for refreshable in (False, True):
        with CardSession(tap(STAMPED), refreshable=refreshable) as card:
            read_accounts(card)
            counts.append(card.apdu_count)
    assert counts[1] == counts[0] + 2


def test_a_session_that_did_not_look_at_token_info_reads_again_and_looks_then() -> None:
    wire = tap(STAMPED)
    with CardSession(wire) as card:
        first = read_accounts(card)
        cold = len(wire.commands)
        assert not card.refresh()
        assert read_accounts(card) == first
        assert len(wire.commands) == 2 * cold + 2
        wire.commands.clear()
        assert card.refresh()
        assert read_accounts(card) == first
        assert len(wire.commands) == 6


def test_token_info_that_was_read_for_another_reason_counts() -> None:
    with CardSession(tap(STAMPED)) as card:
        read_accounts(card)
        assert card.provisioning.token_info.last_update == "20260101000000Z"
        assert card.refresh()


@pytest.mark.parametrize(
    "changes",
    [[], [UNDATED], [RED_LIGHT], [BROKEN]],
    ids=["no TokenInfo", "no date", "closed", "malformed"],
)
def test_without_a_date_everything_is_read_again(changes: list[Change]) -> None:
    wire = tap(*changes)
    with CardSession(wire, refreshable=True) as card:
        first = read_accounts(card)
        wire.commands.clear()
        assert not card.refresh()
        assert read_accounts(card) == first
        assert any(command[1] == 0xB0 and len(command) == 5 for command in wire.commands)
    assert wire.opened_channels == wire.closed_channels


def test_a_later_date_means_reading_again() -> None:
    wire = Reader(STAMPED)
    with CardSession(wire, refreshable=True) as card:
        assert server_ids(card) == ["com.example.dms"]
        wire.insert(LATER, SERVER)
        assert not card.refresh()
        assert server_ids(card) == ["com.example.new"]
        assert wire.opened_channels == wire.closed_channels + 1
        assert card.refresh()
    assert wire.opened_channels - wire.closed_channels == 1, "a reset closes a channel too"


def test_the_same_date_means_that_nothing_is_read_again() -> None:
    wire = Reader(STAMPED)
    with CardSession(wire, refreshable=True) as card:
        server_ids(card)
        wire.insert(STAMPED, SERVER)
        assert card.refresh()
        assert server_ids(card) == ["com.example.dms"]


@pytest.mark.parametrize(
    "other",
    [[OTHER_NUMBER], [OTHER_ATR], [NO_NUMBER], [("ef: 2FE2, access: public", "ef: 2FE2, access: closed")]],
    ids=["another number", "another answer to reset", "no number", "a closed number"],
)
def test_another_card_is_read_whole_and_gets_no_pin(other: list[Change]) -> None:
    wire = Reader(STAMPED, PRIVATE_BOOTSTRAP)
    with CardSession(wire, pin=PIN, refreshable=True) as card:
        assert server_ids(card) == ["com.example.dms"]
        wire.insert(STAMPED, SERVER, PRIVATE_BOOTSTRAP, *other)
        assert not card.refresh()
        assert wire.presented == []
        if "closed" not in str(other):
            with pytest.raises(PinRequiredError):
                server_ids(card)
    assert wire.presented == []


def test_a_card_of_another_kind_is_detected_anew() -> None:
    wire = Reader(STAMPED)
    with CardSession(wire, refreshable=True) as card:
        assert generation(card) is Generation.UICC
        wire.insert(*SIM, STAMPED)
        assert not card.refresh()
        assert generation(card) is Generation.SIM
        assert server_ids(card) == ["com.example.dms"]
        wire.insert(STAMPED)
        assert not card.refresh()
        assert generation(card) is Generation.UICC


def test_two_cards_without_a_number_are_never_the_same() -> None:
    with CardSession(tap(STAMPED, NO_NUMBER), refreshable=True) as card:
        server_ids(card)
        assert not card.refresh()


def test_what_a_pin_opened_is_read_again_with_the_pin() -> None:
    wire = tap(STAMPED, PRIVATE_BOOTSTRAP)
    with CardSession(wire, pin=PIN, refreshable=True) as card:
        assert server_ids(card) == ["com.example.dms"]
        wire.commands.clear()
        assert card.refresh()
        assert wire.presented == []
        assert server_ids(card) == ["com.example.dms"]
        assert len(wire.presented) == 1


def test_an_object_that_says_private_is_read_again_even_if_it_is_open() -> None:
    objects = dodf(dm_object("6431", ", private: true"), dm_object("6432"))
    wire = tap(inside(INFO, dm_file("6432", "com.example.open")), objects)
    with CardSession(wire, refreshable=True) as card:
        assert len(server_ids(card)) == 2
        assert card.refresh()
        wire.commands.clear()
        assert len(server_ids(card)) == 2
        assert [command[-3:-1] for command in wire.commands if command[1] == 0xA4] == [b"\x64\x31"]


def test_an_application_that_a_pin_opened_is_found_anew() -> None:
    wire = tap(STAMPED, ("ef: 5031, access: public", "ef: 5031, access: private"))
    with CardSession(wire, pin=PIN, refreshable=True) as card:
        assert len(server_ids(card)) == 1
        assert not card.refresh()
        assert len(server_ids(card)) == 1


def test_a_wrong_pin_is_not_sent_again_after_a_reset() -> None:
    wire = tap(STAMPED, PRIVATE_BOOTSTRAP)
    with CardSession(wire, pin=WRONG_PIN, refreshable=True) as card:
        for _ in range(3):
            with pytest.raises(PinError):
                read_accounts(card)
            card.refresh()
    assert len(wire.presented) == 1


def test_nothing_read_is_nothing_to_keep() -> None:
    wire = tap(STAMPED)
    with CardSession(wire) as card:
        assert not card.refresh()
        assert wire.commands == []
        assert card.identity
        assert card.refresh()
        assert len(server_ids(card)) == 1


@pytest.mark.parametrize(
    "gone",
    [
        ("logical_channels: 4", "logical_channels: 1"),
        ("adf: A000000063504B43532D3135\n    df: 7F50", "df: 7F50"),
        ("ef: 5032", "ef: 5033"),
    ],
    ids=["no channel", "no application", "no TokenInfo"],
)
def test_an_application_that_is_not_reached_as_before_is_found_anew(gone: Change) -> None:
    wire = Reader(STAMPED)
    with CardSession(wire, refreshable=True) as card:
        server_ids(card)
        wire.insert(STAMPED, SERVER, gone)
        assert not card.refresh()
        assert server_ids(card) == ["com.example.new"]
    if "channels" not in gone[0]:
        assert wire.opened_channels == wire.closed_channels == 2


def test_a_card_removed_at_any_command_is_a_lost_connection_and_nothing_else() -> None:
    for at in range(6):
        wire = tap(STAMPED)
        with CardSession(wire, refreshable=True) as card:
            server_ids(card)
            wire._removed_at = len(wire.commands) + at
            with pytest.raises(CardConnectionError):
                card.refresh()
            wire._removed_at = None
            assert not card.refresh()
            assert server_ids(card) == ["com.example.dms"]


def test_a_card_that_was_changed_while_it_was_lost_gets_no_pin() -> None:
    wire = Reader(STAMPED, PRIVATE_BOOTSTRAP)
    with CardSession(wire, pin=PIN, refreshable=True) as card:
        assert len(server_ids(card)) == 1
        wire._removed_at = len(wire.commands)
        with pytest.raises(CardConnectionError):
            card.refresh()
        with pytest.raises(CardConnectionError):
            _ = card.identity
        wire._removed_at = None
        wire.insert(STAMPED, PRIVATE_BOOTSTRAP, OTHER_NUMBER)
        with pytest.raises(PinRequiredError):
            server_ids(card)
    assert wire.presented == []


@pytest.mark.parametrize("changes", [[], [*SIM]])
def test_a_number_behind_a_pin_is_not_asked_with_the_pin_of_another_card(changes: list[Change]) -> None:
    wire = Reader(*changes, STAMPED)
    with CardSession(wire, pin=PIN) as card:
        assert len(server_ids(card)) == 1
        wire.insert(*changes, STAMPED, ("ef: 2FE2, access: public", "ef: 2FE2, access: private"))
        assert not card.refresh()
        with pytest.raises(PinRequiredError):
            _ = card.identity
    assert wire.presented == []


def test_the_same_card_that_was_lost_gets_its_pin() -> None:
    wire = Reader(STAMPED, PRIVATE_BOOTSTRAP)
    with CardSession(wire, pin=PIN, refreshable=True) as card:
        assert len(server_ids(card)) == 1
        wire._removed_at = len(wire.commands)
        with pytest.raises(CardConnectionError):
            card.refresh()
        wire._removed_at = None
        assert len(server_ids(card)) == 1
    assert len(wire.presented) == 2


def test_a_card_removed_while_token_info_is_looked_at_is_a_lost_connection() -> None:
    whole = tap(STAMPED)
    with CardSession(whole, refreshable=True) as card:
        _ = card.provisioning
        count = len(whole.commands)
    for at in range(count):
        with pytest.raises(CardConnectionError), CardSession(tap(STAMPED, removed_at=at), refreshable=True) as card:
            _ = card.provisioning
