"""Card URIs: which card, and why it cannot be opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from smartcard_dm import card_uri
from smartcard_dm.card_uri import CardUriError, UriForm, open_card
from smartcard_dm.credentials import read_credentials
from smartcard_dm.errors import CardConnectionError, DecodeError, LimitExceededError
from smartcard_dm.limits import Limits
from smartcard_dm.secret import Secret
from tests.card.cards import FIXTURES, PROFILE, profile
from vendor_pcsc.errors import ReaderError
from vendor_pcsc.virtual import VirtualCard, VirtualConnection

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


@pytest.mark.parametrize("name", ["nowhere.yaml", "."])
def test_a_profile_that_cannot_be_read_is_no_card(name: str) -> None:
    with pytest.raises(CardConnectionError, match=r"card profile .* cannot be read: "):
        open_card(f"profile:{name}")


def profile_with(tmp_path: Path, text: str) -> str:
    file = tmp_path / "small.yaml"
    file.write_text(PROFILE.replace("name: small", f"name: small\n{text}"))
    return f"profile:{file}"


def test_the_faults_of_a_profile_are_those_of_its_card(tmp_path: Path) -> None:
    with open_card(profile_with(tmp_path, "faults: {remove_at: 3}")) as card:
        assert card.identity.iccid
        with pytest.raises(CardConnectionError):
            read_credentials(card)


def test_a_card_to_swap_in_that_is_missing_is_a_fault_of_the_profile(tmp_path: Path) -> None:
    with pytest.raises(DecodeError, match="faults"):
        open_card(profile_with(tmp_path, "faults: {swap_at: {apdu: 3, profile: nowhere.yaml}}"))


class Opened(VirtualConnection):
    """A connection that remembers whether it was closed."""

    closed = False

    def close(self) -> None:
        self.closed = True
        super().close()


def test_other_forms_are_found_by_their_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def connect(rest: str) -> VirtualConnection:
        asked.append(rest)
        if rest == "gone":
            raise ReaderError("no such reader")
        return opened

    opened = Opened(VirtualCard(profile()))
    monkeypatch.setattr(card_uri, "FORMS", (*card_uri.FORMS, UriForm("reader", "NAME", connect, may_be_empty=True)))
    with open_card("reader:") as card:
        assert card.identity.iccid
    with open_card("reader:Some reader: 00"):
        pass
    with pytest.raises(CardConnectionError, match="no such reader"):
        open_card("reader:gone")
    assert asked == ["", "Some reader: 00", "gone"]
    with pytest.raises(CardUriError, match=r"wanted .*profile:FILE\.yaml, .*or reader: or reader:NAME"):
        open_card("nowhere:x")
    opened.closed = False
    with pytest.raises(ValueError, match="four to eight"):
        open_card("reader:", pin=Secret(b"1"))
    assert opened.closed


def test_a_profile_that_is_wrong_names_its_place(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("profile: 2\n")
    with pytest.raises(DecodeError) as caught:
        open_card(f"profile:{wrong}")
    assert caught.value.structure == "card profile"
    assert caught.value.place is not None
