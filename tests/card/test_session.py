"""A session: who the card is, and how it is left."""

from __future__ import annotations

import pytest

from smartcard_dm.card.session import CardSession
from smartcard_dm.credentials import read_accounts
from smartcard_dm.errors import ApduError, CardConnectionError, CardReadError
from smartcard_dm.identity import Generation
from tests.card.cards import ATR, ICCID, NO_DIR, Change, Tap, bootstrap_content, session, tap
from vendor_pcsc.errors import CardRemovedError, ReaderError


class BadLeave(Tap):
    """A connection that cannot be left in order."""

    def close(self) -> None:
        super().close()
        raise ReaderError("the reader is gone")


class NoAtr(Tap):
    """A connection that lost its card before the answer to reset was asked for."""

    @property
    def atr(self) -> bytes:
        raise CardRemovedError("the card was removed")


class OddAtr(Tap):
    """A card whose answer to reset is none."""

    @property
    def atr(self) -> bytes:
        return b"\x3b"


def bad_leave(*changes: Change) -> BadLeave:
    return BadLeave(tap(*changes))


def test_the_identity_tells_number_generation_and_answer_to_reset() -> None:
    with session() as card:
        assert (card.identity.iccid, card.identity.generation, card.identity.atr) == (ICCID, Generation.UICC, ATR)


@pytest.mark.parametrize(
    "change",
    [
        ("ef: 2FE2,", "ef: 2FE3,"),
        (f'{{iccid: "{ICCID}"}}', "{hex: FFFFFFFFFFFFFFFFFFFF}"),
        (f'{{iccid: "{ICCID}"}}', "{hex: 'ABCDEF'}"),
        (f'{{iccid: "{ICCID}"}}', "{empty: }"),
    ],
    ids=["no file", "never written", "something else", "empty"],
)
def test_a_card_without_a_number_has_an_empty_one(change: Change) -> None:
    with session(change) as card:
        assert card.identity.iccid == ""


def test_a_garbled_answer_is_not_a_card_without_a_number() -> None:
    with (
        session(twist=lambda command, answer: b"\x90" if command[1] == 0xB0 else answer) as card,
        pytest.raises(ApduError),
    ):
        _ = card.identity


def test_leaving_twice_is_allowed() -> None:
    wire = tap()
    with CardSession(wire) as card:
        read_accounts(card)
        card.close()
    card.close()
    assert wire.closed_channels == 1


def test_leaving_in_disorder_is_told() -> None:
    with pytest.raises(CardConnectionError, match="the reader is gone"), CardSession(bad_leave()) as card:
        read_accounts(card)


def test_leaving_in_disorder_does_not_hide_the_first_error() -> None:
    wire = bad_leave(bootstrap_content("{hex: '42'}"), ("ef: 6430", "ef: 6439"))
    with pytest.raises(CardReadError) as caught, CardSession(wire) as card:
        read_accounts(card)
    assert caught.value.__notes__ == ["leaving the card failed too: the reader is gone"]
    assert wire.closed


def test_a_card_that_is_gone_does_not_hide_the_first_error() -> None:
    wire = tap()
    first = CardReadError("the first error")

    def read_and_lose(card: CardSession) -> None:
        read_accounts(card)
        wire._removed_at = 0
        raise first

    with pytest.raises(CardReadError) as caught, CardSession(wire) as card:
        read_and_lose(card)
    assert caught.value is first
    assert wire.closed


@pytest.mark.parametrize("answer", [b"\x68\x81", b"\x6f\x00", b"\x90", b"", b"\x61\x01"])
def test_whatever_a_card_answers_to_closing_a_channel_the_card_is_left(answer: bytes) -> None:
    def twist(command: bytes, real: bytes) -> bytes:
        return answer if (command[1] == 0x70 and command[2] == 0x80) or command[1] == 0xC0 else real

    wire = tap(twist=twist)
    with CardSession(wire) as card:
        assert len(read_accounts(card).accounts) == 1
    assert wire.closed
    assert wire.closed_channels == 1


def test_a_lost_answer_to_reset_is_a_lost_connection() -> None:
    with pytest.raises(CardConnectionError, match="removed"):
        CardSession(NoAtr(tap()))


def test_an_odd_answer_to_reset_makes_no_error() -> None:
    with CardSession(OddAtr(tap(NO_DIR))) as card:
        assert len(read_accounts(card).accounts) == 1
        assert card.identity.atr == "3B"
