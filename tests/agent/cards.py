"""Card profiles for the agent's tests, as URIs: the fixture's card and cards that differ from it in one thing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.cli.cards import PRIVATE_BOOTSTRAP, card_without_provisioning, changed_card

if TYPE_CHECKING:
    from pathlib import Path

ICCID: Final = "8988211000000430010"
OTHER_ICCID: Final = "8988211000000430028"
PIN: Final = "1234"
SECRET: Final = "a shared secret of 32 octets, ok"
OTHER_SECRET: Final = "another secret of 32 octets, ok."
ANOTHER_CARD: Final = (f'iccid: "{ICCID}"', f'iccid: "{OTHER_ICCID}"')
ANOTHER_SECRET: Final = (SECRET, OTHER_SECRET)
ANOTHER_ACCOUNT: Final = ("server_id: com.example.backup", "server_id: com.example.third")
BROKEN: Final = ('wbxml_version: "1.2"', 'wbxml_version: "1.1"')


class Cards:
    """Makes cards in a folder, each one in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    def usim(self, *changes: tuple[str, str]) -> str:
        return changed_card(self._new_folder(), *changes)

    def other(self, *changes: tuple[str, str]) -> str:
        """A card with another number."""
        return self.usim(ANOTHER_CARD, *changes)

    def private(self, *changes: tuple[str, str]) -> str:
        """A card whose accounts are behind a PIN."""
        return self.usim(PRIVATE_BOOTSTRAP, *changes)

    def empty(self) -> str:
        """A card that provisions nothing."""
        return card_without_provisioning(self._new_folder())

    def failing(self, apdu: int) -> str:
        """A card that answers an error to one command of each session."""
        return self.usim(("protocol: t1", f"protocol: t1\nfaults: {{wrong_sw_at: {{apdu: {apdu}, sw: 6F00}}}}"))

    def _new_folder(self) -> Path:
        self._count += 1
        folder = self._folder / f"card-{self._count}"
        folder.mkdir()
        return folder
