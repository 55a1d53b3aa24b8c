"""A recorded reading of a card yields the same accounts again, without its PIN."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from smartcard_dm.card.session import CardSession
from smartcard_dm.credentials import read_accounts, read_credentials
from smartcard_dm.errors import CardConnectionError, PinError, PinRequiredError
from smartcard_dm.secret import Secret
from tests.card.cards import PRIVATE_BOOTSTRAP, T0, Change, quirks, usim
from tests.record.cards import PIN_DIGITS, PKCS15, uicc
from vendor_pcsc.record import Recorder, Redact, ReplayConnection, ReplayMode, format_transcript, parse_transcript
from vendor_pcsc.virtual import VirtualCard, VirtualConnection

PIN = Secret(PIN_DIGITS.encode())
WRONG_PIN = Secret(b"55667788")
MODES = pytest.mark.parametrize("mode", ReplayMode)
CARDS: dict[str, tuple[Change, ...]] = {
    "t1": (),
    "t0": (T0,),
    "paths refused": (quirks("path_select: not_supported"),),
    "application refused": (quirks("aid_select: not_supported"),),
}


@MODES
def test_a_reading_without_pin_replays_to_the_same_credentials(mode: ReplayMode) -> None:
    recorder = Recorder(VirtualConnection(VirtualCard(usim())))
    with CardSession(recorder) as card:
        wanted = read_credentials(card)
    replayed = ReplayConnection(parse_transcript(format_transcript(recorder.transcript)), mode=mode)
    with CardSession(replayed) as again:
        assert read_credentials(again) == wanted
        assert (again.apdu_count, again.bytes_read) == (card.apdu_count - 1, card.bytes_read)
    assert again.apdu_count == card.apdu_count == len(recorder.transcript.exchanges)
    assert replayed.remaining == 0
    assert len(wanted.accounts) == 2


@MODES
@pytest.mark.parametrize("changes", CARDS.values(), ids=CARDS)
def test_a_reading_with_pin_replays_when_the_file_is_named_as_public(
    changes: tuple[Change, ...], mode: ReplayMode
) -> None:
    recorder = Recorder(uicc(PRIVATE_BOOTSTRAP, *changes), public=[f"{PKCS15}/6431", "7F50/6431"])
    with CardSession(recorder, pin=PIN) as card:
        wanted = read_accounts(card)
    replayed = ReplayConnection(parse_transcript(format_transcript(recorder.transcript)), mode=mode)
    with CardSession(replayed, pin=PIN) as again:
        assert read_accounts(again) == wanted
    assert again.apdu_count == card.apdu_count
    assert replayed.remaining == 0
    assert len(wanted.accounts) == 1


@MODES
def test_a_reading_with_pin_of_a_test_card_replays(mode: ReplayMode) -> None:
    recorder = Recorder(uicc(PRIVATE_BOOTSTRAP), redact=Redact.PINS)
    with CardSession(recorder, pin=PIN) as card:
        wanted = read_accounts(card)
    with CardSession(ReplayConnection(recorder.transcript, mode=mode), pin=PIN) as again:
        assert read_accounts(again) == wanted


@pytest.mark.parametrize("redact", Redact)
@pytest.mark.parametrize("pin", [PIN, WRONG_PIN])
@pytest.mark.parametrize("changes", CARDS.values(), ids=CARDS)
def test_the_pin_is_nowhere_in_a_transcript(changes: tuple[Change, ...], pin: Secret, redact: Redact) -> None:
    recorder = Recorder(uicc(PRIVATE_BOOTSTRAP, *changes), redact=redact, clock=iter(range(1000)).__next__)
    with CardSession(recorder, pin=pin) as card, nullcontext() if pin is PIN else pytest.raises(PinError):
        read_accounts(card)
    text = format_transcript(recorder.transcript)
    digits = pin.reveal().decode()
    swapped = "".join(second + first for first, second in zip(digits[::2], digits[1::2], strict=True))
    assert '"command_masked": 8' in text
    for form in (digits, digits.encode().hex().upper(), digits[::-1], swapped, f"2{len(digits)}{digits}"):
        assert form not in text
        assert form not in repr(recorder.transcript)


def test_a_masked_answer_is_never_made_up() -> None:
    recorder = Recorder(uicc(PRIVATE_BOOTSTRAP))
    with CardSession(recorder, pin=PIN) as card:
        assert read_accounts(card).accounts
    with (
        CardSession(ReplayConnection(recorder.transcript), pin=PIN) as again,
        pytest.raises(CardConnectionError, match=r"line \d+: the answer to READ BINARY 01B00000 of 5 octets is masked"),
    ):
        read_accounts(again)


def test_secrets_of_the_accounts_stay_out_when_no_content_is_kept() -> None:
    recorder = Recorder(VirtualConnection(VirtualCard(usim())), redact=Redact.ALL_CONTENT)
    with CardSession(recorder) as card:
        assert read_accounts(card).accounts
    text = format_transcript(recorder.transcript)
    for secret in (b"a shared secret of 32 octets, ok", b"a device password"):
        assert secret.hex().upper() not in text
    assert "data_masked" in text


def test_a_pin_that_was_not_recorded_is_not_asked_for() -> None:
    recorder = Recorder(uicc(PRIVATE_BOOTSTRAP))
    with CardSession(recorder) as card, pytest.raises(PinRequiredError):
        read_accounts(card)
    with CardSession(ReplayConnection(recorder.transcript)) as again, pytest.raises(PinRequiredError):
        read_accounts(again)
