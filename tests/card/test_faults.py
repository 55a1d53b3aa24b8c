"""Whatever goes wrong between terminal and card: the right answer or the right error, and nothing lost by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from smartcard_dm.card.session import CardSession
from smartcard_dm.credentials import read_accounts
from smartcard_dm.errors import (
    ApduError,
    CardConnectionError,
    CardError,
    CardNotFoundError,
    CardReadError,
    PinRequiredError,
)
from smartcard_dm.identity import Generation
from tests.card.cards import (
    FIXTURES,
    ICCID,
    NO_DIR,
    PIN,
    PRIVATE_BOOTSTRAP,
    RUIM,
    SIM,
    T0,
    UICC_AS_SIM,
    Change,
    Tap,
    profile,
    profile_text,
    tap,
)
from vendor_pcsc.virtual import connect

if TYPE_CHECKING:
    from pathlib import Path

KINDS: dict[str, list[Change]] = {
    "uicc": [],
    "uicc, T=0": [T0],
    "sim": [*SIM],
    "ruim": [*RUIM],
    "uicc-2g": [*UICC_AS_SIM],
    "either": [("generation: uicc", "generation: uicc-2g")],
    "sim without EF.DIR": [*SIM, NO_DIR],
}


def faulty(faults: str, *changes: Change, base: Path = FIXTURES) -> Tap:
    return Tap(connect(profile(*changes, ("name: small", f"name: small\nfaults: {{{faults}}}"), base=base)))


def cost(*changes: Change) -> int:
    wire = tap(*changes)
    with CardSession(wire) as card:
        read_accounts(card)
        return len(wire.commands)


@pytest.mark.parametrize("changes", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("sw", ["6F00", "6982", "9804", "9840", "6881", "6E00", "9240", "9300", "6700", "6581", "6200"])
def test_one_wrong_answer_is_never_taken_for_nothing_there(changes: list[Change], sw: str) -> None:
    expected = ["com.example.dms"]
    for number in range(1, cost(*changes) + 1):
        wire = faulty(f"wrong_sw_at: {{apdu: {number}, sw: {sw}}}", *changes)
        with CardSession(wire, pin=PIN) as card:
            try:
                assert [str(account.server_id) for account in read_accounts(card).accounts] == expected, number
            except CardNotFoundError:
                raise
            except (CardError, ApduError):
                pass
        assert wire.presented == [], number
        assert wire.opened_channels - wire.closed_channels <= 1, "one whose opening was answered wrongly"
        assert len(wire.commands) < 60


@pytest.mark.parametrize("changes", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("storm", ["storm_61", "storm_6c"])
@pytest.mark.parametrize("start", [1, 2, 5, 10])
def test_a_storm_ends(changes: list[Change], storm: str, start: int) -> None:
    wire = faulty(f"{storm}: {start}", *changes)
    with CardSession(wire) as card, pytest.raises(CardReadError):
        read_accounts(card)
    assert len(wire.commands) < 1200


@pytest.mark.parametrize("changes", KINDS.values(), ids=KINDS)
def test_short_reads_and_a_refused_channel_change_nothing(changes: list[Change]) -> None:
    for faults in ("short_reads: 7", "channel_refused: true", "delay_ms: 1"):
        wire = faulty(faults, *changes)
        with CardSession(wire) as card:
            assert len(read_accounts(card).accounts) == 1
        assert wire.closed


@pytest.mark.parametrize("changes", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("fault", ["remove_at", "reader_gone_at"])
def test_a_card_or_reader_that_goes_is_a_lost_connection(changes: list[Change], fault: str) -> None:
    for number in range(1, cost(*changes) + 1):
        with CardSession(faulty(f"{fault}: {number}", *changes)) as card:
            for _ in range(2):
                with pytest.raises(CardConnectionError):
                    read_accounts(card)


def test_a_card_swapped_while_it_is_read_gets_no_pin_and_is_another_card(tmp_path: Path) -> None:
    other = profile_text(*SIM, PRIVATE_BOOTSTRAP, (ICCID, "8988211000000430093"))
    (tmp_path / "other.yaml").write_text(other, "utf-8")
    wire = faulty("swap_at: {apdu: 8, profile: other.yaml}", PRIVATE_BOOTSTRAP, base=tmp_path)
    with CardSession(wire, pin=PIN) as card:
        first = card.identity
        for _ in range(2):
            with pytest.raises(CardConnectionError):
                read_accounts(card)
        assert not card.refresh()
        assert (card.identity.generation, card.identity.iccid) == (Generation.SIM, "8988211000000430093")
        assert card.identity != first
        with pytest.raises(PinRequiredError):
            read_accounts(card)
    assert wire.presented == []
