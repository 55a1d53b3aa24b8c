"""The ladder to the PKCS#15 application on a card of class A0, and the paths below it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.card.session import CardSession
from smartcard_dm.credentials import read_accounts
from smartcard_dm.errors import CardNotFoundError, CardReadError
from tests.card.cards import (
    AID,
    NO_DIR,
    SIM,
    Change,
    Tap,
    beside,
    dir_records,
    dm_file,
    dm_object,
    dodf,
    inside,
    session,
    tap,
    template,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.parametrize("changes", [[], [NO_DIR]])
def test_a_card_without_the_application_has_nothing_there(changes: list[Change]) -> None:
    wire = tap(*SIM, ("df: 7F50", "df: 7F51"), *changes)
    with CardSession(wire) as card, pytest.raises(CardNotFoundError, match="no PKCS#15 application") as caught:
        read_accounts(card)
    assert "AID" not in str(caught.value)
    assert wire.opened_channels == 0


@pytest.mark.parametrize("sw", ["9804", "6F00", "9840", "6881", "9240"])
def test_a_directory_that_is_refused_may_hide_the_application(sw: str) -> None:
    def twist(command: bytes, answer: bytes) -> bytes:
        return bytes.fromhex(sw) if command[5:7] == b"\x7f\x50" else answer

    with session(*SIM, twist=twist) as card, pytest.raises(CardReadError, match=sw):
        read_accounts(card)


MOVED: Change = ("  - df: 7F50", "  - df: 5015")
IN_MASTER: Change = (
    "  # beside",
    "  - {ef: 5031, access: public, content: {odf: [{data_objects: 3F007F516430}]}}\n  # beside",
)


@pytest.mark.parametrize(
    ("changes", "way"),
    [
        ([], "path in EF.DIR"),
        ([dir_records(template(f'aid: {AID}, path: 3F007F50, odf_path: "5031"'))], "ODF path in EF.DIR"),
        ([dir_records(template(f"aid: {AID}"))], "path 3F00/7F50"),
        ([NO_DIR], "path 3F00/7F50"),
        ([NO_DIR, MOVED], "path 3F00/5015"),
        (
            [NO_DIR, IN_MASTER, ("  - df: 7F50", "  - df: 7F51"), dodf(dm_object("3F007F516431"))],
            "5031 below the master file",
        ),
    ],
)
def test_the_ladder_of_class_a0_begins_with_ef_dir(changes: list[Change], way: str) -> None:
    wire = tap(*SIM, *changes)
    with CardSession(wire) as card:
        assert [str(account.server_id) for account in read_accounts(card).accounts] == ["com.example.dms"]
        assert card.provisioning.way == way
    assert wire.opened_channels == wire.closed_channels == 0


def test_another_program_that_moves_the_card_hides_nothing() -> None:
    class Shared(Tap):
        """A reader in which another program has the card between our transactions."""

        depth = 0

        @contextmanager
        def transaction(self) -> Iterator[None]:
            if not self.depth:
                self._connection.transmit(bytes.fromhex("A0A40000023F00"))
                self._connection.transmit(bytes.fromhex("A0A40000027F10"))
                self._connection.transmit(bytes.fromhex("A0A40000025F01"))
            self.depth += 1
            try:
                yield
            finally:
                self.depth -= 1

    elsewhere = beside("df: 7F10, files: [{df: 5F01, files: []}]")
    record = dir_records(template(f"aid: {AID}, path: 3F007F51"))
    with CardSession(Shared(tap(*SIM, elsewhere, record, ("  - df: 7F50", "  - df: 7F51")))) as card:
        assert card.provisioning.way == "path in EF.DIR"


@pytest.mark.parametrize("path", ["6431", "3FFF6431", "7F506431", "3F007F506431"])
def test_every_form_of_a_path_leads_to_the_file(path: str) -> None:
    with session(*SIM, dodf(dm_object(path))) as card:
        origin = read_accounts(card).accounts[0].origin
        assert origin is not None
        assert origin.path == "7F50/6431"


def test_a_path_leads_below_and_elsewhere() -> None:
    below = inside(f"df: 5F01, files: [{{{dm_file('6431', 'com.example.below')}}}]")
    far = beside(f"df: 7F10, files: [{{{dm_file('6432', 'com.example.far')}}}]")
    objects = dodf(dm_object("5F016431"), dm_object("3F007F106432"), dm_object("6431"))
    with session(*SIM, below, far, objects) as card:
        found = [str(account.server_id) for account in read_accounts(card).accounts]
    assert found == ["com.example.below", "com.example.far", "com.example.dms"]
