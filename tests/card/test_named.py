"""One file or object of a card by its name, on cards of every generation."""

from __future__ import annotations

from pathlib import Path

import pytest

from smartcard_dm.card.named import NamedContent, read_named
from smartcard_dm.card_uri import open_card
from smartcard_dm.errors import CardNotFoundError, CardReadError, PinRequiredError
from smartcard_dm.secret import Secret

CARDS = Path(__file__).parents[2] / "fixtures" / "cards"


def read(name: str, card: str = "usim", *, pin: str | None = None) -> NamedContent:
    secret = Secret(pin.encode()) if pin else None
    with open_card(f"profile:{CARDS / f'{card}.yaml'}", pin=secret) as session:
        return read_named(session, name)


@pytest.mark.parametrize("card", ["usim", "sim", "uicc-2g", "ruim"])
@pytest.mark.parametrize("name", ["EF.ICCID", "ef.iccid", "2FE2", "3F00/2FE2"])
def test_a_file_below_the_master_file(card: str, name: str) -> None:
    found = read(name, card)
    assert (found.kind, found.place, found.secret) == ("file", "2FE2", False)
    with open_card(f"profile:{CARDS / f'{card}.yaml'}") as session:
        iccid = session.identity.iccid
    assert found.parts[0].hex().startswith("988812010000400")
    assert found.meaning == (iccid if name.upper().startswith("EF.") else "")


@pytest.mark.parametrize("card", ["usim", "sim", "uicc-2g", "ruim"])
def test_the_imsi_is_behind_the_pin(card: str) -> None:
    with pytest.raises(PinRequiredError):
        read("EF.IMSI", card)
    assert read("EF.IMSI", card, pin="1234").meaning == "001010123456789"


@pytest.mark.parametrize("card", ["usim", "sim", "uicc-2g", "ruim"])
def test_the_directory_of_the_provisioning_application(card: str) -> None:
    by_name, by_path = read("EF.ODF", card), read("7F50/5031", card)
    assert by_name.parts == by_path.parts
    assert by_name.parts[0].startswith(b"\xa7\x06\x30\x04\x04\x02\x64\x30")


def test_a_file_with_records_comes_record_by_record() -> None:
    found = read("EF.DIR")
    assert [len(part) for part in found.parts] == [48] * 4
    assert found.parts[0].startswith(b"\x61\x18\x4f\x10")


@pytest.mark.parametrize("name", ["DM bootstrap", "2.23.43.7.1", "7F50/6431"])
@pytest.mark.parametrize("card", ["usim", "sim", "uicc-2g", "ruim"])
def test_what_holds_accounts_is_marked_as_secret_by_whatever_name(card: str, name: str) -> None:
    found = read(name, card)
    assert found.secret
    assert b"shared secret" in found.parts[0]


@pytest.mark.parametrize("name", ["com.example.dms", "7F50/6441"])
def test_a_trusted_certificate_is_no_secret(name: str) -> None:
    found = read(name)
    assert not found.secret
    assert found.parts[0].startswith(b"\x30\x82")


def test_client_provisioning_is_secret_too() -> None:
    with open_card(f"profile:{CARDS / 'cp.yaml'}") as card:
        places = [placed.place for placed in card.provisioning.data_objects]
        found = [read_named(card, place) for place in places]
    assert found
    assert all(each.secret for each in found)


@pytest.mark.parametrize(
    "name", ["EF.NOPE", "com.example.nobody", "2.23.43.7.9", "7F50/9999", "", "7F50/64310", "\x00"]
)
def test_what_is_not_there_is_not_found(name: str) -> None:
    with pytest.raises(CardNotFoundError):
        read(name)


@pytest.mark.parametrize("name", ["7F50", "3F00"])
def test_a_directory_has_no_content(name: str) -> None:
    with pytest.raises(CardReadError, match="is a directory"):
        read(name)
