"""One behaviour, whatever the generation of the card and however it is run."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.card.session import CardSession
from smartcard_dm.credentials import read_accounts, read_credentials
from smartcard_dm.errors import (
    CardConnectionError,
    CardNotFoundError,
    CardReadError,
    PinBlockedError,
    PinError,
    PinRequiredError,
)
from smartcard_dm.identity import Generation
from smartcard_dm.secret import Secret
from tests.conformance.profiles import FILES, FIXTURES, ICCIDS
from tests.conformance.ways import in_process

if TYPE_CHECKING:
    from smartcard_dm.dm import DmAccount
    from tests.card.cards import Tap
    from tests.conformance.conftest import Bench

PIN = Secret(b"1234")
WRONG_PIN = Secret(b"9753")

DETECTED = {
    Generation.UICC: "it takes commands of class 00",
    Generation.UICC_2G: "its answer to reset is that of a UICC and it has EF.DIR",
    Generation.SIM: "it has DF GSM (7F20) and no DF CDMA (7F25)",
    Generation.RUIM: "it has DF CDMA (7F25)",
}
WAY_TO_APPLICATION = {
    Generation.UICC: "AID on logical channel 1",
    Generation.UICC_2G: "path in EF.DIR",
    Generation.SIM: "path 3F00/7F50",
    Generation.RUIM: "path in EF.DIR",
}
TO_KNOW = {Generation.UICC: 2, Generation.UICC_2G: 6, Generation.SIM: 8, Generation.RUIM: 6}
"""Commands until generation and number are known."""
TO_READ = {Generation.UICC: 18, Generation.UICC_2G: 31, Generation.SIM: 29, Generation.RUIM: 29}
"""Commands of a cold reading of the accounts."""
AFTER_RESET = {Generation.UICC: 6, Generation.UICC_2G: 8, Generation.SIM: 8, Generation.RUIM: 8}
"""Commands after a reset, when nothing changed."""


@cache
def expected() -> tuple[tuple[DmAccount, ...], tuple[bytes, ...]]:
    """Return the accounts and anchors that every card of the suite holds."""
    with in_process(FIXTURES / "cards" / FILES[Generation.UICC]) as connection, CardSession(connection) as card:
        found = read_credentials(card)
    return found.accounts, tuple(anchor.der for anchor in found.anchors)


def tries(wire: Tap) -> int:
    """Return how many commands presented a PIN."""
    return len(wire.presented)


def test_every_card_holds_the_same_accounts_and_anchors(bench: Bench) -> None:
    with bench.session() as (card, _):
        found = read_credentials(card)
    assert (found.accounts, tuple(anchor.der for anchor in found.anchors)) == expected()
    assert [str(account.server_id) for account in found.accounts] == ["com.example.dms", "com.example.backup"]
    assert found.warnings == ()


def test_the_card_is_known_and_the_knowledge_explained(bench: Bench) -> None:
    with bench.session() as (card, wire):
        assert (card.identity.iccid, card.identity.generation) == (ICCIDS[bench.generation], bench.generation)
        assert card.identity.atr == wire.atr.hex().upper()
        assert card.detection.endswith(DETECTED[bench.generation])
        assert len(wire.commands) == TO_KNOW[bench.generation]
        assert wire.resets == 0


def test_the_application_is_found_by_the_same_rung(bench: Bench) -> None:
    with bench.session() as (card, _):
        assert card.provisioning.way == WAY_TO_APPLICATION[bench.generation]
        assert card.provisioning.path == "7F50"


def test_a_cold_reading_costs_what_the_answer_needs(bench: Bench) -> None:
    with bench.wire() as wire, CardSession(wire) as card:
        read_accounts(card)
        assert len(wire.commands) == card.apdu_count <= TO_READ[bench.generation]


def test_a_second_reading_costs_nothing(bench: Bench) -> None:
    with bench.session() as (card, wire):
        first = read_accounts(card)
        spent = len(wire.commands)
        assert read_accounts(card) == first
        assert len(wire.commands) == spent


def test_after_a_reset_the_date_stands_in_for_reading_again(bench: Bench) -> None:
    with bench.session() as (card, wire):
        first = read_credentials(card)
        spent = len(wire.commands)
        assert card.refresh()
        assert read_credentials(card) == first
        assert len(wire.commands) == spent + AFTER_RESET[bench.generation]


def test_no_channel_is_left_open(bench: Bench) -> None:
    for change in ("as it is", "private", "closed", "no application"):
        with bench.session(change) as (card, wire):
            for _ in range(2):
                try:
                    read_accounts(card)
                except (CardNotFoundError, CardReadError, PinRequiredError):
                    continue
        assert wire.opened_channels == wire.closed_channels
        assert bool(wire.opened_channels) == (bench.generation is Generation.UICC)


def test_without_a_pin_none_is_presented(bench: Bench) -> None:
    with bench.session("private") as (card, wire):
        with pytest.raises(PinRequiredError, match=r"7F50/6431 is behind (PIN 01|CHV1)"):
            read_accounts(card)
        assert tries(wire) == 0


def test_a_pin_that_nothing_asks_for_is_not_presented(bench: Bench) -> None:
    with bench.session(pin=PIN) as (card, wire):
        read_accounts(card)
        assert tries(wire) == 0


def test_the_right_pin_opens_the_accounts_with_one_presentation(bench: Bench) -> None:
    with bench.session("private", pin=PIN) as (card, wire):
        assert read_accounts(card).accounts == expected()[0]
        assert tries(wire) == 1


def test_a_wrong_pin_costs_one_try_and_is_not_sent_twice(bench: Bench) -> None:
    with bench.session("private", pin=WRONG_PIN) as (card, wire):
        for _ in range(3):
            with pytest.raises(PinError) as caught:
                read_accounts(card)
            assert caught.value.attempts_remaining == 2
        assert tries(wire) == 1
        card.refresh()
        with pytest.raises(PinError):
            read_accounts(card)
        assert tries(wire) == 1


def test_the_last_try_needs_consent(bench: Bench) -> None:
    with bench.session("private, one try", pin=PIN) as (card, wire):
        with pytest.raises(PinBlockedError, match="one try left"):
            read_accounts(card)
        assert tries(wire) == 0
    with bench.session("private, one try", pin=PIN, use_last_try=True) as (card, wire):
        assert read_accounts(card).accounts == expected()[0]
        assert tries(wire) == 1


def test_what_a_pin_opened_does_not_outlive_a_reset(bench: Bench) -> None:
    with bench.session("private", pin=PIN) as (card, wire):
        assert len(read_accounts(card).accounts) == 2
        assert card.refresh()
        assert tries(wire) == 1
        assert len(read_accounts(card).accounts) == 2
        assert tries(wire) == 2


def test_a_card_without_the_application_says_not_there(bench: Bench) -> None:
    with bench.session("no application") as (card, _), pytest.raises(CardNotFoundError, match="no PKCS#15 application"):
        read_accounts(card)


@pytest.mark.parametrize("change", ["closed", "missing file"])
def test_what_is_there_and_closed_could_not_be_read(bench: Bench, change: str) -> None:
    with bench.session(change, pin=PIN) as (card, wire):
        with pytest.raises(CardReadError):
            read_accounts(card)
        assert tries(wire) == 0


def test_a_card_that_leaves_is_a_lost_connection(bench: Bench) -> None:
    if not bench.way.faults:
        return
    with bench.session("removed") as (card, _), pytest.raises(CardConnectionError):
        read_accounts(card)
