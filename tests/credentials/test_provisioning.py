"""What a tree is to hold of a card: "nothing is there" is one answer, "could not read" is none."""

from __future__ import annotations

import pytest

from smartcard_dm.card.session import CardSession
from smartcard_dm.credentials import read_credentials, read_provisioning
from smartcard_dm.errors import (
    CardConnectionError,
    CardNotFoundError,
    CardReadError,
    DecodeError,
    PinRequiredError,
    SmartcardDmError,
)
from tests.card.cards import (
    BROKEN_ODF,
    ICCID,
    NO_APPLICATION,
    NO_DIR,
    PRIVATE_BOOTSTRAP,
    Change,
    bootstrap_content,
    dodf,
    session,
    tap,
)

NOTHING = (NO_APPLICATION, NO_DIR)


def test_a_card_with_provisioning_data_gives_its_credentials() -> None:
    with session() as card, session() as other:
        assert read_provisioning(card) == read_credentials(other)


def test_a_card_that_says_it_has_no_application_provisions_nothing() -> None:
    with session(*NOTHING) as card:
        found = read_provisioning(card)
    assert found.identity is not None
    assert found.identity.iccid == ICCID
    assert (found.accounts, found.anchors, found.objects) == ((), (), ())
    [warning] = found.warnings
    assert warning.startswith("the card provisions nothing: no PKCS#15 application on this card")
    with session(*NOTHING) as card, pytest.raises(CardNotFoundError):
        read_credentials(card)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ((BROKEN_ODF,), CardReadError),
        ((PRIVATE_BOOTSTRAP,), PinRequiredError),
        ((bootstrap_content("{hex: 0302}"),), DecodeError),
        ((dodf('{oid: 2.23.43.7.1, path: "6439"}'),), CardReadError),
    ],
    ids=["an EF.ODF that is none", "behind a PIN", "a broken object", "an object whose file is not there"],
)
def test_a_card_that_could_not_be_read_is_an_error(changes: tuple[Change, ...], kind: type[SmartcardDmError]) -> None:
    with session(*changes) as card, pytest.raises(kind):
        read_provisioning(card)


def test_a_card_that_is_taken_away_is_an_error_at_every_moment() -> None:
    whole = tap(*NOTHING)
    read_provisioning(CardSession(whole))
    assert len(whole.commands) > 5
    for moment in range(len(whole.commands)):
        with pytest.raises(CardConnectionError):
            read_provisioning(CardSession(tap(*NOTHING, removed_at=moment)))
