"""The subscriber's identity, read from every kind of card; why it is not read where it is not."""

from __future__ import annotations

import pytest

from smartcard_dm.card.session import CardSession
from smartcard_dm.card.subscriber import read_imsi
from smartcard_dm.card_uri import open_card
from smartcard_dm.errors import (
    CardConnectionError,
    CardNotFoundError,
    CardReadError,
    PinBlockedError,
    PinError,
    PinRequiredError,
)
from smartcard_dm.iso7816 import encode_imsi, encode_imsi_m
from smartcard_dm.personalise import GENERATORS
from smartcard_dm.secret import Secret
from tests.card.cards import (
    BROKEN_DIR,
    EMPTY_DIR,
    FIXTURES,
    NO_DIR,
    PIN,
    RUIM,
    SIM,
    WRONG_PIN,
    Change,
    Tap,
    Twist,
    dir_records,
    session,
    template,
)
from vendor_pcsc.virtual import VirtualCard, VirtualConnection, load_profile

IMSI = b"001010123456789"
CARDS = ("ruim", "sim", "uicc-2g", "usim")
USIM_AID = "A0000000871002FFFFFFFF8907090000"
CSIM_AID = "A0000003431002FFFFFFFF8907090000"
WITHOUT_GSM: Change = ("{ef: 6F07, access: private", "{ef: 6F22, access: private")


def application(aid: str, file: str) -> tuple[Change, ...]:
    """The small card has an application in EF.DIR, with one file."""
    adf = f"  - adf: {aid}\n    pin: pin1\n    files:\n      - {{{file}}}"
    return (dir_records(template(f"aid: {aid}, label: SUBSCRIBER")), ("  # beside", f"{adf}\n  # beside"))


def usim_file(octets: bytes, access: str = "private") -> tuple[Change, ...]:
    return application(USIM_AID, f'ef: 6F07, access: {access}, content: {{hex: "{octets.hex()}"}}')


def gsm_file(octets: bytes) -> tuple[Change, ...]:
    return (*SIM, ('content: {imsi: "001010123456789"}', f'content: {{hex: "{octets.hex()}"}}'))


def read(*changes: Change, pin: Secret | None = PIN, twist: Twist | None = None, use_last_try: bool = False) -> bytes:
    with session(*changes, pin=pin, twist=twist, use_last_try=use_last_try) as card:
        return read_imsi(card).reveal()


@pytest.mark.parametrize("name", CARDS)
def test_every_card_of_the_fixtures_gives_it_behind_its_pin(name: str) -> None:
    profile = load_profile(FIXTURES / "cards" / f"{name}.yaml", generators=GENERATORS)
    with CardSession(VirtualConnection(VirtualCard(profile)), pin=Secret(b"1234")) as card:
        imsi = read_imsi(card)
    assert imsi == Secret(IMSI)
    assert "0010" not in f"{imsi!r} {imsi}"


@pytest.mark.parametrize("name", CARDS)
def test_without_a_pin_none_gives_it(name: str) -> None:
    with open_card(f"profile:{FIXTURES / 'cards' / f'{name}.yaml'}") as card, pytest.raises(PinRequiredError):
        read_imsi(card)


def test_a_card_without_a_subscriber_has_none() -> None:
    uri = f"profile:{FIXTURES / 'cards' / 'cp.yaml'}"
    with open_card(uri) as card, pytest.raises(CardNotFoundError) as caught:
        read_imsi(card)
    assert "neither a USIM nor a CSIM" in str(caught.value)


def test_a_usim_is_asked_by_its_application() -> None:
    octets = encode_imsi("20408012345678")
    assert read(*usim_file(octets)) == b"20408012345678"
    assert read(*usim_file(octets, "public"), pin=None) == b"20408012345678"


def test_a_uicc_without_a_usim_gives_that_of_its_csim() -> None:
    octets = encode_imsi_m("310000123456789")
    file = f'ef: 6F22, access: private, content: {{hex: "{octets.hex()}"}}'
    assert read(*application(CSIM_AID, file)) == b"310000123456789"


def test_a_ruim_without_df_gsm_gives_imsi_m() -> None:
    octets = encode_imsi_m("310000123456789")
    content: Change = ('content: {imsi: "001010123456789"}', f'content: {{hex: "{octets.hex()}"}}')
    assert read(*RUIM, WITHOUT_GSM, content) == b"310000123456789"


def test_a_ruim_whose_df_gsm_has_no_imsi_gives_imsi_m() -> None:
    octets = encode_imsi_m("310000123456789").hex()
    cdma = f'  - df: 7F25\n    files:\n      - {{ef: 6F22, access: private, content: {{hex: "{octets}"}}}}'
    changes = (
        *SIM,
        ("generation: sim", "generation: ruim"),
        ("{ef: 6F07, access: private", "{ef: 6F08, access: private"),
    )
    assert read(*changes, ("  # beside", f"{cdma}\n  # beside")) == b"310000123456789"


