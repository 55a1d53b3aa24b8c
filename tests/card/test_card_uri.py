"""Card URIs: which card, and why it cannot be opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from smartcard_dm.card_uri import CardUriError, open_card
from smartcard_dm.credentials import read_credentials
from smartcard_dm.errors import DecodeError, LimitExceededError
from smartcard_dm.limits import Limits
from smartcard_dm.secret import Secret
from tests.card.cards import FIXTURES

if TYPE_CHECKING:
    from pathlib import Path

USIM = f"profile:{FIXTURES / 'cards' / 'usim.yaml'}"


def test_a_profile_is_opened_as_a_card() -> None:
    with open_card(USIM) as card:
        found = read_credentials(card)
    assert [str(account.server_id) for account in found.accounts] == ["com.example.dms", "com.example.backup"]
    assert [anchor.names[0] for anchor in found.anchors] == ["com.example.dms"]
    assert found.warnings == ()


def test_pin_and_bounds_reach_the_card() -> None:
    with open_card(USIM, limits=Limits(card_file_octets=100)) as card, pytest.raises(LimitExceededError):
        read_credentials(card)
    with pytest.raises(ValueError, match="four to eight"):
        open_card(USIM, pin=Secret(b"1"))


@pytest.mark.parametrize("uri", ["", "profile:", "usim.yaml", "file:usim.yaml", "PROFILE:usim.yaml"])
def test_a_text_that_names_no_card_says_what_is_wanted(uri: str) -> None:
    with pytest.raises(CardUriError, match=r"wanted .*profile:FILE\.yaml"):
        open_card(uri)


def test_a_profile_that_is_missing_is_named() -> None:
    with pytest.raises(DecodeError, match=r"card profile at .*nowhere\.yaml: the file cannot be read"):
        open_card("profile:nowhere.yaml")


def test_a_profile_that_is_wrong_names_its_place(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("profile: 2\n")
    with pytest.raises(DecodeError) as caught:
        open_card(f"profile:{wrong}")
    assert caught.value.structure == "card profile"
    assert caught.value.place is not None