def test_a_ruim_that_has_both_gives_what_a_gsm_network_knows() -> None:
    octets = encode_imsi_m("310000123456789").hex()
    cdma = f'  - df: 7F25\n    files:\n      - {{ef: 6F22, access: private, content: {{hex: "{octets}"}}}}'
    changes = (*SIM, ("generation: sim", "generation: ruim"), ("  # beside", f"{cdma}\n  # beside"))
    assert read(*changes) == IMSI


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ((NO_DIR,), "2F00 is not on this card"),
        ((EMPTY_DIR,), "neither a USIM nor a CSIM"),
        ((), "neither a USIM nor a CSIM"),
        (application(USIM_AID, "ef: 6F08, access: public, content: {hex: 00}"), "6F07 is not on this card"),
        ((dir_records(template(f"aid: {USIM_AID}")),), f"application {USIM_AID} is not on this card"),
        ((*SIM, ("{ef: 6F07, access: private", "{ef: 6F08, access: private")), "7F20/6F07 is not on this card"),
        ((*SIM, ("df: 7F20", "df: 7F21")), "7F20/6F07 is not on this card"),
        ((*RUIM,), "7F25/6F22 is not on this card"),
    ],
)
def test_not_there(changes: tuple[Change, ...], says: str) -> None:
    with pytest.raises(CardNotFoundError) as caught:
        read(*changes)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ((BROKEN_DIR,), "the applications of the card could not be read"),
        (usim_file(b"\xff" * 9), "6F07 holds no IMSI: EF.IMSI, length octet"),
        (usim_file(encode_imsi("001010123456789")[:8]), "6F07 holds no IMSI: EF.IMSI, length"),
        (gsm_file(b"\xff" * 9), "7F20/6F07 holds no IMSI: EF.IMSI, length octet"),
        (gsm_file(bytes.fromhex("08A910101032547698")), "holds no IMSI: EF.IMSI, digits"),
        ((*RUIM, WITHOUT_GSM), "7F25/6F22 holds no IMSI: EF.IMSI_M, length"),
        (usim_file(encode_imsi("001010123456789"), "issuer"), "no PIN of the cardholder opens it"),
        (usim_file(encode_imsi("001010123456789"), "closed"), "no PIN of the cardholder opens it"),
    ],
)
def test_could_not_be_read(changes: tuple[Change, ...], says: str) -> None:
    with pytest.raises(CardReadError) as caught:
        read(*changes)
    assert says in str(caught.value)


def test_a_refusal_of_the_first_file_of_a_ruim_does_not_lead_on_to_the_second() -> None:
    def refuse_imsi(command: bytes, answer: bytes) -> bytes:
        return bytes.fromhex("6F00") if command[:2] == b"\xa0\xa4" and command[5:] == b"\x7f\x20" else answer

    octets = encode_imsi_m("310000123456789").hex()
    content: Change = ('content: {imsi: "001010123456789"}', f'content: {{hex: "{octets}"}}')
    with pytest.raises(CardReadError):
        read(*RUIM, WITHOUT_GSM, content, twist=refuse_imsi)


@pytest.mark.parametrize("changes", [SIM, usim_file(encode_imsi("001010123456789"))])
def test_pins(changes: tuple[Change, ...]) -> None:
    with pytest.raises(PinRequiredError):
        read(*changes, pin=None)
    with pytest.raises(PinError) as caught:
        read(*changes, pin=WRONG_PIN)
    assert caught.value.attempts_remaining == 2
    with pytest.raises(PinBlockedError):
        read(*changes, ("attempts: 3, unblock", "attempts: 1, unblock"))


def test_errors_never_hold_digits_of_the_identity() -> None:
    octets = bytearray(encode_imsi("001010123456789"))
    octets[8] = 0x9A
    with pytest.raises(CardReadError) as caught:
        read(*gsm_file(bytes(octets)))
    assert "101012" not in str(caught.value)


def test_a_card_that_leaves_is_a_lost_connection() -> None:
    whole = Tap(VirtualConnection(VirtualCard(load_profile(FIXTURES / "cards" / "usim.yaml", generators=GENERATORS))))
    with CardSession(whole, pin=Secret(b"1234")) as card:
        read_imsi(card)
    for at in range(len(whole.commands)):
        profile = load_profile(FIXTURES / "cards" / "usim.yaml", generators=GENERATORS)
        lost = Tap(VirtualConnection(VirtualCard(profile)), removed_at=at)
        with pytest.raises(CardConnectionError), CardSession(lost, pin=Secret(b"1234")) as card:
            read_imsi(card)


def test_nothing_is_written_and_the_pin_is_presented_once() -> None:
    tapped = Tap(VirtualConnection(VirtualCard(load_profile(FIXTURES / "cards" / "usim.yaml", generators=GENERATORS))))
    with CardSession(tapped, pin=Secret(b"1234")) as card:
        read_imsi(card)
        read_imsi(card)
    assert len(tapped.presented) == 1
    assert {command[1] for command in tapped.commands} <= {0xA4, 0xB0, 0xB2, 0x20, 0xC0}
